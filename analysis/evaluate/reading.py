"""Reading what a reader typed: one parameter, one value (or a list of numbers), checked before anything is computed."""

import difflib
import math
import re

import numpy as np

from analysis.errors import InputError, choices, shown
from analysis.evaluate.parameters import CHOICE, COUNT, PARAMETERS, ROW, Parameter
from analysis.evaluate.units import MEASURES, WIDTH, in_unit

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LARGEST = 1e18  # far beyond any batch, context or bandwidth; keeps typing errors from passing as numbers


def assigned(assignments: tuple[str, ...]) -> dict[str, str]:
    """Parameters typed as NAME=VALUE, by name. Raises InputError for another form, or a name given twice.

    >>> assigned(("B=64", "phase=decode"))
    {'B': '64', 'phase': 'decode'}
    """
    found: dict[str, str] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise InputError(f"{shown(text)}: parameters are written NAME=VALUE, for example B=64.")
        if name in found:
            raise InputError(f"{shown(name)}={shown(value)}: {shown(name)} is given twice; keep one.")
        found[name] = value
    return found


def read(name: str, given):
    """The value of parameter `name` as given (text, number, or list of numbers), checked.

    Raises InputError that names the parameter, the value found and the values allowed.

    >>> read("B", "64,128")
    array([ 64., 128.])
    >>> read("phase", "prefill")
    'prefill'
    """
    parameter = PARAMETERS.get(name)
    if parameter is None:
        close = difflib.get_close_matches(shown(name), PARAMETERS, n=3)
        hint = f"close to it are {', '.join(close)}; " if close else ""
        raise InputError(
            f"{shown(name)}={shown(given)}: there is no parameter of this name; {hint}"
            f"allowed are {choices(PARAMETERS)}."
        )
    if parameter.kind == ROW:
        return str(given)
    if parameter.kind == CHOICE or (given in parameter.allowed and isinstance(given, str)):
        return _choice(parameter, given)
    return _numbers(parameter, given)


def _choice(parameter: Parameter, given):
    if given not in parameter.allowed:
        raise InputError(
            f"{parameter.name}={shown(given)}: not a value of this parameter; allowed are {choices(parameter.allowed)}."
        )
    return given


def _numbers(parameter: Parameter, given):
    if isinstance(given, str) and "," in given:
        given = given.split(",")
    if isinstance(given, list | tuple | range | np.ndarray):
        if len(given) == 0:
            raise InputError(f"{parameter.name}=[]: an empty list; give at least one number.")
        return np.array([_number(parameter, each) for each in given], dtype=float)
    return _number(parameter, given)


def _number(parameter: Parameter, given) -> int | float:
    try:
        plain = not isinstance(given, bool) and (not isinstance(given, str) or _NUMBER.fullmatch(given))
        number = float(given) if plain else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if parameter.name in MEASURES or parameter.name.startswith("width"):
        _measure(parameter, number, given)
        return int(number) if number.is_integer() else number
    bounds, fits = _bounds(parameter, number)
    if not fits:
        raise InputError(f"{parameter.name}={shown(given)}: {parameter.meaning}; allowed is {bounds}.")
    return int(number) if number.is_integer() else number


def _measure(parameter: Parameter, number: float, given) -> None:
    """Refuse a number outside the range of its unit. Raises InputError."""
    unit, within, size = WIDTH if parameter.name.startswith("width") else MEASURES[parameter.name]
    absent = parameter.name == "alpha" and number == 0
    if not absent and not within[0] <= number <= within[1]:
        zero = "0, or " if parameter.name == "alpha" else ""
        link = ", or link" if parameter.name == "alpha" else ""
        raise InputError(
            f"{parameter.name}={shown(given)}: {parameter.meaning}; allowed is {zero}a number from {within[0]:g} to "
            f"{within[1]:g} {unit}{link}; {in_unit(number, unit, within, size)}."
        )


def _bounds(parameter: Parameter, number: float) -> tuple[str, bool]:
    """The range of a number in words, and whether the number lies in it (nan lies in none)."""
    ranges = {
        "causal": ("a number above 0 and at most 1", 0 < number <= 1),
        "acceptance": ("a number from 0 to 1", 0 <= number <= 1),
        "S_passes": ("1 or 2", number in (1, 2)),
        "memory_share": ("a number above 0 and at most 1", 0 < number <= 1),
        "s": ("a number from 0 to 10", 0 <= number <= 10),
        "seed": ("a whole number from 0", 0 <= number < 2**32 and number.is_integer()),
        "Gamma_imb": ("a number from 1", 1 <= number < LARGEST),
    }
    if parameter.name in ranges:
        return ranges[parameter.name]
    if parameter.kind == COUNT:
        return "a whole number from 1, below 1e18", 1 <= number < LARGEST and number.is_integer()
    return "a number above 0, below 1e18", 0 < number < LARGEST
