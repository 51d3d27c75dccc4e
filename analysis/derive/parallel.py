"""Tensor, data and expert parallelism as substitutions of axis sizes: what one accelerator sees.

`B` counts the requests of the whole system. TP divides heads and hidden widths (KV heads first, then query heads
within a group, the KV head replicated), DP divides requests, EP divides experts. A tensor without
a divided axis is not sharded, which is why TP leaves the latent cache of MLA whole. The substitution is made in
one step (`xreplace`): a sequence of `subs` would divide its own results again.
"""

from dataclasses import dataclass
from functools import cache

from sympy import Expr, Integer, Max, Min, Symbol

from analysis.derive.symbols import (
    B,
    Gamma_acc,
    Gamma_imb,
    T_e,
    d_FFN,
    d_MoE,
    d_shared,
    deg_DP,
    deg_EP,
    deg_ETP,
    deg_grp,
    deg_TP,
    l,
    n_acc,
    n_act,
    n_e,
    n_hd,
    n_k,
    n_kv,
    n_og,
    n_qk,
    n_slot,
    n_v,
    n_vocab,
)

Substitution = dict[Symbol, Expr]


@dataclass(frozen=True)
class Layout:
    """How routed experts lie on accelerators: whole or split, with or without redundant copies.

    `split`: deg_ETP accelerators, those of a TP group, share the hidden width of each expert. `copies`: a block has
    n_slot slots for its n_e experts, and tokens spread evenly over the slots.
    """

    split: bool = False
    copies: bool = False

    @property
    def parts(self) -> Expr:
        """Accelerators that share one expert."""
        return deg_ETP if self.split else Integer(1)

    @property
    def slots(self) -> Expr:
        """Slots of a block, each of which holds one expert."""
        return n_slot if self.copies else n_e

    @property
    def group(self) -> Expr:
        """Accelerators that hold every slot once."""
        return deg_EP * self.parts


WHOLE = Layout()


def tokens_per_expert(layout: Layout = WHOLE) -> Expr:
    """Tokens that reach one routed expert, T_e [tokens] (Sec. V): one group that holds all experts sees its share.

    >>> tokens_per_expert().subs({deg_EP: n_acc})
    B*Gamma_imb*l*n_k/n_e
    """
    return Gamma_imb * _group_tokens(layout) * n_k / n_e


def _group_tokens(layout: Layout) -> Expr:
    return B * l * layout.group / n_acc


def active_experts(tokens: Expr, experts: Expr = n_e, among: Expr = n_e) -> Expr:
    """Expected experts (of `among`, uniform routing) that `tokens` tokens reach [1], scaled to `experts` of them.

    >>> active_experts(B)
    n_e*(1 - (1 - n_k/n_e)**B)
    """
    return experts * (1 - (1 - n_k / among) ** tokens)


def sharded(layout: Layout = WHOLE) -> Substitution:
    """The axes of one accelerator, as expressions in the axes of the whole model and the degrees."""
    return dict(_sharded(layout))


@cache
def _sharded(layout: Layout) -> Substitution:
    kv_heads = Max(1, n_kv / deg_TP)
    tokens = _group_tokens(layout)
    active = active_experts(tokens, layout.slots / deg_EP, layout.slots)
    hidden = {d_MoE: d_MoE / layout.parts} if layout.split else {}
    return hidden | {
        B: B / deg_DP,
        n_hd: n_hd / deg_TP,
        n_kv: kv_heads,
        n_v: n_v / deg_TP,
        n_og: n_og / deg_TP,
        n_qk: Max(1, n_qk / deg_TP),
        deg_grp: deg_grp * n_kv / deg_TP / kv_heads,
        d_FFN: d_FFN / deg_TP,
        d_shared: d_shared / deg_TP,
        n_vocab: n_vocab / deg_TP,
        n_act: active,
        T_e: Gamma_acc * tokens * n_k / (deg_EP * active),
    }


def single_expert(layout: Layout = WHOLE) -> Substitution:
    """One expert alone (what one accelerator holds of it), with its mean share of the system's tokens."""
    hidden = {d_MoE: d_MoE / layout.parts} if layout.split else {}
    return hidden | {n_act: Integer(1), T_e: tokens_per_expert(layout)}


def read_expert(layout: Layout = WHOLE) -> Substitution:
    """`single_expert` that at least one token reached, with the mean of the tokens that such experts serve.

    Tokens reach it independently of each other, with probability Gamma n_k / n_e each; so one token or more.

    >>> read_expert()[T_e].subs({B: 1, l: 1, deg_EP: n_acc, Gamma_imb: 1, n_k: 8, n_e: 256})
    1
    """
    chance = Min(1, Gamma_imb * n_k / n_e)
    reached = 1 - (1 - chance) ** _group_tokens(layout)
    return single_expert(layout) | {T_e: tokens_per_expert(layout) / reached}


def decode() -> Substitution:
    """One new token per request."""
    return {l: Integer(1)}
