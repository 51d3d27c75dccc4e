"""The files that results depend on, their fingerprint, locks, and writing that leaves unchanged files alone."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
NOTEBOOKS = ROOT / "book" / "notebooks"


def notebooks() -> list[Path]:
    """The book's notebooks, by name."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def inputs(*places: str) -> list[Path]:
    """List the files at or under `places` (relative to the repository), sorted, without caches and hidden files.

    >>> [path.name for path in inputs("analysis/files/errors.py")]
    ['errors.py']
    """
    found = {path for place in places for path in _under(ROOT / place) if path.is_file()}
    return sorted(path for path in found if not _ignored(path.relative_to(ROOT)))


def _under(path: Path) -> Iterable[Path]:
    return path.rglob("*") if path.is_dir() else [path]


def _ignored(path: Path) -> bool:
    return path.suffix == ".pyc" or any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def fingerprint(paths: Iterable[Path], *more: str) -> str:
    """Hash the names and contents of `paths`, and the strings `more`; any change in either gives another hash."""
    digest = hashlib.sha256()
    for path in paths:
        name, content = os.path.relpath(path, ROOT).encode(), path.read_bytes()
        digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    for text in more:
        digest.update(b"%d " % len(text.encode()) + text.encode())
    return digest.hexdigest()


@contextmanager
def in_one_step(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its name once the block has ended well, and goes if it has not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)  # mkstemp's 0600 would hide the book from a web server, a result from others
        os.replace(name, path)
    finally:  # a full disk leaves nothing behind
        Path(name).unlink(missing_ok=True)


def write(path: Path, content: bytes) -> bool:
    """Put `content` at `path` in one step, unless it is there already; return whether anything was written.

    An interrupted run leaves the old file or the new one, never half of it, and a file that would not change
    keeps its time, so that Sphinx does not read it again.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with in_one_step(path) as part:
        part.write_bytes(content)
    return True


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file `path`; says whether it is held, which it always is for who would `wait` for another process.

    The system lets go of a lock when its process ends, however that comes about, so none is ever stale. The file stays.
    """
    import fcntl  # which Windows lacks, and most commands can do without

    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = path.open("a")
        except FileNotFoundError:  # its folder went in between
            continue
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            if _same(lock.fileno(), path):
                yield True
                return


def _same(handle: int, path: Path) -> bool:
    """Whether an open file still stands at its path: who held it before may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def mirror(folder: Path, contents: Mapping[str, bytes]) -> int:
    """Make `folder` hold exactly `contents` (relative name to bytes) and its hidden files, as a `.git` may lie there;
    return how many files changed or went.
    """
    wanted = {folder / name: content for name, content in contents.items()}
    found = [path for path in folder.rglob("*") if path.is_file() and path not in wanted]
    stale = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    for path in stale:
        path.unlink()
    return len(stale) + sum(write(path, content) for path, content in wanted.items())
