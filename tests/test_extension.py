"""CONTRIBUTING's promise: a paragraph of einsum lines and a data row suffice for a mechanism that nobody shipped."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROW = {
    "id": "mqa-test",
    "name": "A multi-query model",
    "year": "2019",
    "attention": "MQA",
    "n_dec": "3",
    "n_moe": "0",
    "d_emb": "64",
    "n_hd": "8",
    "d_hd": "16",
    "d_FFN": "128",
    "ffn": "plain",
    "n_vocab": "100",
    "n_ctx": "0",
    "tied": "true",
    "vectors": "norms",
    "source": "a test",
    "locator": "this file",
    "known": "assumed",
}


def _paragraph() -> str:
    """The paragraph as CONTRIBUTING prints it, so that the example itself is under test."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(r"\n( {7}MQA = Mechanism\(.*?\n {7}\)\n)", text, re.DOTALL)[1]
    return "\n".join(line[7:] for line in block.splitlines())


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The study with one paragraph and one row more."""
    place = tmp_path_factory.mktemp("extended")
    for folder in ("analysis", "data", "tests"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "book" / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "book" / "notebooks" / "intensity.ipynb", place / "book" / "notebooks")
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, place)
    module = place / "analysis" / "derive" / "attention.py"
    before, mark, after = module.read_text().partition("\nMECHANISMS")
    module.write_text(f"{before}\n{_paragraph()}\n{mark}{after}")
    _append_row(place / "data" / "models.csv")
    return place


def _append_row(path: Path) -> None:
    with path.open(newline="") as file:
        columns = next(csv.reader(file))
    with path.open("a", newline="") as file:
        csv.DictWriter(file, columns, restval="", lineterminator="\n").writerow(ROW)


def _run(place: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=place, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_evaluate_knows_the_new_mechanism(copy):
    """Sizes by hand: MQA caches one key and one value of 16 per block; 4 FLOPs per head, pair and dimension."""
    cache = json.loads(_run(copy, "analysis", "evaluate", "kv_bytes_per_token", "model=mqa-test", "--json"))
    assert cache["value"] == 3 * (16 + 16) * 2
    core = json.loads(
        _run(copy, "analysis", "evaluate", "core_attention_flops", "model=mqa-test", "B=2", "L=10", "--json")
    )
    assert core["value"] == 4 * 2 * 8 * 10 * 16
    parameters = json.loads(_run(copy, "analysis", "evaluate", "parameters", "model=mqa-test", "--json"))
    attention, ffn = 64 * 8 * 16 * 2 + 64 * 16 * 2, 2 * 64 * 128
    assert parameters["value"] == 3 * (attention + ffn + 2 * 64) + 64 + 100 * 64


def test_system_quantities_know_it(copy):
    found = json.loads(
        _run(
            copy,
            "analysis",
            "evaluate",
            "tpot_terms",
            "model=mqa-test",
            "accelerator=b200-paper",
            "B=2",
            "L=10",
            "--json",
        )
    )["value"]
    by_hand = 3 * max(4 * 2 * 8 * 10 * 16 / 2.25e15, 2 * (2 * 2 * 10 * 16 + 2 * 2 * 8 * 16) / 8e12)
    assert found["core_attention"] == pytest.approx(by_hand, rel=1e-12)


def test_listing_and_notebook_know_it(copy):
    assert "mqa-test" in _run(copy, "analysis", "models")
    _run(copy, "analysis.book.notebooks", "book/notebooks/intensity.ipynb", "-p", "model", "mqa-test")
    executed = (copy / "_build" / "notebooks" / "intensity.ipynb").read_text()
    assert "mqa-test" in executed or "multi-query" in executed


def test_the_tests_that_look_at_every_mechanism_and_row_still_pass(copy):
    """Those that a mechanism more, or a row without a printed total, could break; the others do not see either."""
    named = ("render/test_tables.py::test_columns_that_disagree_are_named", "systems/test_model_totals.py")
    pages = ("test_closed_forms_are_the_ones_written_by_hand", "test_forms_that_are_equal_are_printed_once")
    chosen = [f"tests/{name}" for name in (*named, *(f"book/test_page.py::{name}" for name in pages))]
    assert " passed" in _run(copy, "pytest", "-q", "-p", "no:cacheprovider", *chosen)
