"""What routing accepts: one check per kind of value, each refusal one sentence."""

from typing import NamedTuple

import numpy as np

from analysis.files.errors import InputError, choices

DRAWS = ("without", "with")
# Beyond this skew nearly every token picks the same n_k experts, and ranks^-s leaves the range of a float.
S_MAX = 50.0


class Band(NamedTuple):
    """A mean with the two ends of its band; which band it is, the function that returns it says."""

    mean: float
    low: float
    high: float


class Estimate(NamedTuple):
    """A mean over random draws and its standard error."""

    mean: float
    error: float


def whole(name: str, value, low: int = 1) -> int:
    """Return `value` as an int of at least `low`, or raise InputError.

    >>> whole("n_k", 8.0)
    8
    """
    if not _is_number(value) or value != np.floor(value) or not low <= value < np.inf:
        raise InputError(f"routing: {name}={value} is not usable, give one whole number of at least {low}")
    return int(value)


def _is_number(value) -> bool:
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iuf"


def layer(n_e, n_k) -> tuple[int, int]:
    """Return (n_e, n_k) as ints, refusing a token that wants more experts than there are."""
    n_e, n_k = whole("n_e", n_e), whole("n_k", n_k)
    if n_k > n_e:
        raise InputError(f"routing: n_k={n_k} experts per token exceed n_e={n_e} experts, give n_k from 1 to {n_e}")
    return n_e, n_k


def skew(s) -> np.ndarray:
    """Return the Zipf exponents as an array of any shape; each must lie in [0, 50]."""
    return _within("s", s, S_MAX, "0 (uniform) to 50")


def requests(B) -> np.ndarray:
    """Return batch sizes as an array; each must be finite and not negative."""
    return _within("B", B, np.finfo(float).max, "0 or more requests")


def _within(name: str, values, high: float, allowed: str) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "iuf" or not np.all((values >= 0) & (values <= high)):
        raise InputError(f"routing: {name}={values.tolist()} is out of range, give {allowed}")
    return values.astype(float)


def one_of(name: str, value, allowed) -> str:
    """Return `value` when it is one of the allowed names."""
    if not isinstance(value, str) or value not in allowed:
        raise InputError(f"routing: {name}={value} is unknown, give one of {choices(allowed)}")
    return value
