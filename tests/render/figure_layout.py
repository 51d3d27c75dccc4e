"""What a reader on a phone sees of a figure once it is drawn: the size of its letters, texts that collide, legends over
data."""

from collections.abc import Iterator

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.book.page import WIDE
from tests.browser.budgets import LETTERS

SCROLLED = 512
"""Least width of a figure on a phone, where it scrolls: study.css says 32rem [CSS pixels]."""

WIDER = 960
"""The same of a wide one: 60rem."""

LEAST = LETTERS
"""Height from which letters are taken to be legible there [CSS pixels]."""

TOUCHING = 0.15
"""Share of a text's area that another may cover: boxes have a margin that letters do not fill."""


def natural_width(figure: Figure) -> float:
    """Width of the figure as it is saved [points]."""
    return 72 * (figure.get_tightbbox().width + 2 * rcParams["savefig.pad_inches"])


def texts(figure: Figure) -> list[Text]:
    """Every text that is seen."""
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def letters(figure: Figure) -> float:
    """Size of the smallest letters on a phone [CSS pixels]: it scrolls in a box of its own."""
    width = natural_width(figure)
    return min(text.get_fontsize() for text in texts(figure)) * (WIDER if width > WIDE else SCROLLED) / width


def collisions(figure: Figure) -> Iterator[str]:
    """Pairs of upright texts that cover each other; slanted ones have boxes much larger than their letters."""
    upright = [text for text in _drawn(figure) if text.get_rotation() % 90 == 0]
    boxes = [(text, Text.get_window_extent(text)) for text in upright]
    for number, (text, box) in enumerate(boxes):
        for other, under in boxes[:number]:
            width = min(box.x1, under.x1) - max(box.x0, under.x0)
            height = min(box.y1, under.y1) - max(box.y0, under.y0)
            least = min(box.width * box.height, under.width * under.height)
            if width > 0 and height > 0 and width * height > TOUCHING * least:
                yield f"{text.get_text()!r} and {other.get_text()!r} collide"


def _drawn(figure: Figure) -> list[Text]:
    """Texts that are seen, without the tick labels that lie outside their axis."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            shown = {id(tick.label1) for tick in axis._update_ticks()} | {id(axis.get_label()), id(axis.offsetText)}
            hidden |= {id(text) for text in axis.findobj(Text)} - shown
    return [text for text in texts(figure) if id(text) not in hidden]


def covered(figure: Figure) -> Iterator[str]:
    """Legends inside axes that lie on points of a line."""
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is None:
            continue
        box = legend.get_window_extent()
        for line in axes.lines:
            points = axes.transData.transform(line.get_xydata()) if len(line.get_xdata()) else []
            if line.get_transform() == axes.transData and any(box.contains(x, y) for x, y in points):
                yield f"the legend covers {line.get_label()!r}"
