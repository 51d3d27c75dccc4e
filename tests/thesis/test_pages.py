"""The pages' tables and proofs: labels once, no empty line, guidelines that flip on both sides."""

import re

import pytest

from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render import proofs


@pytest.mark.parametrize("name", proofs.PROOFS)
def test_a_proof_is_three_to_ten_lines(name):
    assert 3 <= len(proofs.PROOFS[name]()) <= 10
    text = proofs.proof(name)
    assert text.count(f":label: eq-thesis-{name}") == 1
    assert "_{" in text


CHAPTERS = "".join(
    (ROOT / "book" / f"{name}.md").read_text()
    for name in ("thesis", "thesis_hardware", "thesis_service", "sparse", "states", "today")
)


def test_the_chapters_place_every_proof_once():
    assert sorted(re.findall(r'proof\("([\w-]+)"\)', CHAPTERS)) == sorted(proofs.PROOFS)


def test_the_chapters_say_which_model_they_mean():
    assert "the former" not in CHAPTERS
    assert "the latter" not in CHAPTERS


def test_unknown_names_end_in_one_sentence():
    with pytest.raises(InputError, match="no such proof"):
        proofs.proof("riemann")
    with pytest.raises(InputError, match="no such flip point"):
        proofs.flip("table")
