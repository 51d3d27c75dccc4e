"""Attribution (proposition f): six models of equal widths, attention and feed-forward varied one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import L, M_cap
from analysis.render.axes import FINE, headline, plain_log, powers_of_two, rounded
from analysis.render.style import COLOURS, WIDTH, family
from analysis.render.words import conventions, person
from analysis.thesis import attribution
from analysis.thesis.factorial import ATTENTIONS, FEED_FORWARDS, HELD, Cell, effects

USED = ("accelerator", "n_acc", "phase", "width", "peak")
MANY = 4  # times the accelerators of the points: small memories hold the models only if they are many
MARKS = {"dense": "o", "experts": "s"}
SIDES = (-1, 1)
"""Where points stand about a mechanism's name; they are no bars, whose lengths mean nothing on a logarithmic axis."""


@dataclass(frozen=True)
class Interactions:
    """Interaction [1] over contexts [tokens] for what is held equal, in the whole model and in the proof, and flips."""

    held: str
    contexts: np.ndarray
    full: np.ndarray
    reading: float
    flip: float | None


def interactions(setting: Setting, contexts: np.ndarray) -> list[Interactions]:
    """The interaction over contexts, for equal total and equal active parameters."""
    return [
        Interactions(
            held,
            contexts,
            np.array([attribution.interaction(setting, held, {L: each}) for each in contexts]),
            attribution.reading_interaction(setting, held),
            attribution.context_of_interaction(setting, held),
        )
        for held in HELD
    ]


def attribution_figure(cells: Sequence[Cell], found: Sequence[Interactions]) -> Figure:
    """Throughput of the six models, a panel per what is held equal; and the interaction over the context."""
    figure, named = pyplot.subplot_mosaic("ab;cc", figsize=(WIDTH, 6))
    panels = [named[place] for place in "abc"]
    panels[1].sharey(panels[0])
    for axes, held in zip(panels, HELD, strict=False):
        _points(axes, [cell for cell in cells if cell.held == held])
        axes.set_title(f"{held} parameters equal")
    panels[0].set_ylabel("tokens/s per accelerator")
    _lines(panels[2], found)
    marks = [
        pyplot.Line2D([], [], linestyle="", marker=MARKS[kind], color="white", markeredgecolor="black", label=kind)
        for kind in FEED_FORWARDS
    ]
    lines = panels[2].get_legend_handles_labels()[0]
    figure.legend(handles=[*marks, *lines], loc="outside lower center", ncols=2)
    headline(figure, _title(cells))
    return figure


def _title(cells: Sequence[Cell]) -> str:
    gains = {held: effects(list(cells), held)["MLA and experts"] for held in HELD}
    words = [f"{rounded(gain)} times (equal {held} parameters)" for held, gain in gains.items() if np.isfinite(gain)]
    if not words:
        return "Multi-head attention of these widths fits at no tensor-parallel degree"
    return f"Latent attention and experts together serve {' and '.join(words)} the tokens of neither"


def _points(axes: Axes, cells: Sequence[Cell]) -> None:
    for place, kind in enumerate(FEED_FORWARDS):
        for number, attention in enumerate(ATTENTIONS):
            cell = next(each for each in cells if (each.attention, each.feed_forward) == (attention, kind))
            if not np.isfinite(cell.per_accelerator):
                continue
            at = number + 0.15 * SIDES[place]
            look = {"color": COLOURS[family(attention)], "markeredgecolor": "black", "markersize": 8}
            axes.plot(at, cell.per_accelerator, MARKS[kind], **look)
            shown = {"xytext": (5 * SIDES[place], 6), "textcoords": "offset points", "ha": ("right", "left")[place]}
            axes.annotate(rounded(cell.per_accelerator, 2), (at, cell.per_accelerator), **shown)
    axes.set_xticks(np.arange(len(ATTENTIONS)), ATTENTIONS)
    axes.set(yscale="log", xlim=(-0.9, len(ATTENTIONS) - 0.1))
    axes.margins(y=0.15)
    plain_log(axes.yaxis, ticks=FINE)


def _lines(axes: Axes, found: Sequence[Interactions]) -> None:
    for each, style in zip(found, ("-", "--"), strict=True):
        axes.plot(each.contexts, each.full, style, color="black", label=f"{each.held} parameters equal")
        axes.axhline(each.reading, linestyle=style, color="#999999", linewidth=1)
        if each.flip:
            axes.plot(each.flip, 1, "o", color="black")
    axes.plot([], [], color="#999999", linewidth=1, label="limit, where all waits for memory")
    axes.axhline(1, color="black", linewidth=0.6)
    axes.set(xscale="log", yscale="log", xlabel="context L [tokens]")
    axes.set_title("latent attention and experts together, over the product of each alone")
    powers_of_two(axes.xaxis, found[0].contexts)
    plain_log(axes.yaxis, ticks=FINE)


def describe(cells: Sequence[Cell], found: Sequence[Interactions], setting: Setting) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Throughput of six models with the widths and blocks of {person(setting.model.id)}, each at its best "
        "tensor-parallel degree and B_cap; the dense feed-forward layer holds as many parameters as all experts of a "
        "block (above left) or as those that a token touches (right). Below: what latent attention and experts "
        "together give over the product of each alone; grey, where all waits for memory. "
        f"Points are at {setting['L']:.0f} tokens of context. "
        f"{conventions(setting, *USED)}."
    )
    words = [f"{cell.attention} {cell.feed_forward} {rounded(cell.per_accelerator)} ({cell.held})" for cell in cells]
    ends = [f"{' to '.join(rounded(end) for end in _ends(each))} ({each.held})" for each in found]
    alt = (
        f"Two panels of points, in tokens per second and accelerator: {', '.join(words)}. Lines: interaction "
        f"from the shortest to the longest context that fits {', '.join(ends)}."
    )
    return caption, alt


def _ends(found: Interactions) -> list[float]:
    """The interaction at the shortest and the longest context at which all models fit."""
    within = found.full[np.isfinite(found.full)]
    return [float(each) for each in within[[0, -1]]] if len(within) else []


def _flip(found: Interactions) -> float:
    """Context [tokens] at which the interaction passes 1, once; else inf if it is less everywhere, 0 if nowhere."""
    if found.flip:
        return found.flip
    return float("inf") if any(each < 1 for each in _ends(found)) else 0.0


def _rises(found: Interactions) -> bool:
    """Whether the interaction is less than 1 below the flip rather than beyond it."""
    ends = _ends(found)
    return not found.flip or not ends or ends[0] < 1


def columns(cells: Sequence[Cell]) -> dict[str, list]:
    """One row per model."""
    return {name: [getattr(cell, name) for cell in cells] for name in vars(cells[0])}


def notes(cells: Sequence[Cell], found: Sequence[Interactions], setting: Setting) -> dict[str, float | str]:
    """Every effect, by what is held equal; the proof's numbers; and the contexts at which a sign flips (inf: never)."""
    effect = {
        f"thesis_{held}_{name.replace(' ', '_')}": effect
        for held in HELD
        for name, effect in effects(list(cells), held).items()
    }
    there = {each.held: {M_cap: attribution.even_capacity(setting, each.held)} for each in found}
    flips = {
        f"thesis_{each.held}_{name}": number
        for each in found
        for name, number in {
            "reading": each.reading,
            "flip": _flip(each),
            "rises": _rises(each),
            "degree": attribution.best_degree(setting, each.held),
            "capacity": there[each.held][M_cap],
            "reading_there": attribution.reading_interaction(setting, each.held, there[each.held]),
            "interaction_there": attribution.interaction(setting, each.held, there[each.held]),
        }.items()
    }
    many = setting.with_(n_acc=MANY * setting["n_acc"])
    return (
        effect
        | flips
        | {
            "thesis_attribution_model": setting.model.id,
            "thesis_experts_context": max(0.0, attribution.context_of_experts(setting)),
            "thesis_latent_count": many["n_acc"],
            "thesis_latent_capacity": attribution.cancelling_capacity(many)[1] or float("nan"),
        }
    )
