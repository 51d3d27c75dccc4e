"""Contraction order against measured kernels: heads divided among accelerators, and prefill reordered."""

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from analysis.measured.series import prefill_ratios, tensor_parallel_speedups
from analysis.measured.validate import Compared
from analysis.render.axes import Rows, headline, plain_log, those
from analysis.render.style import COLOURS, MARKERS, WIDTH

IDEAL = 8  # accelerators that share 128 heads, 16 on each


def order_rows(compared: Compared) -> Rows:
    """One row per pair: test (tensor parallelism or prefill), accelerator, B, L, measured and predicted ratio."""
    found: Rows = {name: [] for name in ("test", "accelerator", "B", "L", "measured", "predicted")}
    for accelerator, pairs in tensor_parallel_speedups(compared).items():
        _extend(found, "tensor parallelism", accelerator, pairs, pairs["predicted"])
    pairs = prefill_ratios(compared)
    _extend(found, "prefill", "h100-sxm5", pairs, pairs["flops"])
    return found


def _extend(found: Rows, test: str, accelerator: str, pairs: dict, predicted: np.ndarray) -> None:
    count = len(predicted)
    columns = ([test] * count, [accelerator] * count, pairs["B"], pairs["L"], pairs["measured"], predicted)
    for name, column in zip(found, columns, strict=True):
        found[name] += list(column)


def order_figure(rows: Rows) -> Figure:
    """Above: speed-up of the core by dividing its heads. Below: time with over without reordering in prefill."""
    figure, (left, right) = pyplot.subplots(2, 1, figsize=(WIDTH, 6))
    for number, name in enumerate(dict.fromkeys(rows["accelerator"])):
        x, measured, predicted = _pairs(rows, "tensor parallelism", name)
        left.semilogx(
            x,
            measured,
            MARKERS[number],
            color=COLOURS["mla"],
            fillstyle=("full", "none")[number % 2],
            linestyle="none",
            label=f"measured, {name}",
        )
        left.semilogx(
            x, predicted, color="black", linestyle=("-", "--")[number % 2], linewidth=1, label=f"predicted, {name}"
        )
    left.axhline(IDEAL, color="#999999", linestyle=":")
    left.text(0.02, IDEAL * 0.95, "ideal", transform=left.get_yaxis_transform(), va="top")
    left.set(xlabel="cached tokens B L", ylabel="time, 128 over 16 heads", yscale="log", ylim=(0.7, IDEAL + 2))
    left.yaxis.set_major_locator(FixedLocator((1, 2, 4, IDEAL)))
    left.set_title("decode: heads divided by 8")
    x, measured, predicted = _pairs(rows, "prefill", "h100-sxm5")
    right.semilogx(x, measured, "o", color=COLOURS["mla"], linestyle="none", label="measured")
    right.semilogx(x, predicted, color="black", linewidth=1, label="FLOP ratio")
    right.set(xlabel="tokens B L", ylabel="time, with over without", ylim=(0, 4))
    right.set_title("prefill: with over without reordering")
    left.legend(loc="center left", ncols=2)
    right.legend(loc="lower right", ncols=2)
    plain_log(left.xaxis, left.yaxis, right.xaxis)
    divided = np.median([r for r, test in zip(rows["measured"], rows["test"], strict=True) if test != "prefill"])
    words = f"An eighth of the heads: core {divided:.2f} times as fast; in prefill reordering takes"
    headline(figure, f"{words} {np.median(measured):.2f} times as long")
    return figure


def _pairs(rows: Rows, test: str, accelerator: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    own = those(rows, test=test, accelerator=accelerator)
    x = np.array(own["B"]) * np.array(own["L"])
    order = np.argsort(x, kind="stable")
    return x[order], *(np.array(own[name])[order] for name in ("measured", "predicted"))


def describe_orders(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Reordered MLA, measured. Above: how much faster the core runs with 16 than with 128 local heads, which is "
        "what tensor parallelism of degree 8 gives; rows that are launch-bound at 16 heads are left out. Below: "
        "prefill core (two different kernels, H100) with over without reordering, and the ratio of their FLOPs."
    )
    medians = []
    for test, name in dict.fromkeys(zip(rows["test"], rows["accelerator"], strict=True)):
        _, measured, predicted = _pairs(rows, test, name)
        medians.append(f"{test} on {name}: measured {np.median(measured):.2f}, predicted {np.median(predicted):.2f}")
    return caption, "Two panels of ratios; medians: " + "; ".join(medians) + "."
