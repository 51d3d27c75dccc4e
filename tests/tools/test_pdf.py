"""The PDF: what is printed from where, and what is said where nothing can be printed.

A script stands in for the browser here; tests/browser/test_paper.py prints with a real one.
"""

import stat
import sys
from types import SimpleNamespace

import pytest

from analysis.book.places import Place
from analysis.files import exits
from analysis.files.errors import InputError
from analysis.tools import pdf

PRINTS = """
import pathlib, sys
page, = [each for each in sys.argv if each.startswith("file:")]
target, = [each.partition("=")[2] for each in sys.argv if each.startswith("--print-to-pdf=")]
sheets = "1 0 obj <</Type /Pages>> 4 0 obj <</Type /Page>> 7 0 obj <</Type /Page>>"
pathlib.Path(target).write_text(f"%PDF of {page} {sheets}")
"""
FAILS = "import sys; sys.exit('no display')"


@pytest.fixture
def browser(tmp_path):
    """Make a browser of a script."""

    def make(script):
        path = tmp_path / "browser"
        path.write_text(f"#!{sys.executable}\n{script}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture
def built(tmp_path, monkeypatch, browser):
    """A book of one page, built in no time; what was built is noted."""
    asked = []
    home = tmp_path / "home"
    monkeypatch.setenv("CHROMIUM", browser(PRINTS))
    monkeypatch.setattr(pdf, "build", lambda jobs: asked.append(jobs))
    monkeypatch.setattr(pdf, "BOOK", Place(home))

    def page(place, builder):
        made = place.made / builder
        made.mkdir(parents=True)
        (made / "index.html").write_text('<a href="a.html">A</a> <i id="document-a"></i>')
        return made

    monkeypatch.setattr(pdf, "jupyter_book", page)
    return SimpleNamespace(home=home, asked=asked)


def test_the_book_is_built_first_and_printed_beside_itself(built, capsys):
    assert exits.run(pdf.main, "pdf", ["--jobs", "3"]) == 0
    assert built.asked == [3]
    text = (built.home / "study.pdf").read_text()
    assert text.startswith(f"%PDF of {(built.home / '_build' / 'singlehtml' / 'index.html').as_uri()}")
    assert capsys.readouterr().out.startswith(f"pdf: {built.home / 'study.pdf'} (2 pages, ")
    assert [path.name for path in built.home.glob("tmp*")] == []
    assert 'href="#document-a">A' in (built.home / "_build" / "singlehtml" / "index.html").read_text()


def test_without_a_browser_nothing_is_built(built, monkeypatch, capsys):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    monkeypatch.setenv("PATH", "")
    assert exits.run(pdf.main, "pdf", []) == 2
    assert capsys.readouterr().err == (
        "error: found no Chromium; install it (on Debian: apt install chromium) or set CHROMIUM to one.\n"
    )
    assert built.asked == []


def test_an_earlier_pdf_survives_a_browser_that_fails(tmp_path, browser):
    earlier = tmp_path / "study.pdf"
    earlier.write_bytes(b"earlier")
    with pytest.raises(InputError, match="Chromium printed nothing: no display"):
        pdf.printed(tmp_path / "index.html", earlier, browser(FAILS))
    assert earlier.read_bytes() == b"earlier"
