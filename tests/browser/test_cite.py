"""Citing, used as a reader would: from the keyboard, from disk, and where nothing but HTML works."""

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
    assert set(copied) == {"Copy link", "Copy BibTeX", "Copy LaTeX"}
    assert copied["Copy link"].endswith(ridge["place"])
    assert copied["Copy LaTeX"] == ridge["latex"]
    assert list(parse_string(copied["Copy BibTeX"], "bibtex").entries) == ["study-eq-ridge-point"]


def test_the_file_of_derivations_has_the_form_for_sympy_too(ridge):
    space = {}
    exec(ridge["sympy"], space)
    assert space["ridge_point"] == P_acc / BW_mem == sympy.sympify(ridge["forms"][0]["srepr"])


def test_without_scripts_the_same_stands_in_the_fold(report, ridge):
    for field in ("bibtex", "latex", "python", "unit", "paper"):
        assert ridge[field] in report.withoutScript


def test_print_leaves_the_folds_out(report):
    assert report.printed == 0


def test_axe_finds_nothing_serious_in_an_open_fold(report):
    assert report.axeOpen == report.axeOpenDark == []
