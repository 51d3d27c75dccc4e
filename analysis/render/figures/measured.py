"""Measured kernels on their rooflines (the measured counterpart of the paper's Fig. 3), and measured over predicted."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.data import datasets
from analysis.derive.symbols import BW_mem, P_acc
from analysis.measured.achieved import DATASHEET, Ridge, ridges
from analysis.measured.devices import device_point
from analysis.measured.predict import numbers
from analysis.measured.validate import Compared, groups, to_fit
from analysis.render.axes import Rows, headline, plain_log, rounded, seconds, those
from analysis.render.style import COLOURS, MARKERS, WIDTH

COLOUR_OF = {
    "MHA decode": COLOURS["mha"],
    "GQA decode": COLOURS["gqa"],
    "MLA decode, with reordering": COLOURS["mla"],
    "MLA prefill, without reordering": COLOURS["mla_as_printed"],
    "MLA prefill, with reordering": "#004C75",
    "experts": COLOURS["experts"],
    "dispatch, one fabric": "#444444",
    "combine, one fabric": "#444444",
    "dispatch, between nodes": "#999999",
    "combine, between nodes": "#999999",
}
"""Colour of each operation; exchanges inside a fabric are dark, between nodes light."""


ROOFS = {DATASHEET: "-", "sustained": "--", "burst": ":"}
"""How each roof is drawn, the same on every accelerator."""


def measured_series(compared: Compared) -> np.ndarray:
    """The series that each row is drawn in: its operation, MLA decode split by the heads on the accelerator."""
    heads = numbers(compared.table, "n_hd")
    split = [
        f"{name}, {n:.0f} heads" if name.startswith("MLA decode") else name
        for name, n in zip(compared.operation, heads, strict=True)
    ]
    return np.array(split, dtype=object)


# -- rooflines -----------------------------------------------------------------------------------------------------
def measured_roofline_rows(compared: Compared, accelerators: Sequence[str]) -> Rows:
    """One row per measured kernel on the accelerators: series, intensity [FLOP/byte], rate [FLOP/s], latency [s]."""
    chosen = compared.rows(np.isin(compared.accelerator.astype(str), accelerators) & (compared.prediction.flops > 0))
    return {
        "accelerator": chosen.accelerator.tolist(),
        "series": measured_series(chosen).tolist(),
        "intensity": chosen.prediction.intensity.tolist(),
        "rate": (chosen.prediction.flops / chosen.latency).tolist(),
        "latency": chosen.latency.tolist(),
        "bytes": chosen.prediction.bytes.tolist(),
    }


def measured_roofline_figure(rows: Rows, accelerators: Sequence[str]) -> Figure:
    """Attained rate against intensity, one panel per accelerator, under data-sheet and achieved roofs."""
    figure, panels = pyplot.subplots(1, len(accelerators), figsize=(WIDTH, 5), sharey=True, squeeze=False)
    for axes, name in zip(panels[0], accelerators, strict=True):
        _roofs(axes, name)
        _points(axes, rows, name)
        axes.set(xlabel="intensity [FLOP/byte]", xlim=(0.7, 20000), ylim=(0.05, 4000))
        axes.set_title(datasets.accelerator(name).name)
        plain_log(axes.xaxis, axes.yaxis)
    panels[0][0].set_ylabel("attained rate [TFLOP/s]")
    handles = {
        label: handle for axes in panels[0] for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=2)
    shares = ", ".join(f"{reached(rows, name):.0%} on {name}" for name in accelerators)
    headline(figure, f"Of their data-sheet roof the best kernels reach {shares}")
    return figure


def reached(rows: Rows, name: str) -> float:
    """The largest share of its data-sheet roof [1] that a measured kernel reaches on an accelerator."""
    point = device_point(name, "bf16")
    peak, bandwidth = float(point[P_acc]), float(point[BW_mem])
    own = those(rows, accelerator=name)
    pairs = zip(own["rate"], own["intensity"], strict=True)
    return max((rate / min(peak, bandwidth * intensity) for rate, intensity in pairs), default=float("nan"))


def _roofs(axes: Axes, name: str) -> None:
    known = [ridge for ridge in ridges() if ridge.accelerator == name]
    if not known:
        point = device_point(name, "bf16")
        known = [Ridge(name, DATASHEET, float(point[P_acc]), float(point[BW_mem]))]
    x = np.geomspace(0.1, 1e4, 200)
    for ridge in known:
        style = ROOFS.get(ridge.how, "--")
        roof = np.minimum(ridge.arithmetic, ridge.traffic * x) / 1e12
        label = ridge.how if ridge.how == DATASHEET else f"{ridge.how} rates"
        axes.loglog(x, roof, color="black", linestyle=style, linewidth=1.2, label=f"roof, {label}", zorder=1)


def _points(axes: Axes, rows: Rows, name: str) -> None:
    series = list(dict.fromkeys(rows["series"]))
    for number, each in enumerate(series):
        own = those(rows, accelerator=name, series=each)
        if own["rate"]:
            axes.plot(
                own["intensity"],
                [rate / 1e12 for rate in own["rate"]],
                MARKERS[number % len(MARKERS)],
                color=COLOUR_OF[each.rsplit(", ", 1)[0] if "heads" in each else each],
                markersize=3.5,
                alpha=0.75,
                linestyle="none",
                label=each,
                rasterized=True,
                zorder=2,
            )


def describe_measured_roofline(rows: Rows, accelerators: Sequence[str]) -> tuple[str, str]:
    """Caption and alternative text."""
    best = _best(rows)
    caption = (
        f"{len(rows['rate'])} measured kernels on the rooflines of {' and '.join(accelerators)} (BF16): rate from "
        "the derivation's FLOPs and the measured time, intensity from the derivation. Each series climbs from "
        "launch-bound rows at the bottom to its largest shapes. Solid: data sheet; broken: rates that products and "
        "reads achieve. Published figures, not measured by this study."
    )
    alt = "Log-log rooflines with measured points. Highest rate of each series: " + "; ".join(
        f"{name}: {rounded(rate / 1e12)} TFLOP/s at {rounded(intensity)} FLOP/byte"
        for name, (rate, intensity) in best.items()
    )
    return caption, alt + "."


def _best(rows: Rows) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for name, series, rate, intensity in zip(
        *(rows[key] for key in ("accelerator", "series", "rate", "intensity")), strict=True
    ):
        key = f"{series} on {name}"
        found[key] = max(found.get(key, (0.0, 0.0)), (rate, intensity))
    return found


# -- measured over predicted -----------------------------------------------------------------------------------------
def measured_ratio_rows(compared: Compared) -> Rows:
    """One row per measured row: operation, regime, predicted and measured time [s]."""
    return {
        "operation": compared.operation.tolist(),
        "accelerator": compared.accelerator.tolist(),
        "regime": compared.regime.tolist(),
        "predicted": compared.prediction.time.tolist(),
        "measured": compared.latency.tolist(),
    }


def measured_ratio_figure(rows: Rows) -> Figure:
    """Measured over predicted time against predicted time."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 5))
    predicted, measured = (np.array(rows[name]) for name in ("predicted", "measured"))
    for number, name in enumerate(dict.fromkeys(rows["operation"])):
        chosen = np.array([each == name for each in rows["operation"]])
        axes.loglog(
            predicted[chosen] * 1e6,
            measured[chosen] / predicted[chosen],
            MARKERS[number % len(MARKERS)],
            color=COLOUR_OF.get(name, "#000000"),
            markersize=4,
            alpha=0.7,
            linestyle="none",
            label=name,
            rasterized=True,
        )
    axes.axhline(1, color="black", linewidth=1)
    axes.axhspan(1, 1.25, color="#DDDDDD", zorder=0, linewidth=0)
    axes.set(xlabel="predicted time [µs]", ylabel="measured over predicted time", ylim=(0.8, 100))
    plain_log(axes.xaxis, axes.yaxis)
    figure.legend(loc="outside lower center", ncols=2)
    large = measured[predicted > 1e-4] / predicted[predicted > 1e-4]
    headline(
        figure, f"Above 100 µs, kernels take {rounded(float(np.median(large)))} times the roofline's time in the median"
    )
    return figure


def describe_measured_ratio(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    predicted, measured = (np.array(rows[name]) for name in ("predicted", "measured"))
    ratio = measured / predicted
    caption = (
        f"Measured over predicted time of {len(ratio)} published measurements against the predicted time; the band "
        "is 25 %. Short kernels take a launch's time whatever they do; no row is faster than its data sheet allows."
    )
    bins = ((0, 1e-5), (1e-5, 1e-4), (1e-4, np.inf))
    parts = [
        f"{f'to {seconds(high)}' if np.isfinite(high) else f'above {seconds(low)}'}: {np.median(ratio[inside]):.2f}"
        for low, high in bins
        if (inside := (predicted >= low) & (predicted < high)).any()
    ]
    return caption, "Scatter; median of measured over predicted time by predicted time: " + ", ".join(parts) + "."


def measured_notes(compared: Compared) -> dict[str, float]:
    """Numbers for the prose: rows, and the median ratio of each operation's rows that are not launch-bound."""
    found = {"measured_rows": len(compared.table), "calibration_rows": len(to_fit().table)}
    for group in groups(compared):
        if group.regime in ("memory-bound", "compute-bound", "near the ridge"):
            words = "_".join(
                f"{group.operation} {group.accelerator} {group.regime}".replace(",", "").replace("-", " ").split()
            )
            found[f"ratio_{words}"] = group.median
    return found
