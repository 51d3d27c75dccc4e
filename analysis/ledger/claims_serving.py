"""Claims about time per token and throughput of the three models (C011 to C014, C064).

The grid behind the paper's Fig. 2 is not printed, so pairs of powers of two are looked at: one model's batch and the
other's at the same context, both within memory. A reading must say beforehand which pair it takes; among pairs chosen
freely some always fit, so those are counted in the reason and make no verdict.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from analysis.ask.numbers import value
from analysis.derive.capacity import weights_stored
from analysis.derive.symbols import BW_mem, n_acc
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.paper_systems import GPT3, LLAMA4, R1, cap, scenario
from analysis.ledger.readings import AT_LEAST, Paper, Reading, holds
from analysis.systems.expert_batches import share_reached
from analysis.systems.grids import Grid, grid
from analysis.systems.quantities import quantity

TPOT, RATE = quantity("tpot").label, quantity("throughput_per_accelerator").label
FIGURE = "fig-tpot-throughput"
BATCHES, CONTEXTS = 2.0 ** np.arange(5, 16), 2.0 ** np.arange(10, 16)
NAMES = {GPT3: "GPT-3", LLAMA4: "Llama 4"}


@dataclass(frozen=True)
class Pair:
    """R1 and another model at one context, each at a batch of its own; `number` is the claim's comparison."""

    L: float
    B: float
    B_other: float
    number: float

    def __str__(self) -> str:
        return f"L = {self.L:.0f}, B = {self.B:.0f} against {self.B_other:.0f}"


@cache
def _grid(system: str) -> Grid:
    return grid(scenario(system), BATCHES, CONTEXTS)


@cache
def _at_cap(system: str, L: float) -> Grid:
    return grid(scenario(system), [cap(system, L)], [L])


def _gain(ours: Grid, theirs: Grid, i: int, j: int, k: int) -> float:
    """How many times the other model's throughput per accelerator R1 has [1]."""
    return float(ours.per_accelerator[i, j] / theirs.per_accelerator[i, k])


def _saving(ours: Grid, theirs: Grid, i: int, j: int, k: int) -> float:
    """By how much R1's TPOT is lower [%]."""
    return float(100 * (1 - ours.tpot[i, j] / theirs.tpot[i, k]))


def _pairs(other: str, compare) -> list[Pair]:
    """Every pair of powers of two at one context at which both models fit memory."""
    ours, theirs = _grid(R1), _grid(other)
    cells = [
        (i, j, k)
        for i in range(len(CONTEXTS))
        for j in np.flatnonzero(ours.feasible[i])
        for k in np.flatnonzero(theirs.feasible[i])
    ]
    return [Pair(CONTEXTS[i], BATCHES[j], BATCHES[k], compare(ours, theirs, i, j, k)) for i, j, k in cells]


def _full(other: str, compare) -> list[Pair]:
    """Both models at their own B_cap, one pair per context."""
    found = [(L, _at_cap(R1, L), _at_cap(other, L)) for L in CONTEXTS]
    return [Pair(L, ours.batches[0], theirs.batches[0], compare(ours, theirs, 0, 0, 0)) for L, ours, theirs in found]


def _largest_batches(pairs: list[Pair]) -> list[Pair]:
    """Of each context the pair in which both models have the largest power of two that fits."""
    best = {pair.L: pair for pair in sorted(pairs, key=lambda pair: (pair.B, pair.B_other))}
    return list(best.values())


def _compared(paper: Paper, other: str, compare) -> tuple[tuple[Reading, ...], list[Pair], list[Pair]]:
    pairs, full = _pairs(other, compare), _full(other, compare)
    wanted = paper.numbers[0]

    def nearest(name: str, among: list[Pair]) -> Reading:
        pair = min(among, key=lambda each: abs(each.number - wanted.value))
        return paper.reading(f"{name}: nearest at {pair}", pair.number)

    most = max(full, key=lambda pair: pair.number)
    equal = [pair for pair in pairs if pair.B_other == pair.B]
    readings = (
        paper.reading(f"each at its own B_cap: largest at {most}", most.number),
        *(paper.reading(f"each at its own B_cap, {pair}", pair.number) for pair in full),
        *(paper.reading(f"each at its largest power of two, {pair}", pair.number) for pair in _largest_batches(pairs)),
        nearest("equal batches", equal),
    )
    return readings, pairs, [pair for pair in pairs if wanted.fits(pair.number)]


def _throughput(paper: Paper, other: str) -> Judgement:
    readings, pairs, fitting = _compared(paper, other, _gain)
    own = [reading.value for reading in readings[1 : 1 + len(CONTEXTS)]]
    reason = (
        f"Each at its own B_cap, R1 has {min(own):.1f} to {max(own):.1f} times {NAMES[other]}'s throughput (L = 1K to "
        f"32K); of {len(pairs)} pairs of powers of two in memory {len(fitting)} would give the printed number, the "
        f"one with the largest batches at {_largest(fitting)}."
    )
    return Judgement(readings, reason, "1", RATE, FIGURE)


def _largest(fitting: list[Pair]) -> str:
    best = max(fitting, key=lambda pair: (pair.B, pair.B_other), default=None)
    return f"{best} ({best.number:.2f})" if best else "none"


def _latency(paper: Paper, other: str) -> Judgement:
    readings, pairs, fitting = _compared(paper, other, _saving)
    own = [reading.value for reading in readings[1 : 1 + len(CONTEXTS)]]
    reason = (
        f"Each at its own B_cap, R1 takes {-max(own):.0f} to {-min(own):.0f} % longer than {NAMES[other]} (L = 1K to "
        f"32K). Other batches give the printed number: {len(fitting)} of {len(pairs)} pairs of powers of two, the "
        f"largest {_largest(fitting)}. Nothing in the paper singles one out."
    )
    return Judgement(readings, reason, "%", TPOT, FIGURE)


claim("C011")(partial(_throughput, other=GPT3))
claim("C012")(partial(_throughput, other=LLAMA4))
claim("C013")(partial(_latency, other=GPT3))
claim("C014")(partial(_latency, other=LLAMA4))


@claim("C064")
def _floor(paper: Paper) -> Judgement:
    setting = scenario(R1)
    batches = np.arange(32.0, cap(R1, 8192), 32)
    forms = {book: weights_stored(setting.architecture, book) / (n_acc * BW_mem) for book in ("eq11", "as_built")}
    floors = {book: float(value(form, setting.point)) for book, form in forms.items()}
    times, reached = grid(setting, batches, [8192]).tpot[0], share_reached(setting, batches)

    def above(name: str, book: str, chosen) -> Reading:
        return holds(name, floors[book] * 1e3, AT_LEAST(float(times[chosen].min()), floors[book]))

    every = np.ones_like(batches, dtype=bool)
    readings = (
        above("weights of Eq. 11, every batch", "eq11", every),
        above("weights of Eq. 11, batches that reach 99 % of the experts", "eq11", reached > 0.99),
        above("weights as built, batches that reach 99 % of the experts", "as_built", reached > 0.99),
    )
    reason = (
        f"Reading all weights of Eq. 11 once takes {floors['eq11'] * 1e3:.2f} ms, but at B = {batches[0]:.0f} only "
        f"{100 * reached[0]:.0f} % of the experts are read and a token takes {times[0] * 1e3:.2f} ms; the floor holds "
        f"once every expert is reached (99 % from B = {batches[reached > 0.99][0]:.0f} on)."
    )
    return Judgement(readings, reason, "ms", quantity("tpot_eq12").label, FIGURE)
