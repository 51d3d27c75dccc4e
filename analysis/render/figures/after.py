"""Models after the paper: what a request keeps, what a step touches of it, and what a token waits for."""

import re
from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import RP_acc
from analysis.render.axes import (
    Rows,
    headline,
    in_columns,
    label_right,
    plain_log,
    powers_of_two,
    prefixed,
    rounded,
    spread,
)
from analysis.render.digits import digits_of
from analysis.render.style import MARKERS, PALETTE, PAPER, WIDTH
from analysis.render.words import conventions, named, person
from analysis.thesis.after import Carried

USED = ("phase", "order", "grouping", "width", "peak", "n_acc", "deg_TP", "weights")
LOOKS = ("-", "--", "-.", ":")
SIZES = re.compile(r" \d+B-A\d+B$")
"""What a brief name leaves out: parameters of a model, and those of a token."""
TITLES = {"core_attention": "core", "index": "index", "state": "state"}


def colours(found: Sequence[Carried]) -> list[str]:
    """One colour a model, in their order."""
    return [PALETTE[place % len(PALETTE)] for place in range(len(found))]


def lines(found: Sequence[Carried], what: str) -> list[np.ndarray]:
    """One measure of each model over the contexts: `kept` [byte] or `phi` [1]."""
    return [getattr(each, what) for each in found]


def _lines(found: Sequence[Carried], values: Sequence[np.ndarray], ends: Sequence[str], logarithmic: bool) -> tuple:
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.4))
    for each, line, colour, place in zip(found, values, colours(found), range(len(found)), strict=True):
        axes.plot(each.contexts, line, color=colour, linestyle=LOOKS[place % len(LOOKS)])
    contexts = found[0].contexts
    axes.set(xscale="log", yscale="log" if logarithmic else "linear", xlim=(contexts[0], contexts[-1]))
    powers_of_two(axes.xaxis, contexts)
    axes.tick_params(axis="x", rotation=45)
    axes.set_xlabel("context L [tokens]")
    labels = [f"{_name(each)}  {end}" for each, end in zip(found, ends, strict=True)]
    label_right(axes, [(contexts[-1], line[-1]) for line in values], labels, colours(found))
    return figure, axes


def kept_figure(found: Sequence[Carried]) -> Figure:
    """Bytes that one request keeps over the context, one line a model."""
    figure, axes = _lines(found, [each.kept for each in found], [prefixed(e.kept[-1], "B") for e in found], True)
    plain = pyplot.FuncFormatter(lambda x, _: prefixed(x, "B"))
    axes.yaxis.set_major_formatter(plain)
    axes.set_ylabel("bytes that one request keeps")
    least, most = (pick(found, key=lambda each: each.kept[-1]) for pick in (min, max))
    amount = prefixed(most.kept[-1], "B")
    if most is not least:
        amount = f"{rounded(most.kept[-1] / least.kept[-1], 2)} times as much as one of {_name(least)}"
    headline(figure, f"At {_size(found[0].contexts[-1])} tokens a request of {_name(most)} keeps {amount}")
    return figure


def phi_figure(found: Sequence[Carried]) -> Figure:
    """Bytes touched over bytes kept, one line a model."""
    lines = [each.phi for each in found]
    wide = np.max(lines) > 3 * np.min(lines)
    figure, axes = _lines(found, lines, [rounded(each.phi[-1]) for each in found], wide)
    axes.axhline(1, color="#888888", linewidth=0.8, zorder=0)
    if wide:
        plain_log(axes.yaxis)
        axes.yaxis.set_major_locator(pyplot.LogLocator(subs=(1, 2, 5)))
    else:
        axes.set_ylim(bottom=0)
    axes.set_ylabel("touched in a step over kept, phi")
    less = [each for each in found if each.phi[-1] < 0.5]
    headline(
        figure,
        f"Steps of {len(less)} of {len(found)} models touch less than half of what they keep at the longest context",
    )
    return figure


def stages_figure(found: Sequence[Carried], devices: Sequence[Setting]) -> Figure:
    """FLOP per byte of core, index and state of each model, ridge points of accelerators as a band."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.6 + 0.36 * len(found)))
    ridges = [float(device.point[RP_acc]) for device in devices]
    marks = dict(zip(TITLES, MARKERS, strict=False))
    for place, each in enumerate(found):
        for part, intensity in each.intensities.items():
            axes.plot(intensity, place, marks[part], color=PALETTE[2], markersize=7)
            beside = (-7, -4, "right") if part == "index" else (0, 6, "center")  # points from the mark: cores lie close
            look = {"textcoords": "offset points", "ha": beside[2], "bbox": PAPER, "zorder": 1.8}
            axes.annotate(rounded(intensity), (intensity, place), beside[:2], **look)
    axes.set_yticks(range(len(found)), [_name(each) for each in found])
    axes.set(xscale="log", xlabel="FLOP per byte", ylim=(len(found) - 0.4, -0.8))
    _ridge_lines(axes, ridges, [chip(each) for each in devices])
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)
    handles = [pyplot.Line2D([], [], color=PALETTE[2], marker=marks[p], linestyle="", label=TITLES[p]) for p in marks]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    low, high = (pick(zip(ridges, map(chip, devices), strict=True)) for pick in (min, max))
    over = [sum(max(e.intensities.values(), default=0) >= ridge for e in found) for ridge, _ in (low, high)]
    headline(
        figure,
        f"Stages of {over[0]} of {len(found)} models reach the ridge point of {low[1]}, {rounded(low[0])} FLOP per "
        f"byte; of {over[1] or 'none'} that of {high[1]}, {rounded(high[0])}",
    )
    return figure


def _ridge_lines(axes: Axes, ridges: Sequence[float], names: Sequence[str]) -> None:
    """Ridge points as upright lines, named above the axes, which leave room for labels on both sides."""
    left, right = axes.get_xlim()
    axes.set_xlim(left / 2, max(right, 1.5 * max(ridges)))
    to_axes = axes.transData + axes.transAxes.inverted()
    placed = spread([to_axes.transform((ridge, 0))[0] for ridge in ridges], 0.075, 0, 1)
    for ridge, name, place in zip(ridges, names, placed, strict=True):
        axes.axvline(ridge, color="#888888", linewidth=1, zorder=0)
        axes.annotate(
            name,
            (ridge, 1),
            xytext=(place, 1.04),
            xycoords=axes.get_xaxis_transform(),
            textcoords="axes fraction",
            rotation=38,
            rotation_mode="anchor",
            arrowprops={"arrowstyle": "-", "color": "#888888", "linewidth": 0.7, "shrinkA": 0, "relpos": (0, 0)},
        )


# -- words -----------------------------------------------------------------------------------------
def chip(setting: Setting) -> str:
    """The name of a setting's accelerator, as short as it goes."""
    return named(setting.accelerator.id).removeprefix("paper's ").removeprefix("Instinct ")


def brief(model: str) -> str:
    """A model's name without its sizes.

    >>> brief("qwen3-next-80b-a3b"), brief("deepseek-v3")
    ('Qwen3-Next', 'R1')
    """
    return SIZES.sub("", person(model))


def _name(each: Carried) -> str:
    return brief(each.setting.model.id)


def _size(context: float) -> str:
    return f"{context / 1024:.0f}K" if context >= 1024 else f"{context:.0f}"


def describe(found: Sequence[Carried], what: str, values: Sequence[Sequence[float]], unit: str = "") -> tuple[str, str]:
    """Caption and alternative text of lines over the context: what they show, and both of their ends."""
    first, last = (_size(found[0].contexts[place]) for place in (0, -1))
    ends = "; ".join(
        f"{_name(each)} {digits_of(line[0])} to {digits_of(line[-1])}{unit}"
        for each, line in zip(found, values, strict=True)
    )
    setting = found[0].setting
    caption = f"{what}, from {first} to {last} tokens of context: {setting.accelerator.name}, {setting.link.name}; "
    return f"{caption}{conventions(setting, *USED)}.", f"Lines over contexts of {first} to {last} tokens: {ends}."


def describe_stages(found: Sequence[Carried], devices: Sequence[Setting]) -> tuple[str, str]:
    """Caption and alternative text of the stages."""
    listed = "; ".join(
        f"{_name(each)}: {', '.join(f'{TITLES[part]} {rounded(x)}' for part, x in each.intensities.items())}"
        for each in found
    )
    ridges = ", ".join(f"{chip(each)} {rounded(float(each.point[RP_acc]))}" for each in devices)
    caption = (
        "What core attention, the index and the step of a state do for each byte that they move, at "
        f"{_size(found[0].contexts[-1])} tokens of context. Upright lines are ridge points: {ridges} FLOP/byte; "
        f"{conventions(found[0].setting, 'grouping', 'width')}."
    )
    return caption, f"Dots by model, in FLOP/byte: {listed}."


def table(found: Sequence[Carried], name: str, values: Sequence[Sequence[float]]) -> Rows:
    """One row a model and context: model, L [tokens], the value."""
    rows = (
        (each.setting.model.id, context, float(value))
        for each, line in zip(found, values, strict=True)
        for context, value in zip(each.contexts.tolist(), line, strict=True)
    )
    return in_columns(("model", "L", name), rows)


def stages_table(found: Sequence[Carried]) -> Rows:
    """One row a model and stage: FLOP per byte."""
    rows = (
        (each.setting.model.id, TITLES[part], float(intensity))
        for each in found
        for part, intensity in each.intensities.items()
    )
    return in_columns(("model", "stage", "intensity"), rows)
