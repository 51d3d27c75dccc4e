"""Where the book is built, and where a finished one is copied to."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis.files.errors import InputError
from analysis.files.outputs import fill, refuse_filled
from analysis.files.text import place as in_words
from analysis.files.whole import BUILD


@dataclass(frozen=True)
class Place:
    """Folders and files of a build, all below one."""

    home: Path

    @property
    def made(self) -> Path:
        """Where Jupyter Book writes, which knows no other name."""
        return self.home / "_build"

    @property
    def kept(self) -> Path:
        """Pages as they were staged, for the next build."""
        return self.home / "pages.json"

    @property
    def stage(self) -> Path:
        return self.home / "stage"

    @property
    def notebooks(self) -> Path:
        return self.home / "notebooks"

    @property
    def html(self) -> Path:
        return self.home / "html"

    @property
    def stamp(self) -> Path:
        return self.home / "book.hash"


BOOK = Place(BUILD)


# -- a copy of a finished book ---------------------------------------------------------------------
COPY = "a book"


def copy(html: Path, output: Path) -> None:
    """Make `output` the same as the book."""
    built = {path.relative_to(html).as_posix(): path for path in sorted(html.rglob("*")) if path.is_file()}
    fill(output, COPY, {name: path.read_bytes() for name, path in built.items()})


def refuse_copy(output: Path, sources: Iterable[Path], replace: bool = False) -> None:
    """Refuse a folder that must not become a copy: one of the study itself, or, unless asked to `replace` it, one that
    holds other files than an older copy. Raises InputError.
    """
    within = {output, *output.parents}
    if within & {*sources} or BUILD / "html" in output.parents or BUILD.is_relative_to(output):
        raise InputError(
            f"{in_words(output)}: found a folder of the study itself, allowed is another; choose another output."
        )
    refuse_filled(output, COPY, replace)
