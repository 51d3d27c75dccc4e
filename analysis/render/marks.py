"""Marks that the figures of serving systems share: infeasible cells, context line styles, and where a curve ends."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Patch, Rectangle

from analysis.ask.setting import Setting
from analysis.render.axes import ink, rounded, short
from analysis.render.style import COLOURS
from analysis.systems.grids import CAPACITY, SLO

CONTEXT_STYLES = ("-", "--", "-.", ":")
"""Line style of each context, in rising order; a fifth starts over."""

LOOKS = {
    CAPACITY: {"facecolor": COLOURS["infeasible"], "edgecolor": "#DDDDDD", "hatch": "xx"},
    SLO: {"fill": False, "edgecolor": "#777777", "hatch": "///"},
}
"""Look of an infeasible cell: grey and crossed where memory is too small, hatched where a token takes too long."""


def context_style(number: int) -> str:
    """Line style of the context with this number."""
    return CONTEXT_STYLES[number % len(CONTEXT_STYLES)]


def ends_of(setting: Setting) -> dict[str, str]:
    """Each reason for which a point is infeasible, in words, for the legend."""
    words = {CAPACITY: "does not fit memory"}
    return words | ({SLO: f"TPOT above {setting['slo'] * 1e3:g} ms"} if setting["slo"] else {})


def mark_slo(axes: Axes, setting: Setting) -> None:
    """Draw the SLO across an axis of TPOT in ms, where there is one."""
    if setting["slo"]:
        axes.axvline(setting["slo"] * 1e3, color="black", linestyle="-.", linewidth=1)
        axes.text(setting["slo"] * 1e3, 0.02, " SLO", transform=axes.get_xaxis_transform())


def cells(axes: Axes, values: np.ndarray, reason: np.ndarray, colours: Colormap, scale: Normalize) -> None:
    """Heat map of values [L, B] with their numbers; infeasible cells are marked, those beyond memory have no number."""
    shown = np.ma.masked_where(reason == CAPACITY, values)
    axes.pcolormesh(shown, cmap=colours, norm=scale, rasterized=True)
    axes.grid(False)
    for (row, column), why in np.ndenumerate(reason):
        if why:
            axes.add_patch(Rectangle((column, row), 1, 1, linewidth=0, **LOOKS[why]))
        if why != CAPACITY:
            _number(axes, row, column, values[row, column], colours(scale(values[row, column])))


def _number(axes: Axes, row: int, column: int, number: float, ground: Sequence[float]) -> None:
    box = {"facecolor": ground, "edgecolor": "none", "pad": 0.8}  # keeps hatching and lines off the digits
    axes.text(column + 0.5, row + 0.5, _short(number), ha="center", va="center", bbox=box, color=ink(ground[:3]))


def _short(number: float) -> str:
    return short(number, 2) if number >= 1000 else rounded(number, 2 if number < 100 else 3)


def cell_ticks(axes: Axes, batches: Sequence[float], contexts: Sequence[float]) -> None:
    """Name the cells of a heat map by their batch and context."""
    axes.set_xticks(np.arange(len(batches)) + 0.5, [f"{B:.0f}" for B in batches], rotation=45)
    axes.set_yticks(np.arange(len(contexts)) + 0.5, [f"{L:.0f}" for L in contexts])


def reason_patches(setting: Setting, reasons: Sequence[str]) -> list[Patch]:
    """Legend entries of the reasons that occur."""
    return [Patch(linewidth=0, label=text, **LOOKS[why]) for why, text in ends_of(setting).items() if why in reasons]


def count_reasons(setting: Setting, reason: np.ndarray) -> str:
    """How many cells are infeasible, and why, in words."""
    words = {CAPACITY: "do not fit memory", SLO: "fit but exceed the SLO"}
    found = [f"{int((reason == why).sum())} {words[why]}" for why in ends_of(setting)]
    return f"of {reason.size} cells " + " and ".join(found)
