"""What `measure` writes and refuses: repeats, rows that the schema takes, the machine's record, the command.

Sizes are tiny: what is tested is that the right thing is written, not how fast it is.
"""

import json
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot

from analysis.derive.symbols import BY_NAME
from analysis.files.errors import InputError
from analysis.measure import clock, command, machine, measuring, shapes, writing
from analysis.measure.cases import Case
from analysis.measure.numpy_kernels import NumpyBackend
from analysis.measured.kernel_files import load
from analysis.measured.own_machine import asked_machine, order_times, own_machine
from analysis.measured.predict import numbers, predict, words
from analysis.render.figures.machine import (
    describe_machine,
    describe_machine_orders,
    machine_figure,
    machine_notes,
    machine_order_figure,
    machine_order_rows,
    machine_rows,
)
from tests.measure.measure_cases import small_cases
from tests.reader.rows import declaring


# -- timing and writing -----------------------------------------------------------------------------------------------
def test_a_slow_operation_is_repeated_a_few_times_only():
    durations = iter([3.0, 1.0, 2.0, 9.0])
    assert clock.timed(lambda: next(durations), budget=0.5) == clock.summary([3.0, 1.0, 2.0])


def test_repeats_fill_the_budget_and_start_after_the_warm_up():
    calls = iter([0.5] * 100)
    found = clock.timed(lambda: next(calls), budget=10.0)
    assert (found.latency, found.spread, found.repeats) == (0.5, 0.0, 20)
    assert len(list(calls)) == 100 - 20 - clock.WARM_UPS


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=20))
def test_a_median_lies_among_the_repeats(durations):
    found = clock.summary(durations)
    assert min(durations) <= found.latency <= max(durations)
    assert found.spread >= 0


@pytest.fixture
def written(tmp_path):
    found = measuring.measure(small_cases(), NumpyBackend(room=1e8, blas="some BLAS"), "a-machine", budget=0)
    record = machine.Machine("a-machine", 0, 0, {"processor": "A processor", "cores": 2})
    path = tmp_path / "rows.csv"
    writing.save(measuring.sources(found.rows, "a test"), record, path)
    return path


def test_rows_are_read_back_as_measurements_and_predicted(written):
    table = load(written)
    assert len(table) == len(small_cases()) + 1, "streams are read in two ways"
    assert set(words(table, "accelerator")) == {"a-machine"}
    assert set(words(table, "grouping")) == {"layered", "fused"}
    own = own_machine(written)
    prediction = predict(table, {"a-machine": {BY_NAME["P_acc"]: own.arithmetic, BY_NAME["BW_mem"]: own.traffic}})
    assert (prediction.time > 0).all()
    assert (numbers(table, "spread") >= 0).all()


def test_both_orders_are_set_against_each_other_at_equal_shapes(written):
    (found,) = order_times(own_machine(written))
    assert (found["n_hd"], found["B"], found["L"]) == (4, 3, 12)
    assert all(
        found[f"{kind}_{order}"] > 0 for kind in ("measured", "predicted") for order in ("as_printed", "reordered")
    )


def test_any_rows_beside_both_roofs_can_be_drawn(written):
    """None beside a product and a read, then one after the other."""
    header, *lines = written.read_text().splitlines()
    roofs = [line for line in lines if line.startswith(("gemm,", "read,"))]
    others = [line for line in lines if line not in roofs]
    for count in range(len(others) + 1):
        written.write_text("\n".join([header, *roofs, *others[:count]]) + "\n")
        own = own_machine(written)
        rows, orders = machine_rows(own), machine_order_rows(own)
        assert machine_figure(rows, own).axes
        assert machine_order_figure(orders).axes
        assert all(describe_machine(rows, own) + describe_machine_orders(orders, own))
        assert machine_notes(rows, orders, own)["machine_rows"] == len(roofs) + count
        pyplot.close("all")


def test_series_are_named_after_what_was_timed(written):
    rows = machine_rows(own_machine(written))
    assert {"matrix product", "experts", "MHA core", "MLA core with reordering"} <= set(rows["series"])
    (intensity,) = (x for name, x in zip(rows["series"], rows["intensity"], strict=True) if name == "matrix product")
    assert intensity == pytest.approx(2 * 5 * 6 * 7 / (4 * (5 * 6 + 6 * 7 + 5 * 7)))


def test_the_record_names_the_machine_and_nobody(written):
    record = json.loads(written.with_suffix(".json").read_text())
    assert record["accelerator"] == "a-machine"
    kept = machine.cpu_machine().record
    assert {"processor", "cores", "blas", "numpy", "clock_MHz"} <= set(kept)
    assert not {"host", "hostname", "user"} & set(kept)


def test_no_cell_begins_after_the_limit():
    found = measuring.measure(small_cases(), NumpyBackend(room=1e8, blas="some BLAS"), "a-machine", 0, limit=-1)
    assert (len(found.rows), sorted(found.too_late)) == (0, sorted(case.kind for case in small_cases()))


def test_what_the_limit_cuts_is_no_whole_kind(monkeypatch):
    """A clock that moves one second a look, a limit of as many as there are kinds: each has its first cell run."""
    cases = [*shapes.cpu_cases(True, 2**20)]
    kinds, clock, run = {case.kind for case in cases}, iter(range(10**6)), []
    monkeypatch.setattr(measuring, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(measuring, "_measure_case", lambda case, *rest: run.append(case.kind))
    found = measuring.measure(cases, NumpyBackend(room=1e12, blas="some BLAS"), "a", 0, limit=len(kinds))
    assert sorted(run) == sorted(kinds)
    assert len(found.too_late) == len(cases) - len(kinds) > 0


def test_a_busy_machine_is_noticed():
    load = machine.BUSY * machine.cores()
    busy, quiet = (machine.Machine("a", 0, 0, {"load_before": share * load}) for share in (2.0, 0.5))
    assert busy.is_busy
    assert not quiet.is_busy
    assert not machine.Machine("a", 0, 0, {"load_before": "not readable"}).is_busy


def test_a_busy_machine_runs_on_one_thread_and_says_so(monkeypatch, capsys):
    """BLAS and copies alike, until the run ends; a quiet machine runs on what it has."""
    before = machine.threads()
    for waiting, wanted in ((1e3, 1), (0.0, before)):
        monkeypatch.setattr(machine, "load_before", lambda waiting=waiting: waiting)
        with ExitStack() as limits:
            found, _, _ = command._on_cpu(True, limits)
            assert machine.threads() == wanted
            assert f" {wanted} thread" in found.record["blas"]
        assert machine.threads() == before
    assert capsys.readouterr().err.count("BLAS runs on one thread") == 1


def test_the_shipped_run_holds_every_operation():
    own = own_machine()
    assert set(words(own.compared.table, "operation")) >= {"gemm", "read", "copy", "core_attention", "experts"}
    assert own.ridge > 0
    assert order_times(own)


# -- refusals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("output", "said"), [("rows.parquet", "found '.parquet', allowed is .csv"), ("absent/rows.csv", "no folder")]
)
def test_an_output_that_cannot_be_written_is_refused_before_measuring(output, said, tmp_path):
    with pytest.raises(InputError, match=said):
        command.measure.main(["-o", str(tmp_path / output)], standalone_mode=False)


def test_a_run_without_rows_writes_nothing(tmp_path):
    with pytest.raises(InputError, match="no case could be timed"):
        writing.save([], machine.Machine("a", 0, 0, {}), tmp_path / "rows.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"file": "absent.csv"}, "absent.csv: there is no such file"),
        ({"file": "", "fiel": "x.csv"}, "fiel=x.csv.*did you mean file"),
        ({"file": "data/measurements/mla_decode.csv"}, "allowed is one machine"),
    ],
)
def test_a_notebook_s_file_is_refused_in_one_sentence(names, said):
    with pytest.raises(InputError, match=said):
        asked_machine(declaring("file") | names)


def test_the_command_says_what_its_limit_cut(tmp_path, monkeypatch, capsys):
    clock = iter(range(10**6))
    monkeypatch.setattr(measuring, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(shapes, "cpu_cases", lambda quick, cache: small_cases())
    monkeypatch.setitem(command.LIMIT["cpu"], True, 1)
    command.measure.main(["--quick", "-o", str(tmp_path / "rows.csv")], standalone_mode=False)
    said = capsys.readouterr().out
    kinds = [case.kind for case in small_cases()]
    assert f"left out: {len(kinds) - 1} cells, as 1 s were over: " in said
    assert all(f"1 of {kind}" in said for kind in kinds[1:])


def test_the_command_writes_a_file_and_says_what_it_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        shapes, "cpu_cases", lambda quick, cache: [*small_cases(), Case.of("read", "fp32", bytes=10**12)]
    )
    command.measure.main(["--quick", "-o", str(tmp_path / "rows.csv")], standalone_mode=False)
    said = capsys.readouterr().out
    assert f"{len(small_cases()) + 1} rows" in said
    assert "1 cells too large for memory" in said
    assert "ridge point" in said
    assert "measured over the roofline of these rates, median: MHA decode" in said
    assert ", Mamba2 state in chunks prefill " in said
