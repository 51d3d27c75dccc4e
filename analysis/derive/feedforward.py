"""Feed-forward layers, experts, router and output head as einsum lines.

The gate of a gated layer multiplies element-wise and is not counted; both products add into `h` for the
bookkeeping of bytes. Experts run `n_act` at a time on an accelerator, each over its `T_e` tokens. Latent experts act
on d_z dimensions: a projection into them before dispatch, one back after combine, for all experts of a block.
"""

from analysis.derive.einsum import Einsum, lines, of_kind, over
from analysis.derive.symbols import d_emb, d_z

_UP = "h[B l d_FFN] = x[B l d_emb] W_up[d_emb d_FFN]"
_DOWN = "y[B l d_emb] = h[B l d_FFN] W_down[d_FFN d_emb]"

PLAIN_FFN = lines(f"{_UP}; {_DOWN}")
GATED_FFN = lines(f"h[B l d_FFN] = x[B l d_emb] W_gate[d_emb d_FFN]; {_UP}; {_DOWN}")

ROUTED_EXPERTS = lines("""
    h[n_act T_e d_MoE] = x[n_act T_e d_emb] W_gate[n_act d_emb d_MoE]
    h[n_act T_e d_MoE] = x[n_act T_e d_emb] W_up[n_act d_emb d_MoE]
    y[n_act T_e d_emb] = h[n_act T_e d_MoE] W_down[n_act d_MoE d_emb]
""")

LATENT = lines("z[B l d_z] = x[B l d_emb] W_into[d_emb d_z]; y[B l d_emb] = s[B l d_z] W_back[d_z d_emb]")

SHARED_EXPERT = lines("""
    h[B l d_shared] = x[B l d_emb] W_gate[d_emb d_shared]
    h[B l d_shared] = x[B l d_emb] W_up[d_emb d_shared]
    y[B l d_emb]    = h[B l d_shared] W_down[d_shared d_emb]
""")


def _ungated(given: tuple[Einsum, ...]) -> tuple[Einsum, ...]:
    return tuple(line for line in given if "W_gate" not in {tensor.name for tensor in line.used})


ROUTER = lines("r[B l n_e] = x[B l d_emb] W_router[d_emb n_e]")
HEAD = lines("z[B l n_vocab] = x[B l d_emb] W_head[d_emb n_vocab]")

FFN: dict[str, tuple[Einsum, ...]] = {"gated": GATED_FFN, "plain": PLAIN_FFN}
EXPERTS: dict[str, tuple[Einsum, ...]] = {"gated": ROUTED_EXPERTS, "plain": _ungated(ROUTED_EXPERTS)}
SHARED: dict[str, tuple[Einsum, ...]] = {"gated": SHARED_EXPERT, "plain": _ungated(SHARED_EXPERT)}


def routed_experts(own_width: bool, form: str = "gated", latent: bool = False) -> tuple[Einsum, ...]:
    """Lines of the routed experts; `own_width`: their weights have the width `width_experts`.

    `form` gated (three matrices) or plain (two); `latent`: they act on d_z dimensions.

    >>> print(*routed_experts(False, form="plain", latent=True), sep=chr(10))
    h[n_act T_e d_MoE] = x[n_act T_e d_z] W_up[n_act d_z d_MoE]
    y[n_act T_e d_z] = h[n_act T_e d_MoE] W_down[n_act d_MoE d_z]
    """
    given = over(EXPERTS[form], d_emb, d_z) if latent else EXPERTS[form]
    return of_kind(given, "weights", "experts") if own_width else given
