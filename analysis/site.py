"""What becomes of the folder that Sphinx leaves: no file that no page loads, nothing that tells where it was built."""

import re
import shutil
from pathlib import Path

from analysis.files import ROOT, write

IDLE = (
    "*.map",  # for those who debug the theme
    "*.ttf",  # browsers that can show the book take the same fonts from .woff2
    ".buildinfo",  # a hash that only Sphinx reads, of settings in which absolute paths stand
)
FOLDED = re.compile(r"<p>((?:(?!<p>|</p>).)*)(<details>.*?</details>)</p>", flags=re.S)


def finish(html: Path) -> None:
    """Slim and mend the built book at `html` in place."""
    for pattern in IDLE:
        for path in list(html.rglob(pattern)):
            path.unlink()
    shutil.rmtree(html / "_static" / "locales", ignore_errors=True)  # translations of the theme, used while building
    _offer_bare_notebooks(html)
    for page in html.glob("*.html"):
        write(page, unfolded(page.read_text()).encode())


def _offer_bare_notebooks(html: Path) -> None:
    """What a page offers to download is the notebook to run, without the outputs that the page shows already."""
    for path in (html / "_sources").rglob("*.ipynb"):
        write(path, (ROOT / "book" / path.relative_to(html / "_sources")).read_bytes())


def unfolded(page: str) -> str:
    """Put what folds after the paragraph that Sphinx makes of a table's cell: HTML allows it in no paragraph.

    >>> unfolded("<td><p>Yes. <details>Why</details></p></td>")
    '<td><p>Yes. </p><details>Why</details></td>'
    """
    return FOLDED.sub(r"<p>\1</p>\2", page)
