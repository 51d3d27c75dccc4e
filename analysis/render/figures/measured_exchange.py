"""All-to-all against measured kernels: dispatch and combine over the time of the paper's Eq. 13."""

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.measured.predict import numbers
from analysis.measured.series import exchange_series, exchanges, fabric
from analysis.measured.validate import Compared
from analysis.render.axes import headline, plain_log, rounded, seconds
from analysis.render.style import MARKERS, WIDTH

Rows = dict[str, list]
LONG = 1e-4  # seconds: exchanges whose latency hardly counts


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
    axes.loglog(span, span, color="black", linewidth=1, label="paper's Eq. 13, no latency")
    axes.set(xlabel="time by the paper's Eq. 13 [µs]", ylabel="measured time [µs]")
    ratio, measured = np.array(rows["measured"]) / np.array(rows["predicted"]), np.array(rows["measured"])
    long = rounded(float(np.median(ratio[measured > LONG])), 2)
    headline(
        figure,
        f"No exchange takes less than {seconds(measured.min())}; above {seconds(LONG)} they take {long} times the "
        "paper's Eq. 13",
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
        "Dispatch and combine, measured against the paper's Eq. 13 without latency. Between nodes of eight, NVLink and "
        "InfiniBand work at once, each with its share of the copies."
    )
    told = "Log-log scatter above the diagonal; median of measured over the paper's Eq. 13: "
    return caption, f"{told}{', '.join(parts)}."
