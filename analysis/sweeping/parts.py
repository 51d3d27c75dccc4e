"""The parts of a sweep that is under way: one file per task, and a manifest that says which sweep they belong to.

A part is written beside its place and renamed into it, so that a kill at any time leaves whole parts only; the next
run with the same manifest makes the parts that are missing.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from analysis.errors import InputError
from analysis.evaluate.own_names import own_files
from analysis.evaluate.sweep.cutting import BLOCK_POINTS, TASK_BLOCKS
from analysis.evaluate.sweep.grid import Grid
from analysis.files import fingerprint, inputs, write


class Parts:
    """The folder of a sweep's parts, beside its output."""

    def __init__(self, out: Path, grid: Grid):
        self.folder = out.with_name(f"{out.name}.parts")
        self.state = _state(grid)

    def begin(self) -> None:
        """Keep the parts of the same sweep, throw away those of another. Raises InputError for a folder not ours."""
        manifest = self.folder / "manifest.json"
        if self.folder.exists() and not manifest.is_file():
            raise InputError(
                f"{self.folder}: found something that is no sweep's folder, where parts are kept; "
                "move it, or choose another output."
            )
        stale = self.folder.exists() and manifest.read_text() != self.state
        if stale:
            shutil.rmtree(self.folder)
        write(manifest, self.state.encode())

    def path(self, number: int) -> Path:
        """Where the part of a task is kept."""
        return self.folder / f"{number:08d}.parquet"

    def keep(self, number: int, content: bytes) -> None:
        """Store a part in one step."""
        write(self.path(number), content)

    def remove_if_empty(self) -> None:
        """Remove the folder of a sweep that could not even begin."""
        with suppress(OSError):
            self.folder.rmdir()

    def remove(self) -> None:
        """Remove the folder, once the output is written."""
        shutil.rmtree(self.folder)


def _state(grid: Grid) -> str:
    """What a part depends on: the grid, the code, the data, and the reader's own rows."""
    text = json.dumps(asdict(grid), sort_keys=True)
    named = [*grid.fixed.items(), *((name, value) for name, values in grid.axes.items() for value in values)]
    own = [path for name, value in named for path in own_files(name, value)]
    cut = f"{BLOCK_POINTS} {TASK_BLOCKS}"
    return json.dumps({"grid": text, "hash": fingerprint([*inputs("analysis", "data"), *own], text, cut)})
