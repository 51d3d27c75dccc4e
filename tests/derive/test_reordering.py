"""Where the contraction orders cross: equal there, reordering cheaper below and dearer above."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational

from analysis.derive.attention import MHA, MLA
from analysis.derive.block import Conventions, bytes_moved, flops
from analysis.derive.reordering import (
    affected,
    both_orders,
    crossing_in_bytes,
    crossing_in_flops,
    crossing_in_time,
    limits,
    regimes,
    time_in_regime,
)
from analysis.derive.roofline import time
from analysis.derive.symbols import BW_mem, L, P_acc, S_passes, causal, d_KVco, d_nope, d_v, l

from .small import AXES, GROUPING, ROPE, ROPE_KEY, few, number, points

CONVENTIONS = [Conventions(grouping=g, rope=r, rope_key=k) for g in GROUPING for r in ROPE for k in ROPE_KEY]
IDS = [f"{c.grouping}-rope_{c.rope}-{c.rope_key}" for c in CONVENTIONS]
RATES = {P_acc: st.integers(1, 400).map(Integer), BW_mem: st.just(Integer(1))}
SIZES = {
    "B": 128,
    "L": 4096,
    "n_hd": 128,
    "d_nope": 128,
    "d_v": 128,
    "d_RoPE": 64,
    "d_KVco": 512,
    "causal": 1,
    "width_weights": 2,
    "width_kv": 2,
    "width_activations": 2,
}
CROSSING = {
    flops: cache(lambda conventions: crossing_in_flops(MLA, conventions)),
    bytes_moved: cache(lambda conventions: crossing_in_bytes(MLA, conventions)),
}
R1 = {axis: SIZES[axis.name] for axis in AXES if axis.name in SIZES}


def total_time(kernels: tuple) -> Expr:
    """Roofline time of kernels run one after another."""
    return sum(time(kernel) for kernel in kernels)


@cache
def difference(count, conventions: Conventions) -> tuple[Expr, Expr]:
    orders = both_orders(MLA, conventions)
    return count(orders["reordered"]), count(orders["as_printed"])


def excess(count, conventions: Conventions, point: dict, length) -> Rational:
    """What reordering costs more than the printed order at a query length."""
    reordered, printed = (number(cost, point | {l: length}) for cost in difference(count, conventions))
    return reordered - printed


def check_crossing(count, crossing: Expr, conventions: Conventions, point: dict) -> None:
    """Both costs are lines in l. Where reordering's rises slower, there is no crossing at any positive length."""
    rise = excess(count, conventions, point, 1) - excess(count, conventions, point, 0)
    if rise == 0:
        return
    length = number(crossing, point)
    assert excess(count, conventions, point, length) == 0
    assert excess(count, conventions, point, length - 1) * rise < 0
    assert excess(count, conventions, point, length + 1) * rise > 0
    if rise < 0:
        assert length < 0
        assert excess(count, conventions, point, 1) < 0


@pytest.mark.parametrize("conventions", CONVENTIONS, ids=IDS)
@few
@given(point=points(high=9))
def test_flops_cross_at_the_closed_form(conventions, point):
    check_crossing(flops, CROSSING[flops](conventions), conventions, point)


@pytest.mark.parametrize("conventions", CONVENTIONS, ids=IDS)
@few
@given(point=points(high=9))
def test_bytes_cross_at_the_closed_form(conventions, point):
    check_crossing(bytes_moved, CROSSING[bytes_moved](conventions), conventions, point)


def test_the_limit_of_the_crossing_for_r1():
    """512/3 tokens in an endless context, all pairs computed; half the pairs, twice the length."""
    limit = limits(crossing_in_flops(MLA), [L])
    assert limit.subs(R1) == Rational(512, 3)
    assert limit.subs(R1 | {causal: Rational(1, 2)}) == Rational(1024, 3)
    assert L not in limit.free_symbols


def test_the_limit_of_the_crossing_by_hand():
    """Per context token: decompression costs d_KVco (d_nope + d_v), a query saves (2 d_KVco - d_nope - d_v) without."""
    for point in ({d_KVco: 10, d_nope: 3, d_v: 4, causal: 1}, {d_KVco: 512, d_nope: 192, d_v: 256, causal: 1}):
        wide, narrow = point[d_KVco], point[d_nope] + point[d_v]
        assert limits(crossing_in_flops(MLA), [L]).subs(point) == Rational(wide * narrow, 2 * wide - narrow)


def test_decode_is_below_and_prefill_above_the_crossings_of_r1():
    for crossing in (crossing_in_flops(MLA), crossing_in_bytes(MLA)):
        length = number(crossing, R1)
        assert 1 < length < R1[L]
        assert excess(flops, Conventions(), R1, 1) < 0 < excess(flops, Conventions(), R1, R1[L])


def test_affected_kernels_are_decompression_and_core():
    orders = both_orders(MLA)
    assert [k.name for k in orders["as_printed"]] == ["decompression: k", "decompression: v", "core"]
    assert [k.name for k in orders["reordered"]] == ["decompression: q_C", "decompression: o", "core"]
    assert list(both_orders(MHA)) == ["as_printed"]
    assert [k.name for k in affected(MHA, Conventions())] == ["core"]


@cache
def regime_times(order: str) -> tuple[Expr, ...]:
    kernels = both_orders(MLA)[order]
    return tuple(time_in_regime(kernels, regime) for regime in regimes(kernels))


@pytest.mark.parametrize("order", MLA.orders)
@few
@given(point=points(high=9), rates=st.fixed_dictionaries(RATES))
def test_time_is_the_longest_of_all_regimes(order, point, rates):
    kernels, point = both_orders(MLA)[order], point | rates
    every = [number(form, point) for form in regime_times(order)]
    assert len(every) == 2 ** len(kernels)
    assert max(every) == sum(
        max(number(k.flops, point) / rates[P_acc], number(k.bytes, point) / rates[BW_mem]) for k in kernels
    )


def bisected(conventions: Conventions, point: dict) -> Rational:
    """A length, within 2^-24 of the context, at which reordering stops being faster."""
    low, high = Rational(0), Rational(point[L])
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(total_time, conventions, point, middle) < 0 else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize("ridge", [1, 100, 281, 2000], ids="ridge {}".format)
@pytest.mark.parametrize("grouping", GROUPING)
def test_times_cross_at_the_closed_form_of_their_regime(ridge, grouping):
    """Found by bisecting roofline times, in whatever regime; the closed form of that regime gives equal times."""
    conventions = Conventions(grouping=grouping)
    point = R1 | {P_acc: ridge, BW_mem: 1, S_passes: 1}
    assert excess(total_time, conventions, point, 1) < 0 < excess(total_time, conventions, point, point[L])
    found = bisected(conventions, point)
    regime = {
        order: {k.name: number(k.intensity, point | {l: found}) > ridge for k in kernels}
        for order, kernels in both_orders(MLA, conventions).items()
    }
    length = number(crossing_in_time(MLA, regime["as_printed"], regime["reordered"], conventions), point)
    assert abs(length - found) < Rational(point[L], 2**23)
    assert excess(total_time, conventions, point, length) == 0


def test_a_memory_bound_crossing_in_time_is_the_one_in_bytes():
    """And an arithmetic-bound one that in FLOPs, as the rates cancel."""
    orders = both_orders(MLA).values()
    for bound, count in ((False, bytes_moved), (True, flops)):
        regime = [dict.fromkeys((k.name for k in kernels), bound) for kernels in orders]
        in_time = crossing_in_time(MLA, *regime)
        assert in_time.free_symbols.isdisjoint({P_acc, BW_mem})
        assert (in_time - CROSSING[count](Conventions())).simplify() == 0
