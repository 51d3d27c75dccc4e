"""A whole edition as text, in this process: every notebook's cells run, every page rendered, no drawing written."""

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
from matplotlib import pyplot

from analysis.book import LAST, render
from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.edition.notebooks import parameters
from analysis.files import ROOT
from analysis.render import show
from analysis.render.page import template_functions

NOTEBOOKS = sorted((ROOT / "book" / "notebooks").glob("*.ipynb"))
CHAPTERS = sorted(path for path in (ROOT / "book").glob("*.md") if path.name not in LAST)


def run(path: Path, given: dict, display) -> None:
    """The cells of a notebook, its parameters replaced by `given`; `display` gets what it shows."""
    show.display, before = display, show.display
    try:
        cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        names: dict = {}
        exec(cells[0], names)
        names = {name: value for name, value in names.items() if not name.startswith("__")} | given
        for cell in cells[1:]:
            exec(compile(cell, path.name, "exec"), names)
    finally:
        show.display = before
        pyplot.close("all")


def exported(edition: Edition, notebooks=NOTEBOOKS) -> tuple[dict, dict]:
    """Figures (label to notebook and figure) and notes of notebooks in an edition, whose own rows are known here."""
    figures, notes = {}, {}
    for path in notebooks:
        outputs = []

        def display(data, raw=True, metadata=None, outputs=outputs):
            outputs.append({"data": data, "metadata": json.loads(json.dumps(metadata or {}))})

        run(path, parameters(edition, path), display)
        for item in show.shown(outputs):
            if isinstance(item, show.ShownFigure):
                figures[item.label] = (path.stem, item)
            else:
                notes |= item
    return figures, notes


def pages(edition: Edition, notebooks=NOTEBOOKS) -> Iterator[tuple[str, str]]:
    """Every chapter of an edition, by name."""
    with datasets.further(edition.own):
        names = template_functions(*exported(edition, notebooks), edition)
        for path in CHAPTERS:
            yield path.stem, render(path, names)
