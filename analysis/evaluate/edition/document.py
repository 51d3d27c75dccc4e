"""The document that describes an edition: its keys, what each may hold, and reading it from YAML as plain text."""

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import InputError, choices
from analysis.evaluate import datasets
from analysis.evaluate.own_documents import yaml_mapping
from analysis.evaluate.own_names import label, own_rows_behind
from analysis.evaluate.own_rows import is_path
from analysis.evaluate.own_text import place, shown
from analysis.evaluate.parameters import PARAMETERS
from analysis.evaluate.reading import read

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
TITLE = re.compile(r"\w[\w .,:;()'\u2019/+&\u2013-]{0,79}")
PAPER = "paper"


@dataclass(frozen=True)
class Key:
    """A key of the document: the parameter whose rule reads it, whether it is a list, and what it means."""

    reads: str
    meaning: str
    many: bool = False


KEYS = {
    "name": Key("", "lower-case letters, digits and -: the folder _build/editions/NAME; by default the file's name"),
    "title": Key("", "what the pages call this edition; by default the model on the accelerator"),
    "scenario": Key("scenario", "row of data/scenarios.csv: gives what it names unless another key does"),
    "model": Key("model", "the model that chapters speak of"),
    "latent": Key("model", "the one that speaks for latent attention; by default model, or a stand-in if it has none"),
    "mixture": Key("model", "the one that speaks for routed experts; by default model, or a stand-in if it has none"),
    "models": Key("model", "the models compared with model; by default the paper's, as far as they fit", many=True),
    "accelerator": Key("accelerator", "the accelerator that chapters speak of"),
    "accelerators": Key("accelerator", "further ridge points; by default the paper's and accelerator", many=True),
    "accelerator_experts": Key("accelerator", "the device that may run the routed experts"),
    "link": Key("link", "link inside a group; by default the one that the accelerator comes with"),
    "link_between": Key("link_between", "link between groups"),
    "group": Key("group", "accelerators of a group that share the fast link"),
    "n_acc": Key("n_acc", "accelerators of the system"),
    "deg_TP": Key("deg_TP", "tensor-parallel degree; by default the smallest at which a model fits"),
    "B": Key("B", "requests decoded together by the whole system; by default 4096, or what model leaves memory for"),
    "L": Key("L", "context length in tokens"),
    "slo": Key("slo", "time allowed per output token in s"),
    "width": Key("width", "bytes of an element"),
    "peak": Key("peak", "bf16, fp8 or fp4: which arithmetic rate"),
}
SCENARIO = tuple(key for key in KEYS if key in PARAMETERS)


@dataclass(frozen=True)
class Document:
    """What an edition's file says: checked values by key (rows by id), and its own rows' paths by file of data/."""

    values: dict[str, object]
    own: dict[str, tuple[str, ...]]


def read_document(path: Path) -> Document:
    """The document in a YAML file, every value checked. Raises InputError that begins with the file."""
    path = Path(path)
    given = yaml_mapping(path)
    try:
        _refuse_unknown(given)
        given = _with_absolute_paths({key: value for key, value in given.items() if value != ""}, path.parent)
        own = _own_rows(given)
        with datasets.further(own):
            values = {key: _value(key, value) for key, value in given.items()}
            values = _scenario(values.pop("scenario", None)) | values
    except InputError as failure:
        raise InputError(f"{place(path)}: {failure}") from None
    return Document({"name": _name_of(path)} | values, own)


def _refuse_unknown(given: Mapping[str, object]) -> None:
    for key in given:
        if key not in KEYS:
            raise InputError(f"found the key {shown(key)}, allowed are {choices(KEYS)}; correct it.")


def _with_absolute_paths(given: dict, base: Path) -> dict:
    """Paths of rows are relative to the document's folder."""

    def absolute(value):
        if isinstance(value, list):
            return [absolute(each) for each in value]
        return os.path.abspath(base / value) if isinstance(value, str) and is_path(value) else value

    return {key: absolute(value) if _file(key) else value for key, value in given.items()}


def _own_rows(given: dict) -> dict[str, tuple[str, ...]]:
    """Paths named anywhere in the document by file of data/, those that its rows name in turn included."""
    found: dict[str, dict[str, None]] = {}
    for key, value in given.items():
        file = _file(key)
        for each in value if isinstance(value, list) else [value]:
            if file and isinstance(each, str) and is_path(each):
                datasets.find(file, each, key)  # refused here where it is broken
                for kind, path in own_rows_behind(file, each):
                    found.setdefault(kind, {})[path] = None
    found.pop("scenarios", None)  # a system is asked for once, here
    return {file: tuple(paths) for file, paths in found.items()}


def _file(key: str) -> str:
    if KEYS[key].reads == "scenario":
        return "scenarios"
    parameter = PARAMETERS.get(KEYS[key].reads)
    return parameter.allowed[0] if parameter and parameter.kind == "row" else ""


def _value(key: str, given):
    if not KEYS[key].many:
        return _one(key, given)
    parts = given if isinstance(given, list) else str(given).split(",")
    found = tuple(dict.fromkeys(_one(key, part.strip() if isinstance(part, str) else part) for part in parts))
    if not found:
        raise InputError(f"{key}: found an empty list, allowed is at least one row; name one or leave the key out.")
    return found


def _one(key: str, given):
    if not isinstance(given, str) or not given:
        raise InputError(f"{key}: found {shown(given)}, allowed is one value; {KEYS[key].meaning}.")
    if key in ("name", "title"):
        return _plain_text(key, given)
    file = _file(key)
    if file:
        return _row(key, file, given)
    found = read(KEYS[key].reads, given)
    if isinstance(found, int | float | str):
        return found
    raise InputError(f"{key}: found {shown(given)}, allowed is one number; an edition has one of each.")


def _row(key: str, file: str, given: str):
    row = datasets.find(file, given, key)
    return row if file == "scenarios" else row.id


def _plain_text(key: str, given: str) -> str:
    pattern, allowed = {
        "name": (NAME, "at most 40 lower-case letters, digits and -"),
        "title": (TITLE, "at most 80 letters, digits and plain punctuation"),
    }[key]
    given = unicodedata.normalize("NFC", given)  # a letter and its dots may come as two signs
    if not pattern.fullmatch(given):
        raise InputError(f"{key}: found {shown(given)}, allowed are {allowed}; retype it.")
    return given


def _name_of(path: Path) -> str:
    """A folder's name from a file's: `My chip.yml` gives `my-chip`."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:40].strip("-") or "edition"


def _scenario(row) -> dict:
    if row is None:
        return {}
    return {key: label(key, getattr(row, key)) for key in SCENARIO if getattr(row, key, None) is not None}
