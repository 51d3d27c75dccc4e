"""Balance of experts and dense layers (proposition b)."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, plain_log, rounded
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions, person
from analysis.thesis import balance

USED = ("accelerator", "n_acc", "phase", "width", "peak", "weights")


def balance_figure(found: Sequence[balance.Balance], setting: Setting) -> Figure:
    """Intensity of experts over dense layers of every model: a dot with activations counted, a ring without."""
    ordered = sorted(found, key=lambda each: each.ratio_weights)
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.9 + 0.26 * len(ordered)))
    places = np.arange(len(ordered))
    axes.plot(
        [each.ratio_weights for each in ordered],
        places,
        "o",
        markerfacecolor="none",
        color=COLOURS["experts"],
        markersize=9,
        label="weights' bytes alone",
    )
    axes.plot(
        [each.ratio_activations for each in ordered],
        places,
        "D",
        color=COLOURS["dense"],
        label="activation bytes counted",
    )
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(places, [f"{_short(each.model)} ({rounded(each.groups)})" for each in ordered])
    axes.set(xscale="log", xlabel="intensity over dense layers'")
    axes.set_xticks([0.25, 0.5, 1, 2, 4, 8])
    plain_log(axes.xaxis)
    figure.legend(loc="outside lower center", ncols=2)
    near = sum(abs(each.ratio_weights - 1) < 1e-9 for each in ordered)
    headline(figure, f"{near} of {len(ordered)} models with experts balance on {setting['n_acc']} accelerators")
    return figure


def _short(model: str) -> str:
    """A model's name without its year and what a chunk is made of."""
    return person(model).partition(" (")[0].removesuffix(" attention")


def describe(found: Sequence[balance.Balance], setting: Setting) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Intensity of a routed expert over that of a dense projection, at the batch at which all weight layers have "
        "reached the ridge point, one group of experts over all accelerators and no skew; in brackets the number of "
        f"data-parallel accelerators that balances. {conventions(setting, *USED)}."
    )
    words = [f"{person(each.model)} {rounded(each.ratio_weights)}" for each in found]
    return caption, f"A row per model. Ratio with weights' bytes alone: {', '.join(words)}."


def columns(found: Sequence[balance.Balance]) -> dict[str, list]:
    """One row per model."""
    return {name: [getattr(each, name) for each in found] for name in vars(found[0])}


def notes(found: Sequence[balance.Balance], setting: Setting) -> dict[str, float]:
    """Numbers for the book: how many models balance here, and the range of the ratio."""
    ratios = [each.ratio_weights for each in found]
    own = next((each for each in found if each.model == setting.model.id), found[0])
    return {
        "thesis_balanced": sum(abs(ratio - 1) < 1e-9 for ratio in ratios),
        "thesis_balance_models": len(found),
        "thesis_balance_least": min(ratios),
        "thesis_balance_most": max(ratios),
        "thesis_balance_own": own.ratio_activations,
        "thesis_balance_groups": own.groups,
    }
