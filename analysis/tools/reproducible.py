"""Prove that the book does not depend on where, when and by whom it is built: `make reproducible`.

The sources are copied into two folders, the book is built in each from nothing, and every file is compared: executed
notebooks and HTML. The second build gets a longer path, another home, time zone, language, and number of jobs.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from analysis.book.staging import SOURCES
from analysis.files import exits
from analysis.files.whole import ROOT, inputs, write

COMPARED = ("_build/notebooks", "_build/html")
SHOWN = 10
AROUND = 40
"""Differing files named, and bytes shown of each from the first difference on."""


def copy_sources(place: Path) -> Path:
    """Put what the book is made of, and nothing that was made of it, under `place`; return `place`."""
    for path in inputs(*SOURCES):
        write(place / path.relative_to(ROOT), path.read_bytes())
    return place


def build_at(place: Path, jobs: int, **environment: str) -> None:
    """Build the book of the sources at `place`; raises ClickException with the end of what the build says."""
    (place / "home").mkdir()
    given = os.environ | {"PYTHONPATH": str(place), "HOME": str(place / "home")} | environment
    command = [sys.executable, "-m", "analysis.book", "--jobs", str(jobs)]
    done = subprocess.run(command, cwd=place, env=given, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"the build in {place} failed: {done.stderr.strip()[-500:]}")


def built(place: Path) -> dict[str, bytes]:
    """What a build at `place` made, name to content."""
    paths = [path for folder in COMPARED for path in (place / folder).rglob("*") if path.is_file()]
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in sorted(paths)}


def differences(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """A line for each file that is in one of the two only, or not the same in both.

    >>> differences({"a": b"1 2", "b": b"", "c": b""}, {"a": b"1 3", "b": b""})
    ["a differs from byte 2 on: b'2' against b'3'", 'c is in one build only']
    """
    found = []
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            found.append(f"{name} is in one build only")
        elif one[name] != other[name]:
            found.append(f"{name} differs {_first(one[name], other[name])}")
    return found


def _first(one: bytes, other: bytes) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    at = next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
    return f"from byte {at} on: {one[at : at + AROUND]!r} against {other[at : at + AROUND]!r}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Notebooks run at once.")
def main(jobs: int) -> None:
    """Build the book twice, in two folders and settings, and compare every byte."""
    with tempfile.TemporaryDirectory(prefix="book") as folder:
        places = [Path(folder, "a"), Path(folder, "a folder with a longer name", "b")]
        for place in places:
            copy_sources(place)
        click.echo(f"building in {places[0]}")
        build_at(places[0], jobs, TZ="UTC", LANG="C.UTF-8")
        click.echo(f"building in {places[1]}")
        build_at(places[1], jobs + 1, TZ="Asia/Kathmandu", LANG="de_DE.UTF-8", LC_ALL="C")
        one, other = (built(place) for place in places)
    found = differences(one, other)
    if found:
        shown = "\n  ".join(found[:SHOWN] + ["..."] * (len(found) > SHOWN))
        click.echo(f"error: {len(found)} of {len(one.keys() | other.keys())} files differ:\n  {shown}", err=True)
        sys.exit(1)
    sizes = sum(map(len, one.values())) / 1e6
    click.echo(f"reproducible: all {len(one)} files ({sizes:.1f} MB) are the same, byte for byte, in both builds")


if __name__ == "__main__":
    sys.exit(exits.run(main, "python -m analysis.tools.reproducible"))
