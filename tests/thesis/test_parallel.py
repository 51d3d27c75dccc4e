"""Proposition (d): by algebra, and against the full model on both sides of every flip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import simplify

from analysis.derive.attention import MECHANISMS
from analysis.derive.symbols import deg_TP
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
