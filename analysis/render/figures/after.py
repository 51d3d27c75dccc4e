"""Models after the paper: what a request keeps, what a step touches of it, and what a token waits for."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import RP_acc
from analysis.render.axes import headline, label_right, plain_log, powers_of_two, prefixed, rounded
from analysis.render.digits import digits_of
from analysis.render.style import MARKERS, PALETTE, WIDTH
from analysis.render.words import conventions, person
from analysis.thesis import largest
from analysis.thesis.after import Carried

Rows = dict[str, list]
USED = ("phase", "order", "grouping", "width", "peak", "n_acc", "deg_TP", "weights")
LOOKS = ("-", "--", "-.", ":")
TITLES = {"core_attention": "core", "index": "index", "state": "state"}


def colours(found: Sequence[Carried]) -> list[str]:
    """One colour a model, in their order."""
    return [PALETTE[place % len(PALETTE)] for place in range(len(found))]


def lines(found: Sequence[Carried], what: str) -> list[np.ndarray]:
    """One measure of each model over the contexts: `kept` [byte], `phi` [1] or `attention` [1]."""
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
    labels = [f"{person(each.setting.model.id)}  {end}" for each, end in zip(found, ends, strict=True)]
    label_right(axes, [(contexts[-1], line[-1]) for line in values], labels, colours(found))
    return figure, axes


def kept_figure(found: Sequence[Carried]) -> Figure:
    """Bytes that one request keeps over the context, one line a model."""
    figure, axes = _lines(found, [each.kept for each in found], [prefixed(e.kept[-1], "B") for e in found], True)
    plain = pyplot.FuncFormatter(lambda x, _: prefixed(x, "B"))
    axes.yaxis.set_major_formatter(plain)
    axes.set_ylabel("bytes that one request keeps")
    least, most = (pick(found, key=lambda each: each.kept[-1]) for pick in (min, max))
    headline(
        figure,
        f"At {_size(found[0].contexts[-1])} tokens a request of {_name(most)} keeps "
        f"{rounded(most.kept[-1] / least.kept[-1], 2)} times as much as one of {_name(least)}",
    )
    return figure


def phi_figure(found: Sequence[Carried]) -> Figure:
    """Bytes touched over bytes kept, one line a model."""
    figure, axes = _lines(found, [each.phi for each in found], [rounded(each.phi[-1]) for each in found], True)
    axes.axhline(1, color="#888888", linewidth=0.8, zorder=0)
    plain_log(axes.yaxis)
    axes.set_ylabel("touched in a step over kept, phi")
    less = [each for each in found if each.phi[-1] < 0.5]
    headline(
        figure, f"{len(less)} of {len(found)} models touch less than half of what they keep at the longest context"
    )
    return figure


def waits_figure(found: Sequence[Carried]) -> Figure:
    """Share of a token's time that attention to what is kept takes at full memory, one line a model."""
    lines = [100 * each.attention for each in found]
    figure, axes = _lines(found, lines, [f"{rounded(line[-1], 2)} %" for line in lines], False)
    axes.set(ylim=(0, 100), ylabel="share of a token's time, memory full [%]")
    short = sorted(float(line[0]) for line in lines)
    leading = [each for each in found if each.shares[:, -1].argmax() == largest.NAMES.index(largest.CORE)]
    headline(
        figure,
        f"Attention takes {rounded(short[0], 2)} to {rounded(short[-1], 2)} % at the shortest context; at the longest "
        f"{len(leading)} of {len(found)} models wait for it most",
    )
    return figure


def stages_figure(found: Sequence[Carried], devices: Sequence[Setting]) -> Figure:
    """FLOP per byte of core, index and state of each model, ridge points of accelerators as a band."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.6 + 0.36 * len(found)))
    ridges = [float(device.point[RP_acc]) for device in devices]
    axes.axvspan(min(ridges), max(ridges), color="#BBBBBB", alpha=0.45, linewidth=0)
    marks = dict(zip(TITLES, MARKERS, strict=False))
    for place, each in enumerate(found):
        for part, intensity in each.intensities.items():
            axes.plot(intensity, place, marks[part], color=PALETTE[2], markersize=7)
            axes.annotate(rounded(intensity), (intensity, place), (0, 6), textcoords="offset points", ha="center")
    axes.set_yticks(range(len(found)), [_name(each) for each in found])
    axes.set(xscale="log", xlabel="FLOP per byte", ylim=(len(found) - 0.4, -0.8))
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)
    handles = [pyplot.Line2D([], [], color=PALETTE[2], marker=marks[p], linestyle="", label=TITLES[p]) for p in marks]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    ends = f"{rounded(min(ridges))} to {rounded(max(ridges))}"
    over = [e for e in found if max(e.intensities.values(), default=0) >= min(ridges)]
    headline(
        figure, f"{len(over)} of {len(found)} models have a stage that reaches ridge points of {ends} FLOP per byte"
    )
    return figure


# -- words -----------------------------------------------------------------------------------------
def _name(each: Carried) -> str:
    return person(each.setting.model.id)


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
    ridges = ", ".join(f"{each.accelerator.name} {rounded(float(each.point[RP_acc]))}" for each in devices)
    caption = (
        "What core attention, the index and the step of a state do for each byte that they move, at "
        f"{_size(found[0].contexts[-1])} tokens of context. The band spans the ridge points of {ridges} FLOP/byte; "
        f"{conventions(found[0].setting, 'grouping', 'width')}."
    )
    return caption, f"Dots by model, in FLOP/byte: {listed}."


def table(found: Sequence[Carried], name: str, values: Sequence[Sequence[float]]) -> Rows:
    """One row a model and context: model, L [tokens], the value."""
    rows: Rows = {"model": [], "L": [], name: []}
    for each, line in zip(found, values, strict=True):
        rows["model"] += [each.setting.model.id] * len(each.contexts)
        rows["L"] += each.contexts.tolist()
        rows[name] += [float(value) for value in line]
    return rows


def stages_table(found: Sequence[Carried]) -> Rows:
    """One row a model and stage: FLOP per byte."""
    rows: Rows = {"model": [], "stage": [], "intensity": []}
    for each in found:
        for part, intensity in each.intensities.items():
            for name, given in zip(rows, (each.setting.model.id, TITLES[part], float(intensity)), strict=True):
                rows[name].append(given)
    return rows
