"""A system at full memory: batch, terms of TPOT and throughput at B_cap, over arrays; and roots of what they show."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from analysis.ask.numbers import value, values
from analysis.ask.setting import Setting
from analysis.derive import capacity, serving
from analysis.derive.symbols import B, n_acc
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.layers import swept

WIRES = serving.COMMUNICATION
_cap = lru_cache(maxsize=64)(capacity.B_cap)


def batch_at_capacity(setting: Setting, L, replaced: dict | None = None):
    """B_cap [requests], not rounded, over arrays of L; `replaced` are symbols' values. Below 0 where nothing fits."""
    kept = system.book(setting)
    form = _cap(setting.architecture, setting.conventions, kept.weights, kept.activations, setting.layout)
    return value(form, swept(setting, L=L) | (replaced or {}))


def whole_batch(setting: Setting, L: float) -> float:
    """As many requests as memory holds at a context, none of them in part, and as many in every group [requests]."""
    return float(system.rounded(float(batch_at_capacity(setting, L)), setting))


def filled(setting: Setting) -> Setting:
    """The setting with its own B, else as many whole requests as memory holds at its L; raises InputError for none."""
    if setting["B"] is not None:
        return setting
    batch = int(whole_batch(setting, setting["L"]))
    if batch < 1:
        raise InputError(
            f"n_acc={setting['n_acc']}: memory holds no request of {setting.model.name} at {setting['L']:.0f} tokens; "
            "give more accelerators."
        )
    return setting.with_(B=batch)


def terms_at(setting: Setting, batch, L, replaced: dict | None = None) -> dict[str, np.ndarray]:
    """Terms of TPOT [s] by name, over arrays that broadcast; `replaced` are symbols' values in SI units."""
    forms = system.terms(setting)
    point = swept(setting, L=L) | {B: batch} | (replaced or {})
    shape = np.broadcast_shapes(np.shape(batch), np.shape(L))
    return {name: found + np.zeros(shape) for name, found in values(forms, point).items()}


def total(terms: dict[str, np.ndarray], overlap: str = "none") -> np.ndarray:
    """TPOT [s] from its terms."""
    wires = sum(terms[name] for name in WIRES)
    work = sum(terms.values()) - wires
    return work + wires if overlap == "none" else np.maximum(work, wires)


def throughput(setting: Setting, batch, L, replaced: dict | None = None):
    """Tokens per second and accelerator [token/s]; nan where the batch is below one request per system."""
    batch = np.where(np.asarray(batch) >= 1, batch, np.nan)
    time = total(terms_at(setting, batch, L, replaced), setting["overlap"])
    return batch / time / (replaced or {}).get(n_acc, setting.point[n_acc])


def shares_at_capacity(setting: Setting, contexts: np.ndarray) -> dict[str, np.ndarray]:
    """Share of each term in TPOT at B_cap [1] over contexts, the wires as one; nan where nothing fits."""
    batch = batch_at_capacity(setting, contexts)
    found = terms_at(setting, np.where(batch >= 1, batch, np.nan), contexts)
    work = {name: time for name, time in found.items() if name not in WIRES}
    work["communication"] = sum(found[name] for name in WIRES)
    whole = sum(work.values())
    return {name: time / whole for name, time in work.items()}


def root(function: Callable[[float], float], low: float, high: float, steps: int = 200) -> float | None:
    """Where a function changes sign between two positive bounds, by bisection in the logarithm; None if it does not."""
    first, last = function(low), function(high)
    if not np.isfinite([first, last]).all() or np.sign(first) == np.sign(last):
        return None
    for _ in range(steps):
        middle = float(np.sqrt(low * high))
        if np.sign(function(middle)) == np.sign(first):
            low = middle
        else:
            high = middle
        if high / low - 1 < 1e-10:
            break
    return float(np.sqrt(low * high))


def passing(function: Callable[[float], float], low: float, high: float) -> float:
    """From where on a function of a positive number is above 0: its root; 0 if everywhere between the bounds, inf if
    nowhere; nan where it has no value at a bound."""
    ends = function(low), function(high)
    if not np.isfinite(ends).all():
        return float("nan")
    found = root(function, low, high)
    return found if found is not None else 0.0 if ends[0] > 0 else float("inf")


def first_root(function: Callable[[float], float], points) -> float | None:
    """The first sign change of a function between neighbours of rising points, refined by bisection; None if none."""
    values = [function(float(point)) for point in points]
    for low, high, before, after in zip(points, points[1:], values, values[1:], strict=False):
        if np.isfinite([before, after]).all() and np.sign(before) != np.sign(after):
            return root(function, float(low), float(high))
    return None
