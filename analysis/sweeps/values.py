"""The values of one axis of a grid: a list, or a range of numbers, each checked by the parameter's own rule."""

import math

import numpy as np

from analysis.ask.own_names import label, located
from analysis.ask.parameters import COUNT, PARAMETERS, ROW
from analysis.ask.reading import read
from analysis.files.errors import InputError, choices
from analysis.files.text import shown

WIDTHS = ("width", "width_weights", "width_experts", "width_kv", "width_activations")
ARRAYS = ("B", "L", "causal", "Gamma_imb", "BW_Int", *WIDTHS)
RANGE = ("from", "to", "points", "scale")
MOST_VALUES = 1_000_000


def axis(name: str, given, base=None) -> tuple:
    """The values of parameter `name`, each once, in the order given; ranges of counts are of whole numbers.

    `base` is the folder that paths of rows are relative to. Raises InputError for anything the parameter refuses.

    >>> axis("B", {"from": "1", "to": "1000", "points": "4", "scale": "log"})
    (1, 10, 100, 1000)
    """
    if name not in PARAMETERS:
        read(name, given)  # refuses, and says what is close
    values = _range(name, given) if isinstance(given, dict) else given if isinstance(given, list) else [given]
    if len(values) > MOST_VALUES:
        raise InputError(f"{name}: found {len(values)} values, allowed are at most {MOST_VALUES}; give fewer.")
    found = tuple(dict.fromkeys(one(name, each, base) for each in values))
    if not found:
        raise InputError(f"{name}: found an empty list, allowed is at least one value; give one.")
    return found


def one(name: str, given, base=None):
    """One value of a parameter, its row looked up. Raises InputError."""
    if not isinstance(given, str | int | float) or (isinstance(given, str) and ("," in given or not given)):
        raise InputError(f"{name}: found {shown(given)}, allowed is one value per entry; write lists as [a, b].")
    value = read(name, given)
    if PARAMETERS[name].kind != ROW:
        return value
    value = value if base is None else located(name, value, base)
    label(name, value)
    return value


def _range(name: str, given: dict) -> list:
    unknown = [key for key in given if key not in RANGE]
    if unknown or not {"from", "to", "points"} <= set(given):
        raise InputError(
            f"{name}: found the keys {shown(', '.join(map(str, given)))}, "
            f"allowed are {choices(RANGE)} (scale may be left out); correct them."
        )
    low, high = (_number(name, given[key]) for key in ("from", "to"))
    points, scale = _number(name, given["points"]), given.get("scale", "linear")
    if not (points.is_integer() and 2 <= points <= MOST_VALUES) or not low < high:
        raise InputError(
            f"{name}: found from {low:g} to {high:g} in {points:g} points, allowed are rising ranges "
            f"of 2 to {MOST_VALUES} points; correct them."
        )
    if scale not in ("linear", "log") or (scale == "log" and low <= 0):
        raise InputError(f"{name}: found scale {shown(scale)}, allowed are linear, and log above 0; correct it.")
    found = (np.geomspace if scale == "log" else np.linspace)(low, high, int(points))
    return _whole(name, found) if PARAMETERS[name].kind == COUNT else found.tolist()


def _whole(name: str, found: np.ndarray) -> list[int]:
    """As many different whole numbers, each as near to its own as its neighbours leave room for. Raises InputError.

    >>> _whole("B", np.geomspace(1, 8, 6))
    [1, 2, 3, 4, 5, 8]
    """
    low, high, order = math.ceil(found[0]), math.floor(found[-1]), np.arange(len(found))
    if high - low + 1 < len(found):
        raise InputError(
            f"{name}: found {len(found)} points from {found[0]:g} to {found[-1]:g}, between which lie "
            f"{max(0, high - low + 1)} whole numbers, allowed are as many points at most; give fewer points."
        )
    apart = np.maximum.accumulate(np.clip(np.rint(found), low, high) - order)  # rising, without a step of 1 each
    return (np.minimum(apart, high - order[-1]) + order).astype(int).tolist()


def _number(name: str, given) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not abs(number) < 1e18:
        raise InputError(f"{name}: found {shown(given)} in a range, allowed are finite numbers; correct it.")
    return number
