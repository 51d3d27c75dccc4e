"""Every chapter opens with its question, and closes with the takeaway in numbers and an exercise with its answer."""

import re

import pytest

from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render import prose
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate

CHAPTERS = ("argument", "attention", "reordering", "experts", "ridge", "memory", "serving", "interconnect")
CHAPTERS += ("skew", "pim", "measured", "machine")
TEXT = {name: (ROOT / "book" / f"{name}.md").read_text() for name in CHAPTERS}
HEAD = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
COMPUTED = re.compile(r"\{\{ .*? \}\}|\{(?:v|block)\}`", re.DOTALL)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_opens_with_its_question(name):
    opening = HEAD.sub("", TEXT[name]).strip().partition("\n")[2].strip().partition("\n\n")[0]
    assert "?" in opening


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_closes_with_a_takeaway_in_numbers_and_problems(name):
    _, *parts = re.split(r"^`{3,}\{admonition\} (?=Takeaway|Exercise)", TEXT[name], flags=re.M)
    assert parts[0].startswith("Takeaway")
    assert COMPUTED.search(parts[0])
    written = bool(HEAD.match(TEXT[name]))
    assert len(parts) in range(3 if written else 2, 7), "two to five problems; one on a page that is not converted"
    for exercise in parts[1:]:
        assert exercise.startswith("Exercise")
        question, _, answer = exercise.partition("```{dropdown} Answer\n")
        assert "?" in question
        assert COMPUTED.search(answer), "the worked answer is computed"
    assert "\n## " not in "".join(parts), "nothing comes after"


def test_the_terms_of_a_step_are_listed_longest_first_in_the_words_given():
    given = paper().system() | {"B": 4096, "L": 4096}
    terms = evaluate("tpot_terms", **given).value
    rows = prose.terms_table({name: name for name in terms}, **given).splitlines()[2:]
    listed = [row.split("|")[1].strip() for row in rows]
    assert listed == sorted((name for name in terms if terms[name]), key=terms.get, reverse=True)
    assert sum(prose.times_of_step(**given).values()) == pytest.approx(evaluate("tpot", **given).value)
    with pytest.raises(InputError, match="no words for the term routed_experts"):
        prose.terms_table({}, **given)


def test_wires_and_experts_are_even_at_the_bandwidth_that_is_named():
    given = paper().system() | {"B": 4096, "L": 4096}
    terms = evaluate("tpot_terms", Setting.of(**given, BW_Int=prose.even_bandwidth(**given))).value
    assert terms["dispatch"] + terms["combine"] == pytest.approx(terms["routed_experts"])
