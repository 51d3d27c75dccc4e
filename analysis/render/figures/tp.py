"""What tensor parallelism does to an attention block in both contraction orders: the paper's Fig. 8."""

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.parallel import sharded
from analysis.derive.symbols import deg_TP
from analysis.render.axes import Rows, headline, label_right, plain_log, powers_of_two, rounded, those
from analysis.render.figures.crossing import ORDER_COLOURS
from analysis.render.style import LINE_STYLES, MARKERS, WIDTH
from analysis.render.words import ORDER_WORDS, conventions
from analysis.systems.reordered import buildable, over_degrees


def degree_rows(setting: Setting, degrees: np.ndarray, batches: np.ndarray) -> Rows:
    """One row per batch and TP degree that divides the heads: B, deg_TP, time of each order [s]. Raises InputError."""
    kept = buildable(setting, degrees)
    times = over_degrees(setting, kept, batches)
    B, TP = np.meshgrid(batches, kept, indexing="ij")
    return {name: cells.ravel().tolist() for name, cells in ({"B": B, "deg_TP": TP} | times).items()}


def _line(rows: Rows, order: str, batch: float) -> tuple[list[float], list[float]]:
    chosen = those(rows, B=batch)
    return chosen["deg_TP"], [time * 1e3 for time in chosen[order]]


def gain(rows: Rows, order: str, batch: float) -> float:
    """Time at the smallest degree over the least time at any degree [1]."""
    times = _line(rows, order, batch)[1]
    return times[0] / min(times)


def degree_figure(rows: Rows) -> Figure:
    """Time against deg_TP, one pair of lines per batch, log-log."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.4))
    lines = [(order, batch) for batch in _batches(rows) for order in ORDER_WORDS]
    for number, line in enumerate(lines):
        look = {"color": ORDER_COLOURS[line[0]], "linestyle": LINE_STYLES[line[0]]}
        axes.loglog(*_line(rows, *line), marker=MARKERS[number // 2 % len(MARKERS)], **look)
    ends = [tuple(values[-1] for values in _line(rows, *line)) for line in lines]
    labels = [f"B = {batch:.0f}, {ORDER_WORDS[order].split()[0]}" for order, batch in lines]
    label_right(axes, ends, labels, [ORDER_COLOURS[order] for order, _ in lines])
    powers_of_two(axes.xaxis, sorted(set(rows["deg_TP"])))
    plain_log(axes.yaxis)
    axes.set(xlabel="tensor-parallel degree", ylabel="attention block [ms]")
    headline(figure, _title(rows))
    return figure


def _batches(rows: Rows) -> list[float]:
    return sorted(set(rows["B"]))


def _title(rows: Rows) -> str:
    batch, most = _batches(rows)[-1], max(rows["deg_TP"])
    first, second = (rounded(gain(rows, order, batch), 2) for order in ORDER_WORDS)
    return (
        f"A group of {most:.0f} is {first} times as fast without reordering, {second} times with it, at B = {batch:.0f}"
    )


def _cache(setting: Setting) -> str:
    """What TP does to each tensor of the cache: it divides one along an axis of heads, and copies any other."""
    axes = {axis for axis, part in sharded().items() if part.has(deg_TP)}
    cache = setting.architecture.mechanism.cache
    divided = " and ".join(tensor.name for tensor in cache if axes & {*tensor.axes})
    copied = " and ".join(tensor.name for tensor in cache if not axes & {*tensor.axes})
    if not divided:
        return "The latent cache has no head axis, so TP copies it"
    return f"Of the cache TP divides {divided}" + (f" and copies {copied}" if copied else "")


def describe_degrees(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text. At small batches weights dominate, which TP does shard: both orders gain."""
    used = conventions(setting, "phase", "L", "grouping", "rope", "rope_key", "width", "deg_DP")
    caption = (
        f"Time of an attention block in both orders, as more accelerators share a group's requests: "
        f"{setting.model.name} on {setting.accelerator.name}; {used}. All-reduce is left out. {_cache(setting)}; "
        "weights are divided, which small batches gain from."
    )
    gains = "; ".join(
        f"B = {batch:.0f} {words} {rounded(gain(rows, order, batch))}"
        for batch in _batches(rows)
        for order, words in ORDER_WORDS.items()
    )
    span = f"{min(rows['deg_TP']):.0f} to {max(rows['deg_TP']):.0f}"
    return caption, f"Lines over the tensor-parallel degree from {span}. Gains: {gains}."


def degree_notes(rows: Rows) -> dict[str, float]:
    """Gain of each order at the largest batch [1], for the prose."""
    return {f"tp_gain_{order}": gain(rows, order, _batches(rows)[-1]) for order in ORDER_WORDS}
