"""A notebook as a job: run in a worker process, in a kernel that sees nothing of the reader's settings, and stored with
the hash of all that it depends on."""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nbformat

from analysis.book.executed import scrub
from analysis.files.whole import BUILD, ROOT, write
from analysis.sweeps.workers import cpu_count, run_calls

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


def run_apart(call: Callable, jobs: list[Job], what: str, most: int | None, scheduler: str | None = None) -> list:
    """What `call` of every job, whether kernels start warm, and a folder gives, in processes other than this one.

    Workers of this machine that have several to run start warm kernels, and their folder goes when they are killed.
    """
    if scheduler:
        return run_calls(partial(call, warm=False, folder=None), jobs, len(jobs), what, most, scheduler)
    warm = len(jobs) > (most or cpu_count())
    with tempfile.TemporaryDirectory(prefix="nb", dir=_short_folder()) as folder:
        return run_calls(partial(call, warm=warm, folder=folder), jobs, len(jobs), what, most, apart=True)


def execute(job: Job, warm: bool, folder: str | None) -> str | None:
    """Run one notebook in this worker process and store the result; return a sentence if it fails.

    The kernel starts `warm` if so wanted, and has a place of its own in `folder`.
    """
    from papermill import PapermillExecutionError  # slow to import; the process that gives out jobs does without

    os.environ.update(REPRODUCIBLE)
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
    import papermill  # as above
    from traitlets.config import Config

    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        os.environ[name] = place
    warmly = {}
    if warm:
        from analysis.book.warm import WarmKernels  # with it what notebooks import

        warmly["kernel_manager_class"] = WarmKernels
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
        **warmly,
        coalesce_streams=True,
        extra_arguments=["--log-level=CRITICAL"],  # a kernel that is told to end reports it as an error
    )


def _short_folder() -> str | None:
    """A socket's name may have 107 bytes, so a long TMPDIR is passed over."""
    return "/tmp" if Path("/tmp").is_dir() and len(tempfile.gettempdir()) > 60 else None


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
