"""A small panel per guideline: its two sides as lines, and a dot where the rule turns."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.render.axes import headline, in_columns, plain_log, rounded
from analysis.render.style import COLOURS, PAPER, WIDTH
from analysis.render.words import conventions, named, person
from analysis.thesis.rules import Sides

LOOKS = (
    {"color": COLOURS["mla"]},
    {"color": COLOURS["mha"], "linestyle": "--"},
    {"color": COLOURS["dense"], "linestyle": "-."},
)
LETTERS = "abcdefgh"
USED = ("accelerator", "n_acc", "phase", "order", "width", "peak", "weights")


def links(setting: Setting, slow: str) -> list[tuple[str, float]]:
    """The setting's link, where it has one of the data, and a slow one, with their bandwidths [GB/s]."""
    return [(each.id, each.BW_Int) for each in (setting.link, datasets.interconnect(slow)) if each]


def rules_figure(panels: Sequence[Sides], finding: str) -> Figure:
    """Two panels a row, a letter each; lines carry their names."""
    rows = -(-len(panels) // 2)
    figure, grid = pyplot.subplots(rows, 2, figsize=(WIDTH, 0.7 + 1.9 * rows), squeeze=False)
    for axes, sides, letter in zip(grid.flat, panels, LETTERS, strict=False):
        _panel(axes, sides, letter)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    headline(figure, finding)
    return figure


def _panel(axes: Axes, sides: Sides, letter: str) -> None:
    axes.set(title=f"{letter}  {sides.title}", xlabel=sides.xlabel, ylabel=sides.ylabel)
    for log, scale, axis in zip(sides.logs, (axes.set_xscale, axes.set_yscale), (axes.xaxis, axes.yaxis), strict=True):
        if log:
            scale("log")
            plain_log(axis)
    if sides.even is not None:
        axes.axhline(sides.even, color="black", linewidth=1)
    for (name, line), look in zip(sides.lines.items(), LOOKS, strict=False):
        axes.plot(sides.x, line, label=named(name), **look)
    if len(sides.lines) > 1:
        axes.legend(loc=sides.legend, handlelength=1.6, borderaxespad=0.2)
    if sides.marks:
        axes.margins(y=0.6)  # room for their names
    for name, place in sides.marks:
        _mark(axes, sides, person(name) if name in datasets.models() else named(name), place)
    for turn in (sides.before, sides.turns):
        if turn is not None and sides.x[0] <= turn <= sides.x[-1]:
            _turn(axes, sides, turn)


def _mark(axes: Axes, sides: Sides, name: str, place: float) -> None:
    """A dotted line with its name where the first line is not: at the foot where that is high, else at the top."""
    line = next(iter(sides.lines.values()))
    scaled, height = (np.log(each) if sides.logs[1] else each for each in (line, np.interp(place, sides.x, line)))
    high = height > (scaled.min() + scaled.max()) / 2
    axes.axvline(place, color="#888888", linewidth=1, linestyle=":")
    look = {"rotation": 90, "va": "bottom" if high else "top", "ha": "left", "textcoords": "offset points"}
    axes.annotate(
        name, (place, 0.03 if high else 0.98), xycoords=axes.get_xaxis_transform(), xytext=(1, 0), bbox=PAPER, **look
    )


def _turn(axes: Axes, sides: Sides, turn: float) -> None:
    """A dot where the rule turns, its value beside it on the side that the first line leaves free."""
    line = next(iter(sides.lines.values()))
    height = float(np.interp(turn, sides.x, line))
    axes.plot(turn, height, "o", color="black", markersize=5, zorder=5)
    ends = [np.log(each) if sides.logs[0] else each for each in (turn, sides.x[0], sides.x[-1])]
    last, rises = (ends[0] - ends[1]) / (ends[2] - ends[1]) > 0.8, line[-1] > line[0]
    look = {
        "ha": "right" if last else "left",
        "va": "top" if rises and not last else "bottom",
        "weight": "bold",
        "bbox": PAPER,
    }
    shift = (-6 if last else 5, -3 if rises and not last else 3)
    axes.annotate(_value(turn), (turn, height), xytext=shift, textcoords="offset points", **look)


TURNS = {
    "Bandwidth first": "bandwidth is worth most beyond {} tokens of context",
    "No low ridge": "a device of low ridge loses above {} FLOP per byte",
    "Data parallel": "pairs are faster below {} requests",
    "Drafts": "drafts pay above an acceptance of {}",
}
"""What the headline says of a rule, with the value at which it turns."""


def finding(setting: Setting, panels: Sequence[Sides]) -> str:
    """The headline: where two of the rules turn for the model."""
    turning = [each for each in panels if each.title in TURNS and each.turns is not None]
    told = [TURNS[each.title].format(_value(each.turns)) for each in turning]
    return f"{person(setting.model.id)}: {'; '.join(told)}" if told else f"Rules for {person(setting.model.id)}"


def _value(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else rounded(number)


SERVED = {"rules_placed": "placed anew", "rules_copied": "with copies"}


def notes(architects: Sequence[Sides], engineers: Sequence[Sides]) -> dict[str, float]:
    """Numbers for the book: where bandwidth leads and where copies do (from: inf nowhere; below: 0), and what either
    serves."""
    by_title = {each.title: each for each in (*architects, *engineers)}
    turns = {title: np.inf if each.turns is None else each.turns for title, each in by_title.items()}
    copied = by_title.get("Copies of hot experts")
    found = {
        "rules_bandwidth_from": turns["Bandwidth first"],
        "rules_copies_from": turns.get("Copies of hot experts", np.inf),
        "rules_copies_below": copied.before if copied and copied.before is not None else 0.0,
    }
    most = {name: float(np.nanmax(copied.lines[line])) if copied else 1.0 for name, line in SERVED.items()}
    return found | most


def describe(panels: Sequence[Sides], setting: Setting, reader: str) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"The rules for {reader} as curves, for {person(setting.model.id)}: a dot marks where a rule turns. "
        f"{conventions(setting, *USED)}."
    )
    return caption, "; ".join(f"{letter}: {_told(each)}" for letter, each in zip(LETTERS, panels, strict=False)) + "."


def _told(sides: Sides) -> str:
    ends = ", ".join(
        f"{name} {rounded(float(line[0]))} to {rounded(float(line[-1]))}" for name, line in sides.lines.items()
    )
    turn = f", turns at {rounded(sides.turns)}" if sides.turns is not None else ""
    return (
        f"{sides.title}, {ends} from {rounded(float(sides.x[0]))} to {rounded(float(sides.x[-1]))} {sides.xlabel}{turn}"
    )


def columns(panels: Sequence[Sides]) -> dict[str, list]:
    """One row per rule, line and point, and the value at which the rule turns (empty: nowhere)."""
    rows = [
        (sides.title, name, float(x), float(y), sides.turns)
        for sides in panels
        for name, line in sides.lines.items()
        for x, y in zip(sides.x, line, strict=True)
    ]
    return in_columns(("rule", "line", "x", "y", "turns"), rows)
