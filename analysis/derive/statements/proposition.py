"""A proposition as an object: what it supposes, what it concludes, why, and what its sign hangs on."""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr, true
from sympy.logic.boolalg import Boolean

from analysis.derive.statements.steps import Proof


@dataclass(frozen=True)
class Hypothesis:
    """What a proposition supposes: a clause that follows "Suppose that", and a relation where symbols can say it.

    `without` tells a counterexample that was found once it is dropped; names in braces are numbers of that point.
    """

    name: str
    clause: str
    without: str
    relation: Boolean = true


def nothing() -> tuple:
    """No lines of algebra: its page proves it in words, or its claim is an equality."""
    return ()


@dataclass(frozen=True)
class Proposition:
    """A statement with its hypotheses, the claim as a relation of closed forms, proof, and domain of random points.

    `positive`: closed forms with slack put for hypotheses; the claim holds as none of their coefficients is below 0.
    """

    name: str
    title: str
    subject: str
    hypotheses: tuple[Hypothesis, ...]
    conclusion: str
    domain: str
    claim: Callable[[], Boolean]
    proof: Callable[[], Proof] = nothing
    positive: Callable[[], tuple[Expr, ...]] = nothing

    @property
    def label(self) -> str:
        """The label of its block in the book."""
        return f"prop-{self.name}"

    @property
    def statement(self) -> str:
        """Hypotheses and conclusion in words."""
        return f"Suppose {_and([f'that {each.clause}' for each in self.hypotheses])}. Then {self.conclusion}"


def _and(parts: list[str]) -> str:
    """Words in a row.

    >>> _and(["a", "b", "c"]), _and(["a", "b"])
    ('a, b, and c', 'a and b')
    """
    *first, last = parts
    return f"{', '.join(first)}{',' if len(first) > 1 else ''} and {last}" if first else last
