"""Memory filling up: on one accelerator weights lie first, then the caches of requests, until none fits any more."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import capacity
from analysis.derive.symbols import M_cap, deg_DP, n_acc
from analysis.render.axes import Rows, headline, in_columns, mechanism_colour, rounded
from analysis.render.digits import whole
from analysis.render.figures.memory import KIND_COLOURS
from analysis.render.style import WIDTH
from analysis.render.words import person
from analysis.thesis.full import whole_batch

PARTS = {"attention": "attention", "dense": "dense FFN", "routed": "routed experts", "other": "all other weights"}
COLOURS = {name: KIND_COLOURS[name] for name in PARTS}
STRIPES = (1, 10, 100, 1000, 10_000)
"""Requests that one stripe may stand for."""
FINEST = 0.011  # of the bar's width


def filling_rows(settings: Sequence[Setting]) -> Rows:
    """One row per model: weight bytes of one accelerator by kind, bytes of one request there, requests of its group,
    and of the system; all at the setting's L. Raises InputError for a missing size.
    """
    return in_columns(("model", *PARTS, "request", "requests", "system", "capacity"), map(_row, settings))


def _row(setting: Setting) -> tuple:
    point = setting.point
    held = capacity.weights_by_part(setting.architecture, layout=setting.layout)
    weights = {part: float(value(form / n_acc, point)) for part, form in held.items()}
    named = [weights.pop(part, 0.0) for part in PARTS if part != "other"]
    one = capacity.request_bytes(setting.architecture, setting.conventions)
    batch = whole_batch(setting, setting["L"])
    groups = float(value(deg_DP, point))
    request = float(value(one * deg_DP / n_acc, point))
    return setting.model.id, *named, sum(weights.values()), request, batch / groups, batch, float(point[M_cap])


def filling_figure(settings: Sequence[Setting], rows: Rows) -> Figure:
    """One bar per model as long as an accelerator's memory: weights by kind, then a stripe for so many requests."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.5 + 0.78 * len(settings)))
    for number, setting in enumerate(settings):
        _bar(axes, number, {name: column[number] for name, column in rows.items()}, mechanism_colour(setting))
    end = max(rows["capacity"]) / 1e9
    axes.set(
        xlim=(0, end), ylim=(len(settings) - 0.45, -0.75), xlabel=f"memory of one accelerator [GB], full at {end:g}"
    )
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.spines["right"].set_visible(True)
    present = [name for name in PARTS if sum(rows[name])]
    handles = [Patch(color=COLOURS[name], label=PARTS[name]) for name in present]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, handlelength=1.2, columnspacing=1.0)
    headline(figure, _finding(rows))
    return figure


def _bar(axes: Axes, place: int, row: dict, colour: str) -> None:
    start = 0.0
    for name in PARTS:
        axes.barh(place, row[name] / 1e9, 0.5, left=start, color=COLOURS[name])
        start += row[name] / 1e9
    many = stripe(row)
    width, ends = many * row["request"] / 1e9, row["requests"] / many
    for each in np.arange(int(np.ceil(ends))):
        look = {"facecolor": colour, "edgecolor": "white", "linewidth": 0.7}
        axes.barh(place, width * min(1, ends - each), 0.5, left=start + each * width, **look)
    axes.text(0, place - 0.3, _told(row, many), va="bottom")


def stripe(row: dict) -> int:
    """How many requests one stripe stands for: as few as can be told apart."""
    wide = (many for many in STRIPES if many * row["request"] >= FINEST * row["capacity"])
    return next(wide, STRIPES[-1])


def _told(row: dict, many: int) -> str:
    weights = sum(row[name] for name in PARTS) / 1e9
    each = "a stripe each" if many == 1 else f"{many} to a stripe"
    requests = f"{whole(row['requests'])} requests of {rounded(row['request'] / 1e9)} GB"
    return f"{person(row['model'])}: weights {rounded(weights)} GB, {requests} ({each})"


def _finding(rows: Rows) -> str:
    pairs = zip(rows["model"], rows["system"], strict=True)
    first, *rest = ((person(model), whole(batch)) for model, batch in pairs)
    others = "".join(f", {batch} of {name}" for name, batch in rest)
    return f"When memory is full, the system holds {first[1]} requests of {first[0]}{others}"


def describe_filling(settings: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    setting = settings[-1]
    degrees = ", ".join(f"{each['deg_TP']} for {person(each.model.id)}" for each in settings)
    caption = (
        f"The memory of one of {setting['n_acc']} {setting.accelerator.name} at L = {setting['L']}; tensor-parallel "
        f"degree {degrees}, so that as many accelerators share a request. The bar "
        "ends before memory does where one more request does not fit."
    )
    every = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    return caption, f"Stacked bars. {'. '.join(_told(row, stripe(row)) for row in every)}."
