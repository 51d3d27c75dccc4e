"""Tensor, data and expert parallelism as substitutions of axis sizes: what one accelerator sees.

`B` counts the requests of the whole system. TP divides heads and hidden widths (KV heads first, then query heads
within a group, the KV head replicated), DP divides requests, EP divides experts. A tensor without
a divided axis is not sharded, which is why TP leaves the latent cache of MLA whole. The substitution is made in
one step (`xreplace`): a sequence of `subs` would divide its own results again.
"""

from functools import cache

from sympy import Expr, Integer, Max, Min, Symbol

from analysis.derive.symbols import (
    B,
    Gamma_acc,
    Gamma_imb,
    T_e,
    d_FFN,
    d_shared,
    deg_DP,
    deg_EP,
    deg_grp,
    deg_TP,
    l,
    n_acc,
    n_act,
    n_e,
    n_hd,
    n_k,
    n_kv,
    n_vocab,
)

Substitution = dict[Symbol, Expr]


def tokens_per_expert() -> Expr:
    """Tokens that reach one routed expert, T_e [tokens] (Sec. V): one EP group of deg_EP accelerators sees its share.

    >>> tokens_per_expert().subs({deg_EP: n_acc})
    B*Gamma_imb*l*n_k/n_e
    """
    return Gamma_imb * _group_tokens() * n_k / n_e


def _group_tokens() -> Expr:
    return B * l * deg_EP / n_acc


def active_experts(tokens: Expr, experts: Expr = n_e) -> Expr:
    """Expected experts (of n_e, uniform routing) that `tokens` tokens reach [1], scaled to `experts` of them.

    >>> active_experts(B)
    n_e*(1 - (1 - n_k/n_e)**B)
    """
    return experts * (1 - (1 - n_k / n_e) ** tokens)


def sharded() -> Substitution:
    """The axes of one accelerator, as expressions in the axes of the whole model and the degrees."""
    return dict(_sharded())


@cache
def _sharded() -> Substitution:
    kv_heads = Max(1, n_kv / deg_TP)
    active = active_experts(_group_tokens(), n_e / deg_EP)
    return {
        B: B / deg_DP,
        n_hd: n_hd / deg_TP,
        n_kv: kv_heads,
        deg_grp: deg_grp * n_kv / deg_TP / kv_heads,
        d_FFN: d_FFN / deg_TP,
        d_shared: d_shared / deg_TP,
        n_vocab: n_vocab / deg_TP,
        n_act: active,
        T_e: Gamma_acc * _group_tokens() * n_k / (deg_EP * active),
    }


def single_expert() -> Substitution:
    """One expert alone, with its mean share of the system's tokens."""
    return {n_act: Integer(1), T_e: tokens_per_expert()}


def read_expert() -> Substitution:
    """One expert alone that at least one token reached, with the mean of the tokens that such experts serve.

    Tokens reach it independently of each other, with probability Gamma n_k / n_e each; so one token or more.

    >>> read_expert()[T_e].subs({B: 1, l: 1, deg_EP: n_acc, Gamma_imb: 1})
    1
    """
    chance = Min(1, Gamma_imb * n_k / n_e)
    return {n_act: Integer(1), T_e: tokens_per_expert() / (1 - (1 - chance) ** _group_tokens())}


def decode() -> Substitution:
    """One new token per request."""
    return {l: Integer(1)}
