"""What README.md generates is current, and what it names exists."""

import re
from collections import Counter

from analysis.derive.statements.propositions import PROPOSITIONS
from analysis.files.whole import ROOT
from analysis.ledger.ledger import ledger
from analysis.thesis.conclusions import CONCLUSIONS
from analysis.tools import readme

TEXT = readme.README.read_text()


def test_counts_are_those_of_the_ledger():
    printed = dict(re.findall(r"^\| ([a-z ]+?) +\| +(\d+) \|$", TEXT, re.MULTILINE))
    assert {verdict: int(number) for verdict, number in printed.items()} == Counter(f.verdict for f in ledger())
    assert readme.verdicts() in TEXT


def test_it_counts_propositions_and_conclusions_as_they_are():
    words = {9: "nine", 12: "twelve"}
    assert f"`python -m analysis propositions`: {words[len(PROPOSITIONS)]} statements" in TEXT
    assert f"`python -m analysis verdicts`: {words[len(CONCLUSIONS)]} conclusions" in TEXT


def test_the_figure_is_there_with_words():
    words, path = re.search(r"!\[(.+?)\]\((.+?)\)", TEXT).groups()
    assert len(words) > 60
    assert (ROOT / path).read_text().startswith("<svg ")


def test_files_and_targets_that_it_names_exist():
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make ([a-z-]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
