"""YAML, JSON and CSV that a reader brings, read as plain text, lists and mappings, and as nothing else.

YAML here is a small part of YAML: no anchors or aliases, no repeated key, and every value stays the text that was typed
(so `on`, `1:30` and `010` do not turn into other things); what reads the value decides what it may be. An empty value,
`null` or `~` is an empty text.
"""

import csv
import io
import json
from pathlib import Path

import yaml

from analysis.files.errors import InputError
from analysis.files.text import CSV_BYTES, JSON_BYTES, YAML_BYTES, place, read_text, shown

DEEPEST = 12
NULLS = ("~", "null", "Null", "NULL")


class _Plain(yaml.BaseLoader):
    """Text, lists and mappings only; a key may stand once, and nothing refers to anything else."""

    depth = 0

    def compose_node(self, parent, index):
        event, self.depth = self.peek_event(), self.depth + 1
        if getattr(event, "anchor", None) is not None:
            raise yaml.composer.ComposerError(None, None, "an anchor or alias (one value twice)", event.start_mark)
        if self.depth > DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"more than {DEEPEST} levels", event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, (written, _) in zip(keys, node.value, strict=True):
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "a key that is no text", written.start_mark)
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {shown(key)} twice", written.start_mark)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node):
        text = super().construct_scalar(node)
        return "" if node.style is None and text in NULLS else text


def yaml_mapping(path: Path) -> dict:
    """The mapping that a YAML file holds: keys to text, lists or mappings. Raises InputError with the line."""
    text = read_text(path, YAML_BYTES)
    try:
        return _mapping(path, _Plain(text).get_single_data(), "YAML")
    except yaml.YAMLError as failure:
        raise InputError(_where(path, failure)) from None


def _where(path: Path, failure: yaml.YAMLError) -> str:
    mark = getattr(failure, "problem_mark", None)
    line = f" line {mark.line + 1}" if mark else ""
    problem = getattr(failure, "problem", None) or getattr(failure, "reason", None) or "text that is no YAML"
    return f"{place(path)}{line}: found {problem}, allowed is YAML as `name: value` lines; correct this line."


def json_mapping(path: Path, constants: bool = False) -> dict:
    """The object that a JSON file holds. Raises InputError for anything else, a repeated key, NaN or Infinity.

    `constants` lets NaN and Infinity pass, which Python writes and published configurations hold.
    """
    text = read_text(path, JSON_BYTES)
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=float if constants else _no_constant)
    except InputError as failure:
        raise InputError(f"{place(path)}: {failure}") from None
    except json.JSONDecodeError as failure:
        raise InputError(
            f"{place(path)} line {failure.lineno}: found text that is no JSON ({failure.msg}), "
            "allowed is one object; correct this line."
        ) from None
    except (RecursionError, ValueError):
        raise InputError(
            f"{place(path)}: found nesting too deep or a number too long to read, "
            "allowed is a plain object; correct the file."
        ) from None
    return _mapping(path, found, "JSON")


def _once(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise InputError(f"found the key {shown(repeated)} twice, allowed are keys used once; keep one.")
    return found


def _no_constant(text: str):
    raise InputError(f"found {text}, allowed are finite numbers; correct it.")


def _mapping(path: Path, found, kind: str) -> dict:
    if not isinstance(found, dict) or not found:
        raise InputError(
            f"{place(path)}: found no mapping of names to values, "
            f"allowed is {kind} as names and values; correct the file."
        )
    return found


def csv_records(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as column to cell. Raises InputError for repeated columns and rows of another length."""
    return [record for _, record in csv_lines(path)]


def csv_lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The same with the line of the file on which each row ends."""
    reader = csv.reader(io.StringIO(read_text(path, CSV_BYTES), newline=""), strict=True)
    try:
        header, *rows = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as failure:
        raise InputError(
            f"{place(path)} line {reader.line_num}: found text that is no CSV ({failure}), "
            "allowed are cells separated by commas; correct this line."
        ) from None
    names = [name.strip() for name in header[1]]
    for name in names:
        if names.count(name) > 1 or not name:
            raise InputError(
                f"{place(path)} line 1: found the column {shown(name)} "
                f"{'without a name' if not name else 'twice'}, allowed are names used once; "
                "correct the header."
            )
    return [(line, _record(path, line, names, cells)) for line, cells in rows]


def _record(path: Path, line: int, names: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(names):
        raise InputError(
            f"{place(path)} line {line}: found {len(cells)} cells, allowed are {len(names)}, "
            "one per column; quote cells that contain commas."
        )
    return dict(zip(names, cells, strict=True))
