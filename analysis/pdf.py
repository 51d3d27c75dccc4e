"""Print the whole book into one PDF: `make pdf`. All chapters as one page of HTML, printed by Chromium from disk.

What the page needs to look well on paper stands in book/_assets/print.css; interactive pages are in their first state.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from analysis.book import build
from analysis.errors import InputError
from analysis.files import BUILD, ROOT
from analysis.notebooks import REPRODUCIBLE

SINGLE, PDF = BUILD / "singlehtml", BUILD / "study.pdf"
PATIENCE = 600
"""Seconds that typesetting and printing may take."""


def browser() -> str:
    """The command of a Chromium; raises InputError where there is none."""
    wanted = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    found = next(filter(None, map(shutil.which, filter(None, wanted))), None)
    if not found:
        raise InputError("no Chromium; install it (on Debian: apt install chromium) or set CHROMIUM to one")
    return found


def single_page() -> Path:
    """Let Jupyter Book write all chapters into one page, from the sources staged for the book; return the page."""
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", str(BUILD / "stage"), "--config", str(ROOT / "_config.yml")]
    command += ["--path-output", str(ROOT), "--builder", "singlehtml", "-q"]
    shutil.rmtree(SINGLE, ignore_errors=True)
    done = subprocess.run(command, cwd=ROOT, env=os.environ | REPRODUCIBLE, text=True, capture_output=True)
    if done.returncode:
        raise InputError(f"Sphinx refuses the single page:\n{(done.stdout + done.stderr)[-2000:]}")
    return SINGLE / "index.html"


def printed(page: Path, chromium: str) -> Path:
    """Print the page; a PDF from an earlier run stays as it is until the new one is complete."""
    with tempfile.TemporaryDirectory(dir=BUILD) as place:
        made = Path(place, "study.pdf")
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
        command += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={place}/profile"]
        command += ["--virtual-time-budget=600000", "--no-pdf-header-footer", "--generate-pdf-document-outline"]
        command += [f"--print-to-pdf={made}", page.as_uri()]
        done = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE)
        if not made.is_file():
            raise InputError(f"Chromium printed nothing: {done.stderr.strip()[-500:]}")
        os.replace(made, PDF)
    return PDF


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Notebooks run at once.")
def main(jobs: int) -> None:
    """Build the book, print all of it into one PDF, and print the path of that."""
    try:
        chromium = browser()
        build(jobs=jobs)
        pdf = printed(single_page(), chromium)
    except InputError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    click.echo(f"pdf: {pdf} ({pdf.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
