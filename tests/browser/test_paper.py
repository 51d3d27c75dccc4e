"""What comes out of a printer: the study on one sheet, and the whole book as `make pdf` prints it."""

import re
from urllib.parse import unquote, urldefrag

import pytest

from analysis.book.places import BOOK
from analysis.tools.pdf import PAGE, browser, printed, single_page


@pytest.fixture(scope="module")
def single(book):
    """The page that holds every chapter."""
    return single_page(BOOK)


@pytest.fixture(scope="module")
def report(node, single):
    return node("paper.js", str(single.parent), single.name)


@pytest.fixture(scope="module")
def pdf(single, tmp_path_factory):
    return printed(single, tmp_path_factory.mktemp("pdf") / "study.pdf", browser()).read_bytes()


def test_the_study_on_one_page_is_one_sheet(book, tmp_path):
    sheet = printed(book / "onepage.html", tmp_path / "one.pdf", browser())
    assert len(PAGE.findall(sheet.read_bytes())) == 1


def test_the_single_page_is_complete(report, single):
    assert not report["requests"]
    assert not report["errors"]
    assert not report["broken"]
    assert not report["complaints"]
    written = re.findall(r'class="math notranslate', single.read_text())
    assert report["rendered"] == report["formulas"] == len(written) > 300
    assert report["faulty"] == 0
    assert len(report["titles"]) > 25, "a chapter each; notebooks and pages of reference lie below theirs"


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
    pages = len(PAGE.findall(pdf))
    measured("pages of the printed book", pages, 600)
    measured("the printed book [MB]", len(pdf) / 1e6, 50)
    assert 200 < pages < 600
    assert len(pdf) < 50e6  # a hatched cell is a picture there
    assert b"file:" not in pdf, "a link to the place where it was printed"
    outline = {bare(title) for title in re.findall(rb"/Title (\(.*?\)|<[0-9A-Fa-f]+>)\n/Dest", pdf, flags=re.S)}
    assert {bare(title.encode("utf-16-be")) for title in report["titles"]} <= outline


def bare(title: bytes) -> str:
    """The letters and digits of a title, as text or as UTF-16 in hexadecimal digits: line breaks lose spaces."""
    if title.startswith(b"<"):
        title = bytes.fromhex(title[1:-1].decode())
    elif title.startswith(b"("):
        title = title[1:-1].decode("latin-1").encode("utf-16-be")
    return re.sub(r"\W", "", title.decode("utf-16-be").lstrip("\ufeff"))
