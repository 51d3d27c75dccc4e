"""The second cell of every notebook: papermill's parameters become a checked setting, or one clear sentence.

Papermill itself only warns about a name that the notebook does not know and checks no value. The names that a notebook
knows are those that its parameters cell annotates.
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


def annotated(names: dict) -> dict[str, type]:
    """The parameters that a notebook's cell declares, with their types; `names` are its globals."""
    late = names.get("__annotate__")  # Python 3.14 makes annotations when they are asked for
    return names.get("__annotations__") or (late(1) if late else {})


def refuse_undeclared(names: dict) -> None:
    """Raise InputError for a name that a reader gave a notebook whose parameters cell does not declare it."""
    known = tuple(annotated(names))
    for name, value in names.items():
        if name not in known and _typed_by_reader(name, value):
            raise InputError(_unknown(name, value, known))


def parameters(names: dict) -> Setting:
    """The setting that the parameters of a notebook describe, as far as they are a setting's.

    `names` are the notebook's globals. Parameters that are empty strings or None count as not given. Raises InputError
    for a wrong value or an unknown row.
    """
    kinds = annotated(names)
    filled = {name: names[name] for name in kinds if name in PARAMETERS and not _is_empty(names[name])}
    single = {name: read(name, value) for name, value in filled.items() if _is_single(name, kinds[name])}
    refuse_lists(single, "this notebook")
    setting = Setting.of(**filled)
    for row in {"model", "accelerator", "link"} & set(setting.given):
        getattr(setting, row)  # look the rows up now, not after minutes of work
    return setting


def _is_empty(value) -> bool:
    return value is None or (isinstance(value, str) and value == "")


def _is_single(name: str, kind: type) -> bool:
    """Whether a notebook declares a parameter as one number (or one word or number), not as text that may be a list."""
    return kind in (int, float) or bool(PARAMETERS[name].allowed)


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
