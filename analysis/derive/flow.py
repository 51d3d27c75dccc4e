"""The flow of a block as a graph: boxes are einsum lines, stores are tensors that no line makes, edges carry tensors.

Nothing is drawn by hand: an edge runs from every line that makes a tensor to every line that uses it. What the lines
leave out joins the parts, by four rules.

- A row made for the cache (`c_KV_new`) is appended to the cache tensor that bears its name (`c_KV`).
- The attention half's result, the tensor that no line uses, is what the feed-forward half reads (residual and norm
  between them are not counted); the feed-forward half's results are the next block's input.
- Where several residual streams are mixed, a half reads what the site before it weighs, and its result goes to the site
  after it; the streams themselves pass by.
- Where that operand has other axes than the result, tokens are dispatched, and the tensor over all routed experts
  (the router's) says where to; results with such axes are combined.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter

from sympy import Integer

from analysis.derive.attention import MHA, Mechanism
from analysis.derive.block import (
    Architecture,
    Conventions,
    FeedForward,
    Kind,
    Stages,
    attention_stages,
    feedforward_stages,
)
from analysis.derive.einsum import CACHED, KEPT, WEIGHTS, Einsum, Kernel, Tensor
from analysis.derive.symbols import n_e


@dataclass(frozen=True)
class Box:
    """An einsum line in its place: its stage, and the kernel that runs it."""

    stage: str
    kernel: Kernel
    line: Einsum

    @property
    def tensor(self) -> Tensor:
        """The tensor that leaves the box."""
        return self.line.made


@dataclass(frozen=True)
class Store:
    """A tensor that no line makes; `role` says why: weights, cache, copy, input, normed, joined, dispatched, output."""

    tensor: Tensor
    role: str


Place = Box | Store
Edge = tuple[Place, Place]


@dataclass(frozen=True)
class Flow:
    """Boxes and the edges between boxes and stores; an edge carries its source's tensor."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]

    @property
    def stores(self) -> tuple[Store, ...]:
        """The stores, in the order in which edges name them."""
        return tuple(dict.fromkeys(place for edge in self.edges for place in edge if isinstance(place, Store)))

    def into(self, place: Place) -> tuple[Place, ...]:
        """What a box or store receives from."""
        return tuple(source for source, target in self.edges if target == place)

    def ordered(self) -> tuple[Box, ...]:
        """The boxes in an order of execution: each after all that it needs, the cache appended to before it is read.

        >>> from analysis.derive.attention import MHA
        >>> [box.tensor.name for box in attention_flow(MHA).ordered()]
        ['q', 'k_new', 'v_new', 'S', 'o', 'y']
        """
        places = (*self.boxes, *self.stores)
        found = TopologicalSorter({place: self.into(place) for place in places}).static_order()
        return tuple(place for place in found if isinstance(place, Box))


def _boxes(stages: Stages) -> tuple[Box, ...]:
    return tuple(Box(stage, k, line) for stage, kernels in stages.items() for k in kernels for line in k.lines)


def _role(tensor: Tensor) -> str:
    return "weights" if tensor.kind in WEIGHTS else "cache" if tensor.kind in KEPT else "input"


def _read(boxes: tuple[Box, ...]) -> Iterable[Edge]:
    """An edge to each line from whatever makes its operands: lines of the same scope, or a store."""
    for box in boxes:
        for operand in box.line.used:
            makers = [other for other in boxes if other.tensor.name == operand.name]
            for source in makers or [Store(operand, _role(operand))]:
                yield source, box


def results(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The boxes whose tensor no line uses and no cache keeps."""
    boxes = tuple(boxes)
    used = {tensor.name for box in boxes for tensor in box.line.used}
    return tuple(box for box in boxes if box.tensor.name not in used and box.tensor.kind not in KEPT)


def attention_flow(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Flow:
    """The flow of one attention block (Eqs 1 to 8) in a contraction order: the paper's Fig. 5."""
    boxes = _boxes(attention_stages(mechanism, conventions))
    cache = {tensor.name: Store(tensor, "cache") for tensor in mechanism.cache}
    appended = [(box, cache[box.tensor.name.removesuffix("_new")]) for box in boxes if box.tensor.kind in CACHED]
    copy, _, kept = mechanism.shared_key.partition("=")
    edges = [*appended]
    for source, target in _read(boxes):
        if isinstance(source, Store) and source.tensor.name == copy:
            source = Store(source.tensor, "copy")
            edges.append((cache[kept], source))
        edges.append((source, target))
    return Flow(boxes, tuple(dict.fromkeys(edges)))


def block_flow(architecture: Architecture, conventions: Conventions = Conventions(), experts: bool = True) -> Flow:
    """The flow of a whole decoder block, the paper's Fig. 1: with routed experts if it has any and `experts`.

    >>> from analysis.derive.block import Architecture
    >>> flow = block_flow(Architecture("MLA", experts=True, shared=True))
    >>> [store.role for store in flow.stores if store.role not in ("weights", "cache")]
    ['input', 'copy', 'dispatched', 'joined', 'output']
    """
    attention = attention_flow(architecture.mechanism, conventions)
    stages = feedforward_stages(architecture, conventions.grouping)
    with_experts = experts and architecture.experts
    chosen = {name: kernels for name, kernels in stages.items() if (name != "dense") == with_experts}
    # names are a stage's own: the h of the routed experts is not that of the shared one
    scopes = [_boxes({name: kernels}) for name, kernels in chosen.items()]
    feedforward = tuple(box for boxes in scopes for box in boxes)
    entering = next(store for store in attention.stores if store.role == "input")
    last = [box for boxes in scopes for box in results(boxes) if n_e not in box.tensor.axes]
    made = results(attention.boxes)
    if architecture.streamed:
        return _streamed(attention, entering, scopes, last, conventions)
    edges = [*attention.edges, *_joined(made, feedforward, scopes)]
    edges += [(box, Store(entering.tensor, "output")) for box in last]
    return Flow((*attention.boxes, *feedforward), tuple(dict.fromkeys(edges)))


def _streamed(attention: Flow, entering: Store, scopes: list, last: list[Box], conventions: Conventions) -> Flow:
    """The flow of a block whose residual streams are mixed around each of its halves."""
    halves = Kind(Integer(1), MHA), Kind(Integer(1), feedforward=FeedForward())  # whichever: a half's site is its own
    first, second = (_boxes({"streams": half.streams(conventions.grouping)}) for half in halves)
    feedforward = tuple(box for boxes in scopes for box in boxes)
    (whole,) = {box.line.used[0] for box in first if box.tensor.name == "m"}
    normed, mixed = Store(entering.tensor, "normed"), _made(first, "X_new")
    edges = [(normed if source == entering else source, target) for source, target in attention.edges]
    edges += [(box, normed) for box in _made(first, "x")]
    edges += _around(first, (Store(whole, "input"),), results(attention.boxes))
    edges += _joined(_made(second, "x"), feedforward, scopes)
    edges += _around(second, mixed, tuple(last))
    edges += [(box, Store(whole, "output")) for box in _made(second, "X_new")]
    return Flow((*first, *attention.boxes, *second, *feedforward), tuple(dict.fromkeys(edges)))


def _made(boxes: tuple[Box, ...], name: str) -> tuple[Box, ...]:
    return tuple(box for box in boxes if box.tensor.name == name)


def _around(site: tuple[Box, ...], streams: tuple[Place, ...], half: tuple[Place, ...]) -> Iterable[Edge]:
    """The edges of a site, which takes its streams, and what the half between gives, from these places."""
    given = {"X": streams, "y": half}
    for source, target in _read(site):
        places = given.get(source.tensor.name) if isinstance(source, Store) else None
        yield from ((place, target) for place in places or (source,))


def _joined(made: tuple[Box, ...], feedforward: tuple[Box, ...], scopes: list[tuple[Box, ...]]) -> Iterable[Edge]:
    """The edges of the feed-forward half, its input taken from the boxes in `made`."""
    routers = [box for box in feedforward if n_e in box.tensor.axes]
    for source, target in (edge for boxes in scopes for edge in _read(boxes)):
        if isinstance(source, Store) and source.role == "input":
            moved = any(set(source.tensor.axes) != set(box.tensor.axes) for box in made)
            source = Store(source.tensor, "dispatched" if moved else "joined")
            yield from ((box, source) for box in (*made, *(routers if moved else ())))
        yield source, target
