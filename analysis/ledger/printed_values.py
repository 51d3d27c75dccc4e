"""The numbers that the paper and others print, read from data/ with the worth of their last digit."""

import math
import re
from dataclasses import dataclass

from analysis.data import datasets

_NUMBER = re.compile(r"\d+(?:\.(\d+))?")


@dataclass(frozen=True)
class PaperNumber:
    """A printed number and the step between numbers that can be told apart in print."""

    value: float
    step: float

    def fits(self, ours: float) -> bool:
        """Whether `ours` rounds to what is printed (half a step counts as rounding to it).

        >>> PaperNumber(138.89, 0.01).fits(125 / 0.9), PaperNumber(59, 1).fits(59.6)
        (True, False)
        """
        return abs(ours - self.value) <= self.step / 2 * (1 + 1e-9)

    def deviation(self, ours: float) -> float:
        """Relative deviation of `ours` from the printed number [1]."""
        return ours / self.value - 1


def read_numbers(text: str, significant: int | None = None) -> tuple[PaperNumber, ...]:
    """Every number in a printed cell, the last printed digit taken as certain.

    `significant` says how many digits carry meaning where the paper rounds more coarsely than it prints: numbers
    called "about", and whole numbers that end in zeros.

    >>> read_numbers("18x; 2.40x")
    (PaperNumber(value=18.0, step=1.0), PaperNumber(value=2.4, step=0.01))
    >>> read_numbers("50 GB", significant=1)
    (PaperNumber(value=50.0, step=10.0),)
    """
    return tuple(_number(match, significant) for match in _NUMBER.finditer(text))


def _number(match: re.Match, significant: int | None) -> PaperNumber:
    value = float(match[0])
    decimals = len(match[1] or "")
    if significant is not None:
        decimals = significant - 1 - math.floor(math.log10(value))
    return PaperNumber(value, float(f"1e{-decimals}"))


def printed(claim: str, significant: int | None = None) -> tuple[PaperNumber, ...]:
    """The numbers printed for a claim of data/claims.csv or published.csv; empty where it prints none.

    >>> printed("C001")
    (PaperNumber(value=138.89, step=0.01),)
    """
    return read_numbers(datasets.claimed(claim).paper_value, significant)
