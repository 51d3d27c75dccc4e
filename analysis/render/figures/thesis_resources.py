"""What each resource is worth (proposition e): elasticities, and the split of a fixed budget."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import resources
from analysis.render.axes import headline, mechanism_colour, plain_log, rounded
from analysis.render.style import WIDTH
from analysis.render.words import conventions

USED = ("accelerator", "n_acc", "phase", "order", "width", "peak", "weights")
NAMES = tuple(resources.RESOURCES)


def resources_figure(settings: Sequence[Setting], L: float, costs: Sequence[float]) -> Figure:
    """Elasticity of throughput at B_cap to each resource, and each resource's factor in the best split."""
    figure, (left, right) = pyplot.subplots(2, 1, figsize=(WIDTH, 6), sharex=True)
    places, width = np.arange(len(NAMES)), 0.8 / len(settings)
    for number, setting in enumerate(settings):
        at = places + (number - (len(settings) - 1) / 2) * width
        look = {"width": width * 0.9, "color": mechanism_colour(setting), "label": setting.model.name}
        left.bar(at, list(resources.elasticities(setting, L).values()), **look)
        factors = list(resources.best_split(setting, L, costs).factors.values())
        right.bar(at, np.array(factors) - 1, bottom=1, **look)
    for axes in (left, right):
        axes.set_xticks(places, NAMES)
    right.axhline(1, color="black", linewidth=1)
    right.set(yscale="log", title="best split of the budget", ylabel="factor on the accelerator")
    right.set_yticks([0.125, 0.25, 0.5, 1, 2])
    plain_log(right.yaxis)
    left.set(title="elasticity of throughput", ylabel="relative change per relative change")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    model, worth = settings[-1].model.name, resources.elasticities(settings[-1], L)
    most = max(worth, key=worth.get)
    headline(figure, f"Throughput of {model} hangs most on {most}: elasticity {rounded(worth[most], 2)}")
    return figure


def describe(settings: Sequence[Setting], L: float, costs: Sequence[float]) -> tuple[str, str]:
    """Caption and alternative text."""
    shares = ", ".join(f"{name} {share:g}" for name, share in zip(NAMES, costs, strict=True))
    caption = (
        f"Above: elasticity of throughput at B_cap, L = {L:.0f}. Below: factors on the accelerator's resources that "
        f"give most tokens for the same budget, where its cost divides as {shares} (assumed) and grows in proportion. "
        f"{conventions(settings[-1], *USED)}."
    )
    gains = [f"{each.model.id} {rounded(resources.best_split(each, L, costs).gain)}" for each in settings]
    return (
        caption,
        f"Two bar charts, a colour per model. Gain of the best split over the accelerator: {', '.join(gains)}.",
    )


def columns(settings: Sequence[Setting], L: float, costs: Sequence[float]) -> dict[str, list]:
    """One row per model and resource, the split's gain and that of a memory-side device at the same budget repeated."""
    rows = []
    for setting in settings:
        worth, split = resources.elasticities(setting, L), resources.best_split(setting, L, costs)
        side = resources.memory_side(setting, L, costs)
        rows += [
            (setting.model.id, name, worth[name], split.factors[name], split.gain, side.factors[name], side.gain)
            for name in NAMES
        ]
    header = ("model", "resource", "elasticity", "factor", "gain", "memory_side_factor", "memory_side_gain")
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def notes(settings: Sequence[Setting], L: float, costs: Sequence[float]) -> dict[str, float]:
    """Numbers for the book: gains of the best split and of a memory-side device, for the first and the last model."""
    found = {}
    for name, setting in {"first": settings[0], "last": settings[-1]}.items():
        found[f"thesis_split_{name}"] = resources.best_split(setting, L, costs).gain
        found[f"thesis_side_{name}"] = resources.memory_side(setting, L, costs).gain
        worth = resources.elasticities(setting, L)
        found |= {f"thesis_worth_{name}_{each.replace(' ', '_')}": number for each, number in worth.items()}
    return found
