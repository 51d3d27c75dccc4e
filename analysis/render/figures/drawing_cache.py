"""What one token leaves in the cache of a block, drawn to scale: a column per stored head, as tall as its elements."""

from collections.abc import Sequence

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sympy import Integer, Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import Kind
from analysis.derive.einsum import WIDTHS, Tensor
from analysis.derive.symbols import B, L, n_hd
from analysis.render.axes import Rows, headline, in_columns, mechanism_colour
from analysis.render.style import WIDTH
from analysis.render.words import counted, person

WORDS = {"k": "key", "v": "value", "c_KV": "latent", "k_R": "rotary key", "k_I": "index key"}
PALER = (0.0, 0.5, 0.7)
"""How much white is in the colour of a model's first, second and third cached tensor: on paper each cell of a pattern
would be a picture of its own."""
TEXT, GAP = 190, 110  # room for two lines of text, and between models [elements of the drawing's height]


def cache_rows(settings: Sequence[Setting]) -> Rows:
    """One row per cached tensor of the first kind of block: model, tensor, heads, elements of each, bytes of a token,
    and how many query heads read a stored one. Of a row that several tokens share, a token has its part.
    Raises InputError for a missing size.
    """
    rows = (
        _row(setting, setting.architecture.attending[0], tensor)
        for setting in settings
        for tensor in setting.architecture.attending[0].mechanism.cache
        if any(map(_spans, tensor.axes))
    )
    return in_columns(("model", "tensor", "heads", "elements", "bytes", "readers"), rows)


def _spans(axis: Symbol) -> bool:
    """Whether an axis is one of cached rows, of the context or of a part of it."""
    return axis.name.startswith("L")


def _row(setting: Setting, kind: Kind, tensor: Tensor) -> tuple:
    one = {axis: Integer(1) for axis in (L, *tensor.axes) if axis == B or _spans(axis)}
    own = kind.axes()
    *heads, _ = (int(value(axis.xreplace(own), setting.point)) for axis in tensor.axes if axis not in one)
    stored = heads[0] if heads else 1
    readers = int(value(n_hd.xreplace(own), setting.point)) // stored
    size = float(value(tensor.stored.xreplace(one).xreplace(own), setting.point))
    elements = size / stored / float(value(WIDTHS[tensor.kind], setting.point))
    return setting.model.id, tensor.name, stored, round(elements), size, readers


def of_model(rows: Rows, model: str) -> list[dict]:
    """A model's rows, each as a dict."""
    every = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    return [each for each in every if each["model"] == model]


def token_cache_figure(settings: Sequence[Setting], rows: Rows) -> Figure:
    """One drawing per model under each other, all at one scale: equal areas are equal bytes."""
    widest = max(rows["heads"])
    heights = [TEXT + sum(each["elements"] for each in of_model(rows, s.model.id)) + GAP for s in settings]
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.45 + sum(heights) / 560))
    axes.set(xlim=(0, widest), ylim=(sum(heights) - GAP, 0))
    axes.axis("off")
    top = 0.0
    for setting, height in zip(settings, heights, strict=True):
        found = of_model(rows, setting.model.id)
        axes.text(0, top, _told(setting, found), va="top", linespacing=1.25)
        _columns(axes, top + TEXT, found, mechanism_colour(setting), widest)
        top += height
    headline(figure, _finding(rows))
    return figure


def _columns(axes: Axes, top: float, found: Sequence[dict], colour: str, widest: int) -> None:
    for number, each in enumerate(found):
        white = PALER[number % len(PALER)]
        tint = tuple(white + (1 - white) * part for part in to_rgb(colour))
        look = {"facecolor": tint, "edgecolor": "white", "linewidth": 0.5}
        for head in range(each["heads"]):
            axes.add_patch(Rectangle((head, top), 1, each["elements"], **look))
        if each["heads"] < 0.8 * widest:
            name = f"{_many(each)} of {counted(each['elements'], 'element')}"
            axes.text(each["heads"] + 1, top + each["elements"] / 2, name, va="center")
        top += each["elements"]


def _many(each: dict) -> str:
    return counted(each["heads"], WORDS.get(each["tensor"], each["tensor"]))


def _told(setting: Setting, found: Sequence[dict]) -> str:
    """A model in two lines: its bytes, worked, and who reads them."""
    heads, widths = (
        {each["heads"] for each in found},
        {each["bytes"] / each["heads"] / each["elements"] for each in found},
    )
    total = f"{sum(each['bytes'] for each in found):,.0f} bytes"
    if len(heads) == len(widths) == 1:
        elements = " + ".join(str(each["elements"]) for each in found)
        total = f"{heads.pop()} x ({elements}) x {widths.pop():g} bytes = {total}"
    readers = counted(found[0]["readers"], "query head")
    name = f"{person(setting.model.id)} ({setting.model.attention.replace('_', ' ')})"
    return f"{name}: {total},\neach column read by {readers}"


def _finding(rows: Rows) -> str:
    totals = {model: sum(each["bytes"] for each in of_model(rows, model)) for model in dict.fromkeys(rows["model"])}
    listed = [f"{size:,.0f} bytes in a block of {person(model)}" for model, size in totals.items()]
    last = [text.replace(" in a block", "") for text in listed[1:]]
    return f"A token leaves {', '.join(listed[:1] + last)}"


def describe_token_cache(settings: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "What one token leaves in the cache of one block: a column for each stored head, as tall as its elements. "
        "Equal areas are equal bytes."
    )
    told = ". ".join(_told(each, of_model(rows, each.model.id)).replace("\n", " ") for each in settings)
    return caption, f"Columns to scale. {told}."
