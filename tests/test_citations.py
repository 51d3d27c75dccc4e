"""Labels that others may have cited stay, and the file of derivations says what the equations say."""

import re

import pytest
import sympy

from analysis.derive.symbols import BY_NAME
from analysis.errors import InputError
from analysis.evaluate.quantities import all_quantities
from analysis.evaluate.setting import Setting
from analysis.files import ROOT
from analysis.render import citations
from analysis.render.equations import equation

FROZEN = (ROOT / "tests" / "labels.txt").read_text().split()
SOURCES = "".join(
    path.read_text()
    for folder, kind in (("book", "*.md"), ("analysis/render", "*.py"))
    for path in sorted((ROOT / folder).rglob(kind))
)
NAMED = dict.fromkeys(re.findall(r"\b(?:eq|fig|tab|prop|sec)-[\w-]+", SOURCES))
MADE = tuple(re.findall(r"\b((?:eq|fig|tab)-[\w-]*-)\{", SOURCES))  # an f-string's beginning


@pytest.fixture(scope="module")
def found():
    page = "\n\n".join(
        equation(name) for name in ("ridge_point", "core_attention_flops", "B_MoE", "kv_bytes_per_token")
    )
    figure = "::::{figure} /figures/fig-a.svg\n:name: fig-a\n:alt: It rises.\n\nA line.\n::::\n"
    return {entry["label"]: entry for entry in citations.derivations({"a.md": f"{page}\n\n{figure}"})["results"]}


def test_labels_may_be_added_but_never_removed():
    """tests/labels.txt is the list of labels that were published: add new ones there, take none away."""
    quantities = {quantity.label for quantity in all_quantities()}
    missing = [label for label in FROZEN if label not in quantities and label not in NAMED]
    assert [label for label in missing if not label.startswith(MADE)] == []


def test_the_list_of_labels_is_sorted_and_without_repetition():
    assert sorted(set(FROZEN)) == FROZEN
    assert {quantity.label for quantity in all_quantities()} <= set(FROZEN)


def test_every_quantity_has_its_place_in_the_paper():
    assert set(citations.PAPER) == {quantity.name for quantity in all_quantities()}


def test_srepr_is_read_back_as_the_closed_form(found):
    (form,) = found["eq-ridge-point"]["forms"]
    assert sympy.sympify(form["srepr"]) == BY_NAME["P_acc"] / BY_NAME["BW_mem"]
    flops = found["eq-core-attention-flops"]["forms"]
    mha = next(each for each in flops if "MHA" in each["of"])
    point = Setting.of(model="gpt3-175b", B=4, L=100).point
    wanted = 4 * 4 * 100 * 96 * 128  # two products of 2 FLOPs for B L n_hd d_hd
    assert sympy.sympify(mha["srepr"]).xreplace(point) == wanted
    assert mha["assumptions"]["grouping"] == "fused"


def test_entries_say_what_and_where(found):
    assert found["eq-ridge-point"]["place"] == "a.html#equation-eq-ridge-point"
    assert found["eq-ridge-point"]["paper"] == "Table I"
    assert found["eq-b-moe"]["unit"] == "requests"
    assert r"\frac" in found["eq-ridge-point"]["latex"]
    assert found["fig-a"] == {"label": "fig-a", "kind": "figure", "statement": "It rises.", "place": "a.html#fig-a"}


def test_a_label_of_no_known_kind_is_refused():
    with pytest.raises(InputError, match="label 'thing-x' begins with none of eq, fig"):
        list(citations.labelled("a.md", "```{math}\n:label: thing-x\nx\n```\n"))
