"""A sweep from its grid to its table: parts that are missing are made on the workers; a file is joined from them, a
folder of them is the table.
"""

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.files.errors import InputError
from analysis.files.outputs import checked_folder, checked_output, refuse_foreign, refuse_input, whole
from analysis.files.text import place
from analysis.sweeps.columns import Part, work
from analysis.sweeps.cutting import number_of_tasks, tasks
from analysis.sweeps.grid import Grid, grid_of, read_grid
from analysis.sweeps.output import (
    SUFFIXES,
    beside,
    join,
    no_setting,
    notes_beside,
    refuse_other_folder,
    refuse_shared,
    write_beside,
    written_here,
)
from analysis.sweeps.parts import Parts, own_rows
from analysis.sweeps.workers import run_calls


@dataclass(frozen=True)
class Summary:
    """What a sweep did: its table, rows, points of the grid, points computed this time, seconds, settings skipped."""

    out: Path
    rows: int
    points: int
    computed: int
    seconds: float
    skipped: tuple[dict, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the table, as its dictionary has it."""
        return notes_beside(self.out)


def sweep(
    grid: Path | str | Mapping,
    out: Path | str,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
    replace: bool = False,
) -> Summary:
    """Evaluate a grid, a YAML file or a mapping of the same keys, into the table `out`: a file (.parquet or .csv), or
    for a grid of any size a folder (no ending, or a slash at its end) of Parquet files that are read as one.

    `jobs` processes (default: all cores), or the Dask cluster at `scheduler`, whose workers must see the same folder;
    a grid of one part is evaluated in this process. Interrupted, the same call goes on where it was. Settings that
    cannot be built are listed in NAME.skipped.csv, columns in NAME.dictionary.csv. Raises InputError for a grid that
    cannot be read, an output that cannot be written, that another sweep is writing, or that is another file than a
    sweep's (unless `replace`; a folder of other things never is), and for a grid without any point.
    """
    folder = str(out).endswith(("/", os.sep)) or not Path(out).suffix
    out = Path(out)
    described = grid_of(grid, Path.cwd()) if isinstance(grid, Mapping) else read_grid(Path(grid))
    read = [] if isinstance(grid, Mapping) else [Path(grid)]
    _refuse_places(out, folder, described, [*read, *own_rows(described)], replace)
    parts = Parts(out, described)
    started = time.perf_counter()
    try:
        with parts.alone():
            made = _made(described, parts, jobs, scheduler, progress)
            skipped = _settings(made)
            rows = _written(made, skipped, parts, out, folder, described)
    except OSError as failure:
        raise InputError(
            f"{place(out)}: could not be written ({(failure.strerror or 'unknown cause').lower()}); "
            "choose another place, or make room and go on with the same command."
        ) from None
    computed = sum(part.computed for part in made)
    return Summary(out, rows, described.points, computed, time.perf_counter() - started, tuple(skipped))


def _refuse_places(out: Path, folder: bool, grid: Grid, given: list[Path], replace: bool) -> None:
    """Refuse to write over what a sweep reads, and over what no sweep wrote: the table and what stands beside it."""
    if folder:
        _refuse_folder(out, grid)
    for path in (*([] if folder else [out]), beside(out, "dictionary"), beside(out, "skipped")):
        refuse_input(checked_output(path, *SUFFIXES), *given)
        refuse_foreign(path, replace, written_here(out))
    if not replace:
        refuse_shared(out, grid)


def _refuse_folder(out: Path, grid: Grid) -> None:
    if out.name in ("", ".."):
        raise InputError(f"{place(out)}: found no name, allowed is that of a file or a folder; choose another output.")
    if grid.front:
        raise InputError(
            f"{place(out)}: found a folder for the few points of a pareto front, allowed is a file; "
            "choose another output (-o), ending in .parquet or .csv."
        )
    refuse_other_folder(checked_folder(out))


def _made(grid: Grid, parts: Parts, jobs: int | None, scheduler: str | None, progress: bool) -> list[Part]:
    """Make the parts that are missing or damaged."""
    todo = ((task, parts.path(task.number), parts.mark(task.number)) for task in tasks(grid))
    bar = {"total": grid.points, "unit": "pt", "size": lambda part: part.points, "progress": progress}
    return run_calls(work, todo, number_of_tasks(grid), "sweep", jobs, scheduler, **bar)


def _settings(made: list[Part]) -> list[dict]:
    """The settings that cannot be built, each once, in however many blocks its arrays were cut."""
    return list({tuple(each.items()): each for part in made for each in part.skipped}.values())


def _written(made: list[Part], skipped: list[dict], parts: Parts, out: Path, folder: bool, grid: Grid) -> int:
    """Make the table of the parts, what stands beside it first, as that shows whose it is; return its rows."""
    built = [parts.path(number) for number, part in enumerate(made) if part.built]
    if not built:
        parts.empty()  # nothing in them is worth going on from
        raise no_setting(skipped)
    noted = sum((part.noted for part in made), Counter())
    if folder:
        write_beside(out, grid, noted, skipped)
        parts.become(out, built)
        return sum(part.rows for part in made)
    with whole(out) as target:
        rows = join(built, target, out.suffix, grid.front)
        write_beside(out, grid, noted, skipped)
    return rows
