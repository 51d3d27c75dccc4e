"""A step on the machine that a model wants, resource by resource."""

from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.numbers import value
from analysis.derive.symbols import BW_Int, BW_mem, BW_out, P_acc
from analysis.render.axes import headline, ink, rounded
from analysis.render.figures.thesis_map import LOOKS, SHORT
from analysis.render.style import WIDTH
from analysis.render.words import conventions, person
from analysis.systems import system
from analysis.systems.balanced import evaluated
from analysis.systems.design import Design
from analysis.thesis.largest import GROUPS, REST, WIRED

USED = ("n_acc", "deg_TP", "deg_EP", "grouping", "weights")
NAMED = SHORT | {REST: "rest"}
WAITS = {"facecolor": "white", "hatch": "////", "edgecolor": "#BBBBBB", "linewidth": 0.8}
WORKERS = {"arithmetic": P_acc, "memory": BW_mem, "link": BW_Int}


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
