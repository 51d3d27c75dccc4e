"""Windowed attention: the same lines over a shorter context, as a substitution of axis sizes.

A query of a windowed block meets the last L_win tokens, itself among them. So each of l queries has Min(L, L_win)
score pairs, all of them together touch Min(L, L_win + l - 1) keys, and Min(L, L_win) tokens stay cached. Attention
within chunks of L_win tokens is counted as if every chunk were full, which bounds it from above.
"""

from collections.abc import Callable

from sympy import Add, Expr, Min

from analysis.derive.block import Architecture
from analysis.derive.parallel import Substitution
from analysis.derive.symbols import L, L_win, causal, l, n_dec, n_win


def windowed(queries: Expr = l) -> Substitution:
    """Axes of a windowed block for so many queries of a request; weights have none of them.

    A query has no more pairs than the causal share of the context, and no more than L_win.

    >>> from sympy import Integer
    >>> windowed(Integer(1))[L]
    Min(L, L_win)
    >>> (causal * l * L).xreplace(windowed())
    l*Min(L_win, L*causal)
    """
    touched = Min(L, L_win + queries - 1)
    return {L: touched, causal: Min(causal * L, L_win) / touched}


def kinds(architecture: Architecture, queries: Expr = l) -> tuple[tuple[Expr, Substitution], ...]:
    """Attention blocks of a model by kind, the largest first: how many there are, and the axes that differ."""
    if not architecture.windowed:
        return ((n_dec, {}),)
    within = windowed(queries)
    return ((n_dec - n_win, {}), (n_win, within)) if architecture.full else ((n_dec, within),)


def largest(architecture: Architecture, queries: Expr = l) -> Substitution:
    """Axes of the block that attends to most: one of full attention where the model has any."""
    return kinds(architecture, queries)[0][1]


def over_blocks(architecture: Architecture, of_block: Callable[[Substitution], Expr], queries: Expr = l) -> Expr:
    """Sum over all attention blocks of what one costs under the axes of its kind.

    >>> from sympy import Integer
    >>> over_blocks(Architecture("MHA", windowed=True), L.xreplace, Integer(1))
    L*(n_dec - n_win) + n_win*Min(L, L_win)
    """
    found = [(count, of_block(axes)) for count, axes in kinds(architecture, queries)]
    if len({each for _, each in found}) == 1:
        return n_dec * found[0][1]
    return Add(*(count * each for count, each in found))
