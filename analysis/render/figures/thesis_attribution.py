"""Attribution (proposition f): six models of equal widths, attention and feed-forward varied one at a time."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis.factorial import ATTENTIONS, FEED_FORWARDS, HELD, Cell, effects
from analysis.render.axes import plain_log, rounded
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions

USED = ("accelerator", "n_acc", "phase", "width", "peak")
HATCHES = {"dense": "", "experts": "///"}


def attribution_figure(cells: Sequence[Cell]) -> Figure:
    """Throughput of the six models, a panel per what is held equal."""
    figure, panels = pyplot.subplots(1, len(HELD), figsize=(WIDTH, 3.8), sharey=True)
    for axes, held in zip(panels, HELD, strict=True):
        for place, kind in enumerate(FEED_FORWARDS):
            found = [cell for cell in cells if cell.held == held and cell.feed_forward == kind]
            at = np.arange(len(ATTENTIONS)) + 0.4 * (place - 0.5)
            axes.bar(
                at,
                [cell.per_accelerator for cell in found],
                0.36,
                hatch=HATCHES[kind],
                edgecolor="black",
                color=[COLOURS[cell.attention.lower()] for cell in found],
            )
        axes.set_xticks(np.arange(len(ATTENTIONS)), ATTENTIONS)
        axes.set(yscale="log", title=f"{held} parameters equal")
        plain_log(axes.yaxis)
        axes.yaxis.set_major_locator(pyplot.LogLocator(subs=(1, 2, 5)))
    panels[0].set_ylabel("tokens/s per accelerator")
    patches = [
        pyplot.Rectangle((0, 0), 1, 1, hatch=HATCHES[kind], facecolor="white", edgecolor="black", label=kind)
        for kind in FEED_FORWARDS
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=2)
    return figure


def describe(cells: Sequence[Cell], setting: Setting) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Throughput of six models with the widths and blocks of {setting.model.name}, each at its best "
        "tensor-parallel degree and B_cap; the dense feed-forward layer holds as many parameters as all experts of a "
        f"block (left) or as those that a token touches (right). L = {setting['L']:.0f}, {conventions(setting, *USED)}."
    )
    words = [f"{cell.attention} {cell.feed_forward} {rounded(cell.per_accelerator)} ({cell.held})" for cell in cells]
    return caption, f"Two panels of bars, in tokens per second and accelerator: {', '.join(words)}."


def columns(cells: Sequence[Cell]) -> dict[str, list]:
    """One row per model."""
    return {name: [getattr(cell, name) for cell in cells] for name in vars(cells[0])}


def notes(cells: Sequence[Cell]) -> dict[str, float]:
    """Every effect, by what is held equal."""
    return {
        f"thesis_{held}_{name.replace(' ', '_')}": effect
        for held in HELD
        for name, effect in effects(list(cells), held).items()
    }
