"""Text of a page that remembers what it was printed from, and a record of what each page's functions printed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from sympy import Expr

Row = tuple[str, Expr, str]
"""A line of an equation: left side in LaTeX, closed form, remark."""
LABEL = re.compile(r"^:(?:label|name): *([\w-]+)$", flags=re.M)


class Printed(str):
    """MyST text with the rows that stand in it."""

    __slots__ = ("rows",)

    def __new__(cls, text: str, rows: tuple[Row, ...] | list[Row] = ()) -> "Printed":
        made = super().__new__(cls, text)
        made.rows = tuple(rows)
        return made


@dataclass(frozen=True)
class Origin:
    """Where a labelled text came from: the function of the page, its arguments, the closed forms that it printed."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    given: Mapping[str, Any]
    rows: tuple[Row, ...] = ()


def recording(names: Mapping[str, Any], origins: dict[str, Origin]) -> dict[str, Any]:
    """The same names, whose functions note in `origins` under which labels they printed what.

    >>> origins = {}
    >>> recording({"line": lambda name: f":label: {name}"}, origins)["line"]("eq-a")
    ':label: eq-a'
    >>> origins["eq-a"].arguments
    ('eq-a',)
    """
    return {name: _recording(each, origins) if callable(each) else each for name, each in names.items()}


def _recording(function: Callable[..., Any], origins: dict[str, Origin]) -> Callable[..., Any]:
    @wraps(function)
    def recorded(*arguments, **given):
        text = function(*arguments, **given)
        for label in LABEL.findall(text) if isinstance(text, str) else ():
            origins[label] = Origin(function, arguments, given, getattr(text, "rows", ()))
        return text

    return recorded
