"""Regions: margins over a stated grid of named axes, and the boundaries along one axis with the others held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from analysis.thesis.world import Place, World

Margin = Callable[[World, str, Place], np.ndarray]
FIRST, FINER, ROUNDS = 33, 9, 8  # points of the first search for a boundary, of each refinement, refinements


@dataclass(frozen=True)
class Axis:
    """An axis of a grid: its key in a place, its name and unit for readers, its values.

    `looped`: values are taken one by one, as labels are; else as an array. `even`: a boundary is sought in even steps,
    else in the logarithm.
    """

    name: str
    title: str
    values: tuple
    unit: str = ""
    looped: bool = False
    even: bool = False


@dataclass(frozen=True)
class Line:
    """Where a boundary is sought: along an axis at a place, which `where` says in words."""

    axis: Axis
    place: dict
    where: str

    def span(self, world: World, model: str) -> tuple[float, float]:
        """The ends of the search: the axis's own, or the fewest and the most requests that the place has."""
        if self.axis.values:
            return self.axis.values[0], self.axis.values[-1]
        fewest, most = (float(world.requests(model, self.place | {"batch": share})) for share in (0.0, 1.0))
        return fewest, most


@dataclass(frozen=True)
class Stretch:
    """A stretch of a line on which a conclusion holds; an end is None where the line itself ends."""

    low: float | None
    high: float | None


def grid(margin: Margin, world: World, model: str, axes: Sequence[Axis]) -> np.ndarray:
    """The margin at every point, one dimension an axis in their order; nan where a point does not exist."""
    looped, arrays = ([axis for axis in axes if axis.looped is kind] for kind in (True, False))
    mesh = dict(zip(_names(arrays), np.ix_(*(np.array(axis.values) for axis in arrays)), strict=True))
    shape = tuple(len(axis.values) for axis in (*looped, *arrays))
    labels = product(*(axis.values for axis in looped))
    places = [mesh | dict(zip(_names(looped), each, strict=True)) for each in labels]
    found = [np.broadcast_to(margin(world, model, each), shape[len(looped) :]) for each in places]
    order = [*looped, *arrays]
    return np.reshape(found, shape).transpose([order.index(axis) for axis in axes])


def _names(axes: Sequence[Axis]) -> list[str]:
    return [axis.name for axis in axes]


def stretches(margin: Margin, world: World, model: str, line: Line) -> tuple[Stretch, ...]:
    """Where along a line the margin is above 0, its ends solved by dividing the step in which it changes sign."""

    def at(values: np.ndarray) -> np.ndarray:
        found = margin(world, model, line.place | {line.axis.name: values})
        return np.where(np.isfinite(found), np.sign(found), np.nan) + np.zeros(len(values))

    return where_positive(at, _between(*line.span(world, model), FIRST, line.axis.even), line.axis.even)


def where_positive(
    at: Callable, points: np.ndarray, even: bool = False, signs: np.ndarray | None = None
) -> tuple[Stretch, ...]:
    """Between points on which the sign `at` is above 0, its changes refined; `even` as steps of the axis are.

    `signs` are those at the points, where they are known.

    >>> (found,) = where_positive(lambda x: np.sign((x - 2) * (5 - x)), np.array([1.0, 3.0, 4.0, 8.0]))
    >>> round(found.low, 4), round(found.high, 4)
    (2.0, 5.0)
    """
    signs = at(points) if signs is None else signs
    changes = [
        (_refined(at, low, high, even, after > 0), after)
        for (low, before), (high, after) in pairwise(zip(points, signs, strict=True))
        if np.isfinite([before, after]).all() and (before > 0) != (after > 0)
    ]
    exists = signs[np.isfinite(signs)]
    inside, low, found = len(exists) > 0 and exists[0] > 0, None, []
    for place, after in changes:
        found += [Stretch(low, place)] if inside else []
        inside, low = after > 0, place
    return tuple([*found, Stretch(low, None)] if inside else found)


def exists(margin: Margin, world: World, model: str, line: Line) -> bool:
    """Whether a margin has a number anywhere on a line."""
    points = _between(*line.span(world, model), FINER, line.axis.even)
    return bool(np.isfinite(margin(world, model, line.place | {line.axis.name: points})).any())


def _between(low: float, high: float, count: int, even: bool) -> np.ndarray:
    return np.linspace(low, high, count) if even else np.geomspace(low, high, count)


def _refined(at: Callable, low: float, high: float, even: bool, after: bool) -> float:
    """Where the sign changes between two points that differ in it; `after`: whether it is above 0 at the second."""
    for _ in range(ROUNDS):
        points = _between(low, high, FINER, even)
        turned = np.append((at(points[1:-1]) > 0) == after, True)
        place = int(np.argmax(turned))
        low, high = float(points[place]), float(points[place + 1])
    return (low + high) / 2
