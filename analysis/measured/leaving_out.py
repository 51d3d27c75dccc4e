"""Fits that leave one device or one model's shapes out, judged on what they left out, beside baselines."""

from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np

from analysis.data.calibrations import OPERATIONS, OWN_ALONE, architecture_of, pooled
from analysis.files.kept import kept
from analysis.measured import calibration
from analysis.measured.baselines import BASELINES, ONE, ROOFLINE, TABLE, interpolated
from analysis.measured.calibration import Parts
from analysis.measured.fitting import FEWEST_GROUPS, operation_of
from analysis.measured.judging import LAUNCH, WORK, scored
from analysis.measured.kernel_rows import SHAPE
from analysis.measured.predict import numbers
from analysis.measured.validate import Compared, to_fit

SIZES = tuple(name for name in SHAPE if name not in ("B", "L", "l", "causal", "tokens", "bytes"))
"""Columns that a model (or its share on one accelerator) fixes: rows that agree in them are of one model."""

FITTED_TO = ("data", "requirements.lock")
"""What such fits depend on beside the code."""


def left_out(by: str, compared: Compared | None = None) -> list[dict]:
    """Errors on each device (`by="device"`) or on the shapes of each model (`by="model"`) when fits leave it out.

    A device is predicted from the others, pooled; a model's shapes from all other shapes of the same architecture.
    Beside stand the bare roofline, the roofline over one efficiency, and interpolation of the device's own table
    (log time over log arithmetic and log traffic, three nearest rows), which leaves out the same model, but can say
    nothing of a device.
    """
    compared = compared or to_fit()
    operations, found = operation_of(compared), []
    for operation in OPERATIONS:
        part = np.flatnonzero(operations == operation)
        if len(part):
            found += _left_out(by, compared.rows(part), operation)
    return found


def _left_out(by: str, rows: Compared, operation: str) -> list[dict]:
    parts = calibration.parts_of(rows, np.arange(len(rows.table)), operation)
    regime = np.where(rows.regime == "launch-bound", LAUNCH, WORK)
    times = {name: np.full(len(regime), np.nan) for name in ("fit", *BASELINES)}
    for train, test in _folds(by, rows, parts):
        fitted = replace(parts.rows(train), names=pooled(operation) if by == "device" else OPERATIONS[operation])
        if len(np.unique(fitted.group)) < FEWEST_GROUPS:
            continue
        times["fit"][test] = parts.rows(test).time(calibration.settled(fitted))
        times[ROOFLINE][test] = parts.rows(test).time({})
        times[ONE][test] = parts.rows(test).time(calibration.constant_efficiency(fitted))
        if by == "model":
            times[TABLE][test] = interpolated(fitted, parts.rows(test))
    found = []
    for accelerator in dict.fromkeys(rows.accelerator):
        for each in (LAUNCH, WORK):
            on = (rows.accelerator == accelerator) & (regime == each) & np.isfinite(times["fit"])
            if on.any():
                score = asdict(scored(operation, accelerator, each, (times["fit"] / rows.latency)[on]))
                others = {name: np.median(np.abs(times[name] / rows.latency - 1)[on]) for name in BASELINES}
                found.append(score | {name: float(other) for name, other in others.items() if np.isfinite(other)})
    return found


def _folds(by: str, rows: Compared, parts: Parts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices to fit and to judge: no row is ever in both."""
    if by == "device":
        for name in dict.fromkeys(rows.accelerator):
            yield np.flatnonzero(rows.accelerator != name), np.flatnonzero(rows.accelerator == name)
        return
    sizes = np.array(list(zip(*(np.nan_to_num(numbers(rows.table, name)) for name in SIZES), strict=True)))
    model = np.unique(sizes, axis=0, return_inverse=True)[1].reshape(-1)
    kin = np.array([architecture_of(name) or name for name in rows.accelerator])
    for architecture in dict.fromkeys(kin):
        for number in np.unique(model[kin == architecture]):
            own = kin == architecture
            yield np.flatnonzero(own & (model != number)), np.flatnonzero(own & (model == number))


# -- structures that were tried ------------------------------------------------------------------------------------
AS_FITTED = "shared by all"
INSTRUCTION_ROWS = {"hopper": 64, "blackwell": 128}
"""Rows that a tensor instruction multiplies at a time: wgmma's, and the lanes of tensor memory that tcgen05 fills
(NVIDIA's PTX ISA, wgmma.mma_async and tcgen05.mma). Fewer take as long.
"""


def structures() -> list[dict]:
    """Other forms of a kernel's time, judged like the one in use and on the same rows, launch-bound ones aside.

    Median errors with each device left out (the larger of two), over five folds of shapes with both devices in one
    fit, and with the shapes of each model left out of a fit to one architecture.
    """
    return kept("structures", _structures, "analysis", *FITTED_TO)


def _structures() -> list[dict]:
    return [
        {"operation": operation, "structure": name} | _judged_form(operation, change)
        for operation, forms in _FORMS.items()
        for name, change in forms.items()
    ]


def _whole_instructions(parts: Parts, rows: Compared) -> Parts:
    """Arithmetic of as many instructions as hold the queries that share a cached row: all heads of all tokens."""
    queries = numbers(rows.table, "n_hd") * numbers(rows.table, "l")
    filled = np.array([INSTRUCTION_ROWS[architecture_of(name)] for name in rows.accelerator])
    return replace(parts, compute=parts.compute * np.ceil(queries / filled) * filled / queries)


def _instructions_alone(parts: Parts, rows: Compared) -> Parts:
    """Whole instructions, any corner, and the results that kernels pass on."""
    return _with_what_one_has_alone(_soft_corner(_whole_instructions(parts, rows), rows), rows)


def _without_exponents(parts: Parts, rows: Compared) -> Parts:
    return replace(parts, exponents=np.zeros(len(parts.measured)))


def _lost_in_seconds(parts: Parts, rows: Compared) -> Parts:
    return replace(parts, byte=1 / 4e12)  # the same time for the same bytes, whatever the memory


def _nothing_lost(parts: Parts, rows: Compared) -> Parts:
    return replace(parts, names=tuple(name for name in parts.names if name not in ("lost", "reach")))


def _soft_corner(parts: Parts, rows: Compared) -> Parts:
    return replace(parts, firm={})


def _with_what_one_has_alone(parts: Parts, rows: Compared) -> Parts:
    return replace(parts, names=OPERATIONS[next(name for name in OWN_ALONE if pooled(name) == parts.names)])


_FORMS = {
    "attention": {AS_FITTED: None, "full rates at once": _nothing_lost, "seconds until full rates": _lost_in_seconds},
    "latent-attention": {
        AS_FITTED: None,
        "a corner of any sharpness": _soft_corner,
        "whole instructions": _whole_instructions,
        "whole instructions, any corner, results passed on": _instructions_alone,
        "own results passed on": _with_what_one_has_alone,
    },
    "attention-prefill": {AS_FITTED: None, "without exponentials": _without_exponents},
    "latent-prefill": {
        AS_FITTED: None,
        "without exponentials": _without_exponents,
        "own least time": _with_what_one_has_alone,
    },
}


def _judged_form(operation: str, change) -> dict[str, float]:
    compared = to_fit()
    rows = compared.rows(np.flatnonzero(operation_of(compared) == operation))
    parts = replace(calibration.parts_of(rows, np.arange(len(rows.table)), operation), names=pooled(operation))
    parts = change(parts, rows) if change else parts
    work = rows.regime != "launch-bound"

    def errors(folds, on: np.ndarray = work) -> float:
        return float(np.median(np.abs(_predicted(parts, folds) / parts.measured - 1)[work & on]))

    devices = [rows.accelerator == name for name in set(rows.accelerator)]
    return {
        "left out": max(errors(_folds("device", rows, parts), on) for on in devices),
        "five folds": errors(_folds_of_shapes(parts)),
        "own": errors(_folds("model", rows, parts)),
    }


def _folds_of_shapes(parts: Parts, count: int = 5, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    fold = np.random.default_rng(seed).permutation(parts.group.max() + 1)[parts.group] % count
    for number in range(count):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


def _predicted(parts: Parts, folds) -> np.ndarray:
    """Time [s] of every row by a fit that has not seen its fold."""
    time = np.full(len(parts.measured), np.nan)
    for train, test in folds:
        time[test] = parts.rows(test).time(calibration.settled(parts.rows(train)))
    return time
