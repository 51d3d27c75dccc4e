"""Every page of the built book, opened from the file system with the network refused: light, dark, phone, paper."""

import re
from statistics import median
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from analysis.render.style import SETTINGS
from tests.browser.budgets import LETTERS, PAINT

UPSTREAM = {  # findings in markup that packages write and that neither our text nor our configuration reaches
    ("references.html", "aria-required-children"): "sphinxcontrib-bibtex writes a list without list items",
    ("prf-prf.html", "color-contrast"): "sphinx-proof's index, which no page links to",
}


@pytest.fixture(scope="module")
def reports(node, book, pages):
    found = node("pages.js", str(book), given=pages)
    return {report["name"]: report for report in found}


def every(reports, of):
    """What `of` finds on each page, pages where it finds nothing left out."""
    return {name: found for name, report in reports.items() if (found := of(report))}


def test_no_page_asks_the_network_for_anything(reports):
    assert not every(reports, lambda report: report["requests"])


def test_no_script_fails(reports):
    assert not every(reports, lambda report: report["errors"])


def test_every_formula_is_drawn(reports, book):
    drawn = every(reports, lambda report: report["formulas"] != report["rendered"] or report["faulty"])
    assert not drawn
    for name, report in reports.items():
        written = re.findall(r'class="math notranslate', (book / name).read_text())
        assert report["formulas"] == len(written), name
    assert sum(report["formulas"] for report in reports.values()) > 100


def test_every_image_is_there_and_has_a_text(reports):
    assert not every(reports, lambda report: report["broken"])
    assert not every(reports, lambda report: report["unnamed"])


def test_no_page_is_wider_than_a_phone(reports):
    assert not every(reports, lambda report: max(0, report["overflow"]))


SMALLEST = SETTINGS["font.size"] * 96 / 72  # pixels of a figure's smallest letters as drawn (tests/render holds them)


def faulty(reports, where, wrong):
    """Figures by page, at one size of the window, that are `wrong`."""
    return every(reports, lambda report: [each for each in report["figures"][where] if wrong(each)])


def test_every_figure_is_seen_on_one_screen(reports, measured):
    heights = [each["high"] for report in reports.values() for each in report["figures"]["screen"]]
    assert len(heights) > 100
    measured("the tallest figure, of a screen's height", max(heights), 1)
    assert not faulty(reports, "screen", lambda each: each["high"] > 0.95 or each["cut"])


def test_letters_of_figures_are_legible_on_a_phone(reports, measured):
    letters = [each["scale"] * SMALLEST for report in reports.values() for each in report["figures"]["phone"]]
    measured("smallest letters of a figure on a phone [pixels]", min(letters), LETTERS)
    assert not faulty(reports, "phone", lambda each: each["scale"] * SMALLEST < LETTERS)


def test_a_figure_wider_than_a_phone_scrolls_in_its_box_and_says_so(reports):
    assert faulty(reports, "phone", lambda each: each["scrolls"])
    assert not faulty(reports, "phone", lambda each: each["cut"] != each["scrolls"] or each["cut"] != each["hint"])
    assert not faulty(reports, "screen", lambda each: each["hint"])


def test_the_largest_content_of_every_page_is_soon_visible(reports, measured):
    times = {name: report["paint"] for name, report in reports.items()}
    slowest = max(times, key=times.get)
    measured("largest content visible, median page [ms]", median(times.values()), PAINT)
    measured(f"largest content visible, slowest page, {slowest} [ms]", times[slowest], PAINT)
    assert times[slowest] <= PAINT


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("what", ["furniture", "closed", "cut", "pale"])
def test_paper_shows_all_of_the_text_and_nothing_else(reports, what, mode):
    """No navigation, nothing folded or cut off at the margin, text dark enough for white paper in either mode."""
    assert not every(reports, lambda report: report["printed"][mode][what])


@pytest.mark.parametrize("mode", ["light", "dark", "phone"])
def test_axe_finds_nothing_serious(reports, mode):
    found = {name: report["axe"][mode] for name, report in reports.items()}
    unnamed = {(name, each["id"]): each for name, findings in found.items() for each in findings}
    assert not {place: each for place, each in unnamed.items() if place not in UPSTREAM}


def test_links_inside_the_book_lead_somewhere(reports, book):
    dangling = []
    for name, report in reports.items():
        for link in report["links"]:
            if link.startswith("file:") and not _leads_somewhere(link, reports, book):
                dangling.append((name, link))
    assert not dangling


def _leads_somewhere(link: str, reports, book) -> bool:
    address, fragment = urldefrag(link)
    path = unquote(urlsplit(address).path)
    name = path.removeprefix(f"{book}/")
    known = not fragment or name not in reports or unquote(fragment) in reports[name]["ids"]
    return (book / name).exists() and known
