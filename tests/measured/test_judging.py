"""Rows are judged by fits that have not seen them; errors are those of planted times; baselines stand beside."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.data import calibrations
from analysis.measured import baselines, calibration, fitting, judging, kernel_files, leaving_out, validate
from analysis.measured.kernel_files import as_table, published
from analysis.measured.predict import numbers, predict
from analysis.measured.validate import Compared, compare, compare_parts, to_fit
from tests.measured.test_predict import COMMON, MLA
from tests.systems.calibrated_by_hand import Device

KEYS = ("operation", "accelerator", "regime")
H200 = Device(989.4e12, 4.8e12, 450e9, "hopper")


def compared(*rows: dict) -> Compared:
    table = as_table([COMMON | row for row in rows])
    return Compared(table, predict(table))


def decode(accelerator: str, time: float, **more) -> dict:
    return MLA | {"accelerator": accelerator, "B": 64, "L": 8192, "l": 1, "n_hd": 128, "latency": time} | more


def test_rows_that_fitted_are_never_judged():
    """The side of each split that fits saw, told from its indices, is the side without a time.

    One row more: two engines fall back to one all-reduce for large tensors, and one of them fitted.
    """
    rows = to_fit()
    found, operations = judging.judged(rows, "published"), fitting.operation_of(rows)
    seen = np.zeros(len(rows.table), bool)
    for operation in calibrations.OPERATIONS:
        part = np.flatnonzero(operations == operation)
        seen[part[calibration.split(calibration.parts_of(rows, part, operation))[0]]] = True
    (twin,) = np.flatnonzero(np.isnan(found.time) != seen)
    assert (operations[twin], numbers(rows.table, "bytes")[twin]) == ("all-reduce", 2**27)
    fitted = sum(row.rows_fitted for row in calibrations.named("published").values() if row.architecture is None)
    assert found.fitted - 1 == seen.sum() == fitted
    counted = judging.errors(rows, found.time)
    assert sum(group["rows"] for group in counted) == (~seen).sum() - 1


def test_rows_that_fitted_are_known_as_another_copy_writes_them():
    """Widths written out, times rounded to four digits, kernels by another name; 1 % off is another row."""
    rows = published().to_pylist()
    known = np.isnan(judging.judged(compare(), "published").time)
    core = [row["operation"] == "core_attention" for row in rows]
    for times, expected in ((1, known[core]), (1.01, False)):
        copies = [
            row | {"width_kv": 2, "width_weights": 2, "kernel": "k", "latency": times * float(f"{row['latency']:.3e}")}
            for row, chosen in zip(rows, core, strict=True)
            if chosen
        ]
        assert np.all(np.isnan(judging.judged(compared(*copies), "published").time) == expected)


@pytest.mark.parametrize("by", ["device", "model"])
def test_no_row_is_fitted_and_judged_in_one_fold(by):
    rows = to_fit()
    rows = rows.rows(fitting.operation_of(rows) == "experts")
    parts = calibration.parts_of(rows, np.arange(len(rows.table)), "experts")
    folds = list(leaving_out._folds(by, rows, parts))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(rows.table)))
    sizes = np.array([numbers(rows.table, name) for name in ("d_emb", "d_MoE", "n_e", "deg_EP")])
    for train, test in folds:
        if by == "device":
            assert not set(rows.accelerator[train]) & set(rows.accelerator[test])
        else:
            assert not set(map(tuple, sizes[:, train].T)) & set(map(tuple, sizes[:, test].T))
            assert len(set(rows.accelerator[train]) | set(rows.accelerator[test])) == 1


def test_an_unseen_device_is_judged_by_the_rows_of_its_architecture():
    """Times planted by hand on an H200, which no row here measures; 10 % more makes an error of 1/11."""
    time = H200.core(64, 8192, 128)
    rows = compared(decode("h200-sxm5", time), decode("h200-sxm5", 1.1 * time))
    found = judging.judged(rows, "published")
    assert found.time == pytest.approx([time, time])
    assert all("leave open" in said for said in found.notes)
    (group,) = judging.errors(rows, found.time)
    assert (group["rows"], group["regime"], group["accelerator"]) == (2, "work", "h200-sxm5")
    assert group["median"] == pytest.approx(1 / 22)
    assert group["median_ratio"] == pytest.approx((1 + 1 / 1.1) / 2)


def test_other_devices_take_the_pooled_row_and_what_has_no_row_the_roofline():
    copy = {"operation": "copy", "bytes": 10**9, "accelerator": "a100-sxm4-80gb"}
    rows = compared(decode("a100-sxm4-80gb", 1e-3), copy)
    found = judging.judged(rows, "published")
    pooled = calibrations.named("published")["latent-attention"].parameters
    parts = calibration.parts_of(rows, np.array([0]), "latent-attention")
    assert found.time[0] == pytest.approx(parts.time(pooled)[0])
    assert found.time[1] == rows.prediction.time[1]
    assert any("no row of its architecture" in said for said in found.notes)
    assert any("has no row" in said for said in found.notes)


def test_formats_that_no_fitted_row_computes_in_and_wrong_units_are_said():
    """Experts were timed in BF16 and FP8, not in FP4; an MLA core of 1 ms, given as 1000 us."""
    shape = {"operation": "experts", "tokens": 4096, "d_emb": 7168, "d_MoE": 2048, "n_e": 256, "n_k": 8, "deg_EP": 8}
    experts = shape | {"accelerator": "gb200-nvl72", "routing": "balanced", "latency": 1e-3}
    said = judging.judged(compared(*(experts | {"precision": each} for each in ("fp8", "fp4"))), "published").notes
    assert [each for each in said if "no row that was fitted" in each] == [
        "experts in fp4: no row that was fitted computes in it, its own rates are not identified."
    ]
    for time, wrong in ((1e-3, False), (1e3, True), (1e-9, True)):
        said = judging.report([compared(decode("h200-sxm5", time))], "published")["notes"]
        assert any("latency is in s" in each for each in said) == wrong
    mixed = [decode("h200-sxm5", 1e-3)] * 3, [decode("h100-sxm5", 1e3)]  # of which all rows together say nothing
    said = judging.report([compared(*mixed[0], *mixed[1])], "published")["notes"]
    assert [each.partition(" are more")[0] for each in said if "latency is in s" in each] == [
        "half of the rows of MLA decode, with reordering on h100-sxm5"
    ]


def test_without_a_calibration_the_roofline_is_judged():
    rows = compare()
    assert np.array_equal(judging.judged(rows, None).time, rows.prediction.time)


def test_the_fit_beats_every_baseline_on_devices_and_models_left_out():
    """Experts: what no fit of the other device saw, and what no fit of other models saw."""
    rows = to_fit()
    rows = rows.rows(fitting.operation_of(rows) == "experts")
    for by in ("device", "model"):
        for group in leaving_out.left_out(by, rows):
            if group["regime"] == judging.WORK:
                assert group["median"] < 0.06
                assert group["p90"] < 0.25
                others = [group[name] for name in baselines.BASELINES if name in group]
                assert len(others) == (2 if by == "device" else 3)
                assert group["median"] < min(others) / 2


def test_interpolation_gives_back_its_table():
    rows = to_fit()
    part = np.flatnonzero(fitting.operation_of(rows) == "gemm")[:40]
    parts = calibration.parts_of(rows, part, "gemm")
    assert baselines.interpolated(parts, parts, nearest=1) == pytest.approx(parts.measured)


def test_a_file_part_by_part_says_what_it_says_whole(monkeypatch, tmp_path):
    """All but interpolation, which goes by the rows of the same part."""
    path = tmp_path / "rows.parquet"
    pq.write_table(published(), path)
    whole = judging.report([compare(path)], "published")
    monkeypatch.setattr(kernel_files, "BATCH", 50)
    parts = judging.report(compare_parts(path), "published")
    assert len(list(kernel_files.load_batches(path))) == 10
    for name in ("groups", "ratios"):
        alike = [sorted(found[name], key=lambda each: [str(each[key]) for key in KEYS]) for found in (whole, parts)]
        for one, other in zip(*alike, strict=True):
            other |= {baselines.TABLE: one[baselines.TABLE]} if baselines.TABLE in one else {}
            assert one == {key: pytest.approx(cell) if isinstance(cell, float) else cell for key, cell in other.items()}
    assert {each["kernel"] for each in whole["worst"]} == {each["kernel"] for each in parts["worst"]}
    assert [whole[name] for name in ("rows", "rows that fitted")] == [
        parts[name] for name in ("rows", "rows that fitted")
    ]


def test_rows_to_fit_are_sampled_as_whole_groups_however_they_come():
    rows = to_fit().rows(fitting.operation_of(to_fit()) == "experts")
    every = np.arange(len(rows.table))
    found = [fitting.sampled([rows.rows(each) for each in np.array_split(every, n)], most=200) for n in (1, 7)]
    assert 50 < len(found[0].table) <= 200
    assert sorted(found[0].latency) == sorted(found[1].latency)
    marks, kept = calibration.shape_hash(rows), set(calibration.shape_hash(found[0]))
    assert len(found[0].table) == sum(mark in kept for mark in marks)
    assert len(fitting.sampled([rows]).table) == len(every)


def test_memory_does_not_grow_with_the_rows_that_are_judged(tmp_path, monkeypatch):
    """The rows of kernels.parquet over and over, as many at a time: of each more than that stay the few numbers that
    medians and errors are taken from, where parts that are not dropped would hold ten times as much."""
    table, path, held = kernel_files.load(kernel_files.FOLDER / "kernels.parquet"), tmp_path / "rows.parquet", {}
    monkeypatch.setattr(kernel_files, "BATCH", len(table))

    def parts():
        for part in validate.compare_parts(path):
            tables.append(pa.total_allocated_bytes())
            yield part

    for times in (1, 2, 4):  # the first fills what stays in memory for good
        with pq.ParquetWriter(path, table.schema) as writer:
            for _ in range(times):
                writer.write_table(table)
        tables = [pa.total_allocated_bytes()]
        tracemalloc.start()
        assert judging.report(parts(), "published")["rows"] == times * len(table)
        held[times] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(tables) == 1 + times
        assert max(tables) - tables[0] < 3 * table.nbytes
    assert (held[4] - held[2]) / (2 * len(table)) < 64  # bytes a row


def test_baselines_stand_beside_every_group():
    """The roofline's own error, one efficiency of shipped rows alone, and a device's table without the row's shape.

    A few constants beat them where enough rows are judged, but for one: of MLA decode B200's own table knows what 32
    heads cost, which no other row tells.
    """
    rows = compare()
    found = judging.report([rows], "published")
    bare = {tuple(group[key] for key in KEYS): group for group in judging.errors(rows, rows.prediction.time)}
    seen = np.isnan(judging.judged(rows, "published").time)
    assert seen.any()
    judged = judging.errors(rows.rows(~seen), rows.prediction.time[~seen])
    unseen = {tuple(group[key] for key in KEYS): group for group in judged}
    for group in found["groups"]:
        key = tuple(group[name] for name in KEYS)
        assert group["roofline"] == pytest.approx(unseen[key]["median"])
        assert group["rows"] <= bare[key]["rows"]
    work = [group for group in found["groups"] if group["regime"] == judging.WORK and group["rows"] >= 10]
    beaten = [group for group in work if group["median"] > min(group[name] for name in baselines.BASELINES)]
    (odd,) = beaten
    assert (odd["operation"], odd["accelerator"]) == ("MLA decode, with reordering", "b200-sxm")
    assert odd["median"] < 1.5 * odd[baselines.TABLE] < odd[baselines.ROOFLINE]


def test_a_row_is_never_interpolated_from_its_own_shape():
    rows = to_fit()
    rows = rows.rows((fitting.operation_of(rows) == "gemm") & (rows.accelerator == "h100-sxm5"))
    parts = calibration.parts_of(rows, np.arange(len(rows.table)), "gemm")
    mark = calibration.shape_hash(rows)
    before = baselines.from_own_table(parts, mark)
    own = mark == mark[0]
    moved = baselines.from_own_table(replace(parts, measured=np.where(own, 1.0, parts.measured)), mark)
    assert np.array_equal(before[own], moved[own])
    assert not np.allclose(before[~own], moved[~own])


def test_what_rows_leave_open_is_said():
    cached = decode("h100-sxm5", 1e-3, width_kv=1.0)
    said = " ".join(judging.judged(compared(cached), "published").notes)
    assert "latent-attention.hopper: the rows that were fitted leave open reach" in said
    assert "its factor is not identified" in said
    assert "its factor" not in " ".join(judging.judged(compared(decode("h100-sxm5", 1e-3)), "published").notes)
