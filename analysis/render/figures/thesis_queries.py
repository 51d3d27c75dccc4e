"""Several query tokens a step (proposition g)."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, in_columns, mechanism_colour, powers_of_two, rounded
from analysis.render.marks import context_style
from analysis.render.style import MARKERS, WIDTH
from analysis.render.words import conventions, person, speaker
from analysis.thesis import queries as found

USED = ("accelerator", "n_acc", "phase", "order", "width", "peak", "weights")


def queries_figure(settings: Sequence[Setting], queries: np.ndarray, L: float, acceptances: Sequence[float]) -> Figure:
    """Throughput of several query tokens a step over one, per acceptance rate; the line at 1 is no gain."""
    figure, panels = pyplot.subplots(1, len(acceptances), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for axes, acceptance in zip(panels[0], acceptances, strict=True):
        for setting, marker in zip(settings, MARKERS, strict=False):
            axes.plot(
                queries,
                found.gain(setting, queries, L, acceptance),
                marker=marker,
                color=mechanism_colour(setting),
                label=person(setting.model.id),
            )
        axes.axhline(1, color="black", linewidth=1)
        axes.set(xlabel="query tokens l", title=f"acceptance {acceptance:g}")
        powers_of_two(axes.xaxis, queries)
    panels[0, 0].set_ylabel("throughput over l = 1")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    even = found.even_acceptance(settings[-1], 2, L)
    when = "never pay" if even is None else f"pay above an acceptance of {rounded(even, 2)}"
    headline(figure, f"Two query tokens a step {when} for {person(settings[-1].model.id)}")
    return figure


def describe(settings: Sequence[Setting], L: float, acceptances: Sequence[float]) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        "Accepted tokens per second with several query tokens a step over one, at B_cap, where each token is accepted "
        f"with the same probability if those before it were; drafting is not charged. L = {L:.0f}, "
        f"{conventions(speaker(settings), *USED)}."
    )
    words = []
    for setting in settings:
        even = found.even_acceptance(setting, 2, L)
        words.append(f"{setting.model.id} {'none' if even is None else rounded(even)}")
    return caption, f"A panel per acceptance rate. Two tokens a step pay above an acceptance of: {', '.join(words)}."


def columns(settings: Sequence[Setting], queries: np.ndarray, L: float, acceptances) -> dict[str, list]:
    """One row per model, acceptance rate and number of query tokens."""
    rows = [
        (setting.model.id, float(rate), float(l), float(gain))
        for setting in settings
        for rate in acceptances
        for l, gain in zip(queries, found.gain(setting, queries, L, rate), strict=True)
    ]
    return in_columns(("model", "acceptance", "l", "gain"), rows)


def _acceptance(setting: Setting, query: int, L: float) -> float:
    """Acceptance rate above which so many query tokens pay [1]; inf where they never do."""
    even = found.even_acceptance(setting, query, L)
    return float("inf") if even is None else even


# -- the number of query tokens that serves most ---------------------------------------------------
RATES = np.linspace(0, 1, 101)  # acceptance rates of the curves


def acceptance_figure(settings: Sequence[Setting], queries: np.ndarray, L: float) -> Figure:
    """The number of query tokens that serves most along the acceptance rate, and its throughput over one."""
    figure, (number, gain) = pyplot.subplots(2, 1, figsize=(WIDTH, 4.6), sharex=True)
    for setting, dashes in zip(settings, map(context_style, range(len(settings))), strict=True):
        best = [found.best_query(setting, queries, L, rate) for rate in RATES]
        look = {"color": mechanism_colour(setting), "linestyle": dashes}
        number.step(RATES, [query for query, _ in best], where="mid", label=person(setting.model.id), **look)
        gain.plot(RATES, [more for _, more in best], **look)
    number.set(ylabel="query tokens", title="number that serves most", yticks=queries)
    gain.set(ylabel="over l = 1", title="its throughput", xlabel="acceptance", xlim=(0, 1))
    figure.legend(*number.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    first = found.first_acceptance(settings[-1], queries, L)
    name = person(settings[-1].model.id)
    headline(
        figure,
        f"No drafts pay for {name}"
        if first is None
        else f"No drafts pay for {name} up to an acceptance of {rounded(first, 2)}",
    )
    return figure


def describe_acceptance(settings: Sequence[Setting], queries: np.ndarray, L: float) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Which of {queries[0]:g} to {queries[-1]:g} query tokens a step give most accepted tokens per second, each at "
        "its own B_cap, and how many over one token a step; drafting is not charged. "
        f"L = {L:.0f}, {conventions(speaker(settings), *USED)}."
    )
    firsts = {each.model.id: found.first_acceptance(each, queries, L) for each in settings}
    words = [f"{name} {'none' if first is None else rounded(first)}" for name, first in firsts.items()]
    return caption, f"Steps and curves rise with the acceptance. Drafts pay above: {', '.join(words)}."


def acceptance_columns(settings: Sequence[Setting], queries: np.ndarray, L: float) -> dict[str, list]:
    """One row per model and acceptance rate."""
    rows = [
        (setting.model.id, float(rate), *found.best_query(setting, queries, L, rate))
        for setting in settings
        for rate in RATES
    ]
    return in_columns(("model", "acceptance", "l", "gain"), rows)


def notes(settings: Sequence[Setting], L: float) -> dict[str, float]:
    """Numbers for the book: acceptance above which two tokens a step pay, and query tokens at the ridge point."""
    first, last = settings[0], settings[-1]
    return {
        "thesis_accept_first": _acceptance(first, 2, L),
        "thesis_accept_last": _acceptance(last, 2, L),
        "thesis_accept_last_four": _acceptance(last, 4, L),
        "thesis_queries_first": found.query_tokens_at_ridge(first),
        "thesis_queries_last": found.query_tokens_at_ridge(last),
    }
