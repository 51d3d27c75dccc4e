"""What is kept between processes: found again, made again where damaged or where its maker changed, never too much."""

import json
import os

import pytest
from sympy import Max

from analysis.ask import numbers
from analysis.ask.numbers import compiled, value
from analysis.derive.symbols import B, L
from analysis.files import kept as module
from analysis.files.kept import kept

FORM = Max(3 * B, L + 7) / B


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """An empty folder, and nothing compiled before."""
    monkeypatch.setattr(module, "FOLDER", tmp_path / "kept")
    compiled.cache_clear()
    yield tmp_path / "kept"
    compiled.cache_clear()


def entry(folder):
    (path,) = folder.iterdir()
    return path


def refuse(*_):
    raise AssertionError("made again")


def test_a_form_is_compiled_once_for_all_processes(empty, monkeypatch):
    wanted = value(FORM, {B: 2, L: 5})
    assert wanted == 6
    compiled.cache_clear()  # as a new process
    monkeypatch.setattr(numbers, "_written", refuse)
    assert value(FORM, {B: 2, L: 5}) == wanted
    with pytest.raises(AssertionError, match="made again"):
        value(FORM + 1, {B: 2, L: 5})


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("7", "8"),  # still JSON, another number
        lambda text: text.partition("\n")[2],
        lambda text: "\n" + json.dumps("import os"),
    ],
)
def test_a_damaged_entry_is_made_again(empty, damage):
    value(FORM, {B: 2, L: 5})
    path = entry(empty)
    whole = path.read_text(encoding="utf-8")
    assert "7" in whole.partition("\n")[2]
    path.write_text(damage(whole), encoding="utf-8")
    compiled.cache_clear()
    assert value(FORM, {B: 2, L: 5}) == 6
    assert path.read_text(encoding="utf-8") == whole


def test_bytes_that_are_no_text_are_made_again(empty):
    assert kept("key", lambda: 1) == 1
    entry(empty).write_bytes(b"\xff\xfe")
    assert kept("key", lambda: 2) == 2


def test_another_key_or_another_maker_is_another_entry(empty, monkeypatch):
    assert [kept("key", lambda: 1), kept("other", lambda: 2), kept("key", lambda: 3)] == [1, 2, 1]
    assert kept("key", lambda: 4, "analysis/files/kept.py") == 4
    assert kept("key", refuse, "analysis/files/kept.py") == 4
    monkeypatch.setattr(module, "_code", lambda sources: "changed")
    assert kept("key", lambda: 5, "analysis/files/kept.py") == 5


def test_where_nothing_can_be_written_nothing_is_kept(empty):
    empty.write_text("a file stands in the folder's place")
    assert [kept("key", lambda: 1), kept("key", lambda: 2)] == [1, 2]


def test_there_are_never_many_more_than_allowed(empty, monkeypatch):
    assert module.EACH < module.MOST_ENTRIES / 10
    monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    monkeypatch.setattr(module, "EACH", 3)
    for each in range(40):
        kept(str(each), lambda each=each: each)
        newest = max(empty.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (each, each))
        assert len(list(empty.iterdir())) <= 10 + 3
    assert len(list(empty.iterdir())) >= 5
    assert kept("39", refuse) == 39
    assert kept("0", lambda: "gone") == "gone"


def test_what_is_large_is_not_kept(empty, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_ENTRY", 10)
    assert [kept("key", lambda: "x" * 20), kept("key", lambda: "y" * 20)] == ["x" * 20, "y" * 20]


def test_a_number_given_as_a_whole_number_stays_one(empty):
    assert kept("key", lambda: [1, 1.5, None, "x"]) == [1, 1.5, None, "x"]
    assert type(kept("key", refuse)[0]) is int
