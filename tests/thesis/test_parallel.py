"""Proposition (d): by algebra, and against the full model on both sides of every flip."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import simplify

from analysis.derive.attention import MECHANISMS
from analysis.derive.statements import proof_of_tensor as proofs
from analysis.derive.symbols import P_acc, deg_TP
from analysis.render.proofs import REORDERED
from analysis.thesis import tensor_parallel
from analysis.thesis.full import terms_at

from . import points

R1 = points.setting("deepseek-v3")


def test_tensor_parallelism_keeps_the_work_and_multiplies_the_cache():
    steps = proofs.core_under_tensor_parallelism(MECHANISMS["MLA"], REORDERED)
    assert simplify(steps[1].form) == 1
    assert simplify(steps[3].form - deg_TP) == 0
    assert simplify(steps[4].form - 1 / deg_TP) == 0


@pytest.mark.parametrize("degree", [2, 4, 8])
@pytest.mark.parametrize("context", [1024.0, 8192.0, 65536.0])
def test_the_closed_flip_is_that_of_the_full_model_and_flips(degree, context):
    closed, full = tensor_parallel.even_batch(R1, degree, context)
    assert closed == pytest.approx(full, rel=1e-6)
    below, above = tensor_parallel.attention_change(R1, [0.95 * full, 1.05 * full], degree, context)
    assert below < 0 < above


@given(st.sampled_from([2, 4, 8]), points.contexts, st.floats(32, 4096))
def test_the_core_of_the_full_model_never_gets_faster_under_tensor_parallelism(degree, context, batch):
    alone, divided = (float(terms_at(R1.with_(deg_TP=each), batch, context)["core_attention"]) for each in (1, degree))
    assert divided >= alone * (1 - 1e-12)


# -- the full model of a token's time --------------------------------------------------------------
systems = st.builds(
    lambda model, device, count: points.setting("deepseek-v3", device, count).with_(model=model),
    st.sampled_from(("deepseek-v2", "deepseek-v3", "kimi-k2")),
    st.sampled_from(points.DEVICES),
    st.sampled_from((32, 64, 128)),
)
degrees = st.sampled_from((2, 4, 8))
ATTENTION = ("attention_projections", "kv_decompression", "core_attention")


def attention_part(system, batch: float, L: float, replaced: dict | None = None) -> float:
    """What TPOT spends on attention in one block [s]: three terms, and its share of all-reduces of equal size.

    All-reduces follow attention in every block, and the dense layer or the shared expert in every block too.
    """
    found = terms_at(system, batch, L, replaced)
    return float(sum(found[name] for name in ATTENTION) + found["all_reduce"] / 2) / system.model.n_dec


@settings(max_examples=40)
@given(systems, degrees, points.contexts, st.floats(0.02, 1))
def test_what_tensor_parallelism_adds_is_what_it_adds_to_the_full_model(system, degree, context, share):
    batch = share * points.full(system, context)[0]
    assume(batch >= 1)
    divided, alone = (attention_part(system.with_(deg_TP=each), batch, context) for each in (degree, 1))
    assert tensor_parallel.attention_change(system, batch, degree, context) == pytest.approx(
        divided - alone, rel=1e-6, abs=1e-9 * alone
    )


@settings(max_examples=40)
@given(systems, degrees, points.contexts, st.floats(0.2, 5))
def test_waiting_for_memory_it_pays_below_the_closed_batch_and_only_there(system, degree, context, off):
    """Endless arithmetic, so that every layer waits: the sign of the change in the full model turns at the flip."""
    assume(abs(off - 1) > 0.01)
    batch = tensor_parallel.even_batch(system, degree, context)[0] * off
    assume(batch > 0)
    divided, alone = (attention_part(system.with_(deg_TP=each), batch, context, {P_acc: 1e40}) for each in (degree, 1))
    assert (divided < alone) == (off < 1)


@settings(max_examples=40)
@given(systems, degrees, points.contexts, st.floats(0.1, 10))
def test_in_the_full_model_it_pays_below_the_solved_batch_and_only_there(system, degree, context, off):
    assume(abs(off - 1) > 0.01)
    flip = tensor_parallel.even_batch(system, degree, context)[1]
    assume(flip is not None)
    divided, alone = (attention_part(system.with_(deg_TP=each), flip * off, context) for each in (degree, 1))
    assert (divided < alone) == (off < 1)
