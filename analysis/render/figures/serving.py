"""TPOT and throughput over batch and context, and which cells are out of reach: the paper's Fig. 2."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps, pyplot
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, rounded
from analysis.render.marks import cell_ticks, cells, count_reasons, reason_patches
from analysis.render.style import WIDTH
from analysis.render.words import conventions
from analysis.systems.grids import CAPACITY, Grid, best, capacities, grid

SHARED = ("accelerator", "n_acc", "phase", "grouping", "width", "peak", "weights", "overlap", "alpha")


def degrees_of(settings: Sequence[Setting]) -> str:
    """Each model with its degrees of parallelism, for captions."""
    used = {True: ("deg_TP", "deg_DP", "deg_EP"), False: ("deg_TP", "deg_DP")}
    return "; ".join(f"{each.model.name} {conventions(each, *used[each.architecture.experts])}" for each in settings)


def serving_grids(settings: Sequence[Setting], batches: np.ndarray, contexts: np.ndarray) -> list[Grid]:
    """Each system over batches and contexts. Raises InputError."""
    return [grid(setting, batches, contexts) for setting in settings]


def serving_figure(grids: Sequence[Grid]) -> Figure:
    """One row of heat maps per model: TPOT, and tokens/s per accelerator; infeasible cells marked."""
    size = (WIDTH, 0.9 + 2.1 * len(grids))
    figure, rows = pyplot.subplots(len(grids), 2, figsize=size, sharex=True, sharey=True, squeeze=False)
    scales = [_scale(grids, lambda each: each.tpot * 1e3), _scale(grids, lambda each: each.per_accelerator)]
    for axes, each in zip(rows, grids, strict=True):
        cells(axes[0], each.tpot * 1e3, each.reason, colormaps["Purples"], scales[0])
        cells(axes[1], each.per_accelerator, each.reason, colormaps["Greens"], scales[1])
        axes[0].set_title(f"{each.setting.model.id}: TPOT [ms]")
        axes[1].set_title("tokens/s per accelerator")
        axes[0].set_ylabel("context L")
        cell_ticks(axes[0], each.batches, each.contexts)
    for axes in rows[-1]:
        cell_ticks(axes, grids[0].batches, grids[0].contexts)
        axes.set_xlabel("requests together B")
    reasons = {why for each in grids for why in each.reason.flat}
    figure.legend(handles=reason_patches(grids[0].setting, reasons), loc="outside lower center", ncols=2)
    headline(figure, _serving_title(grids))
    return figure


def _scale(grids: Sequence[Grid], of: Callable[[Grid], np.ndarray]) -> LogNorm:
    """One scale for all models, over the points that fit memory (over all points where none fits)."""
    fitting = np.concatenate([of(each)[each.reason != CAPACITY] for each in grids])
    values = fitting if len(fitting) else of(grids[0])
    return LogNorm(values.min() / 2, values.max())


def middle(contexts: np.ndarray) -> float:
    """The context that titles and notes speak of [tokens]."""
    return float(contexts[len(contexts) // 2])


def batch_limits(settings: Sequence[Setting], L: float) -> dict[str, float]:
    """B_cap [requests] of each model at a context."""
    return {setting.model.id: float(capacities(setting, [L])[0]) for setting in settings}


def _serving_title(grids: Sequence[Grid]) -> str:
    L = middle(grids[0].contexts)
    limits = batch_limits([each.setting for each in grids], L)
    listed = ", ".join(f"{name}\N{NO-BREAK SPACE}{limit:.0f}" for name, limit in limits.items())
    return f"Requests that fit memory at L = {L:.0f}: {listed}"


def describe_serving(grids: Sequence[Grid]) -> tuple[str, str]:
    """Caption and alternative text."""
    settings = [each.setting for each in grids]
    counts = "; ".join(f"{each.setting.model.name}: {count_reasons(each.setting, each.reason)}" for each in grids)
    caption = (
        "Time per output token and throughput per accelerator over batch and context. Grey crossed cells do not fit "
        f"memory; hatched ones fit, but a token takes longer than the SLO. {degrees_of(settings)}. "
        f"Common to all: {conventions(settings[0], *SHARED)}."
    )
    ranges = "; ".join(f"{each.setting.model.name}: {_ranges(each)}" for each in grids)
    return caption, f"Heat maps, one row per model. {ranges}. Infeasible: {counts}."


def _ranges(each: Grid) -> str:
    if not each.feasible.any():
        return "no feasible cell"
    times = each.tpot[each.feasible] * 1e3
    return (
        f"feasible TPOT from {rounded(times.min())} to {rounded(times.max())} ms, throughput up to "
        f"{rounded(best(each))} tokens/s per accelerator"
    )
