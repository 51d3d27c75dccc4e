"""What every test shares: figures without a window, the same hypothesis examples at every run, and fixtures of what a
reader brings."""

import json
import time

import matplotlib as mpl
import pytest
import yaml
from hypothesis import settings

from analysis.huggingface import import_config
from tests.reader.broken import run

mpl.use("agg")
settings.register_profile("study", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("study")


@pytest.fixture
def written(tmp_path):
    """Write a row as a file of the kind that its name says; returns the path as text."""

    def write(name, row):
        path = tmp_path / name
        if name.endswith(".csv"):
            path.write_text(",".join(row) + "\n" + ",".join(str(cell) for cell in row.values()) + "\n")
        else:
            path.write_text(json.dumps(row) if name.endswith(".json") else yaml.safe_dump(row))
        return str(path)

    return write


@pytest.fixture
def imported(tmp_path):
    """Import a configuration given as a dict; further arguments replace its keys."""

    def read(config, **changes):
        path = tmp_path / "a-model.json"
        path.write_text(json.dumps(config | changes))
        return import_config(path)

    return read


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Run a command that must refuse, in a folder of its own; returns its sentence, once nothing was written."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        before, started = sorted(tmp_path.rglob("*")), time.monotonic()
        code = run(*arguments)
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), arguments
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert len(err) < 2500
        assert "Traceback" not in err
        assert sorted(tmp_path.rglob("*")) == before
        assert time.monotonic() - started < 10
        return err

    return call
