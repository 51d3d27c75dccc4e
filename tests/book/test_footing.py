"""The foot of a page says who, which version of which day, and what computed the page."""

import re

import yaml
from bs4 import BeautifulSoup

from analysis.book.footing import day, foot
from analysis.files.whole import ROOT

ENTRIES = [
    {"notebook": "notebooks/memory.html", "python": "pkg.drawing.memory_figure"},
    {"notebook": "notebooks/memory.html", "python": "pkg.tables.models"},
    {"label": "sec-a"},
    {"python": "pkg.tables.models"},
]


def footed(entries, page="memory", root=""):
    return BeautifulSoup(foot(page, entries, {"pkg.tables.models": "reference/render.html#x"}.get, root), "html.parser")


def test_version_and_day_are_those_of_the_sources():
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    said = footed([]).text
    assert about["version"] in said
    assert f"{about['date-released']:%-d %B %Y}" in said
    assert day("2026-02-03") == "3 February 2026"


def test_what_computed_the_page_is_named_once_each():
    page = footed(ENTRIES, page="a/memory", root="../")
    items = page.select("details li")
    assert page.select("details p code")[0].text == "book/a/memory.md"
    assert [item.text for item in items] == ["notebook memory", "memory_figure of pkg.drawing", "models"]
    assert [link["href"] for link in page.select("a")] == [
        "../notebooks/memory.html",
        "reference/render.html#x",
        "../rerun.html",
    ]


def test_a_page_without_results_claims_none():
    assert not footed([]).find("details")
    assert len(footed([]).find_all("p")) == 1


# -- the search ------------------------------------------------------------------------------------
SCORER = (ROOT / "book" / "_assets" / "reading" / "search.js").read_text(encoding="utf-8")
FIRST = dict(re.findall(r'^  "([^"]+)": "([^"]+)",$', SCORER, flags=re.M))


def test_words_lead_to_pages_that_bear_them():
    """Sphinx lists a page only where every word of the query stands on it; templates get many of theirs later."""
    pages = {path.stem: path.read_text(encoding="utf-8").lower() for path in (ROOT / "book").glob("*.md")}
    assert len(FIRST) >= 15
    for words, page in FIRST.items():
        assert page in pages, words
    assert "ttft" in pages[FIRST["ttft"]]
