"""Text of a file that a reader brings: bounded, regular, UTF-8, or refused by one sentence."""

import os
from pathlib import Path

from analysis.files.errors import InputError

YAML_BYTES = 64 * 1024  # a row or a grid is a page; the YAML parser takes seconds per megabyte
JSON_BYTES = 4 * 1024 * 1024
CSV_BYTES = 4 * 1024 * 1024
SHOWN = 60
SUFFIXES = (".yml", ".yaml", ".csv", ".json")  # of files that hold a row


def shown(found) -> str:
    """What a reader typed, in ASCII and cut to one line, so that look-alike letters and control codes show.

    >>> shown("d_\\u0435mb")
    "'d_\\\\u0435mb'"
    """
    text = ascii(found if isinstance(found, str | int | float | bool | None) else str(found)[: 2 * SHOWN])
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def place(path) -> str:
    """Where a refusal happened: the end of a path, which says more than its beginning.

    >>> place("/a/very/long/path/" * 9 + "mine.yml")
    '...ng/path//a/very/long/path//a/very/long/path/mine.yml'
    """
    text = ascii(str(path))[1:-1]
    return text if len(text) <= SHOWN else f"...{text[-SHOWN + 8 :]}"


def is_path(name) -> bool:
    """Whether a row is named by a file of its own rather than by an id.

    >>> is_path("./mine.yml"), is_path("llama-3.1-8b")
    (True, False)
    """
    return str(name).lower().endswith(SUFFIXES) or "/" in str(name) or "\\" in str(name)


def refuse_no_text(path) -> None:
    """Raise InputError for a name whose bytes are no text, which Arrow cannot open."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"{place(path)}: found a name that is not UTF-8, allowed is text; rename it.") from None


def read_text(path: Path, most: int) -> str:
    """The text of a regular file of at most `most` bytes.

    Raises InputError for a path that is no such file, and for a file that is too large, empty, binary, or not UTF-8.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would make us wait
        raise InputError(f"{place(path)}: found something that is no file, allowed is a text file; correct the path.")
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as failure:
        why = (getattr(failure, "strerror", None) or "a name that is no text").lower()
        raise InputError(
            f"{place(path)}: found no readable file ({why}), allowed is a text file; correct the path."
        ) from None
    if len(content) > most:
        raise InputError(
            f"{place(path)}: found a file of more than {most // 1024} KiB, "
            f"allowed are {most // 1024} KiB; give a file of this kind and no data dump."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise InputError(
            f"{place(path)}: found a byte that is not UTF-8 at position {failure.start}, "
            "allowed is UTF-8 text; save the file as UTF-8."
        ) from None
    if "\0" in text:
        raise InputError(f"{place(path)}: found a NUL character, allowed is plain text; give a text file.")
    if not text.strip():
        raise InputError(f"{place(path)}: found an empty file, allowed is a filled one; write it or name another.")
    return text
