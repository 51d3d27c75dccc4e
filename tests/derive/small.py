"""What the tests of analysis/derive share: small random axis sizes, and every line and paragraph by name."""

import random

from hypothesis import settings
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational, Symbol

from analysis.derive.attention import MECHANISMS
from analysis.derive.einsum import Einsum
from analysis.derive.feedforward import (
    GATED_FFN,
    HEAD,
    LATENT,
    PLAIN_FFN,
    ROUTED_EXPERTS,
    ROUTER,
    SHARED_EXPERT,
    routed_experts,
)
from analysis.derive.symbols import MEANINGS

# No deadline and no randomness between runs: a failure in CI is a failure at home.
few = settings(max_examples=12, deadline=None, derandomize=True, database=None)
many = settings(few, max_examples=60)

ORDERED = [(mechanism, order) for mechanism in MECHANISMS.values() for order in mechanism.orders]
ORDERED_IDS = [f"{mechanism.name}-{order}" for mechanism, order in ORDERED]
ROPE, ROPE_KEY, GROUPING = ("in", "out"), ("per_head", "shared"), ("fused", "spilled", "layered")

FEEDFORWARD: dict[str, tuple[Einsum, ...]] = {
    "gated": GATED_FFN,
    "plain": PLAIN_FFN,
    "routed": ROUTED_EXPERTS,
    "routed_latent": routed_experts(False, form="plain", latent=True),
    "latent": LATENT,
    "shared": SHARED_EXPERT,
    "router": ROUTER,
    "head": HEAD,
}

AXES: tuple[Symbol, ...] = tuple(
    symbol for symbol, meaning in MEANINGS.items() if meaning.unit in ("1", "tokens", "requests", "byte")
)


def all_lines(mechanism, order: str, rope: str = "in", rope_key: str = "per_head") -> tuple[Einsum, ...]:
    """All lines of a block of attention, one stage after another."""
    return tuple(line for stage in mechanism.stages(order, rope, rope_key).values() for line in stage)


def every_line() -> dict[str, Einsum]:
    """Each distinct line of the study by its text."""
    attention = [
        line
        for mechanism, order in ORDERED
        for rope_key in ROPE_KEY
        for line in all_lines(mechanism, order, rope_key=rope_key)
    ]
    return {str(line): line for given in (attention, *FEEDFORWARD.values()) for line in given}


def points(low: int = 1, high: int = 3, **fixed: int) -> st.SearchStrategy[dict[Symbol, Integer]]:
    """A random size for every axis and width; names in `fixed` keep their value.

    All from one number that hypothesis draws: to draw each of a hundred sizes takes longer than any test of them.
    """

    def sizes(seed: int) -> dict[Symbol, Integer]:
        draw = random.Random(seed)
        return {axis: Integer(fixed.get(axis.name, draw.randint(low, high))) for axis in AXES}

    return st.integers(0, 2**32).map(sizes)


def number(expression: Expr, point: dict) -> Rational:
    """The exact value of an expression; fails if a symbol is left."""
    value = Integer(0) + expression.xreplace({s: Rational(point[s]) for s in expression.free_symbols if s in point})
    assert value.is_Rational, f"{value} is no exact number"
    return value
