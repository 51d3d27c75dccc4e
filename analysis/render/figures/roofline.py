"""Every layer of a decoder block under the roof of an accelerator: the paper's Fig. 3, computed instead of measured."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import BW_mem, P_acc, RP_acc
from analysis.render.axes import Rows, headline, label_right, layer_colour, plain_log, rounded
from analysis.render.style import MARKERS, PAPER, WIDTH
from analysis.render.words import conventions, speaker, where
from analysis.systems.layers import layers, numbers


def roofline_points(setting: Setting, others: Sequence[Setting] = ()) -> Rows:
    """One row per layer of the setting's model, then core attention of each other model.

    Columns: label, stage, intensity [FLOP/byte], rate [FLOP/s], time [s], model. Layers that only move bytes have no
    place under a roof of arithmetic. Raises InputError for a missing size.
    """
    chosen = [(setting, layer, layer.title) for layer in layers(setting).values()]
    chosen += [
        (other, layers(other)["core"], f"core, {other.model.id} ({other.model.attention})")
        for other in others
        if other.model.id != setting.model.id
    ]
    found: Rows = {name: [] for name in ("label", "stage", "intensity", "rate", "time", "model")}
    for owner, layer, label in chosen:
        counts = numbers(layer, owner.point)
        if not counts["flops"]:
            continue
        measures = (counts["intensity"], counts["flops"] / counts["time"], counts["time"])
        for name, given in zip(found, (label, layer.name, *map(float, measures), owner.model.id), strict=True):
            found[name].append(given)
    return found


def roofline_figure(setting: Setting, others: Sequence[Setting], rows: Rows) -> Figure:
    """Attained rate against arithmetic intensity, log-log, with the roof of the setting's accelerator."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.8))
    owners = {each.model.id: each for each in (*others, setting)}
    low = min(*rows["intensity"], 1.0) / 2
    high = max(*rows["intensity"], float(setting.point[RP_acc])) * 2
    _roof(axes, setting, low, high)
    colours = [layer_colour(stage, owners[model]) for stage, model in zip(rows["stage"], rows["model"], strict=True)]
    points = [(x, y / 1e12) for x, y in zip(rows["intensity"], rows["rate"], strict=True)]
    for point, colour, marker in zip(points, colours, cycle(MARKERS)):
        axes.plot(*point, marker, color=colour, markeredgecolor="black", markeredgewidth=0.6, markersize=8)
    labels = [f"{label}  {rounded(x)}" for label, x in zip(rows["label"], rows["intensity"], strict=True)]
    label_right(axes, points, labels, colours, MARKERS)
    axes.set(xlabel="arithmetic intensity ArI [FLOP/byte]", ylabel="attained rate [TFLOP/s]")
    headline(figure, _title(setting, rows))
    return figure


def _roof(axes: Axes, setting: Setting, low: float, high: float) -> None:
    peak, bandwidth, ridge = (float(setting.point[symbol]) for symbol in (P_acc, BW_mem, RP_acc))
    intensities = np.array([low, ridge, high])
    axes.loglog(intensities, np.minimum(peak, bandwidth * intensities) / 1e12, color="black", zorder=1)
    axes.axvline(ridge, color="black", linestyle=":", linewidth=1, zorder=0)
    start = bandwidth * low / 1e12
    axes.text(ridge * 0.93, start, f"ridge {rounded(ridge)}", rotation=90, ha="right", va="bottom", bbox=PAPER)
    axes.set(xlim=(low, high), ylim=(bandwidth * low / 2e12, peak * 2 / 1e12))
    plain_log(axes.xaxis, axes.yaxis)


def roofline_notes(rows: Rows) -> dict[str, float]:
    """Intensity [FLOP/byte] of each layer of the setting's own model, for the prose."""
    pairs = zip(rows["stage"], rows["intensity"], rows["model"], strict=True)
    return {f"roofline_{stage}": intensity for stage, intensity, model in pairs if model == rows["model"][0]}


def _title(setting: Setting, rows: Rows) -> str:
    ratio = rows["intensity"][rows["stage"].index("core")] / float(setting.point[RP_acc])
    if ratio < 1:
        return f"Core attention of {setting.model.name} reaches {ratio:.0%} of the ridge point"
    return f"Core attention of {setting.model.name} lies above the ridge point, {rounded(ratio, 2)} times as intense"


def describe_roofline(setting: Setting, others: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    ridge = float(setting.point[RP_acc])
    above = [label for label, intensity in zip(rows["label"], rows["intensity"], strict=True) if intensity >= ridge]
    listed = ", ".join(f"{label} {rounded(x)}" for label, x in zip(rows["label"], rows["intensity"], strict=True))
    spoken = speaker([setting, *others])
    used = conventions(spoken, "phase", "order", "grouping", "rope", "width", "n_acc", "deg_TP", "deg_EP")
    caption = (
        f"Roofline of the decoder block of {where(setting)}: arithmetic intensity and attained rate of each layer on "
        f"one accelerator, computed from the derivation (the paper's Fig. 3 is measured); {used}. "
        f"The ridge point is {rounded(ridge)} FLOP/byte."
    )
    alt = (
        f"Log-log roofline. Arithmetic intensity in FLOP/byte: {listed}. At or above the ridge of {rounded(ridge)}: "
        f"{', '.join(above) or 'none'}."
    )
    return caption, alt
