"""Citing and previews, used as a reader would: from the keyboard, from disk, and where nothing but HTML works."""

import json
from types import SimpleNamespace

import pytest
import sympy
from pybtex.database import parse_string

from analysis.derive.symbols import BW_mem, P_acc


@pytest.fixture(scope="module")
def report(node, book):
    return SimpleNamespace(**node("cite.js", str(book)))


@pytest.fixture(scope="module")
def ridge(book):
    results = json.loads((book / "_static" / "derivations.json").read_text())["results"]
    return next(entry for entry in results if entry["label"] == "eq-ridge-point")


def test_nothing_fails_and_nothing_is_asked_of_the_network(report):
    assert (report.errors, report.requests) == ([], [])


def test_a_fold_opens_from_the_keyboard_and_gets_its_buttons_then(report):
    assert report.open == "eq-ridge-point"
    assert report.buttonsBefore == 0
    assert report.said.endswith("Copied")


@pytest.mark.parametrize("road", ["copied", "copiedBySelection"])
def test_what_is_copied_is_what_the_file_of_derivations_says(report, ridge, road):
    copied = getattr(report, road)
    assert set(copied) == {"Copy link", "Copy BibTeX", "Copy LaTeX", "Copy sympy"}
    assert copied["Copy link"].endswith(ridge["place"])
    assert copied["Copy LaTeX"] == ridge["latex"]
    assert list(parse_string(copied["Copy BibTeX"], "bibtex").entries) == ["study-eq-ridge-point"]
    space = {}
    exec(copied["Copy sympy"], space)
    assert space["ridge_point"] == P_acc / BW_mem == sympy.sympify(ridge["forms"][0]["srepr"])


def test_without_scripts_the_same_stands_in_the_fold(report, ridge):
    for field in ("bibtex", "latex", "sympy", "python", "unit", "paper"):
        assert ridge[field] in report.withoutScript


def test_print_leaves_the_folds_out(report):
    assert report.printed == 0


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("equation", "RP"),
        ("figure", "Roofline of the decoder block"),
        ("table", "more rows"),
        ("proposition", "Both orders give equal attention"),
        ("citation", "arXiv:2507.15465"),
        ("term", "memory bandwidth of a device"),
        ("symbol", "tokens that reach one expert"),
    ],
)
def test_a_preview_shows_what_a_link_leads_to_and_covers_no_link(report, kind, says):
    seen = report.previews[kind]
    assert says in seen["text"]
    assert seen["described"] == "study-preview"
    assert seen["inside"]
    assert not seen["covers"]
    assert seen["stops"] == 0, "a preview holds nothing to focus"


def test_previews_draw_their_formulas_and_figures(report):
    assert all(report.previews[kind]["formulas"] for kind in ("equation", "proposition", "symbol"))
    assert report.previews["figure"]["images"][0] > 0


def test_escape_dismisses_a_preview_and_keeps_the_focus(report):
    assert report.dismissed
    assert report.stillFocused
    assert report.left, "it goes when the pointer leaves"


def test_a_touch_shows_no_preview(report):
    assert report.touched == 0


def test_axe_finds_nothing_serious_in_an_open_fold_or_preview(report):
    assert report.axeOpen == report.axeOpenDark == report.axePreview == []
