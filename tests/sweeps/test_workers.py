"""Where work runs: one failure stops no other, a death costs one sentence, and nobody outlives the one who asked."""

import os
import signal
import subprocess
import sys
import time

import pytest

from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.sweeps.workers import run_calls


def on(item):
    """A process is asked to die, to fail, to say who it is, or to wait."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "fail":
        raise ValueError(f"failed in {os.getpid()}")
    if item == "full":
        raise OSError(28, "No space left on device")
    return os.environ.get(item, os.getpid())


def test_results_keep_the_order_of_the_items_and_threads_are_one_each():
    assert run_calls(on, ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] * 3, 6, "x", 2, progress=False) == ["1"] * 6


def test_what_one_process_can_do_stays_here_unless_it_runs_apart():
    here = os.getpid()
    assert run_calls(on, ["pid"], 1, "x", 2, progress=False) == [here]
    assert run_calls(on, ["pid"], 1, "x", 1, apart=True, progress=False) != [here]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_call_that_fails_stops_no_other_and_the_first_is_told(jobs, tmp_path):
    calls = [("fail", None), ("touch", tmp_path / "a"), ("fail", None), ("touch", tmp_path / "b")]
    with pytest.raises(ValueError, match="failed in") as failure:
        run_calls(touch, calls, 4, "x", jobs, progress=False)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a", "b"]
    assert "in on" in failure.value.__notes__[0]


def touch(given):
    what, path = given
    path.touch() if path else on(what)


def test_a_place_that_takes_no_file_stops_all():
    with pytest.raises(OSError, match="No space left"):
        run_calls(on, iter(["full", *["pid"] * 10**6]), 10**6, "x", 1, progress=False)


def test_a_worker_that_dies_costs_one_sentence(capfd):
    with pytest.raises(InputError, match=r"a worker process died .* fewer --jobs, and it goes on where it was"):
        run_calls(on, ["pid", "die", "pid"], 3, "x", 2, progress=False)
    assert "Traceback" not in capfd.readouterr().err
    assert len(set(run_calls(on, ["pid"] * 4, 4, "x", 2, progress=False))) <= 2


ASKS = """
import time
from analysis.sweeps.workers import run_calls
run_calls(time.sleep, [60, 60], 2, "x", 2)
"""


def test_workers_end_with_the_one_who_asked_however_it_ends():
    asking = subprocess.Popen(
        [sys.executable, "-c", ASKS], env={"PYTHONPATH": str(ROOT)}, start_new_session=True, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while _in_group(asking.pid) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)  # both are at work
    asking.kill()
    asking.wait()
    while _in_group(asking.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _in_group(asking.pid)


def _in_group(group: int) -> int:
    return len(subprocess.run(["pgrep", "-g", str(group)], capture_output=True, check=False).stdout.split())
