"""The data files as rows, looked up by id, by alias, or by the path of a reader's own file."""

import difflib
import os
from functools import cache

from pydantic import BaseModel

from analysis.data import own_rows
from analysis.data.model_row import Model
from analysis.data.rows import FILES, REFERENCES, Accelerator, Claim, Interconnect, Published, Related, Scenario, home
from analysis.data.table import ids, load_file, load_folder, load_table
from analysis.files.errors import InputError, shown
from analysis.files.whole import ROOT

DATA = ROOT / "data"


@cache
def shipped(file: str) -> dict[str, BaseModel]:
    """The rows of data/`file`.csv by id, in its order: all that the paper's claims are judged by. Raises InputError.

    Models are files of data/models, those that its file ORDER lists first.
    """
    load = load_folder if file == "models" else load_table
    rows = load(DATA / home(file), FILES[file])
    _check_aliases(file, rows)
    for row in rows.values():
        _check_references(file, row)
    return rows


def _check_aliases(file: str, rows: dict[str, BaseModel]) -> None:
    taken = set(rows)
    for row in rows.values():
        for alias in getattr(row, "aliases", ()):
            if alias in taken:
                raise InputError(
                    f"{home(file)} (id {row.id}), column aliases: found {alias!r}, "
                    "which already names a row, allowed are names used once; remove it."
                )
            taken.add(alias)


def _check_references(file: str, row: BaseModel) -> None:
    for name, other in REFERENCES.items():
        value = getattr(row, name, None) if not isinstance(row, Published) else None
        # an alias asks for reading all rows of a file
        if value is not None and value not in ids_of(other) and value not in _names(other):
            raise InputError(
                f"{home(file)} (id {row.id}), column {name}: found {value!r}, "
                f"allowed are ids of {home(other)}; correct this cell."
            )


def models() -> dict[str, Model]:
    """Every model by id, in the order of data/models/ORDER. Raises InputError where a file is wrong."""
    return shipped("models")


def accelerators() -> dict[str, Accelerator]:
    """Every accelerator by id, in the order of the file. Raises InputError where accelerators.csv is wrong."""
    return shipped("accelerators")


def interconnects() -> dict[str, Interconnect]:
    """Every link by id, in the order of the file. Raises InputError where interconnects.csv is wrong."""
    return shipped("interconnects")


def scenarios() -> dict[str, Scenario]:
    """Every system of the paper by id, in the order of the file. Raises InputError where scenarios.csv is wrong."""
    return shipped("scenarios")


def claims() -> dict[str, Claim]:
    """Every statement of the paper by id, in the order of the file. Raises InputError where claims.csv is wrong."""
    return shipped("claims")


def published() -> dict[str, Published]:
    """Every number of others by id, in the order of the file. Raises InputError where published.csv is wrong."""
    return shipped("published")


def related() -> dict[str, Related]:
    """Every work of others by its key, in the order of the file. Raises InputError where related.csv is wrong."""
    return shipped("related")


def claimed(id_: str) -> Claim | Published:
    """A statement of the paper (C and S) or of others (P) by id. Raises KeyError for an unknown one.

    >>> claimed("P019").paper_value, claimed("C001").paper_value
    ('2.25', '138.89')
    """
    return (published() if id_.startswith("P") else claims())[id_]


@cache
def _names(file: str) -> dict[str, str]:
    """Every id and alias of a file, with the id it stands for."""
    rows = shipped(file)
    return {name: row.id for row in rows.values() for name in _called(row)}


@cache
def ids_of(file: str) -> tuple[str, ...]:
    """The ids of a file's rows in its order, without reading the models."""
    return tuple(ids(DATA / "models") if file == "models" else shipped(file))


@cache
def _alone(name: str) -> Model:
    return load_file(DATA / "models", name, Model)


ASKED_AS = {"models": "model", "accelerators": "accelerator", "interconnects": "link", "scenarios": "scenario"}


def find(file: str, name: str, parameter: str | None = None) -> BaseModel:
    """The row of a file with this id or alias, or in the file that `name` is a path of.

    `parameter` is what the reader typed it for. Raises InputError that lists close matches.
    """
    if own_rows.is_path(name):
        return _own(file, name)
    if file == "models" and name in ids_of(file):
        return _alone(name)  # only an alias asks for reading them all
    known = _names(file)
    if name not in known:
        close = difflib.get_close_matches(shown(name).lower(), known, n=4, cutoff=0.4)
        hint = f"close to it are {', '.join(close)}; " if close else ""
        raise InputError(
            f"{parameter or ASKED_AS[file]}={shown(name)}: no row of data/{home(file)} has this id; {hint}"
            f"`python -m analysis {file}` lists all."
        )
    return shipped(file)[known[name]]


def canonical(file: str, name: str, parameter: str | None = None) -> str:
    """The one name under which a row is asked for again: its id, or the absolute path of a reader's own file.

    Raises InputError as `find`.

    >>> canonical("models", "deepseek-r1")
    'deepseek-v3'
    """
    row = find(file, name, parameter)
    return os.path.abspath(name) if own_rows.is_path(name) else row.id


def _own(file: str, name: str) -> BaseModel:
    """A reader's own row by path; its id must not pass for one of ours, and what it refers to must exist."""
    row = own_rows.load(name, file)
    for column, other in REFERENCES.items():
        if getattr(row, column, None) is not None:
            _refer(f"{own_rows.place(name)} (id {row.id}), column {column}", other, getattr(row, column), column)
    _refuse_known(file, row, name)
    return row


def _refer(where: str, file: str, name: str, column: str) -> None:
    try:
        find(file, name, column)
    except InputError as refusal:
        raise InputError(f"{where}: {refusal}") from None


def _refuse_known(file: str, row: BaseModel, name: str) -> None:
    """A reader's own row must not pass for one of ours, by its id or by another name."""
    taken = {alias for each in shipped(file).values() for alias in _called(each)}
    for called in _called(row):
        if called in taken:
            column = "id" if called == row.id else "aliases"
            raise InputError(
                f"{own_rows.shown(name)}, column {column}: found {called!r}, which already names a row of "
                f"data/{home(file)}, allowed are other ids; rename this row."
            )


def _called(row: BaseModel) -> tuple[str, ...]:
    return (row.id, *getattr(row, "aliases", ()))


def model(name: str) -> Model:
    """The model with this id or alias, or in this file (a path). Raises InputError that lists close matches.

    >>> model("deepseek-r1").id
    'deepseek-v3'
    """
    return find("models", name)


def accelerator(name: str) -> Accelerator:
    """The accelerator with this id, or in this file. Raises InputError that lists close matches.

    >>> accelerator("b200-paper").BW_mem
    8000.0
    """
    return find("accelerators", name)


def interconnect(name: str) -> Interconnect:
    """The link with this id, or in this file. Raises InputError that lists close matches.

    >>> interconnect("nvlink5-b200").BW_Int
    900.0
    """
    return find("interconnects", name)


def scenario(name: str) -> Scenario:
    """The system with this id, or in this file. Raises InputError that lists close matches."""
    return find("scenarios", name)
