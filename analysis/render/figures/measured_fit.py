"""Ridge points as achieved, the calibrated models on rows that they have not seen, and deployments end to end."""

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.data.calibrations import Calibration
from analysis.measured.achieved import DATASHEET
from analysis.measured.deployed import EndToEnd
from analysis.measured.fitting import Fitted
from analysis.measured.five import Verdict
from analysis.render.axes import Rows, headline, ink, rounded
from analysis.render.style import COLOURS, PAPER, WIDTH
from analysis.render.trust_tables import IN_WORDS

LOOKS = {
    "error_roofline": ("bare roofline", "o", "#BBBBBB"),
    "error_constant": ("one efficiency", "s", "#777777"),
    "error": ("calibrated", "D", COLOURS["mla"]),
}
"""Name, mark and colour of each model of a kernel's time."""

DEPLOYED = {
    "deepseek-online": "DeepSeek's service,\nmean of a day",
    "deepseek-profile": "DeepSeek's profile\nof a decode step",
}
"""Published deployments, for readers."""


def columns_of(records: list[dict]) -> Rows:
    """Records (equal keys) as columns."""
    return {name: [record[name] for record in records] for name in records[0]} if records else {}


# -- ridge points --------------------------------------------------------------------------------------------------
def ridge_move_figure(moves: list[dict]) -> Figure:
    """Ridge point of each accelerator by data sheet and as achieved, beside reordered MLA's intensity."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + 0.3 * len(moves)))
    colours = ["#BBBBBB" if move["how"] == DATASHEET else COLOURS["projections"] for move in moves]
    axes.barh(range(len(moves)), [move["ridge"] for move in moves], color=colours)
    for place, (move, colour) in enumerate(zip(moves, colours, strict=True)):
        axes.text(3, place, rounded(move["ridge"]), color=ink(colour), va="center")
    intensity = moves[0]["core over ridge"] * moves[0]["ridge"]
    axes.axvline(intensity, color=COLOURS["mla"], linewidth=1.5)
    axes.text(
        intensity - 4, -0.75, f"reordered core {rounded(intensity)}", color=COLOURS["mla"], ha="right", va="center"
    )
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
    """Typical error on held-out rows of each operation: bare roofline, one efficiency, calibrated."""
    shown = _pooled(fitted)
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.5 + 0.28 * len(shown)))
    errors = {key: [100 * getattr(each, key) for each in shown] for key in LOOKS}
    axes.hlines(range(len(shown)), errors["error"], list(map(max, *errors.values())), color="#DDDDDD", zorder=1)
    for key, (label, mark, colour) in LOOKS.items():
        axes.plot(errors[key], range(len(shown)), mark, color=colour, markersize=7, label=label)
    above = {"textcoords": "offset points", "ha": "center", "bbox": PAPER, "zorder": 1.8}  # beside it are other marks
    for place, error in enumerate(errors["error"]):
        axes.annotate(rounded(error, 2), (error, place), (0, 6), **above)
    axes.set_yticks(range(len(shown)), [f"{IN_WORDS[each.operation]}, {each.rows_tested} rows" for each in shown])
    axes.set(xlabel="median error on held-out rows [%]", xlim=(-4, 105), ylim=(len(shown) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3)
    worst = max(each.error for each in shown)
    headline(figure, f"A few constants per kernel: median errors of {worst:.0%} at most")
    return figure


def _pooled(fitted: list[Fitted]) -> list[Calibration]:
    """The rows that are fitted on all accelerators together; those of one architecture stand in the table."""
    return [each.row for each in fitted if each.row.architecture is None]


def describe_calibration(fitted: list[Fitted]) -> tuple[str, str]:
    """Caption and alternative text."""
    own = sorted(each.row.error for each in fitted if each.row.architecture)
    caption = (
        "Median absolute error of predicted time on shapes that were not fitted: the bare roofline, the roofline "
        "over one efficiency, and the calibrated model, one fit for all accelerators."
    )
    caption += f" Rows of one architecture err by {own[0]:.0%} to {own[-1]:.0%}." if own else ""
    listed = "; ".join(
        f"{IN_WORDS[each.operation]}: {each.error_roofline:.0%}, {each.error_constant:.0%}, {each.error:.0%}"
        for each in _pooled(fitted)
    )
    return caption, f"Marks of errors (roofline, one efficiency, calibrated): {listed}."


def calibration_rows(fitted: list[Fitted]) -> Rows:
    """Errors by operation (and architecture) and model [1]."""
    names = ("key", "rows_fitted", "rows_tested", *LOOKS)
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
    axes.set_xticks(range(len(names)), [DEPLOYED.get(name, name) for name in names])
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
        f"{_place(each)}, {each.reading}, {each.overlap}: predicted {rounded(each.predicted, 4)}, "
        f"published {rounded(each.published, 4)}"
        for each in compared
    )
    return caption, f"Grouped bars in tokens per second and accelerator: {listed}."


def _place(each: EndToEnd) -> str:
    return " ".join(DEPLOYED.get(each.deployment, each.deployment).split())


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
