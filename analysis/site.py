"""What becomes of the folder that Sphinx leaves: no file that no page loads, nothing that tells where it was built."""

import shutil
from pathlib import Path

from analysis.files import ROOT, write

IDLE = (
    "*.map",  # for those who debug the theme
    "*.ttf",  # browsers that can show the book take the same fonts from .woff2
    ".buildinfo",  # a hash that only Sphinx reads, of settings in which absolute paths stand
)


def finish(html: Path) -> None:
    """Slim the built book at `html` in place."""
    for pattern in IDLE:
        for path in list(html.rglob(pattern)):
            path.unlink()
    shutil.rmtree(html / "_static" / "locales", ignore_errors=True)  # translations of the theme, used while building
    _offer_bare_notebooks(html)


def _offer_bare_notebooks(html: Path) -> None:
    """What a page offers to download is the notebook to run, without the outputs that the page shows already."""
    for path in (html / "_sources" / "notebooks").glob("*.ipynb"):
        write(path, (ROOT / "book" / "notebooks" / path.name).read_bytes())
