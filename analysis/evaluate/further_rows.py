"""Rows of a reader's own that one build of the book counts among the rows of data/.

An edition (`analysis.evaluate.edition`) names them by path. The notebooks that its build runs are processes of their
own; they find the same rows through one environment variable, which only `datasets.further` sets.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.errors import InputError
from analysis.evaluate import own_rows
from analysis.evaluate.own_text import place
from analysis.evaluate.rows import Row

VARIABLE = "STUDY_ROWS"


def written(files: Mapping[str, Sequence[str]]) -> str:
    """The variable's text for paths of rows by file of data/ (`accelerators` to paths)."""
    return json.dumps({file: list(paths) for file, paths in files.items() if paths}, sort_keys=True)


def paths(file: str) -> list[str]:
    """Paths of the further rows of a file of data/, as the variable lists them."""
    return json.loads(os.environ.get(VARIABLE) or "{}").get(file, [])


def all_paths() -> list[Path]:
    """Every further row's path: files that results depend on."""
    listed = json.loads(os.environ.get(VARIABLE) or "{}")
    return sorted({Path(path) for some in listed.values() for path in some})


def rows(file: str) -> dict[str, Row]:
    """The further rows of a file of data/, by id; a link that an accelerator names by path is named by its id.

    Raises InputError for a row that is refused, and for two rows of one id.
    """
    found: dict[str, Row] = {}
    for path in paths(file):
        row = own_rows.load(path, file)
        if row.id in found:
            raise InputError(f"{place(path)}, column id: found {row.id!r} in two files, allowed is one; rename it.")
        found[row.id] = _with_link_by_id(row)
    return found


def _with_link_by_id(row: Row) -> Row:
    link = getattr(row, "link", None)
    if link is None or not own_rows.is_path(link):
        return row
    return row.model_copy(update={"link": own_rows.load(link, "interconnects").id})
