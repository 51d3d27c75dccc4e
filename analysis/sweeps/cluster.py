"""Work on an existing Dask cluster: passed on, and given up in one sentence where the cluster dies."""

import logging
import pkgutil
import site
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager, suppress

from analysis.files.errors import InputError, shown
from analysis.files.whole import ROOT

PATIENCE, WITHOUT_WORKERS = 10.0, 30.0
"""Seconds that a scheduler may take to answer, and that it may be without workers."""


@contextmanager
def on_dask(address: str) -> Iterator[tuple[Executor, int]]:
    """An executor on the cluster at this address, and how many workers it has. Raises InputError."""
    try:
        from distributed import Client
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
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
        threads = client.nthreads()
        if not threads:
            raise InputError(f"--scheduler {address}: the cluster has no workers; start some.")
        _find_code(client, address)
        executor = client.get_executor(pure=False)
        try:
            yield _Cluster(executor, client), sum(threads.values())
        except (CancelledError, CommClosedError, KilledWorker):
            raise InputError(
                f"--scheduler {address}: the cluster died in the middle; start it again and repeat the command, "
                "and it goes on where it was."
            ) from None
        finally:
            with suppress(CancelledError, OSError):
                executor.shutdown(wait=False)  # nobody waits for what is still running, on a cluster that may be gone


def _find_code(client, address: str) -> None:
    """Let scheduler and workers on this machine import the study from where it lies; elsewhere it must be installed.

    What they run for this is Python's own: nothing of the study can be sent to them by name yet.
    """
    try:
        for run in (client.run_on_scheduler, client.run):
            run(site.addsitedir, str(ROOT))
            run(pkgutil.get_data, "analysis.sweeps", "columns.py")
    except Exception as failure:  # distributed hands on whatever the other side raised
        raise InputError(
            f"--scheduler {address}: the cluster cannot run the study ({shown(failure)}); give it this folder and the "
            "locked packages, or leave --scheduler away."
        ) from None


class _Cluster(Executor):
    """A cluster's executor that can tell whether anyone is left to work."""

    def __init__(self, executor: Executor, client):
        self.submit, self._client, self._alone_since = executor.submit, client, None

    def refuse_alone(self) -> None:
        """Raise CancelledError where no worker has been there for a while: nothing would ever come."""
        if self._client.nthreads():
            self._alone_since = None
            return
        self._alone_since = self._alone_since or time.monotonic()
        if time.monotonic() - self._alone_since > WITHOUT_WORKERS:
            raise CancelledError


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """A library's own log is kept from the reader, who gets one sentence."""
    loggers = [logging.getLogger(each) for each in logging.root.manager.loggerDict if each.partition(".")[0] == name]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
