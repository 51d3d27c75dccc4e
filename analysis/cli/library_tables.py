"""What a notebook of a reader's own calls beside numbers: a table, a figure, the claims, in a line each."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from analysis.ask.own_names import located
from analysis.book.executed import collect
from analysis.book.notebooks import run
from analysis.files.errors import InputError, choices
from analysis.files.whole import notebooks
from analysis.ledger.findings import Finding
from analysis.ledger.ledger import ledger
from analysis.render.show import ShownFigure
from analysis.sweeps.grid import grid_of
from analysis.sweeps.in_memory import in_memory

MOST_POINTS = 10**7
"""Points of a table in memory; a sweep into a file takes any number."""


def table(quantities: str | Sequence[str], over: Mapping[str, object], **given) -> pa.Table:
    """Quantities over the product of `over` (parameter to list, or to a range), in memory: a column each, SI units.

    `given` holds parameters fixed. Settings that cannot be built are left out; `schema.metadata[b"notes"]` says in
    sentences what must be known of the rest, as of points that memory does not hold. Raises InputError for what a
    grid file would be refused for, and for more than 10^7 points.

    >>> table("ridge_point", over={"accelerator": ["v100-paper", "b200-paper"]})["ridge_point"].to_pylist()
    [138.88888888888889, 281.25]
    """
    names = [quantities] if isinstance(quantities, str) else list(quantities)
    fixed = {name: value for name, value in given.items() if value is not None}
    grid = grid_of({"quantities": names, "with": fixed, "over": dict(over)}, Path.cwd())
    if grid.points > MOST_POINTS:
        raise InputError(
            f"over: found {grid.points} points, allowed are at most {MOST_POINTS} in memory; "
            "write them to a file with sweep, or shorten a list."
        )
    return in_memory(grid)


def figure(label: str, **parameters) -> ShownFigure:
    """A figure of the book by its label, drawn anew with other parameters of its notebook; Jupyter shows it.

    `.svg`, `.csv`, `.caption` and `.alt` hold its drawing, numbers and texts. Raises InputError for a label that no
    notebook shows, and for parameters that the notebook refuses.
    """
    homes = _homes()
    if label not in homes:
        raise InputError(f"{label}: no notebook shows a figure of this label; allowed are {choices(sorted(homes))}.")
    given = {name: located(name, value, Path.cwd()) for name, value in parameters.items()}
    with TemporaryDirectory() as folder:
        figures, _ = collect(run([homes[label]], given, Path(folder)))
    return figures[label][1]


def _homes() -> dict[str, Path]:
    """The notebook that shows each label."""
    shown = {path: re.findall(r'\\"(fig-[a-z0-9-]+)\\"', path.read_text(encoding="utf-8")) for path in notebooks()}
    return {label: path for path, labels in shown.items() for label in labels}


def claims() -> list[Finding]:
    """Every claim of the paper with the study's number, reading, verdict and reason."""
    return list(ledger())
