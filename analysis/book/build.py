"""Build the book: run the notebooks, stage the pages (`analysis.book.staging`), let Jupyter Book make HTML of them.

    python -m analysis.book [--output DIR]

The finished book lies in _build/html (`analysis.book.places`).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from analysis.book.jobs import REPRODUCIBLE
from analysis.book.notebooks import run
from analysis.book.places import BOOK, Place, copy, refuse_copy
from analysis.book.site import finished
from analysis.book.staging import SOURCES, TUTORIAL, stage
from analysis.files.errors import Failures
from analysis.files.outputs import checked_folder
from analysis.files.whole import ROOT, fingerprint, inputs, locked, mirror, notebooks, write


def build(output: Path | None = None, jobs: int = 2, place: Place = BOOK) -> Path:
    """Build the book unless it is there and nothing has changed, copy it to `output` if given; return its first page.

    Raises InputError for a failing notebook, a template error, or any warning of Sphinx.
    """
    state = fingerprint(inputs(*SOURCES), sys.version)
    if not _is_current(place, state):  # else nothing is written, so that a folder that takes no file will do
        with alone(place):
            if not _is_current(place, state):
                _made(place, jobs, state)
    if output and output != place.html:
        copy(place.html, output)
    return (output or place.html) / "index.html"


def _is_current(place: Place, state: str) -> bool:
    return place.stamp.is_file() and place.stamp.read_text() == state and (place.html / "index.html").is_file()


def _made(place: Place, jobs: int, state: str) -> None:
    place.stamp.unlink(missing_ok=True)
    sources = [*notebooks(), TUTORIAL]
    outline = stage(place, run(sources, None, place.notebooks, jobs))
    _tell("Sphinx makes the pages, in about a minute")
    mirror(place.html, finished(jupyter_book(place, "html", "-n", "-W", "--keep-going", outline=outline)))
    write(place.stamp, state.encode())


def _tell(sentence: str) -> None:
    """What goes on, for whoever watches a terminal."""
    if sys.stderr.isatty():
        click.echo(sentence, err=True)


def jupyter_book(place: Place, builder: str, *options: str, outline: str = "") -> Path:
    """Let Jupyter Book make `builder`'s pages of the staged sources, and return their folder; raises Failures.

    Pages made before are kept where the `outline` is the same: Sphinx then writes those whose source has changed.
    """
    start = "from jupyter_book.cli.main import main; main()"  # this environment's, whatever the reader's PATH says
    command = [sys.executable, "-c", start, "build", str(place.stage), "--config", str(ROOT / "_config.yml")]
    command += ["--path-output", str(place.home), "--builder", builder, "-q", *options]
    made, known = place.made / builder, place.made / f"{builder}.outline"
    if not (outline and known.is_file() and known.read_text() == outline):
        shutil.rmtree(made, ignore_errors=True)  # Sphinx never deletes; what it has read is kept in .doctrees
    known.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=ROOT, env=os.environ | REPRODUCIBLE, text=True, capture_output=True)
    if done.returncode:
        shutil.rmtree(place.made / ".doctrees", ignore_errors=True)  # else the next run skips what warned, and passes
        raise Failures(["Sphinx refuses the book:", *_complaints(done.stdout + done.stderr)])
    write(known, outline.encode())
    return made


def _complaints(log: str) -> list[str]:
    """Warnings, or else the last lines; their line numbers are those of the staged page, so that one is named."""
    lines = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
    return [line.replace(f"{ROOT}/", "") for line in lines or log.splitlines()[-20:]]


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Wait for another build to end."""
    lock = place.home / ".lock"
    with locked(lock, wait=False) as free:
        if free:
            yield
            return
    _tell("another build of this book is under way: waiting for its end")
    with locked(lock):
        yield


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Copy the finished book here as well.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Notebooks run at once.")
@click.option("--force", is_flag=True, help="Let the copy replace a folder that holds other things.")
def main(output: Path | None, jobs: int, force: bool) -> None:
    """Build the book and print the path of its first page."""
    if output:
        output = Path(os.path.abspath(output))
        refuse_copy(checked_folder(output), [ROOT / each for each in SOURCES], force)
    click.echo(f"book: {build(output, jobs)}")
