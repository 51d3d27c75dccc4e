"""The verdict carried to later models: strips over the context, a strip a chip, who leads and what holds on each."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from analysis.render.axes import headline, rounded
from analysis.render.figures.after import brief, chip
from analysis.render.figures.thesis_map import BEYOND, LOOKS, TICKS
from analysis.render.style import WIDTH
from analysis.render.words import conventions
from analysis.thesis.carried import ASKED, MILD, Placed
from analysis.thesis.largest import CORE, LEAST, MOST, NAMES
from analysis.thesis.region import Stretch

Grid = Sequence[Sequence[Placed]]
HOLDS, FAILS = {"facecolor": "#0072B2"}, {"facecolor": "#D9D9D9"}
UNASKED = {"facecolor": "white", "edgecolor": "#BBBBBB", "linewidth": 0.5}
STRIP, GAP = 0.85, 1.0  # height of a strip, and what parts the strips of two models [strips]
INCH = 0.1  # of a strip's row
USED = ("phase", "order", "grouping", "width", "peak", "n_acc", "deg_TP", "weights")


def leaders_figure(grid: Grid) -> Figure:
    """Who takes most of a token's time over the context, memory full: a group of strips a model, a strip a chip."""
    figure, axes = _axes(grid)
    axes.set(xscale="log", xlim=(LEAST, MOST), xlabel="context L [tokens]")
    strips = _strips(grid)
    for name in NAMES:
        bars = [(height, *_ends(one, each)) for height, each in strips for one in each.leaders[name]]
        _paint(axes, bars, **LOOKS[name])
    _paint(axes, [(height, each.ends[1], MOST) for height, each in strips], **BEYOND)
    axes.set_xticks(list(TICKS), TICKS.values())
    axes.minorticks_off()
    label_chips(axes, grid, MOST)
    handles = [Patch(**LOOKS[name], label=name) for name in NAMES]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    last = [[_last(each) for each in row] for row in grid]
    attention = sum(name == CORE for row in last for name in row)
    alike = sum(len(set(row)) == 1 for row in last)
    headline(
        figure,
        f"At its longest context {attention} of {sum(map(len, last))} systems wait for core attention; {alike} of "
        f"{len(last)} models for the same on all chips",
    )
    return figure


def tiles_figure(grid: Grid) -> Figure:
    """Where each conclusion holds over the context: a column a conclusion, a group of strips a model."""
    figure, axes = _axes(grid, 2.2)
    for column, asked in enumerate(ASKED):
        unasked, failing, holding = [], [], []
        for height, each in _strips(grid):
            found = each.held[asked.name]
            (unasked if found is None else failing).append((height, *each.ends))
            holding += [(height, *_ends(one, each)) for one in found or ()]
        for bars, look in ((unasked, UNASKED), (failing, FAILS), (holding, HOLDS)):
            _paint(
                axes, [(height, column + _within(low), column + _within(high)) for height, low, high in bars], **look
            )
        axes.text(column + 0.1, -1.2, asked.short, rotation=38, rotation_mode="anchor", ha="left", va="bottom")
    axes.set(xlim=(0, len(ASKED)), xlabel=f"in each column, context from {LEAST:.0f} to 1M tokens")
    axes.set_xticks([])
    label_chips(axes, grid, len(ASKED))
    handles = [Patch(**HOLDS, label="holds"), Patch(**FAILS, label="does not"), Patch(**UNASKED, label="not asked")]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    shares = _shares(grid)
    most, least = (pick(shares, key=shares.get) for pick in (max, min))
    headline(
        figure,
        f"“{most}” holds at {rounded(100 * shares[most], 2)} % of the contexts of these systems, "
        f"“{least}” at {rounded(100 * shares[least], 2)} %",
    )
    return figure


def extent(grid: Grid, name: str) -> float:
    """Share of the contexts, in the logarithm, at which a conclusion holds [1], of all systems that it can be asked of;
    nan where there is none."""
    found = [(each, each.held[name]) for row in grid for each in row]
    shares = [each.extent(held) for each, held in found if held is not None]
    return float(np.mean(shares)) if shares else float("nan")


def _shares(grid: Grid) -> dict[str, float]:
    """Share of the contexts [1] at which each conclusion holds that can be asked, by its words."""
    return {asked.short: share for asked in ASKED if np.isfinite(share := extent(grid, asked.name))}


# -- strips ----------------------------------------------------------------------------------------
def _axes(grid: Grid, beside: float = 1.6) -> tuple[Figure, Axes]:
    """Axes for the strips of all models, and `beside` them [inch] room for words above and below."""
    rows = len(grid) * (len(grid[0]) + GAP)
    figure, axes = pyplot.subplots(figsize=(WIDTH, beside + INCH * rows))
    middle = (len(grid[0]) - 1) / 2
    places = [place * (len(grid[0]) + GAP) + middle for place in range(len(grid))]
    axes.set_yticks(places, [brief(row[0].setting.model.id) for row in grid])
    axes.set_ylim(rows - GAP, -1)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    return figure, axes


def _strips(grid: Grid) -> list[tuple[float, Placed]]:
    return [
        (place * (len(row) + GAP) + strip, each) for place, row in enumerate(grid) for strip, each in enumerate(row)
    ]


def _paint(axes: Axes, bars: Sequence[tuple[float, float, float]], **look) -> None:
    """Bars by height, left and right end, drawn as one path: a figure of a thousand of them stays light."""
    half = STRIP / 2
    corners = [
        [(low, y - half), (high, y - half), (high, y + half), (low, y + half), (low, y - half)]
        for y, low, high in bars
        if high > low
    ]
    if corners:
        path = Path.make_compound_path(*(Path(each, closed=True) for each in corners))
        axes.add_patch(PathPatch(path, **({"linewidth": 0} | look)))


def _ends(found: Stretch, each: Placed) -> tuple[float, float]:
    low, high = each.ends
    return found.low or low, found.high or high


def _within(context: float) -> float:
    """Place of a context within a column of unit width, which it leaves room beside.

    >>> _within(LEAST), round(_within(MOST), 2)
    (0.0, 0.9)
    """
    return float(0.9 * np.log(context / LEAST) / np.log(MOST / LEAST))


def label_chips(axes: Axes, grid: Grid, right: float) -> None:
    """Names of the chips beside the strips of the first model, which stand for those of all."""
    for strip, each in enumerate(grid[0]):
        axes.annotate(
            chip(each.setting),
            (right, strip),
            xytext=(14, (72 * INCH - 13) * (strip - (len(grid[0]) - 1) / 2)),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#BBBBBB", "linewidth": 0.7, "relpos": (0, 0.5), "shrinkB": 1},
        )


def _last(each: Placed) -> str:
    """Who leads at the longest context; nobody where memory holds no request."""
    return next((name for name, found in each.leaders.items() if found and found[-1].high is None), "")


# -- words -----------------------------------------------------------------------------------------
def describe_leaders(grid: Grid) -> tuple[str, str]:
    """Caption and alternative text of the leaders: share of the contexts at which attention leads."""
    parts = (
        f"{brief(row[0].setting.model.id)} on "
        + ", ".join(f"{chip(each.setting)} {rounded(100 * each.extent(each.leaders[CORE]), 2)} %" for each in row)
        for row in grid
    )
    return _caption("The largest part of a token's time over the context", grid), (
        f"Strips over the context by model and chip. Core attention leads at, of the contexts, {'; '.join(parts)}."
    )


def describe_tiles(grid: Grid) -> tuple[str, str]:
    """Caption and alternative text of the conclusions: share of all systems' contexts at which each holds."""
    parts = (f"{short} at {rounded(100 * share, 2)} % of contexts" for short, share in _shares(grid).items())
    caption = _caption("Contexts at which each conclusion holds, shortest left and longest right", grid)
    caption += (
        f" Scheduling is asked under a mild skew (Zipf {MILD:g}). A hollow strip cannot be asked: what the conclusion "
        "speaks of is lacking, or nothing is known of it."
    )
    return caption, f"Strips over the context by conclusion, model and chip. {'; '.join(parts)}."


def _caption(what: str, grid: Grid) -> str:
    chips = ", ".join(chip(each.setting) for each in grid[0])
    return (
        f"{what}, memory full. A model's strips are, from the top, {chips}: each on the network that it comes with. "
        f"Hatched or empty lies beyond what the model or its memory allows; {conventions(grid[0][0].setting, *USED)}."
    )


def leaders_table(grid: Grid) -> dict[str, list]:
    """One row a stretch: model, chip, the largest group, and its ends [tokens]."""
    return _table(grid, "largest", lambda each: each.leaders)


def tiles_table(grid: Grid) -> dict[str, list]:
    """One row a stretch: model, chip, the conclusion, and the ends [tokens] between which it holds."""
    return _table(grid, "holds", lambda each: each.held)


def _table(grid: Grid, what: str, of) -> dict[str, list]:
    rows: dict[str, list] = {name: [] for name in ("model", "accelerator", what, "L_from", "L_to")}
    for each in (each for row in grid for each in row):
        for name, found in of(each).items():
            for stretch in found or ():
                ids = each.setting.model.id, each.setting.accelerator.id
                for key, cell in zip(rows, (*ids, name, *_ends(stretch, each)), strict=True):
                    rows[key].append(cell)
    return rows
