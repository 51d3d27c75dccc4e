"""The file of derivations: complete for every kind, and its closed forms those that the LaTeX on the page shows."""

import importlib
import random
import re
from functools import cache

import pytest
import sympy
from pybtex.database import parse_string

from analysis.book.citing import entries
from analysis.book.citing.code import bibtex
from analysis.derive.symbols import BY_NAME, MEANINGS
from analysis.files.whole import ROOT
from analysis.render.latex import tex
from tests.derive.latex_value import Formula, right_sides
from tests.derive.printed_equations import staged
from tests.made import Made


@cache
def equations():
    pages, origins = staged()
    found = entries.joined(each for name, text in pages.items() for each in entries.of_page(name, text, origins, {}))
    return {entry["label"]: entry for entry in found if entry["kind"] == "equation"}


FROZEN = [each for each in (ROOT / "tests" / "book" / "labels.txt").read_text().split() if each.startswith("eq-")]
IN_WORDS = {"eq-b-slo", "eq-load-imbalance"}
EQUATIONS = Made(FROZEN, equations)
WITH_FORMS = Made([label for label in FROZEN if label not in IN_WORDS], equations)
IN_NAMES = ("eq-tpot", "eq-throughput", "eq-throughput-per-accelerator", "eq-cost-per-million-tokens")
"""Equations in terms of others' left sides, in an order in which each is known before it is used."""
AFTER_THE_PAPER = {  # of what it does not speak of
    *("eq-index-intensity", "eq-phi", "eq-ridge-by-stage", "eq-ttft", "eq-stage-times", "eq-state-bytes"),
    *("eq-state-intensity", "eq-wire-ratio"),
}
LARGE = {"n_e", "n_dec", "n_acc", "L", "M_cap", "P_acc", "P_exp"}  # so that differences in forms stay positive
DEGREES = ("n_acc", "deg_TP", "deg_DP", "deg_EP")


def points(label):
    """A few points that no formula has reason to treat alike, the same at each run."""
    draw = random.Random(label)
    for _ in range(3):
        yield {name: draw.uniform(1, 9) * (40 if name in LARGE else 1) for name in BY_NAME}


@cache
def function(srepr):
    return sympy.lambdify(list(BY_NAME.values()), sympy.sympify(srepr), "math")


def value(srepr, point):
    return float(function(srepr)(*(point[name] for name in BY_NAME)))


def spelt(point):
    return {tex(BY_NAME[name]): number for name, number in point.items()}


def test_every_equation_of_the_pages_is_there():
    assert set(FROZEN) == set(equations())
    assert {label for label, entry in equations().items() if not entry["forms"]} == IN_WORDS


def test_the_page_shows_what_srepr_says():
    for label in sorted(set(WITH_FORMS) - set(IN_NAMES)):
        entry = WITH_FORMS[label]
        printed = right_sides(
            entry["latex"], [form["left"] for form in entry["forms"]], r"\to" if "shard" in label else "="
        )
        for point in points(label):
            for text, form in zip(printed, entry["forms"], strict=True):
                wanted = value(form["srepr"], point)
                assert Formula(text, spelt(point)).value() == pytest.approx(wanted, rel=1e-9), form["left"]
                assert Formula(form["latex"], spelt(point)).value() == pytest.approx(wanted, rel=1e-9), form["left"]


def test_the_page_says_the_same_in_terms_of_other_equations():
    terms = WITH_FORMS["eq-tpot-terms"]["forms"]
    for point in points("tpot"):
        alone = point | dict.fromkeys(DEGREES, 1)  # for which the terms are printed
        known = spelt(point) | {form["left"]: value(form["srepr"], alone) for form in terms}
        for label in IN_NAMES:
            (form,) = WITH_FORMS[label]["forms"]
            (text,) = right_sides(WITH_FORMS[label]["latex"], [form["left"]])
            known |= {tex(BY_NAME[name]): 1 for name in DEGREES}
            known[form["left"]] = Formula(text, known).value()
            assert known[form["left"]] == pytest.approx(value(form["srepr"], alone), rel=1e-9), label


def test_the_python_text_runs_and_gives_the_same():
    for label in WITH_FORMS:
        entry, space = WITH_FORMS[label], {}
        exec(entry["sympy"], space)
        stem = label.removeprefix("eq-").replace("-", "_")
        names = [stem] if len(entry["forms"]) == 1 else [f"{stem}_{i + 1}" for i in range(len(entry["forms"]))]
        point = next(points(label))
        for name, form in zip(names, entry["forms"], strict=True):
            found = sympy.sympify(space[name])
            assert found.free_symbols == sympy.sympify(form["srepr"]).free_symbols, label
            assert value(sympy.srepr(found), point) == pytest.approx(value(form["srepr"], point), rel=1e-9), label


# -- units -------------------------------------------------------------------------------------------
def exponents(unit):
    """How often bytes and seconds stand in a unit, FLOPs and counts left out: they come as factors of a form too."""
    above, _, below = unit.partition("/")
    return [(above == each) - (below == each) for each in ("byte", "s")]


def test_units_follow_from_those_of_the_symbols():
    scale = (3.0, 0.7)  # of a byte and of a second
    for label in WITH_FORMS:
        for form in WITH_FORMS[label]["forms"]:
            point = next(points(label))
            other = {
                name: number * scale[0] ** exponents(MEANINGS[BY_NAME[name]].unit)[0]
                * scale[1] ** exponents(MEANINGS[BY_NAME[name]].unit)[1]
                for name, number in point.items()
            }  # fmt: skip
            powers = exponents(form["unit"])
            grown = scale[0] ** powers[0] * scale[1] ** powers[1]
            assert form["unit"], form["left"]
            assert value(form["srepr"], other) == pytest.approx(grown * value(form["srepr"], point), rel=1e-9), label


# -- completeness ------------------------------------------------------------------------------------
def test_an_equation_is_complete():
    for label in EQUATIONS:
        entry = EQUATIONS[label]
        wanted = ("statement", "place", "source", "version", "bibtex", "python", "unit", "latex")
        assert all(entry[name] for name in wanted), label
        assert entry["paper"] or label in AFTER_THE_PAPER, label
        assert isinstance(entry["assumptions"], dict), label
        assert entry["forms"] or entry["in_words"], label
        assert set(entry) <= set(entries.FIELDS), label


def test_the_python_object_can_be_imported():
    for label in EQUATIONS:
        assert importable(EQUATIONS[label]["python"]), label


def importable(dotted):
    module, _, name = dotted.rpartition(".")
    return callable(getattr(importlib.import_module(module), name))


def test_quantities_give_their_general_forms_too():
    general = EQUATIONS["eq-tpot"]["general"]
    assert {"MHA", "GQA"} <= {remark for form in general for remark in form["of"]}
    assert all(BY_NAME["deg_TP"] in sympy.sympify(form["srepr"]).free_symbols for form in general)


# -- citing ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("statement", ["arithmetic peak over bandwidth", "5 % of `n_hd` & {more} # \\end $x$"])
def test_bibtex_can_be_read(statement):
    (entry,) = parse_string(bibtex("eq-ridge-point", statement), "bibtex").entries.values()
    assert entry.key == "study-eq-ridge-point"
    assert entry.fields["year"] == "2026"
    assert r"\texttt{eq-ridge-point}" in entry.fields["note"]
    assert re.search(r"Version \d+\.\d+\.\d+, equation", entry.fields["note"])
    assert entry.fields["note"].endswith("arXiv:2507.15465")
