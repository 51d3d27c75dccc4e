"""One calibrated model per operation: launch floor, attained rates, and what a kernel takes beside its counts.

Times are fitted on the logarithm of measured over predicted, as errors of kernels are ratios. Shapes that differ only
in L (or in tokens) stay on one side of the split, so that a held-out row has no near twin among the fitted ones.
"""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import least_squares

from analysis.data.calibrations import FIRM, OPERATIONS
from analysis.measured.kernel_rows import SHAPE
from analysis.measured.predict import numbers, words
from analysis.measured.validate import Compared
from analysis.systems.beside import BESIDE
from analysis.systems.calibrated import calibrated

BOUNDS = {
    "floor": (1e-7, 1e-3),
    "memory_efficiency": (0.05, 1.0),
    "compute_efficiency": (0.05, 1.0),
    "sharpness": (1.0, 12.0),
    "tile": (1.0, 1e4),
    "ramp": (1e-7, 1e-3),
    "lost": (1e6, 1e10),
    "reach": (1e-7, 1e-2),
    "passes": (1e-3, 30.0),
    "gathers": (1e-3, 30.0),
}
START = {
    "floor": 1e-5,
    "memory_efficiency": 0.8,
    "compute_efficiency": 0.7,
    "sharpness": 3.0,
    "tile": 100.0,
    "ramp": 1e-5,
    "lost": 1e8,
    "reach": 1e-5,
    "passes": 1.0,
    "gathers": 1.0,
}
TEST_SHARE = 0.3
MOST_ROWS = 4000
HARMLESS = 0.05
"""A parameter is not identified if doubling or halving it, the others refitted, raises the mean error by less than
this share of itself."""


@dataclass(frozen=True)
class Parts:
    """What a fit needs of its rows: times [s] of arithmetic, of traffic (wires for exchanges), and of what a kernel
    takes
    beside; measured time [s]; shape group, the parameters to fit, and those of them that are given.
    """

    compute: np.ndarray
    memory: np.ndarray
    measured: np.ndarray
    group: np.ndarray
    names: tuple[str, ...]
    token: np.ndarray | float = 0.0
    between: np.ndarray | float = 0.0
    handed: np.ndarray | float = 0.0
    exponents: np.ndarray | float = 0.0
    byte: np.ndarray | float = 0.0
    firm: Mapping[str, float] = field(default_factory=dict)

    def rows(self, chosen: np.ndarray) -> "Parts":
        """The chosen rows."""
        arrays = {name: each[chosen] for name, each in vars(self).items() if isinstance(each, np.ndarray)}
        return replace(self, **arrays)

    def time(self, given: dict[str, float]) -> np.ndarray:
        """Predicted time [s]; without parameters the bare roofline."""
        return calibrated(self.compute, self.memory, *(getattr(self, name) for name in BESIDE), **given)


def parts_of(compared: Compared, chosen: np.ndarray, operation: str) -> Parts:
    """The chosen rows, ready for a fit of an operation."""
    rows = compared.rows(chosen)
    expected = rows.prediction
    traffic = np.where(expected.wire > 0, expected.wire, expected.memory)
    beside = {name: getattr(expected, name) for name in BESIDE}
    shape = _groups(rows), OPERATIONS[operation]
    return Parts(expected.compute, traffic, rows.latency, *shape, **beside, firm=FIRM.get(operation, {}))


def _groups(rows: Compared) -> np.ndarray:
    """A number for each set of rows that differ only in L, l or tokens."""
    shape = [np.nan_to_num(numbers(rows.table, name)) for name in SHAPE if name not in ("L", "l")]
    keys = list(zip(rows.accelerator, words(rows.table, "kernel"), *shape, strict=True))
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([order[key] for key in keys])


def shape_hash(rows: Compared) -> np.ndarray:
    """A number for each row's shape group, the same in whatever part of a file it comes: a multiplicative hash."""
    texts = [words(rows.table, name) for name in ("accelerator", "kernel")]
    return hashed(texts, [numbers(rows.table, name) for name in SHAPE if name not in ("L", "l")])


def hashed(texts: list[np.ndarray], sizes: list[np.ndarray]) -> np.ndarray:
    """A number for each row's cells, nan as 0."""
    found = np.uint64(0)
    for column in (*map(_marks, texts), *(np.nan_to_num(each).view(np.uint64) for each in sizes)):
        found = (found ^ column) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return found


def _marks(texts: np.ndarray) -> np.ndarray:
    """A number for each text."""
    names, which = np.unique(texts.astype(str), return_inverse=True)
    return np.array([zlib.crc32(name.encode()) for name in names], np.uint64)[which]


def thinned(parts: Parts, seed: int = 0, most: int = MOST_ROWS) -> np.ndarray:
    """Indices of at most about `most` rows, as whole shape groups chosen at random: more would cost time and add no
    precision.
    """
    if len(parts.measured) <= most:
        return np.arange(len(parts.measured))
    groups, counts = np.unique(parts.group, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(groups))
    kept = groups[order[: max(1, int(np.searchsorted(np.cumsum(counts[order]), most)))]]
    return np.flatnonzero(np.isin(parts.group, kept))


def split(parts: Parts, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Indices of rows to fit and rows to test, whole shape groups on one side; `TEST_SHARE` of the groups is tested."""
    groups = np.unique(parts.group)
    tested = np.random.default_rng(seed).permutation(groups)[: max(1, round(TEST_SHARE * len(groups)))]
    held = np.isin(parts.group, tested)
    return np.flatnonzero(~held), np.flatnonzero(held)


def residuals(parts: Parts, given: dict[str, float]) -> np.ndarray:
    """Logarithm of predicted over measured time."""
    return np.log(parts.time(given) / parts.measured)


def fit(parts: Parts, fixed: dict[str, float] | None = None, near: dict[str, float] | None = None) -> dict[str, float]:
    """Parameters that fit the rows best (soft-L1 on log ratios), those in `fixed` held; roughly, from those `near`."""
    fixed, begin = {**parts.firm, **(fixed or {})}, near or START
    free = [name for name in parts.names if name not in fixed]
    low, high = (np.log([BOUNDS[name][side] for name in free]) for side in (0, 1))

    def errors(logs: np.ndarray) -> np.ndarray:
        return residuals(parts, fixed | dict(zip(free, np.exp(logs), strict=True)))

    start = np.clip(np.log([begin[name] for name in free]), low + 1e-9, high - 1e-9)
    found = least_squares(errors, start, bounds=(low, high), loss="soft_l1", f_scale=0.1, ftol=1e-4 if near else 1e-8)
    return fixed | {name: float(number) for name, number in zip(free, np.exp(found.x), strict=True)}


HELD = "compute_efficiency"
"""Rows that never compute for long would leave it at any bound: it then keeps the value that fits start from."""


def best(parts: Parts) -> tuple[dict[str, float], tuple[str, ...]]:
    """The best parameters, and those that the rows leave open."""
    found = fit(parts)
    silent = tuple(unidentified(parts, found))
    return _held(parts, found, silent), silent


def settled(parts: Parts) -> dict[str, float]:
    """The best parameters alone, in a fraction of the time."""
    found = fit(parts)
    return _held(parts, found, unidentified(parts, found, (HELD,)))


def _held(parts: Parts, found: dict[str, float], silent: Collection[str]) -> dict[str, float]:
    return fit(parts, {HELD: START[HELD]}) if HELD in silent else found


def constant_efficiency(parts: Parts) -> dict[str, float]:
    """The baseline with one number: the roofline divided by the efficiency that the median row has."""
    share = float(np.exp(np.median(residuals(parts, {}))))
    return {"memory_efficiency": share, "compute_efficiency": share}


def typical_error(parts: Parts, given: dict[str, float]) -> float:
    """Median of the absolute relative error of predicted time [1]."""
    return float(np.median(np.abs(np.expm1(residuals(parts, given)))))


def intervals(parts: Parts, repeats: int = 100, seed: int = 0) -> dict[str, tuple[float, float]]:
    """95 % intervals of the parameters by resampling whole shape groups with replacement."""
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(parts.group == group) for group in np.unique(parts.group)]
    draws = [
        fit(parts.rows(np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))])))
        for _ in range(repeats)
    ]
    return {name: tuple(np.percentile([draw[name] for draw in draws], [2.5, 97.5])) for name in parts.names}


def unidentified(parts: Parts, best: dict[str, float], asked: Collection[str] = tuple(BOUNDS)) -> list[str]:
    """Parameters, of those asked for, that the rows leave open: doubled or halved (within bounds), the others refitted,
    the fit is as good.
    """
    least, names = _cost(parts, best), [name for name in parts.names if name in asked and name not in parts.firm]
    return [name for name in names if _rise(parts, best, name, least) < HARMLESS * least]


def _rise(parts: Parts, best: dict[str, float], name: str, least: float) -> float:
    moved = [min(max(best[name] * factor, BOUNDS[name][0]), BOUNDS[name][1]) for factor in (0.5, 2.0)]
    tried = [number for number in moved if abs(np.log(number / best[name])) > 0.3]
    return min((_cost(parts, fit(parts, {name: number}, best)) - least for number in tried), default=0.0)


def _cost(parts: Parts, given: dict[str, float]) -> float:
    return float(np.mean(np.abs(residuals(parts, given))))
