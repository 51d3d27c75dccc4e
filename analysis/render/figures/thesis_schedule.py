"""Experts scheduled for a batch and skew (proposition h)."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import scheduling
from analysis.render.axes import powers_of_two, rounded
from analysis.render.marks import context_style
from analysis.render.style import MARKERS, WIDTH
from analysis.render.words import conventions

USED = ("accelerator", "n_acc", "phase", "width", "peak", "weights")


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


def describe(gains: np.ndarray, batches, skews, setting: Setting, L: float) -> tuple[str, str]:
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


def columns(setting: Setting, batches, skews: Sequence[float], L: float) -> dict[str, list]:
    """The best schedule of every batch and skew as columns."""
    rows = []
    for s in skews:
        for batch in batches:
            found = scheduling.schedules(setting, float(batch), L, float(s))
            rows += [{"s": s, "B": batch, **vars(found[0])}] if found else []
    return {name: [row[name] for row in rows] for name in rows[0]}


def notes(gains: np.ndarray, rows: dict[str, list], skews: Sequence[float]) -> dict[str, float | str]:
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
