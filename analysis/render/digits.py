"""Numbers as readers see them: significant digits, thousands, prefixes. SI goes in, prefixes appear only here."""

from math import floor, isfinite, log10

from analysis.files.errors import InputError, choices

PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "m": 1e-3, "u": 1e-6, "n": 1e-9}
BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
SHORT = {"byte": "B", "FLOP": "FLOP", "s": "s", "FLOP/s": "FLOP/s", "byte/s": "B/s"}
COUNTED = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
NARROW = "\N{NARROW NO-BREAK SPACE}"
MINUS, MICRO = "\N{MINUS SIGN}", "\N{MICRO SIGN}"
UNITS = (
    *(f"{prefix}{unit}" for unit in ("B", "B/s", "b/s") for prefix in ("", *PREFIXES, *BINARY)),
    *(f"{prefix}{unit}" for unit in ("FLOP", "FLOP/s", "s") for prefix in ("", *PREFIXES, MICRO)),
    *("FLOP/byte", "byte", "bytes", "%", *COUNTED),
)
"""Units as they are written after a number."""


def digits_of(value: float, digits: int = 3) -> str:
    """The number at `digits` significant digits, thousands separated.

    >>> digits_of(241.777), digits_of(0.0005), digits_of(12345.6), digits_of(2.0)
    ('242', '0.0005', '12,300', '2')
    """
    if value == 0 or not isfinite(value):
        return {"inf": "∞", "-inf": f"{MINUS}∞"}.get(str(value), f"{value:g}")
    places = digits - 1 - floor(log10(abs(value)))
    rounded = round(value, places)
    text = f"{abs(rounded):,.{max(places, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{MINUS if rounded < 0 else ''}{text}"


def whole(value: float) -> str:
    """Every digit of a whole number, thousands separated; `digits_of` at five digits for any other.

    >>> whole(70272), whole(0.5)
    ('70,272', '0.5')
    """
    return f"{int(value):,}" if float(value).is_integer() else digits_of(value, 5)


def percent(share: float, digits: int = 2) -> str:
    """A share as a percentage.

    >>> percent(0.594)
    '59\\u202f%'
    """
    return f"{digits_of(100 * share, digits)}{NARROW}%"


def with_unit(value: float, unit: str, shown: str | None = None, digits: int | None = 3) -> str:
    """A value in SI `unit`, at `digits` significant digits (None: all), in the unit `shown` where one is asked for.

    Raises InputError for a unit that is no multiple of the value's own.

    >>> with_unit(70272, "byte", "KiB")
    '68.6\\u202fKiB'
    >>> with_unit(671e9, "1", "billion")
    '671 billion'
    """
    scales = scale_names(unit)
    shown = unit if shown is None else shown
    if shown not in scales:
        raise InputError(f"unit={shown}: not a unit of a number in {unit}; allowed are {choices(scales)}.")
    number = value / scales[shown]
    text = whole(number) if digits is None else digits_of(number, digits)
    space = " " if shown in COUNTED else NARROW
    return text if shown == "1" else f"{text}{space}{shown.replace('us', MICRO + 's')}"


def scale_names(unit: str) -> dict[str, float]:
    """Every unit in which a value in SI `unit` may be shown, with its size."""
    if unit == "1":
        return {"1": 1, **COUNTED}
    short = SHORT.get(unit)
    known = {unit: 1} | ({short: 1} if short else {})
    if short:
        known |= {f"{prefix}{short}": size for prefix, size in PREFIXES.items()}
    return known | ({f"{prefix}B": size for prefix, size in BINARY.items()} if unit == "byte" else {})
