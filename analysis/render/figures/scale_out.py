"""One large system against several small ones on slower and faster links: the paper's Fig. 11."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, mechanism_colour, rounded
from analysis.render.marks import CONTEXT_STYLES
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions
from analysis.systems.grids import Grid, best, curve, named
from analysis.systems.quantities import evaluate

USED = ("accelerator", "deg_TP", "phase", "order", "grouping", "width", "peak", "weights", "overlap", "alpha")
Lines = Mapping[str, list[Grid]]


def scale_out_lines(arrangements: Mapping[str, Setting], contexts: np.ndarray) -> dict[str, list[Grid]]:
    """Each arrangement along the batch up to B_cap, one line per context. Raises InputError."""
    return {name: [curve(setting, L) for L in contexts] for name, setting in arrangements.items()}


def scale_out_rows(lines: Lines) -> dict[str, list]:
    """One row per arrangement, context and batch."""
    tables = [named("arrangement", {name: line}) for name, each in lines.items() for line in each]
    return {column: [cell for table in tables for cell in table[column]] for column in tables[0]}


def scale_out_figure(lines: Lines) -> Figure:
    """Throughput against TPOT, a panel per context, a line per arrangement; B_RP and B_cap marked."""
    contexts = [line.contexts[0] for line in next(iter(lines.values()))]
    figure, panels = pyplot.subplots(1, len(contexts), figsize=(WIDTH, 4.2), squeeze=False)
    for number, (L, axes) in enumerate(zip(contexts, panels[0], strict=True)):
        for style, (name, each) in zip(_styles(lines), lines.items(), strict=True):
            _line(axes, each[number], name, style)
        axes.set(xlim=(0, None), ylim=(0, None), xlabel="time per output token TPOT [ms]", title=f"L = {L:.0f}")
    panels[0, 0].set_ylabel("tokens/s per accelerator")
    handles = _handles(lines)
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    headline(figure, _title(lines))
    return figure


def _styles(lines: Lines) -> list[dict]:
    """Several small systems in green, solid; the joined ones in their mechanism's colour, one line style per link."""
    first = next(iter(lines.values()))[0].setting
    joined = [{"color": mechanism_colour(first), "linestyle": CONTEXT_STYLES[n % 4]} for n in range(len(lines) - 1)]
    return [{"color": COLOURS["dense"], "linestyle": "-"}, *joined]


def _line(axes: Axes, line: Grid, name: str, style: dict) -> None:
    if not len(line.batches):
        return
    times, rates = line.tpot[0] * 1e3, line.per_accelerator[0]
    axes.plot(times, rates, label=name, **style)
    axes.plot(times[-1], rates[-1], "s", color=style["color"], markeredgecolor="black")
    ridge = ridge_batch(line.setting)
    if ridge <= line.batches[-1]:
        axes.plot(
            np.interp(ridge, line.batches, times),
            np.interp(ridge, line.batches, rates),
            "o",
            markerfacecolor="white",
            markeredgecolor=style["color"],
            markersize=7,
        )


def ridge_batch(setting: Setting) -> float:
    """B_RP [requests] of a system."""
    return float(evaluate("B_RP", setting).value)


def _handles(lines: Lines) -> list:
    looks = dict(zip(lines, _styles(lines), strict=True))
    looks["B_RP"] = {"color": "black", "marker": "o", "markerfacecolor": "white", "linestyle": ""}
    looks["B_cap (memory full)"] = {"color": "black", "marker": "s", "linestyle": ""}
    return [pyplot.Line2D([], [], label=label, **look) for label, look in looks.items()]


def gains(lines: Lines) -> dict[str, list[float]]:
    """Best throughput of each joined system over that of the small ones, per context; nan where these hold nothing."""
    small, *joined = lines.items()
    base = [best(line) for line in small[1]]
    over = {name: zip([best(line) for line in each], base, strict=True) for name, each in joined}
    return {name: [rate / least if least else np.nan for rate, least in pairs] for name, pairs in over.items()}


def _title(lines: Lines) -> str:
    small, last = next(iter(lines)), next(iter(lines.values()))[-1]
    listed = ", ".join(f"{rounded(gain[-1])} ({name})" for name, gain in gains(lines).items())
    return f"Throughput over that of {small} at L = {last.contexts[0]:.0f}: {listed}"


def describe_scale_out(lines: Lines) -> tuple[str, str]:
    """Caption and alternative text."""
    name, first = next(iter(lines)), next(iter(lines.values()))[0].setting
    caption = (
        f"Throughput per accelerator against time per output token of {first.model.name}: {name} accelerators in "
        f"separate systems on {first.link.id if first.link else 'their link'}, and all of them in one system at "
        "different bandwidths. Each line follows the batch from one request per DP group to the largest that fits "
        "memory. "
        f"{conventions(first, *USED)}."
    )
    listed = "; ".join(
        f"{other} at L = {line.contexts[0]:.0f}: {rounded(gain)}"
        for other, each in gains(lines).items()
        for line, gain in zip(lines[other], each, strict=True)
    )
    return caption, f"Lines, one panel per context. Best throughput over that of {name}: {listed}."


def scale_out_notes(lines: Lines) -> dict[str, float]:
    """Numbers for the book: gain of one system at the first and last bandwidth, at the shortest and longest context."""
    found = list(gains(lines).values())
    return {
        "scale_out_gain_fast_short": found[0][0],
        "scale_out_gain_fast_long": found[0][-1],
        "scale_out_gain_slow_short": found[-1][0],
        "scale_out_gain_slow_long": found[-1][-1],
    }
