"""The rules that judge readings and make verdicts, on both sides of each boundary, by rows made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.data import datasets
from analysis.ledger import criteria
from analysis.ledger import readings as readings_module
from analysis.ledger.findings import Judgement
from analysis.ledger.ledger import ledger
from analysis.ledger.printed_values import PaperNumber, read_numbers
from analysis.ledger.readings import (
    CHOSEN,
    CRITERION,
    DIFFERS,
    EQUAL,
    ERROR,
    FALLING,
    HIGHER,
    IN_BAND,
    LOWER,
    NEAR,
    NO_MORE,
    NOT_TESTABLE,
    REPRODUCED,
    RULES,
    SAME,
    UNDER_A_READING,
    holds,
)
from tests.made import Made

FINDINGS = Made(datasets.claims(), lambda: {finding.id: finding for finding in ledger()})


def test_thresholds():
    """A tenth, half, a ratio that rounds to 1.0, half as much again, a hundred; a quarter more, half a per cent."""
    found = criteria.NEAR, criteria.HALF, criteria.TIE, criteria.WORTHWHILE, criteria.HUNDRED
    assert found == (0.1, 0.5, 0.05, 1.5, 100)
    assert (criteria.MOST, criteria.NO_GAIN, criteria.WIDER) == (1.25, 1.005, 4)


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
    "EQUAL": ((1.9002, 2.0), (1.8998, 2.0)),
    "HIGHER": ((2.1001, 2.0), (2.0999, 2.0)),
    "LOWER": ((1.8999, 2.0), (1.9001, 2.0)),
    "NO_MORE": ((2.0999, 2.0), (2.1001, 2.0)),
    "FALLING": (((3.0, 2.95, 2.8499), None), ((3.0, 2.95, 2.8501), None)),
    "NEAR": ((1.8002, 2.0), (1.7998, 2.0)),
    "IN_BAND": ((BAND, PaperNumber(2.1, 0.1)), (BAND, PaperNumber(2.11, 0.1))),
    "CRITERION": ((1.4999, 1.5), (1.5, 1.5)),
    "DOMINANT": ((0.5001, None), (0.5, None)),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_rule_on_both_sides_of_its_boundary(name):
    meets, misses = BOUNDARIES[name]
    rule = getattr(readings_module, name)
    assert (rule(*meets).met, rule(*misses).met) == (True, False)


def test_a_band_that_misses_is_ours_and_no_error_of_the_paper():
    missed = readings_module.Paper((PaperNumber(3.0, 0.1),)).band("ours", *BAND)
    assert Judgement((missed,), "because.").verdict == DIFFERS


UPWARD, DOWNWARD, NEITHER = "ABOVE AT_LEAST HIGHER DOMINANT", "BELOW AT_MOST LOWER NO_MORE CRITERION", "SAME EQUAL NEAR"


def test_rules_far_from_their_boundary():
    """A quarter and one against one half."""
    for names, met in ((UPWARD, (False, True)), (DOWNWARD, (True, False)), (NEITHER, (False, False))):
        for rule in (getattr(readings_module, name) for name in names.split()):
            assert (rule(0.25, 0.5).met, rule(1.0, 0.5).met) == met, rule.words


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


def test_verdict_follows_from_its_data_by_the_rule():
    for claim in FINDINGS:
        finding = FINDINGS[claim]
        assert finding.readings, claim
        assert len({reading.name for reading in finding.readings}) == len(finding.readings), claim
        assert finding.verdict == by_the_rule(finding), claim
