"""What a reader on a phone sees of a figure once it is drawn: the size of its letters, texts that collide, legends over
data, letters that lines or marks strike through."""

from collections.abc import Iterator

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.spines import Spine
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.transforms import Bbox

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


def struck(figure: Figure) -> Iterator[str]:
    """Texts on a mark of their axes, or through which a line goes with no paper between them."""
    for text in _drawn(figure):
        if text.axes is None or text.get_rotation() % 90:
            continue
        inked = list(_inked(text))
        lines = [line for line in text.axes.lines if line.get_visible()]
        drawn = [*lines, *(spine for spine in text.axes.spines.values() if text.axes.axison and spine.get_visible())]
        if not text.get_bbox_patch() and any(_crosses(line, box) for line in drawn for box in inked):
            yield f"a line goes through {text.get_text()!r}"
        if any(_marked(line, box) for line in lines for box in inked):
            yield f"a mark lies on {text.get_text()!r}"


def _inked(text: Text) -> Iterator[Bbox]:
    """A box for each line of an upright text, without the room above and below its letters."""
    box, rows = Text.get_window_extent(text), text.get_text().split("\n")
    if text.get_rotation():
        yield box.padded(-0.2 * box.width, -0.1 * box.width)
        return
    high, start = box.height / len(rows), {"left": 0, "center": 0.5, "right": 1}[text.get_horizontalalignment()]
    for place, row in enumerate(rows):
        ink = TextPath((0, 0), row, prop=text.get_fontproperties()).get_extents().width  # [points]
        wide = ink * text.figure.dpi / 72
        left, top = box.x0 + start * (box.width - wide), box.y1 - place * high
        yield Bbox.from_extents(left, top - high, left + wide, top).padded(0, -0.2 * high)


def _crosses(line: Line2D | Spine, box: Bbox) -> bool:
    path = line.get_transform().transform_path(line.get_path())
    return line.get_linestyle() != "None" and len(path.vertices) > 1 and path.intersects_bbox(box, filled=False)


def _marked(line: Line2D, box: Bbox) -> bool:
    reach = (line.get_markersize() / 2 + 1) * line.figure.dpi / 72  # a mark that touches is on it
    places = line.get_transform().transform(line.get_xydata())
    return line.get_marker() not in ("None", None, "") and any(box.padded(reach).contains(*place) for place in places)


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
