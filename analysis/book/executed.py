"""What is done with a notebook once it has run: make it the same at every run, and take out what it exports."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

from analysis.files.errors import InputError
from analysis.render.show import SVG, ShownFigure, shown


def scrub(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what differs from run to run (times, paths, versions, random ids)."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
            "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            _forget_addresses(output)
    return notebook


def _forget_addresses(output: nbformat.NotebookNode) -> None:
    """An object without a text of its own prints as <Name at 0x7f...>, another number at each run."""
    for place, key in ((output, "text"), (output.get("data", {}), "text/plain")):
        if key in place:
            place[key] = re.sub(r" at 0x[0-9a-f]+>", ">", place[key])


def as_page(executed: Path, folder: str) -> bytes:
    """Return the executed notebook as the book shows it: figures from the files LABEL.svg in `folder`, not its own.

    The book holds each figure once then, and screen readers hear what it shows; also of a drawing without a label.
    Numbers that a cell hands to the pages are left out, and cells that do nothing else: pages say them in sentences.
    """
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not _only_notes(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_note(output)]
        for output in cell.get("outputs", []):
            for item in shown([output]):
                if isinstance(item, ShownFigure):
                    image = f"![{_one_line(item.alt)}](/{folder}/{item.label}.svg)"
                    output["data"] = {"text/markdown": image, "text/plain": item.alt}
            if SVG in output.get("data", {}):
                cell.metadata["mystnb"] = {"image": {"alt": " ".join(output["data"]["text/plain"].split())}}
    return (nbformat.writes(notebook) + "\n").encode()


def _only_notes(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell does nothing else than `note(...)`."""
    return cell.get("source", "").startswith("note(") and all(map(_is_note, cell.get("outputs", [])))


def _is_note(output: nbformat.NotebookNode) -> bool:
    return any(not isinstance(item, ShownFigure) for item in shown([output]))


def _one_line(text: str) -> str:
    """Text that Markdown takes as it is between the brackets of an image."""
    return re.sub(r"([\\\[\]*_`$<{])", r"\\\1", " ".join(text.split()))


def collect(executed: Iterable[Path]) -> tuple[dict[str, tuple[str, ShownFigure]], dict[str, Any]]:
    """Return what executed notebooks hand to the book: label to (notebook name, figure), and name to value.

    Raises InputError if two figures share a label or two notes a name.
    """
    figures, notes, owners = {}, {}, {}
    for path, item in _exports(executed):
        names = [item.label] if isinstance(item, ShownFigure) else list(item)
        for name in names:
            if name in owners:
                raise InputError(f"{path.name}: {name!r} is already exported by {owners[name]}; choose another name")
            owners[name] = path.name
        if isinstance(item, ShownFigure):
            figures[item.label] = (path.stem, item)
        else:
            notes |= item
    return figures, notes


def _exports(executed: Iterable[Path]) -> Iterable[tuple[Path, ShownFigure | dict]]:
    for path in executed:
        for cell in nbformat.read(path, as_version=4).cells:
            for item in shown(cell.get("outputs", [])):
                yield path, item
