"""What the book's notebooks show of a reader's system: each run with its parameters, or why it does not apply."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.ask.notebook import declared
from analysis.ask.own_names import label
from analysis.ask.parameters import COUNT, PARAMETERS
from analysis.ask.widths import widths as widths_of
from analysis.book.executed import collect
from analysis.book.notebooks import outcomes
from analysis.book.report.subject import System
from analysis.files import whole
from analysis.files.whole import NOTEBOOKS
from analysis.render.show import ShownFigure

ELSEWHERE = {
    "machine": "it shows the run of `python -m analysis measure` on one computer.",
    "measured": "it shows what others measured, on accelerators of their choice.",
    "thesis_guidelines": "it compares models and accelerators with one another.",
}
"""Notebooks that speak of no system of a reader's."""
DRAWINGS = "drawings"
SIZES = ("model", "accelerator", "slo", "format")  # the last is given to a notebook as widths


@dataclass(frozen=True)
class Shown:
    """A notebook that ran: its title, its file, its figures by label, and what of the system it does not take."""

    title: str
    path: Path
    figures: Mapping[str, ShownFigure]
    without: tuple[str, ...] = ()


def run_all(system: System, folder: Path, jobs: int) -> tuple[list[Shown], dict[str, str]]:
    """Run every notebook that speaks of a system into `folder`: those that ran, and why each other does not apply."""
    sources = notebooks()
    failures = outcomes({path: parameters(system, path) for path in sources}, folder, jobs)
    ran = [_shown(system, path, folder / path.name) for path in sources if not failures.get(path)]
    apart = {title(path): _reason(failures[path]) for path in sources if failures.get(path)}
    return ran, apart | {title(NOTEBOOKS / f"{name}.ipynb"): why for name, why in ELSEWHERE.items()}


def notebooks() -> list[Path]:
    """The book's notebooks that speak of a system."""
    return [path for path in whole.notebooks() if path.stem not in ELSEWHERE]


def parameters(system: System, notebook: Path) -> dict[str, object]:
    """What papermill gives a notebook: the reader's parameters that it declares, degrees and batch of the best plan.

    A notebook of several models or accelerators gets the reader's alone where it has no parameter for one; so do the
    drawings, which draw each of several models at the degrees of one plan.
    """
    names, given, best = declared(notebook), system.setting.given, system.plans[0]
    found = given | _widths(system) | best.degrees | {"B": best.batch, "deg_DP": None}
    if "model" not in names or notebook.stem == DRAWINGS:
        found["models"] = given["model"]
    if "accelerator" not in names:
        found["accelerators"] = given["accelerator"]
    return {name: value for name, value in found.items() if name in names and value not in (None, "")}


def without(system: System, notebook: Path) -> tuple[str, ...]:
    """What a reader gave that changes numbers and that a notebook does not take; sizes are its own to sweep."""
    taken = {*declared(notebook), *SIZES}
    given = {name: value for name, value in system.setting.given.items() if name in system.given} | _widths(system)
    told = {name: label(name, value) for name, value in given.items() if name not in taken}
    return tuple(f"{name}={value}" for name, value in told.items() if PARAMETERS[name].kind != COUNT)


def _widths(system: System) -> dict[str, object]:
    """The widths that differ from that of all others, as given or as the model's files are stored."""
    return {name: each for name, each in widths_of(system.setting).items() if each != system.setting["width"]}


def title(notebook: Path) -> str:
    """A notebook's heading."""
    first = "".join(json.loads(notebook.read_text())["cells"][0]["source"])
    return first.partition("\n")[0].lstrip("# ")


def _shown(system: System, source: Path, executed: Path) -> Shown:
    figures = {name: each for name, (_, each) in collect([executed])[0].items()}
    return Shown(title(source), executed, figures, without(system, source))


def _reason(failure: str) -> str:
    """The sentence of a refusal, without the place in the notebook that made it and without the remedy."""
    return (failure.partition("InputError: ")[2] or failure).partition("; choose ")[0].rstrip(".") + "."
