"""Balance of experts and dense layers (proposition b), and schedules for a batch and skew (h)."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import balance, scheduling
from analysis.render.axes import plain_log, powers_of_two, rounded
from analysis.render.marks import context_style
from analysis.render.style import COLOURS, MARKERS, WIDTH
from analysis.render.words import conventions

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
    axes.set_yticks(places, [f"{each.model} ({rounded(each.groups)})" for each in ordered], fontsize=8)
    axes.set(xscale="log", xlabel=f"intensity of experts / of dense layers, {setting['n_acc']} accelerators")
    axes.set_xticks([0.25, 0.5, 1, 2, 4, 8])
    plain_log(axes.xaxis)
    axes.legend(loc="lower right")
    near = sum(abs(each.ratio_weights - 1) < 1e-9 for each in ordered)
    axes.set_title(f"{near} of {len(ordered)} models with experts balance on {setting['n_acc']} accelerators")
    return figure


def describe_balance(found: Sequence[balance.Balance], setting: Setting) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Intensity of a routed expert over that of a dense projection, at the batch at which all weight layers have "
        "reached the ridge point, one group of experts over all accelerators and no skew; in brackets the number of "
        f"data-parallel accelerators that balances. {conventions(setting, *USED)}."
    )
    words = [f"{each.model} {rounded(each.ratio_weights)}" for each in found]
    return caption, f"A row per model. Ratio with weights' bytes alone: {', '.join(words)}."


def balance_columns(found: Sequence[balance.Balance]) -> dict[str, list]:
    """One row per model."""
    return {name: [getattr(each, name) for each in found] for name in vars(found[0])}


def balance_notes(found: Sequence[balance.Balance], setting: Setting) -> dict[str, float]:
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


# -- schedules -------------------------------------------------------------------------------------
def schedule_figure(
    gains: np.ndarray, batches: np.ndarray, skews: Sequence[float], setting: Setting, L: float
) -> Figure:
    """Gain of the best schedule over the static one along the batch, a line per Zipf exponent."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3.8))
    for line, s, style, marker in zip(gains, skews, map(context_style, range(len(skews))), MARKERS, strict=False):
        axes.plot(batches, line, style, marker=marker, label=f"s = {s:g}")
    axes.axhline(1, color="black", linewidth=1)
    axes.set(
        xscale="log", xlabel=f"requests together B ({setting['n_acc']} accelerators)", ylabel="throughput over static"
    )
    powers_of_two(axes.xaxis, batches)
    axes.legend(title="Zipf exponent")
    axes.set_title(
        f"Scheduling experts gives up to {rounded(float(np.nanmax(gains)))} times the throughput at L = {L:.0f}"
    )
    return figure


def describe_schedule(gains: np.ndarray, batches, skews, setting: Setting, L: float) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Throughput of {setting.model.name} with expert-parallel degree, placement and copies chosen for each batch "
        f"and skew, over contiguous experts on all accelerators; L = {L:.0f}, memory of replicas and copies charged. "
        f"{conventions(setting, *USED)}."
    )
    words = [
        f"s = {s:g}: {rounded(float(line[0]))} to {rounded(float(np.nanmax(line)))}"
        for s, line in zip(skews, gains, strict=True)
    ]
    return (
        caption,
        f"A line per Zipf exponent over the batch. Gains from the smallest batch to the most: {'; '.join(words)}.",
    )


def schedule_rows(setting: Setting, batches, skews: Sequence[float], L: float) -> dict[str, list]:
    """The best schedule of every batch and skew as columns."""
    rows = []
    for s in skews:
        for batch in batches:
            found = scheduling.schedules(setting, float(batch), L, float(s))
            rows += [{"s": s, "B": batch, **vars(found[0])}] if found else []
    return {name: [row[name] for row in rows] for name in rows[0]}


def schedule_notes(gains: np.ndarray, rows: dict[str, list], skews: Sequence[float]) -> dict[str, float | str]:
    """Numbers for the book: the largest gain, what it takes, and the gain at the smallest batch under most skew."""
    best = int(np.argmax(rows["gain"]))
    return {
        "thesis_schedule_most": rows["gain"][best],
        "thesis_schedule_placement": rows["placement"][best],
        "thesis_schedule_batch": float(rows["B"][best]),
        "thesis_schedule_bytes": rows["extra_bytes"][best],
        "thesis_schedule_small": float(gains[-1][0]),
        "thesis_schedule_skew": float(skews[-1]),
    }
