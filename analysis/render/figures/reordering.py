"""What reordering buys in decode, over batch and context, and where the time goes: the paper's Fig. 6."""

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.ask.setting import Setting
from analysis.derive.symbols import BY_NAME
from analysis.render.axes import Rows, headline, ink, layer_colour, rounded, seconds, those
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import ORDER_WORDS, conventions, counted, where
from analysis.systems.layers import attention_layers, numbers
from analysis.systems.reordered import in_orders, over_batch_and_context


# -- over batch and context ------------------------------------------------------------------------
def speedup_rows(setting: Setting, batches: np.ndarray, contexts: np.ndarray) -> Rows:
    """One row per cell: B, L, speedup [1], times [s] and fits of both orders. Raises InputError."""
    grid = over_batch_and_context(setting, batches, contexts)
    L, B = np.meshgrid(contexts, batches, indexing="ij")
    return {name: cells.ravel().tolist() for name, cells in ({"B": B, "L": L} | grid).items()}


def _grid(rows: Rows, name: str) -> np.ndarray:
    return np.array(rows[name]).reshape(len(set(rows["L"])), len(set(rows["B"])))


def speedup_figure(setting: Setting, rows: Rows) -> Figure:
    """Heat map of the attention block's time without over with reordering; hatched cells do not fit memory."""
    speedup = _grid(rows, "speedup")
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.4))
    axes.pcolormesh(speedup, cmap="Blues", vmin=1, vmax=speedup.max() * 1.25, rasterized=True)
    _hatch(axes, _grid(rows, "fits_as_printed"), _grid(rows, "fits_reordered"))
    for (row, column), number in np.ndenumerate(speedup):
        dark = number > 0.7 * speedup.max() and _grid(rows, "fits_reordered")[row, column]
        text = rounded(number, 2 if number < 100 else 3)
        colour = "white" if dark else "black"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
    axes.grid(False)
    axes.set_xticks(np.arange(speedup.shape[1]) + 0.5, [f"{B:.0f}" for B in _grid(rows, "B")[0]], rotation=45)
    axes.set_yticks(np.arange(speedup.shape[0]) + 0.5, [f"{L:.0f}" for L in _grid(rows, "L")[:, 0]])
    axes.set(xlabel=f"requests decoded together B ({setting['n_acc']} accelerators)", ylabel="context L [tokens]")
    headline(figure, _speedup_title(rows))
    return figure


def _hatch(axes: Axes, first: np.ndarray, second: np.ndarray) -> None:
    for (row, column), fit in np.ndenumerate(first):
        if fit:
            continue
        only = second[row, column]
        look = {"fill": False, "hatch": "///"} if only else {"facecolor": COLOURS["infeasible"], "hatch": "xx"}
        axes.add_patch(Rectangle((column, row), 1, 1, edgecolor="#777777" if only else "#DDDDDD", linewidth=0, **look))


def _speedup_title(rows: Rows) -> str:
    speedup, both = np.array(rows["speedup"]), np.array(rows["fits_as_printed"])
    if not both.any():
        return f"Reordering speeds a decode attention block up to {rounded(speedup.max())} times"
    return f"Reordering speeds decode attention up to {rounded(speedup[both].max())} times where both orders fit"


def describe_speedup(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    speedup = np.array(rows["speedup"])
    first, second = np.array(rows["fits_as_printed"]), np.array(rows["fits_reordered"])
    best = int(speedup.argmax())
    only, neither = counted(int((second & ~first).sum()), "cell"), counted(int((~second).sum()), "cell")
    used = conventions(setting, "phase", "grouping", "rope", "rope_key", "width", "deg_TP", "deg_DP", "deg_EP")
    inside = f"{rounded(speedup[first].max())} where both orders fit" if first.any() else "no cell fits in both orders"
    caption = (
        f"Time of an attention block without reordering over that with it: {where(setting, batch=False)}; {used}. "
        f"Hatched ({only}): memory suffices only with reordering. Grey ({neither}): weights, cache and activations "
        f"fit in neither order. The largest ratio is {rounded(speedup[best])} at B = {rows['B'][best]:.0f}, "
        f"L = {rows['L'][best]:.0f}; {inside}."
    )
    alt = (
        f"Heat map over B and L. The ratio goes from {rounded(speedup.min())} to {rounded(speedup.max())}; "
        f"in {only} memory suffices only with reordering, in {neither} never."
    )
    return caption, alt


def speedup_notes(rows: Rows) -> dict[str, float]:
    """Largest ratio [1] on the whole grid, and (0 for none) where both orders, or the reordered one, fit memory."""
    speedup = np.array(rows["speedup"])
    masks = {"anywhere": speedup > 0} | {order: np.array(rows[f"fits_{order}"]) for order in ORDER_WORDS}
    names = {"anywhere": "speedup_largest", "as_printed": "speedup_both_fit", "reordered": "speedup_reordered_fits"}
    return {names[kind]: float(speedup[mask].max(initial=0)) for kind, mask in masks.items()}


# -- where the time goes ---------------------------------------------------------------------------
def share_rows(setting: Setting) -> Rows:
    """One row per order and attention layer: order, stage, label, time [s], share of the block's time [1]."""
    found: Rows = {name: [] for name in ("order", "stage", "label", "time", "share")}
    for order, chosen in in_orders(setting).items():
        layers = attention_layers(chosen)
        times = [float(numbers(layer, chosen.point)["time"]) for layer in layers.values()]
        found["order"] += [order] * len(layers)
        found["stage"] += list(layers)
        found["label"] += [layer.title for layer in layers.values()]
        found["time"] += times
        found["share"] += [time / sum(times) for time in times]
    return found


def share_figure(setting: Setting, rows: Rows) -> Figure:
    """One bar of shares per order, with the block's time beside its name."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3.0))
    ticks = []
    for height, order in enumerate(ORDER_WORDS):
        own = those(rows, order=order)
        ticks.append(f"{ORDER_WORDS[order]}\n{seconds(sum(own['time']))}")
        _bar(axes, setting, own, height)
    axes.set_yticks(range(len(ticks)), ticks)
    axes.set(xlim=(0, 1), ylim=(1.5, -0.5), xlabel="share of the attention block's time")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.grid(False)
    titles = dict(zip(rows["stage"], rows["label"], strict=True)) | {
        "decompression": "decompression / absorbed products"
    }
    marks = [pyplot.Rectangle((0, 0), 1, 1, color=layer_colour(stage, setting)) for stage in titles]
    axes.legend(marks, titles.values(), loc="upper center", bbox_to_anchor=(0.45, -0.25), ncols=2)
    headline(figure, _share_title(rows))
    return figure


def _bar(axes: Axes, setting: Setting, rows: Rows, height: int) -> None:
    start = 0.0
    for stage, share in zip(rows["stage"], rows["share"], strict=True):
        colour = layer_colour(stage, setting)
        axes.barh(height, share, left=start, height=0.6, color=colour)
        if share > 0.05:
            look = {"ha": "center", "va": "center", "color": ink(colour), "fontweight": "bold"}
            axes.text(start + share / 2, height, f"{share:.0%}", **look)
        start += share


def _share_title(rows: Rows) -> str:
    every = (those(rows, order=order) for order in ORDER_WORDS)
    pairs = [max(zip(own["share"], own["label"], strict=True), key=lambda pair: pair[0]) for own in every]
    (first, longest), (second, other) = pairs
    return f"Without reordering {longest} takes {first:.0%}; with it {other} {second:.0%}"


def describe_shares(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    per_group = rounded(float(setting.point[BY_NAME["B"]] / setting.point[BY_NAME["deg_DP"]]))
    used = conventions(setting, "phase", "grouping", "rope", "rope_key", "width", "deg_TP", "deg_DP")
    listed = "; ".join(
        f"{ORDER_WORDS[order]} {label} {share:.1%}"
        for order, label, share in zip(rows["order"], rows["label"], rows["share"], strict=True)
    )
    caption = (
        f"Share of each layer in the time of an attention block, in both orders: {where(setting)} "
        f"({per_group} requests per DP group); {used}."
    )
    return caption, f"Two stacked bars. {listed}."


def share_notes(rows: Rows) -> dict[str, float]:
    """Share of each layer in each order [1], and the block's time in each order [s], for the prose."""
    found = zip(rows["order"], rows["stage"], rows["share"], strict=True)
    shares = {f"share_{order}_{stage}": share for order, stage, share in found}
    times = list(zip(rows["order"], rows["time"], strict=True))
    return shares | {f"block_time_{each}": sum(time for order, time in times if order == each) for each in ORDER_WORDS}
