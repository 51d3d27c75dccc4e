"""How far each accelerator of the data stands from the machine that a model wants, by resource and precision."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.render.axes import headline, in_columns, plain_log, rounded
from analysis.render.figures.design import USED
from analysis.render.style import WIDTH
from analysis.render.words import conventions, person
from analysis.systems.design import Design, Distance, distances

SHOWN = {"arithmetic": "arithmetic", "capacity": "memory", "interconnect": "link"}
TICKS = {"arithmetic": (0.1, 1, 10, 100), "capacity": (0.3, 1, 3), "interconnect": (1, 10, 100, 1000)}
MARKS = {"bf16": ("o", "#D55E00"), "fp8": ("s", "#0072B2"), "fp4": ("^", "#009E73")}
Rows = Mapping[str, Mapping[str, Distance]]


def stand(found: Sequence[Design], besides: Sequence[str] = ()) -> Rows:
    """Accelerators that serve somebody within the limit, by id, and their distance in each precision; those that the
    paper prints are left out, as they stand there as shipped too, but for `besides`. Fewest FLOP for a byte first."""
    rows: dict[str, dict[str, Distance]] = {}
    for design in found:
        for each in distances(design):
            if each.batch == each.batch and (not each.row.id.endswith("-paper") or each.row.id in besides):
                rows.setdefault(each.row.id, {})[design.setting["peak"]] = each
    order = sorted(rows, key=lambda id_: _over(rows[id_].get("fp8") or next(iter(rows[id_].values()))))
    return {id_: rows[id_] for id_ in order}


def _over(each: Distance) -> float:
    return each.has["arithmetic"] or np.inf


def distance_figure(rows: Rows) -> Figure:
    """A panel a resource, a row an accelerator: what it has over what the machine of its bandwidth wants."""
    figure, every = pyplot.subplots(1, len(SHOWN), figsize=(WIDTH, 1.3 + 0.165 * len(rows)), sharey=True)
    for axes, (name, title) in zip(every, SHOWN.items(), strict=True):
        axes.axvline(1, color="black", linewidth=1)
        for place, found in enumerate(rows.values()):
            points = [(each.has[name], *MARKS[peak]) for peak, each in found.items() if each.has[name]]
            if len(points) > 1:
                axes.plot([over for over, *_ in points], [place] * len(points), color="#BBBBBB", linewidth=1)
            for over, marker, colour in points:
                axes.plot(over, place, marker, color=colour, markersize=4.5)
        axes.set(xscale="log", title=title, ylim=(len(rows) - 0.4, -0.6))
        plain_log(axes.xaxis)
        axes.set_xticks(TICKS[name])
        axes.tick_params(axis="y", length=0)
    every[0].set_yticks(range(len(rows)), rows)
    every[len(every) // 2].set_xlabel("what it has over what the model wants")
    handles = [
        pyplot.Line2D([], [], color=colour, marker=marker, linestyle="", label=peak.upper())
        for peak, (marker, colour) in MARKS.items()
        if any(peak in found for found in rows.values())
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    headline(figure, finding(rows))
    return figure


def ratios(rows: Rows, resource: str, peak: str) -> list[float]:
    """What accelerators have of a resource over what the model wants in a precision, where both are known [1]."""
    found = (each[peak].has[resource] for each in rows.values() if peak in each)
    return [over for over in found if over is not None]


def finding(rows: Rows) -> str:
    """The title: how many accelerators have too little arithmetic and enough of a link in one precision."""
    peak, told = _told_in(rows), notes(rows)
    weak, fast, wired = told["design_short"], told["design_fast"], len(ratios(rows, "interconnect", peak))
    return (
        f"In {peak.upper()} {weak} of {told['design_compared']} accelerators compute too little for their bandwidth; "
        f"{f'all {fast}' if fast == wired else f'{fast} of {wired}'} links are fast enough"
    )


def notes(rows: Rows) -> dict[str, int]:
    """Numbers for the page: accelerators compared in FP8, and those of them with too little arithmetic, with enough
    memory, with enough of a link."""
    found = {name: ratios(rows, name, _told_in(rows)) for name in SHOWN}
    enough = {name: sum(over >= 1 for over in every) for name, every in found.items()}
    return {
        "design_compared": len(found["arithmetic"]),
        "design_short": len(found["arithmetic"]) - enough["arithmetic"],
        "design_roomy": enough["capacity"],
        "design_fast": enough["interconnect"],
    }


def _told_in(rows: Rows) -> str:
    """FP8, or the first precision there is."""
    return next(peak for peak in ("fp8", *MARKS) if any(peak in each for each in rows.values()))


def describe(rows: Rows, found: Sequence[Design]) -> tuple[str, str]:
    """Caption and alternative text of the distances."""
    setting = found[0].setting
    caption = (
        f"Each accelerator over the balanced machine of its own memory bandwidth, for {person(setting.model.id)} at "
        f"{setting['L']:.0f} tokens and {1e3 * setting['slo']:g} ms. Left of the line it has too little. Not shown: "
        f"accelerators that read the weights too slowly in every precision, and links that are not published; "
        f"{conventions(setting, *USED)}."
    )
    told = [
        f"{id_} in {peak.upper()} {', '.join(_told(name, each) for name in SHOWN)}"
        for id_, every in rows.items()
        for peak, each in every.items()
    ]
    return caption, f"Marks by accelerator: {'; '.join(told)}."


def _told(name: str, each: Distance) -> str:
    over = each.has[name]
    return f"{SHOWN[name]} {'not known' if over is None else rounded(over)}"


def table(rows: Rows) -> dict[str, list]:
    """One row an accelerator and precision: the batch [requests], and has over wants of each resource [1]."""
    lines = [
        (id_, peak, each.batch, *(np.nan if each.has[name] is None else each.has[name] for name in SHOWN))
        for id_, every in rows.items()
        for peak, each in every.items()
    ]
    return in_columns(("accelerator", "peak", "B", *SHOWN), lines)
