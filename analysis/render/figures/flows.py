"""The three diagrams of the book and their words: a decoder block, both orders of attention, and tensor parallelism."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.flow import Store
from analysis.render.axes import Rows, prefixed, rounded
from analysis.render.figures.diagrams import Panel, diagram, divided_by_TP
from analysis.render.words import ORDER_WORDS, conventions, counted, where
from analysis.systems import flows
from analysis.systems.layers import layers

BOUNDS = ("memory", "compute")
LISTED = 0.02  # share of the time from which on the alternative text names a kernel
READING = (
    "Boxes are einsum lines, arrows the tensors that a line makes and others use; a frame holds lines that are fused "
    "into one kernel. A kernel waits for memory if its intensity lies below the ridge point; times are roofline times "
    "on one accelerator, communication left out"
)


def block_panels(setting: Setting) -> list[Panel]:
    """The decoder block, the one with experts if the model has any."""
    kind = "with experts" if setting.architecture.experts else "dense"
    return [Panel(f"decoder block, {kind}", setting, flows.block(setting))]


def order_panels(setting: Setting, divided: bool = False) -> list[Panel]:
    """The attention block in every contraction order that the model's mechanism has."""
    chosen = [setting.with_(order=order) for order in setting.architecture.mechanism.orders]
    return [Panel(_heading(each, divided), each, flows.attention(each), divided) for each in chosen]


def degree_panels(settings: Sequence[Setting]) -> list[Panel]:
    """The attention block on one accelerator of a TP group, in every order, for each setting's deg_TP."""
    return [panel for setting in settings for panel in order_panels(setting, divided=True)]


def _heading(setting: Setting, divided: bool) -> str:
    several = len(setting.architecture.mechanism.orders) > 1
    order = ORDER_WORDS[setting.conventions.order] if several else setting.model.attention
    return f"{order}, TP group of {setting['deg_TP']}" if divided else order


def flow_rows(panels: Sequence[Panel]) -> Rows:
    """One row per box of every panel: panel, deg_TP, then the columns of `analysis.systems.flows.flow_rows`."""
    found: Rows = {name: [] for name in ("panel", "deg_TP", *flows.COLUMNS)}
    for panel in panels:
        rows = flows.flow_rows(panel.setting, panel.flow)
        whose = {"panel": panel.heading, "deg_TP": panel.setting["deg_TP"]}
        same = {name: [cell] * len(rows["line"]) for name, cell in whose.items()}
        for name, cells in (same | rows).items():
            found[name] += cells
    return found


def flow_figure(panels: Sequence[Panel]) -> Figure:
    """The panels as one diagram under the title that states what they show."""
    return diagram(panels, _title(panels))


# -- words -----------------------------------------------------------------------------------------
def _core(panel: Panel) -> float:
    """Intensity of the kernels of core attention together [FLOP/byte]."""
    costs = [each for (stage, _), each in flows.kernel_numbers(panel.setting, panel.flow).items() if stage == "core"]
    return sum(each["flops"] for each in costs) / sum(each["bytes"] for each in costs)


def _title(panels: Sequence[Panel]) -> str:
    last = panels[-1]
    if last.divided:
        whole = last.setting.with_(deg_TP=1)
        before = _core(Panel("", whole, flows.attention(whole)))
        kept = {divided_by_TP(last, store.tensor) for store in _cache(last)}
        does = {(True,): "divides the cache", (False,): "does not divide the cache"}
        words = f"The core does {rounded(before)} FLOP/byte, {rounded(_core(last))} in a TP group of"
        return f"{words} {last.setting['deg_TP']}, which {does.get(tuple(kept), 'divides a part of the cache')}"
    if len(panels) > 1:
        return f"Reordering lifts core attention from {rounded(_core(panels[0]))} to {rounded(_core(last))} FLOP/byte"
    costs = flows.kernel_numbers(last.setting, last.flow)
    waiting = sum(each["bound"] == "memory" for each in costs.values())
    shares: dict[str, float] = {}
    for (stage, _), each in costs.items():
        shares[stage] = shares.get(stage, 0) + each["share"]
    slowest = max(shares, key=lambda stage: shares[stage])
    longest = layers(last.setting)[slowest].title
    longest = f"{longest[0].upper()}{longest[1:]} take longest ({shares[slowest]:.0%} of the time)"
    return f"{longest}; {waiting} of {counted(len(costs), 'kernel')} wait for memory"


def _cache(panel: Panel) -> list[Store]:
    return [store for store in panel.flow.stores if store.role == "cache"]


def _waiting(panel: Panel, bound: str) -> str:
    """The kernels with a bound, in words: slow ones with intensity, bytes and share of the time, the rest counted."""
    costs = flows.kernel_numbers(panel.setting, panel.flow)
    chosen = sorted((name for name in costs if costs[name]["bound"] == bound), key=lambda name: -costs[name]["share"])
    slow = [
        f"{name[1]} {rounded(costs[name]['intensity'])} FLOP/byte, {prefixed(costs[name]['bytes'], 'B')}, "
        f"{costs[name]['share']:.0%} of the time"
        for name in chosen
        if costs[name]["share"] >= LISTED
    ]
    rest = [f"{len(chosen) - len(slow)} below {LISTED:.0%}"] if len(slow) < len(chosen) else []
    listed = f" ({'; '.join(slow + rest)})" if chosen else ""
    return f"{counted(len(chosen), 'kernel')} for {bound}{listed}"


def describe_flow(panels: Sequence[Panel]) -> tuple[str, str]:
    """Caption and alternative text: what each kernel waits for."""
    setting = panels[0].setting
    names = ("phase", "grouping", "rope", "rope_key", "width", "peak", "deg_TP", "deg_DP", "deg_EP")
    used = conventions(setting, *(name for name in names if name != "deg_TP" or not panels[0].divided))
    caption = f"{_subject(panels)} of {where(setting)}. {READING}; {used}."
    parts = (f"{each.heading}: {' and '.join(_waiting(each, bound) for bound in BOUNDS)}" for each in panels)
    return caption, f"Flow diagram. What kernels wait for, {'. '.join(parts)}."


def _subject(panels: Sequence[Panel]) -> str:
    first = panels[0]
    if first.divided:
        return "The attention block under tensor parallelism, with the axes that one accelerator holds,"
    whole = any(box.stage in ("dense", "routed") for box in first.flow.boxes)
    return "A decoder block" if whole else "The attention block"


def flow_notes(panels: Sequence[Panel]) -> dict[str, int | float]:
    """How many kernels wait for memory in the first panel, of how many, for the prose."""
    costs = flows.kernel_numbers(panels[0].setting, panels[0].flow)
    return {"block_kernels": len(costs), "block_waiting": sum(each["bound"] == "memory" for each in costs.values())}
