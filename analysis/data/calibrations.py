"""Calibrations by name: rows of data/calibrations.csv, or of a file that `calibrate` wrote."""

import csv
import io
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from analysis.data.cells import split_words
from analysis.data.datasets import DATA
from analysis.data.own_rows import file_state, is_path
from analysis.data.rows import Count, Id, Name, Rate, Row, column
from analysis.data.table import checked_row, load_table
from analysis.files.documents import csv_records
from analysis.files.errors import InputError, choices
from analysis.files.text import place, shown

PARAMETERS = ("floor", "memory_efficiency", "compute_efficiency", "sharpness")
OPERATIONS = ("attention", "latent-attention", "experts", "exchange", "gemm")
Share = Annotated[float, Field(gt=0, le=1)]
OpenWords = Annotated[tuple[str, ...], BeforeValidator(split_words)]


class Calibration(BaseModel):
    """A fitted model of one kind of operation; intervals are 95 %, by resampling shape groups."""

    model_config = Row.model_config

    id: Id = column("name of the calibration and operation, joined by a dot")
    calibration: Id = column("name to give as calibration=")
    operation: Literal[OPERATIONS] = column("operation whose kernels it describes")
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


def as_csv(rows: Iterable[Calibration]) -> bytes:
    """Calibration rows as the text of data/calibrations.csv."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Calibration.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(cell) for key, cell in row.model_dump().items()} for row in rows)
    return text.getvalue().encode()


def _cell(cell):
    return " ".join(cell) if isinstance(cell, tuple) else "" if cell is None else cell
