"""Measurement files as one columnar table: CSV rows judged one by one, Parquet columns judged whole.

Optional columns that a file leaves out are empty. Text columns are dictionary-encoded, numbers are float64 with null
for an empty cell, so that a million rows stay small.
"""

import csv
import io
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, get_args, get_origin

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel

from analysis.data.datasets import DATA
from analysis.data.dictionary import allowed_values
from analysis.data.table import checked_row, load_table
from analysis.files.errors import InputError, choices
from analysis.files.errors import shown as one_line
from analysis.files.text import place, read_text, refuse_no_text, shown
from analysis.measured.kernel_rows import AT_MOST, AchievedRate, Deployment, Measurement, has, needed

FOLDER = DATA / "measurements"
CSV_BYTES = 16 * 1024 * 1024  # half a minute of judging rows; Parquet columns are judged whole
BATCH = 1 << 15  # rows of a Parquet file that are held at a time: of 19 million, the whole report takes about 1 GB
_TEXT = pa.dictionary(pa.int32(), pa.string())


def _inside(annotation) -> Iterator:
    """An annotation and everything inside it: the parts of unions and of Annotated."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _inside(part)


def _words_of(name: str) -> tuple[str, ...]:
    """The words that a column allows; empty where it is no choice."""
    kinds = _inside(Measurement.model_fields[name].annotation)
    return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())


def _is_text(name: str) -> bool:
    return bool(_words_of(name)) or str in _inside(Measurement.model_fields[name].annotation)


def is_count(name: str) -> bool:
    """Whether a column holds whole numbers from 1."""
    return int in _inside(Measurement.model_fields[name].annotation)


SCHEMA = pa.schema([(name, _TEXT if _is_text(name) else pa.float64()) for name in Measurement.model_fields])
"""One column per field of `Measurement`."""
REQUIRED = tuple(name for name, field in Measurement.model_fields.items() if field.is_required())


def load(path: Path) -> pa.Table:
    """Read and check a measurement file, .csv or .parquet. Raises InputError that names the cell or column."""
    path = _file(path)
    readers = {".csv": _load_csv, ".parquet": _load_parquet}
    if path.suffix not in readers:
        raise InputError(
            f"{place(path)}: found the ending {shown(path.suffix or 'none')}, allowed are .csv, .parquet; convert it."
        )
    try:
        return readers[path.suffix](path)
    except csv.Error as failure:
        raise InputError(
            f"{place(path)}: found what is no CSV ({one_line(failure)}), allowed is plain text; retype it."
        ) from None


def _file(path: Path) -> Path:
    refuse_no_text(path := Path(path))
    if os.path.isdir(path):
        raise InputError(f"{place(path)}: found a folder, allowed is a measurement file; name one that lies in it.")
    if not os.path.isfile(path):
        raise InputError(f"{place(path)}: there is no such file; give a measurement file ending in .csv or .parquet.")
    return path


@cache
def published() -> pa.Table:
    """Every measurement that the study quotes, from data/measurements. Raises InputError."""
    names = ("mla_decode", "gqa_decode", "mla_prefill", "experts", "all_to_all")
    return joined([load(FOLDER / f"{name}.csv") for name in names])


@cache
def fitted() -> pa.Table:
    """Every measurement that the published calibration is fitted to or tested on: those quoted, and more of the same
    source. Raises InputError.
    """
    return joined([published(), load(FOLDER / "kernels.parquet")])


@cache
def achieved_rates() -> dict[str, AchievedRate]:
    """Rates that kernels reach, by row id. Raises InputError."""
    return load_table(FOLDER / "achieved_rates.csv", AchievedRate)


@cache
def deployments() -> dict[str, Deployment]:
    """Published throughputs of deployments, by row id. Raises InputError."""
    return load_table(FOLDER / "deployments.csv", Deployment)


def joined(tables: list[pa.Table]) -> pa.Table:
    """Several tables one after another, each text column with one dictionary."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks() if tables else SCHEMA.empty_table()


def as_table(records: list[dict]) -> pa.Table:
    """A table from records (column to value; missing or None means empty)."""
    columns = [pa.array([_cell(record.get(field.name)) for record in records], _plain(field)) for field in SCHEMA]
    return pa.table(columns, names=SCHEMA.names).cast(SCHEMA)


def _cell(given):
    """Whole numbers as floats, which is what the columns hold; Arrow refuses those beyond 2^53."""
    return float(given) if isinstance(given, int) else given


def _plain(field: pa.Field) -> pa.DataType:
    return pa.string() if field.type == _TEXT else field.type


# -- CSV ---------------------------------------------------------------------------------------------------------
def _load_csv(path: Path) -> pa.Table:
    reader = csv.DictReader(io.StringIO(read_text(path, CSV_BYTES), newline=""), restval="", restkey="")
    file = place(path)
    _check_columns(file, reader.fieldnames or [])
    rows: list[BaseModel] = [_row(file, reader.line_num, record) for record in reader]
    if not rows:
        raise InputError(f"{file}: found no row under the header, allowed is at least one; add a row.")
    return as_table([row.model_dump() for row in rows])


def _row(file: str, line: int, record: dict) -> BaseModel:
    if "" in record:
        raise InputError(f"{file} line {line}: found more cells than columns; quote cells that contain commas.")
    return checked_row(Measurement, record, f"{file} line {line}")


def _check_columns(file: str, found: list[str]) -> None:
    unknown = [name for name in found if name not in SCHEMA.names]
    if unknown:
        raise InputError(
            f"{file}: column {shown(unknown[0])} is unknown, allowed are {choices(SCHEMA.names)}; rename or remove it."
        )
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise InputError(f"{file}: column {missing[0]!r} is missing, needed are {choices(REQUIRED)}; add it.")


# -- Parquet -----------------------------------------------------------------------------------------------------
def load_batches(path: Path) -> Iterator[pa.Table]:
    """The rows of a measurement file a part at a time, each checked as `load` checks them: a file of any size fits.

    Raises InputError.
    """
    if _file(path).suffix == ".parquet":
        yield from _parquet_batches(Path(path))
    else:
        yield load(path)


def machines(path: Path) -> set[str]:
    """Names of the machines that a file measures; of a Parquet file that column alone is read. Raises InputError."""
    columns = [SCHEMA.field("accelerator").name]
    if Path(path).suffix != ".parquet":
        return set(load(path)[columns[0]].to_pylist())
    next(load_batches(path))  # refuses what is no measurement file
    with pq.ParquetFile(path) as source:
        return {
            name for batch in source.iter_batches(BATCH, columns=columns) for name in pc.unique(batch[0]).to_pylist()
        }


def _load_parquet(path: Path) -> pa.Table:
    return joined(list(_parquet_batches(path)))


def _parquet_batches(path: Path) -> Iterator[pa.Table]:
    file, found = place(path), False
    try:
        with pq.ParquetFile(path) as source:
            _check_columns(file, source.schema_arrow.names)
            for batch in source.iter_batches(BATCH):
                if len(batch):
                    found = True
                    yield _checked(file, pa.Table.from_batches([batch]))
    except (OSError, pa.ArrowException) as failure:
        raise InputError(
            f"{file}: cannot be read as Parquet ({type(failure).__name__}); make or fetch it again."
        ) from None
    if not found:
        raise InputError(f"{file}: found no row, allowed is at least one; make or fetch it again.")


def _checked(file: str, table: pa.Table) -> pa.Table:
    """Rows with all columns of the schema, in its types."""
    for field in SCHEMA:
        if field.name not in table.column_names:
            table = table.append_column(field.name, pa.nulls(len(table), _plain(field)))
    try:
        table = table.select(SCHEMA.names).cast(SCHEMA).unify_dictionaries().combine_chunks()
    except pa.ArrowException as failure:
        raise InputError(
            f"{file}: a column has another type than this study's ({one_line(failure, 120)}); make it again."
        ) from None
    for name in SCHEMA.names:
        _check_values(file, name, table[name])
    _check_shapes(file, table)
    _check_relations(file, table)
    return table


def _check_values(file: str, name: str, values: pa.ChunkedArray) -> None:
    field = Measurement.model_fields[name]
    if values.null_count and field.is_required():
        raise InputError(
            f"{file}, column {name}: found an empty cell, allowed is {allowed_values(field)}; fill or remove the row."
        )
    wrong = _wrong_words(name, values) if _is_text(name) else _wrong_numbers(name, values)
    if wrong:
        raise InputError(
            f"{file}, column {name}: found {shown(wrong[0])}, allowed is {allowed_values(field)}; "
            "correct or remove the row."
        )


def _wrong_words(name: str, values: pa.ChunkedArray) -> list:
    allowed = _words_of(name)
    return [word for word in pc.unique(values).to_pylist() if allowed and word is not None and word not in allowed]


def _wrong_numbers(name: str, values: pa.ChunkedArray) -> list:
    low = 0 if name == "spread" else 1 if is_count(name) else np.nextafter(0, 1)
    fine = pc.and_(pc.greater_equal(values, low), pc.less(values, 1e18))
    return values.filter(pc.invert(fine)).to_pylist()[:1]


def _check_shapes(file: str, table: pa.Table) -> None:
    for operation, mechanism in _kinds(table):
        if mechanism and not has(operation, mechanism):
            raise InputError(
                f"{file}, column mechanism: found {mechanism} where operation is {operation}, allowed is one that has "
                "it; correct or remove the row."
            )
        chosen = table.filter(_is(table, operation, mechanism))
        for name in needed(operation, mechanism):
            if name not in chosen.column_names or chosen[name].null_count:
                raise InputError(
                    f"{file}, column {name}: found an empty cell where operation is {operation}; fill or remove the "
                    "row."
                )


def _check_relations(file: str, table: pa.Table) -> None:
    for less, more in AT_MOST:
        wrong = table.filter(pc.greater(table[less], table[more]))
        if len(wrong):
            found, most = (wrong[name][0].as_py() for name in (less, more))
            raise InputError(
                f"{file}, column {less}: found {found:g}, allowed is at most {more} = {most:g}; correct or remove the "
                "row."
            )


def _kinds(table: pa.Table) -> list[tuple[str, str | None]]:
    plain = pa.table([table[name].cast(pa.string()) for name in ("operation", "mechanism")], ["operation", "mechanism"])
    return [tuple(row.values()) for row in plain.group_by(["operation", "mechanism"]).aggregate([]).to_pylist()]


def _is(table: pa.Table, operation: str, mechanism: str | None):
    same = pc.equal(table["operation"].cast(pa.string()), operation)
    words = table["mechanism"].cast(pa.string())
    return pc.and_(same, pc.is_null(words) if mechanism is None else pc.fill_null(pc.equal(words, mechanism), False))
