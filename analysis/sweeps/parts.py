"""The parts of a sweep that is under way: one file per task, in a folder beside the output.

A part is written beside its place and renamed into it, so that a kill at any time leaves whole parts only. Each says
which sweep's and which task's it is; the next run makes those that are missing, damaged, or another's. A lock keeps
every other sweep out meanwhile.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from analysis.ask.own_names import own_files
from analysis.files.errors import InputError
from analysis.files.text import place
from analysis.files.whole import fingerprint, inputs, locked
from analysis.sweeps.cutting import BLOCK_POINTS, TASK_BLOCKS
from analysis.sweeps.grid import Grid


class Parts:
    """The folder of a sweep's parts, and its lock."""

    def __init__(self, out: Path, grid: Grid):
        self.folder = out.with_name(f"{out.name}.parts")
        inside = Path(os.path.abspath(self.folder))  # workers may stand elsewhere
        self.made, self._older, self._lock = (inside / name for name in ("made", "older", "lock"))
        self._state = _state(grid)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other sweeps out of the folder, which goes once all is done, and where nothing was.

        Raises InputError for a folder that is not ours, and where another process is at work in it.
        """
        if self.folder.exists() and not self._lock.is_file():
            raise InputError(
                f"{place(self.folder)}: found something that is no sweep's folder, where parts are kept; "
                "move it, or choose another output."
            )
        with locked(self._lock, wait=False) as held:
            if not held:
                raise InputError(
                    f"{place(self.folder)}: found another sweep at work on the same output, allowed is one at a time; "
                    "wait for its end, or choose another output."
                )
            try:
                self.made.mkdir(exist_ok=True)
                yield
            except BaseException:
                for path in self.made.glob(".part-*"):  # of workers that were killed
                    path.unlink(missing_ok=True)
                if not any(self.made.glob("*")):
                    self._remove()
                raise
            self._remove()

    def path(self, number: int) -> Path:
        """Where the part of a task is kept."""
        return self.made / f"{number:08d}.parquet"

    def mark(self, number: int) -> str:
        """What a part says of itself: which sweep's it is, and which task's."""
        return f"{self._state} {number}"

    def become(self, out: Path, built: Iterable[Path]) -> None:
        """Let these of the parts be the table `out`, a folder; an older one goes."""
        for path in set(self.made.iterdir()).difference(built):
            path.unlink()
        if out.is_dir():
            out.rename(self._older)
        self.made.rename(out)

    def empty(self) -> None:
        """Remove every part."""
        for each in (self.made, self._older):
            shutil.rmtree(each, ignore_errors=True)

    def _remove(self) -> None:
        """Remove the folder: the lock last, so that whoever waits for it finds a folder that is empty or new."""
        self.empty()
        self._lock.unlink(missing_ok=True)
        with suppress(OSError):  # another sweep has begun in it
            self.folder.rmdir()


def _state(grid: Grid) -> str:
    """What a part depends on: the grid, the code, the data, and the reader's own rows."""
    text = json.dumps(asdict(grid), sort_keys=True)
    return fingerprint([*inputs("analysis", "data"), *own_rows(grid)], text, f"{BLOCK_POINTS} {TASK_BLOCKS}")


def own_rows(grid: Grid) -> list[Path]:
    """The reader's own files that a grid names."""
    named = [*grid.fixed.items(), *((name, value) for name, values in grid.axes.items() for value in values)]
    return [path for name, value in named for path in own_files(name, value)]
