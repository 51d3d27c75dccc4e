"""The data dictionary, read off the row classes: one line per column of every data file."""

import types
from dataclasses import dataclass
from typing import Annotated, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from analysis import derive
from analysis.data.kind_of_block import KindOfBlock
from analysis.data.row import Id
from analysis.data.rows import FILES, home

TYPE_NAMES = {int: "integer", float: "number", bool: "flag", str: "text", tuple: "words", dict: "mapping"}
WORDS = {get_args(Id)[1].metadata[0].pattern: "lower-case letters, digits, . and -"}
"""Patterns of text in words."""
BOUNDS = {Ge: ("ge", ">="), Gt: ("gt", ">"), Le: ("le", "<=")}


@dataclass(frozen=True)
class Entry:
    """One column: its file, name, type, unit, whether it must be filled, its range, its meaning."""

    file: str
    column: str
    type: str
    unit: str
    required: bool
    allowed: str
    meaning: str


def _parts(annotation, metadata=()):
    """Unwrap Optional and Annotated: the bare type and every bound on the way."""
    if get_origin(annotation) in (Union, types.UnionType):
        return _parts(next(arg for arg in get_args(annotation) if arg is not type(None)), metadata)
    if get_origin(annotation) is Annotated:
        bare, *extra = get_args(annotation)
        inner = [item for part in extra for item in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return _parts(bare, [*metadata, *inner])
    return annotation, metadata


def allowed_values(field: FieldInfo) -> str:
    """Say in words what a cell of this column may hold.

    >>> from analysis.data.rows import Scenario
    >>> allowed_values(Scenario.model_fields["n_acc"])
    'integer >= 1'
    """
    bare, metadata = _parts(field.annotation, list(field.metadata))
    said = (field.json_schema_extra or {}).get("allowed")
    if said:
        return said
    if get_origin(bare) is Literal:
        return ", ".join(get_args(bare))
    bounds = [
        f"{sign} {getattr(item, key)}"
        for item in metadata
        for kind, (key, sign) in BOUNDS.items()
        if isinstance(item, kind)
    ]
    pattern = next((found for found in (getattr(item, "pattern", None) for item in metadata) if found), "")
    if pattern:
        return WORDS.get(pattern, f"text of the form {pattern}")
    return " ".join([_type_name(bare), *bounds]) if bounds else f"any {_type_name(bare)}"


def _type_name(bare) -> str:
    bare = get_origin(bare) or bare
    return "text" if bare is Literal else TYPE_NAMES.get(bare, "number")


def _entry(file: str, name: str, field: FieldInfo) -> Entry:
    symbols = derive.symbols
    symbol = symbols.MEANINGS.get(symbols.BY_NAME.get(name))
    bare, _ = _parts(field.annotation)
    unit = (field.json_schema_extra or {}).get("unit") or (symbol.unit if symbol else "")
    meaning = field.description or (symbol.text if symbol else "")
    return Entry(home(file), name, _type_name(bare), unit, field.is_required(), allowed_values(field), meaning)


def dictionary() -> list[Entry]:
    """Every column of every data file, in the order of the row classes.

    >>> next(entry for entry in dictionary() if entry.column == "BW_mem").unit
    'GB/s'
    """
    nested = {"kinds": KindOfBlock}
    return [
        entry
        for file, row in FILES.items()
        for name, field in row.model_fields.items()
        for entry in (
            _entry(file, name, field),
            *(_entry(file, f"{name}: {each}", more) for each, more in _fields(nested.get(name))),
        )
    ]


def _fields(row):
    return row.model_fields.items() if row else ()
