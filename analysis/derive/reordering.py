"""Reordering as a proposition: two contraction orders of the same sum, and the query length at which they cross.

Both orders give equal values because the chain q W_DK c_KV^T (and its twin for the context) is linear and may be
bracketed either way; RoPE adds a term of its own, and softmax sees the same scores. Their costs differ.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

from sympy import Add, Expr, Symbol, limit, oo, solve

from analysis.derive.attention import Mechanism
from analysis.derive.block import Conventions, Stages, attention_stages, bytes_moved, flops
from analysis.derive.einsum import Kernel
from analysis.derive.symbols import BW_mem, P_acc, l

REORDERED_STAGES = ("decompression", "core")
Regime = dict[str, bool]  # kernel name -> whether arithmetic (not memory) limits it


def limits(expression: Expr, to_infinity: Iterable[Symbol]) -> Expr:
    """The limit of an expression as the given symbols grow without bound, one after another.

    >>> from analysis.derive.symbols import B, L
    >>> limits(2 * B * L / (B * L + B + L), [B, L])
    2
    """
    for symbol in to_infinity:
        expression = limit(expression, symbol, oo)
    return expression


def affected(mechanism: Mechanism, conventions: Conventions) -> tuple[Kernel, ...]:
    """The kernels that reordering changes: decompression (or the absorbed products) and the core."""
    stages: Stages = attention_stages(mechanism, conventions)
    return tuple(kernel for stage in REORDERED_STAGES for kernel in stages[stage])


def both_orders(mechanism: Mechanism, conventions: Conventions = Conventions()) -> dict[str, tuple[Kernel, ...]]:
    """`affected` for each contraction order, other conventions equal."""
    return {order: affected(mechanism, replace(conventions, order=order)) for order in mechanism.orders}


def _crossing(left: Expr, right: Expr) -> Expr:
    return solve(left - right, l)[0].factor()


def crossing_in_flops(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Expr:
    """Query length l [tokens] below which reordering needs fewer FLOPs; a negative value: it always does.

    >>> from analysis.derive.attention import MLA
    >>> from analysis.derive.symbols import L
    >>> limits(crossing_in_flops(MLA), [L]).factor()
    d_KVco*(d_nope + d_v)/(causal*(2*d_KVco - d_nope - d_v))
    """
    first, second = both_orders(mechanism, conventions).values()
    return _crossing(flops(first), flops(second))


def crossing_in_bytes(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Expr:
    """Query length l [tokens] below which reordering moves fewer bytes."""
    first, second = both_orders(mechanism, conventions).values()
    return _crossing(bytes_moved(first), bytes_moved(second))


def time_in_regime(kernels: tuple[Kernel, ...], regime: Regime) -> Expr:
    """Roofline time of kernels [s] when `regime` says which of them arithmetic limits; linear in l."""
    times = (k.flops / P_acc if regime[k.name] else k.bytes / BW_mem for k in kernels)
    return Add(*times)


def regimes(kernels: tuple[Kernel, ...]) -> Iterable[Regime]:
    """Every assignment of limits (arithmetic or memory) to kernels."""
    names = [kernel.name for kernel in kernels]
    return (dict(zip(names, bound, strict=True)) for bound in product((True, False), repeat=len(names)))


def crossing_in_time(
    mechanism: Mechanism, first: Regime, second: Regime, conventions: Conventions = Conventions()
) -> Expr:
    """Query length l [tokens] at which both orders take equal time.

    As printed runs in regime `first`, reordered in `second`; the closed form holds where its value lies in those
    regimes, and `analysis.systems.crossing` finds which do.
    """
    orders = both_orders(mechanism, conventions)
    pair = zip(orders.values(), (first, second), strict=True)
    return _crossing(*(time_in_regime(kernels, regime) for kernels, regime in pair))
