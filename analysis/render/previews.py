"""What a preview shows for a link into the book, taken from the built pages: a script that pages load when needed."""

import json
from collections.abc import Iterable, Mapping
from copy import copy
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag

ROWS = 6  # of a table, its head counted
CHARACTERS = 420  # of a caption or a paragraph
SYMBOLS, CITATIONS, TERMS = "notation.html", "references.html", "glossary.html"


def previews_script(html: Path, entries: Iterable[Mapping]) -> str:
    """A classic script that gives the pages `studyPreviews`."""
    shown = json.dumps(previews(html, entries), ensure_ascii=False, indent=0)
    return f'"use strict";\nvar studyPreviews = {shown};\n'


def previews(html: Path, entries: Iterable[Mapping]) -> dict[str, str]:
    """A fragment of HTML for page and anchor of each result, symbol, term and reference of the book built at `html`."""
    pages = _pages(html)
    found = {entry["place"]: _result(pages, entry) for entry in entries}
    found |= {f"{SYMBOLS}#{each['id']}": _symbol(each) for each in pages(SYMBOLS).select("td [id^=symbol-]")}
    found |= {f"{TERMS}#{each['id']}": _term(each) for each in pages(TERMS).select("dt[id^=term-]")}
    found |= {f"{CITATIONS}#{each['id']}": _plain(each) for each in pages(CITATIONS).select("div.citation[id]")}
    return {place: shown for place, shown in sorted(found.items()) if shown}


def _pages(html: Path):
    @cache
    def page(name: str) -> BeautifulSoup:
        path = html / name
        return BeautifulSoup(path.read_text(encoding="utf-8") if path.is_file() else "", "html.parser")

    return page


def _result(pages, entry: Mapping) -> str:
    page, _, anchor = entry["place"].partition("#")
    tag = pages(page).find(id=anchor)
    if tag is None:
        return ""
    return {"equation": _plain, "figure": _figure, "table": _table, "proposition": _plain}[entry["kind"]](tag)


def _symbol(anchor: Tag) -> str:
    """A symbol's row in the table of symbols, as a sentence."""
    symbol, name, meaning, unit = (_inner(cell) for cell in anchor.find_parent("tr").find_all("td")[:4])
    return f"<p>{symbol} ({name}): {meaning}{f', in {unit}' if unit.strip('–') else ''}</p>"


def _term(term: Tag) -> str:
    meaning = term.find_next("dd")
    return f"<p><strong>{_text(term)}</strong></p>{_inner(meaning)}" if meaning else ""


def _inner(tag: Tag) -> str:
    """The content of a cell or a definition, a single paragraph without its tag."""
    kept = BeautifulSoup(_plain(tag), "html.parser").find(tag.name)
    paragraphs = kept.find_all("p")
    return (paragraphs[0] if len(paragraphs) == 1 else kept).decode_contents().strip()


def _figure(tag: Tag) -> str:
    image, caption = tag.find("img"), tag.find("figcaption")
    shown = f'<img src="{image["src"]}" alt="">' if image else ""
    return f"{shown}<p>{_shortened(_text(caption))}</p>" if caption else shown


def _table(tag: Tag) -> str:
    """The caption and the first rows, and how many more there are."""
    kept = copy(tag)
    rows = kept.find_all("tr")
    for row in rows[ROWS:]:
        row.decompose()
    more = len(rows) - ROWS
    return _plain(kept) + (f"<p>and {more} more rows</p>" if more > 0 else "")


def _plain(tag: Tag) -> str:
    """A piece of a page without what can be followed, folded, named or focused."""
    kept = BeautifulSoup(str(tag), "html.parser")
    for part in kept.select("a.headerlink, script, details, button, .cite, span.eqno, .backrefs"):
        part.decompose()
    for part in kept.find_all("a"):
        part.unwrap()
    for part in kept.find_all(True):
        part.attrs = {key: value for key, value in part.attrs.items() if key in ("class", "src", "alt", "scope")}
    return " ".join(str(kept).split()) if tag.name != "div" or "math" not in tag.get("class", ()) else str(kept).strip()


def _text(tag: Tag) -> str:
    kept = BeautifulSoup(str(tag), "html.parser")
    for part in kept.select("a.headerlink"):
        part.decompose()
    return " ".join(kept.get_text().split()).partition(" (Computed by ")[0]


def _shortened(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return escaped if len(escaped) <= CHARACTERS else escaped[:CHARACTERS].rsplit(" ", 1)[0] + " …"
