"""Five tests against measured kernels, drawn: contraction order and TP, experts' knee, all-to-all."""

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.evaluate.measured.five import Verdict
from analysis.evaluate.measured.predict import numbers
from analysis.evaluate.measured.series import (
    RISE,
    exchange_series,
    exchanges,
    expert_series,
    fabric,
    prefill_ratios,
    rising_point,
    tensor_parallel_speedups,
)
from analysis.evaluate.measured.validate import Compared
from analysis.render.axes import headline, plain_log, rounded, seconds
from analysis.render.style import COLOURS, MARKERS, WIDTH

Rows = dict[str, list]
LONG = 1e-4  # seconds: exchanges whose latency hardly counts
IDEAL = 8  # accelerators that share 128 heads, 16 on each


# -- contraction order ---------------------------------------------------------------------------------------------
def order_rows(compared: Compared) -> Rows:
    """One row per pair: test (tensor parallelism or prefill), accelerator, B, L, measured and predicted ratio."""
    found: Rows = {name: [] for name in ("test", "accelerator", "B", "L", "measured", "predicted")}
    for accelerator, pairs in tensor_parallel_speedups(compared).items():
        _extend(found, "tensor parallelism", accelerator, pairs, pairs["predicted"])
    pairs = prefill_ratios(compared)
    _extend(found, "prefill", "h100-sxm5", pairs, pairs["flops"])
    return found


def _extend(found: Rows, test: str, accelerator: str, pairs: dict, predicted: np.ndarray) -> None:
    count = len(predicted)
    columns = ([test] * count, [accelerator] * count, pairs["B"], pairs["L"], pairs["measured"], predicted)
    for name, column in zip(found, columns, strict=True):
        found[name] += list(column)


def order_figure(rows: Rows) -> Figure:
    """Above: speed-up of the core by dividing its heads. Below: time with over without reordering in prefill."""
    figure, (left, right) = pyplot.subplots(2, 1, figsize=(WIDTH, 6))
    for number, name in enumerate(dict.fromkeys(rows["accelerator"])):
        x, measured, predicted = _pairs(rows, "tensor parallelism", name)
        left.semilogx(
            x,
            measured,
            MARKERS[number],
            color=COLOURS["mla"],
            fillstyle=("full", "none")[number % 2],
            linestyle="none",
            label=f"measured, {name}",
        )
        left.semilogx(
            x, predicted, color="black", linestyle=("-", "--")[number % 2], linewidth=1, label=f"predicted, {name}"
        )
    left.axhline(IDEAL, color="#999999", linestyle=":")
    left.text(0.02, IDEAL - 0.1, "ideal", transform=left.get_yaxis_transform(), va="top")
    left.set(xlabel="cached tokens B L", ylabel="time, 128 over 16 heads", ylim=(0, IDEAL + 0.5))
    left.set_title("decode: heads divided by 8")
    x, measured, predicted = _pairs(rows, "prefill", "h100-sxm5")
    right.semilogx(x, measured, "o", color=COLOURS["mla"], linestyle="none", label="measured")
    right.semilogx(x, predicted, color="black", linewidth=1, label="FLOP ratio")
    right.set(xlabel="tokens B L", ylabel="time, with over without", ylim=(0, 4))
    right.set_title("prefill: with over without reordering")
    left.legend(loc="center left", ncols=2)
    right.legend(loc="lower right", ncols=2)
    for axes in (left, right):
        plain_log(axes.xaxis)
    divided = np.median([r for r, test in zip(rows["measured"], rows["test"], strict=True) if test != "prefill"])
    words = f"An eighth of the heads: core {divided:.2f} times as fast; in prefill reordering takes"
    headline(figure, f"{words} {np.median(measured):.2f} times as long")
    return figure


def _pairs(rows: Rows, test: str, accelerator: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chosen = [
        i for i, key in enumerate(zip(rows["test"], rows["accelerator"], strict=True)) if key == (test, accelerator)
    ]
    x = np.array([rows["B"][i] * rows["L"][i] for i in chosen])
    order = np.argsort(x, kind="stable")
    return x[order], *(np.array([rows[name][i] for i in chosen])[order] for name in ("measured", "predicted"))


def describe_orders(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Reordered MLA, measured. Above: how much faster the core runs with 16 than with 128 local heads, which is "
        "what tensor parallelism of degree 8 gives; rows that are launch-bound at 16 heads are left out. Below: "
        "prefill core (two different kernels, H100) with over without reordering, and the ratio of their FLOPs."
    )
    medians = []
    for test, name in dict.fromkeys(zip(rows["test"], rows["accelerator"], strict=True)):
        _, measured, predicted = _pairs(rows, test, name)
        medians.append(f"{test} on {name}: measured {np.median(measured):.2f}, predicted {np.median(predicted):.2f}")
    return caption, "Two panels of ratios; medians: " + "; ".join(medians) + "."


# -- experts -------------------------------------------------------------------------------------------------------
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
        axes.set_title(shape.replace(", deg_EP", "\ndeg_EP"))
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


# -- all-to-all ----------------------------------------------------------------------------------------------------
def exchange_rows(compared: Compared) -> Rows:
    """One row per dispatch or combine: series, fabric, bytes into one accelerator, measured and predicted time [s]."""
    rows = exchanges(compared)
    found: Rows = {name: [] for name in ("series", "fabric", "bytes", "measured", "predicted")}
    for part in exchange_series(rows):
        name = f"{rows.operation[part[0]].split(',')[0]}, deg_EP {numbers(rows.table, 'deg_EP')[part[0]]:.0f}"
        columns = (
            [name] * len(part),
            [fabric(rows, part[0])] * len(part),
            rows.prediction.wire_bytes[part],
            rows.latency[part],
            rows.prediction.wire[part],
        )
        for key, column in zip(found, columns, strict=True):
            found[key] += list(column)
    return found


def exchange_figure(rows: Rows) -> Figure:
    """Measured time of exchanges against the time of Eq. 13 (two levels between nodes), by fabric."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4))
    for number, name in enumerate(dict.fromkeys(rows["fabric"])):
        index = [i for i, each in enumerate(rows["fabric"]) if each == name]
        axes.loglog(
            [rows["predicted"][i] * 1e6 for i in index],
            [rows["measured"][i] * 1e6 for i in index],
            MARKERS[number],
            color=f"C{number}",
            linestyle="none",
            label=name,
        )
    span = np.array([min(rows["predicted"]), max(rows["measured"])]) * 1e6
    axes.loglog(span, span, color="black", linewidth=1, label="Eq. 13, no latency")
    axes.set(xlabel="time by Eq. 13 [µs]", ylabel="measured time [µs]")
    ratio, measured = np.array(rows["measured"]) / np.array(rows["predicted"]), np.array(rows["measured"])
    long = rounded(float(np.median(ratio[measured > LONG])), 2)
    headline(
        figure,
        f"No exchange takes less than {seconds(measured.min())}; above {seconds(LONG)} they take {long} times Eq. 13",
    )
    plain_log(axes.xaxis)
    plain_log(axes.yaxis)
    axes.legend()
    return figure


def describe_exchange(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    ratio = np.array(rows["measured"]) / np.array(rows["predicted"])
    parts = [
        f"{name}: {np.median(ratio[[i for i, each in enumerate(rows['fabric']) if each == name]]):.2f}"
        for name in dict.fromkeys(rows["fabric"])
    ]
    caption = (
        "Dispatch and combine, measured against Eq. 13 without latency. Between nodes of eight, NVLink and "
        "InfiniBand work at once, each with its share of the copies."
    )
    return caption, "Log-log scatter above the diagonal; median of measured over Eq. 13: " + ", ".join(parts) + "."


def test_notes(verdicts: list[Verdict]) -> dict[str, str]:
    """Verdict and reason of each test, for the prose."""
    found = {}
    for number, verdict in enumerate(verdicts, 1):
        found |= {f"test_{number}_verdict": verdict.verdict, f"test_{number}_reason": verdict.reason}
    return found
