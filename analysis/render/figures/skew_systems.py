"""Skewed routing in one large system and in several small ones: the paper's Fig. 13."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import Rows, headline, in_columns, mechanism_colour, rounded, those
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions
from analysis.systems.arrangements import exponents, imbalance_band
from analysis.systems.grids import capacities, grid
from analysis.systems.quantities import evaluate

USED = ("accelerator", "deg_TP", "placement", "draws", "phase", "order", "width", "peak", "weights")


def requests_per_accelerator(setting: Setting) -> float:
    """The setting's batch, or B_RP of uniform routing if none is given, over its accelerators [requests]."""
    batch = evaluate("B_RP", setting.with_(s=None)).value if setting["B"] is None else setting["B"]
    return float(batch) / setting["n_acc"]


def skew_rows(systems: Mapping[str, Setting], per_accelerator: float) -> Rows:
    """One row per system and s, at equal requests per accelerator and the settings' L.

    Columns: system, s, B [requests], imbalance with its low and high [1], and throughput per accelerator at each
    [tokens/s]. Raises InputError.
    """
    names = ("system", "s", "B", *(f"{what}{end}" for what in ("imbalance", "rate") for end in ("", "_low", "_high")))
    rows = []
    for system, setting in systems.items():
        batch = per_accelerator * setting["n_acc"]
        for s in exponents(setting):
            band = imbalance_band(setting.with_(s=s))
            rates = [_rate(setting, batch, gamma) for gamma in (band.mean, band.high, band.low)]
            rows.append((system, s, batch, *band, *rates))
    return in_columns(names, rows)


def _rate(setting: Setting, batch: float, gamma: float) -> float:
    given = setting.with_(Gamma_imb=max(1.0, gamma))
    return float(grid(given, [batch], [setting["L"]]).per_accelerator[0, 0])


def skew_imbalance_figure(systems: Mapping[str, Setting], rows: Rows) -> Figure:
    """Throughput (left) and load imbalance (right) over s; bands: 95 % of shuffled placements."""
    figure, panels = pyplot.subplots(1, 2, figsize=(WIDTH, 4.0))
    looks = [{"color": COLOURS["dense"], "marker": "o"}, {"color": mechanism_colour(_first(systems)), "marker": "s"}]
    for look, name in zip(looks, systems, strict=True):
        for what, axes in zip(("rate", "imbalance"), panels, strict=True):
            _band(axes, rows, name, what, look)
    panels[0].set(ylim=(0, None), xlabel="Zipf exponent s", ylabel="tokens/s per accelerator")
    panels[1].set(ylim=(0, None), xlabel="Zipf exponent s", ylabel="busiest accelerator's load / mean")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    headline(figure, _imbalance_title(rows))
    return figure


def _first(systems: Mapping[str, Setting]) -> Setting:
    return next(iter(systems.values()))


def _column(rows: Rows, system: str, name: str) -> np.ndarray:
    return np.array(those(rows, system=system)[name])


def _band(axes: Axes, rows: Rows, system: str, what: str, look: dict) -> None:
    s = _column(rows, system, "s")
    axes.plot(s, _column(rows, system, what), label=f"{system} accelerators", **look)
    low, high = (_column(rows, system, f"{what}_{end}") for end in ("low", "high"))
    hatch = {"hatch": "///", "edgecolor": look["color"]} if look["marker"] == "s" else {}
    axes.fill_between(s, low, high, facecolor=look["color"], alpha=0.2, linewidth=0, **hatch)


def at_strongest(rows: Rows, name: str) -> dict[str, float]:
    """A column at the largest s, by system."""
    return {system: float(_column(rows, system, name)[-1]) for system in dict.fromkeys(rows["system"])}


def _imbalance_title(rows: Rows) -> str:
    (small, less), (large, more) = at_strongest(rows, "imbalance").items()
    s = rows["s"][-1]
    return f"At s = {s:g} the load of {large} is {rounded(more / less)} times as uneven as that of {small}"


def describe_skew_imbalance(systems: Mapping[str, Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text; says so where the batch does not fit memory."""
    setting, batches = _first(systems), dict(zip(rows["system"], rows["B"], strict=True))
    full = [name for name, each in systems.items() if batches[name] > capacities(each, [each["L"]])[0]]
    caption = (
        f"Throughput per accelerator of {setting.model.name} and load imbalance against the Zipf exponent s, for "
        f"separate systems and one joined system at {batches[next(iter(systems))] / setting['n_acc']:.0f} requests per "
        f"accelerator and L = {setting['L']:.0f}. The imbalance is the maximum of expected loads; a band holds 95 % of "
        f"random placements. {conventions(setting, *USED)}." + (f" Beyond memory: {', '.join(full)}." if full else "")
    )
    imbalance, rates = at_strongest(rows, "imbalance"), at_strongest(rows, "rate")
    start = {system: _column(rows, system, "rate")[0] for system in systems}
    listed = "; ".join(
        f"{name} {rounded(start[name])} to {rounded(rates[name])} tokens/s per accelerator, imbalance "
        f"{rounded(imbalance[name])} at the end"
        for name in systems
    )
    return caption, f"Two panels over s from {rows['s'][0]:g} to {rows['s'][-1]:g}: {listed}."


def skew_imbalance_notes(rows: Rows) -> dict[str, float]:
    """Numbers for the book: the load imbalance of the small and the large system at the largest s, and their ratio."""
    small, large = at_strongest(rows, "imbalance").values()
    return {"skew_imbalance_small": small, "skew_imbalance_large": large, "skew_imbalance_ratio": large / small}
