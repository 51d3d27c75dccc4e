"""A proof as a sequence of closed forms: what each line of it says, and which lines only rewrite the one before."""

from dataclasses import dataclass

from sympy import Expr


@dataclass(frozen=True)
class Step:
    """One line of a proof: a left side in LaTeX, a closed form, and why it holds.

    An empty left side means that the form equals that of the step before; tests check this by algebra.
    """

    left: str
    form: Expr
    remark: str = ""


Proof = tuple[Step, ...]


def conclusion(proof: Proof) -> Expr:
    """The form that a proof ends with."""
    return proof[-1].form
