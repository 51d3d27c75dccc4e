"""Parameters held and touched, memory by kind, and cache per token: the paper's Fig. 4."""

from collections.abc import Sequence
from itertools import cycle
from textwrap import fill

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.ask.setting import Setting
from analysis.render.axes import Rows, headline, mechanism_colour, plain_log, rounded, short
from analysis.render.style import COLOURS, PALETTE, WIDTH, family
from analysis.render.words import conventions, named
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
BESIDE = (0.0, -0.16, 0.16)  # heights within a line, so that marks of equal sizes are seen
DECADES = tuple(10.0**power for power in range(-3, 7))


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
        axes.text(
            touched / 1e9,
            number + 0.2,
            f" touched {rounded(touched / 1e9)} ({rounded(100 * touched / held, 2)} %)",
            va="center",
        )
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
    """One row per model, largest cache first: model, attention, what other blocks keep, bytes per token."""
    found = sorted(((cached_bytes_per_token(s), s) for s in settings), key=lambda pair: -pair[0])
    return {
        "model": [setting.model.id for _, setting in found],
        "attention": [family(setting.model.attention).upper() for _, setting in found],
        "beside": [_beside(setting) for _, setting in found],
        "bytes_per_token": [size for size, _ in found],
    }


def _beside(setting: Setting) -> str:
    """What some blocks keep in place of a cache of the whole context: states, the tokens of a window, or nothing else.

    >>> _beside(Setting.of(model="qwen3-next-80b-a3b")), _beside(Setting.of(model="gpt-oss-20b"))
    ('states', 'windows')
    """
    mixers = [kind.mechanism for kind in setting.architecture.kinds if kind.mechanism]
    stateful = any(not (mixer.cache_text or mixer.borrows) for mixer in mixers)
    return "states" if stateful else "windows" if setting.architecture.windowed else ""


def cache_figure(rows: Rows) -> Figure:
    """A line per mechanism and what stands beside it, on a logarithmic axis; a mark per model, the ends by name."""
    kinds: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for model, attention, beside, size in zip(*rows.values(), strict=True):
        kinds.setdefault((attention, beside), []).append((model, size / 1e3))
    colours = dict(zip(sorted({*rows["attention"]}, key=lambda name: [*COLOURS].index(name.lower())), cycle(PALETTE)))
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + 0.4 * len(kinds)))
    for place, ((attention, _), models) in enumerate(kinds.items()):
        heights = [place + BESIDE[number % len(BESIDE)] for number in range(len(models))]
        axes.plot([size for _, size in models], heights, "o", color=colours[attention], markeredgecolor="white")
        _name_end(axes, *models[0], place, "left")
        if len(models) > 1:
            _name_end(axes, *models[-1], place, "right")
    least, most = (rows["bytes_per_token"][end] / 1e3 for end in (-1, 0))
    axes.set(xscale="log", xlim=(least / 250, most * 12), ylim=(len(kinds) - 0.5, -0.5))
    axes.set_xticks([tick for tick in DECADES if least < tick < most])
    plain_log(axes.xaxis)
    axes.set_yticks(range(len(kinds)), [f"{name}, {beside}" if beside else name for name, beside in kinds])
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("cached per token, all blocks [kB]")
    ends = f"{rounded(least)} kB ({rows['model'][-1]}) to {rounded(most)} kB ({rows['model'][0]})"
    headline(figure, f"A token's cache takes from {ends}")
    return figure


def _name_end(axes: Axes, model: str, size: float, place: int, side: str) -> None:
    """Write a model and its size [kB] on the far side of its mark."""
    label, gap = fill(f"{named(model)} {rounded(size)}", 21, break_on_hyphens=False), 6 if side == "left" else -6
    axes.annotate(label, (size, place), (gap, 0), textcoords="offset points", va="center", ha=side)


def describe_cache(settings: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    used = conventions(settings[0], "width_kv", "rope") + _requests(settings)
    listed = ", ".join(
        f"{model} {rounded(size / 1e3)}" for model, size in zip(rows["model"], rows["bytes_per_token"], strict=True)
    )
    caption = (
        "Cached bytes of one token over all blocks: a mark for every model of the data, in a line by its mechanism. "
        "States or windows: some blocks keep those and no cache of the whole context. Named are the ends of a line; "
        f"heights within a line mean nothing; {used}."
    )
    return caption, f"Marks, largest first, in kB: {listed}."


def cache_notes(rows: Rows) -> dict[str, float]:
    """Smallest and largest cache per token among the models [byte], for the prose."""
    return {"cache_smallest": rows["bytes_per_token"][-1], "cache_largest": rows["bytes_per_token"][0]}
