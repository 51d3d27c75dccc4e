"""Parameters held and touched, memory by kind, and cache per token: the paper's Fig. 4."""

from collections.abc import Sequence

from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.ask.setting import Setting
from analysis.render.axes import Rows, headline, mechanism_colour, plain_log, rounded, short
from analysis.render.style import COLOURS, PALETTE, WIDTH, family
from analysis.render.words import conventions
from analysis.systems.memory import (
    KIND_TITLES,
    KINDS,
    cached_bytes_per_token,
    memory_by_kind,
    parameters_held_and_touched,
)

KIND_COLOURS = {
    "attention": COLOURS["projections"],
    "dense": COLOURS["dense"],
    "routed": COLOURS["experts"],
    "shared": COLOURS["shared_expert"],
    "other": "#000000",
}
HATCH = "//"


# -- parameters ------------------------------------------------------------------------------------
def parameter_rows(settings: Sequence[Setting]) -> Rows:
    """One row per model: model, parameters held, parameters that a token touches, and their share [1]."""
    pairs = [parameters_held_and_touched(setting) for setting in settings]
    return {
        "model": [setting.model.id for setting in settings],
        "held": [held for held, _ in pairs],
        "touched": [touched for _, touched in pairs],
        "share": [touched / held for held, touched in pairs],
    }


def parameter_figure(rows: Rows) -> Figure:
    """Two bars per model: all parameters, and those that one token touches."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.8 + 0.75 * len(rows["model"])))
    for number, (held, touched) in enumerate(zip(rows["held"], rows["touched"], strict=True)):
        axes.barh(number - 0.2, held / 1e9, 0.36, color=COLOURS["infeasible"])
        axes.barh(number + 0.2, touched / 1e9, 0.36, color=COLOURS["experts"])
        axes.text(held / 1e9, number - 0.2, f" held {rounded(held / 1e9)}", va="center")
        axes.text(touched / 1e9, number + 0.2, f" touched {rounded(touched / 1e9)} ({touched / held:.0%})", va="center")
    _models_down(axes, rows["model"])
    axes.set_xlim(right=max(rows["held"]) / 1e9 * 1.2)
    axes.set_xlabel("parameters [billions]")
    least = rows["share"].index(min(rows["share"]))
    headline(figure, f"A token touches {rows['share'][least]:.1%} of the parameters of {rows['model'][least]}")
    return figure


def describe_parameters(rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    listed = "; ".join(
        f"{model} {rounded(held / 1e9)} billion held, {rounded(touched / 1e9)} touched"
        for model, held, touched in zip(rows["model"], rows["held"], rows["touched"], strict=True)
    )
    caption = "Parameters of each model, and those that one token touches (output head counted, embedding table not)."
    return caption, f"Pairs of bars. {listed}."


# -- memory by kind --------------------------------------------------------------------------------
def memory_rows(settings: Sequence[Setting], tokens: float) -> Rows:
    """One row per model: model, and bytes of each kind of KINDS."""
    found = [memory_by_kind(setting, tokens) for setting in settings]
    return {"model": [s.model.id for s in settings]} | {kind: [memory[kind] for memory in found] for kind in KINDS}


def memory_figure(settings: Sequence[Setting], rows: Rows, tokens: float) -> Figure:
    """Two bars per model, weights by kind and then the cache in the colour of its mechanism: in TB, and in shares."""
    figure, (whole, parts) = pyplot.subplots(
        1, 2, sharey=True, figsize=(WIDTH, 1.6 + 0.55 * len(settings)), width_ratios=(1, 1.5)
    )
    totals = [sum(sizes) for sizes in zip(*(rows[kind] for kind in KINDS), strict=True)]
    _stacked(whole, settings, {kind: [size / 1e12 for size in rows[kind]] for kind in KINDS})
    for number, total in enumerate(totals):
        whole.text(total / 1e12, number, f" {rounded(total / 1e12)}", va="center")
    whole.set(xlim=(0, max(totals) / 1e12 * 1.3), xlabel="memory [TB]")
    shares = {kind: [size / total for size, total in zip(rows[kind], totals, strict=True)] for kind in KINDS}
    _stacked(parts, settings, shares)
    parts.set(xlim=(0, 1), xlabel="share of it")
    parts.xaxis.set_major_formatter("{x:.0%}")
    _models_down(parts, rows["model"])
    whole.grid(axis="y", visible=False)
    _kind_legend(figure)
    sizes = sorted(rows["cache"])
    span = " to ".join(dict.fromkeys(rounded(size / 1e12) for size in (sizes[0], sizes[-1])))
    headline(figure, f"The cache of {short(tokens)} tokens takes {span} TB")
    return figure


def _stacked(axes, settings: Sequence[Setting], widths: Rows) -> None:
    start = [0.0] * len(settings)
    for kind in KINDS:
        colours = KIND_COLOURS.get(kind) or [mechanism_colour(setting) for setting in settings]
        look = {"hatch": HATCH, "edgecolor": "white"} if kind == "cache" else {}
        axes.barh(range(len(settings)), widths[kind], 0.6, left=start, color=colours, **look)
        start = [before + width for before, width in zip(start, widths[kind], strict=True)]


def _kind_legend(figure: Figure) -> None:
    handles = [Patch(color=colour) for colour in KIND_COLOURS.values()]
    handles.append(Patch(facecolor="#888888", hatch=HATCH, edgecolor="white"))
    titles = [KIND_TITLES[kind] for kind in KINDS[:-1]] + ["KV cache, colour of its mechanism"]
    figure.legend(handles, titles, loc="outside lower center", ncols=2)


def _models_down(axes, models: Sequence[str]) -> None:
    axes.set_yticks(range(len(models)), models)
    axes.set_ylim(len(models) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def describe_memory(settings: Sequence[Setting], rows: Rows, tokens: float) -> tuple[str, str]:
    """Caption and alternative text."""
    listed = "; ".join(
        f"{model}: " + ", ".join(f"{KIND_TITLES[kind]} {rounded(rows[kind][number] / 1e9)}" for kind in KINDS)
        for number, model in enumerate(rows["model"])
    )
    used = conventions(settings[0], "width_weights", "width_kv", "rope") + _requests(settings)
    caption = f"Memory by kind: every weight once, and what {short(tokens)} tokens leave in the cache; {used}."
    return caption, f"Stacked bars, in GB. {listed}."


def _requests(settings: Sequence[Setting]) -> str:
    """The length of a request, where it matters: windowed blocks keep less of a longer one."""
    windowed = any(setting.architecture.windowed for setting in settings)
    return f"; tokens of windowed models belong to requests of L = {settings[0]['L']}" if windowed else ""


# -- cache per token -------------------------------------------------------------------------------
def cache_rows(settings: Sequence[Setting]) -> Rows:
    """One row per model, largest cache first: model, attention, bytes per token."""
    found = sorted(((cached_bytes_per_token(s), s) for s in settings), key=lambda pair: -pair[0])
    return {
        "model": [setting.model.id for _, setting in found],
        "attention": [setting.model.attention for _, setting in found],
        "bytes_per_token": [size for size, _ in found],
    }


def cache_figure(settings: Sequence[Setting], rows: Rows) -> Figure:
    """One bar per model, coloured by mechanism, hatched where blocks are windowed, on a logarithmic axis."""
    families = _family_colours(settings)
    colours = {setting.model.id: families[family(setting.model.attention).upper()] for setting in settings}
    windowed = {setting.model.id for setting in settings if setting.architecture.windowed}
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + 0.21 * len(rows["model"])))
    sizes = [size / 1e3 for size in rows["bytes_per_token"]]
    bars = axes.barh(range(len(sizes)), sizes, 0.7, color=[colours[model] for model in rows["model"]])
    for bar, model in zip(bars, rows["model"], strict=True):
        bar.set(hatch=HATCH if model in windowed else "", edgecolor="white" if model in windowed else "none")
    for number, size in enumerate(sizes):
        axes.text(size, number, f" {rounded(size)}", va="center")
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / 2, max(sizes) * 2)
    plain_log(axes.xaxis)
    _models_down(axes, rows["model"])
    handles = {name: Patch(color=colour) for name, colour in families.items()}
    if windowed:
        handles["windowed blocks"] = Patch(facecolor="#888888", hatch=HATCH, edgecolor="white")
    axes.legend(handles.values(), handles, loc="lower right")
    axes.set_xlabel("cached per token, all blocks [kB]")
    headline(figure, f"Cache per token: {rounded(sizes[-1])} kB ({rows['model'][-1]}) to {rounded(sizes[0])} kB")
    return figure


def _family_colours(settings: Sequence[Setting]) -> dict[str, str]:
    """A colour for each family of mechanisms: its own, or a free one where an earlier family here has the same."""
    found: dict[str, str] = {}
    own = {family(setting.model.attention).upper(): mechanism_colour(setting) for setting in settings}
    free = [colour for colour in PALETTE if colour not in own.values()]
    for name in sorted(own, key=lambda name: [*COLOURS].index(name.lower())):
        found[name] = own[name] if own[name] not in found.values() else free.pop(0)
    return found


def describe_cache(settings: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    used = conventions(settings[0], "width_kv", "rope") + _requests(settings)
    listed = ", ".join(
        f"{model} {rounded(size / 1e3)}" for model, size in zip(rows["model"], rows["bytes_per_token"], strict=True)
    )
    caption = f"Cached bytes of one token over all blocks, for every model of the data; {used}."
    return caption, f"Bars, largest first, in kB: {listed}."


def cache_notes(rows: Rows) -> dict[str, float]:
    """Smallest and largest cache per token among the models [byte], for the prose."""
    return {"cache_smallest": rows["bytes_per_token"][-1], "cache_largest": rows["bytes_per_token"][0]}
