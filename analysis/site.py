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
PLAIN = re.compile(r'<span class="(?:n|p|w|o|nb|bp|nn|mi|mf|pre)">([^<]*)</span>')
NAVIGATION = re.compile(r'<nav class="bd-links.*?</nav>', flags=re.S)  # the list of chapters, on pages of source
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
    for folder in ("_modules", "reference"):
        for page in (html / folder).rglob("*.html"):
            text = light_code(page.read_text())
            write(page, (NAVIGATION.sub("", text) if folder == "_modules" else text).encode())


def _offer_bare_notebooks(html: Path) -> None:
    """What a page offers to download is the notebook to run, without the outputs that the page shows already."""
    for path in (html / "_sources").rglob("*.ipynb"):
        write(path, (ROOT / "book" / path.relative_to(html / "_sources")).read_bytes())


def light_code(page: str) -> str:
    """Code without the wrappers of tokens that have no colour of their own: half of what a page of source weighs.

    >>> light_code('<span class="k">def</span><span class="w"> </span><span class="n">B_cap</span>')
    '<span class="k">def</span> B_cap'
    """
    return PLAIN.sub(r"\1", PLAIN.sub(r"\1", page))  # twice, as signatures wrap names in names


def unfolded(page: str) -> str:
    """Put what folds after the paragraph that Sphinx makes of a table's cell: HTML allows it in no paragraph.

    >>> unfolded("<td><p>Yes. <details>Why</details></p></td>")
    '<td><p>Yes. </p><details>Why</details></td>'
    """
    return FOLDED.sub(r"<p>\1</p>\2", page)
