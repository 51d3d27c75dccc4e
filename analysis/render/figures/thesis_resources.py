"""What each resource is worth (proposition e): elasticities, and devices at equal, named budgets."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, in_columns, mechanism_colour, plain_log, rounded
from analysis.render.paper_tables import short_name
from analysis.render.style import WIDTH
from analysis.render.words import conventions, person, speaker
from analysis.systems.arrangements import in_groups
from analysis.thesis import resources

USED = ("phase", "order", "width", "peak", "weights")
NAMES = tuple(resources.RESOURCES)
ASSUMED = "assumed, no source"  # whence the shares of a budget are
Budgets = Mapping[str, Sequence[float]]


def resources_figure(settings: Sequence[Setting], L: float, budgets: Budgets) -> Figure:
    """Elasticity of throughput at B_cap to each resource, and each resource's factor in the best split of a budget."""
    rows = -(-(1 + len(budgets)) // 2)
    figure, grid = pyplot.subplots(rows, 2, figsize=(WIDTH, 1.6 + 1.6 * rows), sharex=True, squeeze=False)
    panels = grid.ravel()[: 1 + len(budgets)]
    for idle in grid.ravel()[len(panels) :]:
        idle.set_axis_off()
    places, width = np.arange(len(NAMES)), 0.8 / len(settings)
    for number, setting in enumerate(settings):
        at = places + (number - (len(settings) - 1) / 2) * width
        look = {"width": width * 0.9, "color": mechanism_colour(setting), "label": person(setting.model.id)}
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
    for axes in grid[-1]:
        axes.set_xticks(places, NAMES, rotation=30, ha="right", rotation_mode="anchor")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    model, worth = person(settings[-1].model.id), resources.elasticities(settings[-1], L)
    most = max(worth, key=worth.get)
    headline(figure, f"Throughput of {model} hangs most on {most}: elasticity {rounded(worth[most], 2)}")
    return figure


def describe(settings: Sequence[Setting], L: float, budgets: Budgets) -> tuple[str, str]:
    """Caption and alternative text."""
    shares = ", ".join(f"{name}={'/'.join(f'{share:g}' for share in costs)}" for name, costs in budgets.items())
    speaks = speaker(settings)
    caption = (
        f"First panel: elasticity of throughput with memory full at {L:.0f} tokens, on {speaks['n_acc']} x "
        f"{short_name(speaks.accelerator)}. The others: factors on {', '.join(NAMES)} that give most tokens for the "
        f"same area, power and price, whose shares are {ASSUMED}. {shares}, {conventions(speaks, *USED)}."
    )
    gained = {
        person(each.model.id): [rounded(resources.best_split(each, L, costs).gain) for costs in budgets.values()]
        for each in settings
    }
    gains = [f"{name} {', '.join(numbers)}" for name, numbers in gained.items()]
    alt = f"Bar charts, a colour per model. Gain of the best split of {', '.join(budgets)}: {'; '.join(gains)}."
    return caption, alt


def columns(settings: Sequence[Setting], L: float, budgets: Budgets, device: str) -> dict[str, list]:
    """One row per model, budget and resource: the share of cost, and whence it is; what is of the whole is repeated."""
    rows = []
    for setting in settings:
        worth = resources.elasticities(setting, L)
        for budget, costs in budgets.items():
            split, side = resources.best_split(setting, L, costs), resources.specialised(setting, device, costs)
            whole = split.gain, resources.gain(setting, side, L)
            each = zip(NAMES, costs, worth.values(), split.factors.values(), side.tolist(), strict=False)
            rows += [(setting.model.id, budget, name, ASSUMED, *map(float, numbers), *whole) for name, *numbers in each]
    header = ("model", "budget", "resource", "known", "share", "elasticity", "factor", "specialised_factor")
    return in_columns((*header, "gain", "specialised_gain"), rows)


def notes(settings: Sequence[Setting], L: float, budgets: Budgets, device: str) -> dict[str, float]:
    """Numbers for the book, for the first and the last model: worth, gains under the first budget, and flips.

    Flips are 0 where it is passed everywhere, inf where nowhere.
    """
    costs, found = next(iter(budgets.values())), {}
    for name, setting in {"first": settings[0], "last": settings[-1]}.items():
        least, most = resources.over_shares(setting, L)
        found[f"thesis_split_{name}"] = resources.best_split(setting, L, costs).gain
        found[f"thesis_split_{name}_least"], found[f"thesis_split_{name}_most"] = least, most
        found[f"thesis_side_{name}"] = resources.gain(setting, resources.specialised(setting, device, costs), L)
        found[f"thesis_side_flip_{name}"] = resources.even_share(setting, device, L, costs)
        found[f"thesis_worth_flip_{name}"] = resources.even_context(setting)
        found |= _named(f"thesis_worth_{name}", resources.elasticities(setting, L))
    grid = resources.share_grid()
    return found | {"thesis_shares_least": float(grid.min()), "thesis_shares_most": float(grid.max())}


def notes_between(setting: Setting, L: float, link_between: str, group: int) -> dict[str, float]:
    """Numbers for the book: what each resource is worth where groups of accelerators are joined by a slower link."""
    return _named("thesis_worth_between", resources.elasticities(in_groups(setting, link_between, group), L))


def _named(prefix: str, worth: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name.replace(' ', '_')}": number for name, number in worth.items()}
