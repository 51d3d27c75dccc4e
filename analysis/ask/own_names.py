"""Rows that parameters name: how they are called in tables and captions, and which files of a reader's they are."""

import os
from pathlib import Path

from analysis.ask.parameters import LISTS, PARAMETERS, names_rows
from analysis.data import calibrations, datasets
from analysis.data.own_rows import absolute, is_path
from analysis.data.rows import REFERENCES
from analysis.files.errors import InputError

FILES_OF_NOTEBOOKS = ("file",)  # parameters that are paths of other files than rows


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
        return next(iter(calibrations.named(value).values())).calibration
    row = datasets.find(file, value, name)
    return row.id if is_path(value) else value


def own_files(name: str, value) -> list[Path]:
    """The files that a parameter's value (or list of values) is made of, those that a row names in turn included.

    Files that are missing or broken are left out: reading them says why.
    """
    if isinstance(value, list | tuple):
        return [path for each in value for path in own_files(name, each)]
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


def located(name: str, given, base: Path):
    """A parameter's value as typed, with the paths of own rows in it made absolute from the folder `base`.

    >>> located("models", "deepseek-v3, ./mine.yml", Path("/tmp"))
    'deepseek-v3,/tmp/mine.yml'
    >>> located("models", ["deepseek-v3", "./mine.yml"], Path("/tmp"))
    ['deepseek-v3', '/tmp/mine.yml']
    """
    if isinstance(given, list | tuple):
        return [located(name, each, base) for each in given]
    if not isinstance(given, str) or not (names_rows(name) or name in FILES_OF_NOTEBOOKS):
        return given
    if name in FILES_OF_NOTEBOOKS:
        return absolute(given, base) if given else given
    parts = [part.strip() for part in given.split(",")] if name in LISTS else [given]
    return ",".join(absolute(part, base) if is_path(part) else part for part in parts)
