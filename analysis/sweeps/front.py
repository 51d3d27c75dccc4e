"""Pareto front: the points that no other point of their group beats in both gain and cost."""

import numpy as np


def front_mask(cost, gain, by=()) -> np.ndarray:
    """Which points are on the front [points]: none is better in cost or gain without being worse in the other.

    `by` are columns; points compete where all of them agree. Of equal points the first stays; nan never does.

    >>> front_mask(np.array([1.0, 2.0, 2.0, 3.0]), np.array([5.0, 4.0, 7.0, 7.0])).tolist()
    [True, False, True, False]
    """
    cost, gain = np.asarray(cost, dtype=float), np.asarray(gain, dtype=float)
    keep = np.zeros(len(cost), dtype=bool)
    group = _groups(by, len(cost))
    order = np.lexsort((-gain, cost, group))
    order = order[~np.isnan(cost[order]) & ~np.isnan(gain[order])]
    if not len(order):
        return keep
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for run in np.split(order, starts[1:]):
        best = np.maximum.accumulate(gain[run])
        keep[run[np.concatenate([[True], gain[run][1:] > best[:-1]])]] = True
    return keep


def _groups(by, length: int) -> np.ndarray:
    """A whole number per point, equal where all columns agree."""
    code = np.zeros(length, dtype=np.int64)
    for column in by:
        _, each = np.unique(np.asarray(column), return_inverse=True)
        _, code = np.unique(code * (each.max(initial=0) + 1) + each, return_inverse=True)
    return code
