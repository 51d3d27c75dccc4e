"""Where work runs: one failure stops no other, a death costs one sentence, and nobody outlives the one who asked."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import resource_tracker
from unittest import mock

import pytest

from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.sweeps.workers import run_calls


def asked(item):
    """What a worker does: die, fail, find no room, or tell a variable of its environment, else its number."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "full":
        raise OSError(28, "No space left on device")
    if item == "fail":
        raise ValueError(f"failed in {os.getpid()}")
    if isinstance(item, os.PathLike):
        return open(item, "w").close()
    return os.environ.get(item, os.getpid())


def test_results_keep_the_order_of_the_items_and_threads_are_one_each():
    names = ["OMP_NUM_THREADS", "LANG", "OPENBLAS_NUM_THREADS"] * 3
    found = run_calls(asked, names, 9, "x", 2, progress=False)
    assert found[0::3] == found[2::3] == ["1"] * 3


def test_what_one_process_can_do_stays_here_unless_it_runs_apart():
    assert run_calls(asked, ["pid"], 1, "x", 2, progress=False) == [os.getpid()]
    assert run_calls(asked, ["pid"], 1, "x", 1, apart=True, progress=False) != [os.getpid()]


def semaphores(_item):
    """What is registered for removal while a worker shows a bar of its own."""
    with mock.patch.object(resource_tracker, "register") as register:
        run_calls(str, [1], 1, "x", 1, progress=False)
    return [call.args for call in register.call_args_list]


def test_a_bar_within_a_worker_leaves_no_semaphore():
    """A worker may be killed, and what is left then is warned of."""
    assert run_calls(semaphores, [0], 1, "x", 1, apart=True, progress=False) == [[]]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_call_that_fails_stops_no_other_and_the_first_is_told(jobs, tmp_path):
    with pytest.raises(ValueError, match="failed in") as failure:
        run_calls(asked, ["fail", tmp_path / "a", "fail", tmp_path / "b"], 4, "x", jobs, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    assert "in asked" in failure.value.__notes__[0]
    with pytest.raises(OSError, match="No space left"):  # which no call could go on with
        run_calls(asked, ["full", *["pid"] * 50, tmp_path / "c"], 52, "x", jobs, progress=False)
    assert not (tmp_path / "c").exists()


def test_a_worker_that_dies_costs_one_sentence(capfd):
    with pytest.raises(InputError, match=r"a worker process died .* fewer --jobs, and it goes on where it was"):
        run_calls(asked, ["pid", "die", "pid"], 3, "x", 2, progress=False)
    assert "Traceback" not in capfd.readouterr().err


def test_an_interrupt_while_workers_are_started_is_heard_here_and_never_by_them():
    def items():
        os.kill(os.getpid(), signal.SIGINT)  # asked for as the first process is started
        yield from [0.1] * 4

    with pytest.raises(KeyboardInterrupt):
        run_calls(time.sleep, items(), 4, "x", 2, progress=False)
    assert run_calls(_deaf, range(4), 4, "x", 2, progress=False) == [True] * 4
    assert not _deaf(0)


def _deaf(item) -> bool:
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN


ASKS = """
import sys, time
from analysis.sweeps.workers import run_calls
def at_work(path):
    open(path, "w").close()
    time.sleep(60)
run_calls(at_work, sys.argv[1:], 2, "x", 2)
"""


def test_workers_end_with_the_one_who_asked_however_it_ends(tmp_path):
    asked = [sys.executable, "-c", ASKS, str(tmp_path / "a"), str(tmp_path / "b")]
    asking = subprocess.Popen(asked, env={"PYTHONPATH": str(ROOT)}, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(os.listdir(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _in_session(asking.pid) >= 3
    asking.kill()
    asking.wait()
    while _in_session(asking.pid) and time.monotonic() < deadline - 10:
        time.sleep(0.1)
    assert not _in_session(asking.pid)


def _in_session(number: int) -> int:
    return len(subprocess.run(["ps", "-o", "pid=", "-g", str(number)], capture_output=True).stdout.split())
