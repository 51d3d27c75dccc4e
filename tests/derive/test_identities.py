"""Identities that hold whatever the sizes: units, phases, special cases of the mechanisms, ordered groupings."""

import pytest
from hypothesis import given
from sympy import Rational, Symbol, simplify, summation

from analysis.derive.attention import GQA, MHA, MLA, MLA_direct
from analysis.derive.block import Architecture, Conventions, attention_stages, bytes_moved, feedforward_stages, flops
from analysis.derive.einsum import Counts
from analysis.derive.reordering import limits
from analysis.derive.roofline import ridge_point, time
from analysis.derive.symbols import (
    B,
    BW_mem,
    L,
    P_acc,
    S_passes,
    causal,
    d_hd,
    d_KVco,
    d_RoPE,
    d_v,
    deg_grp,
    l,
    n_hd,
    n_kv,
    width_activations,
    width_kv,
    width_weights,
)

from .small import ORDERED, ORDERED_IDS, few, number, points

WIDTHS = (width_weights, width_kv, width_activations)
TWO_BYTES = dict.fromkeys(WIDTHS, 2)
every_order = pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)


def stage(mechanism, name: str, order: str = "as_printed", grouping: str = "fused", rope: str = "in") -> tuple:
    return attention_stages(mechanism, Conventions(order, grouping, rope))[name]


def kernels(mechanism, order: str) -> tuple:
    stages = attention_stages(mechanism, Conventions(order))
    return tuple(kernel for found in stages.values() for kernel in found)


@every_order
def test_bytes_follow_the_widths_and_flops_do_not(mechanism, order):
    doubled = {width: 2 * width for width in WIDTHS}
    for kernel in kernels(mechanism, order):
        scaled = kernel.at(doubled)
        assert (scaled.bytes - 2 * kernel.bytes).expand() == 0
        assert scaled.flops == kernel.flops
        assert simplify(scaled.intensity - kernel.intensity / 2) == 0
        assert kernel.bytes.xreplace(dict.fromkeys(WIDTHS, Rational(0))) == 0


@every_order
@few
@given(point=points())
def test_time_does_not_depend_on_units(mechanism, order, point):
    """Work and rates in another unit of FLOP and byte, or of seconds: the same time, or one in the new seconds."""
    for kernel in kernels(mechanism, order):
        work, moved = number(kernel.flops, point), number(kernel.bytes, point)
        seconds = roofline(work, moved, Rational(7), Rational(3, 2))
        assert seconds == roofline(5 * work, 3 * moved, 5 * Rational(7), 3 * Rational(3, 2))
        assert seconds == 60 * roofline(work, moved, 60 * Rational(7), 60 * Rational(3, 2))


def roofline(work, moved, peak, bandwidth):
    return time(Counts("any", work, moved)).xreplace({P_acc: peak, BW_mem: bandwidth})


@every_order
@few
@given(point=points())
def test_a_kernel_waits_for_the_slower_of_the_two(mechanism, order, point):
    ridge = ridge_point().xreplace({P_acc: Rational(8), BW_mem: Rational(1)})
    for kernel in kernels(mechanism, order):
        work, moved = number(kernel.flops, point), number(kernel.bytes, point)
        limited_by = moved if work / moved < ridge else work / 8
        assert roofline(work, moved, Rational(8), Rational(1)) == limited_by


@every_order
def test_flops_grow_with_the_batch_and_so_do_all_bytes_but_the_weights(mechanism, order):
    for kernel in kernels(mechanism, order):
        assert (kernel.flops.subs(B, 2 * B) - 2 * kernel.flops).expand() == 0
        weights = sum(tensor.bytes for tensor in kernel.boundary if tensor.kind == "weights")
        per_request = (kernel.bytes - weights).expand()
        assert (per_request.subs(B, 2 * B) - 2 * per_request).expand() == 0


@every_order
def test_the_causal_share_scales_the_core_and_nothing_else(mechanism, order):
    for name, found in attention_stages(mechanism, Conventions(order)).items():
        total = flops(found)
        assert (total.diff(causal) * causal - total).expand() == 0 if name == "core" else not total.has(causal)


@every_order
def test_causal_prefill_of_the_core_is_the_sum_of_its_decode_steps(mechanism, order):
    total = flops(stage(mechanism, "core", order))
    length = Symbol("length", positive=True, integer=True)
    token = Symbol("token", positive=True, integer=True)
    prefill = total.subs({l: length, L: length, causal: (length + 1) / (2 * length)})
    decode = total.subs({l: 1, L: token, causal: 1})
    assert simplify(prefill - summation(decode, (token, 1, length))) == 0


@every_order
@pytest.mark.parametrize("name", ["projections", "output"])
def test_prefill_of_the_weight_layers_is_decode_for_every_token(mechanism, order, name):
    total = flops(stage(mechanism, name, order))
    assert (total.subs(l, L) - L * total.subs(l, 1)).expand() == 0


@pytest.mark.parametrize("name", ["projections", "core", "output"])
def test_gqa_with_one_head_per_group_costs_what_mha_costs(name):
    one_each = {deg_grp: Rational(1), n_kv: n_hd}
    for grouped, plain in zip(stage(GQA, name), stage(MHA, name), strict=True):
        assert grouped.at(one_each) == plain.at({})


def test_reordered_mla_is_one_wide_key_value_head_read_once():
    """Without RoPE it costs the FLOPs of GQA with a single head of width d_KVco, which also serves as the values."""
    (latent,) = stage(MLA, "core", "reordered", rope="out")
    single = stage(GQA, "core")[0].at({n_kv: Rational(1), deg_grp: n_hd, d_hd: d_KVco})
    assert latent.flops == single.flops
    assert (single.bytes - latent.bytes - B * L * d_KVco * width_kv).expand() == 0


def test_query_compression_changes_the_projections_alone():
    for order in MLA.orders:
        with_it, without = (attention_stages(m, Conventions(order)) for m in (MLA, MLA_direct))
        assert {name for name in with_it if with_it[name] != without[name]} == {"projections"}


@pytest.mark.parametrize(
    ("mechanism", "order", "limit"),
    [
        (MHA, "as_printed", 1),
        (GQA, "as_printed", deg_grp),
        (MLA, "reordered", n_hd * (2 * d_KVco + d_RoPE) / (d_KVco + d_RoPE)),
        (MLA, "as_printed", 1),
    ],
    ids=["MHA", "GQA", "MLA reordered", "MLA as printed"],
)
def test_fused_decode_intensity_of_a_long_context(mechanism, order, limit):
    """Two bytes, every operand charged: the heads that share a cache entry, times how often its elements serve."""
    (core,) = stage(mechanism, "core", order)
    decode = core.intensity.xreplace(TWO_BYTES).subs({l: 1, causal: 1})
    assert simplify(limits(decode, [L, B]) - limit) == 0


@pytest.mark.parametrize("mechanism", [MHA, GQA], ids=lambda m: m.name)
def test_layered_is_spilled_with_a_write_and_a_read(mechanism):
    spilled, layered = (bytes_moved(stage(mechanism, "core", grouping=g)) for g in ("spilled", "layered"))
    assert (spilled.subs(S_passes, 2) - layered).expand() == 0


@every_order
@few
@given(point=points(causal=1))
def test_every_grouping_computes_the_same_and_fusing_more_moves_less(mechanism, order, point):
    fused, spilled, layered = (stage(mechanism, "core", order, g) for g in ("fused", "spilled", "layered"))
    assert flops(fused) == flops(spilled) == (flops(layered)).expand()
    moved = [number(bytes_moved(found), point | {S_passes: 1}) for found in (fused, spilled, layered)]
    assert moved == sorted(moved)
    assert moved[0] < moved[1]


def test_feedforward_layers_have_their_textbook_costs():
    """Two FLOPs per token and weight: 4 h f of two matrices, 6 h f of three."""
    for ffn, matrices in (("plain", 2), ("gated", 3)):
        (dense,) = feedforward_stages(Architecture("MHA", ffn))["dense"]
        elements = sum(t.elements for t in dense.boundary if t.kind == "weights")
        assert dense.flops == 2 * B * l * elements
        assert len([t for t in dense.boundary if t.kind == "weights"]) == matrices
        assert {t.name for t in dense.boundary if t.kind == "activations"} == {"x", "y"}


def test_values_and_keys_may_differ_in_width():
    (core,) = stage(MLA, "core", "as_printed")
    assert core.flops.coeff(d_v) == 2 * B * L * causal * l * n_hd
