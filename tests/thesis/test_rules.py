"""The small panels of the guidelines: every dot lies where the two sides change places, by the curves and by hand."""

from functools import cache

import numpy as np
import pytest

from analysis.ask.setting import Setting
from analysis.derive.symbols import BW_Int, BW_mem, P_acc, P_exp
from analysis.render.figures import rule_panels as figures
from analysis.systems.arrangements import with_models
from analysis.systems.canonical import paper
from analysis.thesis import largest, rules
from analysis.thesis.full import WIRES, batch_at_capacity, terms_at, throughput
from analysis.thesis.scheduling import schedules

EDITION = paper()
PARTS = {"accelerator": EDITION.accelerator, "link": EDITION.link, "accelerator_experts": EDITION.accelerator_experts}


@cache
def systems() -> list[Setting]:
    return with_models(Setting.of(model=EDITION.latent, n_acc=EDITION.n_acc, **PARTS), EDITION.models, 8192)


@cache
def alone() -> Setting:
    return systems()[-1].with_(accelerator_experts=None)


@cache
def panels() -> dict[str, rules.Sides]:
    architects = rules.for_architects(systems(), ("h200-sxm5", EDITION.accelerator), [(EDITION.link, 900.0)])
    return {each.title: each for each in (*architects, *rules.for_engineers(systems(), EDITION.slo))}


def other_side(sides) -> np.ndarray:
    """What the first line is compared with: the highest of the others, or the height of equality."""
    others = list(sides.lines.values())[1:]
    return np.full_like(sides.x, sides.even) if sides.even is not None else np.max(others, axis=0)


TURNING = ("No low ridge", "Memory read in time", "A link that keeps pace", "Chips for experts", "Data parallel",
           "Drafts", "Bandwidth first")  # fmt: skip


@pytest.mark.parametrize("title", TURNING)
def test_lines_cross_at_the_dot_and_nowhere_else(title):
    """The first line and what it is compared with change places once, between the points around the dot."""
    sides = panels()[title]
    ahead = sides.lines[next(iter(sides.lines))] > other_side(sides)
    (place,) = np.flatnonzero(ahead[1:] != ahead[:-1])
    assert sides.x[place] * (1 - 1e-9) <= sides.turns <= sides.x[place + 1] * (1 + 1e-9)


def test_dots_by_hand():
    """Sizes and rates of the paper's tables, typed here: 256 TFLOP/s over 8 TB/s; 192 GB over 8 TB/s; 256 over 8."""
    assert panels()["No low ridge"].turns == pytest.approx(256 / 8)
    assert panels()["Chips for experts"].turns == pytest.approx(256 / 8)
    ridge, work, row = 989.4 / 4.8, 2 * 128 * (2 * 512 + 64), 2 * (512 + 64)  # FLOP and bytes a cached token
    assert panels()["Ridge near intensity"].turns == pytest.approx(ridge * work / (work - row * ridge), rel=1e-3)


def more(system, L: float, **times: float) -> float:
    """Throughput with rates multiplied, at the batch that memory holds."""
    symbols = {"arithmetic": P_acc, "bandwidth": BW_mem, "link": BW_Int}
    rates = {symbols[name]: float(system.point[symbols[name]]) * factor for name, factor in times.items()}
    return float(throughput(system, batch_at_capacity(system, L), L, rates))


def test_bandwidth_is_worth_most_only_above_its_dot():
    """One per mille more of each rate, one at a time, a little below the dot and a little above."""
    system, turns = alone(), panels()["Bandwidth first"].turns
    for L, first in ((turns * 0.98, "arithmetic"), (turns * 1.02, "bandwidth")):
        gains = {name: more(system, L, **{name: 1.001}) for name in ("bandwidth", "link", "arithmetic")}
        assert max(gains, key=gains.get) == first


def test_bandwidth_never_leads_below_its_dot():
    """From the shortest context on to the dot, where arithmetic leads."""
    below = np.geomspace(64, 0.99 * panels()["Bandwidth first"].turns, 7)
    leaders = []
    for L in below:
        gains = {name: more(alone(), L, **{name: 1.001}) for name in ("bandwidth", "link", "arithmetic")}
        leaders.append(max(gains, key=gains.get))
    assert {*leaders} == {"arithmetic"}


def test_memory_is_read_in_time_up_to_the_dot():
    """The dot lies at the time that a step reads at full memory; a limit of 20 ms reads what solving for it gives."""
    sides, system = panels()["Memory read in time"], alone()
    without = {P_acc: np.inf, P_exp: np.inf}
    terms = terms_at(system, batch_at_capacity(system, 8192), 8192, without)
    reads = sum(float(each) for name, each in terms.items() if name not in WIRES)
    assert sides.turns == pytest.approx(1e3 * reads)
    held = 1e9 * np.interp(20, sides.x, sides.lines["read in time"])
    assert held == pytest.approx(largest.useful_capacity(system, 8192, 0.020), rel=2e-3)


def test_copies_serve_more_below_one_dot_and_above_the_other():
    """All schedules on both sides of the dots; the largest gains are those of the curves' last points."""
    system, sides = alone(), panels()["Copies of hot experts"]
    for turn, below in ((sides.before, True), (sides.turns, False)):
        for batch, copied in ((turn * 0.95, below), (turn * 1.05, not below)):
            (those,) = schedules(system, [batch], 8192, 0.8)
            assert bool(those[0].copies) is copied
    assert sides.lines["with copies"][-1] > sides.lines["placed anew"][-1] > 2


def test_a_smaller_cache_serves_more_and_answers_later():
    """Beside twice the bytes a number: more tokens a second, longer steps, equal where nothing changes."""
    sides = panels()["A smaller cache"]
    assert sides.lines["tokens/s"][-1] == sides.lines["step"][-1] == 1
    assert np.all(np.diff(sides.lines["tokens/s"]) < 0)
    assert np.all(np.diff(sides.lines["step"]) < 0)


def test_the_largest_batch_ends_where_memory_or_the_limit_does():
    """The limit of 50 ms lies beyond full memory; one of 20 ms does not, and a step takes it there."""
    system = alone()
    assert panels()["The largest batch"].turns == 202 * 32
    strict = rules.largest_batch(system, 0.020)
    assert float(np.interp(strict.turns, strict.x, strict.lines["step"])) == pytest.approx(20, rel=1e-3)


def test_models_without_experts_have_the_rules_that_speak_of_them():
    """No link and no number of chips for experts, no copies."""
    dense = with_models(Setting.of(model="llama-3.1-70b", n_acc=8, **PARTS), ["llama-3.1-70b"], 8192)
    titles = [
        each.title for each in (*rules.for_architects(dense, ("h200-sxm5",), []), *rules.for_engineers(dense, 0.05))
    ]
    assert not {"A link that keeps pace", "Chips for experts", "Copies of hot experts"} & {*titles}
    assert figures.notes(rules.for_architects(dense, ("h200-sxm5",), []), [])["rules_copies_from"] == np.inf
