"""The file of derivations in the built book: every published label, each at the place that it names."""

import importlib
import json
from functools import cache
from urllib.parse import urldefrag

import pytest
from bs4 import BeautifulSoup

from analysis.files.whole import ROOT
from analysis.tools import readme


@pytest.fixture(scope="module")
def results(book):
    return json.loads((book / "_static" / "derivations.json").read_text())["results"]


def test_every_published_label_is_in_the_book(results):
    frozen = (ROOT / "tests" / "book" / "labels.txt").read_text().split()
    labels = [entry["label"] for entry in results]
    assert set(frozen) <= set(labels)
    assert len(labels) == len(set(labels))


def test_every_place_exists(results, book):
    for entry in results:
        page, _, anchor = entry["place"].partition("#")
        assert f'id="{anchor}"' in (book / page).read_text(), entry["label"]


def test_every_result_has_its_fold_beside_it(results, book):
    for entry in results:
        page = (book / entry["place"].partition("#")[0]).read_text()
        assert page.count(f'<details class="cite" data-label="{entry["label"]}">') == (entry["kind"] != "section")


def test_figures_lead_to_their_notebooks_and_numbers(results, book):
    figures = [entry for entry in results if entry["kind"] == "figure"]
    assert len(figures) > 30
    for entry in figures:
        assert (book / entry["notebook"]).is_file(), entry["label"]
        assert (book / entry["data"]).is_file(), entry["label"]
        assert importable(entry["python"])


def test_the_caption_of_every_figure_links_to_its_notebook_function_and_numbers(results, book):
    """And the page on the function opens its source."""
    for entry in (entry for entry in results if entry["kind"] == "figure"):
        caption = figure_of(entry, book).find("figcaption")
        links = {urldefrag(link["href"]): link for link in caption.find_all("a", href=True)}
        assert (entry["notebook"], "") in links, entry["label"]
        assert (entry["data"], "") in links, entry["label"]
        reference = book / links[("reference/render.html", entry["python"])]["href"].partition("#")[0]
        (signature,) = soup(reference).select(f'dt[id="{entry["python"]}"]')
        source = reference.parent / signature.select_one("a.viewcode-link")["href"]
        assert f"\ndef {entry['python'].rpartition('.')[2]}(" in source.read_text(), entry["label"]


def test_the_readme_shows_the_figure_of_the_book(results, book):
    """`make readme` copies it, with its words."""
    entry = next(entry for entry in results if entry["label"] == readme.FIGURE_LABEL)
    assert f"![{entry['alt']}](" in readme.README.read_text()
    assert readme.FIGURE.read_bytes() == (book / "_images" / f"{readme.FIGURE_LABEL}.svg").read_bytes()


def test_tables_name_the_function_that_prints_them_or_are_written_by_hand(results):
    tables = [entry for entry in results if entry["kind"] == "table"]
    assert {entry["label"] for entry in tables if not entry["python"]} == {"tab-omissions"}
    assert all(importable(entry["python"]) for entry in tables if entry["python"])


def test_propositions_carry_their_proofs(results):
    propositions = {entry["label"]: entry for entry in results if entry["kind"] == "proposition"}
    assert {label for label, entry in propositions.items() if not entry["proof"]} == {"prop-reordering"}
    for entry in propositions.values():
        assert all(entry[name] for name in ("title", "statement", "latex", "python", "paper", "bibtex", "version"))
        assert not entry["proof"] or all(form["srepr"] and form["unit"] for form in entry["forms"])


@cache
def soup(page):
    return BeautifulSoup(page.read_text(), "html.parser")


def figure_of(entry, book):
    page, _, anchor = entry["place"].partition("#")
    return soup(book / page).find("figure", id=anchor)


def importable(dotted):
    module, _, name = dotted.rpartition(".")
    return callable(getattr(importlib.import_module(module), name))
