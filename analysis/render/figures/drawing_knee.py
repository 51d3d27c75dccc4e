"""Two times of a kernel, reading and computing, as bars that grow with the batch until they are equal, or never are."""

from collections.abc import Sequence

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.ask.setting import Setting
from analysis.derive.symbols import BW_mem, P_acc
from analysis.render.axes import Rows, headline, in_columns, those
from analysis.render.style import BOUND_LOOKS, WIDTH
from analysis.render.words import person, where
from analysis.systems.layers import TITLES, layers, numbers, swept
from analysis.thesis.full import root

READS, COMPUTES = "reads", "computes"
LOOKS = {READS: BOUND_LOOKS["memory"], COMPUTES: BOUND_LOOKS["compute"]}
MOST = 2.0**24  # requests up to which the two times may become equal


def knee_rows(setting: Setting, batches: Sequence[float]) -> Rows:
    """One row per layer and batch: seconds to read and write at the memory's rate and to compute at the peak rate, in
    one block on one accelerator; layers are the routed experts (else the dense FFN) and core attention.

    Raises InputError for a missing size.
    """
    rows = ((stage, float(batch), *times(setting, stage, batch)) for stage in stages(setting) for batch in batches)
    return in_columns(("layer", "B", READS, COMPUTES), rows)


def stages(setting: Setting) -> tuple[str, str]:
    """The two layers compared."""
    return "routed" if setting.model.n_moe else "dense", "core"


def times(setting: Setting, stage: str, batch: float) -> tuple[float, float]:
    """Seconds that a layer reads, and that it computes, in one block on one accelerator."""
    counts = numbers(layers(setting)[stage], swept(setting, B=float(batch)))
    return float(counts["bytes"] / setting.point[BW_mem]), float(counts["flops"] / setting.point[P_acc])


def equal_batch(setting: Setting, stage: str) -> float | None:
    """The batch [requests] at which a layer computes as long as it reads; None where there is none."""

    def ahead(batch: float) -> float:
        reads, computes = times(setting, stage, batch)
        return computes - reads

    return root(ahead, 1.0, MOST)


def knee_figure(setting: Setting, rows: Rows) -> Figure:
    """A panel per layer at one scale, a pair of bars per batch."""
    batches = list(dict.fromkeys(rows["B"]))
    size = (WIDTH, 1.6 + 0.42 * len(batches))
    figure, panels = pyplot.subplots(1, 2, figsize=size, sharex=True, sharey=True)
    for axes, stage in zip(panels, stages(setting), strict=True):
        _pairs(axes, rows, stage)
        axes.set_title(f"{TITLES[stage]}:\n{_told(setting, rows, stage)}")
        axes.set_xlabel("time in a block [µs]")
    panels[0].set_yticks(range(len(batches)), [f"{batch:,.0f}" for batch in batches])
    panels[0].set(ylim=(len(batches) - 0.5, -0.5), ylabel="requests together")
    handles = [Patch(label=name, **_look(name)) for name in LOOKS]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    headline(figure, _finding(setting))
    return figure


def _look(name: str) -> dict:
    return {"facecolor": LOOKS[name]["ground"], "hatch": LOOKS[name]["hatch"], "edgecolor": "#444444", "linewidth": 0.6}


def _pairs(axes: Axes, rows: Rows, stage: str) -> None:
    own = those(rows, layer=stage)
    for name, shift in ((READS, -0.19), (COMPUTES, 0.19)):
        places = [place + shift for place in range(len(own[name]))]
        axes.barh(places, [time * 1e6 for time in own[name]], 0.36, **_look(name))
    axes.grid(axis="y", visible=False)


def _told(setting: Setting, rows: Rows, stage: str) -> str:
    equal = equal_batch(setting, stage)
    if equal:
        return f"equal at {equal:,.0f} requests"
    reads, computes = times(setting, stage, max(rows["B"]))
    return f"computes {computes / reads:.0%} of its reading"


def _finding(setting: Setting) -> str:
    weights, core = stages(setting)
    equal, never = equal_batch(setting, weights), equal_batch(setting, core) is None
    passes = f"from {equal:,.0f} requests on" if equal else "at no batch"
    named = "Routed experts" if weights == "routed" else "Dense layers"
    told = f"{named} of {person(setting.model.id)} compute longer than they read {passes}"
    return f"{told}; core attention {'never does' if never else 'does, too'}"


def describe_knee(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Reading and computing in one block on one accelerator, at one scale: {where(setting, batch=False)}, "
        f"L = {setting['L']}."
    )
    cells = zip(*rows.values(), strict=True)
    listed = (
        f"{TITLES[stage]} at {B:.0f}: {reads * 1e6:.0f} and {computes * 1e6:.0f}" for stage, B, reads, computes in cells
    )
    return caption, f"Pairs of bars, microseconds of reading and of computing. {'; '.join(listed)}."
