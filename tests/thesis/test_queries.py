"""Proposition (g): tokens of a step by simulation, the algebra, and the full model on both sides of every flip."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Integer, simplify

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import speculation
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Conventions
from analysis.derive.statements import proof_of_queries as proofs
from analysis.derive.symbols import BW_mem, P_acc, RP_acc, acceptance, l
from analysis.files.errors import InputError
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate
from analysis.thesis import queries, sensitivity
from analysis.thesis.full import batch_at_capacity, terms_at

from . import points

R1 = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32, "L": 8192}
rates = st.floats(0, 1)
query_tokens = st.integers(1, 8)


# -- tokens of a step ------------------------------------------------------------------------------
@settings(max_examples=25)
@given(rates, query_tokens, st.integers(0, 2**32 - 1))
def test_tokens_of_a_step_by_simulation(rate, query, seed):
    """Draw every draft; count the settled token and the drafts before the first that is refused."""
    draws = 40_000
    accepted = np.random.default_rng(seed).random((draws, query - 1)) < rate
    found = 1 + np.cumprod(accepted, axis=1).sum(axis=1)
    error = np.sqrt(found.var() / draws)
    assert float(speculation.expected_tokens(rate, query)) == pytest.approx(found.mean(), abs=6 * error + 1e-3)


@given(rates, query_tokens)
def test_tokens_of_a_step_by_enumeration(rate, query):
    chances = [rate**kept * (1 - rate if kept < query - 1 else 1) for kept in range(query)]
    mean = sum((kept + 1) * chance for kept, chance in enumerate(chances))
    assert float(speculation.expected_tokens(rate, query)) == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("query", range(1, 9))
def test_the_closed_form_is_the_sum_and_its_limit_bounds_it(query):
    closed = speculation.closed_tokens().xreplace({l: Integer(query)})
    assert (closed.cancel() - speculation.expected_tokens(acceptance, query)).expand() == 0
    assert (speculation.most_tokens() - closed - acceptance**query / (1 - acceptance)).cancel() == 0


@pytest.mark.parametrize(("several", "rate"), [([1, 3, 2], 0.4), ([8, 1, 8], 1)])
def test_lists_of_query_tokens_are_taken_one_by_one(several, rate):
    together = evaluate("tokens_per_step", l=several, acceptance=rate).value
    alone = [evaluate("tokens_per_step", l=each, acceptance=rate).value for each in several]
    assert list(together) == pytest.approx(alone)


# -- quantities ------------------------------------------------------------------------------------
@settings(max_examples=20)
@given(st.sampled_from((1, 2, 5)), rates, st.integers(1, 6000))
def test_times_per_token_are_those_of_the_step_over_its_tokens(query, rate, batch):
    given, gained = R1 | {"B": batch, "l": query}, sum(rate**place for place in range(query))
    step = evaluate("tpot", **given).value
    assert evaluate("tpot", **given, acceptance=rate).value == pytest.approx(step / gained)
    assert evaluate("throughput", **given, acceptance=rate).value == pytest.approx(batch * gained / step)


def test_terms_add_up_to_the_time_per_token_where_drafts_are_accepted():
    given = R1 | {"B": 256, "l": 3, "acceptance": 0.6}
    assert sum(evaluate("tpot_terms", **given).value.values()) == pytest.approx(evaluate("tpot", **given).value)


def test_the_slo_is_met_per_token():
    given = R1 | {"slo": 0.01, "l": 2, "acceptance": 0.9}
    batch = evaluate("B_SLO", **given).value
    times = [evaluate("tpot", **given, B=each).value for each in (batch, batch + 1)]
    assert times[0] <= 0.01 < times[1]
    bound = evaluate("B_SLO", **given).beside["by Eq. 12"]
    times = [evaluate("tpot_eq12", **given, B=int(bound) + more).value for more in (0, 1)]
    assert times[0] <= 0.01 < times[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"acceptance": 1.5}, "allowed is a number from 0 to 1"),
        ({"acceptance": 0.5, "l": 100}, "up to 64 query tokens"),
        ({"acceptance": 0.5, "phase": "prefill"}, "prefill has none"),
    ],
)
def test_acceptance_where_there_are_no_drafts_is_refused(more, said):
    with pytest.raises(InputError, match=said):
        evaluate("tpot", **R1, B=64, **more)


# -- the proof -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["MHA", "GQA", "MLA"])
def test_query_tokens_multiply_intensity(name):
    steps = proofs.query_tokens_proof(MECHANISMS[name], Conventions("reordered" if name == "MLA" else "as_printed"))
    assert simplify(steps[2].form - l) == 0
    assert simplify(steps[1].form.xreplace({l: steps[3].form}) - RP_acc) == 0
    assert simplify(steps[6].form - steps[4].form * steps[3].form / l) == 0
    assert simplify(steps[7].form - steps[4].form / l) == 0


@settings(max_examples=30)
@given(st.sampled_from(points.DEVICES), st.integers(2, 8), st.floats(0.05, 0.99))
def test_gains_of_the_core_are_those_of_a_roofline_by_hand(device, query, rate):
    """The core at endless context: l queries take max(1, l / l*) times as long as reading the cache."""
    system = points.setting("deepseek-v3", device)
    meets = queries.query_tokens_at_ridge(system)
    step = [max(1, each / meets) for each in (1, query)]
    gained = sum(rate**place for place in range(query)) * step[0] / step[1]
    given = system.point | {l: query, acceptance: rate}
    if meets <= 1:
        assert float(value(proofs.gain_of_computing(), given)) == pytest.approx(gained)
        assert gained < 1
    elif query >= meets:
        form = proofs.gain_beyond_ridge(system.architecture.mechanism, system.conventions)
        assert float(value(form, given)) == pytest.approx(gained)
    assert gained <= float(speculation.most_tokens().subs(acceptance, rate))


# -- the full model --------------------------------------------------------------------------------
@given(points.settings, st.floats(0.3, 3))
def test_the_core_of_the_full_model_computes_from_the_query_tokens_at_the_ridge_on(system, off):
    assume(abs(off - 1) > 0.01)
    at = {l: queries.query_tokens_at_ridge(system) * off}
    plain, endless = (float(terms_at(system, 64.0, 1e9, at | more)["core_attention"]) for more in ({}, {P_acc: 1e40}))
    assert (plain > endless * (1 + 1e-9)) == (off > 1)


@pytest.mark.parametrize("model", points.SYSTEMS)
@pytest.mark.parametrize("query", [2, 4, 8])
def test_acceptance_flips_the_gain(model, query):
    system = points.setting(model)
    even = queries.even_acceptance(system, query, 8192.0)
    below, above = (float(queries.gain(system, [query], 8192.0, even + off)[0]) for off in (-1e-3, 1e-3))
    assert below < 1 < above


@settings(max_examples=20)
@given(points.settings, points.contexts)
def test_one_query_token_serves_most_up_to_the_solved_acceptance_only(system, context):
    assume(float(batch_at_capacity(system, context)) >= 2)
    first = queries.first_acceptance(system, range(1, 9), context)
    assume(first is not None and 1e-3 < first < 0.999)
    below, above = (queries.best_query(system, range(1, 9), context, first + off)[0] for off in (-1e-4, 1e-4))
    assert below == 1 < above


def test_a_model_that_does_not_fit_has_no_gain_and_one_query_token():
    best, gained = queries.best_query(Setting.of(**R1 | {"n_acc": 1}), range(1, 9), 8192, 0.9)
    assert best == 1
    assert np.isnan(gained)


@settings(max_examples=25)
@given(points.settings, points.contexts, query_tokens, rates)
def test_the_gain_is_that_of_the_public_throughput_at_both_capacities(system, context, query, rate):
    context = int(context)
    caps = [float(batch_at_capacity(system, context, {l: each})) for each in (1.0, float(query))]
    assume(min(caps) >= 1)
    one, several = (
        evaluate("throughput", system.with_(L=context, l=each, B=int(batch))).value
        for each, batch in zip((1, query), caps, strict=True)
    )
    gained = sum(rate**place for place in range(query))
    gain = float(queries.gain(system, [query], context, rate)[0])
    assert gain == pytest.approx(several * gained / one, rel=2 / min(caps) + 1e-9)


@given(points.settings, query_tokens)
def test_a_step_of_more_queries_needs_more_tokens_but_no_more_than_its_queries(system, query):
    assume(float(batch_at_capacity(system, 8192.0)) >= 2)
    few, many = queries.needed_tokens(system, [query, query + 1], 8192.0)
    assert 1 - 1e-12 <= few <= many <= (query + 1) * 1.01


# -- the verdict -----------------------------------------------------------------------------------
PAPER = paper()


@settings(max_examples=15)
@given(points.settings, query_tokens, rates, st.floats(0.5, 2))
def test_acceptance_cancels_in_a_comparison_at_equal_query_tokens(system, query, rate, bandwidth):
    """So it turns no verdict: a system against one of another memory bandwidth, at both acceptances."""
    point = {BW_mem: float(system.point[BW_mem]) * bandwidth}
    ratios = []
    for each in (system.with_(l=query, L=8192), system.with_(l=query, L=8192, acceptance=rate)):
        plain, changed = (sum(terms_at(each, 64.0, 8192.0, more).values()) for more in ({}, point))
        ratios.append(float(plain / changed))
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-12)


def test_the_best_number_of_query_tokens_by_enumeration_of_public_throughputs():
    for found in sensitivity.by_acceptance((0.7,)):
        for model, best in found.queries.items():
            system = points.setting(model, L=8192)
            rates = {}
            for query in sensitivity.QUERIES:
                each = system.with_(l=query)
                each = each.with_(B=int(evaluate("B_cap", each).value))
                gained = sum(found.acceptance**place for place in range(query))
                rates[query] = evaluate("throughput", each).value * gained
            assert max(rates, key=rates.get) == best
            assert max(rates.values()) / rates[1] == pytest.approx(found.gains[model], rel=0.01)


def test_one_query_token_is_the_verdict_of_the_chapter():
    found = sensitivity.by_queries((1, 8))
    assert found[1] == tuple(each for each in sensitivity.judged() if each.conclusion.name != sensitivity.ITSELF)
    assert [len(each) for each in found.values()] == [11, 11]


def test_latent_attention_computes_from_the_query_tokens_on_that_bring_each_device_to_its_ridge():
    """By hand: l queries on one cached token of 576 elements, 128 heads, each 2 (576 + 512) FLOP."""
    for query, verdicts in sensitivity.by_queries().items():
        found = next(v for v in verdicts if v.conclusion.name == "computes")
        for chip, margin in zip(found.world.chips, found.inside["deepseek-v3"][5, :, 0], strict=True):
            row = Setting.of(accelerator=chip).point
            flops, moved = query * 128 * 2 * (512 + 64 + 512) * 8192, 2 * (576 * 8192 + query * 128 * (576 + 512))
            assert (margin > 0) == (flops / moved > float(row[P_acc]) / float(row[BW_mem]))


def test_acceptances_of_the_table_are_rising_chances():
    """What the verdict's table asks of: shares of drafts, the last of them all."""
    shown = sensitivity.ACCEPTANCES
    assert list(shown) == sorted(shown)
    assert 0 < shown[0] < shown[-1] == 1
