"""Parallelism as substitution: whole-system totals are kept, and what has no divided axis is replicated."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Max, Rational

from analysis.derive.attention import GQA, MHA, MLA
from analysis.derive.block import Architecture, Conventions, attention_stages, feedforward_stages, head_kernel
from analysis.derive.parallel import decode, sharded
from analysis.derive.symbols import (
    B,
    T_e,
    d_FFN,
    d_shared,
    deg_DP,
    deg_EP,
    deg_grp,
    deg_TP,
    l,
    n_acc,
    n_act,
    n_hd,
    n_kv,
    n_vocab,
    width_activations,
    width_kv,
    width_weights,
)

from .small import few, number, points

DIVIDED = {n_hd, n_kv, d_FFN, d_shared, n_vocab}
DEGREES = st.fixed_dictionaries({deg_TP: st.sampled_from([1, 2, 4]), deg_DP: st.sampled_from([1, 2, 3])})
# Sizes that any of these degrees divides, so that every share is a whole number.
WHOLE = points(causal=1, high=2).map(
    lambda point: {axis: 12 * size if axis in DIVIDED | {B} else size for axis, size in point.items()}
)
KERNELS = {
    f"{name} {order} {kernel.name}": kernel
    for name, mechanism in (("MHA", MHA), ("GQA", GQA), ("MLA", MLA))
    for order in mechanism.orders
    for stage in attention_stages(mechanism, Conventions(order, "layered")).values()
    for kernel in stage
}
KERNELS |= {
    kernel.name: kernel
    for stage, kernels in feedforward_stages(Architecture("MHA", experts=True, shared=True), "layered").items()
    for kernel in kernels
} | {"head": head_kernel()}


@cache
def share_of(kernel):
    """The part of one accelerator."""
    return kernel.at(sharded())


def on_all(kernel, point) -> tuple:
    """Summed FLOPs and bytes of all accelerators."""
    share = share_of(kernel)
    return tuple(number(count, point) * point[n_acc] for count in (share.flops, share.bytes))


def only(point: dict, width) -> dict:
    """The same point with one kind of tensor having a width, so that bytes count its elements alone."""
    return point | {w: Integer(w == width) for w in (width_weights, width_kv, width_activations)}


@pytest.mark.parametrize("name", [name for name in KERNELS if not name.startswith("routed")])
@few
@given(point=WHOLE, degrees=DEGREES)
def test_flops_of_all_accelerators_are_those_of_one(name, point, degrees):
    """A line without heads or hidden width (the latent's projections) is repeated by every member of a TP group."""
    kernel, point = KERNELS[name], point | degrees | {n_acc: degrees[deg_TP] * degrees[deg_DP]}
    repeated = 1 if DIVIDED & kernel.lines[0].axes else degrees[deg_TP]
    assert on_all(kernel, point)[0] == repeated * number(kernel.flops, point)


@pytest.mark.parametrize("name", [name for name in KERNELS if not name.startswith("routed")])
@few
@given(point=WHOLE, degrees=DEGREES)
def test_weights_are_divided_by_tp_and_replicated_by_dp(name, point, degrees):
    kernel = KERNELS[name]
    point = only(point | degrees | {n_acc: degrees[deg_TP] * degrees[deg_DP]}, width_weights)
    repeated = 1 if DIVIDED & kernel.lines[0].axes else degrees[deg_TP]
    assert on_all(kernel, point)[1] == degrees[deg_DP] * repeated * number(kernel.bytes, point)


@pytest.mark.parametrize(
    ("mechanism", "replicated"), [(MHA, False), (GQA, False), (MLA, True)], ids=["MHA", "GQA", "MLA"]
)
@few
@given(point=WHOLE, degrees=DEGREES)
def test_tp_divides_the_cache_of_heads_and_copies_the_latent(mechanism, replicated, point, degrees):
    (core,) = attention_stages(mechanism, Conventions("reordered"))["core"]
    point = only(point | degrees | {n_acc: degrees[deg_TP] * degrees[deg_DP]}, width_kv)
    copies = degrees[deg_TP] if replicated else 1
    assert on_all(core, point)[1] == copies * number(core.bytes, point)


@few
@given(point=WHOLE, heads=st.sampled_from([1, 2, 4, 8]), tp=st.sampled_from([1, 2, 4, 8, 16]))
def test_key_value_heads_are_replicated_beyond_their_number(point, heads, tp):
    """TP beyond n_kv splits the query heads of a group: the cache is then held tp / n_kv times, the FLOPs stay."""
    (core,) = attention_stages(GQA)["core"]
    point = point | {n_kv: heads, deg_grp: 16, deg_TP: tp, deg_DP: 1, n_acc: tp}
    share = sharded()
    query_heads = number((n_kv * deg_grp).xreplace(share), point)
    assert query_heads * tp == heads * 16
    assert number(n_kv.xreplace(share), point) == max(1, Rational(heads, tp))
    assert on_all(core, point)[0] == number(core.flops, point)
    cache = only(point, width_kv)
    assert on_all(core, cache)[1] == max(1, Rational(tp, heads)) * number(core.bytes, cache)


@pytest.mark.parametrize("name", ["GQA as_printed core: S", "routed: y"])
def test_the_substitution_is_simultaneous(name):
    """Values that mention divided symbols (B in n_act, n_kv in deg_grp) keep meaning the whole system's."""
    forward = dict(sharded().items())
    backward = dict(reversed(sharded().items()))
    assert KERNELS[name].at(forward) == KERNELS[name].at(backward)
    one_after_another = KERNELS[name].flops.subs(list(backward.items()))
    assert one_after_another != KERNELS[name].at(forward).flops


def test_values_of_the_substitution_speak_of_the_whole_system():
    share = sharded()
    assert share[n_kv] == Max(1, n_kv / deg_TP)
    assert not {deg_DP, deg_TP} & (share[n_act].free_symbols | share[T_e].free_symbols)


def test_every_divided_axis_loses_its_degree_once():
    degrees = {deg_TP: 4, deg_DP: 2, deg_EP: 8, n_acc: 8}
    share = {axis: value.subs(degrees) for axis, value in sharded().items()}
    assert share[B] == B / 2
    assert all(share[axis] == axis / 4 for axis in (n_hd, d_FFN, d_shared, n_vocab))
    assert decode() == {l: 1}
