"""The environment is stated once and followed everywhere: bounds, lock, conda file, vendored script."""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from analysis.files.whole import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BOUNDS = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]]
LOCK = (ROOT / "requirements.lock").read_text()
PINS = [Requirement(line.split("\\")[0]) for line in re.findall(r"^\S.*==.*$", LOCK, re.MULTILINE)]


def test_lock_holds_every_dependency_within_its_bounds():
    for bound in BOUNDS:
        pins = [pin for pin in PINS if pin.name == canonicalize_name(bound.name)]
        assert pins, bound
        pinned = [str(pin.specifier).removeprefix("==") for pin in pins]
        assert all(bound.specifier.contains(each, prereleases=True) for each in pinned), bound


def test_every_dependency_has_a_lower_bound():
    for bound in BOUNDS:
        assert any(clause.operator == ">=" for clause in bound.specifier), bound


def test_every_locked_package_has_a_hash():
    blocks = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)


def test_the_packages_in_use_are_the_locked_ones():
    wrong = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate():
            found = importlib.metadata.version(pin.name)
            if not pin.specifier.contains(found, prereleases=True):
                wrong[pin.name] = found
    assert wrong == {}


def test_conda_names_the_five_packages_and_installs_the_same_lock():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    named = {each.name: each for each in (Requirement(item) for item in dependencies if isinstance(item, str))}
    pip = [item["pip"] for item in dependencies if isinstance(item, dict)]
    assert set(named) == {"python", "pip", "jupyter-book", "matplotlib", "numpy", "papermill", "sympy"}
    assert all(named[bound.name].specifier == bound.specifier for bound in BOUNDS if bound.name in named)
    assert pip == [["--require-hashes", "-r requirements.lock"]]


def test_one_lowest_python_everywhere():
    lowest = re.fullmatch(r">=(3\.\d+)", PROJECT["requires-python"])[1]
    major, minor = lowest.split(".")
    assert f"python>={lowest}," in (ROOT / "environment.yml").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert f"--python-version {lowest} " in makefile
    assert f"< ({major}, {minor})" in makefile


def test_vendored_files_are_unchanged():
    folder = ROOT / "book" / "_assets" / "mathjax"
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name


def test_a_checkout_that_was_moved_makes_its_environment_again(tmp_path):
    """Its programs name the folder that they were installed in; what make itself calls goes by modules only."""
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    stamp = tmp_path / ".venv" / "installed.stamp"
    stamp.parent.mkdir()
    told = {}
    for where in (tmp_path.resolve(), "/another/place"):
        stamp.write_text(f"{where}\n")
        told[where] = subprocess.run(["make", "-n", "lint"], cwd=tmp_path, text=True, capture_output=True).stdout
    assert "pip install" not in told[tmp_path.resolve()]
    assert "pip install" in told["/another/place"]
    makefile = (ROOT / "Makefile").read_text()
    assert not re.findall(r"\$\((?:BIN|VENV\S*)\)(?:-\w+)?/(?:bin/)?(?!python\b|study\b|installed|bin\b)\w+", makefile)
