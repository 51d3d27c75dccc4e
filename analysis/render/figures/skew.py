"""What skewed routing costs a system: the paper's Fig. 12."""

from collections.abc import Mapping
from itertools import cycle

from matplotlib import pyplot
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import FINE, Rows, headline, label_right, mechanism_colour, plain_log, rounded
from analysis.render.marks import mark_slo
from analysis.render.style import MARKERS, WIDTH
from analysis.render.words import conventions
from analysis.systems.arrangements import exponents, skewed
from analysis.systems.grids import Grid, best, curve, named

USED = ("accelerator", "n_acc", "deg_TP", "deg_EP", "placement", "draws", "phase", "order", "width", "peak", "weights")


def skew_frontiers(setting: Setting) -> dict[float, Grid]:
    """The system along the batch up to B_cap, at the setting's L, for each of its Zipf exponents.

    Raises InputError for a model without experts.
    """
    return {s: curve(skewed(setting, s), setting["L"]) for s in exponents(setting)}


def skew_frontier_rows(lines: Mapping[float, Grid]) -> Rows:
    """One row per Zipf exponent and batch."""
    return named("s", lines)


def skew_frontier_figure(setting: Setting, lines: Mapping[float, Grid]) -> Figure:
    """Throughput against TPOT, the lighter the line the stronger the skew."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.4))
    colours = _shades(setting, len(lines))
    for line, colour, marker in zip(lines.values(), colours, cycle(MARKERS), strict=False):
        if len(line.batches):
            look = {"marker": marker, "markevery": [-1], "markeredgecolor": "black"}
            axes.plot(line.tpot[0] * 1e3, line.per_accelerator[0], color=colour, **look)
    axes.set(xscale="log", ylim=(0, None), xlabel="time per output token TPOT [ms]", ylabel="tokens/s per accelerator")
    mark_slo(axes, setting)
    plain_log(axes.xaxis, ticks=FINE)
    ends = [(line.tpot[0, -1] * 1e3, line.per_accelerator[0, -1]) for line in lines.values() if len(line.batches)]
    kept = [s for s, line in lines.items() if len(line.batches)]
    labels = [f"s = {s:g}  ({_imbalance(lines[s]):.2f} x mean)" for s in kept]
    shown = [colour for s, colour in zip(lines, colours, strict=True) if s in kept]
    label_right(axes, ends, labels, shown, [m for s, m in zip(lines, cycle(MARKERS), strict=False) if s in kept])
    headline(figure, _frontier_title(lines))
    return figure


def _shades(setting: Setting, number: int) -> list:
    colours = LinearSegmentedColormap.from_list("skew", [mechanism_colour(setting), "#DDDDDD"])
    return [colours(0.8 * step / max(1, number - 1)) for step in range(number)]


def _imbalance(line: Grid) -> float:
    return float(line.setting["Gamma_imb"])


def _frontier_title(lines: Mapping[float, Grid]) -> str:
    least, most = min(lines), max(lines)
    kept = best(lines[most]) / best(lines[least]) if best(lines[least]) else float("nan")
    within = f" within {lines[most].setting['slo'] * 1e3:g} ms" if lines[most].setting["slo"] else ""
    return f"Skew s = {most:g} leaves {kept:.0%} of the throughput of s = {least:g}{within}"


def describe_skew_frontier(setting: Setting, lines: Mapping[float, Grid]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Throughput per accelerator against time per output token of {setting.model.name} at L = {setting['L']:.0f} "
        "when the popularity of experts follows Zipf's law with exponent s. Beside s: expected tokens of the busiest "
        "accelerator, for which all others wait, over the mean (at random places, the mean over them). "
        f"Each line ends where memory is full (mark). {conventions(setting, *USED)}."
    )
    listed = "; ".join(
        f"s = {s:g}: {rounded(best(line))} at imbalance {rounded(_imbalance(line))}" for s, line in lines.items()
    )
    alt = f"Lines, lower and further right the stronger the skew. Best feasible tokens/s per accelerator: {listed}."
    return caption, alt


def skew_frontier_notes(lines: Mapping[float, Grid]) -> dict[str, float]:
    """Numbers for the book: the largest s, and the share of the throughput without skew that it leaves."""
    rates = [best(line) for line in lines.values()]
    return {"skew_strongest": max(lines), "skew_throughput_left": rates[-1] / rates[0] if rates[0] else float("nan")}
