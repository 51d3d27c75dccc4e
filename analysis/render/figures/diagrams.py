"""Diagrams of a block drawn from its kernels: the paper's Fig. 1 (decoder block), 5 (both orders) and 7 (under TP).

Boxes are einsum lines, arrows the tensors between them; lines that are fused share a frame. Everything follows from
`analysis.derive.flow` and the counts of the setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.communication import partial_sums
from analysis.derive.einsum import Tensor
from analysis.derive.flow import Box, Edge, Flow, Place, Store
from analysis.derive.parallel import sharded
from analysis.derive.symbols import RP_acc, deg_TP
from analysis.render.axes import prefixed, rounded
from analysis.render.figures.diagram_parts import INSET, NODE, PAD, STRIP, Cell, Node, edge, folded, key, key_height
from analysis.render.layered import Layout, layout
from analysis.systems import flows

ROLES = {
    "copy": "copied into every head",
    "dispatched": "tokens sent to experts",
    "joined": "after residual and norm",
    "normed": "after norm",
    "output": "to the next block",
}
"""What is said about a store that a flow's rules put in; inputs and the cache explain themselves."""

GUTTER = 16.0
"""Between two columns of the drawing [points]."""


@dataclass(frozen=True)
class Panel:
    """A flow to draw, under a heading; `divided`: shapes are those of one accelerator."""

    heading: str
    setting: Setting
    flow: Flow
    divided: bool = False

    def named(self, tensor: Tensor, width: float = NODE) -> list[str]:
        """A tensor with its axes, broken into lines that fit a node."""
        axes = flows.shape(tensor, self.setting.point if self.divided else None)
        return folded(f"{tensor.name}[{' '.join(axes)}]", width)


@dataclass(frozen=True)
class Part:
    """What stands in one column of the drawing: nodes and the edges between them under a heading, laid out."""

    heading: str
    nodes: Mapping[object, Node]
    edges: Mapping[tuple[object, object], Edge]

    @cached_property
    def layout(self) -> Layout:
        """Where everything lies."""
        return layout({place: node.size for place, node in self.nodes.items()}, list(self.edges))


def diagram(panels: Sequence[Panel], title: str) -> Figure:
    """The panels side by side, at their natural size in points, under a title and a key."""
    parts = [part for panel in panels for part in _parts(panel)]
    width = sum(part.layout.size[0] for part in parts) + GUTTER * (len(parts) - 1)
    lines = folded(title, width * 0.93)  # bold letters of another font are as wide as these
    texts = _key_texts(panels[0].setting)
    top = 16.0 * len(lines) + 8
    height = top + key_height(texts, width) + 40 + max(part.layout.size[1] for part in parts)
    figure = pyplot.figure(figsize=((width + 2) / 72, height / 72), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, width + 1), ylim=(height, 0))
    axes.set_axis_off()
    figure.suptitle("\n".join(lines), x=1 / (width + 2), y=1, ha="left", va="top")
    left, y = 0.0, key(axes, top, texts, width) + 12
    for part in parts:
        axes.text(left, y, part.heading, va="top", fontsize=10, fontweight="bold")
        if left:
            axes.plot([left - GUTTER / 2] * 2, [y, height], color="#BBBBBB", linewidth=0.8)
        _draw(axes, part, left, y + 20)
        left += part.layout.size[0] + GUTTER
    return figure


def _parts(panel: Panel) -> list[Part]:
    """A panel's two halves where a feed-forward half follows attention, else the whole: no part exceeds a screen."""
    nodes, edges = nodes_of(panel), _edges(panel.flow)
    below = {place for place in nodes if isinstance(place, Store) and place.role in ("joined", "dispatched")}
    if not below:
        return [Part(panel.heading, nodes, edges)]
    while further := {target for source, target in edges if source in below} - below:
        below |= further
    halves = ({place: nodes[place] for place in nodes if (place in below) == second} for second in (False, True))
    headings = (f"{panel.heading}: attention", "feed-forward half")
    return [
        Part(heading, half, {ends: edge for ends, edge in edges.items() if half.keys() >= {*ends}})
        for heading, half in zip(headings, halves, strict=True)
    ]


def _key_texts(setting: Setting) -> dict[str, str]:
    ridge = rounded(float(setting.point[RP_acc]))
    return {
        "compute": f"waits for compute, at {ridge} FLOP/byte or above",
        "memory": f"waits for memory, below {ridge} FLOP/byte",
        "weights": "weights that the line reads",
        "share": "in a box: FLOP/byte, share of time; dashed: no line",
    }


def _place(place: Place) -> object:
    return (place.stage, place.kernel.name) if isinstance(place, Box) else place


def _edges(flow: Flow) -> dict[tuple[object, object], Edge]:
    """The edges between what is laid out: lines of one kernel are one place, weights stand in the boxes."""
    between = [(_place(source), _place(target), (source, target)) for source, target in flow.edges]
    return {
        (source, target): both
        for source, target, both in between
        if source != target and not (isinstance(source, Store) and source.role == "weights")
    }


def _draw(axes: Axes, part: Part, left: float, top: float) -> None:
    found = part.layout
    for step, (source, target) in part.edges.items():
        joins = isinstance(target, Store) or (isinstance(source, Store) and source.role == "copy")
        edge(axes, [(x + left, y + top) for x, y in found.ways[step]], dashed=joins)
    for place, node in part.nodes.items():
        node.draw(axes, found.centre[place] + left, found.top[place] + top)


def nodes_of(panel: Panel) -> dict[object, Node]:
    """What is drawn for every kernel and store of a panel, stores first: what enters stands above what reads it."""
    costs = flows.kernel_numbers(panel.setting, panel.flow)
    stores = [store for store in panel.flow.stores if store.role != "weights"]
    found: dict[object, Node] = {store: _store(panel, store) for store in stores if store.role == "input"}
    found |= {place: _kernel(panel, place, costs[place]) for place in costs}
    return found | {store: _store(panel, store) for store in stores if store.role != "input"}


def _store(panel: Panel, store: Store) -> Node:
    notes = [ROLES[store.role]] if store.role in ROLES else []
    if store.role == "cache":
        notes = [f"cache, {prefixed(flows.size(panel.setting, store.tensor), 'B')}"]
        if panel.divided:
            notes.append("divided by TP" if divided_by_TP(panel, store.tensor) else "not divided by TP")
    return Node((), head=(*panel.named(store.tensor, NODE - 2 * PAD), *notes), dashed=store.role in ROLES)


def divided_by_TP(panel: Panel, tensor: Tensor) -> bool:
    """Whether tensor parallelism leaves an accelerator a part of the tensor only."""
    point, parts = panel.setting.point, sharded()
    divided = (axis for axis in tensor.axes if axis in parts and parts[axis].has(deg_TP))
    return any(value(parts[axis], point) < point[axis] for axis in divided)


def _kernel(panel: Panel, place: tuple[str, str], costs: Mapping[str, object]) -> Node:
    boxes = [box for box in panel.flow.boxes if _place(box) == place]
    said = (f"{rounded(costs['intensity'])} FLOP/B, {_percent(costs['share'])}",)
    leaving = _leaving(panel, boxes)
    if len(boxes) == 1:
        return Node((_cell(panel, boxes[0], said, costs["bound"]),), leaving=leaving)
    cells = [
        _cell(panel, box, (prefixed(flows.flops(panel.setting, box), "FLOP"),), costs["bound"], seen=boxes[:number])
        for number, box in enumerate(boxes)
    ]
    inner = {box.tensor.name: box.tensor for box in boxes if box.tensor not in boxes[0].kernel.boundary}
    words = "spilled" if boxes[0].kernel.spilled else "on chip"
    foot = [
        line
        for tensor in inner.values()
        for line in folded(f"{words}: {' '.join(panel.named(tensor))}", NODE + 2 * PAD + INSET)
    ]
    return Node(tuple(cells), head=(f"{place[0]}: one kernel", *said), foot=tuple(foot), leaving=leaving)


def _percent(share: float) -> str:
    return f"{rounded(share * 100, 2 if share < 0.0995 else 3)} %" if share >= 0.001 else "< 0.1 %"


def _cell(panel: Panel, box: Box, notes: tuple[str, ...], bound: object, seen: Sequence[Box] = ()) -> Cell:
    width = NODE - STRIP - PAD - (2 * INSET if len(box.kernel.lines) > 1 else 0)
    bands = [row for t in box.line.used if t.kind == "weights" for row in panel.named(t, width)]
    sign = "+=" if any(other.tensor == box.tensor for other in seen) else "="
    title = f"{box.tensor.name} {sign} {' '.join(tensor.name for tensor in box.line.used)}"
    return Cell(tuple(bands), tuple(folded(title, width)), notes, str(bound))


def _leaving(panel: Panel, boxes: Sequence[Box]) -> tuple[str, ...]:
    """The tensors that leave a kernel, and under TP that they are partial sums."""
    kernel = boxes[0].kernel
    made = {box.tensor.name: box.tensor for box in boxes if box.tensor in kernel.boundary}
    partial = {tensor.name for tensor in partial_sums([kernel])} if panel.divided else set()
    summed = ["all-reduce over TP group"] if partial & set(made) and panel.setting["deg_TP"] > 1 else []
    return (*(line for tensor in made.values() for line in panel.named(tensor)), *summed)
