"""Works of others: each is cited with a title, a year and an identifier, and says what stands beside it here."""

import re
from collections import Counter

import pytest
from pybtex.database import parse_file

from analysis.data import datasets
from analysis.data.rows import Related
from analysis.data.table import checked_row
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render.published_tables import works, works_number

BIBLIOGRAPHY = parse_file(ROOT / "book" / "references.bib", "bibtex").entries
PAGE = (ROOT / "book" / "related.md").read_text(encoding="utf-8")
ROWS = datasets.related()
IDENTIFIERS = {"eprint": r"\d{4}\.\d{4,5}", "doi": r"10\.\d{4,}/\S+", "url": r"https://\S+"}


def test_a_work_has_title_year_author_and_identifier():
    for key in BIBLIOGRAPHY:
        entry = BIBLIOGRAPHY[key]
        assert entry.fields["title"], key
        assert entry.persons["author"], key
        assert re.fullmatch(r"(19|20)\d\d", entry.fields["year"]), key
        assert entry.fields["year"] in key, key
        named = {name: entry.fields[name] for name in IDENTIFIERS if name in entry.fields}
        assert named, key
        assert all(re.fullmatch(IDENTIFIERS[name], found) for name, found in named.items()), key


def test_identifiers_name_one_work_each():
    names = [entry.fields[name] for entry in BIBLIOGRAPHY.values() for name in IDENTIFIERS if name in entry.fields]
    found = Counter(names)
    assert [name for name, number in found.items() if number > 1] == []


def test_a_preprint_is_no_older_than_its_number():
    """The year of a work may be that of its proceedings, which come later than the preprint."""
    for key, entry in BIBLIOGRAPHY.items():
        if "eprint" in entry.fields:
            assert 0 <= int(entry.fields["year"]) - 2000 - int(entry.fields["eprint"][:2]) <= 1, key


def test_every_work_is_told_and_every_one_told_is_listed():
    assert set(BIBLIOGRAPHY) == set(ROWS)
    questions = Counter(row.question for row in ROWS.values())
    assert Counter(re.findall(r'works\("(\w+)"\)', PAGE)) == Counter(dict.fromkeys(questions, 1))
    told = "\n".join(map(works, questions))
    assert Counter(re.findall(r"\{cite:t\}`(\w+)`", told)) == Counter(dict.fromkeys(ROWS, 1))
    assert len(ROWS) == works_number() >= 40


def test_a_line_is_two_or_more_sentences_without_a_hole():
    for key in ROWS:
        row = ROWS[key]
        assert row.found.endswith("."), key
        assert row.here.endswith("."), key
        line = next(line for line in works(row.question).splitlines() if f"`{key}`" in line)
        assert not re.search(r"\{\}|\bnan\b", line), key


def test_our_numbers_beside_them_by_hand():
    """Heads over groups; 128 heads over rows of 576; ridges by division; experts over picks, times the ridge."""
    beside = {
        "ainslie2023gqa": "gives 8 FLOP",
        "li2025flashmla": f"{2 * 128 * (576 + 512) / (2 * 576):.0f} FLOP",
        "lee2021hbmpim": "is 8 FLOP",
        "jiang2024mixtral": "1,120 requests",  # 8 over 2, times 281.25, to three digits
        "dai2024deepseekmoe": f"{256 / 8 * 2250 / 8:,.0f}",
        "deepseek2024v2": "gives 93.3 %",
    }
    for key, said in beside.items():
        line = next(line for line in works(ROWS[key].question).splitlines() if f"`{key}`" in line)
        assert said in line, line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ours": "P033"}, "a number exactly where `here` has {}"),
        ({"relation": "likes"}, "agrees, differs, extends, used"),
    ],
)
def test_a_row_that_disagrees_with_itself_is_refused(change, said):
    record = {"id": "a", "question": "q", "found": "F.", "relation": "used", "here": "H.", "ours": ""}
    with pytest.raises(InputError, match=re.escape(said)):
        checked_row(Related, record | change, "related.csv line 2")


def test_an_unknown_question_is_named():
    with pytest.raises(InputError, match="no work is on 'pizza'; allowed are cache,"):
        works("pizza")
