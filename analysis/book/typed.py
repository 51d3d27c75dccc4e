"""Numbers that a page types where a value of its head could give them."""

import re
from functools import cache

from analysis.data import datasets
from analysis.render.words import PEOPLE

CODE = re.compile(
    r"^(?P<fence>`{3,})(?:sh|python|yaml|bibtex|text)\n.*?^(?P=fence)$|(?:\{[\w:]+\})?(?P<tick>`+)[^`\n]+(?P=tick)",
    flags=re.M | re.S,
)
"""Blocks and spans of code, and roles with what they name."""
MATH = re.compile(r"^(?P<fence>`{3,})\{math\}.*?^(?P=fence)$|\$\$.+?\$\$|\$[^$\n]+\$", flags=re.M | re.S)
FORM = re.compile(
    r"^:[\w-]+:.*$|^\([\w-]+\)=$|^[`:]{3,}\{[\w:-]+\}"  # options, labels and beginnings of directives
    r"|\]\([^)\n]*\)|<[^>\n]*>|\{#[\w-]+\}"  # addresses, HTML, attributes
    r"|^\s*\d+\. ",  # a list's own numbers
    flags=re.M,
)
OF_THE_PAPER = re.compile(r"(?:Eqs?\.|Sections?|Tables?|Figures?)\s[\dIVX]+(?:(?:,| and| to)\s\d+)*")
YEAR = re.compile(r"\b20[0-3]\d\b")
NUMBER = re.compile(r"(?<![\w.])(?<![A-Za-z]-)\d[\d,]*(?:\.\d+)?")
LARGE = re.compile(r"\d+\.\d+|\d{3,}")
"""What even a formula may not type: coefficients and exponents are smaller."""


@cache
def _names() -> re.Pattern:
    """Models, accelerators and links by name, whose figures are no numbers."""
    rows = [*datasets.models().values(), *datasets.accelerators().values(), *datasets.interconnects().values()]
    known = {*(row.name for row in rows), *PEOPLE.values(), "Llama 4"}
    return re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True))))


def first_typed(text: str) -> tuple[int, str] | None:
    """Place and digits of the first number that a page types outside names, years and numbers of the paper's parts.

    >>> first_typed("In 2025 the paper's Eq. 10 sets R1 on B200 beside one of 256 experts.")
    (57, '256')
    >>> first_typed("Half of $2 n_k$ tokens, {v}`share` of `L=4096`.")
    """
    prose = _blank(CODE, text)
    for formula in MATH.finditer(prose):
        large = LARGE.search(formula[0])
        if large:
            return formula.start() + large.start(), large[0]
    for pattern in (MATH, FORM, _names(), OF_THE_PAPER, YEAR):
        prose = _blank(pattern, prose)
    found = NUMBER.search(prose)
    return (found.start(), found[0].rstrip(",")) if found else None


def _blank(pattern: re.Pattern, text: str) -> str:
    """The text with matches blanked, so that places stay."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
