"""Arithmetic intensity of core attention against batch: what batching cannot change, and what it can."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import RP_acc
from analysis.render.axes import Rows, headline, label_right, mechanism_colour, plain_log, powers_of_two, rounded
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions, speaker
from analysis.systems.layers import layers, numbers, swept


def intensity_against_batch(settings: Sequence[Setting], batches: np.ndarray) -> Rows:
    """Core attention of each model, and the output projection of the first, over batches [FLOP/byte].

    Columns: B [requests], then one per line, named by the model.
    """
    found: Rows = {"B": batches.tolist()}
    for setting in settings:
        found[_name(setting)] = _over(setting, "core", batches)
    return found | {"output projection": _over(settings[0], "output", batches)}


def _name(setting: Setting) -> str:
    return f"{setting.model.id} ({setting.model.attention})"


def _over(setting: Setting, stage: str, batches: np.ndarray) -> list[float]:
    found = numbers(layers(setting)[stage], swept(setting, B=batches))["intensity"]
    return (found * np.ones_like(batches)).tolist()


def intensity_figure(settings: Sequence[Setting], devices: Sequence[Setting], rows: Rows) -> Figure:
    """One line per model over the batch, the ridge points of the accelerators as a band."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.4))
    for setting in settings:
        axes.loglog(rows["B"], rows[_name(setting)], color=mechanism_colour(setting))
    axes.loglog(rows["B"], rows["output projection"], color=COLOURS["projections"], linestyle="--")
    axes.set_xlim(min(rows["B"]), max(rows["B"]))
    _ridges(axes, devices)
    ends = {name: line[-1] for name, line in rows.items() if name != "B"}
    colours = [*map(mechanism_colour, settings), COLOURS["projections"]]
    labels = [f"{name}  {rounded(end)}" for name, end in ends.items()]
    label_right(axes, [(max(rows["B"]), end) for end in ends.values()], labels, colours)
    powers_of_two(axes.xaxis, rows["B"])
    plain_log(axes.yaxis)
    axes.set(xlabel="requests decoded together B (whole system)", ylabel="arithmetic intensity ArI [FLOP/byte]")
    headline(figure, _title(rows))
    return figure


def _title(rows: Rows) -> str:
    first, last = rows["output projection"][0], rows["output projection"][-1]
    lifted = f"from {rounded(first)} to {rounded(last)} FLOP/byte"
    return f"Batching lifts layers of weights {lifted}, core attention not at all"


def _ridges(axes: Axes, devices: Sequence[Setting]) -> None:
    ridges = {device.accelerator.name: float(device.point[RP_acc]) for device in devices}
    low, high = min(ridges, key=ridges.get), max(ridges, key=ridges.get)
    axes.axhspan(ridges[low] * 0.995, ridges[high] * 1.005, color=COLOURS["infeasible"], alpha=0.45, linewidth=0)
    text = f"ridge points: {rounded(ridges[low])} to {rounded(ridges[high])}"
    axes.text(axes.get_xlim()[0] * 1.2, ridges[high] * 1.08, text)


def describe_intensity(settings: Sequence[Setting], devices: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    lines = {name: line for name, line in rows.items() if name != "B"}
    ends = "; ".join(f"{name} {rounded(line[0])} to {rounded(line[-1])}" for name, line in lines.items())
    ridges = ", ".join(f"{device.accelerator.name} {rounded(float(device.point[RP_acc]))}" for device in devices)
    used = conventions(speaker(settings), "phase", "L", "order", "grouping", "rope", "width", "n_acc", "deg_TP")
    caption = (
        "Arithmetic intensity of core attention against the batch, and of the output projection as an example of a "
        f"layer whose weights all requests share. The grey band spans the ridge points of {ridges} FLOP/byte; {used}."
    )
    span = f"{rows['B'][0]:.0f} to {rows['B'][-1]:.0f}"
    alt = f"Lines over batch sizes {span}, in FLOP/byte: {ends}. Ridge points: {ridges}."
    return caption, alt
