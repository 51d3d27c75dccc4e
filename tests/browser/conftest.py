"""Tests that need node (and, for the pages, a browser): `make test-browser`."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from analysis.render.explorer import script

HERE = Path(__file__).parent
NO_PAGE = re.compile(r"^(_static|_sources|_downloads|_images)/|^genindex|^reports/")
MEASURED = pytest.StashKey[list]()


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """Run a script of this folder under node, its last argument a file with `given`; return the JSON that it prints."""

    def run(script: str, *arguments: str, given=None):
        passed = tmp_path_factory.mktemp("node") / "given.json"
        passed.write_text(json.dumps(given))
        command = ["node", str(HERE / script), *arguments, str(passed)]
        done = subprocess.run(command, text=True, capture_output=True, timeout=900)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def book():
    """The built book."""
    built = HERE.parents[1] / "_build" / "html"
    assert (built / "index.html").is_file(), "no book: run `make book` first"
    return built


@pytest.fixture(scope="session")
def pages(book):
    """Names of the pages that readers open, relative to the book."""
    names = sorted(path.relative_to(book).as_posix() for path in book.rglob("*.html"))
    names = [name for name in names if not NO_PAGE.match(name)]
    assert len(names) > 50
    return names


@pytest.fixture(scope="session")
def report(node, book):
    """What was found while the explorer and the search were used as a reader would."""
    return node("interact.js", str(book))


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """The explorer's generated script, as the book stages it."""
    path = tmp_path_factory.mktemp("study") / "study.js"
    path.write_text(script())
    return str(path)


@pytest.fixture(scope="session")
def measured(pytestconfig):
    """Keep a measured value and its budget, to be printed when the tests are over."""
    return lambda *line: pytestconfig.stash.setdefault(MEASURED, []).append(line)


def pytest_terminal_summary(terminalreporter, config):
    """Print what was measured against each budget."""
    lines = config.stash.get(MEASURED, [])
    if lines:
        terminalreporter.section("measured, and allowed")
    for what, value, allowed in lines:
        terminalreporter.write_line(f"{what:<58} {value:>12,.4g} of {allowed:,}")
