"""Every reading of the imbalance ratio of a large to a small system, side by side (claim C075, paper Fig. 13)."""

from typing import NamedTuple

import numpy as np

from analysis.routing import inputs
from analysis.routing.imbalance import load_imbalance
from analysis.routing.placement import PLACEMENTS
from analysis.routing.sampling import expected_maximum


class AuditRow(NamedTuple):
    """One reading: Gamma_imb^acc of the small and of the large system, and large over small with its band."""

    placement: str
    draws: str
    gamma_small: float
    gamma_large: float
    ratio: float
    low: float
    high: float


def audit(
    n_e: int = 256,
    n_k: int = 8,
    s: float = 0.8,
    small: int = 32,
    large: int = 256,
    B: int | None = None,
    seeds: int = 200,
    replicas: int = 20,
) -> list[AuditRow]:
    """Rows over placements x draws of max Gamma_imb^acc on `small` and `large` accelerators.

    B left out: the maximum of expected loads, exact, low = high = ratio. B given: the expected maximum when the large
    system routes B tokens together and each small one B small / large of them, by `replicas` runs; low and high
    are then the ratio at the unfavourable ends of both 95 % intervals. Shuffled rows average over `seeds` random
    placements, and low and high are the 2.5 and 97.5 per cent quantiles over these. Replicated rows add one slot per
    accelerator. Raises InputError as `load_imbalance` and `expected_maximum`.
    """
    case, seeds = (n_e, n_k, s, B, replicas), inputs.whole("seeds", seeds)
    return [_row(placement, draws, case, small, large, seeds) for draws in inputs.DRAWS for placement in PLACEMENTS]


def _row(placement: str, draws: str, case: tuple, small: int, large: int, seeds: int) -> AuditRow:
    tries = range(seeds if placement == "shuffled" else 1)
    few, many = (
        np.array([_gamma(placement, draws, case, n_acc, large, seed) for seed in tries]) for n_acc in (small, large)
    )
    ratios = many[:, 0] / few[:, 0]
    numbers = (few[:, 0].mean(), many[:, 0].mean(), ratios.mean(), *_ends(few, many, ratios))
    return AuditRow(placement, draws, *map(float, numbers))


def _gamma(placement: str, draws: str, case: tuple, n_acc: int, large: int, seed: int) -> inputs.Band:
    n_e, n_k, s, B, replicas = case
    if B is None:
        exact = load_imbalance(n_e, n_k, n_acc, s, placement, draws, seed)
        return inputs.Band(exact, exact, exact)
    return expected_maximum(n_e, n_k, n_acc, s, B * n_acc / large, placement, draws, replicas, seed)


def _ends(few: np.ndarray, many: np.ndarray, ratios: np.ndarray):
    """Ends of the ratio's band: over placements when there are several, else from the two systems' own bands."""
    if len(ratios) > 1:
        return np.quantile(ratios, [0.025, 0.975])
    return many[0, 1] / few[0, 2], many[0, 2] / few[0, 1]
