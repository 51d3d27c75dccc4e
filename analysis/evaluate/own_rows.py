"""A reader's own row by path: `model=./mine.yml`, `accelerator=./chip.csv`, judged by the words that judge ours.

A YAML or JSON file is one row, `column: value`; a CSV file is a header and one row. Columns that may be empty may be
left out. A row may name a link by a path of its own, relative to the row's file.
"""

import os
from functools import lru_cache
from pathlib import Path

from analysis.errors import InputError
from analysis.evaluate.own_documents import csv_records, json_mapping, yaml_mapping
from analysis.evaluate.own_text import place, shown
from analysis.evaluate.reading import LARGEST
from analysis.evaluate.rows import FILES, Row
from analysis.evaluate.table import checked_row

SUFFIXES = (".yml", ".yaml", ".csv", ".json")
LONGEST_CELL = 4000


def is_path(name) -> bool:
    """Whether a row is named by a file of its own rather than by an id.

    >>> is_path("./mine.yml"), is_path("llama-3.1-8b")
    (True, False)
    """
    return str(name).lower().endswith(SUFFIXES) or "/" in str(name) or "\\" in str(name)


def load(name: str, file: str) -> Row:
    """The row in the file `name`, of the kind that data/`file`.csv holds (models, accelerators, interconnects, ...).

    Raises InputError with the place, the value found, the values allowed and the remedy.
    """
    path = Path(name)
    try:
        seen = path.stat()
        state = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
    except (OSError, ValueError):
        state = None  # reading it says what is wrong
    return _loaded(path, file, state)


@lru_cache(maxsize=256)
def _loaded(path: Path, file: str, state) -> Row:
    record = _record(path)
    where = place(path)
    for column, cell in record.items():
        _check_cell(where, column, cell)
    link = str(record.get("link") or "")
    by_path = {"link": "by-path"} if is_path(link) else {}  # an id's letters would not do for a path
    row = checked_row(FILES[file], record | by_path, where)
    _check_numbers(where, row)
    return row.model_copy(update={"link": os.path.abspath(path.parent / link)}) if by_path else row


def _record(path: Path) -> dict:
    kind = path.suffix.lower()
    if kind in (".yml", ".yaml"):
        return yaml_mapping(path)
    if kind == ".json":
        return {name: _as_text(value) for name, value in json_mapping(path).items()}
    if kind == ".csv":
        records = csv_records(path)
        if len(records) != 1:
            raise InputError(
                f"{place(path)}: found {len(records)} rows under the header, allowed is one; keep one row per file."
            )
        return records[0]
    raise InputError(
        f"{place(path)}: found the ending {shown(kind)}, allowed are {', '.join(SUFFIXES)}; "
        "save the row as one of them, or name a row by its id."
    )


def _as_text(value):
    """JSON's values as a table's cells."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) and abs(value) < LARGEST else value


def _check_cell(where: str, column: str, cell) -> None:
    if not column.isascii() or not column.isprintable():
        raise InputError(f"{where}: column {shown(column)} is unknown, allowed are plain ASCII names; retype it.")
    parts = cell if isinstance(cell, list) else [cell]
    if not all(isinstance(part, str) and len(part) <= LONGEST_CELL for part in parts):
        raise InputError(
            f"{where}, column {column}: found {shown(cell)}, allowed is one value "
            f"of at most {LONGEST_CELL} letters; correct this cell."
        )
    if column == "id" and not str(cell).isprintable():
        raise InputError(
            f"{where}, column id: found {shown(cell)}, allowed are lower-case letters, digits, . and -; retype it."
        )


def _check_numbers(where: str, row: Row) -> None:
    """Sizes beyond any machine are typing errors, and would overflow later."""
    for column in type(row).model_fields:
        number = getattr(row, column)
        if isinstance(number, int | float) and not abs(number) < LARGEST:
            raise InputError(
                f"{where} (id {row.id}), column {column}: found {shown(number)}, "
                f"allowed is a number below {LARGEST:g}; correct this cell."
            )
