"""One token's step as a timeline: its blocks one after another, then the layers and wires of one block, to scale."""

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.serving import COMMUNICATION, STREAMS
from analysis.render.axes import Rows, headline, in_columns, layer_colour, rounded, seconds
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import person, where
from analysis.systems import system
from analysis.systems.layers import ATTENTION, block_counts, layers, numbers

EXPERTS = ("router", "latent", "dispatch", "routed", "shared", "combine")
REDUCED = "all_reduce"
LAST = (STREAMS[1], "head")
ORDER = (*ATTENTION, REDUCED, "dense", *EXPERTS, STREAMS[0], *LAST)
"""Layers and exchanges in the order in which a step runs them."""
HATCHES = {"combine": "////", REDUCED: "...."}
GROUND = "#CCCCCC"


def step_rows(setting: Setting) -> Rows:
    """One row per layer or exchange, in order: part, title, blocks that run it, time in one of them and in all [s].

    Kinds of attention are one row, their time the mean over all blocks. Raises InputError for a missing size.
    """
    every = _layers(setting) | _exchanges(setting)
    rows = []
    for part in sorted(every, key=ORDER.index):
        (title, total), blocks = every[part], _blocks(setting, part)
        rows.append((part, title, blocks, total / blocks, total))
    return in_columns(("part", "title", "blocks", "each", "all"), rows)


def _blocks(setting: Setting, part: str) -> int:
    total, experts = setting.model.n_dec, setting.model.n_moe
    return {**dict.fromkeys(LAST, 1), "dense": total - experts, **dict.fromkeys(EXPERTS, experts)}.get(part, total)


def _layers(setting: Setting) -> dict[str, tuple[str, float]]:
    """Title and time in all blocks [s] of each layer, those of all kinds of attention together."""
    counts, found = block_counts(setting), {}
    for name, layer in layers(setting).items():
        stage = next(each for each in ORDER if name == each or name.endswith(f"_{each}"))
        title, before = found.get(stage, (layer.title.partition(",")[0], 0.0))
        time = float(value(counts[name], setting.point)) * float(numbers(layer, setting.point)["time"])
        found[stage] = title, before + time
    return found


def _exchanges(setting: Setting) -> dict[str, tuple[str, float]]:
    """The same of each exchange that takes time."""
    terms = system.terms(setting)
    times = {name: float(value(terms[name], setting.point)) for name in COMMUNICATION}
    return {name: (name.replace("_", "-"), time) for name, time in times.items() if time}


def shown_block(rows: Rows) -> list[int]:
    """Which rows one block runs: one with experts where the model has such, else a dense one."""
    without = {*LAST, "dense"} if "routed" in rows["part"] else {*LAST}
    return [number for number, part in enumerate(rows["part"]) if part not in without]


def step_figure(setting: Setting, rows: Rows) -> Figure:
    """The whole step above; under it one of its blocks, a row for each layer, starting where the one before ends."""
    chosen = shown_block(rows)
    size = (WIDTH, 1.75 + 0.2 * len(chosen))
    figure, (whole, block) = pyplot.subplots(2, 1, figsize=size, height_ratios=(1, 0.8 + len(chosen) * 0.62))
    end = _whole(whole, setting, rows)
    _block(block, setting, rows, chosen)
    end.set_title(f"the whole step: {seconds(sum(rows['all']))}")
    headline(figure, _finding(setting, rows))
    return figure


def segments(setting: Setting, rows: Rows) -> dict[str, float]:
    """Time [s] of the step's stretches in order: dense blocks, blocks with experts, the output head."""
    total, experts = setting.model.n_dec, setting.model.n_moe
    every = [n for n, part in enumerate(rows["part"]) if part in (*ATTENTION, REDUCED, STREAMS[0])]
    shared = sum(rows["each"][n] for n in every)

    def own(parts: tuple[str, ...]) -> float:
        return sum(each for part, each in zip(rows["part"], rows["each"], strict=True) if part in parts)

    found = {
        f"{total - experts} dense": (total - experts) * (shared + own(("dense",))),
        f"{experts} blocks with experts": experts * (shared + own(EXPERTS)),
        "head": own(LAST),
    }
    return {name: time for name, time in found.items() if time}


def _whole(axes: Axes, setting: Setting, rows: Rows) -> Axes:
    start = 0.0
    for number, (name, time) in enumerate(segments(setting, rows).items()):
        look = {"facecolor": GROUND if number % 2 else "white", "edgecolor": "black", "linewidth": 0.8}
        axes.barh(0, time * 1e3, 1, left=start * 1e3, **look)
        axes.annotate(name, ((start + time / 2) * 1e3, -0.62), ha="center", va="top", annotation_clip=False)
        start += time
    axes.set(xlim=(0, start * 1e3), ylim=(-1.6, 0.6))
    axes.axis("off")
    axes.set(xticks=(), yticks=())
    return axes


def _block(axes: Axes, setting: Setting, rows: Rows, chosen: list[int]) -> None:
    start, whole = 0.0, sum(rows["each"][n] for n in chosen)
    for place, number in enumerate(chosen):
        time, part = rows["each"][number] * 1e6, rows["part"][number]
        axes.barh(place, time, 0.72, left=start, **_look(part, setting))
        _named(axes, place, (start, start + time), 1e6 * whole)
        start += time
    axes.set_yticks(range(len(chosen)), [rows["title"][n] for n in chosen])
    axes.set(xlim=(0, start), ylim=(len(chosen) - 0.5, -0.5), xlabel="time since the block began [µs]")
    axes.grid(axis="y", visible=False)
    axes.set_title(f"one block{' with experts' if 'routed' in rows['part'] else ''}: {seconds(whole)}")


def _named(axes: Axes, place: int, ends: tuple[float, float], whole: float) -> None:
    """Time and share of a bar, on the side where there is room."""
    time, gap = ends[1] - ends[0], 0.005 * whole
    late = ends[1] > 0.62 * whole
    x, side = (ends[0] - gap, "right") if late else (ends[1] + gap, "left")
    axes.text(x, place, f"{rounded(time)} µs, {time / whole:.1%}", va="center", ha=side)


def _look(part: str, setting: Setting) -> dict:
    colour = COLOURS["communication"] if part in COMMUNICATION else layer_colour(part, setting)
    hatch = HATCHES.get(part, "")
    return {"facecolor": "white" if hatch else colour, "hatch": hatch, "edgecolor": "black", "linewidth": 0.5}


def shares(rows: Rows) -> dict[str, float]:
    """Share of each part in the step [1], the wires as one, largest first."""
    whole = sum(rows["all"])
    found = {title: time / whole for part, title, time in zip(*_three(rows), strict=True) if part not in COMMUNICATION}
    wires = sum(time for part, _, time in zip(*_three(rows), strict=True) if part in COMMUNICATION) / whole
    return dict(sorted((found | ({"wires": wires} if wires else {})).items(), key=lambda pair: -pair[1]))


def _three(rows: Rows) -> tuple[list, list, list]:
    return rows["part"], rows["title"], rows["all"]


def _finding(setting: Setting, rows: Rows) -> str:
    listed = ", ".join(f"{share:.0%} {name}" for name, share in list(shares(rows).items())[:3])
    return f"A step of {person(setting.model.id)} takes {seconds(sum(rows['all']))}: {listed}"


def describe_step(setting: Setting, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = f"One step to scale, and one of its blocks: {where(setting)}."
    told = ", ".join(f"{title} {rounded(each * 1e6)}" for title, each in zip(rows["title"], rows["each"], strict=True))
    return caption, f"A timeline. Microseconds in a block, in order: {told}."
