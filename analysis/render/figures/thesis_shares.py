"""Every term of a token's time once memory is full (proposition a), over the context."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.render.axes import headline, mechanism_colour, powers_of_two, rounded
from analysis.render.figures.thesis_full_memory import USED, Shares, fitting, place
from analysis.render.figures.time_shares import TERM_COLOURS
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions, person, term_words


def of_last_model(found: Sequence[Shares]) -> list[Shares]:
    """The systems of the last model alone."""
    return [each for each in found if each.setting.model.id == found[-1].setting.model.id]


def shares_figure(found: Sequence[Shares]) -> Figure:
    """A panel per accelerator and network: terms of TPOT stacked, as shares, at B_cap over the context."""
    devices = list(dict.fromkeys(each.setting["accelerator"] for each in found))
    rows, links = len(devices), len(found) // len(devices)  # each accelerator brings its own fast link
    shape = {"figsize": (WIDTH, 1.4 + 2.3 * rows), "sharex": True, "sharey": True, "squeeze": False}
    figure, panels = pyplot.subplots(rows, links, **shape)
    names = [name for name in found[0].shares if any(np.nanmax(each.shares[name]) > 1e-3 for each in found)]
    colours = {name: _colour(name, found[0]) for name in names}
    for axes, each in zip(panels.flat, found, strict=True):
        axes.stackplot(each.contexts, [100 * each.shares[name] for name in names], colors=list(colours.values()))
        axes.set_title(f"{place(each)}", fontsize=9)
        axes.set(xscale="log", ylim=(0, 100), xlim=(each.contexts[0], each.contexts[-1]))
        powers_of_two(axes.xaxis, each.contexts)
        axes.tick_params(axis="x", rotation=45, labelsize=9)
    for axes in panels[-1]:
        axes.set_xlabel("context [tokens], memory full", fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel("share of a step [%]", fontsize=9)
    patches = [
        pyplot.Rectangle((0, 0), 1, 1, color=colours[name], label=term_words(name, found[0].setting)) for name in names
    ]
    figure.legend(handles=patches[::-1], loc="outside lower center", ncols=3)
    headline(figure, _title(found))
    return figure


def _title(found: Sequence[Shares]) -> str:
    shares = [fitting(each.shares["core_attention"]) for each in found]
    ends = [(share[0], share[-1]) for share in shares if len(share)]
    short, long = (
        " to ".join(dict.fromkeys(rounded(100 * share, 2) for share in (min(side), max(side))))
        for side in zip(*ends, strict=True)
    )
    return f"Core attention takes {short} % of a step at the shortest context, {long} % at the longest"


def _colour(name: str, one: Shares) -> str:
    own = {"core_attention": mechanism_colour(one.setting), "communication": COLOURS["communication"]}
    return own.get(name) or TERM_COLOURS[name]


def describe(found: Sequence[Shares]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Every part of a step of {person(found[0].setting.model.id)} when requests fill the memory, as a "
        f"share, over the context; a panel per accelerator and link. {conventions(found[-1].setting, *USED)}."
    )
    words = []
    for each in found:
        within = {name: fitting(share) for name, share in each.shares.items()}
        if not len(within["core_attention"]):
            words.append(f"{place(each)}: none, as it does not fit")
            continue
        ends = {name: (share[0], share[-1]) for name, share in within.items()}
        largest = [max(ends, key=lambda name: ends[name][end]) for end in (0, 1)]
        shown = [f"{name.replace('_', ' ')} {rounded(100 * ends[name][end], 2)} %" for end, name in enumerate(largest)]
        words.append(f"{place(each)}: {shown[0]}, then {shown[1]}")
    alt = f"Stacked areas. Largest term at the shortest and the longest context that fits: {'; '.join(words)}."
    return caption, alt
