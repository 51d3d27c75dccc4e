"""What families of attention keep of a context, and what a step touches of it: a lane a family, a cell a row.

Counts of cells are those of `derive/spans.py` at a context small enough to draw.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from sympy import Integer, Symbol

from analysis.derive.spans import SPANS
from analysis.derive.symbols import L, L_cmp, L_pck, L_str, L_top, L_win, causal, l
from analysis.render.axes import headline, in_columns
from analysis.render.style import WIDTH

SMALL = {L: 24, L_win: 6, L_top: 5, L_str: 4, l: 1, causal: 1}
"""Tokens of the context that is drawn, of a window, picks of a query, tokens of a compressed row."""
TOUCHED, KEPT, GONE = (
    {"facecolor": "#0072B2"},
    {"facecolor": "#B9E0F8"},
    {"facecolor": "white", "edgecolor": "#BBBBBB", "linestyle": ":"},
)
BORROWED = {"facecolor": "#7FB8D9", "edgecolor": "#0072B2", "linestyle": ":"}
PLACES = (1, 6, 11, 17, 20)  # of the picks that are drawn: any would do
LANE, THIN, STATE = 0.62, 0.24, 3  # heights of a row and of an index key, width of a state [cells]


def rows_of(axis: Symbol) -> tuple[int, int]:
    """Rows of an axis that the small context stores, and those that a step touches.

    >>> rows_of(L_top), rows_of(L_win), rows_of(L_pck)
    ((24, 5), (6, 6), (6, 5))
    """
    span = SPANS[axis]
    return tuple(int(each.xreplace({s: Integer(n) for s, n in SMALL.items()})) for each in (span.stored, span.touched))


@dataclass(frozen=True)
class Lane:
    """A family: its name, what it does in words, and cells as place, width, height and look."""

    name: str
    told: str
    cells: tuple[tuple[float, float, float, dict], ...]


def lanes() -> list[Lane]:
    """Every family of the part on what came after the paper, whole attention first."""
    tokens, window = rows_of(L)[0], rows_of(L_win)[1]
    picks, wide = rows_of(L_top)[1], SMALL[L_str]
    rows, chosen = rows_of(L_cmp)[0], min(2, rows_of(L_pck)[1])
    gone = _row(range(tokens - window), GONE)
    recent = _row(range(tokens - window, tokens), TOUCHED)
    keys = tuple((place, 1, THIN, TOUCHED) for place in range(tokens))
    picked = _row([place for place in range(tokens) if place not in PLACES[:picks]], KEPT)
    compressed = tuple((wide * n, wide, LANE, TOUCHED if n in (1, 3) else KEPT) for n in range(rows))
    return [
        Lane("all rows", f"keeps {tokens} rows, touches {tokens}", _row(range(tokens), TOUCHED)),
        Lane("window", f"keeps {window}, touches {window}", (*gone, *recent)),
        Lane("borrowed", f"keeps none, touches {tokens} of another block", _row(range(tokens), BORROWED)),
        Lane(
            "picks",
            f"keeps {tokens} and as many keys, touches {picks} and the keys",
            (*picked, *_row(PLACES[:picks], TOUCHED)),
        ),
        Lane("index keys", "", keys),
        Lane("compressed", f"keeps {rows} rows, touches {chosen} that are picked", compressed),
        Lane("state", "keeps one matrix, reads it and writes it", ((0, STATE, 1.5 * LANE, TOUCHED),)),
    ]


def _row(places: Iterable[int], look: dict) -> tuple:
    return tuple((place, 1, LANE, look) for place in places)


def rows_figure() -> Figure:
    """Families under each other over the same tokens, oldest left: dark cells are touched, pale ones are kept."""
    found = lanes()
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.9 + 0.5 * len(found)))
    axes.set(xlim=(-6.2, SMALL[L]), ylim=(1.3 * len(found) - 0.3, -0.9))
    axes.axis("off")
    axes.set(xticks=[], yticks=[])
    for number, lane in enumerate(found):
        top = 1.3 * number
        _draw(axes, top, lane)
    handles = [
        Patch(**TOUCHED, label="touched in a step"),
        Patch(**KEPT, label="kept, not touched"),
        Patch(**BORROWED, label="touched, kept elsewhere"),
        Patch(**GONE, label="dropped"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    headline(
        figure,
        f"Of {SMALL[L]} tokens a window of {SMALL[L_win]} keeps {rows_of(L_win)[0]} rows; {SMALL[L_top]} picks keep "
        f"{rows_of(L_top)[0]} and touch {rows_of(L_top)[1]}; a state keeps none",
    )
    return figure


def _draw(axes: Axes, top: float, lane: Lane) -> None:
    axes.text(-0.4, top + LANE / 2, lane.name, ha="right", va="center")
    axes.text(0, top - 0.1, lane.told, va="bottom", color="#555555")
    for place, width, height, look in lane.cells:
        axes.add_patch(Rectangle((place + 0.06, top), width - 0.12, height, **({"linewidth": 0.8} | look)))


def describe(found: Sequence[Lane]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "What families of attention keep of a context and what a step touches of it, one query token: a cell is a row "
        "of one block, the newest at the right. A thin cell is an index key, a wide one stands for several tokens."
    )
    return caption, "Lanes of cells. " + ". ".join(f"{lane.name}: {lane.told}" for lane in found if lane.told) + "."


def table(found: Sequence[Lane]) -> dict[str, list]:
    """One row a cell: family, place of its first token, tokens that it stands for, whether it is touched, or kept."""
    rows = (
        (lane.name, place, width, look in (TOUCHED, BORROWED), look not in (GONE, BORROWED))
        for lane in found
        for place, width, _, look in lane.cells
    )
    return in_columns(("family", "place", "tokens", "touched", "kept"), rows)
