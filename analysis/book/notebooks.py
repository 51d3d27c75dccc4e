"""Run notebooks with papermill, in parallel, only when something they depend on has changed, with reproducible results.

python -m analysis.book.notebooks book/notebooks/intensity.ipynb -p model deepseek-v3 --output results
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import nbformat

from analysis.book.jobs import Job, execute, run_apart
from analysis.files import exits, whole
from analysis.files.errors import Failures, InputError, choices
from analysis.files.outputs import checked_folder, refuse_foreign, refuse_input
from analysis.files.text import place, read_text, shown
from analysis.files.whole import BUILD, fingerprint, inputs

NOTEBOOK_BYTES = 16 * 1024 * 1024
DEFAULT_OUTPUT = BUILD / "notebooks"


def run(
    notebooks: Iterable[Path],
    parameters: Mapping[str, Any] | None = None,
    out_dir: Path = DEFAULT_OUTPUT,
    jobs: int = 2,
    replace: bool = True,
) -> list[Path]:
    """Execute each notebook with `parameters`, up to `jobs` at once; return the executed files, in the given order.

    A result whose notebook, parameters, code, data and lock have not changed is kept. Raises InputError for a
    notebook that is missing, a parameter that one of them does not declare, a cell that fails, and, unless it may
    `replace` them, for files in the places of results that no run wrote.
    """
    given = {Path(path): parameters or {} for path in notebooks}
    failures = outcomes(given, out_dir, jobs, replace)
    if failures:
        raise Failures(sorted(failures.values()))
    return [Path(os.path.abspath(out_dir)) / path.name for path in given]


def outcomes(
    parameters: Mapping[Path, Mapping[str, Any]], out_dir: Path, jobs: int = 2, replace: bool = True
) -> dict[Path, str]:
    """`run`, each notebook with parameters of its own, and one that fails stops no other: a sentence on each that
    failed, by the path given."""
    given = {Path(path): dict(each) for path, each in parameters.items()}
    for source, each in given.items():
        refuse_unknown(source, each)
    state = fingerprint(inputs("analysis", "data", "requirements.lock"), sys.version)
    out = Path(os.path.abspath(out_dir))
    for source in given:
        refuse_input(out / source.name, source)
    wanted = {
        Job(Path(os.path.abspath(source)), each, out / source.name, _state(source, state, each)): source
        for source, each in given.items()
    }
    for job in wanted:
        refuse_foreign(job.target, replace, lambda _, job=job: job.stamp.is_file())
    return {wanted[job]: failure for job, failure in _executed([job for job in wanted if not job.current()], jobs)}


def _state(source: Path, shared: str, given: Mapping[str, Any]) -> str:
    """What the result of one notebook depends on."""
    return fingerprint([source, *_own_files(given)], shared, json.dumps(given, sort_keys=True))


def _own_files(given: Mapping[str, Any]) -> list[Path]:
    """The reader's own files that the parameters name."""
    if not given:
        return []
    from analysis.ask.own_names import own_files  # spared where the book's own parameters are run

    return [path for name, value in given.items() for path in own_files(name, value)]


def refuse_unknown(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """Raise InputError if `notebook` is none, or does not declare one of `parameters` in its parameters cell."""
    if not os.path.exists(notebook):
        known = choices(path.stem for path in whole.notebooks())
        raise InputError(f"there is no notebook {place(notebook)}; book/notebooks holds: {known or 'none'}")
    try:
        nbformat.reads(read_text(notebook, NOTEBOOK_BYTES), as_version=4)
    except InputError:
        raise
    except Exception:  # nbformat has no one class for what it cannot read
        raise InputError(
            f"{place(notebook)}: found a file that is no notebook, allowed is an .ipynb file; name another."
        ) from None
    if not parameters:
        return
    import papermill  # a second of imports that a run with nothing to do can save

    declared = papermill.inspect_notebook(notebook)
    for name in parameters:
        if name not in declared:
            known = choices(declared) or "none"
            raise InputError(f"{place(notebook.name)}: unknown parameter {shown(name)}; it takes: {known}")


def _executed(jobs: list[Job], most: int) -> list[tuple[Job, str]]:
    """Run jobs, and return those that failed with a sentence on each."""
    if not jobs:
        return []
    failures = run_apart(execute, jobs, "notebooks", most)
    return [(job, failure) for job, failure in zip(jobs, failures, strict=True) if failure]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("notebooks", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="Set a parameter.")
@click.option("--output", type=click.Path(path_type=Path), default=DEFAULT_OUTPUT, show_default="_build/notebooks")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--force", is_flag=True, help="Replace notebooks that are there and that this command did not write.")
def main(notebooks: tuple[Path, ...], pairs: tuple[tuple[str, str], ...], output: Path, jobs: int, force: bool) -> None:
    """Run NOTEBOOKS, and print where the results lie."""
    given = {name: _value(name, text) for name, text in pairs}
    for path in run(notebooks, given, checked_folder(output), jobs, force):
        click.echo(path)


def _value(name: str, text: str) -> Any:
    """Read a number, list, true or false as JSON does; anything else is a string, with paths from here made absolute,
    as notebooks run in the repository's root.
    """
    from analysis.ask.own_names import located  # spared where there is no parameter

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return located(name, text, Path.cwd())


if __name__ == "__main__":
    sys.exit(exits.run(main, "python -m analysis.book.notebooks"))
