"""Where reordering stops to pay: both orders' time against the query length, and the slowdown of whole prefills."""

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import Rows, headline, label_right, plain_log, powers_of_two, rounded
from analysis.render.digits import digits_of
from analysis.render.style import COLOURS, LINE_STYLES, PAPER, WIDTH
from analysis.render.words import ORDER_WORDS, conventions, where
from analysis.systems.crossing import crossing_in_bytes, crossing_in_flops, crossings_in_time, order_times
from analysis.systems.reordered import prefill_slowdown

ORDER_COLOURS = {"as_printed": COLOURS["mla_as_printed"], "reordered": COLOURS["mla"]}


# -- against the query length ----------------------------------------------------------------------
def crossing_rows(setting: Setting, queries: np.ndarray) -> Rows:
    """One row per query length: l, time of decompression and core in each order [s]. Raises InputError."""
    times = {order: found.tolist() for order, found in order_times(setting, queries).items()}
    return {"l": queries.tolist()} | times


def crossings(setting: Setting) -> dict[str, list[float]]:
    """Query lengths [tokens] from 0 to L at which the orders are equal in FLOPs, in time, and in bytes."""
    found = {
        "FLOPs": [crossing_in_flops(setting)],
        "time": [crossing.length for crossing in crossings_in_time(setting)],
        "bytes": [crossing_in_bytes(setting)],
    }
    longest = setting["L"]
    return {name: [length for length in lengths if 0 < length <= longest] for name, lengths in found.items()}


def crossing_figure(setting: Setting, rows: Rows) -> Figure:
    """Time of both orders over the query length, with the lengths of equal FLOPs, time and bytes."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.4))
    for order, words in ORDER_WORDS.items():
        axes.loglog(rows["l"], np.array(rows[order]) * 1e3, color=ORDER_COLOURS[order], linestyle=LINE_STYLES[order])
        _name_line(axes, rows, order, words)
    found = crossings(setting)
    axes.set_xlim(min(rows["l"]), max(rows["l"]))
    _marks(axes, found)
    powers_of_two(axes.xaxis, rows["l"])
    plain_log(axes.yaxis)
    axes.set(xlabel="query length l [tokens per request in this step]", ylabel="decompression and core attention [ms]")
    headline(figure, _crossing_title(found))
    return figure


def _name_line(axes: Axes, rows: Rows, order: str, words: str) -> None:
    """Write an order's name where its line is the higher one: reordered right, as printed left."""
    right = order == "reordered"
    at = len(rows["l"]) - 2 if right else 0
    axes.annotate(
        words,
        (rows["l"][at], rows[order][at] * 1e3),
        xytext=(-8 if right else 4, 6),
        va="bottom",
        ha="right" if right else "left",
        textcoords="offset points",
        color=ORDER_COLOURS[order],
        fontweight="bold",
        bbox=PAPER,
    )


def _marks(axes: Axes, found: dict[str, list[float]]) -> None:
    bottom, top = axes.get_ylim()
    for step, (name, lengths) in enumerate(found.items()):
        height = bottom * (top / bottom) ** (0.03 + 0.07 * step)
        left = name == "FLOPs"
        for length in lengths:
            axes.axvline(length, color="black", linewidth=1, linestyle="-" if name == "time" else ":")
            text = f"equal {name}: {digits_of(length)}"
            beside = length / 1.08 if left else length * 1.08
            axes.text(beside, height, text, ha="right" if left else "left", bbox=PAPER)


def _crossing_title(found: dict[str, list[float]]) -> str:
    if not found["time"]:
        return "One order is faster at every query length"
    return f"Reordering is faster up to about {found['time'][0]:.0f} tokens per request and step"


def describe_crossing(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    found = crossings(setting)
    listed = "; ".join(f"{name} at l = {', '.join(map(rounded, each)) or 'no length'}" for name, each in found.items())
    used = conventions(setting, "causal", "grouping", "rope", "rope_key", "width", "deg_TP", "deg_DP")
    caption = (
        f"Time of decompression (or the absorbed products) and core attention against the query length l, in both "
        f"orders: {where(setting)}; {used}. Equal {listed}."
    )
    ends = ", ".join(
        f"{ORDER_WORDS[order]} {rounded(rows[order][0] * 1e3)} to {rounded(rows[order][-1] * 1e3)} ms"
        for order in ORDER_WORDS
    )
    return caption, f"Two rising lines over l from {rows['l'][0]:.0f} to {rows['l'][-1]:.0f}: {ends}. Equal {listed}."


def crossing_notes(setting: Setting) -> dict[str, float]:
    """Query lengths of equal FLOPs, time (the first) and bytes [tokens]; those that do not exist are left out."""
    return {f"crossing_{name.lower()}": lengths[0] for name, lengths in crossings(setting).items() if lengths}


# -- whole prefills --------------------------------------------------------------------------------
def prefill_rows(setting: Setting, contexts: np.ndarray) -> Rows:
    """One row per context: L, and the slowdown of a prefill by reordering for each causal share [1]."""
    shares = {f"causal={share:g}": prefill_slowdown(setting, contexts, share).tolist() for share in (1, 0.5)}
    return {"L": contexts.tolist()} | shares


SHARES = {"causal=1": "all pairs", "causal=0.5": "masked half"}
"""What a line is called that counts all score pairs, or leaves out those that the mask hides."""


def prefill_figure(setting: Setting, rows: Rows) -> Figure:
    """Time of a prefill's attention block with reordering over without, against context."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.0))
    for line, style in zip(_lines(rows).values(), ("-", "--", ":", "-."), strict=False):
        axes.semilogx(rows["L"], line, color=COLOURS["mla"], linestyle=style, marker="o")
    axes.axhline(1, color="black", linewidth=1)
    axes.set_ylim(bottom=0)
    ends = [(rows["L"][-1], line[-1]) for line in _lines(rows).values()]
    label_right(axes, ends, [SHARES[name] for name in _lines(rows)], [COLOURS["mla"]] * len(ends))
    powers_of_two(axes.xaxis, rows["L"])
    axes.set(xlabel="context L = l [tokens]", ylabel="time with / time without reordering")
    headline(figure, f"A reordered prefill takes up to {rounded(_worst(rows))} times as long")
    return figure


def _lines(rows: Rows) -> Rows:
    return {name: line for name, line in rows.items() if name != "L"}


def _worst(rows: Rows) -> float:
    return max(max(line) for line in _lines(rows).values())


def describe_prefill(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    used = conventions(setting, "grouping", "rope", "rope_key", "width", "deg_TP", "deg_DP")
    caption = (
        f"Time of an attention block in prefill (l = L, one request per DP group) with reordering over without: "
        f"{where(setting, batch=False)}; {used}. A kernel computes all score pairs, or leaves out the half that a mask "
        "hides."
    )
    ends = "; ".join(f"{name} {rounded(line[0])} to {rounded(line[-1])}" for name, line in _lines(rows).items())
    return caption, f"Lines over L from {rows['L'][0]:.0f} to {rows['L'][-1]:.0f}: {ends}."


def prefill_notes(rows: Rows) -> dict[str, float]:
    """Largest slowdown of a reordered prefill [1], for the prose."""
    return {"prefill_slowdown_largest": _worst(rows)}
