"""What ends a command from outside: Ctrl-C."""

import os
import signal
import subprocess
import sys
import time

import pytest

from analysis.files.whole import ROOT

# 72 million points, so that no machine is done before it is interrupted at its first parts
SLOW = """
quantities: [tpot, throughput_per_accelerator, B_cap]
with: {n_acc: 32}
over:
  model: [deepseek-v3, llama-2-7b]
  accelerator: [b200-paper, b200-sxm, h200-sxm5, h100-sxm5]
  deg_TP: [1, 2, 4, 8]
  B: {from: 32, to: 4096, points: 1500}
  L: {from: 1024, to: 65536, points: 1500}
"""


@pytest.fixture
def typed(tmp_path):
    """Start a command as from a terminal: a group of processes, all of which hear Ctrl-C."""

    def start(*arguments, stdout=subprocess.DEVNULL):
        return subprocess.Popen(
            [sys.executable, "-m", "analysis", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def ends(group: int) -> bool:
    """Whether the last process of a group goes within a few seconds."""
    for _ in range(500):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_ctrl_c_ends_a_sweep_on_two_workers_at_once_and_without_a_traceback(typed, tmp_path):
    (tmp_path / "grid.yml").write_text(SLOW)
    running = typed("sweep", "grid.yml", "-o", "out.parquet", "--jobs", "2")
    parts, deadline = tmp_path / "out.parquet.parts", time.monotonic() + 60
    while not any(parts.glob("made/0*.parquet")) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted; the same command goes on where it was" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out.parquet").exists()
    assert sorted(path.name for path in parts.iterdir()) == ["lock", "made"]
    assert all(path.name.startswith("0") for path in (parts / "made").iterdir()), "a part is left half written"
    assert ends(running.pid), "a worker is left"
