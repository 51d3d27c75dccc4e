"""From the text of a cell to a value: words, flags, and printed numbers that remember their last digit."""

import re
from typing import NoReturn, Self

from pydantic_core import PydanticCustomError

SUFFIXES = {"M": 10**6, "B": 10**9, "T": 10**12}


class Printed(float):
    """A number as a maker prints it, with the worth of its last digit.

    >>> total = Printed.parse("46.7B")
    >>> float(total), total.step
    (46700000000.0, 100000000.0)
    >>> total.agrees_with(46_702_792_704)
    True
    """

    step: float
    text: str

    @classmethod
    def parse(cls, text: "str | Printed") -> Self:
        """Read digits followed by M, B or T; raises ValueError for anything else."""
        match = re.fullmatch(r"(\d+)(?:\.(\d+))?([MBT])", str(text).strip())
        if match is None:
            raise ValueError("not a printed number")
        whole, decimals, suffix = match.groups(default="")
        worth = SUFFIXES[suffix] / 10 ** len(decimals)
        number = cls(int(whole + decimals) * worth)
        number.step, number.text = worth, str(text).strip()
        return number

    def __str__(self) -> str:
        return self.text

    def agrees_with(self, value: float) -> bool:
        """Whether `value` rounds, up or down, to what is printed: less than one last digit away."""
        return abs(value - self) < self.step


def split_words(cell) -> tuple[str, ...]:
    """Cut a cell at its spaces."""
    return tuple(cell.split()) if isinstance(cell, str) else tuple(cell)


def true_or_false(cell) -> bool:
    """Read true or false and nothing looser."""
    if isinstance(cell, bool):
        return cell
    if cell not in ("true", "false"):
        raise ValueError("not true or false")
    return cell == "true"


def refuse(column: str, found, allowed: str) -> NoReturn:
    """Stop a check that involves several columns, naming the one to correct."""
    raise PydanticCustomError("columns_disagree", "{column}", {"column": column, "found": found, "allowed": allowed})
