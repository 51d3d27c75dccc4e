"""How a setting's counts become seconds: the bare roofline, or a calibration fitted to measured kernels."""

from functools import lru_cache

import numpy as np
from sympy import Expr, Float

from analysis.ask.setting import Setting
from analysis.data import calibrations
from analysis.data.calibrations import Calibration
from analysis.derive import roofline
from analysis.derive.einsum import Counts, Kernel
from analysis.derive.roofline import ROOFLINE, Timing
from analysis.derive.symbols import BW_mem, P_acc

STAGES = {"core": "attention", "routed": "experts"}
"""Stages of a block and the kind that describes them; every other stage is a matrix product."""


def timing(setting: Setting) -> Timing:
    """The setting's timing. Raises InputError for a calibration that is neither in data/calibrations.csv nor a file."""
    name = setting["calibration"]
    if name is None:
        return ROOFLINE
    return _calibrated(tuple(calibrations.named(name).items()), setting.architecture.mechanism.latent)


@lru_cache(maxsize=64)
def _calibrated(fitted: tuple, latent: bool) -> Timing:
    """Kept under the fitted rows themselves: a file may change under its name."""
    rows = dict(fitted)
    return Timing(
        kernel=lambda counts, stage: kernel_time(counts, rows, stage, latent),
        wires=lambda seconds: wire_time(seconds, rows),
    )


def calibrated(compute, memory, floor=0.0, memory_efficiency=1.0, compute_efficiency=1.0, sharpness=np.inf):
    """Time of a kernel [s] from its arithmetic and traffic times at peak rates: a floor, and a smooth maximum.

    Works on numbers, arrays and closed forms alike; the defaults are the bare roofline, for numbers and arrays.

    >>> calibrated(3.0, 4.0, floor=1.0, sharpness=2.0)
    6.0
    """
    arithmetic, traffic = compute / compute_efficiency, memory / memory_efficiency
    if sharpness == np.inf:
        return floor + np.maximum(arithmetic, traffic)
    return floor + (arithmetic**sharpness + traffic**sharpness) ** (1 / sharpness)


def kernel_time(kernel: Kernel | Counts, rows: dict[str, Calibration], stage: str, latent: bool = False) -> Expr:
    """Calibrated time of one kernel [s] as a closed form, for `evaluate` in place of the roofline time.

    `rows` are those of one calibration (`named`), `stage` is the stage of the block (core, routed, projections ...),
    `latent` whether the core is MLA's. A stage whose kind the calibration lacks keeps the bare roofline.
    """
    kind = STAGES.get(stage, "gemm")
    model = rows.get("latent-attention" if kind == "attention" and latent else kind)
    if model is None:
        return roofline.time(kernel)
    parts = kernel.flops / P_acc, kernel.bytes / BW_mem
    return calibrated(*parts, **{key: Float(number) for key, number in model.parameters.items()})


def wire_time(time: Expr, rows: dict[str, Calibration]) -> Expr:
    """Calibrated time of a dispatch, combine or all-reduce [s] from its time at the link's rate."""
    model = rows.get("exchange")
    return time if model is None else model.floor + time / model.memory_efficiency
