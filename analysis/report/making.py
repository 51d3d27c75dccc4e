"""Making a report: notebooks, figures, data and the page, whole or not at all."""

import tempfile
from pathlib import Path

from analysis.errors import InputError
from analysis.evaluate.own_text import place as in_words
from analysis.files import mirror
from analysis.report.figures import run_all
from analysis.report.page import page
from analysis.report.system import System

MARK = '<meta name="generator" content="analysis report">'


def checked(folder: Path) -> Path:
    """A folder that a report may fill: free, empty, or holding an older report. Raises InputError for another."""
    index = folder / "index.html"
    older = index.is_file() and MARK in index.read_text(encoding="utf-8", errors="replace")
    if folder.is_dir() and any(folder.iterdir()) and not older:
        raise InputError(
            f"{in_words(folder)}: found a folder that holds other things than a report, allowed is a free name, an "
            "empty folder or an older report; choose another output."
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
    mirror(folder, files)
    return folder / "index.html"
