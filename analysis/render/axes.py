"""What all figures share: readable logarithmic ticks, numbers in words, colours of models and layers."""

import re
from collections.abc import Iterable, Sequence
from itertools import cycle
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from analysis.ask.setting import Setting
from analysis.render.style import COLOURS, MARKERS, family
from analysis.render.words import named

LAYER_COLOURS = {
    "projections": COLOURS["projections"],
    "output": "#C3C3C3",
    "dense": COLOURS["dense"],
    "routed": COLOURS["experts"],
    "shared": COLOURS["shared_expert"],
    "router": COLOURS["communication"],
    "streams": "#999933",
    "streams_head": "#999933",
    "head": "#444444",
    "decompression": "#692D00",
}
"""Colour of each layer; core attention takes the colour of its mechanism."""

Rows = dict[str, list]
"""The numbers behind a figure: columns of equal length by name."""

SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def in_columns(names: Sequence[str], rows: Iterable[Sequence]) -> Rows:
    """Rows of cells as columns by name.

    >>> in_columns(("a", "b"), [(1, 2), (3, 4)]), in_columns(("a", "b"), [])
    ({'a': [1, 3], 'b': [2, 4]}, {'a': [], 'b': []})
    """
    rows = list(rows)
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def those(rows: Rows, **wanted) -> Rows:
    """The rows whose columns hold these values.

    >>> those({"a": [1, 2, 1], "b": [3, 4, 5]}, a=1)
    {'a': [1, 1], 'b': [3, 5]}
    """
    keys = zip(*(rows[name] for name in wanted), strict=True)
    places = [place for place, key in enumerate(keys) if key == tuple(wanted.values())]
    return {name: [column[place] for place in places] for name, column in rows.items()}


def mechanism_colour(setting: Setting) -> str:
    """The colour of a model's attention mechanism."""
    return COLOURS[family(setting.model.attention)]


def layer_colour(name: str, setting: Setting) -> str:
    """The colour of a layer by stage name."""
    return LAYER_COLOURS.get(name) or mechanism_colour(setting)


def ink(ground: str | Sequence[float]) -> str:
    """Black or white, whichever is easier to read on a colour.

    >>> ink("#692D00"), ink("#F0E442")
    ('white', 'black')
    """
    return "white" if np.dot(to_rgb(ground), (0.299, 0.587, 0.114)) < 0.55 else "black"


def rounded(number: float, digits: int = 3) -> str:
    """A number with few digits and without exponent.

    >>> rounded(228.3016), rounded(0.98765), rounded(9000)
    ('228', '0.988', '9000')
    """
    if number == 0 or not np.isfinite(number):
        return f"{number:g}"
    places = max(0, digits - 1 - int(np.floor(np.log10(abs(number)))))
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def short(number: float, digits: int = 3) -> str:
    """A number with an SI suffix.

    >>> short(8192), short(2.25e15), short(0.5)
    ('8.19k', '2250T', '0.5')
    """
    for size, suffix in SUFFIXES:
        if abs(number) >= size:
            return rounded(number / size, digits) + suffix
    return rounded(number, digits)


def prefixed(number: float, unit: str) -> str:
    """A number with an SI prefix and its unit.

    >>> prefixed(4.87e9, "B"), prefixed(12, "B")
    ('4.87 GB', '12 B')
    """
    for size, prefix in SUFFIXES:
        if abs(number) >= size:
            return f"{rounded(number / size)} {prefix}{unit}"
    return f"{rounded(number)} {unit}"


def seconds(time: float) -> str:
    """A duration in the unit that suits it.

    >>> seconds(1.3437e-4), seconds(0.0132)
    ('134 µs', '13.2 ms')
    """
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if time >= size:
            return f"{rounded(time / size)} {unit}"
    return f"{rounded(time * 1e9)} ns"


def headline(figure: Figure, finding: str) -> None:
    """Write what the figure shows above it, in names instead of ids, broken into lines that fit its width."""
    letters = int(figure.get_figwidth() * 72 / 6.4)  # the mean width of a letter at the title's size
    figure.suptitle(fill(bound(named(finding)), letters, break_on_hyphens=False), x=0.01, ha="left")


def bound(text: str) -> str:
    """A text in which no line breaks between a number and what it counts.

    >>> bound("within 50 ms, 59% at L = 8192").split(" ")
    ['within', '50\\xa0ms,', '59\\xa0%', 'at', 'L\\xa0=\\xa08192']
    """
    spaced = re.sub(r"(?<=\d)%", " %", text)  # as in the text
    return re.sub(r"(?<=\d) (?=[^\W\d]|%)|(?<=\b[A-Za-z]) (?== )|(?<= =) (?=\d)", "\N{NO-BREAK SPACE}", spaced)


def with_names(figure: Figure) -> None:
    """Put names of models, accelerators and links in the place of ids, wherever the figure writes one."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _name_ticks(axis)
    for text in figure.findobj(Text):
        text.set_text(named(text.get_text()))


def _name_ticks(axis: Axis) -> None:
    places = axis.get_major_locator()
    if isinstance(places, FixedLocator):  # else the labels are numbers
        labels = axis.get_major_formatter().format_ticks(places.locs)
        if labels != (names := [named(each) for each in labels]):
            axis.set_ticks(places.locs, names)


def powers_of_two(axis: Axis, values: Sequence[float]) -> None:
    """Tick an axis at the values themselves, printed in full, at most eight of them."""
    values = list(values)
    step = max(1, -(-len(values) // 8))
    axis.set_major_locator(FixedLocator(values[::step]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f}"))


def plain_log(*every: Axis, ticks: Sequence[float] = ()) -> None:
    """Print the decades of logarithmic axes as plain numbers, or these `ticks` of each decade."""
    for axis in every:
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x < 1e4 else short(x)))
        if ticks:
            axis.set_major_locator(LogLocator(subs=ticks))


FINE = (1, 2, 5)
"""Ticks of each decade of an axis that spans few."""


def label_right(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    labels: Sequence[str],
    colours: Sequence[str],
    markers: Sequence[str] = MARKERS[1:2],
) -> None:
    """Write labels in a column right of the axes, each beside its point's height and joined to it by a thin line.

    The limits of the axes are fixed as they are. Points are in data units; `markers` are those of the points, where
    these differ.
    """
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [to_axes.transform(point) @ (1e-6, 1) for point in points]  # of equal heights, the right one goes up
    placed = spread(heights, 0.075, 0.02, 0.98)
    for point, label, colour, height, marker in zip(points, labels, colours, placed, cycle(markers), strict=False):
        x, y = to_axes.transform(point)
        look = {"transform": axes.transAxes, "clip_on": False}
        axes.plot((x, 1.035), (y, height), color="#BBBBBB", linewidth=0.7, zorder=1, **look)
        axes.plot(1.05, height, marker, color=colour, markersize=6, **look)
        beside = {"xytext": (7, 0), "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(label, (1.05, height), xycoords="axes fraction", va="center", **beside)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Positions near the wanted ones, at least `gap` apart, inside `low` to `high`; the order is kept.

    >>> spread([0.5, 0.5, 0.5], 0.1, 0, 1).round(2)
    array([0.4, 0.5, 0.6])
    """
    order = np.argsort(wanted, kind="stable")
    gap = min(gap, (high - low) / max(1, len(order) - 1))
    steps = gap * np.arange(len(order))
    placed = isotonic(np.asarray(wanted, dtype=float)[order] - steps) + steps
    placed += max(0.0, low - placed[0]) if len(placed) else 0
    found = np.empty(len(order))
    found[order] = np.minimum(placed, high - steps[::-1]) if len(placed) else placed
    return found


def isotonic(values: np.ndarray) -> np.ndarray:
    """The rising sequence nearest to the values (pool adjacent violators)."""
    pools: list[list[float]] = []
    for value in values:
        pools.append([value])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    return np.array([np.mean(pool) for pool in pools for _ in pool])
