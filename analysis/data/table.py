"""Checking a table of rows; every refusal is one sentence that names the cell.

`checked_row` judges one record: a row that comes from elsewhere than a shipped file is judged by the same words.
"""

from functools import cache
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from analysis.data.dictionary import allowed_values
from analysis.data.units import LARGEST, RANGES, TO_SI, in_unit
from analysis.files.documents import csv_lines, yaml_mapping
from analysis.files.errors import InputError
from analysis.files.errors import shown as plain
from analysis.files.text import YAML_BYTES, read_text, shown

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
    row_class, name, field = _located(row_class, error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{place}: column {shown(name)} is unknown, allowed are {_columns(row_class)}; rename or remove it."
    found = "" if error["type"] == "missing" else error["input"]
    remedy = _slip(row_class, name, found) if error["type"] in OUTSIDE and name in RANGES else "correct this cell"
    return _cell_sentence(place, name, found, allowed_values(field), remedy)


def _located(row_class: type[BaseModel], where: tuple) -> tuple[type[BaseModel], str, FieldInfo | None]:
    """The class, the place in words and the field that pydantic speaks of; items of a list are numbered from 1."""
    name, *rest = (str(part + 1) if isinstance(part, int) else str(part) for part in where)
    field = row_class.model_fields.get(name)
    inner = next((each for each in _inside(field) if isinstance(each, type) and issubclass(each, BaseModel)), None)
    if inner is None or len(rest) < 2:
        return row_class, ".".join([name, *rest[:1]]) if field else name, field
    owner, deeper, found = _located(inner, where[2:])
    return owner, f"{name} {rest[0]}.{deeper}", found


def _inside(field: FieldInfo | None) -> tuple:
    return get_args(field.annotation) if field else ()


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


def load_table(path: Path, row_class: type[BaseModel]) -> dict[str, BaseModel]:
    """Read and check a whole file: id to row, in the order of the file. Raises InputError."""
    rows: dict[str, BaseModel] = {}
    for line, record in csv_lines(path):
        row = checked_row(row_class, record, f"{path.name} line {line}")
        if row.id in rows:
            raise InputError(
                f"{path.name} line {line}, column id: found {row.id!r} a second time, "
                "allowed are ids used once; rename or remove this row."
            )
        rows[row.id] = row
    return rows


def load_folder(folder: Path, row_class: type[BaseModel]) -> dict[str, BaseModel]:
    """Read and check a folder of rows, ID.yml each, in the order of `ids`. Raises InputError."""
    return {name: load_file(folder, name, row_class) for name in ids(folder)}


def ids(folder: Path) -> list[str]:
    """The ids that a folder has files of: first those that its file ORDER lists, the others by name.

    Raises InputError.
    """
    there = sorted(path.stem for path in folder.glob("*.yml"))
    listed = read_text(folder / "ORDER", YAML_BYTES).split()
    for name in listed:
        if name not in there:
            raise InputError(f"models/ORDER: found {shown(name)}, allowed are names of files beside it; remove it.")
    return list(dict.fromkeys([*listed, *there]))


@cache
def load_file(folder: Path, name: str, row_class: type[BaseModel]) -> BaseModel:
    """Read and check one row of a folder, which costs a fiftieth of reading them all. Raises InputError."""
    place = f"models/{name}.yml"
    row = checked_row(row_class, yaml_mapping(folder / f"{name}.yml"), place)
    if row.id != name:
        raise InputError(f"{place}, column id: found {shown(row.id)}, allowed is {name}; rename one of them.")
    return row
