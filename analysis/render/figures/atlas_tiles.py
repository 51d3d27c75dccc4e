"""The atlas: a tile for each mechanism, chip and context with the part of a token's time that is largest."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.derive.block import Architecture
from analysis.render.axes import headline, in_columns
from analysis.render.figures.after import brief
from analysis.render.figures.thesis_map import BEYOND, LOOKS
from analysis.render.style import WIDTH
from analysis.render.words import conventions
from analysis.thesis.atlas import Strip, leading
from analysis.thesis.conclusions import size
from analysis.thesis.largest import CORE, EXPERTS, NAMES, OUTSIDE, REST, WIRED

LETTERS = {CORE: "A", EXPERTS: "E", WIRED: "W", REST: "r"}
KEY = {name: name for name in LETTERS} | {CORE: "attention", REST: "the rest"}
USED = ("width", "peak", "n_acc", "weights")
Atlas = Sequence[Sequence[Strip]]


def atlas_figure(found: Atlas) -> Figure:
    """A panel a chip, a row a model, a column a context; colour and letter say which part leads."""
    rows = len(found[0])
    shape = {"figsize": (WIDTH, 1.6 + 0.32 * rows), "sharey": True, "squeeze": False}
    figure, every = pyplot.subplots(1, len(found), **shape)
    for axes, strips in zip(every[0], found, strict=True):
        for place, each in enumerate(strips):
            _tiles(axes, place, each)
        contexts = strips[0].contexts
        _gaps(axes, len(contexts), rows)
        axes.set(xlim=(0, len(contexts)), ylim=(rows, 0), title=strips[0].setting.accelerator.id)
        axes.set_xticks(np.arange(len(contexts)) + 0.5, [size(each) for each in contexts], rotation=90)
        axes.tick_params(length=0)
        axes.grid(visible=False)
    every[0, 0].set_yticks(np.arange(rows) + 0.5, [f"{_name(each)}\n{attends(each)}" for each in found[0]])
    every[0, len(found) // 2].set_xlabel("context L [tokens]")
    handles = [Rectangle((0, 0), 1, 1, label=f"{LETTERS[name]} {words}", **LOOKS[name]) for name, words in KEY.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1, handlelength=1)
    headline(figure, finding(found))
    return figure


def _tiles(axes: Axes, place: int, each: Strip) -> None:
    """A row of tiles: neighbours alike are one area, as a drawing of few shapes loads fast, and letters tell them."""
    start = 0
    for name, alike in groupby(each.leaders):
        wide = len(list(alike))
        axes.add_patch(Rectangle((start, place), wide, 1, **(LOOKS[name] if name else BEYOND)))
        for column in range(start, start + wide) if name else ():
            axes.text(column + 0.5, place + 0.52, LETTERS[name], ha="center", va="center")
        start += wide


def _gaps(axes: Axes, columns: int, rows: int) -> None:
    """White lines between tiles."""
    look = {"color": "white", "linewidth": 1}
    axes.hlines(range(1, rows), 0, columns, **look)
    axes.vlines(range(1, columns), 0, rows, **look)


def attends(each: Strip) -> str:
    """How a model attends, by the short names of its mechanisms."""
    return mechanisms(each.setting.architecture)


def mechanisms(built: Architecture) -> str:
    """Short names of a model's mechanisms, each once, with windows where blocks have them."""
    names = [kind.mechanism.name.partition("_")[0] for kind in built.attending]
    return ", ".join(dict.fromkeys([*names, *(["windows"] if built.windowed and not built.listed else [])]))


def _name(each: Strip) -> str:
    return brief(each.setting.model.id)


def finding(found: Atlas) -> str:
    """The title: how many tiles attention leads on each chip."""
    counts = [(strips[0].setting.accelerator.id, leading(strips)) for strips in found]
    told = [f"{count[CORE]} of {sum(count.values()) - count[OUTSIDE]} on {chip}" for chip, count in counts]
    return f"Tiles in which attention leads: {', '.join(told)}"


def describe(found: Atlas) -> tuple[str, str]:
    """Caption and alternative text."""
    first = found[0][0].setting
    caption = (
        f"The largest part of a token's time at the largest batch that memory holds, {first['n_acc']} of each chip on "
        "its own link. Hatched: not one request fits. Attention counts its index and its states; the rest is "
        "projections, dense layers, shared experts and the output head. Contexts beyond those that a model was trained "
        "for are counted all the same. "
        f"{conventions(first, *USED)}."
    )
    rows = [f"{_name(each)} on {each.setting.accelerator.id} {_told(each)}" for strips in found for each in strips]
    ends = f"{size(found[0][0].contexts[0])} to {size(found[0][0].contexts[-1])}"
    return caption, f"Tiles from {ends} tokens, by letter (- where nothing fits): {'; '.join(rows)}."


def _told(each: Strip) -> str:
    return " ".join(LETTERS.get(name, "-") for name in each.leaders)


def table(found: Atlas) -> dict[str, list]:
    """One row a chip, model and context: who leads, its share [1], the token's time [s], the batch [requests]."""
    rows = [
        (
            each.setting.accelerator.id,
            each.setting.model.id,
            float(L),
            leader,
            *(float(numbers[place]) for numbers in (each.shares, each.steps, each.batches)),
        )
        for strips in found
        for each in strips
        for place, (L, leader) in enumerate(zip(each.contexts, each.leaders, strict=True))
    ]
    names = ("accelerator", "model", "L", "largest", "share", "step", "batch")
    return in_columns(names, rows)


def notes(found: Atlas) -> dict[str, int]:
    """Numbers for the page: tiles that each part leads on each chip, in the chips' order."""
    words = {name: name.replace(" ", "_") for name in NAMES} | {OUTSIDE: "nothing"}
    return {
        f"atlas_{place}_{words[name]}": count
        for place, strips in enumerate(found)
        for name, count in leading(strips).items()
    }
