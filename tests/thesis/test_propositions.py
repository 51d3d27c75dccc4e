"""Each proposition: tried with the whole model, its sign certified, and evaluated at its own threshold on both sides.

Numbers here are by hand, or by loops over what the closed forms sum.
"""

import json
import re
from itertools import product

import numpy as np
import pytest
from click.testing import CliRunner
from sympy import And, Eq, Equivalent, Ge, Le, Symbol, false, true

from analysis.__main__ import main
from analysis.derive import capacity, serving
from analysis.derive.communication import dispatched_bytes
from analysis.derive.serving import COMMUNICATION
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    L,
    M_cap,
    N_MoE,
    P_acc,
    acceptance,
    deg_DP,
    deg_TP,
    l,
    n_acc,
    n_dec,
    n_e,
    width_activations,
    width_weights,
)
from analysis.derive.thesis import attribution as forms
from analysis.derive.thesis.proposition import Hypothesis, Proposition, never_negative
from analysis.derive.thesis.propositions import PROPOSITIONS
from analysis.errors import InputError
from analysis.evaluate.numbers import value
from analysis.evaluate.quantities import evaluate
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import attribution, balance, factorial
from analysis.evaluate.thesis.attention import even_batch, even_context
from analysis.evaluate.thesis.full import batch_at_capacity, terms_at
from analysis.evaluate.thesis.kinds import phi
from analysis.evaluate.thesis.scheduling import schedules
from analysis.evaluate.thesis.trials import DRAWS, search, trial
from analysis.evaluate.thesis.trials.search import POINTS, Sample
from analysis.evaluate.thesis.trials.systems import drawn
from analysis.files import ROOT
from analysis.render.proofs import proposition, told, without

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
        sizes = {symbol: _size(rng, symbol) for each in (claim, *supposed) for symbol in each.free_symbols}
        sizes |= {each.lhs: 0.0 for each in supposed if isinstance(each, Eq)} | {n_e: 60.0}
        if all(_holds(each, sizes) for each in supposed):
            tried += 1
            assert _holds(claim, sizes)
    assert tried >= 5


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


def test_the_same_points_are_drawn_again_and_half_of_them_have_a_models_own_sizes():
    one, other = (drawn(np.random.default_rng(3), "deepseek-v3", 400) for _ in range(2))
    assert all(np.array_equal(each, other.point[symbol]) for symbol, each in one.point.items())
    assert 100 < one.real.sum() < 300
    assert set(one[n_dec][one.real]) == {61.0}
    assert np.all(one[deg_TP] * one[deg_DP] == one[n_acc])


# -- what the old statements said ------------------------------------------------------------------
def test_full_memory_by_hand_on_both_sides_of_long():
    """576 elements cached a token; a query and its context of 128 heads are 128 x (576 + 512) elements a block."""
    for context in (256, 8192, 2**20):
        by_hand = 1 + 128 * (576 + 512) / (576 * context)
        assert phi(R1, context) == pytest.approx(by_hand, rel=0.04 if context < 1000 else 0.002)  # activations kept
        assert phi(R1, context) <= 1 + 2 * 128 / context
    assert [round(phi(R1, each), 2) for each in (256, 8192)] == [1.90, 1.03]


def test_full_memory_is_refuted_by_printed_latent_attention():
    """128 heads of 128 + 64 + 128 decompressed elements over 576: 71 times the cache; activations halve the batch."""
    printed = R1.with_(order="as_printed")
    batch = float(batch_at_capacity(printed, 8192.0))
    taken = float(terms_at(printed, batch, 8192.0)["core_attention"])
    moved = 61 * batch / 32 * 8192 * 128 * (128 + 64 + 128) * 2
    assert taken == pytest.approx(moved / 8e12, rel=0.001)
    assert taken == pytest.approx(0.480, rel=0.01)
    assert phi(printed, 8192.0) == pytest.approx(32.8, rel=0.01)


@pytest.mark.parametrize(("batch", "ratio"), [(32, 1.57), (64, 1.15), (128, 1.02), (4096, 1.0)])
def test_balance_needs_that_every_expert_is_reached(batch, ratio):
    """32 accelerators balance 8 of 256 experts; a token misses an expert with chance 31/32."""
    reached = 1 - (31 / 32) ** batch
    system = R1.with_(width_activations=1e-9, width_kv=1e-9, L=1024)
    counts = {term: _counted(system, term, batch) for term in ("routed_experts", "dense_ffn")}
    found = counts["routed_experts"] / counts["dense_ffn"]
    assert found == pytest.approx(1 / reached, rel=1e-6)
    assert found == pytest.approx(ratio, abs=0.005)
    assert balance.balanced_groups(R1) == 32


def _counted(system: Setting, term: str, batch: float) -> float:
    work, read = (float(terms_at(system, batch, 1024.0, {rate: 1e60})[term]) for rate in (BW_mem, P_acc))
    return work * 2250e12 / (read * 8e12)


@pytest.mark.parametrize(
    ("device", "ahead"),
    [
        ((256e12, 32e12), (True, False, False, False)),
        ((2700e12, 32e12), (True, True, True, True)),  # the device of ridge 84, ahead also above 337
        ((256e12, 4e12), (False, False, False, False)),
        ((4500e12, 4e12), (False, False, True, True)),
    ],
)
def test_a_device_is_ahead_below_one_intensity_only_with_less_arithmetic_and_more_bandwidth(device, ahead):
    P, BW = device
    found = [min(P, BW * each) > min(2250e12, 8e12 * each) for each in (10, 100, 600, 1000)]
    assert tuple(found) == ahead


@pytest.mark.parametrize(
    ("accelerator", "other", "batch"),
    [
        ("b200-paper", "pim-paper", 8.0),  # 256e12 < 2250e12, 32e12 > 8e12: below one batch
        ("v100-paper", "pim-paper", np.inf),  # 256e12 > 125e12: at every batch
        ("b200-paper", "a100-paper", 0.0),  # less of both: at none
        ("a100-paper", "b200-paper", np.inf),
        ("pim-paper", "b200-paper", np.nan),  # more arithmetic, less bandwidth: above a batch
    ],
)
def test_the_break_even_batch_knows_where_there_is_none(accelerator, other, batch):
    system = R1.with_(accelerator=accelerator, accelerator_experts=other, n_acc=32)
    found = even_batch(system, activations=False)
    by_hand = 256e12 / 8e12 * 2 / 2 * 256 / 8  # FLOP/byte, at 2 FLOP to each weight of 2 bytes; 8 of 256 experts
    assert found == pytest.approx(by_hand if batch == 8.0 else batch, nan_ok=True)
    if not 0 < found < np.inf:
        assert even_context(system) == pytest.approx({np.inf: 0, 0: np.inf}.get(found, np.nan), nan_ok=True)


# -- attribution -----------------------------------------------------------------------------------
def test_effects_never_multiply_and_twice_the_dense_layers_are_nearly_two():
    sizes = {N_MoE: 1, n_dec: 1, width_weights: 1}
    for count, memory in product((2, 32, 1024), (1.01, 2, 11, 1000)):
        degrees = np.arange(1, count + 1)
        found = value(forms.interaction_at(deg_TP), sizes | {n_acc: count, M_cap: memory, deg_TP: degrees})
        by_hand = degrees * (memory - 1 / count) / (memory - 1 / degrees)
        assert found == pytest.approx(by_hand)
        assert found.min() > 1
        assert (degrees[found.argmin()] == 1) == (memory > 1.9)
    at_two = {n_acc: 32, M_cap: 2, deg_TP: 1}
    assert value(forms.interaction_at(deg_TP), sizes | at_two) == 2 - 1 / 32


@pytest.mark.parametrize(("off", "least"), [(0.98, 1.99), (1.0, 1.96875), (1.02, 1.94)])
def test_the_whole_model_at_twice_its_dense_layers_has_nearly_two(off, least):
    """Degree 1 for both; memory is `off` times twice the dense layers, beside attention's weights and embeddings.

    R1 in 61 blocks: a dense layer of 256 routed experts, a shared one and the router.
    """
    dense = 61 * (257 * 3 * 7168 * 2048 + 256 * 7168) * 2
    rate, endless = {}, {P_acc: 1e60, BW_Int: 1e60, width_activations: 0, L: 2.0**20}
    for kind in factorial.FEED_FORWARDS:
        made = factorial.built("MLA", kind, R1.architecture)
        point = factorial.points(R1, kind, "total")[1] | endless
        other = float(value(capacity.weights_stored(made[0]) / n_acc, point)) - _held(kind, dense)
        room = point | {M_cap: off * 2 * dense + other}
        batch = float(value(capacity.B_cap(*made), room))
        rate[kind] = batch / float(value(serving.tpot(*made), room | {B: batch}))
    memory, spread = off * 2 * dense, _held("experts", dense)
    assert rate["experts"] / rate["dense"] == pytest.approx((memory - spread) / (memory - dense), rel=1e-5)
    assert rate["experts"] / rate["dense"] == pytest.approx(least, rel=0.02)


def _held(kind: str, dense: float) -> float:
    """Bytes that an accelerator of 32 holds: routed experts divided, the shared one and the router whole."""
    whole = 61 * (3 * 7168 * 2048 + 256 * 7168) * 2
    return dense if kind == "dense" else (dense - whole) / 32 + whole


def test_the_memory_that_holds_a_dense_layer_twice_is_no_memory_at_which_effects_multiply():
    memory = attribution.even_capacity(R1, "total")
    assert memory == pytest.approx(2 * 61 * (257 * 3 * 7168 * 2048 + 256 * 7168) * 2, rel=1e-6)
    assert attribution.reading_interaction(R1, "total", {M_cap: memory}) == pytest.approx(2 - 1 / 32)
    for off in (0.5, 1, 2):
        assert attribution.interaction(R1.with_(L=8192), "total", {M_cap: memory * off}) > 1.5


# -- query tokens ----------------------------------------------------------------------------------
A100 = {"model": "deepseek-v3", "accelerator": "a100-sxm4-80gb", "n_acc": 32, "B": 1024, "L": 8192}


def test_a_step_gains_where_its_core_attention_computes_already():
    one, two = (evaluate("throughput", **A100, l=query, acceptance=0.9).value for query in (1, 2))
    assert (round(one), round(two)) == (19568, 28306)
    core = [evaluate("tpot_terms", **A100, l=query).value["core_attention"] for query in (1, 2)]
    assert 1.9 * core[0] / core[1] == pytest.approx(0.95)  # E/l of 1 + 0.9 tokens for two: below 1


@pytest.mark.parametrize("query", [2, 4, 8])
@pytest.mark.parametrize("rate", [0.3, 0.9])
def test_what_is_served_gains_within_the_bounds_and_at_the_threshold_of_its_busy_share(query, rate):
    """A step of two kinds of kernels by hand: a share c computes and grows with l, the others wait and do not."""
    gained = sum(rate**place for place in range(query))
    flip = (gained - 1) / (query - 1)
    for off, pays in ((0.99, True), (1.01, False)):
        busy = flip * off
        assert (gained / (1 + busy * (query - 1)) > 1) == pays
    setting = Setting.of(**A100)
    plain, several = (
        sum(float(each) for each in terms_at(setting, 1024.0, 8192.0, {l: each}).values()) for each in (1, query)
    )
    wires = sum(float(terms_at(setting, 1024.0, 8192.0)[name]) for name in COMMUNICATION)
    work = _computing(setting) + wires
    gain = gained * plain / several
    assert gained / query <= gain <= gained / (1 + work / plain * (query - 1)) * (1 + 1e-9)


def _computing(setting: Setting) -> float:
    """Seconds of a step in kernels that arithmetic limits: what the peak's last billionth costs, a billion times."""
    plain, slower = (
        sum(float(each) for each in terms_at(setting, 1024.0, 8192.0, {P_acc: setting.point[P_acc] * each}).values())
        for each in (1, 1 - 1e-7)
    )
    return (slower - plain) * 1e7 * (1 - 1e-7)


# -- schedules -------------------------------------------------------------------------------------
def test_at_degree_one_a_schedule_gains_more_than_the_imbalance():
    system = Setting.of(model="qwen3-30b-a3b", accelerator="b200-sxm", n_acc=8, link="ib-xdr")
    found = schedules(system, [2048], 1024, 0.0)[0]
    assert (found[0].deg_EP, round(found[0].imbalance, 9)) == (1, 1)
    assert found[0].gain == pytest.approx(1.128, abs=5e-4)
    same = [each.gain for each in found if each.deg_EP == 8]
    assert max(same) == pytest.approx(1)
    wires = 2 * 48 * 2048 * 2 * 8 * 2048 / 8 / 100e9  # exchanges of 48 blocks over 100 GB/s: what degree 1 leaves out
    point = system.point | {B: 2048.0}
    assert float(value(2 * 48 * dispatched_bytes() / BW_Int, point)) == pytest.approx(wires)
    taken = [2048 / 8 / each.per_accelerator for each in (found[0], next(e for e in found if e.deg_EP == 8))]
    assert taken[1] - taken[0] < wires  # degree 1 reads more experts


@pytest.mark.parametrize("skew", [0.4, 0.8])
def test_at_one_degree_no_schedule_gains_more_than_the_imbalance(skew):
    for found in schedules(R1, [256.0, 4096.0], 2048, skew):
        plain = next(each for each in found if (each.deg_EP, each.placement) == (32, "contiguous"))
        assert all(each.gain <= plain.imbalance for each in found if each.deg_EP == 32)


def test_reached_experts_can_be_more_uneven_than_tokens():
    """One expert of half the tokens on one accelerator, four of an eighth on another: even tokens, uneven weights."""
    tokens, reached = np.array([[0.5, 0, 0, 0], [0.125] * 4]), np.array([1.0, 4.0])
    assert tokens.sum(axis=1).max() / tokens.sum(axis=1).mean() == 1
    assert reached.max() / reached.mean() == 1.6


# -- what readers see ------------------------------------------------------------------------------
def test_a_block_states_hypotheses_and_conclusion_once():
    text = proposition("thesis-device")
    assert text.startswith(
        "```{prf:proposition} A low-ridge device wins below one intensity\n:label: prop-thesis-device\n"
    )
    assert "Suppose that a device has the higher memory bandwidth and that its arithmetic is lower. Then it" in text
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
