"""The pieces of a flow diagram in points, y downwards: cells for einsum lines, bands for weights, edges, a key."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from analysis.render.style import BOUND_LOOKS

SIZE, ROW, PAD, STRIP = 9, 12.0, 2.5, 5.0  # font size, height of a row of text, padding, width of the strip [points]
LETTER = 0.602 * SIZE  # width of a letter of DejaVu Sans Mono
NODE, INSET = 111.0, 4.0  # width of a node, and how much narrower a cell in a frame is on either side
MONO = {"family": "monospace", "fontsize": SIZE}
SANS = {"fontsize": SIZE}
EDGE, WEIGHTS = "#444444", "#D9D9D9"


def folded(text: str, width: float = NODE) -> list[str]:
    """A text in fixed-width letters, broken at blanks into lines that fit a width [points]."""
    return wrap(text, int(width / LETTER), break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True)
class Cell:
    """An einsum line as a box: weights that it reads (grey, on top), the contraction, what is said about it."""

    bands: tuple[str, ...]
    titles: tuple[str, ...]
    notes: tuple[str, ...]
    bound: str

    @property
    def height(self) -> float:
        """Height [points]."""
        return ROW * (len(self.bands) + len(self.titles) + len(self.notes)) + 2 * PAD

    def draw(self, axes: Axes, left: float, top: float, width: float) -> None:
        """Draw the cell; the strip at its left says what limits the kernel."""
        look = BOUND_LOOKS[self.bound]
        _ground(axes, look, (left, top), width, self.height)
        y, middle = top + PAD, left + STRIP + (width - STRIP) / 2
        band = ROW * len(self.bands)
        if band:
            size = (width - STRIP - 0.4, band + PAD)
            axes.add_patch(Rectangle((left + STRIP, top + 0.4), *size, color=WEIGHTS, linewidth=0))
        for text in self.bands:
            y = row(axes, middle, y, text, **MONO)
        for text in self.titles:
            y = row(axes, middle, y, text, **MONO, fontweight="bold")
        for text in self.notes:
            y = row(axes, middle, y, text, **SANS)


def _ground(axes: Axes, look: dict[str, str], corner: tuple[float, float], width: float, height: float) -> None:
    """A box whose strip at the left tells the bound: full, or hollow, as hatching would be a picture on paper."""
    axes.add_patch(Rectangle(corner, width, height, facecolor=look["ground"], edgecolor=EDGE, linewidth=0.8))
    strip = {"facecolor": "white" if look["hatch"] else look["strip"], "edgecolor": look["strip"], "linewidth": 1.5}
    axes.add_patch(Rectangle((corner[0] + 1.2, corner[1] + 1.2), STRIP - 1.2, height - 2.4, **strip))


def row(axes: Axes, x: float, y: float, text: str, **look) -> float:
    """Write one centred row of text; returns where the next one begins."""
    axes.text(x, y + ROW / 2, text, ha="center", va="center", **look)
    return y + ROW


@dataclass(frozen=True)
class Node:
    """What takes one place in the layout: cells in a frame if they are fused, then the tensors that leave."""

    cells: tuple[Cell, ...]
    head: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    dashed: bool = False

    @property
    def framed(self) -> bool:
        """Whether a frame is drawn: around fused cells, and around a store's text."""
        return len(self.cells) != 1 and bool(self.head)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height [points], the names of leaving tensors included."""
        return NODE, self._body + ROW * len(self.leaving)

    @property
    def _body(self) -> float:
        inside = sum(cell.height for cell in self.cells) + 4 * max(0, len(self.cells) - 1)
        return inside + ROW * len(self.head + self.foot) + (2 * PAD if self.framed else 0)

    def draw(self, axes: Axes, centre: float, top: float) -> None:
        """Draw the node around a centre, from its top down."""
        left, inset, y = centre - NODE / 2, INSET if self.framed else 0.0, top
        if self.framed:
            corner = f"round,pad=0,rounding_size={0 if self.cells else 7}"
            look = {"linestyle": "--" if self.dashed else "-", "linewidth": 1.4 if self.cells else 1.0}
            look |= {"facecolor": "white", "edgecolor": "black"}
            axes.add_patch(FancyBboxPatch((left, top), NODE, self._body, corner, **look))
            y += PAD
        for number, text in enumerate(self.head):
            y = row(axes, centre, y, text, **(SANS if self.cells or number >= self._mono else MONO))
        for cell in self.cells:
            cell.draw(axes, left + inset, y, NODE - 2 * inset)
            y += cell.height + 4
        y -= 4 if self.cells else 0
        for text in self.foot:
            y = row(axes, centre, y, text, **SANS)
        y = top + self._body
        for text in self.leaving:
            y = row(axes, centre, y, text, **MONO, color="#222222", backgroundcolor="none")

    @property
    def _mono(self) -> int:
        """How many rows of a store's text are a tensor's name and axes."""
        return next((n + 1 for n, text in enumerate(self.head) if text.endswith("]")), 0)


def edge(axes: Axes, points: Sequence[tuple[float, float]], dashed: bool) -> None:
    """Draw an edge through its points, leaving and arriving vertically, with a head."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        vertices += [(x, middle), (to_x, middle), (to_x, to_y)]
        codes += [Path.CURVE4] * 3
    style = {"edgecolor": EDGE, "facecolor": "none", "linewidth": 1.0, "linestyle": "--" if dashed else "-"}
    axes.add_patch(PathPatch(Path(vertices, codes), zorder=0.5, **style))
    x, y = points[-1]
    head = Path([(x, y), (x - 2.6, y - 6), (x + 2.6, y - 6), (x, y)])
    axes.add_patch(PathPatch(head, facecolor=EDGE, edgecolor=EDGE, linewidth=0.5, zorder=2))


KEY_COLUMN = 290.0
"""Width of a column of the key [points]."""


def _key_columns(width: float) -> int:
    return max(1, int(width / KEY_COLUMN))


def key_height(texts: dict[str, str], width: float) -> float:
    """Height of the key [points]."""
    return (ROW + 2) * -(-len(texts) // _key_columns(width))


def key(axes: Axes, top: float, texts: dict[str, str], width: float) -> float:
    """Explain the looks of the bounds and, under any other name, of weights; returns where the drawing may begin."""
    columns = _key_columns(width)
    for number, (bound, text) in enumerate(texts.items()):
        look = BOUND_LOOKS.get(bound, {"ground": WEIGHTS, "strip": WEIGHTS, "hatch": ""})
        left, y = KEY_COLUMN * (number % columns), top + (ROW + 2) * (number // columns)
        if bound != "share":
            _ground(axes, look, (left, y + 1), 22, ROW - 2)
        axes.text(left + 27, y + ROW / 2, text, va="center", **SANS)
    return top + key_height(texts, width)
