"""Where the book is built."""

from dataclasses import dataclass
from pathlib import Path

from analysis.files import BUILD


@dataclass(frozen=True)
class Place:
    """Folders and files of a build; Jupyter Book writes into `made`, always a folder named _build."""

    home: Path
    made: Path

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


BOOK = Place(BUILD, BUILD)
