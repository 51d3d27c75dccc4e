"""Run notebooks with papermill, in parallel, only when something they depend on has changed, with reproducible results.

python -m analysis.book.notebooks book/notebooks/intensity.ipynb -p model deepseek-v3 --output results
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import nbformat

from analysis.book.executed import scrub
from analysis.files import exits, whole
from analysis.files.errors import Failures, InputError, choices
from analysis.files.outputs import checked_folder, refuse_foreign, refuse_input
from analysis.files.text import place, read_text, shown
from analysis.files.whole import BUILD, ROOT, fingerprint, inputs, write
from analysis.sweeps.workers import cpu_count, run_calls

NOTEBOOK_BYTES = 16 * 1024 * 1024
DEFAULT_OUTPUT = BUILD / "notebooks"
REPRODUCIBLE = {
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "0",
    "OPENBLAS_NUM_THREADS": "1",  # as many kernels as cores run already
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # as kernels set it, who then find matplotlib loaded
    "MPLCONFIGDIR": str(BUILD / "matplotlib"),  # keeps the font list between runs, and out of the reader's home
}


@dataclass(frozen=True, eq=False)
class Job:
    """One notebook to run: where it is, what it is given, where the result goes, and the hash of all it depends on."""

    source: Path
    parameters: Mapping[str, Any]
    target: Path
    state: str

    @property
    def stamp(self) -> Path:
        return self.target.with_suffix(".hash")

    def current(self) -> bool:
        return self.target.is_file() and self.stamp.is_file() and self.stamp.read_text() == self.state


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
    return run_each({Path(path): parameters or {} for path in notebooks}, out_dir, jobs, replace=replace)


def run_each(
    parameters: Mapping[Path, Mapping[str, Any]],
    out_dir: Path = DEFAULT_OUTPUT,
    jobs: int = 2,
    results_of: Iterable[Path] = (),
    replace: bool = True,
) -> list[Path]:
    """`run`, each notebook with parameters of its own; results also depend on the files `results_of`."""
    failures = outcomes(parameters, out_dir, jobs, results_of, replace)
    if failures:
        raise Failures(sorted(failures.values()))
    return [Path(os.path.abspath(out_dir)) / Path(source).name for source in parameters]


def outcomes(
    parameters: Mapping[Path, Mapping[str, Any]],
    out_dir: Path,
    jobs: int = 2,
    results_of: Iterable[Path] = (),
    replace: bool = True,
) -> dict[Path, str]:
    """`run_each`, but a notebook that fails stops no other: a sentence on each that failed, by the path given."""
    given = {Path(path): dict(each) for path, each in parameters.items()}
    for source, each in given.items():
        refuse_unknown(source, each)
    state = fingerprint([*inputs("analysis", "data", "requirements.lock"), *results_of], sys.version)
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


def run_apart(call: Callable, jobs: list[Job], what: str, most: int | None, scheduler: str | None = None) -> list:
    """What `call` of every job, whether kernels start warm, and a folder gives, in processes other than this one.

    Workers of this machine that have several to run start warm kernels, and their folder goes when they are killed.
    """
    if scheduler:
        return run_calls(partial(call, warm=False, folder=None), jobs, len(jobs), what, most, scheduler)
    warm = len(jobs) > (most or cpu_count())
    with tempfile.TemporaryDirectory(prefix="nb", dir=_short_folder()) as folder:
        return run_calls(partial(call, warm=warm, folder=folder), jobs, len(jobs), what, most, apart=True)


def _set_environment() -> None:
    os.environ.update(REPRODUCIBLE)


def execute(job: Job, warm: bool, folder: str | None) -> str | None:
    """Run one notebook in this worker process and store the result; return a sentence if it fails.

    The kernel starts `warm` if so wanted, and has a place of its own in `folder`.
    """
    from papermill import PapermillExecutionError

    _set_environment()
    try:
        with tempfile.TemporaryDirectory(prefix="nb", dir=folder or _short_folder()) as place:
            notebook = _papermill(job, place, warm)
    except PapermillExecutionError as error:
        last = (str(error.evalue).strip().splitlines() or [""])[-1]
        return f"{_relative(job.source)}, code cell {error.exec_count}: {error.ename}: {last}"
    except Exception as error:
        return f"{_relative(job.source)} could not be run: {type(error).__name__}: {error}"
    write(job.target, (nbformat.writes(scrub(notebook)) + "\n").encode())
    write(job.stamp, job.state.encode())
    return None


def _papermill(job: Job, place: str, warm: bool) -> nbformat.NotebookNode:
    """Execute in a kernel that sees nothing of the reader's own Jupyter and IPython settings."""
    import papermill
    from traitlets.config import Config

    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        os.environ[name] = place
    # Kernels started at the same time may pick the same TCP port; each gets sockets of its own in a file system.
    sockets = Config(KernelManager={"transport": "ipc", "ip": f"{place}/s"})
    return papermill.execute_notebook(
        str(job.source),
        None,
        dict(job.parameters),
        kernel_name="python3",
        language="python",
        cwd=str(ROOT),
        progress_bar=False,
        config=sockets,
        **_warm_kernels() if warm else {},
        coalesce_streams=True,
        extra_arguments=["--log-level=CRITICAL"],  # a kernel that is told to end reports it as an error
    )


def _warm_kernels() -> dict[str, Any]:
    from analysis.book.warm import WarmKernels

    return {"kernel_manager_class": WarmKernels}


def _short_folder() -> str | None:
    """A socket's name may have 107 bytes, so a long TMPDIR is passed over."""
    return "/tmp" if Path("/tmp").is_dir() and len(tempfile.gettempdir()) > 60 else None


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


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
