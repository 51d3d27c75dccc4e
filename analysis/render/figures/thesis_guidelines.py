"""What moves the flip points of the guidelines: the model, or the accelerator (proposition i)."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, in_columns, plain_log, rounded
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions
from analysis.thesis import guidelines
from analysis.thesis.spreads import Spread

USED = ("phase", "width", "peak", "weights")


def systems(settings: Sequence[Setting], accelerators: Sequence[str]) -> dict[str, list[Setting]]:
    """Each model's setting on every accelerator, the setting's own first, in twice the setting's number."""
    names = list(dict.fromkeys((settings[0]["accelerator"], *accelerators)))
    return {each.model.id: guidelines.on_accelerators(each, names) for each in settings}


def by_model(spreads: Sequence[Spread]) -> tuple[int, int]:
    """How many flip points move with the model by more than with the accelerator, and how many can be compared."""
    compared = [each for each in spreads if np.isfinite([each.models, each.accelerators]).all()]
    return sum(each.models > each.accelerators for each in compared), len(compared)


def guidelines_figure(spreads: Sequence[Spread]) -> Figure:
    """A row per guideline: how far its flip point moves over models (dot) and over accelerators (diamond)."""
    places = np.arange(len(spreads))[::-1]
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.1 + 0.27 * len(spreads)))
    ends = [(each.models, each.accelerators) for each in spreads]
    axes.hlines(places, *(np.array([f(pair) for pair in ends]) for f in (np.min, np.max)), color="#BBBBBB", linewidth=1)
    for place, marker, colour, label in (
        (0, "o", "mla", "over models, on one accelerator"),
        (1, "D", "mha", "over accelerators, for one model"),
    ):
        axes.plot([pair[place] for pair in ends], places, marker, color=COLOURS[colour], label=label)
    axes.set_yticks(places, [each.guideline.short for each in spreads])
    axes.set(xscale="log", xlabel="largest flip point over the smallest (median)")
    plain_log(axes.xaxis)
    figure.legend(loc="outside lower center", ncols=2)
    more, compared = by_model(spreads)
    headline(figure, f"{more} of {compared} flip points move more with the model than with the accelerator")
    return figure


def describe(found: dict[str, list[Setting]], spreads: Sequence[Spread]) -> tuple[str, str]:
    """Caption and alternative text."""
    first = next(iter(found.values()))
    count = first[0]["n_acc"]
    caption = (
        f"How far the flip points of {len(spreads)} guidelines move over {len(found)} models and over {len(first)} "
        f"accelerators, {count} of each; a dot is missing where a guideline speaks of one model only. "
        f"{conventions(first[0], *USED)}."
    )
    pairs = {each.guideline.short: (each.models, each.accelerators) for each in spreads}
    words = [f"{name} {' and '.join(map(_factor, pair))}" for name, pair in pairs.items()]
    return caption, f"A row per guideline. Over models, and over accelerators: {'; '.join(words)}."


def _factor(spread: float) -> str:
    return rounded(spread) if np.isfinite(spread) else "not to be compared"


def columns(found: dict[str, list[Setting]]) -> dict[str, list]:
    """One row per guideline, model and accelerator; an empty flip point where there is none."""
    rows = [
        (each.name, each.unit, model, system["accelerator"], flip)
        for each in guidelines.GUIDELINES
        for model, systems in found.items()
        if not guidelines.missing(each, systems[0])
        for system, flip in zip(systems, guidelines.flips(each, systems), strict=True)
    ]
    names = ("guideline", "unit", "model", "accelerator", "flip")
    return in_columns(names, rows)


def notes(spreads: Sequence[Spread]) -> dict[str, float | int | str]:
    """Numbers for the book: how many flip points the model moves more, and the one that it moves most."""
    more, compared = by_model(spreads)
    most = max(spreads, key=lambda each: np.nan_to_num(each.models))
    hardest = max(spreads, key=lambda each: np.nan_to_num(each.accelerators))
    return {
        "guidelines_moved": more,
        "guidelines_compared": compared,
        "guidelines_most": most.guideline.short,
        "guidelines_most_spread": most.models,
        "guidelines_device": hardest.guideline.short,
        "guidelines_device_spread": hardest.accelerators,
    }
