"""A sweep from its grid to its table: what is missing is computed on the workers, then all parts become one file."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from tqdm import tqdm

from analysis.files.errors import InputError
from analysis.files.outputs import checked_output, refuse_foreign, refuse_input
from analysis.files.text import place
from analysis.sweeps.columns import Damaged, work
from analysis.sweeps.cutting import Task, number_of_tasks, tasks
from analysis.sweeps.executors import results, workers
from analysis.sweeps.grid import Grid, grid_of, read_grid
from analysis.sweeps.output import SUFFIXES, NoSetting, beside, merge, notes_beside, refuse_shared, written_here
from analysis.sweeps.parts import Parts, own_rows

WAITING_PER_WORKER = 2  # results that wait in memory


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
    """Evaluate a grid, a YAML file or a mapping of the same keys, into the table `out` (.parquet or .csv).

    `jobs` processes (default: all cores), or the Dask cluster at `scheduler`. Interrupted, the same call goes on where
    it was. Settings that cannot be built are listed in NAME.skipped.csv, columns in NAME.dictionary.csv. Raises
    InputError for a grid that cannot be read, an output that cannot be written, that another sweep is writing, or that
    is another file than a sweep's (unless `replace`), and for a grid without any point.
    """
    out = checked_output(Path(out), *SUFFIXES)
    described = grid_of(grid, Path.cwd()) if isinstance(grid, Mapping) else read_grid(Path(grid))
    read = [] if isinstance(grid, Mapping) else [Path(grid)]
    _refuse_places(out, described, [*read, *own_rows(described)], replace)
    parts = Parts(out, described)
    started = time.perf_counter()
    try:
        with parts.alone():
            computed, rows, skipped = _made(described, parts, out, jobs, scheduler, progress)
    except OSError as failure:
        raise InputError(
            f"{place(out)}: could not be written ({(failure.strerror or 'unknown cause').lower()}); "
            "choose another place, or make room and go on with the same command."
        ) from None
    return Summary(out, rows, described.points, computed, time.perf_counter() - started, tuple(skipped))


def _refuse_places(out: Path, grid: Grid, given: list[Path], replace: bool) -> None:
    """Refuse to write over what a sweep reads, and over what no sweep wrote: the table and the files beside it."""
    for path in (out, beside(out, "dictionary"), beside(out, "skipped")):
        refuse_input(checked_output(path, *SUFFIXES), *given)
        refuse_foreign(path, replace, written_here(out))
    if not replace:
        refuse_shared(out, grid)


def _made(
    grid: Grid, parts: Parts, out: Path, jobs: int | None, scheduler: str | None, progress: bool
) -> tuple[int, int, list[dict]]:
    """Make what is missing and merge it; a part that turns out to be damaged is made again, once."""
    computed, again = 0, set()
    while True:
        computed += _compute(grid, parts, jobs, scheduler, progress)
        try:
            return computed, *_merged(grid, parts, out)
        except Damaged as damaged:
            path = damaged.args[0]
            if path in again:
                raise InputError(f"{place(path)}: cannot be read back; choose another place for the output.") from None
            again.add(path)
            path.unlink(missing_ok=True)


def _merged(grid: Grid, parts: Parts, out: Path) -> tuple[int, list[dict]]:
    try:
        return merge([parts.path(number) for number in range(number_of_tasks(grid))], out, grid)
    except NoSetting:
        parts.empty()  # nothing in them is worth going on from
        raise


def _compute(grid: Grid, parts: Parts, jobs: int | None, scheduler: str | None, progress: bool) -> int:
    """Make the parts that are missing; return how many points that took."""
    computed = 0
    with tqdm(total=grid.points, unit="pt", unit_scale=True, desc="sweep", disable=None if progress else True) as bar:
        missing = _missing(grid, parts, bar)
        first = next(missing, None)
        if first is None:
            return 0
        with workers(jobs, scheduler) as (executor, number):
            todo = ((task, parts.mark(task.number)) for group in ((first,), missing) for task in group)
            for (task, _), content in results(executor, work, todo, WAITING_PER_WORKER * number):
                parts.keep(task.number, content)
                computed += _points(task)
                bar.update(_points(task))
    return computed


def _missing(grid: Grid, parts: Parts, bar: tqdm) -> Iterator[Task]:
    for task in tasks(grid):
        if parts.has(task.number):
            bar.update(_points(task))
        else:
            yield task


def _points(task: Task) -> int:
    return sum(prod(map(len, block.arrays.values())) for block in task.blocks)
