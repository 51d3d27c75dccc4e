"""Fixtures of the tests of what a reader brings."""

import json

import pytest
import yaml


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
