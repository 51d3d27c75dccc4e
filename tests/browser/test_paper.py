"""What comes out of a printer: the study on one sheet, and the whole book as `make pdf` prints it."""

import re
from urllib.parse import unquote, urldefrag

import pytest

from analysis.book.places import BOOK
from analysis.tools.pdf import book_printed, browser, pages, printed, single_page, starts


@pytest.fixture(scope="module")
def single(book):
    """The page that holds every chapter."""
    return single_page(BOOK)


@pytest.fixture(scope="module")
def report(node, single):
    return node("paper.js", str(single.parent), single.name)


@pytest.fixture(scope="module")
def pdf(single, tmp_path_factory):
    return book_printed(single, tmp_path_factory.mktemp("pdf") / "study.pdf", browser()).read_bytes()


def test_the_study_on_one_page_is_one_sheet(book, tmp_path):
    sheet = printed(book / "onepage.html", tmp_path / "one.pdf", browser())
    assert pages(sheet.read_bytes()) == 1


def test_the_single_page_is_complete(report, single):
    assert not report["requests"]
    assert not report["errors"]
    assert not report["broken"]
    assert not report["complaints"]
    written = re.findall(r'class="math notranslate', single.read_text())
    assert report["rendered"] == report["formulas"] == len(written) > 300
    assert report["faulty"] == 0
    assert len(report["titles"]) > 40, "a chapter, a notebook, or a page of reference each"


@pytest.mark.parametrize("what", ["furniture", "closed", "cut", "pale"])
def test_paper_shows_all_of_the_text_and_nothing_else(report, what):
    """Code lines and tables end within the margin, what folds is open."""
    assert not report[what]


def test_links_stay_within_the_page_or_lead_to_the_network(report, single):
    inside = [unquote(urldefrag(link)[1]) for link in report["links"] if link.startswith(single.as_uri())]
    assert len(inside) > 500
    assert not set(inside) - set(report["ids"])
    assert not [link for link in report["links"] if link.startswith("file:") and not link.startswith(single.as_uri())]


def test_the_explorer_is_in_its_first_state(report):
    numbers = [text for text in report["explorer"] if re.search(r"\d", text)]
    assert len(numbers) > 30
    assert not [text for text in report["explorer"] if "NaN" in text or "undefined" in text]


def test_the_pdf_has_every_chapter_in_its_outline(pdf, report, measured):
    measured("pages of the printed book", pages(pdf), 600)
    measured("the printed book [MB]", len(pdf) / 1e6, 25)
    assert 200 < pages(pdf) < 600
    assert len(pdf) < 25e6
    assert b"file:" not in pdf, "a link to the place where it was printed"
    outline = {bare(title) for title in re.findall(rb"/Title (\(.*?\)|<[0-9A-Fa-f]+>)\n/Dest", pdf, flags=re.S)}
    assert {bare(title.encode("utf-16-be")) for title in report["titles"]} <= outline


def test_the_contents_say_on_which_page_each_chapter_begins(pdf, single):
    """The numbers, read off the first printing, are those of the second."""
    said = re.findall(r'href="#(document-[^"]+)" data-page="(\d+)">(.*?)</a>', single.read_text())
    numbers = [int(number) for _, number, _ in said]
    half = len(said) // 2  # the theme has the contents twice: before the text, and in the bar that paper leaves out
    assert half > 40
    assert said[:half] == said[half:]
    assert numbers[:half] == sorted(numbers[:half])
    places = starts(pdf)
    assert {anchor: int(number) for anchor, number, _ in said} == {anchor: places[anchor] for anchor, *_ in said}


def bare(title: bytes) -> str:
    """The letters and digits of a title, as text or as UTF-16 in hexadecimal digits: line breaks lose spaces."""
    if title.startswith(b"<"):
        title = bytes.fromhex(title[1:-1].decode())
    elif title.startswith(b"("):
        title = title[1:-1].decode("latin-1").encode("utf-16-be")
    return re.sub(r"\W", "", title.decode("utf-16-be").lstrip("\ufeff"))
