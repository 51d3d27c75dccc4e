"""Diagrams of a block drawn from its kernels: the paper's Fig. 1 (decoder block), 5 (both orders) and 7 (under TP).

Boxes are einsum lines, arrows the tensors between them; lines that are fused share a frame. Everything follows from
`analysis.derive.flow` and the counts of the setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from analysis.render.figures.diagram_parts import INSET, NODE, PAD, ROW, STRIP, Cell, Node, edge, folded, key
from analysis.render.layered import Layout, layout
from analysis.systems import flows

ROLES = {
    "copy": "copied into every head",
    "dispatched": "tokens sent to experts",
    "joined": "after residual and norm",
    "output": "to the next block",
}
"""What is said about a store that a flow's rules put in; inputs and the cache explain themselves."""


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


def diagram(panels: Sequence[Panel], title: str) -> Figure:
    """The panels below each other, at their natural size in points, under a title and a key."""
    laid = [(panel, nodes := nodes_of(panel), _laid_out(panel.flow, nodes)) for panel in panels]
    width = max(found.size[0] for _, _, found in laid)
    lines = folded(title, width * 0.93)  # bold letters of another font are as wide as these
    top = 16.0 * len(lines) + 3 * (ROW + 2) + 8
    height = top + sum(found.size[1] + 34 for _, _, found in laid)
    figure = pyplot.figure(figsize=((width + 2) / 72, height / 72), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, width + 1), ylim=(height, 0))
    axes.set_axis_off()
    figure.suptitle("\n".join(lines), x=1 / (width + 2), y=1, ha="left", va="top")
    y = key(axes, 16.0 * len(lines), _key_texts(panels[0].setting)) + 8
    for panel, nodes, found in laid:
        axes.text(0, y, panel.heading, va="top", fontsize=10, fontweight="bold")
        y = _draw(axes, panel, nodes, found, (width - found.size[0]) / 2, y + 20) + 14
    return figure


def _key_texts(setting: Setting) -> dict[str, str]:
    ridge = rounded(float(setting.point[RP_acc]))
    return {
        "compute": f"waits for compute: ridge of {ridge} FLOP/byte or above",
        "memory": f"waits for memory: below {ridge}",
        "weights": "weights that the line reads; dashed: no line",
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


def _laid_out(flow: Flow, nodes: Mapping[object, Node]) -> Layout:
    return layout({place: node.size for place, node in nodes.items()}, list(_edges(flow)))


def _draw(axes: Axes, panel: Panel, nodes: Mapping, found: Layout, left: float, top: float) -> float:
    for step, (source, target) in _edges(panel.flow).items():
        joins = isinstance(target, Store) or (isinstance(source, Store) and source.role == "copy")
        edge(axes, [(x + left, y + top) for x, y in found.ways[step]], dashed=joins)
    for place, node in nodes.items():
        node.draw(axes, found.centre[place] + left, found.top[place] + top)
    return top + found.size[1]


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
    said = (f"{costs['bound']}, {rounded(costs['intensity'])} FLOP/B", f"{_percent(costs['share'])} of time")
    leaving = _leaving(panel, boxes)
    if len(boxes) == 1:
        return Node((_cell(panel, boxes[0], said, costs["bound"]),), leaving=leaving)
    cells = [
        _cell(panel, box, (prefixed(flows.flops(panel.setting, box), "FLOP"),), costs["bound"], seen=boxes[:number])
        for number, box in enumerate(boxes)
    ]
    inner = {box.tensor.name: box.tensor for box in boxes if box.tensor not in boxes[0].kernel.boundary}
    words = "spilled" if boxes[0].kernel.spilled else "on chip"
    foot = [line for tensor in inner.values() for line in folded(f"{words}: {' '.join(panel.named(tensor))}")]
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
