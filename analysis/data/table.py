"""Reading and checking a table of rows; every refusal is one sentence that names the cell.

`read_records` opens a file, `checked_row` judges one record: a row that comes from elsewhere than a shipped
file is judged by the same words.
"""

import csv
import io
from pathlib import Path

from pydantic import BaseModel, ValidationError

from analysis.data.dictionary import allowed_values
from analysis.data.units import LARGEST, RANGES, TO_SI, in_unit
from analysis.files.errors import InputError
from analysis.files.errors import shown as plain
from analysis.files.text import shown

OUTSIDE = ("greater_than_equal", "less_than_equal")  # pydantic's names of a number outside its column's range


def checked_row(row_class: type[BaseModel], record: dict[str, str], place: str) -> BaseModel:
    """Turn a record (column to text, empty text meaning absent) into a row.

    Raises InputError that begins with `place` and names column, value found, values allowed and remedy.
    """
    filled = {name: cell for name, cell in record.items() if str(cell).strip() != ""}
    named = f"{place} (id {plain(record.get('id') or 'missing')})"
    try:
        row = row_class(**filled)
    except ValidationError as failure:
        raise InputError(_sentence(row_class, failure.errors()[0], named)) from None
    for column, cell in row:
        if isinstance(cell, int | float) and not abs(cell) < LARGEST:  # a typing error, which would overflow later
            raise InputError(_cell_sentence(named, column, cell, f"a number below {LARGEST:g}"))
    return row


def _sentence(row_class: type[BaseModel], error: dict, place: str) -> str:
    if error["type"] == "columns_disagree":
        return _cell_sentence(place, **error["ctx"])
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{place}: column {shown(name)} is unknown, allowed are {_columns(row_class)}; rename or remove it."
    found = "" if error["type"] == "missing" else error["input"]
    remedy = _slip(row_class, name, found) if error["type"] in OUTSIDE and name in RANGES else "correct this cell"
    return _cell_sentence(place, name, found, allowed_values(row_class.model_fields[name]), remedy)


def _slip(row_class: type[BaseModel], name: str, found) -> str:
    """The unit of a column whose cell lies outside its range, and what to write if that was meant."""
    unit = row_class.model_fields[name].json_schema_extra["unit"].replace("as M_cap_unit", "GB")
    size = 2**-20 if unit == "byte" else TO_SI.get(unit, 1)  # drivers print MiB
    said = in_unit(float(found), unit, RANGES[name], size)
    return said if "write" in said else f"{said}; correct this cell"


def _cell_sentence(place: str, column: str, found, allowed: str, remedy: str = "correct this cell") -> str:
    cell = "nothing" if found in ("", None) else shown(found)
    return f"{place}, column {column}: found {cell}, allowed is {allowed}; {remedy}."


def _columns(row_class: type[BaseModel]) -> str:
    return ", ".join(row_class.model_fields)


def read_records(path: Path, row_class: type[BaseModel]) -> list[tuple[int, dict[str, str]]]:
    """Read a CSV file whose header is exactly the columns of `row_class`: (line number, record) pairs.

    Raises InputError for a file that is missing, empty, not UTF-8, or whose columns or cells do not line up.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    header = next(reader, [])
    if not header:
        raise InputError(f"{path.name}: found an empty file, allowed is a header line and rows; restore the file.")
    _check_header(path.name, header, row_class)
    records = [(reader.line_num, _record(path.name, reader.line_num, header, cells)) for cells in reader if cells]
    if not records:
        raise InputError(f"{path.name}: found no row under the header, allowed is at least one; add a row.")
    return records


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as failure:
        found = f"a byte that is not UTF-8 at position {failure.start}"
        raise InputError(f"{path.name}: found {found}, allowed is UTF-8 text; save the file as UTF-8.") from None
    except OSError:
        raise InputError(f"{path.name}: found no readable file at {path}, allowed is a CSV file; restore it.") from None


def _check_header(file: str, header: list[str], row_class: type[BaseModel]) -> None:
    known = list(row_class.model_fields)
    faults = [
        ("unknown column", [name for name in header if name not in known], "rename or remove it"),
        ("repeated column", [name for name in known if header.count(name) > 1], "keep one"),
        ("missing column", [name for name in known if name not in header], "add it"),
    ]
    for fault, names, remedy in faults:
        if names:
            raise InputError(f"{file} line 1: {fault} {names[0]!r}, allowed are {', '.join(known)}; {remedy}.")


def _record(file: str, line: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise InputError(
            f"{file} line {line} (id {cells[0]}): found {len(cells)} cells, allowed are {len(header)}, one per column; "
            "quote cells that contain commas."
        )
    return dict(zip(header, cells, strict=True))


def load_table(path: Path, row_class: type[BaseModel]) -> dict[str, BaseModel]:
    """Read and check a whole file: id to row, in the order of the file. Raises InputError."""
    rows: dict[str, BaseModel] = {}
    for line, record in read_records(path, row_class):
        row = checked_row(row_class, record, f"{path.name} line {line}")
        if row.id in rows:
            raise InputError(
                f"{path.name} line {line}, column id: found {row.id!r} a second time, "
                "allowed are ids used once; rename or remove this row."
            )
        rows[row.id] = row
    return rows
