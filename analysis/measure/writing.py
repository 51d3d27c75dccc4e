"""Measured rows as a CSV file of the measurement schema, with the machine's record beside it as JSON."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from analysis.data.table import checked_row
from analysis.files.errors import InputError
from analysis.files.outputs import checked_output, refuse_foreign, write_whole
from analysis.measure.machine import Machine
from analysis.measured.kernel_rows import Measurement, Sourced

COLUMNS = [*(name for name in Measurement.model_fields if name not in Sourced.model_fields), *Sourced.model_fields]
"""Columns in the order of the study's other measurement files: the source comes last."""


def as_csv(rows: Iterable[dict], name: str = "measured rows") -> str:
    """Rows as CSV text, checked as the reader of the file will; columns that every row leaves empty are left out."""
    texts = [{column: _cell(cell) for column, cell in row.items()} for row in rows]
    for number, row in enumerate(texts, start=2):
        checked_row(Measurement, row, f"{name} line {number}")
    columns = [column for column in COLUMNS if any(row.get(column) for row in texts)]
    target = io.StringIO()
    writer = csv.DictWriter(target, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(texts)
    return target.getvalue()


def save(rows: list[dict], machine: Machine, path: Path) -> Path:
    """Write rows to `path` and the machine's record beside it, ending in .json; return the record's path.

    Raises InputError if there is no row, or the folder cannot be written.
    """
    if not rows:
        raise InputError("measure: no case could be timed, needed is at least one; free some memory and try again.")
    record = path.with_suffix(".json")
    text = json.dumps({"accelerator": machine.id, **machine.record}, indent=2) + "\n"
    write_whole(path, as_csv(rows).encode())
    write_whole(record, text.encode())
    return record


def refuse_path(path: Path, replace: bool = False) -> None:
    """Raise InputError for an output that cannot be written, before minutes are spent on measuring, and for one that
    would `replace` what is there: no second run gives the same numbers.
    """
    for place in (checked_output(path, ".csv"), checked_output(path.with_suffix(".json"), ".json")):
        refuse_foreign(place, replace)


def _cell(cell: object) -> str:
    return f"{cell:.5g}" if isinstance(cell, float) else str(cell)
