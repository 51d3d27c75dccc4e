"""Columns as Arrow tables: the same types whichever worker made them, constant text stored once."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.ask.parameters import PARAMETERS
from analysis.files.errors import InputError
from analysis.files.outputs import marked_by
from analysis.sweeps.cutting import Task
from analysis.sweeps.evaluating import columns

TEXT = pa.dictionary(pa.int32(), pa.string())
MADE_BY = "python -m analysis sweep"
PART, TOLD = b"part", b"told"


class Part(NamedTuple):
    """What is told of a task's stored points: how many there were, how many were computed this time, rows, whether any
    setting could be built, what must be noted, counted, and blocks that cannot be built, with the reason.
    """

    points: int
    computed: int
    rows: int
    built: bool
    noted: Counter
    skipped: list[dict]


def work(given: tuple[Task, Path, str]) -> Part:
    """Store a task's points at a path as a Parquet file that says which sweep's and which task's it is, by a mark,
    unless it lies there whole.

    This is the function that workers run.
    """
    task, path, mark = given
    table, computed = whole_part(path, mark), 0
    if table is None:
        table, computed = evaluated(task), task.points
        beside = path.with_name(f".part-{os.getpid()}-{path.name}")
        says = table.schema.metadata | {PART: mark} | marked_by(MADE_BY)
        with writer(beside, table.schema.with_metadata(says)) as file:
            file.write_table(table)
        os.replace(beside, path)
    return Part(task.points, computed, table.num_rows, bool(table.num_columns), *told(table))


def evaluated(task: Task) -> pa.Table:
    """A task's points, which tell what must be noted of them, and the blocks that cannot be built, with reasons."""
    tables, noted, skipped = [], Counter(), []
    for block in task.blocks:
        try:
            found, beyond = columns(task, block)
        except InputError as reason:
            skipped.append({**block.values, "reason": str(reason)})
            continue
        tables.append(_table(task, found))
        noted += beyond
    whole = pa.concat_tables(tables).unify_dictionaries() if tables else pa.table({})
    return whole.replace_schema_metadata({TOLD: json.dumps([noted, skipped])})


def told(table: pa.Table) -> tuple[Counter, list[dict]]:
    """What must be noted of a task's points, counted, and its blocks that cannot be built."""
    noted, skipped = json.loads(table.schema.metadata[TOLD])
    return Counter(noted), skipped


def plain(table: pa.Table) -> pa.Table:
    """The same table with text spelt out in every row."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _table(task: Task, found: dict[str, object]) -> pa.Table:
    rows = max((len(each) for each in found.values() if isinstance(each, np.ndarray)), default=1)
    names = [*task.columns, *(name for name in found if name not in task.columns)]
    return pa.table({name: _column(found[name], task.columns.get(name), rows) for name in names})


def _column(values, kind: str | None, rows: int):
    if kind == "text":
        return pa.DictionaryArray.from_arrays(np.zeros(rows, dtype=np.int32), [str(values)])
    filled = values if isinstance(values, np.ndarray) else np.full(rows, values)
    if filled.dtype == bool:
        return pa.array(filled)
    return pa.array(filled.astype(np.int64 if kind == "int" else np.float64))


def writer(place: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Writes tables of this schema into a Parquet file; answers all differ, and gain nothing from a dictionary."""
    axes = [name for name in schema.names if name in PARAMETERS]
    return pq.ParquetWriter(place, schema, use_dictionary=axes, write_page_checksum=True)


def whole_part(path: Path, mark: str) -> pa.Table | None:
    """A stored part with this mark, read to its end; None where none lies there, and where it is damaged."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if (file.schema_arrow.metadata or {}).get(PART) != mark.encode():
                return None
            table = file.read()
        table.validate(full=True)
    except (OSError, pa.ArrowException):
        return None
    return table
