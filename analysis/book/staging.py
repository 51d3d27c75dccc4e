"""What Sphinx gets: pages rendered from their templates, figures, notebooks, files made for the browser.

A page of book/ is rendered again where its own text has changed, and all are where anything else has: code, data, a
notebook. What is kept for that is each page's text and results, under a fingerprint of everything that is no page.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.book import head_values
from analysis.book.executed import as_page, collect
from analysis.book.places import Place
from analysis.files.errors import InputError
from analysis.files.whole import ROOT, fingerprint, inputs, mirror, write

BOOK = ROOT / "book"
TUTORIAL = BOOK / "tutorial.ipynb"
LAST = ("cite.md", "results.md")  # pages that speak of what all others hold
SOURCES = ("book", "analysis", "data", "_config.yml", "requirements.lock", "CITATION.cff")
OUTLINE = re.compile(r"^ *(?:#|[:`]{3,}|:[\w-]+:|\([\w-]+\)=).*$|\{cite[\w:]*\}`[^`]*`|\{#[\w-]+\}", flags=re.M)
"""Of a page, all that another page can show: headings, labels, captions, options, and what the bibliography lists."""


def stage(place: Place, executed: list[Path]) -> str:
    """Put the book's sources where Sphinx reads them; return what all pages share, as a hash: where it is the same as
    before, only pages whose own text has changed look different."""
    state = fingerprint([path for path in inputs(*SOURCES) if not _is_page(path)], sys.version)
    kept = json.loads(place.kept.read_text(encoding="utf-8")) if place.kept.is_file() else {}
    kept = kept if kept.get("state") == state else {"state": state, "pages": {}}
    files = staged(executed, kept)
    mirror(place.stage, files)
    write(place.kept, json.dumps(kept).encode())
    outlines = (f"{name} {OUTLINE.findall(text.decode())}" for name, text in files.items() if name.endswith(".md"))
    shared = (files[name].decode() for name in ("glossary.md", "_assets/derivations.json"))
    return fingerprint([], state, *sorted(outlines), *shared)


def _is_page(path: Path) -> bool:
    return path.suffix == ".md" and path.is_relative_to(BOOK)


def staged(executed: list[Path], kept: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of the book as Sphinx gets them: name relative to the stage, to content.

    `kept` has the pages of an earlier build of the same code and data, and gets those of this one.
    """
    from analysis.book.citing import entries  # sympy and all, spared where nothing has changed
    from analysis.book.citing.citing_words import words
    from analysis.book.citing.labels import drawing_functions
    from analysis.book.page import FIGURES, template_functions
    from analysis.book.reference import code_files
    from analysis.render import explorer
    from analysis.render.printed import Origin, recording

    figures, notes = collect(executed)
    drawn = {label: (path.stem, name) for path in executed for label, name in drawing_functions(path).items()}
    names = template_functions(figures, notes, drawn)
    sources = {path.relative_to(BOOK).as_posix(): path for path in inputs("book")}
    chapters = {name: path for name, path in sources.items() if _is_page(path)}

    def page(name: str) -> dict[str, Any]:
        digest, before = fingerprint([chapters[name]]), kept["pages"].get(name, {})
        if before.get("source") == digest:
            return before
        origins: dict[str, Origin] = {}
        text = render(chapters[name], recording(names, origins))
        return {"source": digest, "text": text, "results": entries.of_page(name, text, origins, drawn)}

    kept["pages"] = {name: page(name) for name in sorted(chapters) if name not in LAST}
    if "explorer" not in kept:
        kept["explorer"] = explorer.script()
    pages = {name: each["text"] for name, each in kept["pages"].items()}
    found = entries.joined(entry for each in kept["pages"].values() for entry in each["results"])
    last = names | words(found, pages)
    pages |= {name: render(chapters[name], last) for name in LAST}
    files = {_page_of(path): as_page(path, FIGURES) for path in executed} | code_files()
    for label, (_, shown) in figures.items():
        files[f"{FIGURES}/{label}.svg"] = shown.svg.encode()
        if shown.csv:
            files[f"{FIGURES}/{label}.csv"] = shown.csv.encode()
    files |= {name: path.read_bytes() for name, path in sources.items() if path.suffix not in (".md", ".ipynb")}
    files |= {name: text.encode() for name, text in pages.items()} | entries.generated_files(found)
    return files | {explorer.GENERATED: kept["explorer"].encode()}


def _page_of(executed: Path) -> str:
    return executed.name if executed.name == TUTORIAL.name else f"notebooks/{executed.name}"


def render(page: Path, names: Mapping[str, Any]) -> str:
    """Render the page, in which `names` are known; raises InputError with the page and line."""
    try:
        return head_values.resolved(head_values.parsed(page.read_text(encoding="utf-8")), names)
    except head_values.PageError as error:
        raise InputError(f"{os.path.relpath(page, ROOT)}, line {error.line}: {error}") from error
