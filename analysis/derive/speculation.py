"""Tokens that a step of several query tokens yields, when those after the first are drafts that may be refused.

Of the l query tokens of a request, the first is settled and always yields the next token; the other l - 1 are drafts.
Each is accepted with one probability, whatever came before, and counts only if all drafts before it were accepted.
"""

from sympy import Add, Expr, Integer, Piecewise

from analysis.derive.symbols import acceptance, l


def _gained(rate: Expr | float, place: Expr | int) -> Expr | float:
    """Probability that a place, counted from 0, is gained: that of as many acceptances in a row [1]."""
    return rate**place


def expected_tokens(rate: Expr | float, query: int) -> Expr | float:
    """Tokens that a request gains in a step of `query` query tokens on average [tokens]; whole from 1 to `query`.

    >>> expected_tokens(acceptance, 3)
    acceptance**2 + acceptance + 1
    >>> expected_tokens(1, 4)
    4
    """
    return Add(*(_gained(rate, place) for place in range(query)))


def tokens_up_to(most: int) -> Expr:
    """The same with the query tokens a symbol of at most `most` [tokens]; it has no gap at an acceptance of 1."""
    asked = (Piecewise((1, l > place), (0, True)) if place else 1 for place in range(most))
    return Add(*(_gained(acceptance, place) * share for place, share in enumerate(asked)))


def closed_tokens() -> Expr:
    """The sum in closed form [tokens]: acceptance below 1.

    >>> (closed_tokens().subs(l, 3) - expected_tokens(acceptance, 3)).simplify()
    0
    """
    first, ratio, beyond = (_gained(acceptance, place) for place in (0, 1, l))  # of a geometric series
    return (first - beyond) / (1 - ratio)


def most_tokens() -> Expr:
    """Tokens of a step of ever more query tokens [tokens]: more are never gained on average.

    >>> most_tokens().subs(acceptance, 0.75)
    4.00000000000000
    """
    return closed_tokens().xreplace({_gained(acceptance, l): Integer(0)})  # which vanishes as l grows
