"""Where work runs: in this process, on the cores of this machine, or on a Dask cluster; one interface for all.

The interface is `concurrent.futures.Executor`. Dask is optional (`pip install distributed`) and only passes work on.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType

from analysis.files.errors import InputError, shown

MOST_JOBS = 4096
LOOK_ROUND = 5.0
"""Seconds without a result after which we look whether a cluster still has workers."""


class _Here(Executor):
    """Runs what it is given at once, in this process."""

    def submit(self, fn, /, *args, **kwargs) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as failure:
            future.set_exception(failure)
        return future


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(
    jobs: int | None = None, scheduler: str | None = None, apart: bool = False
) -> Iterator[tuple[Executor, int]]:
    """An executor and how many workers it has: `jobs` processes (default: all cores), or a Dask cluster's own.

    One job runs in this process, unless it should run `apart`. Raises InputError for a scheduler that cannot be
    reached, where Dask is not installed, and when workers die.
    """
    _refuse_no_workers(jobs, scheduler)
    if scheduler:
        from analysis.sweeps.cluster import on_dask

        with on_dask(scheduler) as (executor, number):
            yield executor, number
    elif (jobs or cores()) == 1 and not apart:
        yield _Here(), 1
    else:
        with _processes(jobs or cores()) as executor:
            yield executor, jobs or cores()


def _refuse_no_workers(jobs: int | None, scheduler: str | None) -> None:
    if jobs is not None and not (isinstance(jobs, int) and 1 <= jobs <= MOST_JOBS):
        raise InputError(
            f"jobs={shown(jobs)}: allowed is a whole number from 1 to {MOST_JOBS}; leave it out for one per core."
        )
    if scheduler is not None and not scheduler.strip():
        raise InputError(
            "--scheduler: found an empty address, allowed is one such as tcp://127.0.0.1:8786; leave --scheduler away "
            "to run here."
        )


@contextmanager
def _processes(jobs: int) -> Iterator[Executor]:
    executor, before = ProcessPoolExecutor(jobs, _Spawn(), _start), multiprocessing.active_children()
    try:
        yield executor
    except KeyboardInterrupt:
        for worker in set(multiprocessing.active_children()) - set(before):
            worker.terminate()  # else the reader waits until what they are at is done
        raise
    except BrokenExecutor:
        raise InputError(
            "a worker process died (out of memory, or killed), so the run stopped; "
            "start it again with fewer --jobs, and it goes on where it was."
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


class _Worker(SpawnProcess):
    """A worker that neither hears Ctrl-C nor runs the reader's script."""

    def start(self) -> None:
        with _interrupts_ignored(), _script_hidden():
            super().start()


class _Spawn(SpawnContext):
    """Processes started afresh; fork would copy locks that tqdm and threads may hold."""

    Process = _Worker


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started here are deaf to Ctrl-C, which a terminal sends to all: this one hears it, and ends them."""
    if threading.current_thread() is not threading.main_thread():  # Ctrl-C is the main thread's matter alone
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


@contextmanager
def _script_hidden() -> Iterator[None]:
    """Processes started here do not run a reader's own script again, as Python would where no guard forbids it.

    All that workers are given lives in the study. A module run by name (`python -m`) is guarded, and may hold it.
    """
    main = sys.modules["__main__"]
    if main.__spec__ is not None:
        yield
        return
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start() -> None:
    """One thread for numerical libraries, as there are as many workers as cores; no life after the parent's; told to
    end, a worker tidies up what it is at.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # returns when the parent is gone, also when it was killed
    os._exit(1)


def results(executor: Executor, fn: Callable, items: Iterable, waiting: int) -> Iterator[tuple[object, object]]:
    """(item, fn(item)) as they are finished, at most `waiting` of them handed out at a time."""
    items, running = iter(items), {}
    while True:
        while len(running) < waiting and (item := next(items, None)) is not None:
            running[executor.submit(fn, item)] = item
        if not running:
            return
        done, _ = wait(running, LOOK_ROUND, FIRST_COMPLETED)
        if not done and hasattr(executor, "refuse_alone"):
            executor.refuse_alone()
        for future in done:
            yield running.pop(future), future.result()
