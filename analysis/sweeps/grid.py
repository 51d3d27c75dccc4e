"""A grid as its file describes it: quantities, fixed parameters, axes, conditions, and a front.

Each value is read by its parameter's own rule. An example::

    quantities: [tpot, throughput_per_accelerator]
    with: {accelerator: b200-sxm, n_acc: 32, slo: 0.05}
    over:
      model: [deepseek-v3, ./mine.yml]
      deg_TP: [1, 8]
      B: {from: 1, to: 4096, points: 200, scale: log}
      L: [4096, 32768]
    constraints: [fits_memory, meets_slo]
    pareto: {gain: throughput_per_accelerator, cost: tpot, by: [model]}
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.files.documents import yaml_mapping
from analysis.files.errors import InputError, choices
from analysis.files.text import place, shown
from analysis.sweeps.values import ARRAYS, axis, one
from analysis.systems.quantities import quantity

KEYS = ("quantities", "with", "over", "constraints", "flags", "pareto")
CONDITIONS = ("fits_memory", "meets_slo")
MOST_COMBINATIONS = 1_000_000
MOST_POINTS = 10**10


@dataclass(frozen=True)
class Front:
    """The points that no other point beats: highest `gain` at lowest `cost`, within equal values of `by`."""

    gain: str
    cost: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """What to evaluate where: `axes` are parameter to values, in the file's order."""

    quantities: tuple[str, ...]
    fixed: dict[str, object]
    axes: dict[str, tuple]
    constraints: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    front: Front | None = None

    @property
    def discrete(self) -> dict[str, tuple]:
        """Axes whose every value makes a setting of its own."""
        return {name: values for name, values in self.axes.items() if name not in ARRAYS}

    @property
    def arrays(self) -> dict[str, tuple]:
        """Axes that are evaluated as numpy arrays."""
        return {name: values for name, values in self.axes.items() if name in ARRAYS}

    @property
    def combinations(self) -> int:
        """Settings of the grid."""
        return math.prod(map(len, self.discrete.values()))

    @property
    def points(self) -> int:
        """Points of the grid."""
        return math.prod(map(len, self.axes.values()))


def read_grid(path: Path) -> Grid:
    """The grid in a YAML file. Raises InputError for unknown keys, names and values, and for a grid too large."""
    path = Path(path)
    given = yaml_mapping(path)
    try:
        return grid_of(given, path.parent)
    except InputError as failure:
        raise InputError(f"{place(path)}: {failure}") from None


def grid_of(given: Mapping, base: Path) -> Grid:
    """The grid that a mapping of the file's keys describes, paths of rows read from the folder `base`.

    Raises InputError as `read_grid`.

    >>> grid_of({"quantities": "tpot", "over": {"B": range(1, 4)}}, Path()).axes
    {'B': (1, 2, 3)}
    """
    grid = _grid({name: _plain(each) for name, each in given.items()}, base)
    _check(grid)
    return grid


def _plain(given):
    """Arrays, ranges and tuples as lists, numpy's numbers as Python's, paths as text."""
    if isinstance(given, Mapping):
        return {name: _plain(each) for name, each in given.items()}
    if hasattr(given, "tolist"):
        return given.tolist()
    if isinstance(given, Path):
        return str(given)
    return [_plain(each) for each in given] if isinstance(given, list | tuple | range) else given


def _grid(given: dict, base: Path) -> Grid:
    for key in given:
        if key not in KEYS:
            raise InputError(f"found the key {shown(key)}, allowed are {choices(KEYS)}; correct it.")
    fixed = {name: one(name, value, base) for name, value in _mapping(given, "with").items()}
    over = _mapping(given, "over")
    repeated = sorted(set(fixed) & set(over))
    if repeated:
        raise InputError(f"{repeated[0]}: found under both with and over, allowed is one of them; remove one.")
    axes = {name: axis(name, values, base) for name, values in over.items()}
    return Grid(
        _names(given, "quantities"), fixed, axes, _names(given, "constraints"), _names(given, "flags"), _front(given)
    )


def _mapping(given: dict, key: str) -> dict:
    found = given.get(key) or {}
    if not isinstance(found, dict):
        raise InputError(f"{key}: found {shown(found)}, allowed is a mapping of parameters to values; correct it.")
    return found


def _names(given: dict, key: str) -> tuple[str, ...]:
    found = given.get(key) or []
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InputError(f"{key}: found {shown(found)}, allowed is a list of names; correct it.")
    return tuple(dict.fromkeys(found))


def _front(given: dict) -> Front | None:
    found = _mapping(given, "pareto")
    if not found:
        return None
    if not {"gain", "cost"} <= set(found) <= {"gain", "cost", "by"}:
        raise InputError(f"pareto: found the keys {shown(', '.join(found))}, allowed are gain, cost, by; correct them.")
    gain, cost = (next(iter(_names(found, key)), "") for key in ("gain", "cost"))
    return Front(gain, cost, _names(found, "by"))


def _check(grid: Grid) -> None:
    if not grid.quantities:
        raise InputError("quantities: found none, allowed is at least one name; give for example [tpot].")
    for name in grid.quantities:
        quantity(name)
    for name in (*grid.constraints, *grid.flags):
        if name not in CONDITIONS:
            raise InputError(f"found the condition {shown(name)}, allowed are {choices(CONDITIONS)}; correct it.")
        if name == "meets_slo" and "slo" not in grid.fixed | grid.axes:
            raise InputError("meets_slo: found no slo, allowed is a time per token in seconds; add slo under with.")
    if grid.front:
        _check_front(grid, grid.front)
    if grid.combinations > MOST_COMBINATIONS or grid.points > MOST_POINTS:
        raise InputError(
            f"found {grid.points:.3g} points in {grid.combinations:.3g} settings, allowed are at most "
            f"{MOST_POINTS:.0e} and {MOST_COMBINATIONS:.0e}; shorten an axis."
        )


def _check_front(grid: Grid, front: Front) -> None:
    for name in (front.gain, front.cost):
        if name not in grid.quantities:
            raise InputError(
                f"pareto: found {shown(name)}, allowed are quantities of this grid "
                f"({choices(grid.quantities)}); add it there."
            )
    for name in front.by:
        if name not in grid.axes:
            raise InputError(f"pareto: found by {shown(name)}, allowed are axes ({choices(grid.axes)}); correct it.")
