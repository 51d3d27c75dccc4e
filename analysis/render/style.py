"""The look of every figure: one colour per mechanism, one line style per reading, reproducible SVG.

The colours are Okabe and Ito's, which people with any common colour vision tell apart; no figure relies on colour
alone, so line styles and markers are fixed here as well. The background is white, legible on a dark page too.
"""

from itertools import cycle

import matplotlib as mpl
from matplotlib import pyplot

from analysis.derive.mechanisms import ALL

PALETTE = ("#D55E00", "#E69F00", "#0072B2", "#3300CC", "#550088", "#AA5533", "#003355", "#8833CC")
"""Colours of mechanisms in the order of their paragraphs: Okabe and Ito's, then what lies farthest from all others."""


def family(mechanism: str) -> str:
    """The family of a mechanism, which has one colour.

    >>> family("MLA_direct")
    'mla'
    """
    return mechanism.split("_")[0].lower()


COLOURS = dict(zip(dict.fromkeys(map(family, ALL)), cycle(PALETTE), strict=False)) | {
    "mla_as_printed": "#56B4E9",
    "dense": "#009E73",
    "experts": "#CC79A7",
    "shared_expert": "#F0E442",
    "communication": "#000000",
    "projections": "#666666",
    "infeasible": "#BBBBBB",
}
"""Colour of each mechanism or part of a block."""

LINE_STYLES = {"reordered": "-", "as_printed": "--", "capacity": ":", "slo": "-."}
"""Line style of each contraction order and of each limit."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Markers, in the order in which a figure's models or parts appear."""

BOUND_LOOKS = {
    "compute": {"ground": "#FBDDA0", "strip": "#E69F00", "hatch": ""},
    "memory": {"ground": "#B9E0F8", "strip": "#0072B2", "hatch": "////"},
}
"""Look of a kernel that waits for arithmetic, or for memory."""

PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""What lies under letters that a line would strike through."""

WIDTH = 5.4
"""Figure width in inches: narrow, as a drawing scales without loss and its letters must stay legible on a phone."""

SETTINGS = {
    "figure.figsize": (WIDTH, 4.2),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 150,  # of rasterised parts, such as heat-map cells
    "savefig.pad_inches": 0.08,
    "savefig.bbox": "tight",
    "svg.fonttype": "path",  # the same letters on every machine, whatever fonts it has
    "svg.hashsalt": "study",  # ids that do not change from run to run
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib
    "font.size": 9,  # the smallest: on a phone, where a figure is 512 pixels wide, its letters are 11 pixels high
    "axes.labelsize": 10,
    "figure.titlesize": 11,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4,
    "hatch.linewidth": 0.6,
    "axes.prop_cycle": mpl.cycler(
        color=["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#666666"]
    ),
}


def use() -> None:
    """Put the style in force, over matplotlib's defaults and not over the reader's own settings.

    >>> use()
    >>> mpl.rcParams["svg.hashsalt"]
    'study'
    """
    pyplot.switch_backend("agg")  # Jupyter's own backend shows every figure left open by a cell; `show` chooses
    mpl.rcdefaults()  # keeps the backend
    mpl.rcParams.update(SETTINGS)
