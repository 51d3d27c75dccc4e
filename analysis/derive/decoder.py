"""Sums over the tensors of a whole model: parameters, weight bytes, cache bytes, activation bytes."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from sympy import Add, Expr, Integer, Max

from analysis.derive.attention import Mechanism
from analysis.derive.block import (
    HALF,
    Architecture,
    Conventions,
    Kind,
    Substitution,
    attention_stages,
    feedforward_stages,
    head_kernel,
    last_streams,
    over_blocks,
    over_halves,
    over_streams,
    summed,
)
from analysis.derive.einsum import CACHED, STATES, WEIGHTS, Kernel, Tensor
from analysis.derive.spans import SPANS
from analysis.derive.symbols import (
    B,
    L,
    d_emb,
    d_RoPE,
    n_act,
    n_ctx,
    n_vocab,
    width_activations,
    width_experts,
    width_weights,
)
from analysis.derive.vectors import HELD, VISITED, vector_elements


def _weights(kernels: tuple[Kernel, ...]) -> tuple[Tensor, ...]:
    found = {(k.name.split(":")[0], t.name): t for k in kernels for t in k.tensors.values() if t.kind in WEIGHTS}
    return tuple(found.values())


def weight_elements(kernels: tuple[Kernel, ...]) -> Expr:
    """Weight elements that the kernels read, each tensor once [1]."""
    return Add(*(tensor.elements for tensor in _weights(kernels)))


def attention_parameters(architecture: Architecture) -> Expr:
    """Weights of one attention block [1], of the first kind; both contraction orders read the same ones."""
    return attention_weights(architecture.attending[0])


def attention_weights(kind: Kind, axes: Substitution | None = None) -> Expr:
    """Weights of the attention of a kind of block [1], under a substitution of axes."""
    stages = attention_stages(kind.mechanism)
    elements = weight_elements(tuple(kernel for kernels in stages.values() for kernel in kernels))
    return elements.xreplace(kind.axes(axes))


def feedforward_parameters(architecture: Architecture, experts: Expr = HELD) -> dict[str, Expr]:
    """Weights of each feed-forward stage [1]; `experts` routed experts are counted (n_e held, n_k active)."""
    stages = feedforward_stages(architecture)
    return {stage: weight_elements(kernels).xreplace({n_act: experts}) for stage, kernels in stages.items()}


def half_weights(kind: Kind, stage: str, experts: Expr = HELD, axes: Substitution | None = None) -> Expr:
    """Weights of a feed-forward stage in one block of a kind [1], under a substitution of axes."""
    held = weight_elements(kind.feedforward.stages()[stage]).xreplace({n_act: experts})
    return held.xreplace(kind.axes(axes))


def feedforward_weights(architecture: Architecture, experts: Expr = HELD, axes: Substitution | None = None) -> dict:
    """Weights of each feed-forward stage in all blocks [1], under a substitution of axes."""

    def of_stage(stage: str) -> Expr:
        return over_halves(architecture, stage, lambda kind: half_weights(kind, stage, experts, axes))

    return {stage: of_stage(stage) for stage in feedforward_stages(architecture)}


@cache
def block_counts(architecture: Architecture) -> dict[str, Expr]:
    """How many blocks carry each stage of `feedforward_parameters`; dense and routed also where it is none."""
    stages = {"dense", "routed", *feedforward_stages(architecture)}
    return {stage: over_halves(architecture, stage, lambda kind: Integer(1)) for stage in HALF if stage in stages}


def embedding_parameters() -> Expr:
    """Elements of the token and (learned) position embeddings [1]."""
    return (n_vocab + n_ctx) * d_emb


def head_parameters() -> Expr:
    """Elements of the output head [1]."""
    return weight_elements((head_kernel(),))


def kind_stream_weights(kind: Kind, axes: Substitution | None = None) -> Expr:
    """Weights that mix residual streams in one block of a kind [1], under a substitution of axes."""
    return weight_elements(kind.streams()).xreplace(kind.axes(axes))


def stream_weights(architecture: Architecture, axes: Substitution | None = None) -> Expr:
    """Weights that mix residual streams in the whole model [1]; 0 for a model with one stream.

    >>> stream_weights(Architecture("MHA", vectors=("hyper_connections",))).factor()
    d_emb*n_res**2*(2*n_dec*n_res + 4*n_dec + 1)
    """
    blocks = over_streams(architecture, lambda kind: kind_stream_weights(kind, axes))
    return blocks + weight_elements(last_streams(architecture)).xreplace(axes or {})


def _body(architecture: Architecture, experts: Expr) -> Expr:
    feedforward = Add(*feedforward_weights(architecture, experts).values())
    vectors = vector_elements(architecture, experts)
    return over_blocks(architecture, attention_weights) + feedforward + stream_weights(architecture) + vectors


def parameters(architecture: Architecture, experts: Expr = HELD) -> Expr:
    """Parameters of the model [1], embedding and output head counted (once if they are tied).

    `experts` routed experts of a block are counted: all of them, unless a share is asked for.

    >>> parameters(Architecture("MHA", ffn="plain", tied=True)).diff(n_vocab)
    d_emb
    """
    head = Integer(0) if architecture.tied else head_parameters()
    return _body(architecture, experts) + embedding_parameters() + head


def active_parameters(architecture: Architecture, embedding: bool = False) -> Expr:
    """Parameters that one token touches [1]: n_k routed experts, the output head, no input embedding.

    `embedding=True` adds the embedding table, as some model cards do.
    """
    extra = embedding_parameters() if embedding and not architecture.tied else Integer(0)
    return _body(architecture, VISITED) + head_parameters() + extra


def kept(mechanism: Mechanism, conventions: Conventions = Conventions()) -> tuple[Tensor, ...]:
    """Tensors that one block stores: rows of its cache, and states of every token of a step; `rope="out"` leaves the
    RoPE key away."""
    return tuple(
        tensor for tensor in mechanism.left(conventions.prompt) if conventions.rope == "in" or d_RoPE not in tensor.axes
    )


def _rows(kind: Kind, conventions: Conventions) -> Iterator[tuple[Expr, Expr]]:
    """Bytes of a row in a block that keeps it [byte], and how many it stores, for each axis of rows."""
    tensors = [tensor for tensor in kept(kind.mechanism, conventions) if tensor.kind in CACHED]
    own = kind.axes()
    for axis in dict.fromkeys(axis for tensor in tensors for axis in tensor.axes if axis in SPANS):
        each = (tensor.over(axis, L).bytes / (B * L) for tensor in tensors if axis in tensor.axes)
        yield Add(*each).xreplace(own), SPANS[axis].stored.xreplace(own)


def kv_bytes_per_block(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Cached bytes of one token in one block that keeps it, M_KV [byte] (Sec. III)."""
    return Add(*(each for each, _ in _rows(architecture.attending[0], conventions)))


def kv_cache_bytes(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Cached bytes of one request of L tokens in the whole model [byte]: the rows that each kind of block stores.

    Windowed blocks keep Min(L, L_win) rows; blocks with a recurrent state keep that, whatever L is.
    """
    rows: dict[Expr, list[tuple[Expr, Expr]]] = {}
    for kind in architecture.attending:
        for each, stored in _rows(kind, conventions):
            rows.setdefault(each, []).append((kind.blocks, stored))
    return Add(*(summed(counted) * each for each, counted in rows.items())) + state_bytes(architecture, conventions)


def state_bytes(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Bytes of one request in the whole model that do not grow with its context [byte]."""

    def of_block(kind: Kind) -> Expr:
        states = (tensor for tensor in kept(kind.mechanism, conventions) if tensor.kind in STATES)
        return Add(*(tensor.stored / B for tensor in states)).xreplace(kind.axes())

    return over_blocks(architecture, of_block)


def kv_bytes_per_token(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Cached bytes of one token in the whole model [byte]; with windowed blocks the mean over the L tokens."""
    return kv_cache_bytes(architecture, conventions) / L


def token_bytes() -> Expr:
    """Bytes of one token's hidden vector, M_token [byte] (Eq. 13)."""
    return d_emb * width_activations


def activation_bytes(
    architecture: Architecture, conventions: Conventions = Conventions(), axes: Substitution | None = None
) -> Expr:
    """Activations that one request holds while one attention block runs, M_act(L) [byte] (Eq. 11).

    The sum over activation tensors that cross a kernel boundary of the block, an upper bound on what is alive
    at once; in as-printed order it holds the decompressed keys and values and so grows with L. A model with several
    kinds of block needs room for the largest, of a windowed kind its full twin where it has one.
    """
    first, *others = architecture.attending
    unlike = (kind for kind in others if kind.mechanism.name != first.mechanism.name or kind.sizes)
    return Max(*{_held(kind, conventions, architecture.streamed, axes) for kind in (first, *unlike)})


def _held(kind: Kind, conventions: Conventions, streamed: bool, axes: Substitution | None) -> Expr:
    stages = replace(kind, feedforward=None).stages(conventions, streamed)
    kernels = [kernel for kernels in stages.values() for kernel in kernels]
    crossing = {t.name: t for kernel in kernels for t in kernel.boundary if t.kind == "activations" and B in t.axes}
    return Add(*(tensor.bytes / B for tensor in crossing.values())).xreplace(kind.axes(axes))


def weight_width(architecture: Architecture, stage: str) -> Expr:
    """Width of the weights of a stage [byte]: routed experts may have their own."""
    return width_experts if stage == "routed" and architecture.expert_width else width_weights


def weight_bytes_per_block(architecture: Architecture) -> dict[str, Expr]:
    """Weight bytes of one block by stage [byte]: attention (M_attn) and each feed-forward stage (M_MoE)."""
    stages = {"attention": attention_parameters(architecture), **feedforward_parameters(architecture)}
    return {stage: elements * weight_width(architecture, stage) for stage, elements in stages.items()}
