"""Calibrations by name: fitted from measurement files, kept in data/calibrations.csv with their provenance, applied."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, Field
from sympy import Expr, Float

from analysis.derive import roofline
from analysis.derive.einsum import Counts, Kernel
from analysis.derive.symbols import BW_mem, P_acc
from analysis.errors import InputError, choices
from analysis.evaluate.cells import split_words
from analysis.evaluate.datasets import DATA
from analysis.evaluate.measured import calibration
from analysis.evaluate.measured.calibration import PARAMETERS, Parts
from analysis.evaluate.measured.predict import words
from analysis.evaluate.measured.validate import Compared
from analysis.evaluate.own_documents import csv_records
from analysis.evaluate.own_rows import file_state, is_path
from analysis.evaluate.own_text import place, shown
from analysis.evaluate.rows import Count, Id, Name, Rate, Row, column
from analysis.evaluate.table import checked_row, load_table

FITTED = {  # what is fitted together: operations and mechanisms of its rows (none: operations without one)
    "attention": (("core_attention",), ("MHA", "GQA")),
    "latent-attention": (("core_attention",), ("MLA",)),
    "experts": (("experts",), ()),
    "exchange": (("dispatch", "combine"), ()),
    "gemm": (("gemm",), ()),
}
STAGES = {"core": "attention", "routed": "experts"}
"""Stages of a block and the kind that describes them; every other stage is a matrix product."""
FEWEST_GROUPS = 5
PUBLISHED = "published"
REPEATS, QUICK = 200, 5
Share = Annotated[float, Field(gt=0, le=1)]
OpenWords = Annotated[tuple[str, ...], BeforeValidator(split_words)]


class Calibration(BaseModel):
    """A fitted model of one kind of operation; intervals are 95 %, by resampling shape groups."""

    model_config = Row.model_config

    id: Id = column("name of the calibration and operation, joined by a dot")
    calibration: Id = column("name to give as calibration=")
    operation: Literal[tuple(FITTED)] = column("operation whose kernels it describes")
    accelerators: OpenWords = column("accelerators whose rows were fitted")
    floor: Rate = column("launch floor", "s")
    floor_low: Rate = column(unit="s")
    floor_high: Rate = column(unit="s")
    memory_efficiency: Share = column("share of memory (exchange: link) bandwidth", "1")
    memory_efficiency_low: Share = column(unit="1")
    memory_efficiency_high: Share = column(unit="1")
    compute_efficiency: Share | None = column("share of the arithmetic peak", "1", None)
    compute_efficiency_low: Share | None = column(unit="1", default=None)
    compute_efficiency_high: Share | None = column(unit="1", default=None)
    sharpness: Rate | None = column("exponent that combines both: 1 adds them, infinity takes the larger", "1", None)
    sharpness_low: Rate | None = column(unit="1", default=None)
    sharpness_high: Rate | None = column(unit="1", default=None)
    open: OpenWords = column("parameters that the rows cannot identify", default=())
    rows_fitted: Count = column("rows that were fitted", "1")
    rows_tested: Count = column("rows held out", "1")
    error: Rate = column("median absolute relative error on held-out rows", "1")
    error_roofline: Rate = column("the same of the bare roofline", "1")
    error_constant: Rate = column("the same of the roofline over one efficiency", "1")
    source: Name = column("measurement files that were fitted")
    seed: Annotated[int, Field(ge=0)] = column("seed of the split and of the intervals", "1")

    @property
    def parameters(self) -> dict[str, float]:
        """The fitted parameters by name, those that exist."""
        return {name: getattr(self, name) for name in PARAMETERS if getattr(self, name) is not None}


@cache
def calibrations() -> dict[str, Calibration]:
    """Every fitted model by id, in the order of data/calibrations.csv. Raises InputError where the file is wrong."""
    return load_table(DATA / "calibrations.csv", Calibration)


def named(name: str) -> dict[str, Calibration]:
    """The models of one calibration by operation; `name` may be a file that `calibrate` wrote. Raises InputError."""
    if is_path(name):
        return _own(Path(name), file_state(name))
    rows = {row.operation: row for row in calibrations().values() if row.calibration == name}
    if not rows:
        known = choices(dict.fromkeys(row.calibration for row in calibrations().values()))
        raise InputError(
            f"calibration={place(name)}: data/calibrations.csv has no such calibration; allowed are {known}."
        )
    return rows


@lru_cache(maxsize=16)
def _own(path: Path, state) -> dict[str, Calibration]:
    if path.suffix.lower() != ".csv":
        raise InputError(
            f"{place(path)}: found the ending {shown(path.suffix)}, allowed is .csv; "
            "give a file that `calibrate` wrote."
        )
    records = csv_records(path)
    rows = [checked_row(Calibration, record, f"{place(path)} row {number}") for number, record in enumerate(records, 1)]
    if len({row.calibration for row in rows}) != 1 or len({row.operation for row in rows}) < len(rows):
        raise InputError(
            f"{place(path)}: found no row, rows of several calibrations or an operation twice, "
            "allowed are the rows of one calibration; keep those of one."
        )
    return {row.operation: row for row in rows}


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
    return calibration.calibrated(*parts, **{key: Float(number) for key, number in model.parameters.items()})


def wire_time(time: Expr, rows: dict[str, Calibration]) -> Expr:
    """Calibrated time of a dispatch, combine or all-reduce [s] from its time at the link's rate."""
    model = rows.get("exchange")
    return time if model is None else model.floor + time / model.memory_efficiency


# -- fitting -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Fitted:
    """A calibration row with the rows that it was tested on."""

    row: Calibration
    tested: Parts


def fit_all(compared: Compared, name: str, source: str, repeats: int = REPEATS, seed: int = 0) -> list[Fitted]:
    """Fit every kind of operation that the rows hold enough of, pooled over their accelerators."""
    found = []
    for kind, members in FITTED.items():
        chosen = _members(compared, *members)
        parts = calibration.thinned(calibration.parts_of(compared, chosen), seed)
        if len(np.unique(parts.group)) >= FEWEST_GROUPS:
            accelerators = tuple(dict.fromkeys(map(str, compared.accelerator[chosen])))
            found.append(_fitted(parts, kind, name, accelerators, source, repeats, seed))
    return found


def fit_published(compared: Compared, seed: int = 0, repeats: int = QUICK) -> list[Fitted]:
    """The published rows fitted again under another seed; few repeats, as a figure shows no intervals."""
    return fit_all(compared, PUBLISHED, "data/measurements", repeats, seed)


def _members(compared: Compared, operations: tuple, mechanisms: tuple) -> np.ndarray:
    found = np.isin(words(compared.table, "operation").astype(str), operations)
    return found & np.isin(words(compared.table, "mechanism").astype(str), mechanisms) if mechanisms else found


def _fitted(parts: Parts, kind: str, name: str, accelerators: tuple, source: str, repeats: int, seed: int) -> Fitted:
    train, test = calibration.split(parts, seed)
    fitted, tested = parts.rows(train), parts.rows(test)
    best = calibration.fit(fitted)
    spans = calibration.intervals(fitted, repeats, seed)
    bounds = {f"{key}_{side}": span[i] for key, span in spans.items() for i, side in enumerate(("low", "high"))}
    errors = {
        "error": calibration.typical_error(tested, best),
        "error_roofline": calibration.typical_error(tested, {}),
        "error_constant": calibration.typical_error(tested, calibration.constant_efficiency(fitted)),
    }
    numbers = {key: float(f"{number:.4g}") for key, number in (best | bounds | errors).items()}
    row = Calibration(
        id=f"{name}.{kind}",
        calibration=name,
        operation=kind,
        accelerators=accelerators,
        source=source,
        seed=seed,
        open=tuple(calibration.unidentified(fitted, best)),
        rows_fitted=len(train),
        rows_tested=len(test),
        **numbers,
    )
    return Fitted(row, tested)


def as_csv(rows: Iterable[Calibration]) -> bytes:
    """Calibration rows as the text of data/calibrations.csv."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Calibration.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(cell) for key, cell in row.model_dump().items()} for row in rows)
    return text.getvalue().encode()


def _cell(cell):
    return " ".join(cell) if isinstance(cell, tuple) else "" if cell is None else cell
