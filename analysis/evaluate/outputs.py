"""Files that a command writes for a reader: refused before any work is done, and there whole or not at all."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.errors import InputError, choices
from analysis.evaluate.own_text import place, shown


def checked_output(path: Path, *endings: str) -> Path:
    """The path of an output that can be written; no file is touched.

    Raises InputError for an ending that is none of `endings`, for a folder that is missing, and where a folder, a
    device or a pipe stands in the file's place.
    """
    if path.suffix not in endings:
        found = shown(path.suffix) if path.suffix else "no ending"
        raise InputError(f"{place(path)}: found {found}, allowed is {choices(endings)}; name the output so.")
    if not os.path.isdir(path.parent):  # not Path.is_dir, which passes on what is no path at all
        raise InputError(
            f"{place(path)}: found no folder {place(path.parent)}, allowed is an existing one; "
            "make it, or choose another output."
        )
    _refuse_what_is_no_file(path)
    return path


def _refuse_what_is_no_file(path: Path) -> None:
    try:
        there = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return
    except (OSError, ValueError):  # a name too long, a loop of links, a NUL
        there = False
    if not there:
        raise InputError(
            f"{place(path)}: found something that is no file, allowed is a free name or a file; choose another output."
        )


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` that takes its name once the block has ended well, and is removed if it has not.

    Raises InputError for whatever the file system refuses.
    """
    part = None
    try:
        _refuse_what_is_no_file(path)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        os.close(handle)
        yield Path(part)
        os.chmod(part, 0o644)  # mkstemp's 0600 would hide it from others
        os.replace(part, path)
    except OSError as failure:
        raise InputError(
            f"{place(path)}: could not be written ({(failure.strerror or str(failure)).lower()}); "
            "choose another output, or make room."
        ) from None
    finally:
        if part and os.path.exists(part):
            os.unlink(part)


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step. Raises InputError for whatever the file system refuses."""
    with whole(path) as part:
        part.write_bytes(content)
