"""The parts of a sweep that is under way: one file per task, and a manifest that says which sweep they belong to.

A part is written beside its place and renamed into it, so that a kill at any time leaves whole parts only; the next
run with the same manifest makes the parts that are missing or damaged. A lock keeps every other sweep out meanwhile,
and each part says which sweep's and which task's it is, so that no part of another can be taken for one of this.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from analysis.ask.own_names import own_files
from analysis.files.errors import InputError
from analysis.files.text import place
from analysis.files.whole import fingerprint, inputs, locked, write
from analysis.sweeps.cutting import BLOCK_POINTS, TASK_BLOCKS
from analysis.sweeps.grid import Grid

LOCK, MANIFEST = "lock", "manifest.json"


class Parts:
    """The folder of a sweep's parts, beside its output."""

    def __init__(self, out: Path, grid: Grid):
        self.folder = out.with_name(f"{out.name}.parts")
        self.made = self.folder / "made"
        self.state = _state(grid)
        self._hash = fingerprint([], self.state)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other sweeps out of the folder; the parts of the same sweep are kept, those of another thrown away.

        The folder goes once all is done, and where nothing was. Raises InputError for a folder that is not ours, and
        where another process is at work in it.
        """
        self._refuse_foreign()
        with locked(self.folder / LOCK, wait=False) as held:
            if not held:
                raise InputError(
                    f"{place(self.folder)}: found another sweep at work on the same output, allowed is one at a time; "
                    "wait for its end, or choose another output."
                )
            try:
                self._begin()
                yield
            except BaseException:
                for path in self.made.glob(".part-*"):  # of workers that were killed
                    path.unlink(missing_ok=True)
                if not any(self.made.glob("*")):
                    self._remove()
                raise
            self._remove()

    def _refuse_foreign(self) -> None:
        taken = self.folder.exists() and not (self.folder.is_dir() and (self.folder / LOCK).is_file())
        if taken and not (self.folder / MANIFEST).is_file():
            raise InputError(
                f"{place(self.folder)}: found something that is no sweep's folder, where parts are kept; "
                "move it, or choose another output."
            )

    def _begin(self) -> None:
        manifest = self.folder / MANIFEST
        if manifest.is_file() and manifest.read_text() != self.state:
            self.empty()
        write(manifest, self.state.encode())
        self.made.mkdir(exist_ok=True)

    def path(self, number: int) -> Path:
        """Where the part of a task is kept."""
        return self.made / f"{number:08d}.parquet"

    def mark(self, number: int) -> str:
        """What a part says of itself: which sweep's it is, and which task's."""
        return f"{self._hash} {number}"

    def become(self, out: Path, built: Iterable[Path]) -> None:
        """Let these of the parts be the table `out`, a folder; an older one goes."""
        for path in set(self.made.iterdir()).difference(built):
            path.unlink()
        if out.is_dir():
            out.rename(self.folder / "replaced")
        self.made.rename(out)

    def _remove(self) -> None:
        """Remove the folder: the lock last, so that whoever waits for it finds a folder that is empty or new."""
        self.empty()
        (self.folder / LOCK).unlink(missing_ok=True)
        with suppress(OSError):  # another sweep has begun in it
            self.folder.rmdir()

    def empty(self) -> None:
        """Remove every part."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()


def _state(grid: Grid) -> str:
    """What a part depends on: the grid, the code, the data, and the reader's own rows."""
    text = json.dumps(asdict(grid), sort_keys=True)
    cut = f"{BLOCK_POINTS} {TASK_BLOCKS}"
    return json.dumps({"grid": text, "hash": fingerprint([*inputs("analysis", "data"), *own_rows(grid)], text, cut)})


def own_rows(grid: Grid) -> list[Path]:
    """The reader's own files that a grid names."""
    named = [*grid.fixed.items(), *((name, value) for name, values in grid.axes.items() for value in values)]
    return [path for name, value in named for path in own_files(name, value)]
