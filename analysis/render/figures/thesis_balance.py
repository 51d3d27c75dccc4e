"""Balance of experts and dense layers (proposition b): a row for all models that want as many accelerators."""

from collections.abc import Sequence

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
    wanted = _by_wish(ordered)
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + 0.21 * len(wanted)))
    places = [list(wanted).index(each.groups) for each in ordered]
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
    axes.set_yticks(range(len(wanted)), [_row(those) for those in wanted.values()])
    axes.set(xscale="log", xlabel="intensity over dense layers'")
    axes.set_xticks([0.25, 0.5, 1, 2, 4, 8])
    plain_log(axes.xaxis)
    figure.legend(loc="outside lower center", ncols=2)
    near = sum(abs(each.ratio_weights - 1) < 1e-9 for each in ordered)
    headline(figure, f"{near} of {len(ordered)} models with experts balance on {setting['n_acc']} accelerators")
    return figure


def _by_wish(ordered: Sequence[balance.Balance]) -> dict[float, list[balance.Balance]]:
    """The models by the number of accelerators that balances them."""
    found: dict[float, list[balance.Balance]] = {}
    for each in ordered:
        found.setdefault(each.groups, []).append(each)
    return found


def _row(those: Sequence[balance.Balance]) -> str:
    """A row's words: the model that the book speaks of, or the shortest name, how many more, what they want.

    >>> _row([balance.Balance("deepseek-v3", 32, 1, 1), balance.Balance("minimax-m2", 32, 1, 1)])
    'R1 and 1 more (32)'
    """
    names = sorted((_short(each.model) for each in those), key=len)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more} ({rounded(those[0].groups)})"


def _short(model: str) -> str:
    """A model's name without its year and what a chunk is made of."""
    return person(model).partition(" (")[0].removesuffix(" attention")


def describe(found: Sequence[balance.Balance], setting: Setting) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Intensity of a routed expert over that of a dense projection, at the batch at which all weight layers have "
        "reached the ridge point, one group of experts over all accelerators and no skew. A row holds all models that "
        f"balance on the number of data-parallel accelerators in brackets. {conventions(setting, *USED)}."
    )
    words = [f"{person(each.model)} {rounded(each.ratio_weights)}" for each in found]
    return caption, f"A mark per model. Ratio with weights' bytes alone: {', '.join(words)}."


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
