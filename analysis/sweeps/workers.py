"""Where work runs: in this process, on the cores of this machine, or on a Dask cluster; one call for all, joblib's.

Dask is optional (`pip install distributed`) and only passes work on.
"""

import logging
import os
import pkgutil
import queue
import signal
import site
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import closing, contextmanager
from functools import cache

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.backend import resource_tracker
from tqdm import tqdm

from analysis.files.errors import InputError, shown
from analysis.files.whole import ROOT

MOST_JOBS = 4096
PATIENCE, WITHOUT_WORKERS, LOOK_ROUND = 10.0, 30.0, 5.0
"""Seconds that a scheduler may take to answer, that it may be without workers, and between looks at a silent one."""
AS_THEY_COME = {"return_as": "generator_unordered", "batch_size": 1, "max_nbytes": None}


class Bar(tqdm):
    """A bar of one process: the lock of tqdm itself is a semaphore of all, which a killed worker leaves behind."""


Bar.set_lock(threading.RLock())


def run_calls(
    call: Callable,
    items: Iterable,
    count: int,
    what: str,
    jobs: int | None = None,
    scheduler: str | None = None,
    *,
    total: int | None = None,
    unit: str = "run",
    size: Callable[[object], int] = lambda result: 1,
    apart: bool = False,
    progress: bool = True,
) -> list:
    """`call` of every of `count` items, in their order, on `jobs` processes (default: all cores), or a Dask cluster's.

    Nothing that one process can do leaves this one, unless it should run `apart`. A bar shows the `size` of all results
    that came, out of `total`. A call that fails stops no other, and the first failure is raised once all are through;
    where a file cannot be written, all stop. Raises InputError for a scheduler that cannot be reached, where Dask is
    not installed, and when workers die.

    >>> run_calls(abs, [-2, 3], 2, "example", jobs=1, progress=False)
    [2, 3]
    """
    _refuse_no_workers(jobs, scheduler)
    parent = None if scheduler else os.getpid()
    calls = (delayed(_tried)(call, item, number, parent) for number, item in enumerate(items))
    came = _on_cluster(calls, scheduler) if scheduler else _here(calls, min(jobs or cpu_count(), count), apart)
    found, failed = {}, {}
    bar = Bar(total=total or count, unit=unit, unit_scale=unit != "run", desc=what, disable=None if progress else True)
    with bar, closing(came):
        for number, result, failure in came:
            if failure:
                failed[number] = failure
            else:
                found[number] = result
                bar.update(size(result))
    if failed:
        raise failed[min(failed)]
    return [found[number] for number in sorted(found)]


def _tried(call: Callable, item: object, number: int, parent: int | None) -> tuple[int, object, Exception | None]:
    """What a worker runs: the number of the item, and its result or its failure."""
    if parent not in (None, os.getpid()):
        _end_with(parent)
    try:
        return number, call(item), None
    except OSError:
        raise
    except Exception as failure:
        failure.add_note(traceback.format_exc())  # which is lost on the way
        return number, None, failure


@cache
def _end_with(parent: int) -> None:
    """Let this worker live no longer than the process that started it, however that ends."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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


# -- on this machine -----------------------------------------------------------------------------------
def _here(calls: Iterable, jobs: int, apart: bool) -> Iterator[tuple]:
    """Results from processes with one thread each for numerical libraries; joblib runs one alone in this process."""
    deaf = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with parallel_config("loky", inner_max_num_threads=1, **deaf):
        parallel = Parallel(max(jobs, 2) if apart else jobs, pre_dispatch=jobs if apart else 2 * jobs, **AS_THEY_COME)
    with _interrupts_wait():
        results = parallel(calls)
    try:
        yield from results
    except BrokenExecutor:
        raise InputError(
            "a worker process died (out of memory, or killed), so the run stopped; "
            "start it again with fewer --jobs, and it goes on where it was."
        ) from None
    finally:
        with warnings.catch_warnings(action="ignore"):  # joblib's, of calls that nobody waits for any more
            results.close()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C, which a terminal sends to all, is not heard by processes until they are deaf to it; here it waits."""
    resource_tracker.ensure_running()  # as whoever starts it later lifts the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- on a cluster --------------------------------------------------------------------------------------
def _on_cluster(calls: Iterable, address: str) -> Iterator[tuple]:
    try:
        from distributed import Client  # an optional package
        from distributed.comm import CommClosedError
    except ImportError:
        raise InputError(
            "--scheduler needs the package distributed, which is not installed; install it, or leave --scheduler away."
        ) from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError):  # the ways in which distributed refuses an address
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there; start one, or leave --scheduler away."
        ) from None
    with client, _quiet("distributed"):
        _refuse_cluster(client, address)
        with parallel_config("dask", client=client):
            results = Parallel(**AS_THEY_COME)(calls)
        try:
            yield from _while_alive(results, client)
        except (CancelledError, CommClosedError):
            raise InputError(
                f"--scheduler {address}: the cluster died in the middle; start it again and repeat the command, "
                "and it goes on where it was."
            ) from None


def _refuse_cluster(client, address: str) -> None:
    """Raise InputError for a cluster that is none (joblib would run the work of a single thread here), and for one
    that cannot run the study.

    Scheduler and workers on this machine import it from where it lies; elsewhere it must be installed. What they run
    for this is Python's own: nothing of the study can be sent to them by name yet.
    """
    threads = sum(client.nthreads().values())
    if threads < 2:
        raise InputError(
            f"--scheduler {address}: found a cluster of {threads} worker threads, allowed are at least 2; start some."
        )
    try:
        for ask in (client.run_on_scheduler, client.run):
            ask(site.addsitedir, str(ROOT))
            ask(pkgutil.get_data, "analysis.sweeps", "workers.py")
    except Exception as failure:  # distributed hands on whatever the other side raised
        raise InputError(
            f"--scheduler {address}: the cluster cannot run the study ({shown(failure)}); give it this folder and the "
            "locked packages, or leave --scheduler away."
        ) from None


def _while_alive(results: Iterator, client) -> Iterator[tuple]:
    """The results of a cluster; CancelledError where nothing more would ever come, which joblib waits for."""
    arrived: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_pass_on, args=(results, arrived), daemon=True).start()
    alone = 0.0
    while True:
        try:
            each = arrived.get(timeout=LOOK_ROUND)
        except queue.Empty:
            alone = 0.0 if client.nthreads() else alone + LOOK_ROUND
            if alone > WITHOUT_WORKERS or all(state.status != "pending" for state in client.futures.values()):
                raise CancelledError from None
            continue
        if isinstance(each, BaseException):
            raise each
        if each is None:
            return
        yield each


def _pass_on(results: Iterator, arrived: queue.SimpleQueue) -> None:
    try:
        for each in results:
            arrived.put(each)
        arrived.put(None)
    except BaseException as failure:
        arrived.put(failure)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """A library's own log is kept from the reader, who gets one sentence."""
    known = map(logging.getLogger, list(logging.root.manager.loggerDict))
    loggers = [each for each in known if each.name.partition(".")[0] == name and not each.disabled]
    try:
        for logger in loggers:
            logger.disabled = True
        yield
    finally:
        for logger in loggers:
            logger.disabled = False
