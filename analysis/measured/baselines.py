"""What a calibration must beat: the bare roofline, the roofline over one efficiency, a device's table interpolated."""

from functools import cache

import numpy as np
from scipy.spatial import cKDTree

from analysis.measured import calibration
from analysis.measured.calibration import Parts
from analysis.measured.fitting import operation_of
from analysis.measured.validate import Compared, to_fit

ROOFLINE, ONE, TABLE = "roofline", "one efficiency", "interpolation"
BASELINES = (ROOFLINE, ONE, TABLE)


def interpolated(table: Parts, wanted: Parts, nearest: int = 3, shapes: tuple | None = None) -> np.ndarray:
    """Time [s] of rows from the nearest rows of a table, by distance in log arithmetic and log traffic time.

    `shapes` are marks of the table's and of the wanted rows: a row is never interpolated from its own shape, and nan
    where there is no other.
    """

    def place(parts: Parts) -> np.ndarray:
        return np.log(np.stack([np.maximum(parts.compute, 1e-12), np.maximum(parts.memory, 1e-12)], axis=1))

    of_table, of_wanted = shapes or (np.zeros(len(table.measured)), np.ones(len(wanted.measured)))
    own = np.unique(of_table, return_counts=True)[1].max() if shapes else 0
    count = min(nearest + own, len(table.measured))
    apart, rows = (each.reshape(-1, count) for each in cKDTree(place(table)).query(place(wanted), count))
    others = of_table[rows] != of_wanted[:, None]
    weights = np.where(others & (np.cumsum(others, axis=1) <= nearest), 1 / (apart + 1e-9), 0)
    with np.errstate(invalid="ignore"):
        return np.exp(np.sum(np.log(table.measured)[rows] * weights, axis=1) / weights.sum(axis=1))


def from_own_table(parts: Parts, mark: np.ndarray) -> np.ndarray:
    """Time [s] of one device's rows from its rows of other shapes, which `mark` tells apart.

    Of many rows some `MOST_ROWS` are taken; nan for the others.
    """
    found = np.full(len(parts.measured), np.nan)
    kept = calibration.thinned(parts)
    found[kept] = interpolated(parts.rows(kept), parts.rows(kept), shapes=(mark[kept], mark[kept]))
    return found


@cache
def one_efficiency(operation: str, seed: int = 0) -> dict[str, float]:
    """The one efficiency of an operation's shipped rows, as far as they were fitted; nothing where none is shipped."""
    shipped = to_fit()
    rows = np.flatnonzero(operation_of(shipped) == operation)
    if not len(rows):
        return {}
    parts = calibration.parts_of(shipped, rows, operation)
    return calibration.constant_efficiency(parts.rows(calibration.split(parts, seed)[0]))


def times(compared: Compared, operation: str) -> dict[str, np.ndarray]:
    """Times [s] of rows of one operation on one device by each baseline that describes it, the roofline always."""
    found = {ROOFLINE: compared.prediction.time}
    if operation:
        parts = calibration.parts_of(compared, np.arange(len(compared.table)), operation)
        mark = calibration.shape_hash(compared)
        one = one_efficiency(operation)
        found |= {ONE: parts.time(one)} if one else {}
        found[TABLE] = from_own_table(parts, mark)
    return found
