"""Making a report: notebooks, figures, data and the page, whole or not at all."""

import tempfile
from pathlib import Path

from analysis.book.report.drawn import run_all
from analysis.book.report.sheet import page
from analysis.book.report.subject import System
from analysis.files.errors import InputError
from analysis.files.outputs import fill, refuse_filled
from analysis.files.text import place as in_words

REPORT = "a report"


def checked(folder: Path, file: Path | None = None, replace: bool = False) -> Path:
    """A folder that a report may fill: free, empty, holding an older report, or whatever it is asked to `replace`.

    Raises InputError for another, and where the report would remove the `file` that it reads.
    """
    refuse_filled(folder, REPORT, replace)
    if file and folder.is_dir() and folder.resolve() in file.resolve().parents:
        raise InputError(
            f"{in_words(folder)}: found the file to read in it, allowed is another folder; choose another output."
        )
    return folder


def report(system: System, folder: Path, jobs: int = 2) -> Path:
    """Make the report of a system in `folder`, and return its page.

    Raises InputError where nothing fits, before any notebook runs. Two reports may be made at once.
    """
    _ = system.plans
    with tempfile.TemporaryDirectory(prefix="report") as scratch:
        ran, apart = run_all(system, Path(scratch), jobs)
        files = {"index.html": page(system, ran, apart).encode(), "system.yml": system.written().encode()}
        for each in ran:
            files[f"notebooks/{each.path.name}"] = each.path.read_bytes()
            for label, figure in each.figures.items():
                files[f"figures/{label}.svg"] = figure.svg.encode()
                files |= {f"figures/{label}.csv": figure.csv.encode()} if figure.csv else {}
    fill(folder, REPORT, files)
    return folder / "index.html"
