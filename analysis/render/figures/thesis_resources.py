"""What each resource is worth (proposition e): elasticities, and devices at equal, named budgets."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import resources
from analysis.render.axes import headline, mechanism_colour, plain_log, rounded
from analysis.render.style import WIDTH
from analysis.render.words import conventions, speaker

USED = ("accelerator", "n_acc", "phase", "order", "width", "peak", "weights")
NAMES = tuple(resources.RESOURCES)
Budgets = Mapping[str, Sequence[float]]


def resources_figure(settings: Sequence[Setting], L: float, budgets: Budgets) -> Figure:
    """Elasticity of throughput at B_cap to each resource, and each resource's factor in the best split of a budget."""
    shape = {"figsize": (WIDTH, 2.0 + 2.2 * (1 + len(budgets))), "sharex": True}
    figure, panels = pyplot.subplots(1 + len(budgets), 1, **shape)
    places, width = np.arange(len(NAMES)), 0.8 / len(settings)
    for number, setting in enumerate(settings):
        at = places + (number - (len(settings) - 1) / 2) * width
        look = {"width": width * 0.9, "color": mechanism_colour(setting), "label": setting.model.name}
        panels[0].bar(at, list(resources.elasticities(setting, L).values()), **look)
        for axes, costs in zip(panels[1:], budgets.values(), strict=True):
            factors = np.array(list(resources.best_split(setting, L, costs).factors.values()))
            axes.bar(at, factors - 1, bottom=1, **look)
    panels[0].set(title="elasticity of throughput", ylabel="relative change")
    for axes, name in zip(panels[1:], budgets, strict=True):
        axes.axhline(1, color="black", linewidth=1)
        axes.set(yscale="log", title=f"best split of {name}", ylabel="factor")
        axes.set_yticks([0.25, 0.5, 1, 2])
        plain_log(axes.yaxis)
    panels[-1].set_xticks(places, NAMES)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    model, worth = settings[-1].model.name, resources.elasticities(settings[-1], L)
    most = max(worth, key=worth.get)
    headline(figure, f"Throughput of {model} hangs most on {most}: elasticity {rounded(worth[most], 2)}")
    return figure


def describe(settings: Sequence[Setting], L: float, budgets: Budgets) -> tuple[str, str]:
    """Caption and alternative text."""
    shares = "; ".join(f"{name} {', '.join(f'{share:g}' for share in costs)}" for name, costs in budgets.items())
    caption = (
        f"Above: elasticity of throughput at B_cap, L = {L:.0f}, each model at the degrees that serve most. Then "
        "factors on the accelerator's resources that give most tokens for the same budget, which divides (assumed) "
        f"into {', '.join(NAMES)} as {shares}, and grows in proportion. {conventions(speaker(settings), *USED)}."
    )
    gains = [
        f"{each.model.id} {', '.join(rounded(resources.best_split(each, L, costs).gain) for costs in budgets.values())}"
        for each in settings
    ]
    alt = f"Bar charts, a colour per model. Gain of the best split of {', '.join(budgets)}: {'; '.join(gains)}."
    return caption, alt


def columns(settings: Sequence[Setting], L: float, budgets: Budgets, device: str) -> dict[str, list]:
    """One row per model, budget and resource; gains of the best split and of the specialised device repeated."""
    rows = []
    for setting in settings:
        worth = resources.elasticities(setting, L)
        for budget, costs in budgets.items():
            split, side = resources.best_split(setting, L, costs), resources.specialised(setting, device, costs)
            gain = resources.gain(setting, side, L)
            rows += [
                (setting.model.id, budget, name, worth[name], split.factors[name], split.gain, float(factor), gain)
                for name, factor in zip(NAMES, side, strict=True)
            ]
    header = ("model", "budget", "resource", "elasticity", "factor", "gain", "specialised_factor", "specialised_gain")
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def notes(settings: Sequence[Setting], L: float, budgets: Budgets, device: str) -> dict[str, float]:
    """Numbers for the book, for the first and the last model: worth, gains under the first budget, and flips.

    Flips are 0 where it is passed everywhere, inf where nowhere.
    """
    costs, found = next(iter(budgets.values())), {}
    for name, setting in {"first": settings[0], "last": settings[-1]}.items():
        found[f"thesis_split_{name}"] = resources.best_split(setting, L, costs).gain
        found[f"thesis_side_{name}"] = resources.gain(setting, resources.specialised(setting, device, costs), L)
        found[f"thesis_side_flip_{name}"] = resources.even_share(setting, device, L, costs)
        found[f"thesis_worth_flip_{name}"] = resources.even_context(setting)
        worth = resources.elasticities(setting, L)
        found |= {f"thesis_worth_{name}_{each.replace(' ', '_')}": number for each, number in worth.items()}
    return found
