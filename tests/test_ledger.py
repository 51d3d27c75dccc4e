"""The ledger: every finding's number by hand, its verdict frozen with a reason, and the rules that make verdicts."""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_by_hand import held_without_reordering, slowdown, speedup
from ledger_hand_table import HAND, TRIED

from analysis.evaluate import datasets
from analysis.evaluate.claims import ledger as book
from analysis.evaluate.claims import readings as readings_module
from analysis.evaluate.claims.ledger import (
    DIFFERS,
    ERROR,
    NOT_TESTABLE,
    OPEN,
    REPRODUCED,
    UNDER_A_READING,
    Judgement,
    holds,
    ledger,
)
from analysis.evaluate.claims.printed import PaperNumber, read_numbers
from analysis.evaluate.claims.readings import (
    CHOSEN,
    CRITERION,
    EQUAL,
    FALLING,
    HIGHER,
    IN_BAND,
    LOWER,
    NEAR,
    NO_MORE,
    RULES,
    SAME,
)
from analysis.evaluate.claims.table3 import rows_that_charge_all
from analysis.evaluate.quantities import all_quantities

# Numbers that the paper rounds more coarsely than the last digit it prints: significant digits that count.
COARSE = {"C030": 2, "C036": 2, "C043": 2, "C045": 1}
FINDINGS = {finding.id: finding for finding in ledger()}


def numbers(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("claim", HAND)
def test_our_number_by_hand(claim):
    _, _, expected, *tolerance = HAND[claim]
    rel = tolerance[0] if tolerance else 1e-9
    assert FINDINGS[claim].ours == (expected if isinstance(expected, str) else pytest.approx(expected, rel=rel))


@pytest.mark.parametrize("claim", HAND)
def test_verdict_is_frozen(claim):
    verdict, why, *_ = HAND[claim]
    assert FINDINGS[claim].verdict == verdict, f"was {verdict}: {why}"


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


@pytest.mark.parametrize("claim", HAND)
def test_reason_is_one_sentence_with_a_number_and_the_test_exists(claim):
    finding = FINDINGS[claim]
    assert finding.reason.endswith(".")
    assert "\n" not in finding.reason
    assert not re.search(r"\. [A-Z]", finding.reason)
    assert re.search(r"\d", finding.reason) or claim == "C040"
    assert finding.test == f"tests/test_ledger.py::test_our_number_by_hand[{claim}]"


def test_equation_labels_exist():
    labels = {quantity.label for quantity in all_quantities()}
    assert {finding.equation for finding in ledger()} - {""} <= labels


def test_figure_labels_exist():
    notebooks = Path(__file__).parents[1] / "book" / "notebooks"
    shown = set(re.findall(r"fig-[a-z0-9-]+", " ".join(path.read_text() for path in notebooks.glob("*.ipynb"))))
    assert {finding.figure for finding in ledger()} - {""} <= shown


def printed_as(value: float, text: str, significant: int | None) -> Decimal:
    """`value` rounded to the decimals of a printed number, or to so many significant digits of it."""
    unit = Decimal(text).as_tuple().exponent if significant is None else Decimal(text).adjusted() - significant + 1
    return Decimal(value).quantize(Decimal(1).scaleb(unit), ROUND_HALF_UP)


AGREEING = [id_ for id_, (verdict, *_) in HAND.items() if verdict in (REPRODUCED, UNDER_A_READING)]


@pytest.mark.parametrize("claim", AGREEING)
def test_reproduced_means_rounds_to_the_printed_digits(claim):
    finding = FINDINGS[claim]
    reading = next(each for each in finding.readings if each.name == finding.reading)
    assert reading.fits
    assert (finding.deviation is not None) == reading.rounded
    if not reading.rounded:
        return
    printed = re.findall(r"\d+(?:\.\d+)?", finding.paper)
    for value, text in zip(numbers(finding.ours), printed, strict=True):
        assert printed_as(value, text, COARSE.get(claim)) == Decimal(text)


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
    for claim in ("C029", "C033", "C034"):
        assert "as rows C030 and C036 charge" in FINDINGS[claim].reason


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


@given(st.floats(0.01, 1e6), st.integers(0, 4))
def test_a_number_fits_its_own_print_and_no_other(value, decimals):
    text = f"{value:.{decimals}f}"
    (number,) = read_numbers(text)
    assert number.fits(value)
    assert not number.fits(float(text) + 0.51 * 10**-decimals)
    assert not number.fits(float(text) - 0.51 * 10**-decimals)


@pytest.mark.parametrize(
    ("text", "significant", "expected"),
    [
        ("50 GB", 1, [(50, 10)]),
        ("100; 200", 2, [(100, 10), (200, 10)]),
        ("37B/671B", None, [(37, 1), (671, 1)]),
        (">99%", None, [(99, 1)]),
        ("1.8 TB/s", None, [(1.8, 0.1)]),
        ("figure only", None, []),
    ],
)
def test_printed_numbers(text, significant, expected):
    assert [(number.value, number.step) for number in read_numbers(text, significant)] == expected


FITS, FAILS = holds("one", 1, HIGHER(2)), holds("other", 2, HIGHER(0.5))
OURS, OWN_FAILS = holds("ours", 3, CRITERION(1, 2)), holds("own", 4, SAME(1, 2), own=True)
OWN_FITS, SILENT = holds("own", 5, SAME(1, 1), own=True), holds("silent", 6)


@pytest.mark.parametrize(
    ("readings", "verdict", "chosen"),
    [
        ((FITS, FAILS), REPRODUCED, FITS),
        ((OWN_FITS, FAILS), REPRODUCED, OWN_FITS),
        ((FAILS, FITS), UNDER_A_READING, FITS),
        ((OURS, FITS), UNDER_A_READING, OURS),
        ((FAILS, OURS), UNDER_A_READING, OURS),
        ((FAILS, OWN_FITS), UNDER_A_READING, OWN_FITS),
        ((FAILS, FAILS), DIFFERS, FAILS),
        ((SILENT, FAILS), DIFFERS, SILENT),
        ((OWN_FAILS, FITS), ERROR, OWN_FAILS),
        ((FITS, OWN_FAILS), ERROR, OWN_FAILS),
        ((SILENT, SILENT), NOT_TESTABLE, SILENT),
    ],
)
def test_verdict_follows_from_the_readings(readings, verdict, chosen):
    judged = Judgement(readings, "because.")
    assert (judged.verdict, judged.chosen) == (verdict, chosen)


NUMBER, BAND = PaperNumber(2.0, 0.1), (1.9, 2.1)
# rule: what just meets it, what just does not, each as (ours, other)
BOUNDARIES = {
    "DIGITS": ((2.0499, NUMBER), (2.0501, NUMBER)),
    "ABOVE": ((100.001, 100), (100, 100)),
    "BELOW": ((99.999, 100), (100, 100)),
    "AT_LEAST": ((100, 100), (99.999, 100)),
    "AT_MOST": ((100, 100), (100.001, 100)),
    "SAME": (((2, 1), (2, 1)), ((2, 1), (2, 2))),
    "EQUAL": ((0.9501, 1.0), (0.9499, 1.0)),
    "HIGHER": ((2.1001, 2.0), (2.0999, 2.0)),
    "LOWER": ((1.8999, 2.0), (1.9001, 2.0)),
    "NO_MORE": ((2.0999, 2.0), (2.1001, 2.0)),
    "FALLING": (((3.0, 2.95, 2.8499), None), ((3.0, 2.95, 2.8501), None)),
    "NEAR": ((0.9001, 1.0), (0.8999, 1.0)),
    "IN_BAND": ((BAND, PaperNumber(2.1, 0.1)), (BAND, PaperNumber(2.11, 0.1))),
    "CRITERION": ((1.4999, 1.5), (1.5, 1.5)),
    "DOMINANT": ((0.5001, None), (0.5, None)),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_rule_on_both_sides_of_its_boundary(name):
    meets, misses = BOUNDARIES[name]
    rule = getattr(readings_module, name)
    assert (rule(*meets).met, rule(*misses).met) == (True, False)


def test_other_boundaries_of_rules():
    assert not EQUAL(1.0501).met
    assert not NEAR(1.1001).met
    assert NEAR(1.0999).met
    assert not FALLING((3.0, 3.0, 2.0)).met
    assert not IN_BAND(BAND, PaperNumber(1.89, 0.01)).met
    assert not SAME(1, 1 + 1e-12).met


def test_every_rule_has_its_boundary_tested_and_every_reading_uses_one():
    assert {id(getattr(readings_module, name)) for name in BOUNDARIES} == set(map(id, RULES))
    used = {id(test.rule) for finding in ledger() for reading in finding.readings for test in reading.tests}
    assert used == set(map(id, RULES))
    assert {rule.words for rule in RULES if rule.measure == CHOSEN} == {
        "the printed number lies in our band",
        "ours stays below a number of our choice",
        "ours exceeds one half",
    }


@given(st.floats(0.1, 10))
def test_words_exclude_each_other(ratio):
    """Exactly one of tie, more and less holds of any ratio, so that no number is both equal and higher."""
    assert [EQUAL(ratio).met, HIGHER(ratio).met, LOWER(ratio).met].count(True) == 1
    assert NO_MORE(ratio).met != HIGHER(ratio).met
    if EQUAL(ratio).met:
        assert NEAR(ratio).met


def by_the_rule(finding) -> str:
    """The verdict of a row from its readings' tests, as the chapter states the rule."""
    asked = [reading for reading in finding.readings if reading.tests]
    if not asked:
        return NOT_TESTABLE
    met = {reading.name: [test.rule.met(test.ours, test.other) for test in reading.tests] for reading in asked}
    if any(reading.own and not all(met[reading.name]) for reading in asked):
        return ERROR
    choice = {reading.name: {test.rule.measure for test in reading.tests} & {CHOSEN} for reading in asked}
    first, *_ = finding.readings
    if first.tests and all(met[first.name]) and not choice[first.name]:
        return REPRODUCED
    return UNDER_A_READING if any(all(each) for each in met.values()) else DIFFERS


@pytest.mark.parametrize("claim", FINDINGS)
def test_verdict_follows_from_its_data_by_the_rule(claim):
    finding = FINDINGS[claim]
    assert finding.readings
    assert len({reading.name for reading in finding.readings}) == len(finding.readings)
    assert finding.verdict == by_the_rule(finding)


def test_one_number_is_not_equal_and_higher():
    equal, higher = (FINDINGS[claim].readings for claim in ("C073", "C076"))
    assert [reading.value for reading in equal] == [reading.value for reading in higher]
    assert not any(one.fits and other.fits for one, other in zip(equal, higher, strict=True))


def test_counts_by_weight():
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
        book.claim("C001")(lambda paper: None)
