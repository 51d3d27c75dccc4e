"""Broken files of every kind, through every command: exit code 2, one sentence, nothing written, no wait."""

import os
import time
from importlib import import_module

import click
import pytest

import analysis.cli.main as command_line
from analysis.files.whole import ROOT
from tests.reader.broken import CONTENTS, NAMES, OPTIONS, SUFFIXES, readers, writers

# Modules of the study that are commands themselves
MODULES = {
    name.removesuffix(".__main__"): import_module(name).main
    for path in sorted((ROOT / "analysis").rglob("*.py"))
    if '__name__ == "__main__"' in path.read_text()
    for name in [".".join(path.relative_to(ROOT).with_suffix("").parts)]
    if name != "analysis.__main__"
}


def test_the_corpus_knows_every_command_that_takes_a_file():
    taking = {"evaluate", "plan", "design"}  # their NAME=VALUE may name files
    for name, command in command_line.main.commands.items():
        if any(isinstance(each.type, click.Path) for each in command.params):
            taking.add(name)
    for name, main in MODULES.items():
        if any(isinstance(each.type, click.Path) for each in main.params):
            taking.add(name.rpartition(".")[2])
    taking.remove("bench_sweep")  # writes a gigabyte where `make bench` says, and is no reader's
    assert taking == {name.partition(",")[0] for name in readers("x")} | set(writers("x"))


def test_the_corpus_asks_every_command_for_what_it_cannot_do():
    assert {each[0] for each in OPTIONS} == {"analysis", *MODULES}
    assert {each[1] for each in OPTIONS if each[0] == "analysis"} == set(command_line.main.commands)


@pytest.mark.parametrize("arguments", OPTIONS, ids=lambda each: " ".join(each)[:60])
def test_arguments_that_cannot_be_are_refused(refused, arguments):
    refused(*arguments)


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
    for arguments in readers(NAMES[kind].format(suffix)).values():
        refused(*arguments)


def test_a_folder_and_a_file_are_told_apart(refused, tmp_path):
    (tmp_path / "rows.csv").write_text("x")
    assert "there is no such folder" in refused(*readers("nodir")["import-measurements"])
    assert "found a file, allowed is the folder" in refused(*readers("rows.csv")["import-measurements"])
    assert "found a folder, allowed is a measurement file" in refused(*readers(".")["validate"])


def test_a_file_of_100_megabytes_is_refused_at_once(refused, tmp_path):
    for suffix in SUFFIXES:
        path = tmp_path / f"large{suffix}"
        with path.open("wb") as file:
            file.write(b"id: x\n")
            file.truncate(100_000_000)
        started = time.process_time()
        for arguments in readers(path).values():
            refused(*arguments)
        assert time.process_time() - started < 10
