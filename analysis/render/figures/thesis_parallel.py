"""Tensor against data parallelism on attention (proposition d), and several query tokens a step (g)."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import parallel
from analysis.render.axes import mechanism_colour, plain_log, powers_of_two, rounded
from analysis.render.marks import context_style
from analysis.render.style import MARKERS, WIDTH
from analysis.render.words import conventions

Flips = dict[str, list]
USED = ("accelerator", "n_acc", "phase", "order", "width", "peak", "weights")


def tensor_figure(setting: Setting, flips: Flips) -> Figure:
    """Time of an attention block under TP over that under DP along the batch; dots at the solved flips."""
    degrees, contexts = sorted(set(flips["deg_TP"])), sorted(set(flips["L"]))
    batches = np.geomspace(setting["n_acc"], 512 * setting["n_acc"], 60)
    figure, panels = pyplot.subplots(1, len(contexts), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for axes, L in zip(panels[0], contexts, strict=True):
        for degree, style in zip(degrees, map(context_style, range(len(degrees))), strict=True):
            change = parallel.attention_change(setting, batches, degree, L)
            alone = parallel.attention_alone(setting, batches, L)
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
    return figure


def describe_tensor(setting: Setting, flips: Flips) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Time of one attention block of {setting.model.name} with tensor parallelism, all-reduce included, over that "
        "with data parallelism alone, at equal batch of the whole system; dots mark where both are equal. "
        f"{conventions(setting, *USED)}."
    )
    alt = f"Curves rise with the batch. They pass 1 at {_listed(flips)}."
    return caption, alt


def _listed(flips: Flips) -> str:
    found = zip(flips["deg_TP"], flips["L"], flips["full_model"], strict=True)
    return ", ".join(f"B = {even:.0f} (deg_TP {degree}, L = {L:.0f})" for degree, L, even in found if even)


def tensor_flips(setting: Setting, degrees: Sequence[int], contexts: np.ndarray) -> Flips:
    """One row per degree and context: the flip by the closed form and in the full model."""
    rows = [(int(degree), float(L), *parallel.even_batch(setting, degree, L)) for L in contexts for degree in degrees]
    return dict(zip(("deg_TP", "L", "closed_form", "full_model"), map(list, zip(*rows, strict=True)), strict=True))


def tensor_notes(flips: Flips) -> dict[str, float]:
    """Numbers for the book: flips of the highest degree at the shortest and the longest context."""
    degree, ends = max(flips["deg_TP"]), (min(flips["L"]), max(flips["L"]))
    closed = {(TP, L): B for TP, L, B in zip(flips["deg_TP"], flips["L"], flips["closed_form"], strict=True)}
    found = {
        "thesis_tp_degree": degree,
        "thesis_tp_short": ends[0],
        "thesis_tp_long": ends[1],
        "thesis_tp_batch_short": closed[degree, ends[0]],
    }
    return found | {"thesis_tp_batch_long": closed[degree, ends[1]]}


# -- several query tokens --------------------------------------------------------------------------
def queries_figure(settings: Sequence[Setting], queries: np.ndarray, L: float, acceptances: Sequence[float]) -> Figure:
    """Throughput of several query tokens a step over one, per acceptance rate; the line at 1 is no gain."""
    figure, panels = pyplot.subplots(1, len(acceptances), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for axes, acceptance in zip(panels[0], acceptances, strict=True):
        for setting, marker in zip(settings, MARKERS, strict=False):
            axes.plot(
                queries,
                parallel.gain(setting, queries, L, acceptance),
                marker=marker,
                color=mechanism_colour(setting),
                label=setting.model.name,
            )
        axes.axhline(1, color="black", linewidth=1)
        axes.set(xlabel="query tokens l", title=f"acceptance {acceptance:g}")
        powers_of_two(axes.xaxis, queries)
    panels[0, 0].set_ylabel("throughput over l = 1")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def describe_queries(settings: Sequence[Setting], L: float, acceptances: Sequence[float]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Accepted tokens per second with several query tokens a step over one, at B_cap, where each token is accepted "
        f"with the same probability if those before it were; drafting is not charged. L = {L:.0f}, "
        f"{conventions(settings[-1], *USED)}."
    )
    words = []
    for setting in settings:
        even = parallel.even_acceptance(setting, 2, L)
        words.append(f"{setting.model.id} {'none' if even is None else rounded(even)}")
    return caption, f"A panel per acceptance rate. Two tokens a step pay above an acceptance of: {', '.join(words)}."


def queries_columns(settings: Sequence[Setting], queries: np.ndarray, L: float, acceptances) -> dict[str, list]:
    """One row per model, acceptance rate and number of query tokens."""
    rows = [
        (setting.model.id, float(rate), float(l), float(gain))
        for setting in settings
        for rate in acceptances
        for l, gain in zip(queries, parallel.gain(setting, queries, L, rate), strict=True)
    ]
    return dict(zip(("model", "acceptance", "l", "gain"), map(list, zip(*rows, strict=True)), strict=True))


def queries_notes(settings: Sequence[Setting], L: float) -> dict[str, float]:
    """Numbers for the book: acceptance above which two tokens a step pay, and query tokens at the ridge point."""
    first, last = settings[0], settings[-1]
    return {
        "thesis_accept_first": parallel.even_acceptance(first, 2, L) or 1.0,
        "thesis_accept_last": parallel.even_acceptance(last, 2, L) or 1.0,
        "thesis_accept_last_four": parallel.even_acceptance(last, 4, L) or 1.0,
        "thesis_queries_first": parallel.query_tokens_at_ridge(first),
        "thesis_queries_last": parallel.query_tokens_at_ridge(last),
    }
