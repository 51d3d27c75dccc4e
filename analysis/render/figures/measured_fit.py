"""Ridge points as achieved, the calibrated models on rows that they have not seen, and deployments end to end."""

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.measured.achieved import DATASHEET
from analysis.measured.deployed import EndToEnd
from analysis.measured.fitting import Fitted
from analysis.measured.five import Verdict
from analysis.render.axes import Rows, headline, rounded
from analysis.render.style import COLOURS, WIDTH

GREYS = {"error_roofline": "#BBBBBB", "error_constant": "#777777", "error": COLOURS["mla"]}
MODELS = {"error_roofline": "bare roofline", "error_constant": "one efficiency", "error": "calibrated"}


def columns_of(records: list[dict]) -> Rows:
    """Records (equal keys) as columns."""
    return {name: [record[name] for record in records] for name in records[0]} if records else {}


# -- ridge points --------------------------------------------------------------------------------------------------
def ridge_move_figure(moves: list[dict]) -> Figure:
    """Ridge point of each accelerator by data sheet and as achieved, beside reordered MLA's intensity."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + 0.3 * len(moves)))
    colours = ["#BBBBBB" if move["how"] == DATASHEET else COLOURS["projections"] for move in moves]
    bars = axes.barh(range(len(moves)), [move["ridge"] for move in moves], color=colours)
    axes.bar_label(bars, [f" {rounded(move['ridge'])}" for move in moves])
    intensity = moves[0]["core over ridge"] * moves[0]["ridge"]
    axes.axvline(intensity, color=COLOURS["mla"], linewidth=1.5)
    axes.text(intensity, -0.75, f"reordered core {rounded(intensity)}", color=COLOURS["mla"], ha="center")
    axes.set_yticks(range(len(moves)), [f"{move['accelerator']}, {move['how']}" for move in moves])
    axes.set(xlabel="ridge point [FLOP/byte]", ylim=(len(moves) - 0.4, -1.1))
    axes.set_xlim(right=1.12 * max(move["ridge"] for move in moves))
    axes.grid(axis="y", visible=False)
    achieved = [move["core over ridge"] > 1 for move in moves if move["how"] != DATASHEET]
    headline(figure, f"The reordered core lies past {sum(achieved)} of {len(achieved)} achieved ridge points")
    return figure


def describe_ridge_moves(moves: list[dict]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Ridge points (BF16) from data sheets (light) and from achieved rates (dark): sustained at settled clocks, "
        "burst as the median of large products, best as the highest of one kernel. The line is the core attention of "
        "the model with reordering at long context."
    )
    listed = ", ".join(f"{move['accelerator']} {move['how']} {rounded(move['ridge'])}" for move in moves)
    return caption, f"Bars of ridge points in FLOP/byte: {listed}."


# -- calibration ---------------------------------------------------------------------------------------------------
def calibration_figure(fitted: list[Fitted]) -> Figure:
    """Typical error on held-out rows: bare roofline, one efficiency, calibrated."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + 0.75 * len(fitted)))
    places = np.arange(len(fitted))
    for number, (key, label) in enumerate(MODELS.items()):
        widths = [100 * getattr(each.row, key) for each in fitted]
        bars = axes.barh(places + 0.27 * (number - 1), widths, 0.25, color=GREYS[key], label=label)
        axes.bar_label(bars, [f" {rounded(width, 2)}" for width in widths])
    axes.set_yticks(places, [f"{each.row.key}, {each.row.rows_tested} rows" for each in fitted])
    axes.set(xlabel="median error on held-out rows [%]", ylim=(len(fitted) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3)
    worst = max(each.row.error for each in fitted)
    headline(figure, f"A few constants per kernel bring the median error to {worst:.0%} or less")
    return figure


def describe_calibration(fitted: list[Fitted]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Median absolute error of predicted time on shapes that were not fitted: the bare roofline, the roofline "
        "over one efficiency, and the calibrated model; a name after the dot is an architecture with a row of its own."
    )
    listed = "; ".join(
        f"{each.row.key}: {each.row.error_roofline:.0%}, {each.row.error_constant:.0%}, {each.row.error:.0%}"
        for each in fitted
    )
    return caption, f"Grouped bars of errors (roofline, one efficiency, calibrated): {listed}."


def calibration_rows(fitted: list[Fitted]) -> Rows:
    """Errors by operation (and architecture) and model [1]."""
    names = ("key", "rows_fitted", "rows_tested", *MODELS)
    return columns_of([{name: getattr(each.row, name) for name in names} for each in fitted])


# -- end to end ----------------------------------------------------------------------------------------------------
def deployment_figure(compared: list[EndToEnd]) -> Figure:
    """Published throughput against predictions, serial and with communication hidden, under each reading."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.6))
    names = list(dict.fromkeys(each.deployment for each in compared))
    lines = list(dict.fromkeys((each.reading, each.overlap) for each in compared))
    for number, (reading, overlap) in enumerate(lines):
        heights = [each.predicted for each in compared if (each.reading, each.overlap) == (reading, overlap)]
        label = f"predicted, {reading}, {'serial' if overlap == 'none' else 'wires hidden'}"
        axes.bar(
            np.arange(len(names)) + 0.18 * (number - 1.5),
            heights,
            0.17,
            label=label,
            color=(COLOURS["mla"], COLOURS["mla_as_printed"])[number % 2],
            hatch=("", "//")[number // 2],
        )
    for place, name in enumerate(names):
        published = next(each.published for each in compared if each.deployment == name)
        axes.hlines(
            published, place - 0.42, place + 0.42, color="black", linewidth=2, label="published" if not place else None
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("output tokens/s per accelerator")
    axes.grid(axis="x", visible=False)
    figure.legend(loc="outside lower center", ncols=1)
    serial, hidden = (
        _span([each.ratio for each in compared if each.overlap == overlap]) for overlap in ("none", "comm")
    )
    headline(figure, f"Deployments reach {serial} of the serial model, {hidden} of the other")
    return figure


def _span(shares: list[float]) -> str:
    return f"{min(shares):.0%} to {max(shares):.0%}"


def describe_deployments(compared: list[EndToEnd]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Published decode throughput of two deployments (lines) and predictions at the same batch and context: "
        "serial sum of the terms, or communication hidden behind computation; in BF16 throughout, or in FP8 except "
        "the cache. Even routing; NVLink inside nodes of eight, InfiniBand between them."
    )
    listed = "; ".join(
        f"{each.deployment}, {each.reading}, {each.overlap}: predicted {rounded(each.predicted, 4)}, "
        f"published {rounded(each.published, 4)}"
        for each in compared
    )
    return caption, f"Grouped bars in tokens per second and accelerator: {listed}."


def deployment_rows(compared: list[EndToEnd]) -> Rows:
    """Every prediction as columns."""
    return columns_of([vars(each) for each in compared])


def deployment_notes(compared: list[EndToEnd]) -> dict[str, float]:
    """Published over predicted throughput, lowest and highest, serial and overlapped, for the prose."""
    found = {}
    for overlap, word in (("none", "serial"), ("comm", "overlapped")):
        ratios = [each.ratio for each in compared if each.overlap == overlap]
        found |= {f"deployed_{word}_low": min(ratios), f"deployed_{word}_high": max(ratios)}
    return found


# -- five tests ------------------------------------------------------------------------------------
def verdict_notes(verdicts: list[Verdict]) -> dict[str, str]:
    """Verdict and reason of each test against measured kernels, for the prose."""
    found = {}
    for number, verdict in enumerate(verdicts, 1):
        found |= {f"test_{number}_verdict": verdict.verdict, f"test_{number}_reason": verdict.reason}
    return found
