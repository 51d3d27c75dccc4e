"""What must be said of a grid: how many points no memory holds, or no model was made for, and what its models omit."""

from collections import Counter
from math import prod

import numpy as np

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.sweeps.grid import Grid
from analysis.systems.notes_case import Case
from analysis.systems.notes_limits import over_context, over_memory
from analysis.systems.quantities import quantity

BEYOND = {"memory": over_memory, "context": over_context}
SAID = {
    "memory": "have a batch that memory does not hold (B above B_cap); fits_memory under constraints leaves them out",
    "context": "have a context beyond the longest of their model",
}


def beyond(names: tuple[str, ...], setting: Setting, shape: tuple[int, ...]) -> Counter:
    """Points of a block's setting that lie beyond memory, or beyond the model's context [1], by kind."""
    cases = [Case(quantity(name), setting) for name in names]
    found = Counter()
    for kind, over in BEYOND.items():
        where = next((each for each in map(over, cases) if each is not None), np.False_)
        found[kind] = int(np.sum(where)) * (prod(shape) // np.size(where))
    return found


def sentences(grid: Grid, counts: Counter) -> list[str]:
    """The notes of a grid from the counts of all its blocks; points that a constraint leaves away are no matter."""
    kinds = [kind for kind in SAID if counts[kind] and not (kind == "memory" and "fits_memory" in grid.constraints)]
    told = [f"{counts[kind]} of {grid.points} points {SAID[kind]}." for kind in kinds]
    rows = [datasets.find("models", each) for each in grid.axes.get("model", [grid.fixed.get("model")]) if each]
    omitted = {row.id: getattr(row, "omits", "") for row in rows}
    return told + [f"{model} omits what its file has: {part.rstrip('.')}." for model, part in omitted.items() if part]
