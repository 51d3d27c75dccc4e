"""Files that a command writes for a reader: refused before any work is done, and there whole or not at all."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from analysis.files.errors import InputError, choices
from analysis.files.text import place, refuse_no_text, shown
from analysis.files.whole import in_one_step, mirror, write


def checked_output(path: Path, *endings: str) -> Path:
    """The path of an output that can be written; no file is touched.

    Raises InputError for an ending that is none of `endings`, for a name that is no text, for a folder that is missing
    or takes no file, and where a folder, a device or a pipe stands in the file's place.
    """
    if path.suffix not in endings:
        found = shown(path.suffix) if path.suffix else "no ending"
        raise InputError(f"{place(path)}: found {found}, allowed is {choices(endings)}; name the output so.")
    refuse_no_text(path)
    if not os.path.isdir(path.parent):  # not Path.is_dir, which passes on what is no path at all
        raise InputError(
            f"{place(path)}: found no folder {place(path.parent)}, allowed is an existing one; "
            "make it, or choose another output."
        )
    _refuse_what_is_no_file(path)
    _refuse_closed_folder(path, path.parent)
    return path


def refuse_foreign(path: Path, replace: bool = False, ours: Callable[[Path], bool] = lambda path: False) -> None:
    """Raise InputError for a file that is there, unless the reader asks to `replace` it or `ours` knows it as one that
    this command wrote; whatever cannot be read is not ours.
    """
    if replace or not os.path.lexists(path):
        return
    try:
        known = os.path.isfile(path) and ours(path)  # a pipe would make us wait
    except (OSError, ValueError, csv.Error):
        known = False
    if not known:
        raise InputError(
            f"{place(path)}: found another file there than this command writes, allowed is a free name; "
            "choose another output (-o), or replace it (--force)."
        )


MARK = b"made by"


def marked_by(command: str) -> dict[bytes, bytes]:
    """Metadata of a Parquet file by which the command that wrote it knows it again."""
    return {MARK: command.encode()}


def parquet_mark(path: Path) -> str:
    """The command that wrote a Parquet file; empty where it does not say. Raises ValueError for another file."""
    import pyarrow.parquet as pq  # slow to import, and seldom needed

    return (pq.read_schema(path).metadata or {}).get(MARK, b"").decode()


def csv_header(path: Path) -> list[str]:
    """The first row of a CSV file. Raises OSError, ValueError or csv.Error where it cannot be read."""
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file), [])


LISTED = ".made.txt"  # in a folder that a command filled: the names of its files, after what they are


def fill(folder: Path, what: str, contents: Mapping[str, bytes]) -> None:
    """Make `folder` hold exactly these files, and note there that they are `what`, for the next time."""
    mirror(folder, contents)
    write(folder / LISTED, "\n".join([what, *contents]).encode())


def refuse_filled(folder: Path, what: str, replace: bool = False) -> None:
    """Raise InputError for a folder that holds other files than an older `what`, unless asked to `replace` it: filling
    it would remove them.
    """
    listed = folder / LISTED
    older, *names = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else [""]
    known = names if older == what else []
    found = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    foreign = (name for name in found if name.as_posix() not in known and not name.name.startswith("."))
    if not replace and (first := next(foreign, None)):
        raise InputError(
            f"{place(folder)}: found a folder that holds other things than {what} ({place(first)}), allowed is "
            "a free name, an empty folder or an older one of the same kind; choose another output, or replace it "
            "(--force)."
        )


def refuse_input(path: Path, *given: Path) -> None:
    """Raise InputError where writing `path` would replace a file that the command reads."""
    if os.path.exists(path) and any(os.path.exists(each) and os.path.samefile(path, each) for each in given):
        raise InputError(f"{place(path)}: found the file to read, allowed is another one; choose another output.")


def checked_folder(path: Path) -> Path:
    """The path of a folder for results that is there, or can be made; it is not made yet.

    Raises InputError where something else stands in its place, or above it, and where no file can be made.
    """
    there = next((each for each in (path, *path.parents) if os.path.lexists(each)), Path(os.curdir))
    if not os.path.isdir(there):
        raise InputError(
            f"{place(path)}: found {place(there)}, which is no folder, allowed is a folder or a free name; "
            "choose another output."
        )
    _refuse_closed_folder(path, there)
    return path


def _refuse_closed_folder(path: Path, folder: Path) -> None:
    """Try it: what permissions say is not what a read-only disk, or the system's own folders, allow."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as failure:
        raise InputError(
            f"{place(path)}: found a folder {place(folder)} that takes no file "
            f"({(failure.strerror or 'unknown cause').lower()}), allowed is one to write in; choose another output."
        ) from None


def _refuse_what_is_no_file(path: Path) -> None:
    if os.path.lexists(path) and not os.path.isfile(path):
        raise InputError(
            f"{place(path)}: found something that is no file, allowed is a free name or a file; choose another output."
        )


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` that takes its name once the block has ended well, and is removed if it has not.

    Raises InputError for whatever the file system refuses.
    """
    try:
        _refuse_what_is_no_file(path)
        with in_one_step(path) as part:
            yield part
    except OSError as failure:
        raise InputError(
            f"{place(path)}: could not be written ({(failure.strerror or str(failure)).lower()}); "
            "choose another output, or make room."
        ) from None


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step. Raises InputError for whatever the file system refuses."""
    with whole(path) as part:
        part.write_bytes(content)
