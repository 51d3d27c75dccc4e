"""The unit of a closed form, read off the left side of its equation."""

import re

from analysis.derive.symbols import MEANINGS

SYMBOLS = {about.latex: about.unit for about in MEANINGS.values()}
LETTERS = {  # what letters bear throughout the study, whatever their index
    "F": "FLOP",
    "Q": "byte",
    "T": "s",
    "t": "s",
    "ArI": "FLOP/byte",
    "L": "tokens",
    "l": "tokens",
    "B": "requests",
    "deg": "1",
    "I": "1",
    "E": "tokens",
    "X": "token/s",
}
MARKS = re.compile(r"\^\{\\(?:star|dagger)\}")
OPERATOR = re.compile(r"^\\(?:lim|max|min)_\{(?:[^{}]|\{[^{}]*\})*\}(?:\\,| )*|^\\eta_\{\w+\}\\,|^\\Delta ")


def unit_of(left: str) -> str:
    """The unit of what stands at the left of an equals sign; empty where the left side does not tell.

    Ratios are plain numbers, and a derivative by a degree, itself a plain number, has the unit of what is derived.

    >>> [unit_of(each) for each in (r"Q_{\\mathrm{core}}", r"F(\\mathrm{deg}_{TP})/F(1)", r"\\eta_{P}\\,T")]
    ['byte', '1', 's']
    """
    bare = OPERATOR.sub("", re.sub(r"\\mathrm\{(\w+)\}", r"\1", left))
    bare = MARKS.sub("", bare)
    if bare.startswith(r"\partial"):
        return unit_of(bare.partition("/")[0].removeprefix(r"\partial").strip())
    if bare in SYMBOLS:
        return SYMBOLS[bare]
    if "/" in bare or "+" in bare:
        return "1"
    letter = re.match(r"[A-Za-z]+", bare)
    return LETTERS.get(letter[0], "") if letter else ""
