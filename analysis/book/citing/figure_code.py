"""Which function draws a figure, read from the syntax of the notebook that shows it."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat

from analysis.files.errors import InputError


def drawing_functions(notebook: Path) -> dict[str, str]:
    """For each label that a notebook shows, the dotted name of the function that returned the figure.

    Raises InputError where a figure does not come from a call of an imported function in the same cell.
    """
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    trees = [ast.parse(_plain(source)) for source in cells]
    imports = {name: dotted for tree in trees for name, dotted in _imported(tree)}
    return {label: dotted for tree in trees for label, dotted in _shown(tree, imports, notebook.name)}


def _plain(source: str) -> str:
    """A cell without the lines that only IPython reads."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())


def _imported(tree: ast.Module) -> Iterable[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _shown(tree: ast.Module, imports: Mapping[str, str], notebook: str) -> Iterable[tuple[str, str]]:
    made = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "show":
            figure, label = call.args[:2]
            drawn = made.get(figure.id, figure) if isinstance(figure, ast.Name) else figure
            name = ast.unparse(drawn.func) if isinstance(drawn, ast.Call) else ""
            head, _, rest = name.partition(".")
            if head not in imports:
                raise InputError(
                    f"{notebook}: the figure {ast.unparse(label)} is not what a function imported there returns; write "
                    "`figure = module.function(...)` in the cell that shows it."
                )
            yield ast.literal_eval(label), ".".join([imports[head], *([rest] if rest else [])])
