"""The machine that a model wants: a step on it, resource by resource, and how far each accelerator stands from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.numbers import value
from analysis.derive.symbols import BW_Int, BW_mem, BW_out, P_acc
from analysis.render.axes import headline, ink, plain_log, rounded
from analysis.render.figures.thesis_map import LOOKS, SHORT
from analysis.render.style import WIDTH
from analysis.render.words import conventions, person
from analysis.systems import system
from analysis.systems.balanced import evaluated
from analysis.systems.design import Design, Distance, distances
from analysis.thesis.largest import GROUPS, REST, WIRED

USED = ("n_acc", "deg_TP", "deg_EP", "grouping", "weights")
NAMED = SHORT | {REST: "rest"}
WAITS = {"facecolor": "white", "hatch": "////", "edgecolor": "#BBBBBB", "linewidth": 0.8}
WORKERS = {"arithmetic": P_acc, "memory": BW_mem, "link": BW_Int}
SHOWN = {"arithmetic": "arithmetic", "capacity": "memory", "interconnect": "link"}
TICKS = {"arithmetic": (0.1, 1, 10, 100), "capacity": (0.3, 1, 3), "interconnect": (1, 10, 100, 1000)}
MARKS = {"bf16": ("o", "#D55E00"), "fp8": ("s", "#0072B2"), "fp4": ("^", "#009E73")}


@dataclass(frozen=True)
class Part:
    """A group of terms of a step on the machine: its time [s], and how long each resource works in it [s]."""

    name: str
    time: float
    works: dict[str, float]


def parts(design: Design) -> list[Part]:
    """The groups of a step, wires last, by the whole model with one rate finite at a time."""
    point, forms = evaluated(design.setting, design.machine), system.terms(design.setting)
    alone = {
        name: point | {rate: np.inf for rate in (P_acc, BW_mem, BW_Int, BW_out) if rate is not kept and rate in point}
        for name, kept in WORKERS.items()
    }
    order = sorted(GROUPS, key=lambda name: name == WIRED)
    found = [
        Part(
            name,
            sum(float(value(forms[term], point)) for term in terms),
            {worker: sum(float(value(forms[term], at)) for term in terms) for worker, at in alone.items()},
        )
        for name, terms in ((name, GROUPS[name]) for name in order)
    ]
    return [each for each in found if each.time > 0]


def step_figure(design: Design) -> Figure:
    """A row a resource, parts of a step along time; filled as long as the resource works in the part."""
    found = parts(design)
    figure, axes = pyplot.subplots(figsize=(WIDTH, 2.5))
    start = 0.0
    for each in found:
        _part(axes, each, start)
        start += 1e3 * each.time
    axes.set(xlim=(0, start), ylim=(len(WORKERS) - 0.4, -1.15), xlabel="time of a step [ms]")
    axes.set_yticks(range(len(WORKERS)), WORKERS)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    busy = 1e3 * sum(each.works["memory"] for each in found)
    model = person(design.setting.model.id)
    headline(figure, f"On the machine {model} wants, each resource works {busy:.0f} of {start:.0f} ms")
    return figure


def _part(axes: Axes, each: Part, start: float) -> None:
    """Outlines of a part in every row, filled as far as the row's resource works; its name above."""
    width, look = 1e3 * each.time, LOOKS[each.name]
    for row, name in enumerate(WORKERS):
        works = 1e3 * each.works[name]
        axes.barh(row, width, 0.7, start, **WAITS)
        axes.barh(row, works, 0.7, start, edgecolor="black", linewidth=0.8, **look)
        if works > 3:
            axes.text(start + works / 2, row, rounded(works, 2), ha="center", va="center", color=ink(look["facecolor"]))
    axes.text(start + width / 2, -0.5, NAMED.get(each.name, each.name), ha="center", va="bottom", linespacing=0.95)


def describe_step(design: Design) -> tuple[str, str]:
    """Caption and alternative text of the step."""
    setting, machine = design.setting, design.machine
    caption = (
        "A decoding step on the balanced machine, parts one after another; a bar is filled as long as the resource "
        "works in the part, hatched while it waits. "
        f"{person(setting.model.id)}, {setting['n_acc']} accelerators, {setting['L']:.0f} tokens, limit "
        f"{1e3 * setting['slo']:g} ms, sized by a memory bandwidth of {float(machine[BW_mem]) / 1e9:.0f} GB/s; "
        f"{conventions(setting, 'width', 'peak', *USED)}."
    )
    told = [f"{each.name} {_milliseconds(each.time)} ({_worked(each)})" for each in parts(design)]
    return caption, f"Bars of a step, how long each resource works in brackets: {'; '.join(told)}."


def _worked(each: Part) -> str:
    return ", ".join(f"{worker} {_milliseconds(time)}" for worker, time in each.works.items())


def _milliseconds(time: float) -> str:
    return f"{rounded(1e3 * time)} ms"


def step_table(design: Design) -> dict[str, list]:
    """One row a part: its time and how long each resource works in it [s]."""
    found = parts(design)
    return {"part": [each.name for each in found], "time": [each.time for each in found]} | {
        worker: [each.works[worker] for each in found] for worker in WORKERS
    }


# -- how far accelerators stand ----------------------------------------------------------------------
Rows = Mapping[str, Mapping[str, Distance]]


def stand(found: Sequence[Design], besides: Sequence[str] = ()) -> Rows:
    """Accelerators that serve somebody within the limit, by id, and their distance in each precision; those that the
    paper prints are left out, as they stand there as shipped too, but for `besides`. Fewest FLOP for a byte first."""
    rows: dict[str, dict[str, Distance]] = {}
    for design in found:
        for each in distances(design):
            if each.batch == each.batch and (not each.row.id.endswith("-paper") or each.row.id in besides):
                rows.setdefault(each.row.id, {})[design.setting["peak"]] = each
    order = sorted(rows, key=lambda id_: _over(rows[id_].get("fp8") or next(iter(rows[id_].values()))))
    return {id_: rows[id_] for id_ in order}


def _over(each: Distance) -> float:
    return each.has["arithmetic"] or np.inf


def distance_figure(rows: Rows) -> Figure:
    """A panel a resource, a row an accelerator: what it has over what the machine of its bandwidth wants."""
    figure, every = pyplot.subplots(1, len(SHOWN), figsize=(WIDTH, 1.3 + 0.165 * len(rows)), sharey=True)
    for axes, (name, title) in zip(every, SHOWN.items(), strict=True):
        axes.axvline(1, color="black", linewidth=1)
        for place, found in enumerate(rows.values()):
            points = [(each.has[name], *MARKS[peak]) for peak, each in found.items() if each.has[name]]
            if len(points) > 1:
                axes.plot([over for over, *_ in points], [place] * len(points), color="#BBBBBB", linewidth=1)
            for over, marker, colour in points:
                axes.plot(over, place, marker, color=colour, markersize=4.5)
        axes.set(xscale="log", title=title, ylim=(len(rows) - 0.4, -0.6))
        plain_log(axes.xaxis)
        axes.set_xticks(TICKS[name])
        axes.tick_params(axis="y", length=0)
    every[0].set_yticks(range(len(rows)), rows)
    every[len(every) // 2].set_xlabel("what it has over what the model wants")
    handles = [
        pyplot.Line2D([], [], color=colour, marker=marker, linestyle="", label=peak.upper())
        for peak, (marker, colour) in MARKS.items()
        if any(peak in found for found in rows.values())
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    headline(figure, finding(rows))
    return figure


def ratios(rows: Rows, resource: str, peak: str) -> list[float]:
    """What accelerators have of a resource over what the model wants in a precision, where both are known [1]."""
    found = (each[peak].has[resource] for each in rows.values() if peak in each)
    return [over for over in found if over is not None]


def finding(rows: Rows) -> str:
    """The title: how many accelerators have too little arithmetic and enough of a link in one precision."""
    peak, told = _told_in(rows), notes(rows)
    weak, fast, wired = told["design_short"], told["design_fast"], len(ratios(rows, "interconnect", peak))
    return (
        f"In {peak.upper()} {weak} of {told['design_compared']} accelerators compute too little for their bandwidth; "
        f"{f'all {fast}' if fast == wired else f'{fast} of {wired}'} links are fast enough"
    )


def notes(rows: Rows) -> dict[str, int]:
    """Numbers for the page: accelerators compared in FP8, and those of them with too little arithmetic, with enough
    memory, with enough of a link."""
    found = {name: ratios(rows, name, _told_in(rows)) for name in SHOWN}
    enough = {name: sum(over >= 1 for over in every) for name, every in found.items()}
    return {
        "design_compared": len(found["arithmetic"]),
        "design_short": len(found["arithmetic"]) - enough["arithmetic"],
        "design_roomy": enough["capacity"],
        "design_fast": enough["interconnect"],
    }


def _told_in(rows: Rows) -> str:
    """FP8, or the first precision there is."""
    return next(peak for peak in ("fp8", *MARKS) if any(peak in each for each in rows.values()))


def describe_distance(rows: Rows, found: Sequence[Design]) -> tuple[str, str]:
    """Caption and alternative text of the distances."""
    setting = found[0].setting
    caption = (
        f"Each accelerator over the balanced machine of its own memory bandwidth, for {person(setting.model.id)} at "
        f"{setting['L']:.0f} tokens and {1e3 * setting['slo']:g} ms. Left of the line it has too little. Not shown: "
        f"accelerators that read the weights too slowly in every precision, and links that are not published; "
        f"{conventions(setting, *USED)}."
    )
    told = [
        f"{id_} in {peak.upper()} {', '.join(_told(name, each) for name in SHOWN)}"
        for id_, every in rows.items()
        for peak, each in every.items()
    ]
    return caption, f"Marks by accelerator: {'; '.join(told)}."


def _told(name: str, each: Distance) -> str:
    over = each.has[name]
    return f"{SHOWN[name]} {'not known' if over is None else rounded(over)}"


def distance_table(rows: Rows) -> dict[str, list]:
    """One row an accelerator and precision: the batch [requests], and has over wants of each resource [1]."""
    lines = [
        (id_, peak, each.batch, *(np.nan if each.has[name] is None else each.has[name] for name in SHOWN))
        for id_, every in rows.items()
        for peak, each in every.items()
    ]
    return dict(zip(("accelerator", "peak", "B", *SHOWN), map(list, zip(*lines, strict=True)), strict=True))
