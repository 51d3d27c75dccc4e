"""A reader's own row by path: `model=./mine.yml`, `accelerator=./chip.csv`, judged by the words that judge ours.

A YAML or JSON file is one row, `column: value`; a CSV file is a header and one row. Columns that may be empty may be
left out. Where ours name another row by id, a reader's own may name a file of its own.

A relative path is read from where it was typed: on the command line and in a notebook from the working directory, in
a row, a grid or a table from the folder of that file. `located` makes it absolute before work moves elsewhere.
"""

import os
import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from analysis.data.row import Row
from analysis.data.rows import FILES, REFERENCES
from analysis.data.table import checked_row
from analysis.data.units import LARGEST
from analysis.files.documents import csv_records, json_mapping, yaml_mapping
from analysis.files.errors import InputError
from analysis.files.text import CSV_BYTES, SUFFIXES, is_path, place, read_text, shown

LONGEST_CELL = 4000  # letters of a cell in a table of parameters
MARKUP = re.compile(r"[<>{}\[\]`$|\\*_#]")


def load(name: str, file: str) -> Row:
    """The row in the file `name`, of the kind that data/`file`.csv holds (models, accelerators, interconnects, ...).

    Raises InputError with the place, the value found, the values allowed and the remedy.
    """
    asked, state = (Path(name), file, os.path.abspath(os.path.dirname(name))), file_state(name)
    found = _judged(*asked) if state is None else _loaded(*asked, state)
    if isinstance(found, str):
        raise InputError(found)
    return found


def file_state(name: str) -> bytes | None:
    """What tells a file from the same file changed, however soon: its content, digested.

    None for one that cannot be read, as reading it says why.
    """
    try:
        return sha256(read_text(Path(name), CSV_BYTES).encode()).digest()
    except InputError:
        return None


@lru_cache(maxsize=256)
def _loaded(path: Path, file: str, folder: str, state) -> Row | str:
    """The row, or why it is refused, in words: a file that stays as it is is read once, whatever becomes of it."""
    try:
        return _judged(path, file, folder)
    except InputError as refusal:
        return str(refusal)


def _judged(path: Path, file: str, folder: str) -> Row:
    _refuse_table_of_model(path, file)
    record, where = _record(path), place(path)
    row = checked_row(FILES[file], record, where)
    if MARKUP.search(row.name) or not row.name.isprintable():
        raise InputError(
            f"{where}, column name: found {shown(row.name)}, allowed are letters, digits and plain punctuation, as "
            "captions and pages print it; retype it."
        )
    return _with_own_references(folder, row)


def _refuse_table_of_model(path: Path, file: str) -> None:
    if file == "models" and path.suffix.lower() == ".csv":
        raise InputError(
            f"{place(path)}: found a table, but a model is a file with sizes and kinds of block, allowed are .yml and "
            ".json; write it as data/models/llama-3.1-8b.yml is, or let `python -m analysis import-model` do so."
        )


def _record(path: Path) -> dict:
    kind = path.suffix.lower()
    if kind in (".yml", ".yaml"):
        return yaml_mapping(path)
    if kind == ".json":
        found = json_mapping(path)
        if "model_type" in found:
            raise InputError(
                f"{place(path)}: found a Hugging Face configuration, allowed is a row; make one of it by "
                "`python -m analysis import-model`."
            )
        return {name: _as_text(value) for name, value in found.items()}
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
    """JSON's values as a table's cells, those of lists and mappings too."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return {name: _as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) and abs(value) < LARGEST else value


def _with_own_references(folder: str, row: Row) -> Row:
    named = {column: getattr(row, column, None) for column in REFERENCES}
    return row.model_copy(
        update={column: absolute(name, folder) for column, name in named.items() if name and is_path(name)}
    )


def absolute(name: str, base: Path | str) -> str:
    return os.path.abspath(os.path.join(base, name))
