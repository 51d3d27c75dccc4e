"""Broken files of every kind, through every command: exit code 2, one sentence, nothing written, no wait."""

import os
import time

import click
import pytest

import analysis.__main__ as command_line
from analysis import book, notebooks
from tests.reader.broken import CONTENTS, DEVICES, NAMES, SUFFIXES, readers, writers


def test_the_corpus_knows_every_command_that_takes_a_file():
    taking = {"evaluate", "plan"}  # their NAME=VALUE may name files
    for name, command in command_line.main.commands.items():
        if any(isinstance(each.type, click.Path) for each in command.params):
            taking.add(name)
    for name, main in (("book", book.main), ("notebooks", notebooks.main)):
        assert any(isinstance(each.type, click.Path) for each in main.params)
        taking.add(name)
    assert taking == {name.partition(",")[0] for name in readers("x")} | set(writers("x"))


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_broken_contents_are_refused_by_every_command(refused, tmp_path, kind, suffix):
    path = tmp_path / f"{kind}{suffix}"
    path.write_bytes(CONTENTS[kind])
    for arguments in readers(path).values():
        refused(*arguments)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_paths_that_are_no_files_are_refused(refused, tmp_path, kind, suffix):
    (tmp_path / "file").write_text("x")
    (tmp_path / f"folder{suffix}").mkdir()
    os.mkfifo(tmp_path / f"pipe{suffix}")
    os.symlink(f"loop{suffix}", tmp_path / f"loop{suffix}")
    os.symlink("nowhere", tmp_path / f"dangling{suffix}")
    for arguments in readers(NAMES[kind].format(suffix)).values():
        refused(*arguments)


@pytest.mark.parametrize("path", DEVICES)
def test_devices_and_what_names_nothing_are_refused(refused, path):
    for name, arguments in readers(path).items():
        if path or "," not in name:  # an empty NAME= is another mistake, with another sentence
            refused(*arguments)


def test_a_file_of_100_megabytes_is_refused_at_once(refused, tmp_path):
    for suffix in SUFFIXES:
        path = tmp_path / f"large{suffix}"
        with path.open("wb") as file:
            file.write(b"id: x\n")
            file.truncate(100_000_000)
        started = time.monotonic()
        for arguments in readers(path).values():
            refused(*arguments)
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("name", readers("x"))
def test_names_that_are_no_text_are_spelt_out(refused, name):
    assert "\\udcff" in refused(*readers("\udcff.csv")[name])
    assert "\\u202e" in refused(*readers("\u202e.csv")[name])
