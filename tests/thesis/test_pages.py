"""The pages' tables and proofs: labels once, no empty line, guidelines that flip on both sides."""

import re

import pytest

from analysis.errors import InputError
from analysis.evaluate.thesis import guidelines
from analysis.files import ROOT
from analysis.render import proofs, thesis_tables


@pytest.mark.parametrize("name", proofs.PROOFS)
def test_a_proof_is_three_to_ten_lines(name):
    assert 3 <= len(proofs.PROOFS[name]()) <= 10
    text = proofs.proof(name)
    assert text.count(f":label: eq-thesis-{name}") == 1
    assert "_{" in text


def test_the_page_places_every_proof_once():
    page = (ROOT / "book" / "thesis.md").read_text()
    assert sorted(re.findall(r'proof\("([\w-]+)"\)', page)) == sorted(proofs.PROOFS)


def test_unknown_names_end_in_one_sentence():
    with pytest.raises(InputError, match="no such proof"):
        proofs.proof("riemann")
    with pytest.raises(InputError, match="no such flip point"):
        proofs.flip("table")


def test_guidelines_have_a_number_for_every_accelerator_and_a_figure_of_the_book():
    pages = "".join(path.read_text() for path in (ROOT / "book").glob("*.md"))
    for each in guidelines.GUIDELINES:
        assert f'figure("{each.figure}")' in pages
        assert len(guidelines.flips(each, "deepseek-v3")) == len(guidelines.ACCELERATORS)
        assert any(guidelines.flips(each, "deepseek-v3"))


def test_wires_and_experts_take_equal_time_at_the_bandwidth_of_the_guideline():
    system = guidelines.setting("deepseek-v3", "b200-sxm")
    flip = guidelines.wires_at_ridge(system)
    assert guidelines.wires_at_ridge(system.with_(BW_Int=flip)) == pytest.approx(flip)


def test_tables_have_a_row_for_every_variant_and_claim():
    assert thesis_tables.sensitivity_table().count("\n| ") == 1 + 9
    assert thesis_tables.verdicts_table().count("\n| `") == len(thesis_tables.WEIGHED)
    assert thesis_tables.joule_table().count("\n| `") >= 4
