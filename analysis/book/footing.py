"""The foot of every page: who, which version of which day, and what computed the page.

The day is that of the sources, from CITATION.cff, so that two builds of the same sources are the same.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from html import escape

from analysis.book.citing.code import study


def day(given: date | str) -> str:
    """A day in words.

    >>> day("2026-11-23")
    '23 November 2026'
    """
    found = date.fromisoformat(str(given))
    return f"{found.day} {found:%B %Y}"


def foot(page: str, entries: Iterable[Mapping], link: Callable[[str], str], root: str) -> str:
    """The foot of a page in HTML.

    `entries` are the results of the page, `link` gives the address of a name (or nothing), `root` leads to the book.
    """
    about = study()
    authors = " and ".join(author["name"] for author in about["authors"])
    said = f"{authors}. Version {about['version']}, {day(about['date-released'])}."
    return f"<p>{escape(said)}</p>{_computed(page, list(entries), link, root)}"


def _computed(page: str, entries: list[Mapping], link: Callable[[str], str], root: str) -> str:
    books = dict.fromkeys(entry["notebook"] for entry in entries if entry.get("notebook"))
    names = dict.fromkeys(entry["python"] for entry in entries if entry.get("python"))
    lines = [f'<a href="{root}{escape(book)}">notebook {escape(_stem(book))}</a>' for book in books]
    lines += [_named(name, link(name)) for name in names]
    if not lines:
        return ""
    items = "".join(f"<li>{line}</li>" for line in lines)
    text = f"its text, <code>book/{escape(page)}.md</code>,"
    again = f'<a href="{root}rerun.html">computing it again</a>'
    summary = "<summary>How this page was computed</summary>"
    return f'<details class="computed">{summary}<ul>{items}</ul><p>See also {text} and {again}.</p></details>'


def _stem(book: str) -> str:
    return book.rpartition("/")[2].removesuffix(".html")


def _named(name: str, address: str) -> str:
    module, _, short = name.rpartition(".")
    shown = f"<code>{escape(short)}</code>"
    return f'<a href="{escape(address)}">{shown}</a>' if address else f"{shown} of <code>{escape(module)}</code>"
