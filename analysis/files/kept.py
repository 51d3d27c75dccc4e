"""What takes long to make, kept as data between processes: whole or not at all, and made again where it is damaged.

The folder may be deleted at any time, and where it cannot be written nothing is kept. Entries are JSON behind the
digest of their text: nothing in them is ever run.
"""

import itertools
import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from analysis.files.whole import BUILD, fingerprint, inputs, write

FOLDER = BUILD / "kept"
STUDY = ("analysis", "data", "requirements.lock")
"""Sources of what depends on all code and rows."""

MISSING = object()
MOST_ENTRIES, LARGEST_ENTRY = 8000, 2**16
"""Entries, and bytes of one: the older half goes when there are more, and what is larger is not kept."""
EACH = 100
"""Entries that a process writes from one count of them to the next: listing thousands takes longer than writing one."""
_WRITTEN = itertools.count()


def kept(key: str, make: Callable[[], object], *sources: str):
    """What `make` makes, a value that JSON can hold, made once for each `key`: a text that holds all it depends on.

    Besides, it depends on its maker: the code in `sources`, files of the repository.
    """
    found = look(key, *sources)
    return keep(key, make(), *sources) if found is MISSING else found


def look(key: str, *sources: str):
    """What is kept under a key; MISSING where nothing is, or what is there is damaged."""
    try:
        digest, _, text = _path(key, sources).read_text(encoding="utf-8").partition("\n")
        return json.loads(text) if digest == _digest(text) else MISSING
    except (OSError, UnicodeDecodeError):
        return MISSING


def keep(key: str, value: object, *sources: str):
    """Keep a value under a key, in place of what is there; the value as it will be found."""
    text = json.dumps(value)
    if len(text) <= LARGEST_ENTRY:
        with suppress(OSError):
            write(_path(key, sources), f"{_digest(text)}\n{text}".encode())
            if next(_WRITTEN) % EACH == 0:
                _shorten()
    return json.loads(text)


def _path(key: str, sources: tuple[str, ...]) -> Path:
    return FOLDER / f"{_digest(f'{_code(sources)} {key}')}.json"


@cache
def _code(sources: tuple[str, ...]) -> str:
    return fingerprint(inputs(*sources))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _shorten() -> None:
    """Remove the older half of the entries where there are too many."""
    if len(os.listdir(FOLDER)) > MOST_ENTRIES:
        oldest = sorted(FOLDER.glob("*.json"), key=_written)
        for path in oldest[: len(oldest) // 2]:
            path.unlink(missing_ok=True)


def _written(path: Path) -> float:
    """When an entry was written; 0 for one that another process removed."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
