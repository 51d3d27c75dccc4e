"""Feed-forward layers, experts, router and output head as einsum lines.

The gate of a gated layer multiplies element-wise and is not counted; both products add into `h` for the
bookkeeping of bytes. Experts run `n_act` at a time on an accelerator, each over its `T_e` tokens.
"""

from analysis.derive.einsum import Einsum, lines, of_kind

_UP = "h[B l d_FFN] = x[B l d_emb] W_up[d_emb d_FFN]"
_DOWN = "y[B l d_emb] = h[B l d_FFN] W_down[d_FFN d_emb]"

PLAIN_FFN = lines(f"{_UP}; {_DOWN}")
GATED_FFN = lines(f"h[B l d_FFN] = x[B l d_emb] W_gate[d_emb d_FFN]; {_UP}; {_DOWN}")

ROUTED_EXPERTS = lines("""
    h[n_act T_e d_MoE] = x[n_act T_e d_emb] W_gate[n_act d_emb d_MoE]
    h[n_act T_e d_MoE] = x[n_act T_e d_emb] W_up[n_act d_emb d_MoE]
    y[n_act T_e d_emb] = h[n_act T_e d_MoE] W_down[n_act d_MoE d_emb]
""")

SHARED_EXPERT = lines("""
    h[B l d_shared] = x[B l d_emb] W_gate[d_emb d_shared]
    h[B l d_shared] = x[B l d_emb] W_up[d_emb d_shared]
    y[B l d_emb]    = h[B l d_shared] W_down[d_shared d_emb]
""")

ROUTER = lines("r[B l n_e] = x[B l d_emb] W_router[d_emb n_e]")
HEAD = lines("z[B l n_vocab] = x[B l d_emb] W_head[d_emb n_vocab]")

FFN: dict[str, tuple[Einsum, ...]] = {"gated": GATED_FFN, "plain": PLAIN_FFN}


def routed_experts(own_width: bool) -> tuple[Einsum, ...]:
    """Lines of the routed experts; `own_width`: their weights have the width `width_experts`."""
    return of_kind(ROUTED_EXPERTS, "weights", "experts") if own_width else ROUTED_EXPERTS
