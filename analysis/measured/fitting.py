"""Fitting calibrations: which rows are fitted together, and what a fit says of itself."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from analysis.data.calibrations import ARCHITECTURES, OPERATIONS, Calibration, architecture_of, pooled
from analysis.derive.parallel import WHOLE
from analysis.measured import calibration
from analysis.measured.calibration import Parts, residuals
from analysis.measured.devices import PEAK
from analysis.measured.kernel_rows import MECHANISMS
from analysis.measured.predict import kinds, numbers, stage_of
from analysis.measured.validate import Compared, to_fit, together
from analysis.systems.calibrated import Step

FEWEST_GROUPS = 4
PUBLISHED = "published"
SOURCE = "data/measurements"
REPEATS, QUICK = 200, 5
OWN = 0.9
"""An architecture gets rows of its own where they bring the median error on held-out rows below this share of the
pooled row's: its kernels then differ by more than their accelerators."""


@dataclass(frozen=True)
class Fitted:
    """A calibration row with the rows that it was tested on."""

    row: Calibration
    tested: Parts


def fit_all(compared: Compared, name: str, source: str, repeats: int = REPEATS, seed: int = 0) -> list[Fitted]:
    """Fit every kind of operation that the rows hold enough of: pooled over their accelerators, and for each
    architecture
    where its kernels differ.
    """
    found, operations = [], operation_of(compared)
    for operation in OPERATIONS:
        rows = np.flatnonzero(operations == operation)
        parts = calibration.parts_of(compared, rows, operation)
        kept = calibration.thinned(parts, seed)
        rows, parts = rows[kept], parts.rows(kept)
        if len(np.unique(parts.group)) >= FEWEST_GROUPS:
            found += _fits(parts, operation, compared.accelerator[rows], Asked(name, source, repeats, seed))
    return found


def sampled(parts: Iterable[Compared], most: int = 4 * calibration.MOST_ROWS) -> Compared:
    """Rows to fit from a file of any size: per operation at most about `most`, as whole shape groups.

    Groups are taken by a hash of their shape, so that each part of the file can be thinned as it comes.
    """
    kept: dict[str, list[tuple[Compared, np.ndarray]]] = {}
    within = dict.fromkeys(OPERATIONS, 2**64 - 1)
    for part in parts:
        operations, mark = operation_of(part), calibration.shape_hash(part)
        for operation in set(operations) & set(OPERATIONS):
            rows = np.flatnonzero((operations == operation) & (mark <= within[operation]))
            kept.setdefault(operation, []).append((part.rows(rows), mark[rows]))
            within[operation], kept[operation] = _narrowed(kept[operation], within[operation], most)
    return together([rows for each in kept.values() for rows, _ in each])


def _narrowed(kept: list, within: int, most: int) -> tuple[int, list]:
    """Half of the groups as often as rows are too many; several groups must remain."""
    marks = np.concatenate([mark for _, mark in kept])
    while np.sum(marks <= within) > most and len(np.unique(marks[marks <= within])) > 2 * FEWEST_GROUPS:
        within //= 2
    if np.sum(marks <= within) == len(marks):
        return within, kept
    return within, [(rows.rows(mark <= within), mark[mark <= within]) for rows, mark in kept]


def operation_of(compared: Compared) -> np.ndarray:
    """The operation of each row as calibrations name it; empty where none describes it.

    NCCL's all-reduces are left out, as serving engines bring kernels of their own and fall back to it for large
    tensors.
    """
    found = np.full(len(compared.table), "", dtype=object)
    prefill = np.nan_to_num(numbers(compared.table, "l"), nan=1) > 1
    for kind, part in kinds(compared.table, ("operation", "mechanism", "order", "precision", "kernel")):
        for step, rows in ((False, part[~prefill[part]]), (True, part[prefill[part]])):
            found[rows] = _operation(kind, step)
    return found


def _operation(kind: dict, prefill: bool) -> str:
    if kind["operation"] in ("dispatch", "combine"):
        return "exchange"
    if kind["operation"] == "all_reduce":
        return "" if kind["kernel"].lower().startswith("nccl") else "all-reduce"
    stage = stage_of(kind)
    if stage == "decompression":
        return ""
    step = Step(None, prefill, kind["order"] or "", PEAK.get(kind["precision"], ""), WHOLE, ())
    return step.kind(stage, bool(kind["mechanism"]) and MECHANISMS[kind["mechanism"]].latent)


@cache
def fit_published(seed: int = 0, repeats: int = QUICK) -> tuple[Fitted, ...]:
    """The published rows fitted again under a seed; few repeats, as a figure shows no intervals."""
    return tuple(fit_all(to_fit(), PUBLISHED, SOURCE, repeats, seed))


@dataclass(frozen=True)
class Asked:
    """What a fit is asked for: its name, the files of its rows, repeats of its intervals and seed."""

    name: str
    source: str
    repeats: int
    seed: int


def _fits(parts: Parts, operation: str, accelerator: np.ndarray, asked: Asked) -> list[Fitted]:
    """The pooled fit, and those of architectures where they describe held-out rows clearly better."""
    train, test = calibration.split(parts, asked.seed)
    architecture = np.array([architecture_of(name) or "" for name in accelerator])
    shared = replace(parts, names=pooled(operation)) if len(set(architecture)) > 1 else parts
    whole = _fitted(shared, train, test, operation, None, accelerator, asked)
    own = []
    for name in ARCHITECTURES:
        fits, tests = (each[architecture[each] == name] for each in (train, test))
        several = len(np.unique(parts.group[fits])) >= FEWEST_GROUPS and len(tests)
        if several and len(fits) < len(train):
            own.append(_fitted(parts, fits, tests, operation, name, accelerator, asked))
    return [whole, *(own if own and _typical(own) < OWN * _typical(own, whole) else ())]


def _typical(own: list[Fitted], by: Fitted | None = None) -> float:
    """Median error on what the fits of architectures held out: each by its own row, or all by another."""
    errors = [residuals(each.tested, (by or each).row.parameters) for each in own]
    return float(np.median(np.abs(np.expm1(np.concatenate(errors)))))


def _apart(parts: Parts, accelerator: np.ndarray) -> float | None:
    """Median error on each device by a fit to the others; None where there are no others."""
    found = []
    for name in dict.fromkeys(accelerator):
        others = parts.rows(np.flatnonzero(accelerator != name))
        if len(np.unique(others.group)) >= FEWEST_GROUPS:
            own = parts.rows(np.flatnonzero(accelerator == name))
            found.append(np.expm1(residuals(own, calibration.fit(others))))
    return float(np.median(np.abs(np.concatenate(found)))) if found else None


def _fitted(
    parts: Parts,
    train: np.ndarray,
    test: np.ndarray,
    operation: str,
    architecture: str | None,
    accelerator: np.ndarray,
    asked: Asked,
) -> Fitted:
    fitted, tested = parts.rows(train), parts.rows(test)
    best, silent = calibration.best(fitted)
    spans = calibration.intervals(fitted, asked.repeats, asked.seed)
    bounds = {f"{key}_{side}": span[i] for key, span in spans.items() for i, side in enumerate(("low", "high"))}
    errors = {
        "error": calibration.typical_error(tested, best),
        "error_apart": None if architecture else _apart(parts, accelerator),
        "error_roofline": calibration.typical_error(tested, {}),
        "error_constant": calibration.typical_error(tested, calibration.constant_efficiency(fitted)),
    }
    given = {key: number for key, number in (best | bounds | errors).items() if number is not None}
    numbers = {key: float(f"{number:.4g}") for key, number in given.items()}
    row = Calibration(
        id=".".join(filter(None, (asked.name, operation, architecture))),
        calibration=asked.name,
        operation=operation,
        architecture=architecture,
        accelerators=tuple(dict.fromkeys(map(str, accelerator[np.concatenate([train, test])]))),
        source=asked.source,
        seed=asked.seed,
        open=silent,
        rows_fitted=len(train),
        rows_tested=len(test),
        **numbers,
    )
    return Fitted(row, tested)
