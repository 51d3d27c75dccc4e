"""The memory book: what an accelerator stores, and the batch that fits (Eq. 11).

Books differ in the weights that they count:

- `as_built`: every weight and vector where it is stored; TP replicates what it cannot shard, DP replicates all
  but routed experts. The embedding and the head are sharded like the vocabulary.
- `eq11`: attention weights of every block once per DP group, feed-forward weights that tokens choose among (the
  routed experts; the dense layer of a model without experts) once, as the paper's Eq. 11 reads.
- `once`: every weight of the model once, however many groups there are.
"""

from functools import cache

from sympy import Add, Expr, Integer

from analysis.derive import decoder
from analysis.derive.block import Architecture, Conventions, Kind, over_blocks
from analysis.derive.parallel import WHOLE, Layout, sharded
from analysis.derive.symbols import B, M_cap, deg_DP, deg_EP, n_acc, n_e
from analysis.derive.vectors import vector_elements

BOOKS = ("as_built", "eq11", "once")


def weights_by_part(architecture: Architecture, as_built: bool = True, layout: Layout = WHOLE) -> dict[str, Expr]:
    """Weight bytes of the whole system by part [byte]: attention, each feed-forward stage, vectors, embedding, head.

    `as_built` counts every replica that the degrees of parallelism and the layout of experts make; else each weight
    counts once. A vector is stored where its axis is: those of experts with the experts.
    """
    experts = layout.slots / deg_EP if as_built else n_e
    axes, holders = (sharded(layout), n_acc) if as_built else ({}, Integer(1))
    others = {
        "embedding": decoder.embedding_parameters(),
        "head": Integer(0) if architecture.tied else decoder.head_parameters(),
    }
    parts = {
        "attention": over_blocks(architecture, lambda kind: decoder.attention_weights(kind, axes)),
        **decoder.feedforward_weights(architecture, experts, axes),
        "streams": decoder.stream_weights(architecture, axes),
        "vectors": vector_elements(architecture, experts, axes),
        **{part: elements.xreplace(axes) for part, elements in others.items()},
    }
    return {part: elements * holders * decoder.weight_width(architecture, part) for part, elements in parts.items()}


def weights_stored(architecture: Architecture, book: str = "as_built", layout: Layout = WHOLE) -> Expr:
    """Weight bytes of the whole system, replicas counted as the book says [byte]."""
    once = weights_by_part(architecture, as_built=False)
    if book == "eq11":
        return once["attention"] * deg_DP + once["routed" if architecture.experts else "dense"]
    return Add(*(once if book == "once" else weights_by_part(architecture, layout=layout)).values())


def weights_per_accelerator(architecture: Architecture, book: str = "as_built", layout: Layout = WHOLE) -> Expr:
    """Weight bytes on one accelerator, replicas counted as the book says [byte]."""
    if book != "as_built":
        return weights_stored(architecture, book, layout) / n_acc
    return Add(*(part / n_acc for part in weights_by_part(architecture, layout=layout).values()))


def request_bytes(
    architecture: Architecture,
    conventions: Conventions = Conventions(),
    book: str = "as_built",
    activations: bool = True,
) -> Expr:
    """Bytes that one more request costs the system [byte]: its cache in every block, activations of one block.

    `eq11` counts the cache once (n_dec M_KV L + M_act); the other books count it as sharded, so that TP replicates
    what has no head axis. Windowed blocks keep Min(L, L_win) tokens.
    """
    once = book == "eq11"
    axes = {} if once else {axis: size for axis, size in sharded().items() if axis != B}

    def cache(kind: Kind) -> Expr:
        return Add(*(t.stored / B for t in decoder.kept(kind.mechanism, conventions))).xreplace(kind.axes(axes))

    held = decoder.activation_bytes(architecture, conventions, axes) if activations else 0
    per_request = over_blocks(architecture, cache) + held
    return per_request if once else per_request * n_acc / deg_DP


@cache
def B_cap(
    architecture: Architecture,
    conventions: Conventions = Conventions(),
    book: str = "as_built",
    activations: bool = True,
    layout: Layout = WHOLE,
) -> Expr:
    """Largest batch that fits the system's memory [requests], not rounded (Eq. 11)."""
    free = M_cap * n_acc - weights_stored(architecture, book, layout)
    return free / request_bytes(architecture, conventions, book, activations)


def memory_used(
    architecture: Architecture,
    conventions: Conventions = Conventions(),
    book: str = "as_built",
    activations: bool = True,
    layout: Layout = WHOLE,
) -> Expr:
    """Bytes that the system stores at batch B and context L [byte]."""
    return weights_stored(architecture, book, layout) + B * request_bytes(architecture, conventions, book, activations)
