"""Measured deployments: one run of a serving engine a row, from a CSV or Parquet file."""

import os
from functools import cache
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, model_validator

from analysis.data.cells import refuse
from analysis.data.datasets import DATA
from analysis.data.row import Count, Id, Name, Rate, Row, column
from analysis.data.table import checked_row
from analysis.files.documents import csv_records
from analysis.files.errors import InputError
from analysis.files.text import place, refuse_no_text, shown

SHIPPED = DATA / "measurements" / "serving.parquet"
FORMATS = {"bf16": 2, "fp8": 1, "fp4": 0.5, "int4": 0.5}
"""Bytes of a weight in each number format."""


class ServingRun(BaseModel):
    """One measured configuration of a serving engine under a constant number of requests in flight."""

    model_config = Row.model_config

    id: Name = column("name of the run")
    model: Id = column("id in data/models")
    accelerator: Id = column("id in accelerators.csv")
    serving: Literal["aggregated", "disaggregated"] = column(
        "aggregated: the accelerators prefill and decode; disaggregated: these decode alone"
    )
    backend: Name = column("serving engine")
    backend_version: str = column("its version; empty: not published", default="")
    precision: Literal[tuple(FORMATS)] = column("number format of the weights")
    ISL: Rate = column("prompt tokens of a request, on average", "tokens")
    OSL: Rate = column("output tokens of a request, on average", "tokens")
    concurrency: Rate = column("requests in flight on these accelerators, on average", "requests")
    n_acc: Count = column("accelerators", "1")
    deg_TP: Count = column("tensor-parallel degree of attention", "1")
    deg_DP: Count = column("data-parallel degree of attention", "1")
    deg_TP_experts: Count = column("accelerators that share an expert", "1", 1)
    deg_EP: Count = column("expert-parallel degree", "1", 1)
    ttft_s: Rate | None = column("measured mean time to first token", "s", None)
    tpot_s: Rate = column("measured mean time per output token", "s")
    locator: str = column("where in the source the run stands", default="")
    note: str = column("what a reader must know before using the row", default="")
    source: str = column("where the run was published", default="")
    licence: str = column("licence of the source", default="")

    @model_validator(mode="after")
    def _degrees_agree(self):
        if self.n_acc != self.deg_TP * self.deg_DP:
            refuse("n_acc", self.n_acc, f"deg_TP * deg_DP = {self.deg_TP * self.deg_DP}")
        return self


def load_runs(path: Path | None = None) -> list[ServingRun]:
    """The runs of a file (.csv or .parquet), by default those that the study ships.

    Raises InputError that names the row and the cell.
    """
    return list(_shipped()) if path is None else _read(Path(path))


@cache
def _shipped() -> tuple[ServingRun, ...]:
    return tuple(_read(SHIPPED))


def _read(path: Path) -> list[ServingRun]:
    refuse_no_text(path)
    if not os.path.isfile(path):
        raise InputError(
            f"{place(path)}: there is no such file; give a file of deployments ending in .csv or .parquet."
        )
    readers = {".csv": csv_records, ".parquet": _parquet_records}
    if path.suffix not in readers:
        raise InputError(
            f"{place(path)}: found the ending {shown(path.suffix or 'none')}, allowed are .csv, .parquet; convert it."
        )
    records = readers[path.suffix](path)
    runs = [checked_row(ServingRun, record, f"{place(path)} row {number}") for number, record in enumerate(records, 1)]
    if not runs:
        raise InputError(f"{place(path)}: found no row, allowed is at least one; add a row.")
    return runs


def _parquet_records(path: Path) -> list[dict]:
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as failure:
        raise InputError(
            f"{place(path)}: cannot be read as Parquet ({type(failure).__name__}); make or fetch it again."
        ) from None
    return [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows]
