"""Where each edition of the book is built, so that none disturbs another, where it is copied, and what sets its pages
apart.
"""

import html
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from analysis.errors import InputError
from analysis.evaluate.outputs import fill, refuse_filled
from analysis.evaluate.own_text import place as in_words
from analysis.files import BUILD, ROOT

if TYPE_CHECKING:  # sympy and all come with it, which a build with nothing to do spares
    from analysis.evaluate.edition.edition import Edition


@dataclass(frozen=True)
class Place:
    """Folders and files of one edition; Jupyter Book writes into `made`, always a folder named _build."""

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

    @property
    def config(self) -> Path:
        return self.home / "config.yml"


def place_of(edition: "Edition | None") -> Place:
    """The place of an edition: _build for the paper's setting, _build/editions/NAME for another."""
    if edition is None:
        return Place(BUILD, BUILD)
    home = BUILD / "editions" / edition.name
    return Place(home, home / "_build")


@contextmanager
def chosen(file: Path | None) -> Iterator["Edition | None"]:
    """The edition that a file describes, its own rows at hand meanwhile; None without a file. Raises InputError."""
    if file is None:
        yield None
        return
    from analysis.evaluate.datasets import further
    from analysis.evaluate.edition.reading import read_edition

    edition = read_edition(file)
    with further(edition.own):
        yield edition


def text_of(edition: "Edition | None") -> str:
    """All that an edition says, as text: what a finished book is compared with."""
    return "" if edition is None else json.dumps(asdict(edition), sort_keys=True, default=sorted)


def config_of(edition: "Edition | None") -> bytes:
    """Jupyter Book's configuration; an edition's has a title of its own, and says on each page which edition it is."""
    shipped = (ROOT / "_config.yml").read_bytes()
    if edition is None:
        return shipped
    config = yaml.safe_load(shipped)
    config["title"] = f"{config['title']} ({edition.title})"
    options = config["sphinx"]["config"]["html_theme_options"]
    options["announcement"] = f"Edition: {html.escape(edition.title)}"
    return yaml.safe_dump(config, sort_keys=True, allow_unicode=True).encode()


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
