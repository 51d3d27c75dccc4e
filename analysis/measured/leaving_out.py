"""Fits that leave one device or one model's shapes out, judged on what they left out, beside baselines."""

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from analysis.data.calibrations import OPERATIONS, architecture_of
from analysis.measured import calibration
from analysis.measured.calibration import Parts
from analysis.measured.fitting import FEWEST_GROUPS, operation_of
from analysis.measured.judging import LAUNCH, WORK, scored
from analysis.measured.kernel_rows import SHAPE
from analysis.measured.predict import numbers
from analysis.measured.validate import Compared, to_fit

SIZES = tuple(name for name in SHAPE if name not in ("B", "L", "l", "causal", "tokens", "bytes"))
"""Columns that a model (or its share on one accelerator) fixes: rows that agree in them are of one model."""

BASELINES = ("roofline", "one efficiency", "interpolation")


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
        fitted = parts.rows(train)
        if len(np.unique(fitted.group)) < FEWEST_GROUPS:
            continue
        times["fit"][test] = parts.rows(test).time(calibration.best(fitted)[0])
        times["roofline"][test] = parts.rows(test).time({})
        times["one efficiency"][test] = parts.rows(test).time(calibration.constant_efficiency(fitted))
        if by == "model":
            times["interpolation"][test] = interpolated(fitted, parts.rows(test))
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


def interpolated(table: Parts, wanted: Parts, nearest: int = 3) -> np.ndarray:
    """Time [s] of rows from the nearest rows of a table, by distance in log arithmetic and log traffic time."""

    def place(parts: Parts) -> np.ndarray:
        return np.log(np.stack([np.maximum(parts.compute, 1e-12), np.maximum(parts.memory, 1e-12)], axis=1))

    apart = np.linalg.norm(place(wanted)[:, None] - place(table)[None], axis=2) + 1e-9
    order = np.argsort(apart, axis=1)[:, :nearest]
    weights = 1 / np.take_along_axis(apart, order, axis=1)
    return np.exp(np.sum(np.log(table.measured)[order] * weights, axis=1) / weights.sum(axis=1))
