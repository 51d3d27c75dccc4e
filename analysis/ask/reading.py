"""Reading what a reader typed: one parameter, one value (or a list of numbers), checked before anything is computed."""

import math
import re
from collections.abc import Mapping

import numpy as np

from analysis.ask.parameters import CHOICE, COUNT, NUMBER, PARAMETERS, ROW, SHORT, Parameter
from analysis.data.units import LARGEST, MEASURES, WIDTH, in_unit
from analysis.files.errors import InputError, choices, near, shown

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


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
        raise InputError(
            f"{shown(name)}={shown(given)}: there is no parameter of this name; {near(name, PARAMETERS, SHORT)}"
            "`python -m analysis parameters` lists all."
        )
    if parameter.kind == ROW:
        return str(given)
    if parameter.kind == CHOICE or (isinstance(given, str) and given in parameter.allowed):
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
        given = _entries(parameter, given)
    if isinstance(given, list | tuple | range | np.ndarray):
        if len(given) == 0:
            raise InputError(f"{parameter.name}=[]: an empty list; give at least one number.")
        return np.array([_number(parameter, each) for each in given], dtype=float)
    return _number(parameter, given)


def _entries(parameter: Parameter, given: str) -> list[str]:
    """The entries of a list. Raises InputError for an empty one, and for a comma that sets off thousands."""
    entries = given.split(",")
    bounds, _ = _bounds(parameter, math.nan)
    where = f"{parameter.name}={shown(given)}"
    if "" in entries:
        kept = ",".join(each for each in entries if each) or "64,128"
        raise InputError(f"{where}: entry {entries.index('') + 1} is empty, allowed is {bounds}; write {kept}.")
    if any(re.fullmatch("0[0-9]+", each) for each in entries[1:]):
        raise InputError(
            f"{where}: commas separate values, allowed is {bounds}; write {given.replace(',', '')} for one number, or "
            "several numbers without leading zeros."
        )
    return entries


def refuse_lists(given: Mapping[str, object], who: str) -> None:
    """Raise InputError where one of these parameters is a list, and `who` asks takes one value each."""
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            raise InputError(f"{name}: {who} takes one value each, found a list; run once per value.")


def _number(parameter: Parameter, given) -> int | float:
    try:
        plain = not isinstance(given, bool) and (not isinstance(given, str) or _NUMBER.fullmatch(given))
        number = float(given) if plain else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if _measured(parameter):
        _measure(parameter, number, given)
        return int(number) if number.is_integer() else number
    bounds, fits = _bounds(parameter, number)
    if not fits:
        raise InputError(
            f"{parameter.name}={_typed(given)}: {parameter.meaning}; allowed is {bounds}{_remedy(parameter, given)}."
        )
    return int(number) if number.is_integer() else number


def _typed(given) -> str:
    """What was typed, in quotes where blanks would not show."""
    return repr(given) if isinstance(given, str) and given != given.strip() and len(given) < 60 else shown(given)


_SCALES = {  # what people write after a number, by what the parameter counts
    COUNT: {"k": 2**10, "m": 2**20},
    "slo": {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9},
    "alpha": {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9},
    "BW_Int": {"gb/s": 1e9, "tb/s": 1e12, "mb/s": 1e6, "gb": 1e9, "tb": 1e12, "g": 1e9, "t": 1e12},
    NUMBER: {"%": 1e-2, "x": 1, "b": 1, "byte": 1, "bytes": 1},
}


def _remedy(parameter: Parameter, given) -> str:
    """How to write a number that was typed with a blank, a unit, a suffix or signs between its digits."""
    found = re.fullmatch(r"([0-9._'eE+-]+)\s*([a-zA-Z/%]*)", str(given).strip()) if isinstance(given, str) else None
    if not found or len(given) > 60:
        return ""
    scales = _SCALES.get(parameter.name) or _SCALES[parameter.kind]
    plain, scale = re.sub("[_']", "", found[1]), {"": 1, **scales}.get(found[2].lower())
    if scale is None or not _NUMBER.fullmatch(plain) or str(given) == plain:
        return ""
    number = float(plain) * scale
    unit = f"the unit is {MEASURES[parameter.name][0]}: " if parameter.name in MEASURES and found[2] else ""
    return f"; {unit}write {number:.15g}" if _fits(parameter, number) else ""


def _measured(parameter: Parameter) -> tuple | None:
    """Unit, range and usual size of a parameter that has a unit."""
    return WIDTH if parameter.name.startswith("width") else MEASURES.get(parameter.name)


def _fits(parameter: Parameter, number: float) -> bool:
    measured = _measured(parameter)
    if measured is None:
        return _bounds(parameter, number)[1]
    low, high = measured[1]
    return (parameter.name == "alpha" and number == 0) or low <= number <= high


def _measure(parameter: Parameter, number: float, given) -> None:
    """Refuse a number outside the range of its unit. Raises InputError."""
    if _fits(parameter, number):
        return
    unit, within, size = _measured(parameter)
    zero, link = ("0, or ", ", or link") if parameter.name == "alpha" else ("", "")
    remedy = _remedy(parameter, given) or f"; {in_unit(number, unit, within, size)}"
    raise InputError(
        f"{parameter.name}={_typed(given)}: {parameter.meaning}; allowed is {zero}a number from {within[0]:g} to "
        f"{within[1]:g} {unit}{link}{remedy}."
    )


def _bounds(parameter: Parameter, number: float) -> tuple[str, bool]:
    """The range of a number in words, and whether the number lies in it (nan lies in none)."""
    ranges = {
        "causal": ("a number above 0 and at most 1", 0 < number <= 1),
        "acceptance": ("a number from 0 to 1", 0 <= number <= 1),
        "S_passes": ("1 or 2", number in (1, 2)),
        "memory_share": ("a number above 0 and at most 1", 0 < number <= 1),
        "s": ("a number from 0 to 10", 0 <= number <= 10),
        "seed": ("a whole number from 0 to 4294967295", 0 <= number < 2**32 and number.is_integer()),
        "Gamma_imb": ("a number from 1", 1 <= number < LARGEST),
    }
    if parameter.name in ranges:
        return ranges[parameter.name]
    if parameter.kind == COUNT:
        return "a whole number from 1, below 1e18", 1 <= number < LARGEST and number.is_integer()
    return "a number above 0, below 1e18", 0 < number < LARGEST
