"""A layered layout of small graphs, top to bottom: longest paths first, few columns, few crossings, deterministic.

The four classical steps (Sugiyama 1981, with the width-bounded layering of Coffman and Graham 1972): put the nodes in
layers, let edges that skip layers hold a lane in each, order every layer, place it. Pure geometry in points; what a
node looks like is known elsewhere.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from analysis.render.axes import isotonic

Key = Hashable
Size = tuple[float, float]
GAP, LANE, RISE = 5.0, 3.0, 18.0  # between neighbours, width of a passing edge, between layers [points]
SWEEPS = 12
LONGEST = 9  # places of a layer whose best order is found; of a longer one a better


@dataclass(frozen=True)
class Lane:
    """The place of an edge where it passes a layer; edges of one source share it."""

    source: Key
    layer: int


@dataclass
class Layout:
    """Where everything lies: centre x and top y of every node [points, y downwards], each edge's way, total size."""

    centre: dict[Key, float] = field(default_factory=dict)
    top: dict[Key, float] = field(default_factory=dict)
    ways: dict[tuple[Key, Key], list[tuple[float, float]]] = field(default_factory=dict)
    size: Size = (0.0, 0.0)


def layout(sizes: Mapping[Key, Size], edges: Sequence[tuple[Key, Key]], columns: int = 3) -> Layout:
    """Place nodes of the given sizes (width, height) in layers of at most `columns`; edges go down.

    >>> found = layout({"a": (10, 5), "b": (10, 5)}, [("a", "b")])
    >>> found.top["b"] - found.top["a"]
    23.0
    """
    level = layers_of(list(sizes), edges, columns)
    chains = {  # each edge as the places that it passes
        (source, target): [source, *(Lane(source, n) for n in range(level[source] + 1, level[target])), target]
        for source, target in edges
    }
    rows = _ordered(_rows(sizes, level, chains), _links(chains))
    widths = {place: sizes[place][0] if place in sizes else LANE for row in rows for place in row}
    found = Layout(centre=_centres(rows, _links(chains), widths))
    y = 0.0
    for row in rows:
        heights = [sizes[place][1] for place in row if place in sizes]
        found.top |= dict.fromkeys(row, y)
        y += max(heights, default=0) + RISE
    found.ways = {edge: _way(edge, chain, found, sizes) for edge, chain in chains.items()}
    right = max(found.centre[place] + widths[place] / 2 for row in rows for place in row)
    found.size = (right, y - RISE)
    return found


def layers_of(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]], columns: int) -> dict[Key, int]:
    """The layer of each node, below all that it needs; of those that could go next, the ones with the longest way down.

    >>> layers_of("abcd", [("a", "c"), ("b", "c"), ("c", "d")], 1)
    {'a': 0, 'b': 1, 'c': 2, 'd': 3}
    """
    below = {node: [target for source, target in edges if source == node] for node in nodes}
    above = {node: [source for source, target in edges if target == node] for node in nodes}
    height: dict[Key, int] = {}

    def longest(node: Key) -> int:
        if node not in height:
            height[node] = 1 + max(map(longest, below[node]), default=0)
        return height[node]

    level: dict[Key, int] = {}
    number = 0
    while len(level) < len(nodes):
        placed = {node for node in level if level[node] < number}
        ready = [node for node in nodes if node not in level and placed.issuperset(above[node])]
        ready.sort(key=longest, reverse=True)  # stable: of equal ones the first given
        level |= dict.fromkeys(ready[:columns], number)
        number += 1
    return level


def _rows(sizes: Mapping[Key, Size], level: Mapping[Key, int], chains: Mapping) -> list[list[Key]]:
    rows: list[list[Key]] = [[] for _ in range(1 + max(level.values()))]
    for node in sizes:
        rows[level[node]].append(node)
    for lane in dict.fromkeys(place for chain in chains.values() for place in chain[1:-1]):
        rows[lane.layer].append(lane)
    return rows


def _links(chains: Mapping[tuple[Key, Key], Sequence[Key]]) -> list[tuple[Key, Key]]:
    """Every step of every edge from one layer to the next, shared steps once."""
    return list(dict.fromkeys(step for chain in chains.values() for step in pairwise(chain)))


def _ordered(rows: list[list[Key]], links: Sequence[tuple[Key, Key]]) -> list[list[Key]]:
    """Each layer in the order with fewest crossings and shortest edges to its neighbours, swept to and fro."""
    near = _neighbours(rows, links)
    for sweep in range(SWEEPS):
        before = [*rows]
        for number in range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1):
            others = [rows[n] for n in (number - 1, number + 1) if 0 <= n < len(rows)]
            rows[number] = _best(rows[number], [_ends(rows[number], other, near) for other in others])
        if rows == before:
            break
    return rows


def _neighbours(rows: Sequence[Sequence[Key]], links: Sequence[tuple[Key, Key]]) -> dict[Key, list[Key]]:
    near: dict[Key, list[Key]] = {place: [] for row in rows for place in row}
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    return near


def _ends(row: Sequence[Key], other: Sequence[Key], near: Mapping[Key, Sequence[Key]]) -> list[list[float]]:
    """Where in the other layer [part of its width] the edges of each place of a row end."""
    at = {place: (n + 0.5) / len(other) for n, place in enumerate(other)}
    return [[at[place] for place in near[each] if place in at] for each in row]


def _best(row: list[Key], ends: Sequence[list[list[float]]]) -> list[Key]:
    """A layer in the order of fewest crossings, then of the shortest edges, then nearest to the order given.

    Crossings are counted pair by pair, and an edge's length knows only its own place: both are tabled once. The best
    order of a set of places is then one of them after the best order of the rest (Held and Karp 1962). A long layer
    has too many sets; there one place moves at a time.
    """
    many = range(len(row))
    crossed = [[sum(p > q for each in ends for p in each[a] for q in each[b]) for b in many] for a in many]
    long = [[sum(abs((n + 0.5) / len(row) - p) for each in ends for p in each[a]) for n in many] for a in many]

    def cost(order: tuple[int, ...]) -> tuple[int, float]:
        crossings = sum(crossed[a][b] for n, b in enumerate(order) for a in order[:n])
        return crossings, round(sum(long[each][n] for n, each in enumerate(order)), 9)

    if len(row) > LONGEST:
        return [row[n] for n in min(_moved(tuple(many)), key=cost)]
    best: dict[int, tuple[int, float, tuple[int, ...]]] = {0: (0, 0.0, ())}
    for chosen in range(1, 1 << len(row)):
        place, found = chosen.bit_count() - 1, []
        for last in (n for n in many if chosen >> n & 1):
            crossings, length, first = best[chosen ^ 1 << last]
            crossings += sum(crossed[each][last] for each in first)
            found.append((crossings, round(length + long[last][place], 9), (*first, last)))
        best[chosen] = min(found)
    return [row[n] for n in best[(1 << len(row)) - 1][2]]


def _moved(row: tuple[int, ...]) -> Iterable[tuple[int, ...]]:
    """All orders in which one place has moved."""
    rest = ((place, [each for each in row if each != place]) for place in row)
    return ((*others[:n], place, *others[n:]) for place, others in rest for n in range(len(row)))


def _centres(rows: list[list[Key]], links: Sequence[tuple[Key, Key]], widths: Mapping[Key, float]) -> dict[Key, float]:
    """Centres near those of the neighbours, without overlap, inside the width of the widest layer."""
    total = max(sum(widths[place] + GAP for place in row) - GAP for row in rows)
    near = _neighbours(rows, links)
    centre = dict.fromkeys(near, total / 2)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [np.mean([centre[other] for other in near[place]] or [total / 2]) for place in row]
            centre |= zip(row, _apart(wanted, [widths[place] for place in row], total), strict=True)
    return centre


def _apart(wanted: Sequence[float], widths: Sequence[float], total: float) -> list[float]:
    """Centres nearest to the wanted ones, in their order, a gap apart, between 0 and the total width."""
    half = np.asarray(widths) / 2
    offset = np.concatenate([[0], np.cumsum(half[:-1] + half[1:] + GAP)])
    start = isotonic(np.asarray(wanted) - offset)
    room = total - half[-1] - offset[-1]
    return (np.clip(start, half[0], max(half[0], room)) + offset).tolist()


def _way(edge: tuple[Key, Key], chain: Sequence[Key], found: Layout, sizes: Mapping[Key, Size]) -> list:
    """The points of an edge: straight down past its own layer, through its lanes, to the top of its target."""
    source, target = edge
    points = [(found.centre[source], found.top[source] + sizes[source][1])]
    for place in chain[:-1]:
        x, top = found.centre[place], found.top[place]
        depth = max(sizes[node][1] for node in sizes if found.top[node] == top)
        points += [(x, top)] if isinstance(place, Lane) else []
        points += [(x, top + depth)]
    return [*points, (found.centre[target], found.top[target])]
