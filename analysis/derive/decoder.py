"""Sums over the tensors of a whole model: parameters, weight bytes, cache bytes, activation bytes."""

from sympy import Add, Expr, Integer

from analysis.derive.attention import Mechanism
from analysis.derive.block import (
    Architecture,
    Conventions,
    attention_stages,
    feedforward_stages,
    head_kernel,
    over_blocks,
)
from analysis.derive.einsum import WEIGHTS, Kernel, Tensor
from analysis.derive.spans import SPANS
from analysis.derive.symbols import (
    B,
    L,
    d_emb,
    d_FFN,
    d_hd,
    d_KVco,
    d_MoE,
    d_Qco,
    d_RoPE,
    n_act,
    n_ctx,
    n_dec,
    n_e,
    n_hd,
    n_kv,
    n_moe,
    n_vocab,
    width_activations,
    width_experts,
    width_weights,
)

HELD, VISITED = SPANS[n_act].stored, SPANS[n_act].worked  # routed experts of a block, and those of one token

# Vectors (norms, biases) cost parameters but no counted FLOPs: elements per block, per dense block, per
# block with experts, per routed expert, and once for the model.
VECTORS: dict[str, dict[str, Expr]] = {
    "norms": {"block": 2 * d_emb, "once": d_emb},  # one before attention, one before the feed-forward layer, the last
    "norm_biases": {"block": 2 * d_emb, "once": d_emb},
    "one_norm": {"block": d_emb, "once": d_emb},  # attention and feed-forward layer side by side behind one norm
    "one_norm_bias": {"block": d_emb, "once": d_emb},
    "bare_norms": {},  # norms without weights
    "post_norms": {"block": 2 * d_emb},  # one more behind each of the two
    "embedding_norm": {"once": 2 * d_emb},  # with its bias
    "latent_norms": {"block": d_Qco + d_KVco},
    "latent_norm_kv": {"block": d_KVco},
    "latent_biases": {"block": d_Qco + d_KVco + d_RoPE + d_emb},
    "latent_bias_kv": {"block": d_KVco + d_RoPE + d_emb},
    "qk_norm": {"block": 2 * d_hd},
    "qk_norm_biases": {"block": 2 * d_hd},
    "qk_norm_wide": {"block": n_hd * d_hd + n_kv * d_hd},
    "qkv_bias": {"block": (n_hd + 2 * n_kv) * d_hd},
    "out_bias": {"block": d_emb},
    "ffn_bias": {"dense": d_FFN + d_emb},
    "gated_ffn_bias": {"dense": 2 * d_FFN + d_emb},
    "head_bias": {"once": n_vocab},
    "router_bias": {"experts": n_e},
    "shared_gate": {"experts": d_emb},
    "expert_bias": {"expert": 2 * d_MoE + d_emb},
    "sinks": {"block": n_hd},
}


def _weights(kernels: tuple[Kernel, ...]) -> tuple[Tensor, ...]:
    found = {(k.name.split(":")[0], t.name): t for k in kernels for t in k.tensors.values() if t.kind in WEIGHTS}
    return tuple(found.values())


def weight_elements(kernels: tuple[Kernel, ...]) -> Expr:
    """Weight elements that the kernels read, each tensor once [1]."""
    return Add(*(tensor.elements for tensor in _weights(kernels)))


def attention_parameters(architecture: Architecture) -> Expr:
    """Weights of one attention block [1]; both contraction orders read the same ones."""
    stages = attention_stages(architecture.mechanism)
    return weight_elements(tuple(kernel for kernels in stages.values() for kernel in kernels))


def feedforward_parameters(architecture: Architecture, experts: Expr = HELD) -> dict[str, Expr]:
    """Weights of each feed-forward stage [1]; `experts` routed experts are counted (n_e held, n_k active)."""
    stages = feedforward_stages(architecture)
    return {stage: weight_elements(kernels).xreplace({n_act: experts}) for stage, kernels in stages.items()}


def block_counts(architecture: Architecture) -> dict[str, Expr]:
    """How many blocks carry each stage of `feedforward_parameters`."""
    with_experts = n_moe if architecture.experts else Integer(0)
    return {"dense": n_dec - with_experts} | dict.fromkeys(("routed", "latent", "shared", "router"), with_experts)


def vector_elements(architecture: Architecture, experts: Expr = HELD) -> Expr:
    """Norm and bias elements of the whole model [1], those of `experts` routed experts of a block counted."""
    dense, routed = (block_counts(architecture)[stage] for stage in ("dense", "routed"))
    times = {"block": n_dec, "dense": dense, "experts": routed, "expert": routed * experts, "once": Integer(1)}
    return Add(*(elements * times[where] for name in architecture.vectors for where, elements in VECTORS[name].items()))


def embedding_parameters() -> Expr:
    """Elements of the token and (learned) position embeddings [1]."""
    return (n_vocab + n_ctx) * d_emb


def head_parameters() -> Expr:
    """Elements of the output head [1]."""
    return weight_elements((head_kernel(),))


def _body(architecture: Architecture, experts: Expr) -> Expr:
    counts = block_counts(architecture)
    stages = feedforward_parameters(architecture, experts)
    feedforward = Add(*(counts[stage] * elements for stage, elements in stages.items()))
    return n_dec * attention_parameters(architecture) + feedforward + vector_elements(architecture, experts)


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


def kept_cache(mechanism: Mechanism, conventions: Conventions = Conventions()) -> tuple[Tensor, ...]:
    """Cache tensors of one block; `rope="out"` leaves the RoPE key away."""
    return tuple(tensor for tensor in mechanism.cache if conventions.rope == "in" or d_RoPE not in tensor.axes)


def kv_bytes_per_block(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Cached bytes of one token in one block that keeps it, M_KV [byte] (Sec. III)."""
    return Add(*(tensor.bytes / (B * L) for tensor in kept_cache(architecture.mechanism, conventions)))


def kv_cache_bytes(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Cached bytes of one request of L tokens in the whole model [byte]; windowed blocks keep Min(L, L_win) of them."""
    tokens = over_blocks(architecture, lambda mechanism: SPANS[mechanism.context].stored)
    return tokens * kv_bytes_per_block(architecture, conventions)


def kv_bytes_per_token(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Cached bytes of one token in the whole model [byte]; with windowed blocks the mean over the L tokens."""
    return kv_cache_bytes(architecture, conventions) / L


def token_bytes() -> Expr:
    """Bytes of one token's hidden vector, M_token [byte] (Eq. 13)."""
    return d_emb * width_activations


def activation_bytes(architecture: Architecture, conventions: Conventions = Conventions()) -> Expr:
    """Activations that one request holds while one attention block runs, M_act(L) [byte] (Eq. 11).

    The sum over activation tensors that cross a kernel boundary of the block, an upper bound on what is alive
    at once; in as-printed order it holds the decompressed keys and values and so grows with L. A model with windowed
    blocks needs room for the largest, one of full attention where it has any.
    """
    stages = attention_stages(architecture.kinds[0].mechanism, conventions)
    kernels = [kernel for kernels in stages.values() for kernel in kernels]
    crossing = {t.name: t for kernel in kernels for t in kernel.boundary if t.kind == "activations"}
    return Add(*(tensor.bytes / B for tensor in crossing.values()))


def weight_width(architecture: Architecture, stage: str) -> Expr:
    """Width of the weights of a stage [byte]: routed experts may have their own."""
    return width_experts if stage == "routed" and architecture.expert_width else width_weights


def weight_bytes_per_block(architecture: Architecture) -> dict[str, Expr]:
    """Weight bytes of one block by stage [byte]: attention (M_attn) and each feed-forward stage (M_MoE)."""
    stages = {"attention": attention_parameters(architecture), **feedforward_parameters(architecture)}
    return {stage: elements * weight_width(architecture, stage) for stage, elements in stages.items()}
