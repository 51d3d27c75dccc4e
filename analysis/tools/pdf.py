"""Print the whole book into one PDF: `make pdf`. All chapters as one page of HTML, printed by Chromium from disk.

    python -m analysis.tools.pdf

What the page needs to look well on paper stands in book/_assets/print.css. Worked answers and readings are unfolded,
interactive pages are in their first state, and what only serves a screen (how to cite, search) is left out.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from analysis.book.build import alone, build, jupyter_book
from analysis.book.places import BOOK, Place
from analysis.files import exits
from analysis.files.errors import InputError

PATIENCE = 600
"""Seconds that typesetting and printing may take."""
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
LINK = re.compile(r'(?P<tag><a\b[^>]*?) href="(?P<address>(?![a-z]+:)[^"]*)"')
PAGE = re.compile(rb"/Type /Page\b")


def browser() -> str:
    """The command of a Chromium; raises InputError where there is none."""
    wanted = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    found = next(filter(None, map(shutil.which, filter(None, wanted))), None)
    if not found:
        raise InputError("found no Chromium; install it (on Debian: apt install chromium) or set CHROMIUM to one.")
    return found


def single_page(place: Place) -> Path:
    """Make one page of all chapters, from the sources staged for the book; return it."""
    page = jupyter_book(place, "singlehtml") / "index.html"
    page.write_text(within(page.read_text(encoding="utf-8")), encoding="utf-8")
    return page


def within(page: str) -> str:
    """The page with links to other files led to where it holds the same, else taken off: paper has no files beside it.

    >>> within('<a href="b.html#x">1</a> <a href="b.html">2</a> <a href="data/b.csv">3</a> <i id="x"></i>')
    '<a href="#x">1</a> <a>2</a> <a>3</a> <i id="x"></i>'
    >>> within('<a href="https://arxiv.org">paper</a>')
    '<a href="https://arxiv.org">paper</a>'
    """
    places = set(re.findall(r'\bid="([^"]+)"', page))

    def led(link: re.Match) -> str:
        file, _, anchor = link["address"].partition("#")
        anchor = anchor or f"document-{file.removesuffix('.html')}"
        return f'{link["tag"]} href="#{anchor}"' if anchor in places else link["tag"]

    return LINK.sub(led, page)


def printed(page: Path, pdf: Path, chromium: str) -> Path:
    """Print a page; a PDF from an earlier run stays as it is until the new one is complete. Raises InputError.

    The headings become the outline that PDF viewers show beside the pages.
    """
    pdf.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=pdf.parent) as place:
        made = Path(place, "made.pdf")
        command = [chromium, *QUIET, f"--user-data-dir={place}/profile", f"--virtual-time-budget={PATIENCE * 1000}"]
        command += ["--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={made}"]
        try:
            done = subprocess.run([*command, page.as_uri()], text=True, capture_output=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{page}: printing takes over {PATIENCE} s; try again on an idle machine.") from error
        if not made.is_file():
            raise InputError(f"{page}: Chromium printed nothing: {done.stderr.strip()[-500:]}")
        made.replace(pdf)
    return pdf


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Notebooks run at once.")
def main(jobs: int) -> None:
    """Build the book, print all of it into one PDF beside it, and print the path of that."""
    chromium = browser()
    build(jobs=jobs)
    with alone(BOOK):
        pdf = printed(single_page(BOOK), BOOK.home / "study.pdf", chromium)
    content = pdf.read_bytes()
    click.echo(f"pdf: {pdf} ({len(PAGE.findall(content))} pages, {len(content) / 1e6:.1f} MB)")


if __name__ == "__main__":
    sys.exit(exits.run(main, "python -m analysis.tools.pdf"))
