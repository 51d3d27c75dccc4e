"""Claims about skewed routing (C075, C077)."""

from functools import cache

import numpy as np

from analysis.ask.gammas import random_imbalance
from analysis.ask.setting import Setting
from analysis.ledger.claims_scaling import SHORT
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.imbalance_readings import AuditRow, audit
from analysis.ledger.paper_systems import B_RP, scenario, throughput
from analysis.ledger.readings import FALLING, LOWER, Paper, Reading, holds
from analysis.systems.quantities import quantity

FIGURE, SKEWS, SYSTEMS = "fig-skew-imbalance", (0, 0.2, 0.4, 0.6, 0.8), ("r1-8x32-l2048", "r1-256-900-l2048")
PLACEMENTS = ("contiguous", "strided", "lpt", "shuffled")
SEEDS = 100


@cache
def _audit() -> tuple[AuditRow, ...]:
    return tuple(audit(s=SKEWS[-1], seeds=SEEDS))


def _row(paper: Paper, row: AuditRow) -> Reading:
    name = f"{row.placement}, drawn {row.draws} replacement"
    if row.placement != "shuffled":
        return paper.reading(name, row.ratio)
    return paper.band(f"{name}: 95 % of {SEEDS} placements", row.low, row.high)


@claim("C075")
def _imbalance_ratio(paper: Paper) -> Judgement:
    rows = {(row.placement, row.draws): row for row in _audit()}
    readings = tuple(_row(paper, row) for row in rows.values())
    contiguous, strided, lpt, shuffled = (rows[placement, "without"] for placement in PLACEMENTS)
    needed = shuffled.gamma_large / paper.numbers[0].value
    reason = (
        f"With one expert per GPU the large system's imbalance is {shuffled.gamma_large:.2f} under any placement "
        f"without copies, so the printed ratio needs {needed:.2f} in the small ones; the ratio is "
        f"{contiguous.ratio:.2f} contiguous, {strided.ratio:.2f} strided, {lpt.ratio:.2f} with the longest processing "
        f"time first and {shuffled.ratio:.2f} on average over random placements, whose band {shuffled.low:.2f} to "
        f"{shuffled.high:.2f} is wide enough to hold it."
    )
    return Judgement(readings, reason, "1", quantity("load_imbalance").label, FIGURE)


def _placed(name: str, s: float, placement: str) -> Setting:
    """A scenario under skew; random placements at their mean imbalance."""
    setting = scenario(name, s=s, placement=placement)
    return setting.with_(Gamma_imb=random_imbalance(setting).mean) if s and placement == "shuffled" else setting


def _kept(name: str, placement: str) -> np.ndarray:
    """Throughput at B_RP over that without skew [1], one per exponent."""
    settings = [_placed(name, s, placement) for s in SKEWS]
    rates = np.array([throughput(setting, B_RP(name), SHORT) for setting in settings])
    return rates / rates[0]


@claim("C077")
def _falls(paper: Paper) -> Judgement:
    def reading(placement: str) -> Reading:
        small, large = (_kept(name, placement) for name in SYSTEMS)
        faster = map(LOWER, large[1:], small[1:])
        name = f"{placement} placement, B_RP"
        return holds(name, (float(small[-1]), float(large[-1])), FALLING(small), FALLING(large), *faster)

    readings = tuple(reading(placement) for placement in PLACEMENTS)
    first, best = readings[0].value, readings[2].value
    reason = (
        f"At s = {SKEWS[-1]} eight systems of 32 keep {100 * first[0]:.0f} % of their throughput with contiguous "
        f"experts and {100 * best[0]:.0f} % with the longest processing time first, one of 256 keeps "
        f"{100 * first[1]:.0f} %; in both it falls with every step of s."
    )
    return Judgement(readings, reason, "1", quantity("throughput").label, "fig-skew-frontier")
