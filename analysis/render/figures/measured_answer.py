"""What the chapter on measured hardware answers first: deployments as predicted, and errors on what no fit has seen."""

from functools import cache

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.data import datasets
from analysis.files.kept import kept
from analysis.measured.fitting import PUBLISHED
from analysis.measured.judging import LAUNCH, WORK
from analysis.measured.leaving_out import FITTED_TO, left_out
from analysis.measured.served import predicted
from analysis.measured.serving_runs import ServingRun
from analysis.render.axes import Rows, headline, plain_log, rounded
from analysis.render.style import MARKERS, PALETTE, WIDTH
from analysis.render.trust_tables import IN_WORDS

BAND = 0.25
FILLS = (PALETTE[2], "#BBBBBB")
UNSEEN = {"model": "shapes of a model that no fit has seen", "device": "an architecture that no fit has seen"}


# -- deployments ---------------------------------------------------------------------------------------------------
def served_rows(runs: list[ServingRun]) -> Rows:
    """Measured and predicted time per output token [s] of every run."""
    found = {name: [getattr(run, name) for run in runs] for name in ("model", "accelerator", "concurrency")}
    measured = [run.tpot_s for run in runs]
    return found | {"predicted": predicted(runs, PUBLISHED).tpot.tolist(), "measured": measured}


def served_figure(rows: Rows) -> Figure:
    """Measured against predicted time per output token, one point a deployment."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 5.4))
    expected, seen = (1e3 * np.array(rows[name]) for name in ("predicted", "measured"))
    ends = np.array([0.8 * min(expected.min(), seen.min()), 1.25 * max(expected.max(), seen.max())])
    axes.fill_between(ends, ends / (1 + BAND), ends * (1 + BAND), color="#DDDDDD", linewidth=0, zorder=0)
    axes.loglog(ends, ends, color="black", linewidth=1)
    for number, model in enumerate(dict.fromkeys(rows["model"])):
        on = np.array(rows["model"]) == model
        style = {"marker": MARKERS[number % len(MARKERS)], "color": PALETTE[number % len(PALETTE)]}
        label = datasets.model(model).name
        axes.plot(
            expected[on], seen[on], linestyle="none", markersize=3.5, alpha=0.6, label=label, rasterized=True, **style
        )
    axes.set(xlabel="predicted time per output token [ms]", ylabel="measured [ms]", xlim=ends, ylim=ends)
    plain_log(axes.xaxis, axes.yaxis)
    figure.legend(loc="outside lower center", ncols=2)
    headline(figure, f"Half of {len(seen):,} deployments lie within {_median(rows):.0%} of a prediction that saw none")
    return figure


def describe_served(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    ratio = np.array(rows["measured"]) / np.array(rows["predicted"])
    inside = np.mean((ratio <= 1 + BAND) & (ratio >= 1 / (1 + BAND)))
    caption = (
        "Time per output token of measured deployments on H100 and B200 against the prediction from data sheets and "
        f"constants of single kernels; the line is equality, the band a factor of {1 + BAND:g} to either side, which "
        f"holds {inside:.0%} of them."
    )
    listed = "; ".join(f"{model}: {_median(rows, model):.0%}" for model in dict.fromkeys(rows["model"]))
    return caption, f"Scatter around the line of equality; median error by model: {listed}."


def _median(rows: Rows, model: str = "") -> float:
    on = [not model or each == model for each in rows["model"]]
    return float(np.median(np.abs(np.array(rows["predicted"]) / np.array(rows["measured"]) - 1)[on]))


def served_notes(rows: Rows) -> dict[str, float]:
    """Errors over all deployments, for the prose."""
    error = np.abs(np.array(rows["predicted"]) / np.array(rows["measured"]) - 1)
    return {
        "served_rows": len(error),
        "served_median": float(np.median(error)),
        "served_90": float(np.percentile(error, 90)),
    }


# -- what no fit has seen ------------------------------------------------------------------------------------------
@cache
def held_out_rows() -> Rows:
    """Median error of each operation on what fits left out, on the device where it is larger; launch-bound rows aside.

    `model`: the shapes of each model, from all others on the same architecture; `device`: each device, from the others.
    `roofline` is the bare roofline's error on the same rows; `short` that of launch-bound rows of a new model.
    """
    found = kept("fits that leave out", lambda: {by: left_out(by) for by in UNSEEN}, "analysis", *FITTED_TO)
    scores = {by: [group for group in groups if group["regime"] == WORK] for by, groups in found.items()}
    scores["short"] = [group for group in found["model"] if group["regime"] == LAUNCH]
    operations = list(dict.fromkeys(group["operation"] for group in scores["model"]))

    def worst(by: str, operation: str, name: str) -> float:
        return max((group[name] for group in scores[by] if group["operation"] == operation), default=float("nan"))

    columns = {by: [worst(by, each, "median") for each in operations] for by in scores}
    high = {f"{by}_90": [worst(by, each, "p90") for each in operations] for by in UNSEEN}
    return (
        {"operation": operations} | columns | high | {"roofline": [worst("model", e, "roofline") for e in operations]}
    )


def held_out_figure(rows: Rows) -> Figure:
    """Errors on unseen models and on an unseen architecture, by operation."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.4 + 0.42 * len(rows["operation"])))
    places = np.arange(len(rows["operation"]))
    for number, (by, label) in enumerate(UNSEEN.items()):
        widths = 100 * np.array(rows[by])
        bars = axes.barh(places + 0.38 * (number - 0.5), widths, 0.36, color=FILLS[number], label=label)
        axes.bar_label(bars, ["" if np.isnan(width) else f" {rounded(width, 2)}" for width in widths])
    axes.set_yticks(places, [IN_WORDS[each] for each in rows["operation"]])
    axes.set(xlabel="median error [%]", ylim=(len(places) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=1)
    most = {by: np.nanmax(rows[by]) for by in UNSEEN}
    headline(figure, f"Unseen models err by up to {most['model']:.0%}, architectures by {most['device']:.0%}")
    return figure


def describe_held_out(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Median error on rows that a fit left out, on the device where it is larger: the shapes of one model at a "
        "time, predicted from all others on the same architecture, and one device at a time, predicted from the "
        "others. "
        "Launch-bound rows aside; no bar where rows of one device alone are known."
    )
    listed = "; ".join(
        f"{IN_WORDS[name]}: {model:.0%}" + ("" if np.isnan(device) else f", {device:.0%}")
        for name, model, device in zip(rows["operation"], rows["model"], rows["device"], strict=True)
    )
    return caption, f"Bars of errors (unseen model, unseen architecture): {listed}."


def held_out_notes(rows: Rows) -> dict[str, float]:
    """Every number of the rows, for the table that says what may be trusted; what is not known is left out."""
    names = [name for name in rows if name != "operation"]
    return {
        f"{name}_error_{operation.replace('-', '_')}": rows[name][place]
        for place, operation in enumerate(rows["operation"])
        for name in names
        if np.isfinite(rows[name][place])
    }
