"""A notebook once per row of a table of parameters: in parallel, past failures, skipping what is current."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.ask.own_names import FILES_OF_NOTEBOOKS, located, own_files
from analysis.ask.parameters import names_rows
from analysis.book.jobs import Job, execute, run_apart
from analysis.book.notebooks import refuse_unknown
from analysis.book.rerun_index import INDEX, is_index, write_index
from analysis.data.own_rows import LONGEST_CELL
from analysis.files.documents import csv_records
from analysis.files.errors import InputError
from analysis.files.outputs import checked_folder, refuse_foreign, refuse_input
from analysis.files.text import place, shown
from analysis.files.whole import fingerprint, inputs

MOST_ROWS = 100_000


@dataclass(frozen=True)
class Outcome:
    """One row: its parameters, where its result lies, whether it had been current, and what failed (or empty)."""

    parameters: Mapping[str, Any]
    target: Path
    kept: bool
    failure: str = ""


def rerun(
    notebook: Path | str,
    table: Path | str,
    out: Path | str,
    jobs: int | None = None,
    scheduler: str | None = None,
    replace: bool = False,
) -> list[Outcome]:
    """Run `notebook` once per row of the CSV file `table` (a column per parameter; an empty cell is not given).

    Results go to `out` as KEY.ipynb with an index.html; a row whose notebook, parameters, code and data have not
    changed is kept. A row that fails is reported and the others go on. Paths of own rows are relative to the table.
    With a Dask `scheduler`, the workers must see the same folders. Raises InputError for a notebook or a table that
    cannot be read, a column that the notebook does not declare, and an output that cannot be written or that holds
    other files in the places of results (unless `replace`).
    """
    notebook, out = Path(os.path.abspath(notebook)), checked_folder(Path(os.path.abspath(out)))
    wanted = _jobs(notebook, _rows(Path(table)), out)
    _refuse_places(wanted, out / INDEX, [notebook, Path(table)], replace)
    stale = [job for job in wanted if not job.current()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        said = run_apart(anew, stale, "reruns", jobs, scheduler) if stale else []
        failures = dict(zip(stale, said, strict=True))
        outcomes = [Outcome(job.parameters, job.target, job not in failures, failures.get(job) or "") for job in wanted]
        write_index(out, notebook.name, outcomes)
    except OSError as failure:
        raise InputError(
            f"{place(out)}: could not be written ({(failure.strerror or 'unknown cause').lower()}); "
            "choose another folder."
        ) from None
    return outcomes


def _refuse_places(wanted: list[Job], index: Path, given: list[Path], replace: bool) -> None:
    """Refuse to write over what is read, and over files that no rerun wrote."""
    refuse_foreign(index, replace, is_index)
    for job in wanted:
        refuse_foreign(job.target, replace, lambda _, job=job: job.stamp.is_file())
    for path in (index, *(job.target for job in wanted)):
        refuse_input(path, *given)


def anew(job: Job, warm: bool, folder: str | None) -> str | None:
    """Run one job in a worker; return a sentence if it fails."""
    job.target.unlink(missing_ok=True)  # what fails now must not show an older result
    return execute(job, warm, folder)


# -- what to run -------------------------------------------------------------------------------------
def _rows(table: Path) -> list[dict[str, Any]]:
    records = csv_records(table)
    if not 0 < len(records) <= MOST_ROWS:
        raise InputError(
            f"{place(table)}: found {len(records)} rows under the header, "
            f"allowed are 1 to {MOST_ROWS}; correct the table."
        )
    return [{name: _value(table, name, cell) for name, cell in record.items() if cell != ""} for record in records]


def _value(table: Path, name: str, cell: str) -> Any:
    """A cell as JSON reads it (number, list, true, false), else as text; paths of rows made absolute."""
    if len(cell) > LONGEST_CELL:
        raise InputError(
            f"{place(table)}, column {shown(name)}: found {shown(cell)}, "
            f"allowed are at most {LONGEST_CELL} letters; correct this cell."
        )
    if names_rows(name) or name in FILES_OF_NOTEBOOKS:
        return located(name, cell, table.parent)
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def _jobs(notebook: Path, rows: list[dict[str, Any]], out: Path) -> list[Job]:
    """A job per different row. Raises InputError for what is no notebook, and for unknown columns."""
    refuse_unknown(notebook, {name: None for row in rows for name in row})
    state = fingerprint([notebook, *inputs("analysis", "data", "requirements.lock")], sys.version)
    made = {job.target: job for job in (_job(notebook, row, out, state) for row in rows)}
    return list(made.values())


def _job(notebook: Path, row: dict[str, Any], out: Path, state: str) -> Job:
    given = json.dumps(row, sort_keys=True)
    own = [path for name, value in row.items() for path in own_files(name, value)]
    key = fingerprint([], notebook.name, given)[:12]  # of the row alone, so that a result keeps its place
    return Job(notebook, row, out / f"{key}.ipynb", fingerprint(own, state, given))
