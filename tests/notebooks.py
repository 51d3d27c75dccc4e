"""The book's notebooks, run cell by cell in this process as papermill would run them."""

import re
import warnings

import nbformat
import pytest

from analysis.files.whole import ROOT
from analysis.render import show

FOLDER = ROOT / "book" / "notebooks"
EVERY = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
WITHOUT_NOTES = {"after", "drawings"}


def code(name: str) -> list:
    """The code cells of a notebook."""
    return [cell for cell in nbformat.read(FOLDER / f"{name}.ipynb", 4).cells if cell.cell_type == "code"]


def labels(name: str) -> set[str]:
    """Labels that a notebook gives to its figures; each has one place in the book (tests/book/test_page.py)."""
    return {label for cell in code(name) for label in re.findall(r'"(fig-[\w-]+)"', cell.source)}


def executed(name: str, cells: int | None = None, drawn: list | None = None, **given) -> tuple[dict, dict]:
    """Figures (label to data about it) and notes of a notebook, or of its first `cells`, some parameters replaced.

    Figures go as SVG, or into `drawn`.
    """
    outputs, names = [], {}
    first, *rest = code(name)[:cells]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.chdir(ROOT)
        patch.setattr(show, "display", lambda data, raw, metadata=None: outputs.append((data, metadata or {})))
        if drawn is not None:
            patch.setattr(show, "_svg", lambda figure: drawn.append(figure) or "<svg")
        exec(first.source, names)
        names |= given
        for cell in rest:
            exec(cell.source, names)
    told = [about[show.KEY] | {"svg": data.get(show.SVG, "")} for data, about in outputs if show.KEY in about]
    figures = [each for each in told if "label" in each]
    notes = {key: value for each in told if "notes" in each for key, value in each["notes"].items()}
    assert {each["label"] for each in figures} == labels(name) or cells
    for each in figures:
        assert len(each["caption"]) > 40
        assert len(each["alt"]) > 40
        assert each["csv"].count("\n") > 1
        assert each["svg"].startswith("<svg")
    assert bool(notes) == (name not in WITHOUT_NOTES) or cells
    return {each["label"]: each for each in figures}, notes
