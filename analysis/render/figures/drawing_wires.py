"""Dispatch and combine: which wires one token's copies cross to their experts and back, with bytes and times."""

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.decoder import token_bytes
from analysis.derive.symbols import BW_Int, BW_out, deg_EP, l, n_k
from analysis.files.errors import InputError
from analysis.render.axes import Rows, headline, in_columns, prefixed, seconds, those
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import counted, person, where

HOME, AWAY, INSIDE, BETWEEN = "#F0E442", COLOURS["experts"], "#0072B2", "#D55E00"
LINES = {INSIDE: "-", BETWEEN: (0, (4, 2))}
STAYS = {"inside": "within the group", "between": "to other groups"}
TALL = 4  # accelerators of a group above each other


def wire_rows(setting: Setting) -> Rows:
    """One row per copy of a token of accelerator 1: accelerator, group (both from 1), wire, bytes and seconds there.

    Its experts are spread evenly, as routing spreads them on average; as much comes back.

    Raises InputError for a setting without groups or without experts.
    """
    if not (setting.two_levels and setting.model.n_moe):
        raise InputError("model=, group= and link_between= are needed: a model with experts, and two kinds of wire.")
    point = setting.point
    copies, holders, size = int(point[n_k]), int(point[deg_EP]), float(value(token_bytes(), point | {l: 1}))
    rows = []
    for number in range(copies):
        place = number * holders // copies + (3 * number + 2) % max(1, holders // copies)
        group = place // setting["group"]
        wire = "none" if place == 0 else "between" if group else "inside"
        rate = {"none": float("inf"), "inside": point[BW_Int], "between": point[BW_out]}[wire]
        rows.append((place + 1, group + 1, wire, size, size / rate))
    return in_columns(("accelerator", "group", "wire", "bytes", "seconds"), rows)


def totals(rows: Rows) -> dict[str, tuple[int, float, float]]:
    """For each kind of wire in use: copies, bytes, and seconds on an accelerator's own wire, one after another."""
    found = {}
    for wire in ("inside", "between"):
        used = those(rows, wire=wire)
        if used["wire"]:
            found[wire] = (len(used["wire"]), sum(used["bytes"]), sum(used["seconds"]))
    return found


def wires_figure(setting: Setting, rows: Rows) -> Figure:
    """Accelerators in their groups, a curve for each copy; under them the time that each kind of wire is in use."""
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(WIDTH, 4.4), height_ratios=(3, 1))
    _accelerators(above, setting, rows)
    _times(below, setting, rows)
    headline(figure, _finding(setting, rows))
    return figure


def _place(setting: Setting, accelerator: int) -> tuple[float, float]:
    """Centre of an accelerator (from 1) in the drawing."""
    group, inside = divmod(accelerator - 1, setting["group"])
    wide = -(-setting["group"] // TALL)
    return group * (wide + 1) + inside // TALL + 0.5, inside % TALL + 0.5


def _accelerators(axes: Axes, setting: Setting, rows: Rows) -> None:
    holders, group = int(setting.point[deg_EP]), setting["group"]
    reached = set(rows["accelerator"])
    for each in range(1, holders + 1):
        x, y = _place(setting, each)
        colour = HOME if each == 1 else AWAY if each in reached else "white"
        axes.add_patch(
            Rectangle((x - 0.42, y - 0.42), 0.84, 0.84, facecolor=colour, edgecolor="#555555", linewidth=0.8)
        )
        if each == 1 or each in reached:
            axes.text(x, y, str(each), ha="center", va="center", zorder=5)
    for number in range(-(-holders // group)):
        left = _place(setting, number * group + 1)[0] - 0.5
        axes.text(left + 0.08, -0.15, f"group {number + 1}", va="bottom")
    for place, wire in zip(rows["accelerator"], rows["wire"], strict=True):
        if wire != "none":
            _wire(axes, _place(setting, 1), _place(setting, place), INSIDE if wire == "inside" else BETWEEN)
    axes.set(xlim=(-0.1, _place(setting, holders)[0] + 0.6), ylim=(min(TALL, group) + 0.1, -0.7))
    axes.axis("off")
    axes.set(xticks=(), yticks=())


def _wire(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    look = {"arrowstyle": "<|-|>", "mutation_scale": 7, "shrinkA": 7, "shrinkB": 7, "linewidth": 1.2, "zorder": 3}
    bend = "arc3,rad=-0.12" if end[0] != start[0] else "arc3,rad=0"
    axes.add_patch(FancyArrowPatch(start, end, color=colour, linestyle=LINES[colour], connectionstyle=bend, **look))


def _times(axes: Axes, setting: Setting, rows: Rows) -> None:
    colours = {"inside": INSIDE, "between": BETWEEN}
    rates = {"inside": setting.point[BW_Int], "between": setting.point[BW_out]}
    longest = max(time for *_, time in totals(rows).values())
    for place, (wire, (copies, size, time)) in enumerate(totals(rows).items()):
        axes.barh(
            place, time * 1e9, 0.42, color=colours[wire], hatch="" if wire == "inside" else "////", edgecolor="white"
        )
        text = f"{_copies(copies)} {STAYS[wire]}: {size:,.0f} bytes at {rates[wire] / 1e9:g} GB/s, {seconds(time)}"
        axes.text(0, place - 0.28, text, va="bottom")
    axes.set(xlim=(0, longest * 1.02e9), ylim=(len(totals(rows)) - 0.7, -0.95), xlabel="time on the wire, one way [ns]")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)


def _finding(setting: Setting, rows: Rows) -> str:
    sent, away = len(rows["bytes"]), totals(rows).get("between", (0,))[0]
    copies = f"{_copies(sent)} of {prefixed(rows['bytes'][0], 'B')}"
    name = person(setting.model.id)
    return f"A token of {name} sends {copies} to its experts and gets as many back; {away} of {sent} leave its group"


def _copies(number: int) -> str:
    return counted(number, "copy", "copies")


def describe_wires(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"One token's copies in one block: {where(setting, batch=False)}, groups of {setting['group']}, experts spread "
        "evenly, as routing spreads them on average. "
        "Solid: wires inside a group; dashed: between groups."
    )
    told = "; ".join(
        f"{copies} {wire}, {size:,.0f} bytes, {seconds(time)}" for wire, (copies, size, time) in totals(rows).items()
    )
    places = ", ".join(map(str, rows["accelerator"]))
    return caption, f"Accelerators in groups; arrows from accelerator 1 to {places}. One way: {told}."
