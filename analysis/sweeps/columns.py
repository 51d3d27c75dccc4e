"""Columns as Arrow tables: the same types whichever worker made them, constant text stored once."""

import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.files.errors import InputError
from analysis.sweeps.cutting import Task
from analysis.sweeps.evaluating import columns

TEXT = pa.dictionary(pa.int32(), pa.string())
SKIPPED, NOTED, MARK = b"skipped", b"noted", b"part"


def work(given: tuple[Task, str]) -> bytes:
    """A task's points as a Parquet file in memory; blocks that cannot be built stand in its metadata, with the reason,
    beside the mark that says whose part it is.

    This is the function that workers run; it reads no files but own rows, and writes none.
    """
    task, mark = given
    table, skipped = evaluated(task)
    told = {**table.schema.metadata, SKIPPED: json.dumps(skipped), MARK: mark}
    return _stored(table.replace_schema_metadata(told), task)


def evaluated(task: Task) -> tuple[pa.Table, list[dict]]:
    """A task's points, with counts of what must be noted of them, and its blocks that cannot be built, with reasons."""
    tables, skipped, counts = [], [], Counter()
    for block in task.blocks:
        try:
            found, beyond = columns(task, block)
        except InputError as reason:
            skipped.append({**block.values, "reason": str(reason)})
            continue
        tables.append(_table(task, found))
        counts += beyond
    whole = pa.concat_tables(tables).unify_dictionaries() if tables else pa.table({})
    return whole.replace_schema_metadata({NOTED: json.dumps(counts)}), skipped


def noted(table: pa.Table) -> Counter:
    """What must be noted of a task's points, counted."""
    return Counter(json.loads(table.schema.metadata[NOTED]))


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


def _stored(table: pa.Table, task: Task) -> bytes:
    out = io.BytesIO()
    named = [name for name in table.column_names if name in task.columns]  # numbers that differ gain nothing from it
    pq.write_table(table, out, compression="zstd", use_dictionary=named, row_group_size=2**20)
    return out.getvalue()


def is_part(path: Path, mark: str) -> bool:
    """Whether a file is a whole part with this mark, as far as its end tells; a power cut may leave less."""
    try:
        return (pq.read_schema(path).metadata or {}).get(MARK) == mark.encode()
    except (OSError, pa.ArrowException):
        return False


class Damaged(Exception):
    """A part whose end is whole and whose inside is not, by its path."""


def opened(path: Path) -> tuple[pa.Table, list[dict]]:
    """The points of a stored part with their counts, and what it skipped. Raises Damaged."""
    try:
        table = pq.read_table(path, use_threads=False)
        table.validate(full=True)
    except (OSError, pa.ArrowException):
        raise Damaged(path) from None
    skipped = json.loads(table.schema.metadata[SKIPPED])
    return table.replace_schema_metadata({NOTED: table.schema.metadata[NOTED]}), skipped
