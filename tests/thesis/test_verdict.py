"""The verdict: shares follow margins, each variant reaches each number, the ledger does not contradict it."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.ledger import claims_bottleneck, claims_pim
from analysis.ledger.ledger import ledger
from analysis.ledger.readings import DIFFERS, NOT_TESTABLE, REPRODUCED, UNDER_A_READING
from analysis.systems.quantities import evaluate
from analysis.thesis import conclusions, guidelines, margins, weighed
from analysis.thesis.balance import balanced_groups
from analysis.thesis.conclusions import CONCLUSIONS
from analysis.thesis.factorial import effects, factorial
from analysis.thesis.full_attention import context_at_ridge, even_batch, even_ridge
from analysis.thesis.queries import even_acceptance
from analysis.thesis.region import Axis, Line, Stretch, grid, stretches
from analysis.thesis.resources import BUDGETS, best_split, rate
from analysis.thesis.scheduling import schedules
from analysis.thesis.tensor_parallel import even_batch as even_tensor_batch
from analysis.thesis.verdict import EVERYWHERE, NOWHERE, REGION, UNJUDGED, Verdict, judged_on, verdicts
from analysis.thesis.world import mean_imbalance, world
from tests.made import Made

FOUND = Made([each.name for each in CONCLUSIONS], lambda: {each.conclusion.name: each for each in verdicts()})
LEDGER = Made(datasets.claims(), lambda: {each.id: each for each in ledger()})
WEIGHED = Made(weighed.CLAIMS, lambda: {each.finding.id: each for each in weighed.weighed()})
R1 = "deepseek-v3"
R1_32 = Setting.of(model=R1, accelerator="b200-paper", link="nvlink5-b200", n_acc=32)
ON_PIM = R1_32.with_(accelerator_experts="pim-paper")
CONTEXTS = [256.0 * 4**power for power in range(7)]


# -- the objects -----------------------------------------------------------------------------------
def made(*numbers: float) -> Verdict:
    """A verdict whose margins are these, for R1 alone."""
    axis = Axis("place", "place", tuple(range(len(numbers))))
    given = replace(
        conclusions.CONCLUSIONS[0], margin=lambda world, model, place: np.array(numbers)[place["place"]], axes=(axis,)
    )
    return Verdict(given, world())


def test_how_far_a_conclusion_holds_follows_its_margins_alone():
    assert [made(*each).holds for each in ((1, 2), (1, -1), (-1, -2), (np.nan, np.nan))] == [
        EVERYWHERE,
        REGION,
        NOWHERE,
        UNJUDGED,
    ]
    assert made(1, np.nan, -1, -1).share == pytest.approx(1 / 3)
    assert (made(0, 1).share, made(1, np.nan).points) == (0.5, 1)


def test_a_grid_keeps_the_order_of_its_axes_whatever_is_looped():
    axes = (Axis("a", "a", (1, 2)), Axis("b", "b", ("x", "yy", "zzz"), looped=True), Axis("c", "c", (10, 20, 30, 40)))
    found = grid(lambda world, model, place: place["a"] * len(place["b"]) + place["c"], None, "", axes)
    assert found.tolist() == [[[a * b + c for c in (10, 20, 30, 40)] for b in (1, 2, 3)] for a in (1, 2)]


def test_stretches_are_found_between_signs_and_end_where_the_line_does():
    line = Line(Axis("x", "x", (1.0, 1000.0)), {"offset": 3.0}, "")

    def two(world, model, place):
        return (place["x"] - place["offset"]) * (place["x"] - 20) * (200 - place["x"])

    first, second = stretches(two, None, "", line)
    assert first.low is None
    assert (first.high, second.low, second.high) == (pytest.approx(3), pytest.approx(20), pytest.approx(200))
    assert stretches(lambda *given: np.array(1.0), None, "", line) == (Stretch(None, None),)
    assert stretches(lambda *given: np.array(-1.0), None, "", line) == ()
    assert stretches(lambda *given: np.array(np.nan), None, "", line) == ()


ON_OWN = {  # lines that a reader's system keeps: on one fast link, on its own chips, of degrees that divide it
    "raises": 5, "computes": 1, "no-longer": 3, "wires": 3, "tunes": 3, "aligns": 3, "small": 3, "not-needed": 3,
    "balanced": 3, "tensor": 3, "one-alone": 4, "drafts": 4,
}  # fmt: skip
ON_ONE = {"raises": 3, "wires": 2, "tensor": 0}  # nothing divides one accelerator, and it has no wire


@pytest.mark.parametrize(
    ("setting", "kept"),
    [(R1_32, ON_OWN), (Setting.of(model="qwen3-30b-a3b", accelerator="b200-paper", n_acc=1), ON_OWN | ON_ONE)],
    ids=["32", "one"],
)
def test_a_readers_system_is_judged_at_places_that_it_has(setting, kept):
    found = {each.conclusion.name: each for each in judged_on(setting)}
    assert {name: len(each.conclusion.lines) for name, each in found.items()} == kept
    for name, each in found.items():
        axes = {axis.name: axis.values for axis in each.conclusion.axes}
        plain = {axis.name: axis.values for axis in FOUND[name].conclusion.axes if axis.name != "chip"}
        wanted = plain | ({"link": ("fast",)} if "link" in plain else {})
        if setting["n_acc"] == 1 and "degree" in plain:
            wanted["degree"] = tuple(degree for degree in plain["degree"] if degree == 1)
        assert axes == wanted
        places = " ".join(line.where for line in each.conclusion.lines)
        assert not any(word in places for word in ("InfiniBand", "NVLink", "the B200"))


def test_a_readers_network_and_count_stand_in_the_words_of_lines():
    found = {each.conclusion.name: each.conclusion.lines for each in judged_on(R1_32.with_(n_acc=16))}
    assert [line.where for line in found["no-longer"]] == [
        "on its own network",
        "on its own network under skew (Zipf 0.8)",
        "at 8K on its own network",
    ]
    assert found["tunes"][-1].where == "at 8K on 16 accelerators"


# -- second roads to the margins whose hand is long ---------------------------------------------------
def test_boundaries_are_those_of_the_closed_forms():
    ends = {name: [stretch for _, stretch in each.boundaries] for name, each in FOUND.items()}
    chips = {1: "a100-paper", 2: "h200-paper", 3: "mi325x-paper"}
    for place, chip in chips.items():
        closed = context_at_ridge(R1_32.with_(accelerator=chip, link="nvlink3-a100"))
        assert ends["computes"][place][0].low == pytest.approx(closed, rel=1e-6)
    closed = even_ridge(R1_32.with_(accelerator_experts="pim-paper"), 8192.0)
    assert closed < ends["not-needed"][2][0].high < 1.011 * closed  # half a per cent of a token is the core's one
    assert ends["small"][1][0].high == pytest.approx(even_batch(ON_PIM), rel=0.02)
    low, high = (getattr(ends["tunes"][1][0], side) for side in ("low", "high"))
    assert low < balanced_groups(R1_32) < high
    for place, (L_, degree) in enumerate(((1024.0, 8), (8192.0, 8), (8192.0, 2))):
        closed, full = even_tensor_batch(R1_32, degree, L_)
        assert ends["tensor"][place][0].low == pytest.approx(full, rel=1e-6)
        assert ends["tensor"][place][0].low == pytest.approx(closed, rel=0.35)
    for place, query in enumerate((2, 4, 8)):
        assert ends["drafts"][1 + place][0].low == pytest.approx(even_acceptance(R1_32, query, 8192.0), abs=1e-6)


def test_the_schedule_that_serves_most_is_that_of_the_full_list():
    found, places = FOUND["aligns"], ((0, 1024.0), (1, 8192.0), (2, 65536.0))
    full = {L_: float(evaluate("B_cap", R1_32.with_(L=int(L_), rounding="none")).value) for _, L_ in places}
    for (i, context), (j, skew) in [(at, s) for at in places for s in enumerate((0.0, 0.4, 0.8))]:
        batches = [32 * (full[context] / 32) ** share for share in (0.25, 1.0)]
        best = [each[0].balance for each in schedules(R1_32, batches, context, skew)]
        assert found.inside[R1][i, [1, 4], 0, j] + 0.9 == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("budget", BUDGETS)
def test_no_random_split_of_a_budget_beats_the_margin(budget):
    found = FOUND["balanced"].inside[R1][:, 0, list(BUDGETS).index(budget)]
    spent = np.random.default_rng(7).dirichlet(np.ones(4), 3000)
    for context, margin in zip(CONTEXTS[::2], found[::2], strict=True):
        plain = float(rate(R1_32, np.ones(4), context))
        tried = np.nanmax(rate(R1_32, (spent / BUDGETS[budget]).T, context)) / plain
        assert tried <= 1.001 * (1.25 - margin)
        assert best_split(R1_32, context, BUDGETS[budget], points=9).gain == pytest.approx(1.25 - margin, rel=1e-3)


def test_one_mechanism_alone_is_the_factorials():
    for place, context in ((5, 8192), (12, 2**20)):
        cells = factorial(R1_32.with_(L=context))
        for i, alone in enumerate(("MLA alone", "experts alone")):
            for j, held in enumerate(("total", "active")):
                share = effects(cells, held)[alone] / effects(cells, held)["MLA and experts"]
                assert FOUND["one-alone"].inside[R1][place, 0, i, j] == pytest.approx(share - 0.5, abs=1e-9)


def test_drafts_by_public_throughput():
    """Two query tokens, acceptance 0.7 and 0.9, memory full: 1 + a tokens a step."""
    rates = {}
    for query in (1, 2):
        step = R1_32.with_(l=query, L=8192)
        rates[query] = evaluate("throughput", step.with_(B=evaluate("B_cap", step).value)).value
    found = FOUND["drafts"].inside[R1][5, 4, 0, 0, [1, 2]]
    assert found + 1 == pytest.approx([(1 + rate) * rates[2] / rates[1] for rate in (0.7, 0.9)], rel=2e-3)


def test_random_placements_are_those_that_the_ledger_draws():
    from analysis.routing.imbalance import shuffled_band

    assert mean_imbalance(256, 8, 32, np.array([0.0, 0.4])) == pytest.approx([1, shuffled_band(256, 8, 32, 0.4).mean])


# -- the ledger ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("claim", WEIGHED)
def test_the_ledgers_row_and_the_region_agree(claim):
    """Readings and grid are two roads: where all, some or none of the readings fit, so does the region.

    The ledger's word then follows from whether the first reading, the paper's own, fits by no choice of ours.
    """
    each = WEIGHED[claim]
    first, found = each.finding.readings[0], each.finding.verdict
    if each.finding.id == weighed.GUIDELINES:
        assert (found, each.verdicts) == (NOT_TESTABLE, ())
        able, all_ = weighed.guidelines_that_flip()
        assert able == all_ == len(guidelines.GUIDELINES)
        return
    assert each.verdicts
    assert each.holds == each.readings
    stated = first.fits and not first.ours
    assert found == (DIFFERS if each.holds == NOWHERE else REPRODUCED if stated else UNDER_A_READING)


def test_readings_of_the_ledger_have_the_margins_sign():
    """Where a reading names a place of R1's, the margin there decides alike."""
    at = {"NVLink": {"link": "fast"}, "InfiniBand": {"link": "slow"}}
    contexts = claims_bottleneck.CONTEXTS
    for link, place in zip(claims_bottleneck.LINKS, at.values(), strict=True):
        _, over_others = claims_bottleneck.core_share("r1-32", claims_bottleneck.caps("r1-32"), link)
        margin = margins.no_longer(world(), R1, place | {"context": contexts})
        assert ((margin > 0) == (over_others < 1)).all()
    few = {"context": contexts[:6], "requests": 64.0, "link": "fast", "kept": "requests"}
    gains = claims_pim.gain(np.full(7, 64.0), contexts[:7])
    assert ((gains[:6] > 1) & (np.diff(gains) < 0)).all()
    assert (margins.small(world(), R1, few) > 0).all()


def test_every_row_that_weighs_the_thesis_is_carried_by_a_conclusion_and_none_besides():
    assert [each.finding.id for each in weighed.weighed()] == [each for each in LEDGER if each in weighed.CLAIMS]
    carried = {claim for each in conclusions.CONCLUSIONS for claim in each.claims}
    assert carried | {weighed.GUIDELINES} == set(weighed.CLAIMS)
    assert {each.name: each.claims for each in conclusions.CONCLUSIONS if each.claims} == {
        "raises": ("S01",),
        "computes": ("S01",),
        "no-longer": ("C084",),
        "wires": ("C083",),
        "tunes": ("C058",),
        "aligns": ("S02",),
        "small": ("C079",),
        "not-needed": ("C085", "S03"),
        "balanced": ("C086",),
    }
    said = {each: {who for c in conclusions.CONCLUSIONS if each in c.claims for who in c.said} for each in carried}
    versions = {"v1": conclusions.V1, "v3": conclusions.V3, "summary": conclusions.SUMMARY, "both": conclusions.V1}
    for claim, who in said.items():
        assert versions[LEDGER[claim].claim.version] in who, claim


def test_a_guideline_that_fails_to_flip_in_one_system_is_not_counted(monkeypatch):
    """Three made up: one that always flips, one that does not on one accelerator, one that does not speak of GPT-3."""
    always = replace(guidelines.GUIDELINES[0], flip=lambda system: 1.0)
    once = replace(always, flip=lambda system: None if system.echo["accelerator"] == "mi325x" else 1.0)
    latent = replace(always, flip=lambda system: {"MLA": 1.0}.get(system.model.attention), needs=("latent",))
    monkeypatch.setattr(guidelines, "GUIDELINES", (always, once, latent))
    assert weighed.guidelines_that_flip() == (2, 3)
