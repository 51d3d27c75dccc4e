"""Tensor against data parallelism on attention (proposition d)."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, mechanism_colour, plain_log
from analysis.render.marks import context_style
from analysis.render.style import WIDTH
from analysis.render.words import conventions, person
from analysis.thesis import tensor_parallel

Flips = dict[str, list]
USED = ("accelerator", "n_acc", "phase", "order", "width", "peak", "weights")


def tensor_figure(setting: Setting, flips: Flips) -> Figure:
    """Time of an attention block under TP over that under DP along the batch; dots at the solved flips."""
    degrees, contexts = sorted(set(flips["deg_TP"])), sorted(set(flips["L"]))
    batches = np.geomspace(setting["n_acc"], 512 * setting["n_acc"], 60)
    figure, panels = pyplot.subplots(1, len(contexts), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for axes, L in zip(panels[0], contexts, strict=True):
        for degree, style in zip(degrees, map(context_style, range(len(degrees))), strict=True):
            change = tensor_parallel.attention_change(setting, batches, degree, L)
            alone = tensor_parallel.attention_alone(setting, batches, L)
            axes.plot(batches, 1 + change / alone, style, color=mechanism_colour(setting), label=f"deg_TP = {degree}")
        even = [B for B, at in zip(flips["full_model"], flips["L"], strict=True) if at == L and B]
        axes.plot(even, np.ones_like(even), "o", color="black")
        axes.axhline(1, color="black", linewidth=1)
        axes.set(xscale="log", yscale="log", xlim=(batches[0], batches[-1]), title=f"L = {L:.0f}", xlabel="requests B")
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)
        axes.yaxis.set_major_locator(pyplot.LogLocator(subs=(1, 2, 5)))
    panels[0, 0].set_ylabel("attention block, TP over DP")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    headline(figure, _title(flips))
    return figure


def _title(flips: Flips) -> str:
    found = zip(flips["L"], flips["deg_TP"], flips["full_model"], strict=True)
    last = [(L, degree, B) for L, degree, B in found if B]
    if not last:
        return "Tensor parallelism never pays on attention here"
    L, degree, B = max(last)
    return f"At L = {L:.0f}, deg_TP = {degree} stops paying on attention at B = {B:.0f}"


def describe(setting: Setting, flips: Flips) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Time of an attention block of {person(setting.model.id)} with tensor parallelism, all-reduce included, over "
        "that with data parallelism alone, at equal batch of the whole system; dots mark where both are equal. "
        f"{conventions(setting, *USED)}."
    )
    alt = f"Curves rise with the batch. They pass 1 at {_listed(flips)}."
    return caption, alt


def _listed(flips: Flips) -> str:
    found = zip(flips["deg_TP"], flips["L"], flips["full_model"], strict=True)
    return ", ".join(f"B = {even:.0f} (deg_TP {degree}, L = {L:.0f})" for degree, L, even in found if even)


def tensor_flips(setting: Setting, degrees: Sequence[int], contexts: np.ndarray) -> Flips:
    """One row per degree and context: the flip by the closed form and in the full model, which agree where every layer
    waits for memory at the first."""
    rows = []
    for L, degree in product(map(float, contexts), map(int, degrees)):
        closed, full = tensor_parallel.even_batch(setting, degree, L)
        rows.append((degree, L, closed, full, tensor_parallel.waits(setting, closed, degree, L)))
    names = ("deg_TP", "L", "closed_form", "full_model", "all_waits")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def notes(flips: Flips) -> dict[str, float]:
    """Numbers for the book: flips of the highest degree at the shortest and the longest context; nan for none."""
    degree, ends = max(flips["deg_TP"]), (min(flips["L"]), max(flips["L"]))
    solved = {(TP, L): B or np.nan for TP, L, B in zip(flips["deg_TP"], flips["L"], flips["full_model"], strict=True)}
    found = {
        "thesis_tp_degree": degree,
        "thesis_tp_short": ends[0],
        "thesis_tp_long": ends[1],
        "thesis_tp_batch_short": solved[degree, ends[0]],
    }
    return found | {"thesis_tp_batch_long": solved[degree, ends[1]]}
