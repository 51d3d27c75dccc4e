"""Build the book: run the notebooks, render the pages, let Jupyter Book make HTML of them.

    python -m analysis.book [--output DIR]

The sources in book/ are staged: every .md page is a Jinja2 template, figures and numbers come from the executed
notebooks. The finished book lies in _build/html (`analysis.book.places`).
"""

import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import jinja2

from analysis.book.executed import as_page, collect
from analysis.book.notebooks import REPRODUCIBLE, run
from analysis.book.places import BOOK, Place, copy, refuse_copy
from analysis.book.site import finish
from analysis.files.errors import Failures, InputError
from analysis.files.outputs import checked_folder
from analysis.files.whole import ROOT, fingerprint, inputs, locked, mirror, write

TUTORIAL = ROOT / "book" / "tutorial.ipynb"
LAST = ("cite.md", "results.md")  # pages that speak of what all others hold
SOURCES = ("book", "analysis", "data", "_config.yml", "requirements.lock", "CITATION.cff")


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
    sources = [*sorted((ROOT / "book" / "notebooks").glob("*.ipynb")), TUTORIAL]
    mirror(place.stage, staged(run(sources, None, place.notebooks, jobs)))
    _tell("Sphinx makes the pages, in about a minute")
    _sphinx(place)
    write(place.stamp, state.encode())


def _tell(sentence: str) -> None:
    """What goes on, for whoever watches a terminal."""
    if sys.stderr.isatty():
        click.echo(sentence, err=True)


def staged(executed: list[Path]) -> dict[str, bytes]:
    """Return the files of the book as Sphinx gets them: name relative to the stage, to content."""
    from analysis.book.citing import entries
    from analysis.book.citing.citing_words import words
    from analysis.book.citing.figure_code import drawing_functions
    from analysis.book.page import FIGURES, template_functions
    from analysis.book.reference import code_files
    from analysis.render import explorer  # sympy and all, spared where nothing has changed
    from analysis.render.printed import Origin, recording

    figures, notes = collect(executed)
    drawn = {label: (path.stem, name) for path in executed for label, name in drawing_functions(path).items()}
    origins: dict[str, Origin] = {}
    names = recording(template_functions(figures, notes, drawn), origins)
    files = {_page_of(path): as_page(path, FIGURES) for path in executed}
    files |= explorer.generated_files() | code_files()
    for label, (_, shown) in figures.items():
        files[f"{FIGURES}/{label}.svg"] = shown.svg.encode()
        if shown.csv:
            files[f"{FIGURES}/{label}.csv"] = shown.csv.encode()
    sources = {path.relative_to(ROOT / "book").as_posix(): path for path in inputs("book")}
    files |= {name: path.read_bytes() for name, path in sources.items() if path.suffix not in (".md", ".ipynb")}
    chapters = {name: path for name, path in sources.items() if path.suffix == ".md"}
    pages = {name: render(path, names) for name, path in chapters.items() if name not in LAST}
    found = entries.derivations(pages, origins, drawn)
    names |= words(found, pages)
    pages |= {name: render(chapters[name], names) for name in LAST}
    return files | {name: text.encode() for name, text in pages.items()} | entries.generated_files(found)


def _page_of(executed: Path) -> str:
    return executed.name if executed.name == TUTORIAL.name else f"notebooks/{executed.name}"


def render(page: Path, names: Mapping[str, Any]) -> str:
    """Render the page as a Jinja2 template in which `names` are known; raises InputError with the page and line."""
    shown_name = os.path.relpath(page, ROOT)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(page.parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        comment_start_string="{##",
        comment_end_string="##}",  # "{#" opens an attribute in MyST
    )
    try:
        return environment.get_template(page.name).render(names)
    except jinja2.TemplateSyntaxError as error:
        raise InputError(f"{shown_name}, line {error.lineno}: {error.message}") from error
    except Exception as error:  # whatever a page's function raises is the page's error
        kind = "" if isinstance(error, InputError | jinja2.TemplateError) else f"{type(error).__name__}: "
        raise InputError(f"{shown_name}, line {_line(error, page)}: {kind}{error}") from error


def _line(error: Exception, page: Path) -> int | str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(page)]
    return lines[-1] if lines else "?"


def _sphinx(place: Place) -> None:
    made = jupyter_book(place, "html", "-n", "-W", "--keep-going")
    finish(made)
    if made != place.html:
        shutil.rmtree(place.html, ignore_errors=True)
        made.rename(place.html)


def jupyter_book(place: Place, builder: str, *options: str) -> Path:
    """Let Jupyter Book make `builder`'s pages of the staged sources, and return their folder; raises Failures."""
    start = "from jupyter_book.cli.main import main; main()"  # this environment's, whatever the reader's PATH says
    command = [sys.executable, "-c", start, "build", str(place.stage), "--config", str(ROOT / "_config.yml")]
    command += ["--path-output", str(place.made.parent), "--builder", builder, "-q", *options]
    made = place.made / builder
    shutil.rmtree(made, ignore_errors=True)  # Sphinx never deletes; what it has read is kept in .doctrees
    done = subprocess.run(command, cwd=ROOT, env=os.environ | REPRODUCIBLE, text=True, capture_output=True)
    if done.returncode:
        shutil.rmtree(place.made / ".doctrees", ignore_errors=True)  # else the next run skips what warned, and passes
        raise Failures(["Sphinx refuses the book:", *_complaints(done.stdout + done.stderr)])
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
