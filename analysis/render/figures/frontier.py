"""Throughput against time per output token, along the batch until memory is full: the paper's Fig. 9."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import FINE, headline, mechanism_colour, plain_log, rounded
from analysis.render.figures.serving import SHARED, degrees_of, middle
from analysis.render.marks import context_style, mark_slo
from analysis.render.style import MARKERS, WIDTH
from analysis.render.words import conventions
from analysis.systems.grids import Grid, best, curve


def three(contexts: np.ndarray) -> np.ndarray:
    """At most three of the contexts: the shortest, the middle one, the longest."""
    return np.unique([contexts[0], middle(contexts), contexts[-1]])


def frontiers(settings: Sequence[Setting], contexts: np.ndarray) -> list[Grid]:
    """Each model along the batch up to B_cap, at each context. Raises InputError."""
    return [curve(setting, L) for setting in settings for L in contexts]


def frontier_figure(lines: Sequence[Grid], contexts: np.ndarray) -> Figure:
    """Throughput against TPOT: colours are mechanisms, line styles contexts; a marker where memory is full."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.8))
    styles = {L: context_style(number) for number, L in enumerate(contexts)}
    markers = dict(zip((line.setting.model.id for line in lines[:: len(contexts)]), cycle(MARKERS), strict=False))
    for line in (line for line in lines if len(line.batches)):
        _frontier(axes, line, styles[line.contexts[0]], markers[line.setting.model.id])
    mark_slo(axes, lines[0].setting)
    axes.set(xscale="log", yscale="log", xlabel="time per output token TPOT [ms]", ylabel="tokens/s per accelerator")
    plain_log(axes.yaxis)
    plain_log(axes.xaxis, ticks=FINE)
    _frontier_legend(figure, lines, styles, markers)
    headline(figure, _frontier_title(lines, contexts))
    return figure


def _frontier(axes: Axes, line: Grid, style: str, marker: str) -> None:
    colour, times, rates = mechanism_colour(line.setting), line.tpot[0] * 1e3, line.per_accelerator[0]
    axes.plot(times, rates, style, color=colour)
    axes.plot(times[-1], rates[-1], marker, color=colour, markeredgecolor="black", markersize=6)


def _frontier_legend(figure: Figure, lines: Sequence[Grid], styles: dict, markers: dict) -> None:
    colours = {line.setting.model.id: mechanism_colour(line.setting) for line in lines}
    looks = {name: {"color": colours[name], "marker": marker, "linewidth": 3} for name, marker in markers.items()}
    looks |= {f"L = {L:.0f}": {"color": "#444444", "linestyle": style} for L, style in styles.items()}
    handles = [pyplot.Line2D([], [], label=label, **look) for label, look in looks.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(4, max(len(markers), len(styles))))


def best_by_model(lines: Sequence[Grid], L: float) -> dict[str, float]:
    """Highest feasible tokens/s per accelerator of each model at a context."""
    return {line.setting.model.id: best(line) for line in lines if line.contexts[0] == L}


def _frontier_title(lines: Sequence[Grid], contexts: np.ndarray) -> str:
    L = middle(contexts)
    rates = best_by_model(lines, L)
    most, least = max(rates, key=rates.get), min(rates, key=rates.get)
    over = f", {rounded(rates[most] / rates[least])} times {least}" if 0 < rates[least] < rates[most] else ""
    slo = lines[0].setting["slo"]
    within = f"Within {slo * 1e3:g} ms a token, at" if slo else "At"
    return f"{within} L = {L:.0f}, {most} reaches {rounded(rates[most])} tokens/s per accelerator{over}"


def describe_frontier(lines: Sequence[Grid], contexts: np.ndarray) -> tuple[str, str]:
    """Caption and alternative text."""
    settings = {line.setting.model.id: line.setting for line in lines}.values()
    shared = next(iter(settings))
    within = f" within {shared['slo'] * 1e3:g} ms" if shared["slo"] else ""
    caption = (
        "Throughput per accelerator against time per output token: each line follows the batch from one request per DP "
        f"group to the largest that fits memory (marker, B_cap). {degrees_of(list(settings))}. "
        f"Common to all: {conventions(shared, *SHARED)}."
    )
    listed = "; ".join(f"{line.setting.model.id} at L = {line.contexts[0]:.0f}: {_end(line)}" for line in lines)
    alt = f"Lines that rise to the right and end where memory is full. Best feasible throughput{within}: {listed}."
    return caption, alt


def _end(line: Grid) -> str:
    if not len(line.batches):
        return "nothing fits"
    full = f"B_cap = {line.batches[-1]:.0f} at {rounded(line.tpot[0, -1] * 1e3)} ms"
    return f"{rounded(best(line))} tokens/s per accelerator, {full}"


def frontier_notes(lines: Sequence[Grid], contexts: np.ndarray) -> dict[str, float | str]:
    """Numbers for the book: the middle context, and who serves most and least there [tokens/s per accelerator]."""
    L = middle(contexts)
    rates = best_by_model(lines, L)
    most, least = max(rates, key=rates.get), min(rates, key=rates.get)
    return {
        "frontier_context": L,
        "frontier_most": rates[most],
        "frontier_most_model": most,
        "frontier_least": rates[least],
        "frontier_least_model": least,
    }
