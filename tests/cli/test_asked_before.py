"""A question asked before is answered as before, and anew where anything that the answer follows from has changed."""

import json

import pytest

from analysis.cli import commands_evaluate as module
from analysis.cli.main import run
from analysis.files import kept
from analysis.systems.quantities import evaluate
from tests.reader.rows import CHIP

GIVEN = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "B": 100, "L": 200_000}
QUESTION = ["evaluate", "tpot", *(f"{name}={value}" for name, value in GIVEN.items())]


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")


@pytest.fixture
def printed(capsys):
    def asked(*arguments):
        assert run(list(arguments)) == 0
        return capsys.readouterr().out

    return asked


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_it_prints_the_same_without_computing_anything(printed, monkeypatch, more):
    first = printed(*QUESTION, *more)
    monkeypatch.setattr(module, "_answered", lambda *question: "computed anew")
    assert printed(*QUESTION, *more) == first
    assert printed(*QUESTION, *more, "deg_TP=2") == "computed anew\n"
    if more:
        answer, told = evaluate("tpot", **GIVEN), json.loads(first)
        assert told["value"] == answer.value
        assert told["closed_form"] == str(answer.closed_form)
        assert any("exceeds the longest context" in note for note in told["notes"])


def test_another_source_is_another_question(printed, monkeypatch):
    printed(*QUESTION)
    monkeypatch.setattr(module, "_answered", lambda *question: "computed anew")
    monkeypatch.setattr(kept, "_code", lambda sources: " ".join(sources))
    assert printed(*QUESTION) == "computed anew\n"


def test_a_readers_own_row_is_read_each_time(printed, tmp_path):
    path, found = tmp_path / "chip.yml", []
    for bandwidth in (1000, 2000):
        row = CHIP | {"BW_mem": bandwidth}
        path.write_text("\n".join(f"{name}: {cell}" for name, cell in row.items()))
        found.append(json.loads(printed("evaluate", "ridge_point", f"accelerator={path}", "--json"))["value"])
    assert found[0] == 2 * found[1]


def test_a_refusal_is_made_each_time(capsys, tmp_path):
    for _ in range(2):
        assert run(["evaluate", "tpot", "model=none"]) == 2
        assert "no row of data/models" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()
