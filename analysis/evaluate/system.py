"""A serving system in a setting: the system's closed forms, and the integer batches that limits leave."""

import numpy as np
from sympy import Expr

from analysis.derive import capacity, serving
from analysis.derive.symbols import B, deg_DP
from analysis.errors import InputError
from analysis.evaluate.degrees import check_degrees
from analysis.evaluate.numbers import value
from analysis.evaluate.setting import Setting

LARGEST_BATCH = 2**40


def system(setting: Setting) -> serving.System:
    """The discrete choices of the serving system."""
    levels = "two" if setting.two_levels else "one"
    return serving.System(levels, "accelerator_experts" in setting.given, setting["overlap"])


def terms(setting: Setting) -> dict[str, Expr]:
    """Terms of TPOT [s] by name."""
    return serving.tpot_terms(setting.architecture, setting.conventions, system(setting))


def tpot(setting: Setting) -> Expr:
    """TPOT [s]."""
    return serving.tpot(setting.architecture, setting.conventions, system(setting))


def book(setting: Setting) -> dict:
    """Arguments of the memory book that the setting chooses."""
    return {"book": setting["weights"], "activations": setting["activation"] == "counted"}


def B_cap(setting: Setting) -> Expr:
    """Batch that fits memory [requests], not rounded."""
    return capacity.B_cap(setting.architecture, setting.conventions, **book(setting))


def rounded(batch, setting: Setting):
    """A batch rounded as the setting says; never below 0."""
    batch = np.maximum(batch, 0)
    if setting["rounding"] == "none":
        return batch
    step = setting.point[deg_DP] if setting["rounding"] == "per_group" else 1
    return np.floor(batch / step) * step


def B_cap_value(setting: Setting):
    """B_cap [requests] (Eq. 11), rounded by the convention `rounding`."""
    form = B_cap(setting)
    check_degrees(setting.point, form.free_symbols)
    return rounded(value(form, setting.point), setting)


def B_SLO_value(setting: Setting):
    """Largest whole batch with TPOT <= slo [requests], 0 if none; by bisection, as the full TPOT never falls with B.

    Raises InputError without an SLO.
    """
    if setting["slo"] is None:
        raise InputError("slo= is needed: the time allowed per output token in seconds, for example slo=0.02.")
    form = tpot(setting)
    check_degrees(setting.point, form.free_symbols)
    point = setting.point
    low = np.zeros(np.broadcast_shapes(*(np.shape(v) for v in point.values())))
    high = np.full_like(low, LARGEST_BATCH)
    allowed = np.asarray(setting["slo"])
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        fits = value(form, point | {B: middle}) <= allowed
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low
