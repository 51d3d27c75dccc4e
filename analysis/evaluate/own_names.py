"""Rows that parameters name: how they are called in tables and captions, and which files of a reader's they are."""

import os
from pathlib import Path

from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.own_rows import FILES_OF_NOTEBOOKS, is_path
from analysis.evaluate.parameters import LISTS, PARAMETERS, names_rows
from analysis.evaluate.rows import REFERENCES


def label(name: str, value):
    """A parameter's value for a table or a caption: a reader's own row goes by its id, wherever its file lies.

    Raises InputError for a row that is none.

    >>> label("model", "deepseek-r1"), label("B", 64)
    ('deepseek-r1', 64)
    """
    if not names_rows(name):
        return value
    file = PARAMETERS[name].allowed[0]
    if file == "calibrations":
        from analysis.evaluate.measured import calibrations  # seldom asked for, and slow to import

        return next(iter(calibrations.named(value).values())).calibration
    row = datasets.find(file, value, name)
    return row.id if is_path(value) else value


def own_files(name: str, value) -> list[Path]:
    """The files that a parameter's value (or list of values) is made of, those that a row names in turn included.

    Files that are missing or broken are left out: reading them says why.
    """
    if not isinstance(value, str):
        return []
    if name in FILES_OF_NOTEBOOKS:
        return [Path(value)] if os.path.isfile(value) else []
    if not names_rows(name):
        return []
    file = PARAMETERS[LISTS.get(name, name)].allowed[0]
    parts = value.split(",") if name in LISTS else [value]
    return [Path(path) for part in parts for _, path in own_rows_behind(file, part.strip())]


def own_rows_behind(file: str, name: str) -> list[tuple[str, str]]:
    """The reader's own row that a path names and those that it names in turn: file of data/ whose kind it is, and path.

    Rows that are missing or broken are left out: reading them says why.
    """
    try:
        if not is_path(name) or not os.path.isfile(name):
            return []
        row = None if file == "calibrations" else datasets.find(file, name)
    except InputError:
        return []
    named = [(other, getattr(row, column, None)) for column, other in REFERENCES.items()]
    return [(file, name), *(found for other, each in named if each for found in own_rows_behind(other, each))]
