"""Bytes of every kernel against sets of the elements that loops read and write."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Rational

from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Architecture, Conventions, attention_stages, feedforward_stages, head_kernel
from analysis.derive.einsum import Kernel
from analysis.derive.symbols import L, S_passes, causal, l, width_activations, width_kv, width_weights

from .loops import Tally, run, visible_pairs
from .small import GROUPING, ORDERED, ORDERED_IDS, ROPE, ROPE_KEY, few, number, points

CACHED = {"MHA": {"k", "v"}, "GQA": {"k", "v"}, "MLA": {"c_KV", "k_R"}, "MLA_direct": {"c_KV", "k_R"}}


def width(name: str, cache: set, point: dict) -> Fraction:
    if name.removesuffix("_new") in cache:  # rows appended to the cache are stored as it is
        return point[width_kv]
    return point[width_weights if name.startswith("W_") else width_activations]


def bytes_touched(tally: Tally, cache: set, point: dict, spilled: bool) -> int:
    outside = sum(width(name, cache, point) for name in tally.crossing)
    scores = sum(point[width_activations] for name in tally.inside if name == "S")
    return outside + (scores * point[S_passes] if spilled else 0)


@pytest.mark.parametrize("grouping", GROUPING)
@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(rope=st.sampled_from(ROPE), rope_key=st.sampled_from(ROPE_KEY), masked=st.booleans(), point=points())
def test_attention_moves_the_elements_that_loops_touch(mechanism, order, grouping, rope, rope_key, masked, point):
    point[l] = min(point[l], point[L])
    point[causal] = Rational(visible_pairs(point), point[l] * point[L]) if masked else 1
    cache = {tensor.name for tensor in mechanism.cache}
    for stage, kernels in attention_stages(mechanism, Conventions(order, grouping, rope, rope_key)).items():
        spilled = grouping == "spilled" and stage == "core"
        for kernel in kernels:
            touched = run(kernel.lines, point, causal=masked)
            assert number(kernel.bytes, point) == bytes_touched(touched, cache, point, spilled), kernel.name


@pytest.mark.parametrize("grouping", GROUPING)
@pytest.mark.parametrize("ffn", ["gated", "plain"])
@few
@given(point=points(causal=1))
def test_feedforward_moves_the_elements_that_loops_touch(ffn, grouping, point):
    stages = feedforward_stages(Architecture("MHA", ffn, dense=True, experts=True, shared=True), grouping)
    assert set(stages) == {"dense", "routed", "shared", "router"}
    for kernel in [k for stage in stages.values() for k in stage] + [head_kernel()]:
        touched = run(kernel.lines, point)
        assert number(kernel.bytes, point) == bytes_touched(touched, set(), point, spilled=False), kernel.name


@pytest.mark.parametrize("name", CACHED)
def test_kinds_of_tensors(name):
    """Weights and cache entries are what the paper calls so, in every order; the rest are activations."""
    mechanism = MECHANISMS[name]
    assert {tensor.name for tensor in mechanism.cache} == CACHED[name]
    for order in mechanism.orders:
        for stage in attention_stages(mechanism, Conventions(order)).values():
            for tensor in (t for kernel in stage for t in kernel.tensors.values()):
                expected = "weights" if tensor.name.startswith("W_") else "activations"
                assert tensor.kind == ("kv" if tensor.name.removesuffix("_new") in CACHED[name] else expected), tensor


@pytest.mark.parametrize("order", MECHANISMS["MLA"].orders)
def test_fused_core_reads_its_cache_once(order):
    """One kernel: c_KV serves scores and context by one reading, and S never leaves the chip."""
    (kernel,) = attention_stages(MECHANISMS["MLA"], Conventions(order))["core"]
    names = [tensor.name for tensor in kernel.boundary]
    expected = {
        "as_printed": ["k", "k_copy", "o", "q_N", "q_R", "v"],
        "reordered": ["c_KV", "k_R", "o_C", "q_C", "q_R"],
    }
    assert names == expected[order]


def test_shared_rope_key_is_read_from_the_cache():
    """rope_key=shared: the as-printed core reads the one key, not a copy per head."""
    (kernel,) = attention_stages(MECHANISMS["MLA"], Conventions("as_printed", rope_key="shared"))["core"]
    assert "k_copy" not in kernel.tensors
    assert kernel.tensors["k_R"].kind == "kv"


def test_a_spilled_tensor_crosses_once_unless_told_otherwise():
    stage = MECHANISMS["MHA"].stages()["core"]
    scores = stage[0].made.bytes
    fused, once = Kernel("core", stage), Kernel("core", stage, ("S",))
    twice = Kernel("core", stage, ("S",), Integer(2))
    assert (once.bytes - fused.bytes - scores).expand() == 0
    assert (twice.bytes - fused.bytes - 2 * scores).expand() == 0
