"""How well predictions meet rows that no fit has seen: errors by operation, accelerator and regime."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from analysis.data.calibrations import FITTED_WIDTH, OPERATIONS, architecture_of, chosen, named
from analysis.measured import baselines, calibration
from analysis.measured.fitting import SOURCE, operation_of
from analysis.measured.kernel_rows import PRECISIONS, SHAPE
from analysis.measured.predict import numbers, words
from analysis.measured.products import are_products, as_in_a_step
from analysis.measured.regimes import beats_datasheet, judges_bandwidth
from analysis.measured.validate import Compared, Tally, groups_of, to_fit, worst
from analysis.measured.what_is_known import NARROW, of_row, pooled, stray
from analysis.systems.calibrated import UNQUANTISED

LAUNCH, WORK = "launch", "work"
ALIKE = 1e-3
"""Times of one shape that differ by less are one row, which some sources round to four digits."""


@dataclass(frozen=True)
class Scored:
    """Errors of rows that belong together: of |predicted/measured - 1| median and 90th percentile, and the median of
    predicted over measured [1].
    """

    operation: str
    accelerator: str
    regime: str
    rows: int
    median: float
    p90: float
    median_ratio: float


def scored(operation: str, accelerator: str, regime: str, ratio: np.ndarray) -> Scored:
    """Errors of rows from their predicted over measured times."""
    error = np.abs(ratio - 1)
    found = (np.median(error), np.percentile(error, 90), np.median(ratio))
    return Scored(operation, accelerator, regime, len(ratio), *map(float, found))


# -- a calibration on rows -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Judged:
    """Predicted times [s] of rows (nan where a row fitted, and is not judged), and what must be said of them."""

    time: np.ndarray
    fitted: int
    notes: tuple[str, ...]


def judged(compared: Compared, name: str | None) -> Judged:
    """Times of rows by a calibration, or by the bare roofline without one. Raises InputError for an unknown name."""
    if name is None:
        return Judged(compared.prediction.time, 0, ())
    rows, operations = named(name), operation_of(compared)
    time, notes = compared.prediction.time.copy(), []
    for operation, accelerator, part in _kinds(compared, operations):
        fitted = chosen(rows, architecture_of(accelerator))
        model = fitted.get(operation)
        if model is None:
            products = part[are_products(compared.table)[part] & (UNQUANTISED in fitted)]
            time[products] = as_in_a_step(compared.rows(products), fitted)
            if others := list(dict.fromkeys(compared.operation[np.setdiff1d(part, products)])):
                named_so = operation or " and ".join(others)
                notes.append(f"{named_so} on {accelerator}: {name} has no row, the bare roofline is judged.")
            continue
        notes += pooled(operation, accelerator, rows)
        time[part] = calibration.parts_of(compared, part, operation).time(model.parameters)
        notes += of_row(model, words(compared.table, "precision")[part])
    if np.any(numbers(compared.table, "width_kv") < FITTED_WIDTH):
        notes.append(NARROW)
    seen = _seen(compared, rows)
    return Judged(np.where(seen, np.nan, time), int(seen.sum()), tuple(dict.fromkeys(notes)))


def _kinds(compared: Compared, operations: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    for operation in dict.fromkeys(operations):
        for accelerator in dict.fromkeys(compared.accelerator[operations == operation]):
            on = (operations == operation) & (compared.accelerator == accelerator)
            yield operation, accelerator, np.flatnonzero(on)


def _seen(compared: Compared, rows: dict) -> np.ndarray:
    """Rows that the calibration was fitted to, told by their cells, the time as sources round it; known of fits to the
    shipped rows alone.
    """
    if any(row.source != SOURCE for row in rows.values()):
        return np.zeros(len(compared.table), bool)
    known, marks = _fitted_cells(next(iter(rows.values())).seed), _cells(compared)
    found = np.isin(marks, list(known))
    alike = zip(marks[found].tolist(), compared.latency[found], strict=True)
    found[found] = [any(abs(time / one - 1) < ALIKE for one in known[mark]) for mark, time in alike]
    return found


@cache
def _fitted_cells(seed: int) -> dict[int, list[float]]:
    """Marks of the shipped rows on the fitted side of a split, with their times [s]."""
    shipped, operations = to_fit(), operation_of(to_fit())
    kept = np.zeros(len(shipped.table), bool)
    for operation in OPERATIONS:
        part = np.flatnonzero(operations == operation)
        train, _ = calibration.split(calibration.parts_of(shipped, part, operation), seed)
        kept[part[train]] = True
    found: dict[int, list[float]] = {}
    for mark, time in zip(_cells(shipped.rows(kept)).tolist(), shipped.latency[kept], strict=True):
        found.setdefault(mark, []).append(float(time))
    return found


def _cells(compared: Compared) -> np.ndarray:
    """A mark of what makes a row itself, but its time: operation, accelerator, shape; widths filled in."""
    texts = {name: words(compared.table, name) for name in ("operation", "accelerator", "order", "precision")}
    texts["order"] = texts["order"].astype(str)
    own = np.array([PRECISIONS[each] for each in texts["precision"]], float)
    sizes = {name: numbers(compared.table, name) for name in (*SHAPE, "bytes")}
    filled = [np.where(np.isnan(each), own, each) if "width" in name else each for name, each in sizes.items()]
    return calibration.hashed(list(texts.values()), filled)


def errors(compared: Compared, time: np.ndarray) -> list[dict]:
    """Errors of each operation on each accelerator, launch-bound rows apart from those that do work."""
    tally = Tally()
    _add(tally, compared, time)
    return _errors(tally)


def _add(tally: Tally, compared: Compared, time: np.ndarray) -> None:
    known = np.isfinite(time)
    regime = np.where(compared.regime == "launch-bound", LAUNCH, WORK)
    columns = _operation_words(compared), compared.accelerator, regime, time / compared.latency
    tally.add(*(column[known] for column in columns))


def _add_baselines(tallies: dict[str, Tally], compared: Compared, time: np.ndarray) -> None:
    """What each baseline says of the rows that are judged."""
    others = {name: np.full(len(time), np.nan) for name in tallies}
    for operation, _, part in _kinds(compared, operation_of(compared)):
        for name, found in baselines.times(compared.rows(part), operation).items():
            others[name][part] = found
    for name, tally in tallies.items():
        _add(tally, compared, np.where(np.isfinite(time), others[name], np.nan))


def _errors(tally: Tally, others: dict[str, Tally] | None = None) -> list[dict]:
    """Scores of each group, and beside them the median error of each baseline that says anything of it."""
    found = {
        (operation, accelerator, regime): asdict(scored(operation, accelerator, regime, ratio))
        for operation, accelerator, split in tally.split((LAUNCH, WORK))
        for regime, ratio in split.items()
    }
    for name, other in (others or {}).items():
        for row in _errors(other):
            found[row["operation"], row["accelerator"], row["regime"]][name] = row["median"]
    return list(found.values())


def _operation_words(compared: Compared) -> np.ndarray:
    """Operations in words, with the number format where it is not BF16."""
    formats = words(compared.table, "precision")
    return np.where(formats == "bf16", compared.operation, compared.operation + ", " + formats)


def report(parts: Iterable[Compared], calibration: str | None = None, count: int = 5) -> dict:
    """Everything that `validate` prints: errors with those of baselines, ratios by group, worst rows, and how many rows
    were fitted, could not judge bandwidth, or broke the data sheet. Parts are dropped one by one. Raises InputError.
    """
    counts, notes, furthest = np.zeros(4, int), {}, []
    predicted, ratios, others = Tally(), Tally(), {name: Tally() for name in baselines.BASELINES}
    for part in parts:
        seen = judged(part, calibration)
        _add(predicted, part, seen.time)
        _add_baselines(others, part, seen.time)
        ratios.add(part.operation, part.accelerator, part.regime, part.ratio)
        beaten = beats_datasheet(part.table, part.prediction).sum()
        counts += len(part.table), seen.fitted, beaten, judges_bandwidth(part.prediction).sum()
        notes |= dict.fromkeys(seen.notes)
        furthest = sorted(furthest + worst(part, count), key=lambda row: -abs(np.log(row["ratio"])))[:count]
    groups = _errors(predicted, others)
    for group in groups if calibration else (each for each in groups if each["regime"] == WORK):
        rows = f"the rows of {group['operation']} on {group['accelerator']}"
        notes |= dict.fromkeys(stray(group["median_ratio"], rows, "latency"))
    names = ("rows", "rows that fitted", "faster than the data sheet", "bytes above 400 MB")
    return dict(zip(names, map(int, counts), strict=True)) | {
        "calibration": calibration,
        "groups": groups,
        "notes": list(notes),
        "ratios": [asdict(group) for group in groups_of(ratios)],
        "worst": furthest,
    }
