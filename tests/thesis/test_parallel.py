"""Propositions (d) and (g): by algebra, and against the full model on both sides of every flip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Float, simplify

from analysis.derive.attention import MECHANISMS
from analysis.derive.symbols import deg_TP, l
from analysis.derive.thesis import parallel as proofs
from analysis.evaluate.thesis import parallel
from analysis.evaluate.thesis.full import terms_at
from analysis.render.proofs import REORDERED

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
    closed, full = parallel.even_batch(R1, degree, context)
    assert closed == pytest.approx(full, rel=1e-6)
    below, above = parallel.attention_change(R1, [0.95 * full, 1.05 * full], degree, context)
    assert below < 0 < above


@given(st.sampled_from([2, 4, 8]), points.contexts, st.floats(32, 4096))
def test_the_core_of_the_full_model_never_gets_faster_under_tensor_parallelism(degree, context, batch):
    alone, divided = (float(terms_at(R1.with_(deg_TP=each), batch, context)["core_attention"]) for each in (1, degree))
    assert divided >= alone * (1 - 1e-12)


# -- several query tokens --------------------------------------------------------------------------
def test_query_tokens_multiply_intensity():
    for name in ("MHA", "GQA", "MLA"):
        conventions = REORDERED if name == "MLA" else type(REORDERED)()
        assert simplify(proofs.query_tokens_proof(MECHANISMS[name], conventions)[2].form - l) == 0


@given(st.floats(0, 1), st.integers(1, 8))
def test_expected_tokens_by_enumeration(acceptance, drafted):
    chances = [acceptance**kept * (1 - acceptance if kept < drafted - 1 else 1) for kept in range(drafted)]
    mean = sum((kept + 1) * chance for kept, chance in enumerate(chances))
    assert float(proofs.expected_tokens(Float(acceptance), drafted)) == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("model", points.SYSTEMS)
@pytest.mark.parametrize("query", [2, 4, 8])
def test_acceptance_flips_the_gain(model, query):
    system = points.setting(model)
    even = parallel.even_acceptance(system, query, 8192.0)
    below, above = (float(parallel.gain(system, [query], 8192.0, even + off)[0]) for off in (-1e-3, 1e-3))
    assert below < 1 < above


@given(points.settings, st.integers(2, 8))
def test_time_grows_with_query_tokens_but_no_faster(system, query):
    ratio = parallel.time_ratio(system, [1, query], 8192.0)
    if np.isfinite(ratio).all():
        assert 1 <= ratio[1] <= query * (1 + 1e-9)
