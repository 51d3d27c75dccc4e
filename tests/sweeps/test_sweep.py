"""Grids: every point as `evaluate` gives it, the same table however it was made, and again after a kill."""

import importlib
import shutil
import subprocess
import sys
import threading
import time
from math import prod

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cli.main import run as command_line
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.sweeps import columns, cutting, workers
from analysis.sweeps.cutting import boxes, number_of_tasks, tasks
from analysis.sweeps.front import front_mask
from analysis.sweeps.grid import grid_of, read_grid
from analysis.sweeps.running import sweep
from analysis.sweeps.values import axis
from analysis.systems.quantities import evaluate
from analysis.tools.bench_sweep import GRID as GRID_OF_BENCH
from analysis.tools.bench_sweep import measured
from tests.reader.rows import CHIP

FIXED = "with: {accelerator: b200-paper, link: nvlink5-b200, n_acc: 32, slo: 0.05}"
GRID = f"""
quantities: [tpot, throughput_per_accelerator, B_cap, core_attention_intensity]
{FIXED}
over:
  model: [deepseek-v3, llama-2-7b]
  deg_TP: [1, 4]
  B: {{from: 32, to: 4096, points: 6, scale: log}}
  L: [2048, 32768]
  width_kv: [1, 2]
"""


@pytest.fixture
def swept(tmp_path):
    """Write a grid and run it in this process; returns the summary and the rows."""

    def run(text, name="out.parquet", **more):
        (tmp_path / "grid.yml").write_text(text)
        done = sweep(tmp_path / "grid.yml", tmp_path / name, **{"jobs": 1, "progress": False} | more)
        return done, (pq.read_table if name.endswith("parquet") else pa_csv.read_csv)(done.out).to_pylist()

    return run


def test_every_point_is_what_evaluate_gives(swept):
    done, rows = swept(GRID)
    assert done.rows == done.points == len(rows) == 2 * 2 * 6 * 2 * 2
    for row in rows[::7]:
        named = {name: row[name] for name in ("model", "deg_TP", "B", "L", "width_kv")}
        for name in ("tpot", "throughput_per_accelerator", "B_cap", "core_attention_intensity"):
            answer = evaluate(name, accelerator="b200-paper", link="nvlink5-b200", n_acc=32, **named)
            assert row[name] == pytest.approx(answer.value, rel=1e-12)


def test_csv_holds_the_same_rows_as_parquet(swept):
    assert swept(GRID, "out.csv")[1] == swept(GRID)[1]


def test_terms_become_columns_that_sum_to_the_whole(swept):
    text = GRID.replace("[tpot, throughput_per_accelerator, B_cap, core_attention_intensity]", "[tpot, tpot_terms]")
    _, rows = swept(text)
    for row in rows:
        parts = [value for name, value in row.items() if name.startswith("tpot_terms.")]
        assert row["tpot"] == pytest.approx(sum(parts), rel=1e-12)


def test_a_folder_of_small_parts_is_the_same_table(swept, tmp_path, monkeypatch):
    """None is larger than the cap, none is read again for it, and none is without columns."""
    text = GRID.replace("[1, 4]", "[3, 1, 4]")
    whole, _ = swept(text)
    monkeypatch.setattr(cutting.boxes, "__defaults__", (5,))
    monkeypatch.setattr(cutting, "TASK_BLOCKS", 1)
    monkeypatch.setattr("analysis.sweeps.running.join", None)
    (tmp_path / "grid.yml").write_text(text)
    for name in ("out", f"{tmp_path}/out.parquet.d/", "out"):
        done = sweep(tmp_path / "grid.yml", tmp_path / name if name == "out" else name, jobs=1, progress=False)
        parts = sorted(done.out.iterdir())
        assert len(parts) > done.rows / 5
        assert all(path.suffix == ".parquet" and 0 < pq.read_metadata(path).num_rows <= 5 for path in parts)
        assert pq.read_table(done.out).to_pylist() == pq.read_table(whole.out).to_pylist()
        assert (done.rows, done.skipped, done.notes) == (whole.rows, whole.skipped, whole.notes)
        assert not done.out.with_name(f"{done.out.name}.parts").exists()


def test_a_folder_of_other_things_never_goes(tmp_path):
    """Nor does a front of a few points become one."""
    (tmp_path / "grid.yml").write_text(GRID)
    (tmp_path / "mine").mkdir()
    sweep(tmp_path / "grid.yml", tmp_path / "mine", jobs=1, progress=False)
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    for replace in (False, True):
        with pytest.raises(InputError, match=r"mine: found a folder that holds other things .*notes.txt"):
            sweep(tmp_path / "grid.yml", tmp_path / "mine", jobs=1, progress=False, replace=replace)
    assert (tmp_path / "mine" / "notes.txt").read_text() == "precious"
    for name in ("", ".", "..", "/"):
        with pytest.raises(InputError, match="found no name"):
            sweep(tmp_path / "grid.yml", name)
    (tmp_path / "grid.yml").write_text(GRID + "pareto: {gain: throughput_per_accelerator, cost: tpot}\n")
    with pytest.raises(InputError, match="pareto front, allowed is a file"):
        sweep(tmp_path / "grid.yml", tmp_path / "front")


def test_constraints_leave_away_what_flags_mark(swept):
    _, marked = swept(GRID + "flags: [fits_memory, meets_slo]\n")
    _, kept = swept(GRID + "constraints: [fits_memory, meets_slo]\n")
    assert kept == [
        {name: cell for name, cell in row.items() if name not in ("fits_memory", "meets_slo")}
        for row in marked
        if row["fits_memory"] and row["meets_slo"]
    ]
    assert 0 < len(kept) < len(marked)
    assert all(row["fits_memory"] == (row["B"] <= row["B_cap"]) for row in marked)


def test_settings_that_do_not_exist_are_listed_and_the_others_run(swept):
    done, rows = swept(GRID.replace("[1, 4]", "[1, 3]"))
    assert {row["deg_TP"] for row in rows} == {1}
    assert [skipped["deg_TP"] for skipped in done.skipped] == [3, 3]
    assert "deg_TP=3" in done.out.with_name("out.skipped.csv").read_text()


def test_a_grid_without_any_setting_is_refused_and_leaves_nothing(swept, tmp_path):
    with pytest.raises(InputError, match="no setting of this grid exists"):
        swept(GRID.replace("[1, 4]", "[3]"))
    assert [path.name for path in tmp_path.iterdir()] == ["grid.yml"]


def test_dictionary_explains_every_column(swept):
    done, rows = swept(GRID)
    told = pa_csv.read_csv(done.out.with_name("out.dictionary.csv")).to_pylist()
    explained = {entry["column"]: entry for entry in told}
    assert set(rows[0]) <= set(explained)
    assert (explained["tpot"]["unit"], explained["slo"]["value"]) == ("s", "0.05")


def test_the_front_is_what_no_point_beats(swept):
    _, rows = swept(GRID.replace("[1, 2]", "[2]") + "flags: [fits_memory]\n")
    text = GRID.replace("[1, 2]", "[2]") + "pareto: {gain: throughput_per_accelerator, cost: tpot, by: [model, L]}\n"
    done, front = swept(text)
    told = done.out.with_name("out.dictionary.csv").read_text()
    assert "highest throughput_per_accelerator at lowest tpot, within equal model, L" in told
    for row in rows:
        rivals = [other for other in rows if (other["model"], other["L"]) == (row["model"], row["L"])]
        beaten = any(
            other["tpot"] <= row["tpot"]
            and other["throughput_per_accelerator"] >= row["throughput_per_accelerator"]
            and other is not row
            for other in rivals
        )
        assert beaten != any(
            row["tpot"] == one["tpot"] and row["model"] == one["model"] and row["L"] == one["L"] for one in front
        )


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 2)), max_size=30))
def test_front_by_its_definition(points):
    cost, gain, group = (np.array([point[i] for point in points], dtype=float) for i in range(3))
    found = front_mask(cost, gain, [group])
    best = {
        (c, g, k)
        for c, g, k in points
        if not any(k == k2 and c2 <= c and g2 >= g and (c2, g2) != (c, g) for c2, g2, k2 in points)
    }
    chosen = [point for point, kept in zip(points, found, strict=True) if kept]
    assert set(chosen) == best
    assert len(chosen) == len(set(chosen))


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(2, 300), st.sampled_from(["linear", "log"]))
def test_a_range_of_counts_has_as_many_points_as_it_says(low, more, points, scale):
    """Rising, within the ends, and none moved unless a neighbour took its place."""
    given_ = {"from": low, "to": low + more, "points": points, "scale": scale}
    if more + 1 < points:
        with pytest.raises(InputError, match=f"between which lie {more + 1} whole numbers"):
            axis("B", given_)
        return
    found = np.array(axis("B", given_))
    assert len(found) == points
    assert (np.diff(found) > 0).all()
    assert (found[0], found[-1]) == (low, low + more)
    plain = np.rint((np.geomspace if scale == "log" else np.linspace)(low, low + more, points))
    if len(np.unique(plain)) == points:
        assert (found == plain).all()


@given(st.lists(st.integers(1, 7), max_size=4), st.integers(1, 30))
def test_boxes_cover_every_point_once_and_none_is_too_large(lengths, most):
    cover = np.zeros(lengths, dtype=int)
    for box in boxes(lengths, most):
        assert prod(part.stop - part.start for part in box) <= most
        cover[box] += 1
    assert (cover == 1).all()


def test_tasks_are_as_many_as_said(tmp_path):
    (tmp_path / "grid.yml").write_text(GRID)
    grid = read_grid(tmp_path / "grid.yml")
    assert number_of_tasks(grid) == len(list(tasks(grid)))


SLOW = GRID.replace("points: 6", "points: 300").replace("[2048, 32768]", "{from: 1024, to: 65536, points: 1500}")


def test_after_a_kill_the_same_call_goes_on(tmp_path):
    """Killed once some parts lie there; those are kept as they are, and the table is that of a run without a kill.

    Meanwhile no other sweep may write there; a lock of the dead keeps nobody out.
    """
    (tmp_path / "grid.yml").write_text(SLOW)
    command = [sys.executable, "-c", "import sys, analysis; analysis.sweep(*sys.argv[1:], jobs=1)"]
    process = subprocess.Popen(
        [*command, "grid.yml", "out.parquet"], cwd=tmp_path, stderr=subprocess.DEVNULL, env={"PYTHONPATH": str(ROOT)}
    )
    parts = tmp_path / "out.parquet.parts"
    deadline = time.monotonic() + 60
    while not list(parts.glob("made/0*.parquet")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    for text in (GRID, SLOW):
        (tmp_path / "other.yml").write_text(text)
        with pytest.raises(InputError, match="another sweep at work on the same output"):
            sweep(tmp_path / "other.yml", tmp_path / "out.parquet", jobs=1, progress=False)
    process.kill()
    process.wait()
    kept = len(list(parts.glob("made/0*.parquet")))
    assert kept
    assert not (tmp_path / "out.parquet").exists()
    done = sweep(tmp_path / "grid.yml", tmp_path / "out.parquet", jobs=1, progress=False)
    assert 0 < done.computed < done.points
    assert not parts.exists()
    shutil.copy(done.out, tmp_path / "resumed.parquet")
    again = sweep(tmp_path / "grid.yml", tmp_path / "out.parquet", jobs=1, progress=False)
    assert again.computed == again.points
    assert pq.read_table(tmp_path / "resumed.parquet").equals(pq.read_table(again.out))


def _stopped(swept, monkeypatch):
    """The parts of a sweep whose table could not be written, as after a power cut."""
    with monkeypatch.context() as context:
        context.setattr("analysis.sweeps.running.join", lambda *given: 1 / 0)
        context.setattr(cutting, "TASK_BLOCKS", 1)
        with pytest.raises(ZeroDivisionError):
            swept(GRID)


def _turned(part):
    """One bit of the last value, before what stands at the file's end, is another."""
    last = len(part) - int.from_bytes(part[-8:-4], "little") - 10
    return part[:last] + bytes([part[last] ^ 1]) + part[last + 1 :]


DAMAGES = {
    "emptied": lambda part, other: b"",
    "cut short": lambda part, other: part[:-100],
    "zeroed inside": lambda part, other: part[:4] + bytes(300) + part[304:],
    "one bit turned": lambda part, other: _turned(part),
    "of another task": lambda part, other: other,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_part_that_cannot_be_used_is_made_again(swept, tmp_path, monkeypatch, damage):
    monkeypatch.setattr(cutting, "TASK_BLOCKS", 1)
    _, expected = swept(GRID)
    _stopped(swept, monkeypatch)
    part, other = (tmp_path / "out.parquet.parts" / "made" / f"0000000{number}.parquet" for number in (0, 1))
    part.write_bytes(damage(part.read_bytes(), other.read_bytes()))
    done, rows = swept(GRID)
    assert rows == expected
    assert done.computed == done.points / 4, "one of four tasks"


def test_parts_of_a_grid_go_on_in_no_other(swept, monkeypatch):
    _stopped(swept, monkeypatch)
    done, rows = swept(GRID.replace("n_acc: 32", "n_acc: 64"))
    assert done.computed == done.points
    assert rows == swept(GRID.replace("n_acc: 32", "n_acc: 64"))[1] != swept(GRID)[1]


def test_what_no_sweep_wrote_is_not_replaced_unasked(swept, tmp_path):
    """The table, the dictionary and the list of skipped settings; a sweep's own, of whatever grid, may be."""
    skipping = GRID.replace("[1, 4]", "[1, 3]")
    for name in ("out.csv", "out.parquet", "out.dictionary.csv", "out.skipped.csv"):
        (tmp_path / name).write_text("precious\n1\n")
        before = sorted(tmp_path.iterdir())
        with pytest.raises(InputError, match=rf"{name}: found another file there.*--force"):
            swept(skipping, "out.csv" if name.endswith("csv") else name)
        assert (tmp_path / name).read_text() == "precious\n1\n"
        assert sorted(tmp_path.iterdir())[-len(before) :] == before
        swept(skipping, "out.csv" if name.endswith("csv") else name, replace=True)
        for each in tmp_path.glob("out.*"):
            each.unlink()
    for name in ("out.csv", "out.parquet"):
        swept(skipping, name)
        done, _ = swept(GRID, name)
        assert not done.skipped
        assert not (tmp_path / "out.skipped.csv").exists()
        done.out.unlink()


def test_a_dictionary_goes_on_explaining_the_table_beside_it(swept, tmp_path):
    swept(GRID, "out.parquet")
    told = (tmp_path / "out.dictionary.csv").read_bytes()
    with pytest.raises(InputError, match=r"out.dictionary.csv, which explains .*out.parquet"):
        swept(GRID.replace("n_acc: 32", "n_acc: 64"), "out.csv")
    assert (tmp_path / "out.dictionary.csv").read_bytes() == told
    swept(GRID, "out.csv")


def test_a_sweep_never_replaces_what_it_reads(swept, tmp_path):
    chip = tmp_path / "chip.csv"
    chip.write_text(",".join(CHIP) + "\n" + ",".join(map(str, CHIP.values())) + "\n")
    before = chip.read_text()
    for replace in (False, True):
        with pytest.raises(InputError, match="found the file to read"):
            swept("quantities: [ridge_point]\nover: {accelerator: [chip.csv]}\n", "chip.csv", replace=replace)
    assert chip.read_text() == before


@pytest.mark.parametrize("given", [{"scheduler": ""}, {"scheduler": "nonsense://nowhere"}, {"jobs": 0}, {"jobs": -3}])
def test_workers_that_cannot_be_are_refused_and_leave_nothing(swept, tmp_path, given):
    with pytest.raises(InputError, match=r"jobs|--scheduler"):
        swept(GRID, **given)
    assert [path.name for path in tmp_path.iterdir()] == ["grid.yml"]


def test_two_dask_workers_give_identical_rows(swept, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cutting, "TASK_BLOCKS", 1)
    text = GRID + "pareto: {gain: throughput_per_accelerator, cost: tpot, by: [L]}\n"
    _, here = swept(text)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as machines:
        done, there = swept(text, scheduler=machines.scheduler_address)
    assert there == here
    assert done.computed == done.points


@pytest.mark.parametrize("death", ["the scheduler", "every worker"])
def test_a_cluster_that_dies_costs_one_sentence_and_nothing_that_is_done(swept, tmp_path, monkeypatch, death, capfd):
    """Three of four tasks are done when it happens; a cluster without workers is waited for, but not for ever."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cutting, "TASK_BLOCKS", 1)
    for name in ("WITHOUT_WORKERS", "LOOK_ROUND"):
        monkeypatch.setattr(workers, name, 0.2)
    _, expected = swept(GRID)
    over, whole_part = threading.Event(), columns.whole_part

    def last_one_waits(path, mark):
        if path.stem == "00000003":
            over.wait(60)
            raise RuntimeError("comes too late")
        return whole_part(path, mark)

    def die():
        while len(list((tmp_path / "out.parquet.parts" / "made").glob("0*"))) < 3:
            time.sleep(0.01)
        machines.close() if death == "the scheduler" else machines.scale(0)

    two = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**two) as machines, monkeypatch.context() as context:
        context.setattr(columns, "whole_part", last_one_waits)
        threading.Thread(target=die, daemon=True).start()
        with pytest.raises(InputError, match=r"the cluster died in the middle.* goes on where it was"):
            swept(GRID, scheduler=machines.scheduler_address)
        over.set()
    assert "Traceback" not in capfd.readouterr().err
    done, rows = swept(GRID)
    assert rows == expected
    assert done.computed == done.points / 4


def test_a_cluster_without_the_study_is_refused(swept, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(workers.pkgutil, "get_data", lambda *given: importlib.import_module("studyless"))
    said = r"the cluster cannot run the study \(No module named 'studyless'\)"
    two = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**two) as machines, pytest.raises(InputError, match=said):
        swept(GRID, scheduler=machines.scheduler_address)
    assert [path.name for path in tmp_path.iterdir()] == ["grid.yml"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("quantities: [tpot,", "quantities: [speed,"),
        ("over:", "across:"),
        ("model: [deepseek-v3", "model: [gpt-9"),
        ("[1, 4]", "[one]"),
        ("[1, 4]", "[]"),
        ("[1, 4]", "[[1]]"),
        ("[1, 4]", "1,4"),
        ("points: 6", "points: 1"),
        ("from: 32", "from: .nan"),
        ("to: 4096", "to: 1e400"),
        ("to: 4096", "to: 3"),
        ("scale: log", "scale: cubic"),
        ("points: 6", "points: 10000000"),
        ("points: 6,", ""),
        ("scale: log", "step: 3"),
        ("[1, 2]", "[2*3]"),
        ("n_acc: 32", "n_acc: 32, B: 3"),
        ("width_kv", "colour"),
        ("slo: 0.05", "slo: soon"),
        ("[1, 2]", "[-1]"),
    ],
)
def test_a_broken_grid_is_refused_in_one_sentence(swept, tmp_path, old, new):
    assert old in GRID
    with pytest.raises(InputError, match=r"grid.yml") as failure:
        swept(GRID.replace(old, new, 1))
    assert "\n" not in str(failure.value)
    assert [path.name for path in tmp_path.iterdir()] == ["grid.yml"]


def test_a_parameter_is_fixed_or_swept(swept):
    with pytest.raises(InputError, match=r"grid.yml: B: found under both with and over"):
        swept(GRID.replace("n_acc: 32", "n_acc: 32, B: 3", 1))


@pytest.mark.parametrize(
    "extra",
    [
        "constraints: [cheap]",
        "constraints: {a: b}",
        "pareto: {gain: tpot}",
        "pareto: {gain: speed, cost: tpot}",
        "pareto: {gain: B_cap, cost: tpot, by: [colour]}",
        "pareto: [tpot]",
        "flags: [[x]]",
        "over: {}",
    ],
)
def test_a_broken_condition_is_refused_in_one_sentence(swept, extra):
    with pytest.raises(InputError, match=r"grid.yml"):
        swept(f"{GRID}{extra}\n")


def test_the_example_of_the_help_works_as_it_stands(tmp_path, capsys):
    assert command_line(["sweep", "--help"]) == 0
    told = capsys.readouterr().out
    (tmp_path / "grid.yml").write_text(next(part for part in told.split("\n\n") if "quantities: [" in part))
    done = sweep(tmp_path / "grid.yml", tmp_path / "out.parquet", jobs=1, progress=False)
    assert done.points == 2**7 * 50
    assert done.rows > 10
    assert not done.skipped


def test_the_bench_sweeps_what_it_says(tmp_path):
    assert grid_of(GRID_OF_BENCH, tmp_path).points == 10**8
    axes = {"model": GRID_OF_BENCH["over"]["model"][:1], "accelerator": ["b200-sxm"], "B": [64, 128], "L": [4096]}
    found = measured(tmp_path, GRID_OF_BENCH | {"over": axes})
    assert (found["points"], found["rows"]) == (2, 2)
    assert found["seconds"] > 0
    assert found["bytes"] > 50e6
