"""Each proposition: tried with the whole model, its sign certified, and told to readers."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from sympy import And, Eq, Equivalent, Ge, Le, Symbol, false, fraction, together, true

from analysis.ask.numbers import value
from analysis.cli.main import main
from analysis.derive.attention import MLA
from analysis.derive.brackets import scores_and_context
from analysis.derive.statements.proposition import Hypothesis, Proposition
from analysis.derive.statements.propositions import PROPOSITIONS
from analysis.derive.symbols import (
    B,
    BW_exp,
    BW_mem,
    Gamma_imb,
    L,
    M_cap,
    P_acc,
    P_exp,
    acceptance,
    alpha,
    d_I,
    d_RoPE,
    deg_DP,
    deg_EP,
    deg_TP,
    l,
    n_acc,
    n_dec,
    n_e,
    n_hd,
    width_kv,
)
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render.proofs import proposition, told, without
from analysis.thesis.trials import DRAWS, search, trial
from analysis.thesis.trials.random_systems import drawn
from analysis.thesis.trials.search import POINTS, Sample
from analysis.thesis.trials.trial_attribution import _served as served

from . import points

R1 = points.setting("deepseek-v3")
EQUALITIES = {"thesis-balance", "thesis-elasticity", "reordering"}  # nothing to certify a sign of


# -- all of them -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PROPOSITIONS)
def test_no_point_inside_the_hypotheses_speaks_against_it(name):
    assert trial(name).points >= POINTS == 10_000
    assert trial(name).counterexample is None


@pytest.mark.parametrize("name", PROPOSITIONS)
def test_every_hypothesis_is_needed(name):
    dropped = trial(name).dropped
    assert set(dropped) == {each.name for each in PROPOSITIONS[name].hypotheses}
    assert all(dropped.values()), dropped


def never_negative(forms):
    """Whether each is a ratio of polynomials without a negative coefficient: never below 0, symbols being positive."""
    parts = [part for form in forms for part in fraction(together(form).cancel())]
    return all(each >= 0 for part in parts for each in part.as_poly(*part.free_symbols or {B}).coeffs())


@pytest.mark.parametrize("name", PROPOSITIONS)
def test_the_sign_of_every_inequality_is_certified(name):
    assert never_negative(PROPOSITIONS[name].positive())
    assert bool(PROPOSITIONS[name].positive()) != (name in EQUALITIES)


@pytest.mark.parametrize("name", PROPOSITIONS)
def test_the_claim_holds_at_random_sizes_within_the_relations(name):
    claim, tried = PROPOSITIONS[name].claim(), 0
    assert claim is not false
    supposed = [each.relation for each in PROPOSITIONS[name].hypotheses if each.relation is not true]
    rng = np.random.default_rng(7)
    for _ in range(1000):
        if tried == 200:
            break
        sizes = {symbol: _size(rng, symbol) for each in (claim, *supposed) for symbol in each.free_symbols}
        sizes |= {each.lhs: 0.0 for each in supposed if isinstance(each, Eq)} | {n_e: 60.0}
        if all(_holds(each, sizes) for each in supposed):
            tried += 1
            assert _holds(claim, sizes)
    assert tried >= 5


BEYOND = {  # sizes outside of the hypotheses, of those that they bound, at which each inequality turns
    "thesis-full-memory": {d_RoPE: -1},
    "thesis-device": {BW_exp: 1, BW_mem: 2, P_exp: 1e9, P_acc: 1e9},
    "thesis-tensor": {deg_TP: 0.5},
    "thesis-queries": {acceptance: 1.1, l: 2},
    "thesis-attribution": {n_acc: 0.5, deg_TP: 1, M_cap: 1e9},
    "thesis-schedule": {n_acc: 2, deg_EP: 4},
    "thesis-index-traffic": {d_I: 20, L: 2},
    "thesis-state-traffic": {width_kv: -1},
    "thesis-wires-hidden": {alpha: 1e9},
}


@pytest.mark.parametrize("name", BEYOND)
def test_an_inequality_fails_beyond_what_its_proposition_supposes(name):
    claim = PROPOSITIONS[name].claim()
    assert not _holds(claim, dict.fromkeys(claim.free_symbols, 3.0) | BEYOND[name])


def test_every_inequality_is_tried_beyond():
    assert set(BEYOND) == set(PROPOSITIONS) - EQUALITIES


def _size(rng: np.random.Generator, symbol: Symbol) -> float:
    return float(rng.uniform(0.1, 0.9) if symbol == acceptance else rng.integers(1, 60))


def _holds(claim, sizes: dict) -> bool:
    """A relation at a point, equality to rounding; both sides as floating point."""
    if isinstance(claim, And | Equivalent):
        found = [_holds(each, sizes) for each in claim.args]
        return all(found) if isinstance(claim, And) else len(set(found)) == 1
    if claim in (true, false):
        return bool(claim)
    left, right = (float(value(each, sizes)) for each in (claim.lhs, claim.rhs))
    same = left == pytest.approx(right, rel=1e-9)
    return same if isinstance(claim, Eq) else bool(claim.func(left, right)) or (same and claim.func in (Le, Ge))


def test_of_the_two_times_of_the_busiest_expert_only_the_bytes_leave_something_to_claim():
    """Gamma times the tokens take exactly Gamma times the arithmetic; its weights are read once, not Gamma times."""
    schedule = PROPOSITIONS["thesis-schedule"]
    assert {BW_mem, Gamma_imb} <= schedule.claim().free_symbols
    assert P_acc not in schedule.claim().free_symbols
    assert schedule.positive()[1] == 0


def test_the_brackets_of_both_orders_are_those_of_the_algebra():
    """Scores are a sum of a part without position and the shared rotary part; each order brackets the first."""
    found = {order: [str(each) for each in scores_and_context(MLA, order).values()] for order in MLA.orders}
    assert found == {
        "as_printed": ["q_N*(c_KV*W_DK).T + q_R*k_R.T", "A*(c_KV*W_DV)"],
        "reordered": ["(q_N*W_DK.T)*c_KV.T + q_R*k_R.T", "(A*c_KV)*W_DV"],
    }


def test_a_sign_that_changes_is_not_certified():
    assert not never_negative([B - L])
    assert not never_negative([1 - B / (B + L), L - 1])
    assert never_negative([1 - B / (B + L)])


def test_the_search_finds_what_is_false_and_what_is_not_needed():
    """A claim of one number: true below a half, and a hypothesis that has nothing to do with it."""

    def draw(rng):
        x, y = rng.random(100), rng.random(100)
        holds = {"low": x < 0.5, "idle": y < 0.5}
        every = np.ones(100, dtype=bool)
        yield Sample(every, holds, x < bound, {"x": x, "far": x}, every)

    bound = 0.5
    found = search(draw, 500)
    assert found.counterexample is None
    assert found.dropped["low"]["x"] >= 0.5
    assert found.dropped["idle"] is None
    bound = 0.4
    assert 0.4 <= search(draw, 500).counterexample["x"] < 0.5


def test_the_search_ends_with_enough_points_and_a_failure_for_each_hypothesis():
    """Sixty points inside of a hundred a round: two rounds give 120, of which 100 are asked."""
    rounds = []

    def draw(rng):
        rounds.append(len(rounds))
        low, every = np.arange(100) < 60, np.ones(100, dtype=bool)
        yield Sample(every, {"low": low}, low, dict.fromkeys(("x", "far"), np.arange(100.0)), every)

    assert (search(draw, 100).points, len(rounds)) == (120, 2)
    assert (search(draw, 60).points, len(rounds)) == (60, 3)


def test_a_served_degree_is_no_greater_than_the_accelerators_and_the_heads():
    systems = drawn(np.random.default_rng(5), "deepseek-v3", 200)
    few = systems.with_({n_acc: 2.0 ** (np.arange(200) % 4), n_hd: 2.0 ** (np.arange(200) % 3 + 1)})
    rate, degree = served(few, "MLA", "dense", np.ones(200))
    assert (degree <= np.minimum(few[n_acc], few[n_hd]))[rate > 0].all()
    assert (degree == few[n_acc])[rate > 0].any()


def test_the_same_points_are_drawn_again_and_half_of_them_have_a_models_own_sizes():
    one, other = (drawn(np.random.default_rng(3), "deepseek-v3", 400) for _ in range(2))
    assert all(np.array_equal(each, other.point[symbol]) for symbol, each in one.point.items())
    assert 100 < one.real.sum() < 300
    assert set(one[n_dec][one.real]) == {61.0}
    assert np.all(one[deg_TP] * one[deg_DP] == one[n_acc])


# -- what readers see ------------------------------------------------------------------------------
def test_a_block_states_hypotheses_and_conclusion_once():
    text = proposition("thesis-device")
    assert text.startswith(
        "```{prf:proposition} A low-ridge device wins below one intensity\n:label: prop-thesis-device\n"
    )
    assert "Suppose that a device has the higher memory bandwidth and that its arithmetic is not higher. Then" in text
    with pytest.raises(InputError, match="there is no such proposition"):
        proposition("thesis-riemann")


def test_the_pages_place_every_proposition_and_what_fails_without_its_hypotheses_once():
    pages = [path.read_text() for path in sorted((ROOT / "book").glob("*.md"))]
    for word in ("proposition", "without"):
        assert sorted(each for page in pages for each in re.findall(rf'{word}\("([\w-]+)"\)', page)) == sorted(
            PROPOSITIONS
        )
    assert not any("{prf:proposition}" in page for page in pages)


@pytest.mark.parametrize("name", PROPOSITIONS)
def test_each_dropped_hypothesis_is_told_with_the_numbers_of_its_point(name):
    text = without(name)
    assert text.count("Without the ") == len(PROPOSITIONS[name].hypotheses)
    assert "{" not in text.replace("{DK}", "")
    assert re.search(r"\d", text)


def test_numbers_in_a_sentence_have_three_digits_or_as_many_as_it_says():
    assert told("{x} and {x:5}", {"x": 1234.567}) == "1,230 and 1,234.6"


def test_a_statement_joins_its_hypotheses():
    made = [Hypothesis(each, f"{each} holds", "") for each in "abc"]
    assert (
        Proposition("x", "", "", tuple(made[:1]), "so.", "", lambda: true).statement == "Suppose that a holds. Then so."
    )
    statement = Proposition("x", "", "", tuple(made), "so.", "", lambda: true).statement
    assert statement == "Suppose that a holds, that b holds, and that c holds. Then so."


def test_the_command_lists_labels_hypotheses_and_points():
    found = json.loads(CliRunner().invoke(main, ["propositions", "--json"]).output)
    assert [each["label"] for each in found] == [f"prop-{name}" for name in PROPOSITIONS]
    assert set(DRAWS) == set(PROPOSITIONS)
    for each in found:
        assert each["points"] >= POINTS
        assert each["counterexample"] is None
        assert all(one["fails_without"] and one["point"] for one in each["hypotheses"])
        assert each["statement"].count("that") >= len(each["hypotheses"])
    text = CliRunner().invoke(main, ["propositions"]).output
    assert "prop-thesis-schedule: Scheduling removes imbalance" in text
    assert text.count("none against it") == len(PROPOSITIONS)
