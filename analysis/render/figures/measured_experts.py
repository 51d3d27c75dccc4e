"""Experts against measured kernels: the number of tokens per expert from which their time rises."""

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.measured.series import RISE, expert_series, rising_point
from analysis.measured.validate import Compared
from analysis.render.axes import headline, plain_log, rounded
from analysis.render.style import COLOURS, MARKERS, WIDTH

Rows = dict[str, list]


def expert_time_rows(compared: Compared) -> Rows:
    """One row per measurement: series, tokens per expert, measured and predicted time [s]."""
    found: Rows = {name: [] for name in ("series", "tokens_per_expert", "measured", "predicted")}
    for name, series in expert_series(compared).items():
        found["series"] += [name] * len(series["measured"])
        for key, column in series.items():
            found[key] += column.tolist()
    return found


def expert_time_figure(rows: Rows) -> Figure:
    """Time of the experts over its floor against tokens per expert, measured and predicted, one panel per shape."""
    names = list(dict.fromkeys(rows["series"]))
    shapes = list(dict.fromkeys(name.split(", ", 1)[1] for name in names))
    figure, panels = pyplot.subplots(1, len(shapes), figsize=(WIDTH, 4.2), sharey=True, squeeze=False)
    for axes, shape in zip(panels[0], shapes, strict=True):
        for number, name in enumerate(each for each in names if each.endswith(shape)):
            _expert_lines(axes, _series_rows(rows, name), name.split(",")[0], number)
        axes.axhline(RISE, color="#999999", linestyle=":")
        axes.set(xlabel="tokens per expert", ylim=(0.8, 30))
        axes.set_title(shape.replace(", deg_EP", "\nEP"))
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)
    panels[0][0].set_ylabel("time over floor")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    points = [_rises(_series_rows(rows, name), "measured") for name in names]
    span = f"{min(points):.0f} to {max(points):.0f}"
    headline(figure, f"From {span} tokens each on, experts take {RISE} times their floor")
    return figure


def _rises(series: dict[str, np.ndarray], kind: str) -> float:
    return rising_point(series["tokens_per_expert"], series[kind])


def _expert_lines(axes: Axes, series: dict[str, np.ndarray], accelerator: str, number: int) -> None:
    colour = (COLOURS["experts"], COLOURS["mla"])[number % 2]
    x = series["tokens_per_expert"]
    axes.loglog(
        x,
        series["measured"] / series["measured"][0],
        MARKERS[number],
        color=colour,
        markersize=3.5,
        linestyle="none",
        label=f"measured, {accelerator}",
    )
    axes.loglog(
        x,
        series["predicted"] / series["predicted"][0],
        color=colour,
        linestyle=("-", "--")[number % 2],
        linewidth=1.2,
        label=f"predicted, {accelerator}",
    )


def _series_rows(rows: Rows, name: str) -> dict[str, np.ndarray]:
    index = [i for i, each in enumerate(rows["series"]) if each == name]
    return {key: np.array([rows[key][i] for i in index]) for key in ("tokens_per_expert", "measured", "predicted")}


def describe_expert_time(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    points = []
    for name in dict.fromkeys(rows["series"]):
        series = _series_rows(rows, name)
        measured, predicted = (_rises(series, key) for key in ("measured", "predicted"))
        points.append(f"{name}: measured {rounded(measured)}, predicted {rounded(predicted)}")
    caption = (
        "Routed experts of one layer: time over the time at one token per expert, measured (marks) and predicted "
        f"(lines); the dotted line is {RISE} times the floor. Balanced routing, all experts reached."
    )
    return (
        caption,
        f"Log-log curves, flat and then rising. Tokens per expert at {RISE} times the floor: {'; '.join(points)}.",
    )
