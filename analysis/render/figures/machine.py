"""The reader's own machine: timed kernels under the roofline of its own rates, and what reordering gains there."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.measured.kernel_rows import STAGES, STATES
from analysis.measured.own_machine import OwnMachine, order_times, texts
from analysis.measured.predict import numbers
from analysis.measured.validate import Compared
from analysis.render.axes import LAYER_COLOURS, Rows, headline, plain_log, powers_of_two, prefixed, rounded, those
from analysis.render.style import COLOURS, MARKERS, WIDTH, family
from analysis.render.words import ORDER_WORDS

NAMES = STAGES | {"gemm": "matrix product"}
COLOUR = {
    "MHA core": COLOURS["mha"],
    "GQA core": COLOURS["gqa"],
    "MLA core with reordering": COLOURS["mla"],
    "MLA core without reordering": COLOURS["mla_as_printed"],
    "MLA decompression without reordering": LAYER_COLOURS["decompression"],
    "MLA decompression with reordering": "#666666",
    "experts": COLOURS["experts"],
    "matrix product": "#000000",
}


def machine_rows(machine: OwnMachine) -> Rows:
    """One row per timed kernel that computes: what it is, intensity [FLOP/byte], rate [FLOP/s], times [s]."""
    chosen = machine.compared.rows(machine.compared.prediction.flops > 0)
    return {
        "series": _all_series(chosen),
        "n_hd": [int(n) if n == n else "" for n in numbers(chosen.table, "n_hd")],
        "grouping": texts(chosen.table, "grouping").tolist(),
        "intensity": chosen.prediction.intensity.tolist(),
        "rate": (chosen.prediction.flops / chosen.latency).tolist(),
        "measured": chosen.latency.tolist(),
        "predicted": chosen.prediction.time.tolist(),
        "spread": numbers(chosen.table, "spread").tolist(),
        "kernel": texts(chosen.table, "kernel").tolist(),
    }


def _all_series(compared: Compared) -> list[str]:
    columns = (texts(compared.table, name) for name in ("operation", "mechanism", "order"))
    return [_series(*cells) for cells in zip(*columns, strict=True)]


def _series(operation: str, mechanism: str | None, order: str | None) -> str:
    """A kernel in words.

    >>> _series("core_attention", "MLA", "reordered"), _series("state_step", "GDN", None)
    ('MLA core with reordering', 'GDN state step')
    """
    what = operation if operation in STATES else NAMES.get(operation, operation)
    parts = (mechanism, what.replace("_", " "), ORDER_WORDS.get(order or ""))
    return " ".join(part for part in parts if part)


def machine_figure(rows: Rows, machine: OwnMachine) -> Figure:
    """Attained rate against intensity, under the roof of the machine's best product and best read."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 5.4))
    x = np.geomspace(min(0.2, *rows["intensity"]) / 1.5, max(rows["intensity"]) * 2, 200)
    axes.loglog(
        x,
        np.minimum(machine.arithmetic, machine.traffic * x),
        color="black",
        linewidth=1.2,
        label="roof: best product, best read",
    )
    axes.axvline(machine.ridge, color="#999999", linewidth=0.8, linestyle=":")
    for number, name in enumerate(dict.fromkeys(rows["series"])):
        own = those(rows, series=name)
        axes.plot(
            own["intensity"],
            own["rate"],
            MARKERS[number % len(MARKERS)],
            color=COLOUR.get(name) or COLOURS.get(family(name.split()[0]), "#444444"),
            linestyle="none",
            alpha=0.8,
            label=name,
        )
    axes.set(xlabel="intensity [FLOP/byte]", ylabel="attained rate [FLOP/s]", xlim=(x[0], x[-1]))
    headline(figure, f"{machine.title}: ridge point at {rounded(machine.ridge)} FLOP/byte")
    plain_log(axes.xaxis, axes.yaxis)
    figure.legend(loc="outside lower center", ncols=2, handlelength=1.2, columnspacing=0.6, handletextpad=0.4)
    return figure


def describe_machine(rows: Rows, machine: OwnMachine) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"{len(rows['rate'])} timed kernels on {machine.title}. The roof is the machine's own: its best matrix "
        f"product, {prefixed(machine.arithmetic, 'FLOP/s')}, and its best read, {prefixed(machine.traffic, 'B/s')}. "
        "Intensities are those of the derivation, with the grouping that each kernel implements and its element "
        "width; heights are measured."
    )
    reached = {name: max(those(rows, series=name)["intensity"]) for name in dict.fromkeys(rows["series"])}
    alt = "Log-log roofline with measured points. Highest intensity of each series in FLOP/byte: "
    return caption, alt + "; ".join(f"{name} {rounded(x)}" for name, x in reached.items()) + "."


# -- the two orders ------------------------------------------------------------------------------------------------
def machine_order_rows(machine: OwnMachine) -> Rows:
    """One row per shape: heads, B, L, times [s], and time without over time with reordering, measured and predicted."""
    found = order_times(machine)
    columns = {name: [each[name] for each in found] for name in (found[0] if found else ("n_hd", "L"))}
    for kind in ("measured", "predicted"):
        pairs = [(each[f"{kind}_as_printed"], each[f"{kind}_reordered"]) for each in found]
        columns[f"speedup_{kind}"] = [printed / reordered for printed, reordered in pairs]
    return columns


def machine_order_figure(rows: Rows) -> Figure:
    """Time without over time with reordering against context, measured and predicted, by heads."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.2))
    for number, heads in enumerate(dict.fromkeys(rows["n_hd"])):
        _order_lines(axes, rows, heads, MARKERS[number], (COLOURS["mla"], COLOURS["mha"])[number % 2])
    axes.set_xscale("log", base=2)
    powers_of_two(axes.xaxis, sorted(set(rows["L"])))
    axes.set(xlabel="context L [tokens]", ylabel="time without over with reordering")
    axes.set_ylim(bottom=0)
    gains = rows["speedup_measured"]
    if gains:
        figure.legend(loc="outside lower center", ncols=2)
    headline(figure, f"Reordering makes decode here {_span(gains)} times as fast" if gains else "No pair was timed")
    return figure


def _span(numbers: Sequence[float]) -> str:
    return f"{rounded(min(numbers), 2)} to {rounded(max(numbers), 2)}"


def _order_lines(axes: Axes, rows: Rows, heads: float, marker: str, colour: str) -> None:
    own = those(rows, n_hd=heads)
    for kind, style in (("measured", "-"), ("predicted", "--")):
        axes.plot(
            own["L"], own[f"speedup_{kind}"], style, marker=marker, color=colour, label=f"{heads:.0f} heads, {kind}"
        )


def describe_machine_orders(rows: Rows, machine: OwnMachine) -> tuple[str, str]:
    """Caption and alternative text."""
    if not rows["L"]:
        return "No row times both orders of one shape.", "An empty chart."
    caption = (
        f"Decode with MLA on {machine.title}: time of core and decompression without reordering, over core and "
        "absorbed products with it, at equal batch and context. Broken: the roofline of the machine's own rates."
    )
    parts = [
        f"{heads:.0f} heads, L {L:.0f}: measured {rounded(measured)}, predicted {rounded(predicted)}"
        for heads, L, measured, predicted in zip(
            *(rows[name] for name in ("n_hd", "L", "speedup_measured", "speedup_predicted")), strict=True
        )
    ]
    return caption, "Lines over context. " + "; ".join(parts) + "."


def machine_notes(rows: Rows, orders: Rows, machine: OwnMachine) -> dict[str, float | str]:
    """Numbers for the prose: the machine, its rates, where each series lies, and what reordering gains."""
    found = {
        "machine_title": machine.title,
        "machine_arithmetic": machine.arithmetic,
        "machine_traffic": machine.traffic,
        "machine_ridge": machine.ridge,
        "machine_rows": len(machine.compared.table),
        "machine_blas": str(machine.record.get("blas", "unknown")),
        "machine_speedup_low": min(orders["speedup_measured"], default=float("nan")),
        "machine_speedup_high": max(orders["speedup_measured"], default=float("nan")),
    }
    for name in dict.fromkeys(rows["series"]):
        key = name.replace(" ", "_")
        found[f"machine_intensity_{key}"] = max(those(rows, series=name)["intensity"])
    series = np.array(_all_series(machine.compared))
    for name in dict.fromkeys(series):
        ratio = float(np.median(machine.compared.ratio[series == name]))
        found[f"machine_ratio_{name.replace(' ', '_')}"] = ratio
    return found
