"""Build the book: run the notebooks, render the pages, let Jupyter Book make HTML of them.

    python -m analysis.book [--output DIR]

The sources in book/ are staged in _build/stage: every .md page is a Jinja2 template, figures and numbers come from
the executed notebooks. The finished book lies in _build/html.
"""

import fcntl
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

from analysis.errors import InputError
from analysis.executed import as_page, collect
from analysis.files import BUILD, ROOT, fingerprint, inputs, mirror, write
from analysis.notebooks import REPRODUCIBLE, run
from analysis.site import finish

STAGE, HTML, DOCTREES, STAMP = BUILD / "stage", BUILD / "html", BUILD / ".doctrees", BUILD / "book.hash"
SOURCES = ("book", "analysis", "data", "_config.yml", "requirements.lock", "CITATION.cff")


def build(output: Path = HTML, jobs: int = 2) -> Path:
    """Build the book into `output` unless it is there and nothing has changed; return its first page.

    Raises InputError for a failing notebook, a template error, or any warning of Sphinx.
    """
    state = fingerprint(inputs(*SOURCES), sys.version)
    with _alone():
        if not (STAMP.is_file() and STAMP.read_text() == state and (HTML / "index.html").is_file()):
            STAMP.unlink(missing_ok=True)
            executed = run(sorted((ROOT / "book" / "notebooks").glob("*.ipynb")), jobs=jobs)
            mirror(STAGE, staged(executed))
            _sphinx()
            write(STAMP, state.encode())
        if output.resolve() != HTML:
            built = [path for path in HTML.rglob("*") if path.is_file()]
            mirror(output, {path.relative_to(HTML).as_posix(): path.read_bytes() for path in built})
    return output / "index.html"


def staged(executed: list[Path]) -> dict[str, bytes]:
    """Return the files of the book as Sphinx gets them: name relative to the stage, to content."""
    from analysis.render import citations, explorer  # sympy and all, spared where nothing has changed
    from analysis.render.page import FIGURES, template_functions

    figures, notes = collect(executed)
    names = template_functions(figures, notes)
    files = {f"notebooks/{path.name}": as_page(path, FIGURES) for path in executed} | explorer.generated_files()
    for label, (_, shown) in figures.items():
        files[f"{FIGURES}/{label}.svg"] = shown.svg.encode()
        if shown.csv:
            files[f"{FIGURES}/{label}.csv"] = shown.csv.encode()
    for path in inputs("book"):
        name = path.relative_to(ROOT / "book").as_posix()
        if path.suffix == ".md":
            files[name] = render(path, names).encode()
        elif path.suffix != ".ipynb":
            files[name] = path.read_bytes()
    return files | citations.generated_files(files)


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


def _sphinx() -> None:
    start = "from jupyter_book.cli.main import main; main()"  # this environment's, whatever the reader's PATH says
    command = [sys.executable, "-c", start, "build", str(STAGE), "--config", str(ROOT / "_config.yml")]
    command += ["--path-output", str(ROOT), "-n", "-W", "--keep-going", "-q"]
    shutil.rmtree(HTML, ignore_errors=True)  # Sphinx never deletes; what it has read is kept in .doctrees
    done = subprocess.run(command, cwd=ROOT, env=os.environ | REPRODUCIBLE, text=True, capture_output=True)
    if done.returncode:
        shutil.rmtree(DOCTREES, ignore_errors=True)  # else the next run skips the pages that warned, and passes
        raise InputError(f"Sphinx refuses the book:\n{_complaints(done.stdout + done.stderr)}")
    finish(HTML)


def _complaints(log: str) -> str:
    """Warnings, or else the last lines; their line numbers are those of the staged page, so that one is named."""
    lines = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
    return "\n".join(lines or log.splitlines()[-20:]).replace(f"{ROOT}/", "")


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for another build of the same tree to end."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=HTML, show_default="_build/html")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Notebooks run at once.")
def main(output: Path, jobs: int) -> None:
    """Build the book and print the path of its first page."""
    try:
        index = build(output.resolve(), jobs)
    except InputError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    click.echo(f"book: {index}")


if __name__ == "__main__":
    main()
