"""The ledger: every finding's number by hand, its verdict frozen with a reason, and the readings tried."""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from analysis.data import datasets
from analysis.ledger import ledger as book
from analysis.ledger.claims_table3 import rows_that_charge_all
from analysis.ledger.findings import claim
from analysis.ledger.ledger import ledger
from analysis.ledger.readings import DIFFERS, ERROR, NOT_TESTABLE, OPEN, REPRODUCED, UNDER_A_READING
from analysis.systems.quantities import all_quantities
from tests.ledger.ledger_by_hand import held_without_reordering, slowdown, speedup
from tests.ledger.ledger_hand_table import HAND, TRIED
from tests.made import Made

# Numbers that the paper rounds more coarsely than the last digit it prints: significant digits that count.
COARSE = {"C030": 2, "C036": 2, "C043": 2, "C045": 1}
FINDINGS = Made(datasets.claims(), lambda: {finding.id: finding for finding in ledger()})


def numbers(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("claim", HAND)
def test_our_number_by_hand(claim):
    _, _, expected, *tolerance = HAND[claim]
    rel = tolerance[0] if tolerance else 1e-9
    assert FINDINGS[claim].ours == (expected if isinstance(expected, str) else pytest.approx(expected, rel=rel))


def test_verdict_is_frozen():
    for id_ in HAND:
        verdict, why, *_ = HAND[id_]
        assert FINDINGS[id_].verdict == verdict, f"{id_} was {verdict}: {why}"


def test_no_reading_is_dropped():
    assert ", ".join(f"{each.id} {each.fitting}/{len(each.readings)}" for each in ledger()) == " ".join(TRIED.split())


def test_verdicts_are_called_what_the_chapter_calls_them():
    named = [REPRODUCED, UNDER_A_READING, DIFFERS, ERROR, NOT_TESTABLE, OPEN]
    words = ["reproduced", "reproduced under a reading", "differs", "error in the paper", "not testable", "open"]
    assert named == words == list(book.VERDICTS)


def test_every_claim_is_listed_once_and_unjudged_ones_are_open():
    assert [finding.id for finding in ledger()] == list(datasets.claims())
    assert len(ledger()) == 93
    assert {id_ for id_, finding in FINDINGS.items() if finding.verdict != OPEN} == set(HAND)
    assert sum(book.counts().values()) == 93


def test_reason_is_short_sentences_with_a_number_and_the_test_exists():
    for id_ in HAND:
        finding = FINDINGS[id_]
        assert finding.reason.endswith("."), id_
        assert "\n" not in finding.reason, id_
        assert max(len(part.split()) for part in re.split(r"(?<=[.;:]) ", finding.reason)) < 50, id_
        assert re.search(r"\d", finding.reason) or id_ == "C040", id_
        assert not re.search(r"\d us\b|\+-", finding.reason), id_  # µs and ±, as everywhere
        assert finding.test == f"tests/ledger/test_ledger.py::test_our_number_by_hand[{id_}]", id_


def test_equation_labels_exist():
    labels = {quantity.label for quantity in all_quantities()}
    assert {finding.equation for finding in ledger()} - {""} <= labels


def test_figure_labels_exist():
    notebooks = Path(__file__).parents[2] / "book" / "notebooks"
    shown = set(re.findall(r"fig-[a-z0-9-]+", " ".join(path.read_text() for path in notebooks.glob("*.ipynb"))))
    assert {finding.figure for finding in ledger()} - {""} <= shown


def printed_as(value: float, text: str, significant: int | None) -> Decimal:
    """`value` rounded to the decimals of a printed number, or to so many significant digits of it."""
    unit = Decimal(text).as_tuple().exponent if significant is None else Decimal(text).adjusted() - significant + 1
    return Decimal(value).quantize(Decimal(1).scaleb(unit), ROUND_HALF_UP)


AGREEING = [id_ for id_, (verdict, *_) in HAND.items() if verdict in (REPRODUCED, UNDER_A_READING)]


def test_reproduced_means_rounds_to_the_printed_digits():
    for id_ in AGREEING:
        finding = FINDINGS[id_]
        reading = next(each for each in finding.readings if each.name == finding.reading)
        assert reading.fits, id_
        assert (finding.deviation is not None) == reading.rounded, id_
        if not reading.rounded:
            continue
        printed = re.findall(r"\d+(?:\.\d+)?", finding.paper)
        for value, text in zip(numbers(finding.ours), printed, strict=True):
            assert printed_as(value, text, COARSE.get(id_)) == Decimal(text), id_


def test_a_reading_is_named_only_where_the_expected_one_fails():
    for finding in ledger():
        if finding.verdict == REPRODUCED:
            assert finding.reading == finding.readings[0].name
        if finding.verdict == UNDER_A_READING:
            assert not finding.readings[0].fits or finding.readings[0].ours
        if finding.verdict == DIFFERS:
            assert finding.fitting == 0


def test_the_paper_against_itself_shows_both_numbers():
    assert "7200 GB/s" in FINDINGS["C006"].reason
    assert "7400 GB/s" in FINDINGS["C006"].reason
    assert "printed there as 100" in FINDINGS["C034"].reason
    assert "leaves out q_N" in FINDINGS["C034"].reason
    blocks = {reading.name.split()[0]: reading.value for reading in FINDINGS["C021"].readings[:2]}
    assert blocks == pytest.approx({"61": 196608 / 70272, "60": 196608 / 69120})
    assert rows_that_charge_all() == ("C030", "C036")
    for id_ in ("C029", "C033", "C034"):
        assert "as rows C030 and C036 charge" in FINDINGS[id_].reason


def test_operands_that_table_3_drops():
    every = {claim: FINDINGS[claim].readings[0].value for claim in ("C029", "C033")}
    assert every == pytest.approx({"C029": 1 / (1 / 512 + 1 / 16384), "C033": 1 / (1 / 512 + 1 / 16384)})
    assert "leaves out c_KV" in FINDINGS["C029"].reason
    assert "leaves out S" in FINDINGS["C035"].reason


def test_which_cells_fit_memory():
    assert held_without_reordering(64, 8192) < 192e9 < held_without_reordering(128, 8192)
    assert held_without_reordering(256, 4096) > 192e9
    assert "does not fit memory" in FINDINGS["C048"].reason
    longest = 108.1  # of the cells that fit, the largest has an endless context
    assert FINDINGS["C047"].readings[0].value == pytest.approx(longest, abs=0.05)
    assert speedup(1, 2**19) == pytest.approx(FINDINGS["C047"].readings[0].value)


def test_one_cell_of_one_convention_gives_the_speedup():
    ranges, conventions = FINDINGS["C047"].readings[:20], FINDINGS["C047"].readings[20:]
    fitting = [reading.name for reading in conventions if reading.fits]
    assert fitting == ["fused, RoPE in: nearest cell B = 64, L = 8192"]
    assert sum(reading.fits for reading in ranges) == 1


def test_prefill_with_the_causal_half_moves_the_same_number_to_twice_the_context():
    found = {reading.name: reading.value for reading in FINDINGS["C049"].readings}
    half = found["fused, RoPE in, causal 0.5: nearest cell B = 4096, L = 8192"]
    assert half == pytest.approx(slowdown(4096, 8192, 0.5))


def test_one_number_is_not_equal_and_higher():
    equal, higher = (FINDINGS[claim].readings for claim in ("C073", "C076"))
    assert [reading.value for reading in equal] == [reading.value for reading in higher]
    assert not any(one.fits and other.fits for one, other in zip(equal, higher, strict=True))


def test_counts_by_weight():
    carries = {each.id for each in book.weighing("carries")}
    assert carries == {"C016", "C044", "C047", "C058", "C063", "C082", "C083", "C084", "C085", "C086"}
    weights = [finding.claim.weight for finding in ledger()]
    assert (weights.count("carries"), weights.count("arithmetic")) == (10, 27)
    assert sum(book.counts("carries", "supports").values()) == 66
    assert book.counts("carries") == {
        REPRODUCED: 3, UNDER_A_READING: 7, DIFFERS: 0, ERROR: 0, NOT_TESTABLE: 0, OPEN: 0,
    }  # fmt: skip
    assert list(book.counts().values()) == [43, 35, 4, 7, 4, 0]
    assert list(book.counts("arithmetic").values()) == [16, 7, 0, 4, 0, 0]


def test_a_claim_is_judged_by_one_function():
    with pytest.raises(ValueError, match="C001 is judged twice"):
        claim("C001")(lambda paper: None)
