"""A number worked by hand: one line of arithmetic with the model's sizes in it, a brace under each that names it."""

from math import prod

from analysis.files.errors import InputError, choices
from analysis.render.digits import NARROW, digits_of, whole, with_unit

SIGNS = {"×": (r"\times", prod), "+": ("+", sum), "/": (r"\Big/\,", lambda numbers: numbers[0] / prod(numbers[1:]))}


def by_hand(sign: str, *parts: tuple, unit: str = "", shown: str = "", digits: int = 4) -> str:
    r"""The line whose parts are taken together by `sign`: ×, + or /. Raises InputError for another sign or unit.

    A part is a number and its name, and, where its digits say little, the text to print for it. Whole numbers are
    printed in full; the result at `digits` significant digits where it is `shown` in a unit with a prefix.

    The line may break before each sign, so that a narrow screen shows all of it.

    >>> print(by_hand("×", (3, "matrices"), (7168, "width"), unit="elements"))
    ~~~{div} by-hand
    $\underbrace{3}_{\text{matrices}}$ ${}\times \underbrace{7{,}168}_{\text{width}}$ ${}= 21{,}504\ \text{elements}$
    ~~~
    """
    if sign not in SIGNS:
        raise InputError(f"by_hand: {sign!r} is no sign of arithmetic here; allowed are {choices(SIGNS)}.")
    printed, take = SIGNS[sign]
    result = take([part[0] for part in parts])
    scaled = with_unit(result, unit, shown, digits).removesuffix(shown).strip(f" {NARROW}") if shown else ""
    text = scaled or _number(result, digits)
    name = rf"\ \text{{{shown or unit}}}" if unit else ""
    braces = f"$ ${{}}{printed} ".join(_brace(digits, *part) for part in parts)
    return f"~~~{{div}} by-hand\n${braces}$ ${{}}= {_grouped(text)}{name}$\n~~~"


def _brace(digits: int, number: float, name: str, text: str = "") -> str:
    printed = rf"\text{{{text}}}".replace("%", r"}\%\text{") if text else _grouped(_number(number, digits))
    return rf"\underbrace{{{printed}}}_{{\text{{{name}}}}}"


def _number(number: float, digits: int) -> str:
    return whole(number) if float(number).is_integer() else digits_of(number, digits)


def _grouped(text: str) -> str:
    """Thousands without the space that LaTeX puts behind a comma."""
    return text.replace(",", "{,}")
