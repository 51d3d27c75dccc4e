"""The map of the largest term of a token's time over context and batch, a panel a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import BW_Int, BW_out
from analysis.files.errors import InputError
from analysis.render.axes import headline, plain_log, rounded
from analysis.render.style import PAPER, WIDTH
from analysis.thesis import largest
from analysis.thesis.full import whole_batch
from analysis.thesis.largest import CORE, EXPERTS, REST, WIRED, Column

LOOKS = {
    CORE: {"facecolor": "#6AAEDF"},
    EXPERTS: {"facecolor": "#EDBBD3"},
    WIRED: {"facecolor": "#8C8C8C"},
    REST: {"facecolor": "#EBDA8C"},
}
BEYOND = {"facecolor": "white", "hatch": "////", "edgecolor": "#BBBBBB", "linewidth": 0}
STEPS = 49  # contexts of a panel, beside the corners
HIGHEST = 0.7  # of the axis: a marked point, whose times stand above it
LEADER = {"arrowstyle": "-", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0, "relpos": (0.5, 0)}
CENTRED = {"va": "center", "linespacing": 0.95}
SHORT = {CORE: "core\nattention", EXPERTS: "routed\nexperts", REST: "everything\nelse"}
TICKS = {1024.0: "1K", 8192.0: "8K", 65536.0: "64K", 2.0**20: "1M"}


@dataclass(frozen=True)
class Panel:
    """The map on one link: columns at rising contexts, two at each corner, and the marked points of `mark`."""

    link: str
    setting: Setting
    columns: tuple[Column, ...]
    marks: tuple["Mark", ...]


@dataclass(frozen=True)
class Mark:
    """A point of the map: context [tokens], batch [requests], who leads, its time and the whole step's [s]."""

    context: float
    batch: float
    name: str
    time: float
    step: float


def panels(setting: Setting, L: float, batches: Sequence[float]) -> list[Panel]:
    """The maps on each link; points at one context carry numbers: full memory, and some batches. Raises InputError."""
    contexts = np.geomspace(largest.LEAST, largest.MOST, STEPS)
    found = []
    for link, each in largest.links(setting).items():
        turns = [column for pair in largest.corners(each, contexts) for column in pair]
        every = sorted([*largest.columns(each, contexts), *turns], key=lambda column: column.context)
        points = (whole_batch(each, L), *map(float, batches))
        found.append(Panel(link, each, tuple(every), tuple(mark(each, L, batch) for batch in points)))
    return [holding(each) for each in found]


def holding(panel: Panel) -> Panel:
    """The panel. Raises InputError where memory holds no request at the map's shortest context."""
    first, n_acc = panel.columns[0], panel.setting["n_acc"]
    if not first.names:
        raise InputError(
            f"n_acc={n_acc}: memory holds no request of {panel.setting.model.name} at {first.context:.0f} tokens; give "
            "more accelerators."
        )
    return panel


def mark(setting: Setting, context: float, batch: float) -> Mark:
    """A point with who leads there; the leader has no name where memory does not hold the batch."""
    time = largest.times(setting, batch, context)
    return Mark(context, batch, str(largest.largest(setting, batch, context)), float(time.max()), float(time.sum()))


def map_figure(found: Sequence[Panel]) -> Figure:
    """Countries named where they lie, borders as lines, points with the leader's time of the whole step's."""
    figure, every = pyplot.subplots(1, len(found), figsize=(WIDTH, 3.9), sharex=True, sharey=True, squeeze=False)
    top = max(column.cap for panel in found for column in panel.columns)
    for axes, panel in zip(every[0], found, strict=True):
        axes.set(xscale="log", yscale="log", xlim=(largest.LEAST, largest.MOST), ylim=(1, _ceiling(panel, top)))
        axes.grid(visible=False)
        _paint(axes, panel.columns)
        _borders(axes, panel.columns)
        _names(axes, panel)
        _points(axes, panel.marks)
        axes.set_title(titled(panel))
        axes.set_xticks(list(TICKS), TICKS.values())
        axes.minorticks_off()
        plain_log(axes.yaxis)
    every[0, 0].set_ylabel("batch B [requests]")
    figure.supxlabel("context L [tokens]", fontsize=10)
    headline(figure, finding(found))
    return figure


def stretches(columns: Sequence[Column]) -> list[list[Column]]:
    """Neighbouring columns with the same leaders, in order."""
    found: list[list[Column]] = []
    for each in columns:
        if found and found[-1][0].names == each.names:
            found[-1].append(each)
        else:
            found.append([each])
    return found


def _paint(axes: Axes, columns: Sequence[Column]) -> None:
    contexts, caps = ([getattr(each, name) for each in columns] for name in ("context", "cap"))
    axes.fill_between(contexts, np.maximum(caps, 1), axes.get_ylim()[1], **BEYOND)
    for alike in stretches(columns):
        along = [each.context for each in alike]
        for place, name in enumerate(alike[0].names):
            low, high = ([each.spans[place][end] for each in alike] for end in (1, 2))
            axes.fill_between(along, low, high, linewidth=0.4, edgecolor="face", **LOOKS[name])


def _borders(axes: Axes, columns: Sequence[Column]) -> None:
    """Memory's limit as a thick line, borders as thin ones; where leaders change along the context, upright ones."""
    line = {"color": "black", "linewidth": 0.9}
    axes.plot([each.context for each in columns], [each.cap for each in columns], color="black", linewidth=1.8)
    runs = stretches(columns)
    for alike in runs:
        for border in np.array([each.batches for each in alike]).T:
            axes.plot([each.context for each in alike], border, **line)
    for before, after in pairwise(runs):
        for low, high in _upright(before[-1], after[0]):
            axes.plot([before[-1].context] * 2, [low, high], **line)


def _upright(before: Column, after: Column) -> list[tuple[float, float]]:
    """Batches between which the leader is another on the other side of a corner."""
    return [
        (max(low, lower), min(high, higher))
        for name, low, high in before.spans
        for other, lower, higher in after.spans
        if name != other and min(high, higher) > max(low, lower) * 1.001
    ]


def _names(axes: Axes, panel: Panel) -> None:
    """Each country's name at its left end, that of a country along memory's limit beyond the limit, with a line."""
    first = panel.columns[0]
    for name, low, high in first.spans:
        axes.text(1.15 * first.context, low**0.55 * high**0.45, SHORT.get(name, name), **CENTRED)
    for name in {each for column in panel.columns for each in column.names} - set(first.names):
        at = _heart(panel.columns, name)
        place = {"xytext": (0.98, 0.84), "textcoords": "axes fraction", "ha": "right", **CENTRED}
        axes.annotate(SHORT.get(name, name), at, **place, arrowprops=LEADER, bbox=PAPER)
    axes.text(0.98, 0.98, "does not fit", transform=axes.transAxes, ha="right", va="top", bbox=PAPER)


def _ceiling(panel: Panel, most: float) -> float:
    """Where the axis of batches ends: above memory's limit, with room for the names there over the marked points."""
    return max([1.6 * most, *(each.batch ** (1 / HIGHEST) for each in panel.marks if each.name)])


def _heart(columns: Sequence[Column], name: str) -> tuple[float, float]:
    """Context and batch in a country, past its middle, where no time is written."""
    spans = [(each.context, low, high) for each in columns for own, low, high in each.spans if own == name]
    context, low, high = spans[2 * len(spans) // 3]
    return context, float(np.sqrt(low * high))


def _points(axes: Axes, marks: Sequence[Mark]) -> None:
    for each in (each for each in marks if each.name):
        axes.plot(each.context, each.batch, "o", color="black", markersize=4, clip_on=False)
        text = f"{milliseconds(each.time)} of\n{milliseconds(each.step)} ms"
        axes.annotate(text, (each.context, each.batch), (2, 10), textcoords="offset points", **CENTRED)


def milliseconds(time: float) -> str:
    """Two digits of a time [s] in ms.

    >>> milliseconds(0.01503)
    '15'
    """
    return rounded(1e3 * time, 2)


def titled(panel: Panel) -> str:
    """A panel's title: the link, and what it brings an accelerator [GB/s]."""
    inside, between = (panel.setting.point.get(rate) for rate in (BW_Int, BW_out))
    rates = " and ".join(f"{rate / 1e9:g}" for rate in (inside, between) if rate)
    return f"{panel.link}:\n{rates} GB/s" if panel.setting["n_acc"] > 1 else panel.link


def finding(found: Sequence[Panel]) -> str:
    """The title: who leads at the first marked point on the first link and on the last."""
    one, other = (each.marks[0] for each in (found[0], found[-1]))
    if not one.name:
        return f"At {one.context:.0f} tokens of context no request fits"
    beside = f"; {on(found[-1].link)} {_percent(other)} is {other.name}" if len(found) > 1 else ""
    return f"With memory full at {one.context:.0f} tokens, {_percent(one)} of a token's time is {one.name}{beside}"


def on(link: str) -> str:
    """Where a panel's system exchanges, in a sentence.

    >>> on("fast link"), on("groups of 8")
    ('on the fast link', 'with groups of 8')
    """
    return f"on the {link}" if link.endswith("link") else f"with {link}"


def _percent(each: Mark) -> str:
    return f"{100 * each.time / each.step:.0f} %"
