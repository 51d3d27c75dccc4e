"""The second cell of every notebook: papermill's parameters become a checked setting, or one clear sentence.

Papermill itself only warns about a name that the notebook does not know and checks no value.
"""

import difflib
import json
import re
from pathlib import Path
from types import ModuleType

from analysis.ask.parameters import PARAMETERS
from analysis.ask.reading import read, refuse_lists
from analysis.ask.setting import Setting
from analysis.files.errors import InputError, choices

DECLARED = re.compile(r"^(\w+): *\w+ *=", re.M)
_SHELL = {"In", "Out", "get_ipython", "exit", "quit", "open"}


def parameters(names: dict, *allowed: str) -> Setting:
    """The setting that a notebook's parameters describe; call it before anything else: `parameters(globals(), ...)`.

    `names` are the notebook's globals, `allowed` its parameters. Parameters that are empty strings or None count as
    not given. Raises InputError for a misspelt name, a wrong value or an unknown row.
    """
    given = {name: value for name, value in names.items() if _typed_by_reader(name, value)}
    for name in given:
        if name not in allowed:
            raise InputError(_unknown(name, given[name], allowed))
    filled = {name: value for name, value in given.items() if not _is_empty(value)}
    refuse_lists({name: read(name, filled[name]) for name in filled if _is_single(name, names)}, "this notebook")
    setting = Setting.of(**filled)
    for row in {"model", "accelerator", "link"} & set(setting.given):
        getattr(setting, row)  # look the rows up now, not after minutes of work
    return setting


def _is_empty(value) -> bool:
    return value is None or (isinstance(value, str) and value == "")


def _is_single(name: str, names: dict) -> bool:
    """Whether a notebook declares a parameter as one number (or one word or number), not as text that may be a list."""
    if name not in PARAMETERS:
        return False
    return names.get("__annotations__", {}).get(name) in (int, float) or bool(PARAMETERS[name].allowed)


def _typed_by_reader(name: str, value) -> bool:
    return not (name.startswith("_") or name in _SHELL or isinstance(value, ModuleType) or callable(value))


def _unknown(name: str, value, allowed: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, allowed, n=2)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{name}={value}: this notebook has no parameter of this name; {hint}Its parameters are {choices(allowed)}."


def declared(notebook: Path) -> list[str]:
    """Names of the parameters that a notebook's parameters cell declares, in its order."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    found = ("".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    return DECLARED.findall(next(found, ""))
