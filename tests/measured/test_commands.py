"""The commands as a reader types them, the notebook with other parameters, and the pages' tables."""

import csv
import json

import pytest

from analysis.book.page import OFFERED, offered
from analysis.cli import commands_measured
from analysis.files.errors import InputError
from analysis.measured import fitting
from analysis.measured.baselines import BASELINES
from analysis.measured.kernel_files import FOLDER
from analysis.render import measured_tables
from tests.measured.database_tables import GQA, write

WORDS = offered("render.measured_tables", OFFERED["render.measured_tables"])

COMMANDS = {command.name: command for command in commands_measured.commands}


def typed(capsys, name: str, *arguments: str) -> str:
    """Run a command and return what it prints on standard output."""
    COMMANDS[name].main([str(each) for each in arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_validate_prints_every_operation(capsys):
    printed = typed(capsys, "validate")
    assert all(
        name in printed for name in ("MLA decode, with reordering", "experts", "dispatch, between nodes", "481 rows")
    )


def test_validate_in_json(capsys):
    found = json.loads(typed(capsys, "validate", "--json", "--worst", "2"))
    assert found["rows"] == 481
    assert len(found["worst"]) == 2
    asked = {"operation", "accelerator", "regime", "rows", "median", "p90", "median_ratio"}
    assert set(found["groups"][0]) == asked | set(BASELINES)
    assert {each["regime"] for each in found["groups"]} == {"launch", "work"}
    assert sum(each["rows"] for each in found["groups"]) == 481
    assert set(found["ratios"][0]) == {"operation", "accelerator", "regime", "count", "median", "low", "high", "within"}


def test_validate_a_file_of_an_unknown_machine_uses_its_own_roofs(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    rows = [
        "operation,accelerator,tokens,d_emb,d_FFN,bytes,precision,latency,kernel,source,locator,licence",
        "gemm,laptop,1000,1000,1000,,fp32,0.01,BLAS,here,run 1,none",
        "read,laptop,,,,1000000000,fp32,0.1,sum,here,run 1,none",
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    found = json.loads(typed(capsys, "validate", path, "--json"))
    assert [group["median"] for group in found["ratios"]] == pytest.approx([1.0] * 4)
    assert [group["median_ratio"] for group in found["groups"]] == pytest.approx([1.0] * 2)


def test_rows_of_one_device_leave_nothing_to_fit_without_it(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text(
        "operation,accelerator,tokens,d_emb,d_FFN,precision,latency,kernel,source,locator,licence\n"
        "gemm,h100-sxm5,1000,1000,1000,bf16,0.01,BLAS,here,run 1,none\n"
    )
    with pytest.raises(InputError, match=r"one\.csv: without one device too few shapes .*; give more rows\."):
        COMMANDS["validate"].main([str(path), "--leave-out", "device"], standalone_mode=False)


def test_import_then_validate(tmp_path, capsys):
    write(tmp_path / "db", "h100_sxm/attention/vllm/0.24.0/generation_attention_perf", GQA, GQA | {"window_size": 9})
    (tmp_path / "db" / "note.parquet").write_bytes(b"")
    output = tmp_path / "out.parquet"
    COMMANDS["import-measurements"].main([str(tmp_path / "db"), "-o", str(output)], standalone_mode=False)
    printed = capsys.readouterr()
    assert "1 rows of 1 files; 2 rows read" in printed.out
    assert "other operation" in printed.out
    assert printed.err.startswith("left out: note:")
    found = json.loads(typed(capsys, "import-measurements", tmp_path / "db", "-o", output, "--json"))
    assert (found["rows_read"], found["rows_written"], [each["rows"] for each in found["removed"]]) == (2, 1, [1])
    assert json.loads(typed(capsys, "validate", output, "--json"))["rows"] == 1


def test_calibrate_writes_what_is_shipped(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fitting.fit_all, "__defaults__", (fitting.QUICK, 0))  # intervals are not compared
    output = tmp_path / "calibrations.csv"
    typed(capsys, "calibrate", "-o", output)
    files = (FOLDER.parent / "calibrations.csv", output)
    shipped, again = (list(csv.DictReader(path.open(encoding="utf-8"))) for path in files)
    assert [row["id"] for row in again] == [row["id"] for row in shipped]
    for row, known in zip(again, shipped, strict=True):
        assert float(row["memory_efficiency"]) == pytest.approx(float(known["memory_efficiency"]), rel=0.02)


# -- tables -------------------------------------------------------------------------------------------
def test_a_machine_without_data_sheet_is_fitted_at_its_own_roofs(tmp_path, capsys, monkeypatch):
    """The rows that `measure` wrote for the book; picks are far from any roofline, and near one of their own."""
    whole = fitting.fit_all
    monkeypatch.setattr(fitting, "fit_all", lambda *given, **more: whole(*given, **more, repeats=1))
    typed(capsys, "calibrate", FOLDER / "own_cpu.csv", "--name", "mine", "-o", tmp_path / "mine.csv")
    with (tmp_path / "mine.csv").open() as file:
        found = {row["operation"]: row for row in csv.DictReader(file)}
    assert {"attention", "index", "picked-core", "state"} <= set(found)
    assert float(found["select"]["error"]) < 0.1 < 0.5 < float(found["select"]["error_roofline"])


@pytest.mark.parametrize("name", [name for name in WORDS if name.endswith("_table")])
def test_tables_are_whole(name):
    lines = WORDS[name]().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) > 3
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1


def test_numbers_for_the_prose():
    assert measured_tables.ridge_change("h100-sxm5", "sustained") == pytest.approx(214.4 / 295.34, rel=1e-3)
    assert measured_tables.burst_gain("h100-sxm5") == pytest.approx(826 / 694.4 - 1)
    assert measured_tables.judging_bytes().startswith("400")
