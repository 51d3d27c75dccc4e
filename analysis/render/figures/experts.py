"""Routed experts against the batch, and the batch at which a whole model reaches the ridge (Sec. V, Eq. 10)."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, label_right, plain_log, powers_of_two, rounded
from analysis.render.style import COLOURS, MARKERS, WIDTH
from analysis.render.words import conventions, where
from analysis.systems.expert_batches import expert_intensities, ridge, ridge_batches, share_reached

STYLES = {"weights only": "--", "activations counted": "-"}
Rows = dict[str, list]


# -- intensity of one expert -----------------------------------------------------------------------
def expert_rows(setting: Setting, batches: np.ndarray) -> Rows:
    """One row per batch: B, and the intensity of one expert under both readings [FLOP/byte]. Raises InputError."""
    found = {"B": batches} | expert_intensities(setting, batches)
    return {name: column.tolist() for name, column in found.items()}


def expert_figure(setting: Setting, rows: Rows) -> Figure:
    """Intensity of one expert against batch, with the ridge, B_MoE and the knee marked."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.2))
    for name, style in STYLES.items():
        axes.loglog(rows["B"], rows[name], color=COLOURS["experts"], linestyle=style)
    axes.set_xlim(min(rows["B"]), max(rows["B"]))
    level, found = ridge(setting), ridge_batches(setting)
    axes.axhline(level, color="black", linewidth=1)
    axes.text(rows["B"][0] * 1.1, level * 1.1, f"ridge {rounded(level)}")
    _mark(axes, found.experts, level, "B_MoE", "right")
    if found.knee:
        _mark(axes, found.knee, level, "knee", "left")
    label_right(
        axes,
        [(rows["B"][-1], rows[name][-1]) for name in STYLES],
        [f"{name}  {rounded(rows[name][-1])}" for name in STYLES],
        [COLOURS["experts"]] * 2,
    )
    powers_of_two(axes.xaxis, rows["B"])
    plain_log(axes.yaxis)
    axes.set(xlabel="requests decoded together B (whole system)", ylabel="ArI of one expert [FLOP/byte]")
    headline(figure, f"Experts of {setting.model.id} reach the ridge at B = {rounded(found.experts, 4)}")
    return figure


def _mark(axes: Axes, batch: float, level: float, name: str, side: str) -> None:
    low, high = axes.get_xlim()
    if not low < batch < high:
        return
    axes.plot(batch, level, "o", color="black")
    axes.axvline(batch, color="black", linewidth=1, linestyle=":")
    axes.annotate(
        f"{name} {rounded(batch, 4)}",
        (batch, axes.get_ylim()[0]),
        xytext=(-4 if side == "right" else 4, 6),
        textcoords="offset points",
        rotation=90,
        ha=side,
    )


def describe_expert(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    found = ridge_batches(setting)
    knee = f"at B = {rounded(found.knee, 4)} with them" if found.knee else "never with them"
    used = conventions(setting, "phase", "l", "Gamma_imb", "width_weights", "width_activations")
    row = setting.model
    caption = (
        f"Arithmetic intensity of one routed expert against the batch: {where(setting, batch=False)} ({row.n_k} of "
        f"{row.n_e} experts per token), one expert-parallel group over the system; {used}. It reaches the ridge of "
        f"{rounded(ridge(setting))} at B_MoE = {rounded(found.experts, 4)} without activation bytes, {knee}."
    )
    ends = "; ".join(f"{name} {rounded(rows[name][0])} to {rounded(rows[name][-1])}" for name in STYLES)
    return caption, f"Two rising lines over B from {rows['B'][0]:.0f} to {rows['B'][-1]:.0f}, in FLOP/byte: {ends}."


def expert_notes(setting: Setting) -> dict[str, float]:
    """B_attn, B_MoE and, if there is one, the knee [requests], for the prose."""
    found = ridge_batches(setting)
    knee = {"experts_knee": found.knee} if found.knee else {}
    return {"experts_B_attn": found.attention, "experts_B_MoE": found.experts} | knee


# -- experts reached -------------------------------------------------------------------------------
def reached_rows(settings: Sequence[Setting], batches: np.ndarray) -> Rows:
    """One row per batch: B, and per model the expected share of experts reached [1]. Raises InputError."""
    return {"B": batches.tolist()} | {s.model.id: share_reached(s, batches).tolist() for s in settings}


def reached_figure(rows: Rows) -> Figure:
    """Share of experts reached against batch, one line per model."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.0))
    models = [name for name in rows if name != "B"]
    for name, marker in zip(models, cycle(MARKERS)):
        axes.semilogx(rows["B"], rows[name], marker=marker, label=name)
    axes.set_ylim(0, 1.04)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    powers_of_two(axes.xaxis, rows["B"])
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set(xlabel="requests decoded together B (whole system)", ylabel="experts reached (expected share)")
    headline(figure, _reached_title(rows, models))
    return figure


def _reached_title(rows: Rows, models: Sequence[str]) -> str:
    least = [min(rows[name][number] for name in models) for number in range(len(rows["B"]))]
    nearly = [batch for batch, share in zip(rows["B"], least, strict=True) if share >= 0.99]
    if nearly:
        return f"From B = {nearly[0]:.0f} on, a step reads over 99% of the experts"
    return f"At B = {rows['B'][-1]:.0f} a step reads {least[-1]:.0%} of the experts or more"


def describe_reached(settings: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    listed = "; ".join(
        f"{s.model.id} ({s.model.n_k} of {s.model.n_e}) {rows[s.model.id][0]:.1%} to {rows[s.model.id][-1]:.1%}"
        for s in settings
    )
    caption = (
        "Expected share of a block's routed experts that at least one token reaches, uniform routing; "
        f"{conventions(settings[0], 'phase', 'l')}. Weights of experts that nobody reaches are not read."
    )
    return caption, f"Rising lines over B from {rows['B'][0]:.0f} to {rows['B'][-1]:.0f}: {listed}."


# -- every model -----------------------------------------------------------------------------------
def ridge_rows(settings: Sequence[Setting]) -> Rows:
    """One row per model, largest B_MoE first: model, B_attn, B_MoE, B_RP [requests]. Raises InputError."""
    found = [(setting.model.id, ridge_batches(setting)) for setting in settings]
    found.sort(key=lambda pair: -pair[1].experts)
    return {
        "model": [model for model, _ in found],
        "B_attn": [batches.attention for _, batches in found],
        "B_MoE": [batches.experts for _, batches in found],
        "B_RP": [max(batches.attention, batches.experts) for _, batches in found],
    }


def _alike(setting: Setting, rows: Rows) -> dict[str, tuple[str, float]]:
    """Rows of the figure: models of equal B_MoE under the name of the setting's own, or of the first."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for pair in zip(rows["model"], rows["B_MoE"], strict=True):
        groups.setdefault(rounded(pair[1], 4), []).append(pair)
    found = {}
    for batch, those in groups.items():
        name = next((model for model, _ in those if model == setting.model.id), those[0][0])
        found[f"{name} and {len(those) - 1} more" if len(those) > 1 else name] = (batch, those[0][1])
    return found


def ridge_figure(setting: Setting, rows: Rows) -> Figure:
    """B_MoE as a point, a row for all models that have the same; B_attn as the line that all share. Both give B_RP."""
    groups = _alike(setting, rows)
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.5 + 0.2 * len(groups)))
    attention = rows["B_attn"][0]
    for number, (words, batch) in enumerate(groups.values()):
        axes.plot([attention, batch], [number, number], color=COLOURS["infeasible"], zorder=1)
        axes.plot(batch, number, "o", color=COLOURS["experts"], zorder=2)
        axes.annotate(
            words,
            (batch, number),
            xytext=(7 if batch >= attention else -7, 0),
            va="center",
            textcoords="offset points",
            ha="left" if batch >= attention else "right",
        )
    axes.axvline(attention, color=COLOURS["projections"])
    axes.set_xscale("log")
    low, high = min(*rows["B_MoE"], attention), max(*rows["B_MoE"], attention)
    axes.set_xlim(low / 2.6, high * 1.8)
    axes.text(attention / 1.05, -1, f"projections {rounded(attention, 4)}", ha="right", va="center")
    axes.set_yticks(range(len(groups)), groups)
    axes.set_ylim(len(groups) - 0.4, -1.6)
    axes.grid(axis="y", visible=False)
    plain_log(axes.xaxis)
    axes.set_xlabel("requests at which experts reach the ridge (B_MoE)")
    bound = sum(batch > attention for batch in rows["B_MoE"])
    headline(figure, f"In {bound} of {len(rows['model'])} models experts compute later than projections")
    return figure


def describe_ridge(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    count, device = setting["n_acc"], setting.accelerator.name
    used = conventions(setting, "phase", "deg_TP", "deg_DP", "Gamma_imb", "width_weights")
    caption = (
        f"Batches of the paper's Eq. 10 for every mixture-of-experts model of the data on {count} x {device} (ridge "
        f"{rounded(ridge(setting))}): B_MoE as points, a row for all models that share it, that "
        "of projections (B_attn) as the line; "
        f"B_RP is the greater of both; {used}."
    )
    pairs = zip(rows["model"], rows["B_MoE"], strict=True)
    listed = ", ".join(f"{model} {rounded(batch, 4)}" for model, batch in pairs)
    return caption, f"Points on a logarithmic axis, B_MoE: {listed}. B_attn: {rounded(rows['B_attn'][0], 4)}."
