"""Run the tests of the one file that a mutant changed; all tests of the package where none is changed.

python tests/mutants/try_one.py statements   (in the copy that run.py makes)
"""

import json
import sys
from pathlib import Path

import pytest
from packages import PACKAGES, hashes


def changed(tree: Path, files: tuple[str, ...]) -> list[str]:
    """The files that no longer hold what they did."""
    before = json.loads((tree / "untouched.json").read_text())
    return [path for path, now in hashes(tree, files).items() if now != before[path]]


def chosen(package: str) -> tuple[str, ...]:
    """The tests to run."""
    asked = PACKAGES[package]
    mutated = changed(Path(), asked.files)
    return asked.tests_of(mutated[0]) if mutated else asked.every_test


if __name__ == "__main__":
    sys.exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--doctest-modules", *chosen(sys.argv[1])]))
