"""What a slower network costs in throughput: the paper's Fig. 10."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, mechanism_colour, plain_log
from analysis.render.marks import context_style
from analysis.render.style import LINE_STYLES, WIDTH
from analysis.render.words import conventions
from analysis.systems.grids import CAPACITY, Grid, capacities, grid

USED = ("accelerator", "n_acc", "deg_TP", "deg_EP", "phase", "order", "grouping", "width", "peak", "overlap", "alpha")


def network_grids(networks: Mapping[str, Setting], batches: np.ndarray, contexts: np.ndarray) -> dict[str, Grid]:
    """The system on each network over the range of the batches, and the contexts. Raises InputError."""
    fine = np.geomspace(batches[0], batches[-1], 120)
    return {name: grid(setting, fine, contexts) for name, setting in networks.items()}


def network_figure(grids: Mapping[str, Grid]) -> Figure:
    """Throughput over the batch, a panel per context, a line per network; faint beyond memory."""
    contexts = next(iter(grids.values())).contexts
    figure, panels = pyplot.subplots(1, len(contexts), figsize=(WIDTH, 3.9), sharey=True, squeeze=False)
    for row, axes in enumerate(panels[0]):
        for number, (name, each) in enumerate(grids.items()):
            _network_line(axes, each, row, name, context_style(number))
        cap = capacities(each.setting, contexts[row : row + 1])[0]
        axes.axvline(max(cap, each.batches[0]), color="black", linestyle=LINE_STYLES["capacity"], linewidth=1)
        axes.set(xscale="log", yscale="log", xlabel="requests together B", title=f"L = {contexts[row]:.0f}")
        plain_log(axes.xaxis, axes.yaxis)
    panels[0, 0].set_ylabel("tokens/s per accelerator")
    handles = [*panels[0, 0].get_legend_handles_labels()[0]]
    handles.append(pyplot.Line2D([], [], color="black", linestyle=":", label="memory full (B_cap)"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    headline(figure, _network_title(grids))
    return figure


def _network_line(axes: Axes, each: Grid, row: int, name: str, style: str) -> None:
    fits, rates, colour = each.reason[row] != CAPACITY, each.per_accelerator[row], mechanism_colour(each.setting)
    axes.plot(each.batches, rates, style, color=colour, alpha=0.3)
    axes.plot(each.batches[fits], rates[fits], style, color=colour, label=name)


def losses(grids: Mapping[str, Grid]) -> dict[str, float]:
    """Largest loss of throughput against the first network [1], over the points that fit memory."""
    first = next(iter(grids.values()))
    kept = first.reason != CAPACITY
    return {
        name: float(np.max(1 - each.per_accelerator / first.per_accelerator, where=kept, initial=0))
        for name, each in list(grids.items())[1:]
    }


def _network_title(grids: Mapping[str, Grid]) -> str:
    listed = ", ".join(f"{loss:.0%} with {name}" for name, loss in losses(grids).items())
    return f"Throughput lost at worst: {listed}"


def describe_networks(grids: Mapping[str, Grid]) -> tuple[str, str]:
    """Caption and alternative text."""
    first = next(iter(grids.values()))
    caption = (
        f"Throughput per accelerator of {first.setting.model.name} over batch and context on three networks. Faint "
        f"lines lie beyond the batch that fits memory. {conventions(first.setting, *USED)}."
    )
    listed = "; ".join(f"{name} loses up to {loss:.0%}" for name, loss in losses(grids).items())
    return caption, f"Lines rising with the batch. Against {next(iter(grids))}: {listed}."


def network_notes(grids: Mapping[str, Grid]) -> dict[str, float]:
    """Numbers for the book: largest loss of throughput with the slow link between groups, and everywhere."""
    between, everywhere = losses(grids).values()
    return {"throughput_lost_between_groups": between, "throughput_lost_everywhere": everywhere}
