"""Norms, biases and other vectors: parameters without counted FLOPs, in groups that models and kinds of block name.

A group says its elements by place: in a block that has attention (`block`), in one that has a feed-forward half
(`half`), a dense one (`dense`), one with experts (`experts`), for each routed expert (`expert`), and once in the model.
"""

from collections.abc import Iterator

from sympy import Add, Expr, Integer

from analysis.derive.block import Architecture, Kind, Substitution, summed
from analysis.derive.spans import SPANS
from analysis.derive.symbols import (
    L_str,
    d_dec,
    d_emb,
    d_FFN,
    d_hd,
    d_I,
    d_k,
    d_KVco,
    d_MoE,
    d_Qco,
    d_RoPE,
    d_s,
    d_z,
    n_act,
    n_dec,
    n_e,
    n_hd,
    n_kv,
    n_qk,
    n_res,
    n_role,
    n_v,
    n_vocab,
)

HELD, VISITED = SPANS[n_act].stored, SPANS[n_act].worked  # routed experts of a block, and those of one token

_SITE = n_res * (2 + n_res) + 3  # bases and three scales of a hyper-connection, beside the weights of its lines

VECTORS: dict[str, dict[str, Expr]] = {
    "norms": {"block": d_emb, "half": d_emb, "once": d_emb},  # one before each half, and the last
    "norm_biases": {"block": d_emb, "half": d_emb, "once": d_emb},
    "one_norm": {"block": d_emb, "once": d_emb},  # attention and feed-forward layer side by side behind one norm
    "one_norm_bias": {"block": d_emb, "once": d_emb},
    "bare_norms": {},  # norms without weights
    "post_norms": {"block": d_emb, "half": d_emb},  # one more behind each half
    "embedding_norm": {"once": 2 * d_emb},  # with its bias
    "latent_norms": {"block": d_Qco + d_KVco},
    "latent_norm_kv": {"block": d_KVco},
    "latent_norm_q": {"block": d_Qco},
    "latent_biases": {"block": d_Qco + d_KVco + d_RoPE + d_emb},
    "latent_bias_kv": {"block": d_KVco + d_RoPE + d_emb},
    "qk_norm": {"block": 2 * d_hd},
    "qk_norm_biases": {"block": 2 * d_hd},
    "qk_norm_wide": {"block": n_hd * d_hd + n_kv * d_hd},
    "qkv_bias": {"block": (n_hd + 2 * n_kv) * d_hd},
    "out_bias": {"block": d_emb},
    "sinks": {"block": n_hd},
    "block_scale": {"block": Integer(1)},  # one factor for all that a block gives
    "index_norm": {"block": d_I},  # of the index key
    "index_norm_bias": {"block": d_I},
    "index_qk_norm": {"block": 2 * d_I},
    "row_norm": {"block": d_hd},  # of a row that serves as key and value
    "pooling": {"block": d_hd + L_str * n_role * d_hd},  # norm of a pooled row, and a bias for each token of its inputs
    "index_pooling": {"block": d_I + L_str * n_role * d_I},
    "state_norm": {"block": d_s},  # of a state's output, one for all heads
    "state_norm_wide": {"block": n_v * d_s},
    "state_decay": {"block": 2 * n_v},  # a rate and a bias for each head
    "state_decay_wide": {"block": n_v + n_v * d_k},  # a rate for each head, a bias for each channel
    "state_skip": {"block": n_v},  # a weight of the input beside the state
    "state_matrix": {"block": n_v * d_k + n_v},  # a rate for each element of the state, a bias for each channel
    "state_inner_norms": {"block": d_dec + 2 * d_k},
    "state_bias": {"block": n_v},
    "convolution_bias": {"block": n_v * d_s + 2 * n_qk * d_k},
    "ffn_bias": {"dense": d_FFN + d_emb},
    "gated_ffn_bias": {"dense": 2 * d_FFN + d_emb},
    "head_bias": {"once": n_vocab},
    "router_bias": {"experts": n_e},
    "shared_gate": {"experts": d_emb},
    "beside_norms": {"experts": 3 * d_emb},  # where experts run beside a dense layer
    "router_scale": {"experts": d_emb + n_e},  # of the router's input, and of what each expert gives
    "latent_expert_norm": {"experts": d_z},
    "expert_bias": {"expert": 2 * d_MoE + d_emb},
    "hyper_connections": {"block": _SITE, "half": _SITE, "once": n_res + 1},
}


def vector_elements(architecture: Architecture, experts: Expr = HELD, axes: Substitution | None = None) -> Expr:
    """Norm and bias elements of the whole model [1], under a substitution of axes.

    Those of `experts` routed experts of a block are counted.

    >>> vector_elements(Architecture("MHA", vectors=("norms",))).factor()
    d_emb*(2*n_dec + 1)
    """
    counted: dict[tuple[str, str], list[tuple[Expr, Expr]]] = {}
    for kind in architecture.kinds:
        for name, place, count in _groups(architecture.vectors, kind, experts):
            elements = (count * VECTORS[name][place]).xreplace(kind.axes(axes))
            counted.setdefault((name, place), []).append((_blocks(architecture, kind, place), elements))
    once = Add(*(VECTORS[name].get("once", Integer(0)) for name in architecture.vectors))
    return Add(*(summed(each) for each in counted.values()), once.xreplace(axes or {}))


def _blocks(architecture: Architecture, kind: Kind, place: str) -> Expr:
    """Blocks of a kind; where a row says that all have experts, both halves are counted by the same symbol."""
    return n_dec if place == "half" and not (architecture.listed or architecture.dense) else kind.blocks


def _groups(common: tuple[str, ...], kind: Kind, experts: Expr) -> Iterator[tuple[str, str, Expr]]:
    """Groups that a kind of block carries by their places, and how often a block has each of them."""
    half = kind.feedforward
    places = {"block": Integer(1)} if kind.mechanism else {}
    if half:
        own = {"experts": Integer(1), "expert": experts} if half.experts else {"dense": Integer(1)}
        places |= {"half": Integer(1)} | own
    for name in (*common, *kind.vectors):
        yield from ((name, place, count) for place, count in places.items() if place in VECTORS[name])
