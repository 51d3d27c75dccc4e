"""The reference: every public object from its docstring, every command from its help, every notebook by its question.

It reads all rooms by name.
"""

import importlib
import json
import pkgutil
from pathlib import Path

import click

from analysis.ask.notebook import declared
from analysis.data.datasets import DATA
from analysis.files.whole import NOTEBOOKS, ROOT, inputs, notebooks
from analysis.render.tables import code, table

FENCE = "```"
HERE = "python -m analysis"
COLUMNS = 84  # that a block of code holds where the page is widest, beside both menus


def reference(*names: str) -> str:
    """A section per module of these names; `package.*` stands for a package and all below it.

    A module without a word of its own (an empty __init__) is left out; of a package only what it says itself is shown,
    as what it offers lives in its modules.
    """
    found = dict.fromkeys(each for name in names for each in _modules(name))
    return "\n\n".join(_section(name) for name in found if importlib.import_module(name).__doc__)


def _modules(name: str) -> list[str]:
    if not name.endswith(".*"):
        return [name]
    package = name.removesuffix(".*")
    below = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    return [package, *(each.name for each in below)]


def _section(name: str) -> str:
    members = "" if hasattr(importlib.import_module(name), "__path__") else "\n   :members:"
    return f"## `{name}`\n{FENCE}{{eval-rst}}\n.. automodule:: {name}{members}\n{FENCE}"


def code_of(module: str) -> str:
    """Where the book's static files hold the text of a module.

    >>> code_of("analysis.files.errors"), code_of("analysis.files")
    ('code/analysis/files/errors.py.txt', 'code/analysis/files/__init__.py.txt')
    """
    path = module.replace(".", "/")
    return f"code/{path}/__init__.py.txt" if (ROOT / path).is_dir() else f"code/{path}.py.txt"


def code_files() -> dict[str, bytes]:
    """The text of every module: name in the staged book, to content."""
    modules = (path for path in inputs("analysis") if path.suffix == ".py")
    return {f"_assets/code/{path.relative_to(ROOT).as_posix()}.txt": path.read_bytes() for path in modules}


def commands_help() -> str:
    """What `--help` says of every command, and of the modules that are commands themselves."""
    main = importlib.import_module("analysis.cli.main").main
    every = {f"{HERE} {name}": command for name, command in sorted(main.commands.items())}
    modules = {"book": "book.build"} | {name: name for name in ("book.notebooks", "tools.pdf", "tools.bench")}
    every |= {f"{HERE}.{name}": importlib.import_module(f"analysis.{home}").main for name, home in modules.items()}
    return "\n\n".join(f"## `{name}`\n{FENCE}text\n{_help(name, command)}\n{FENCE}" for name, command in every.items())


def _help(name: str, command: click.Command) -> str:
    return command.get_help(click.Context(command, info_name=name, max_content_width=COLUMNS, terminal_width=COLUMNS))


# -- what a reader can rerun -------------------------------------------------------------------------
KINDS = {".yml": "yaml", ".csv": "text", ".json": "json"}


def notebooks_table() -> str:
    """Every notebook: a link, the question it asks, its parameters."""
    rows = [_notebook_line(path.stem) for path in notebooks()]
    return table(("notebook", "question", "parameters"), rows, "Notebooks and their parameters.", "tab-notebooks")


def _notebook_line(name: str) -> tuple:
    first, *_ = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    question = " ".join("".join(first["source"]).splitlines()[1:])
    names = declared(NOTEBOOKS / f"{name}.ipynb")
    return (f"{{doc}}`{name} </notebooks/{name}>`", question, ", ".join(map(code, names)))


def example(name: str) -> str:
    """A file of data/examples as a block of code, as it stands there."""
    text = (DATA / "examples" / name).read_text(encoding="utf-8")
    return f"```{KINDS[Path(name).suffix]}\n{text.rstrip()}\n```"
