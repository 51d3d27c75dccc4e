"""The audit of B_cap: its members by hand, the books that it contains, and what no single reading can do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ledger import capacity_readings
from analysis.ledger.paper_systems import GPT3, LLAMA4, R1, scenario
from analysis.ledger.printed_values import printed
from analysis.systems.quantities import evaluate
from tests.ledger.ledger_by_hand import R1_ATTENTION, R1_EXPERT

PRINTED = {R1: 7360, GPT3: 124, LLAMA4: 3328}
SETTINGS = {name: scenario(name) for name in PRINTED}
BOOKS = capacity_readings.books()


def book(**counted) -> capacity_readings.Book:
    """The stated reading with some parts counted otherwise."""
    parts = {**dict(BOOKS[0].counted), **counted}
    return replace(BOOKS[0], counted=tuple(parts.items()))


def test_the_printed_batches_are_those_of_the_claims():
    assert [printed(claim)[0].value for claim in ("C059", "C060", "C061")] == list(PRINTED.values())


def test_every_combination_is_there_once():
    assert len(set(BOOKS)) == len(BOOKS) == 4 * 2 * (2 * 2 * 3 * 3 * 3) * 2 * 2


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("per_group", [False, True])
@pytest.mark.parametrize("activations", [False, True])
def test_the_book_of_eq_11_is_a_member(name, per_group, activations):
    reading = replace(BOOKS[0], activations=activations, per_group=per_group)
    conventions = {"rounding": "per_group" if per_group else "down", "activation": "counted" if activations else "none"}
    expected = evaluate("B_cap", scenario(name, weights="eq11", **conventions)).value
    assert capacity_readings.batch(reading, SETTINGS[name]) == expected


@pytest.mark.parametrize("name", PRINTED)
def test_the_books_once_and_as_built_are_members(name):
    once = book(
        attention=capacity_readings.ONCE,
        shared=capacity_readings.ONCE,
        rest=capacity_readings.ONCE,
        **{"dense beside experts": capacity_readings.ONCE},
    )
    built = book(
        feedforward=capacity_readings.GROUP,
        shared=capacity_readings.GROUP,
        rest=capacity_readings.BUILT,
        **{"dense beside experts": capacity_readings.GROUP},
    )
    for weights, reading in (("once", once), ("as_built", built)):
        exact = evaluate("B_cap", scenario(name, weights=weights, rounding="none", activation="none")).value
        assert capacity_readings.unrounded(replace(reading, activations=False), SETTINGS[name]) == pytest.approx(
            exact, rel=1e-12
        )


def test_gpt3_fills_180_gib_to_the_last_byte():
    """1440 GiB of a TP group less 324 GiB of weights are 31 requests of 36 GiB."""
    weights, cache = 2 * 96 * 12 * 12288**2 / 2**30, 2 * 2 * 96 * 12288 * 8192 / 2**30
    assert (weights, cache, (8 * 180 - weights) / cache) == (324, 36, 31)
    fitting = [reading for reading, batch in capacity_readings.readings(SETTINGS[GPT3]).items() if batch == 124]
    assert len(fitting) == 2
    assert all(reading.capacity == "180 GiB" and not reading.activations for reading in fitting)
    assert {dict(reading.counted)["feedforward"] for reading in fitting} == {capacity_readings.GROUP}


def test_r1_by_hand():
    reading = replace(BOOKS[0], capacity="180 GiB", fewer_blocks=True, activations=False, per_group=True)
    weights = 2 * (32 * 60 * R1_ATTENTION + 57 * 256 * R1_EXPERT)
    per_group = (32 * 180 * 2**30 - weights) / (60 * 576 * 2 * 8192) / 32
    assert (capacity_readings.batch(reading, SETTINGS[R1]), int(per_group)) == (7360, 230)


@pytest.mark.parametrize(("name", "readings", "fitting"), [(R1, 1728, 15), (GPT3, 192, 2), (LLAMA4, 864, 16)])
def test_how_many_readings_give_each_number(name, readings, fitting):
    found = capacity_readings.readings(SETTINGS[name])
    assert (len(found), sum(batch == PRINTED[name] for batch in found.values())) == (readings, fitting)


def test_no_single_reading_gives_all_three():
    assert capacity_readings.giving_all(PRINTED, SETTINGS) == []
    pairs = [(GPT3, R1), (GPT3, LLAMA4), (LLAMA4, R1)]
    counts = [len(capacity_readings.giving_all({name: PRINTED[name] for name in pair}, SETTINGS)) for pair in pairs]
    assert counts == [4, 2, 2]


def test_readings_that_give_a_pair_give_each_of_it():
    for reading in capacity_readings.giving_all({GPT3: 124, R1: 7360}, SETTINGS):
        assert capacity_readings.batch(reading, SETTINGS[GPT3]) == 124
        assert capacity_readings.batch(reading, SETTINGS[R1]) == 7360


@given(st.sampled_from(BOOKS), st.sampled_from(list(PRINTED)))
def test_rounding_and_counting_more_never_add_requests(reading, name):
    setting = SETTINGS[name]
    batch, exact = capacity_readings.batch(reading, setting), capacity_readings.unrounded(reading, setting)
    groups = {R1: 32, GPT3: 4, LLAMA4: 4}[name]
    assert 0 <= batch <= max(0, exact)
    assert exact - batch < (groups if reading.per_group else 1) or batch == 0
    assert not reading.per_group or batch % groups == 0
    fullest = tuple((part, counts[-1]) for part, counts in capacity_readings.COUNTED.items() if part != "attention")
    fullest = replace(reading, counted=(("attention", capacity_readings.GROUP), *fullest))
    assert capacity_readings.unrounded(fullest, setting) <= exact
    assert capacity_readings.unrounded(replace(reading, activations=False), setting) >= exact


def test_a_model_is_silent_about_parts_it_does_not_have():
    parts = {part for reading in capacity_readings.readings(SETTINGS[GPT3]) for part, _ in reading.counted}
    assert parts == {"attention", "feedforward", "rest"}
    assert not any(reading.fewer_blocks for reading in capacity_readings.readings(SETTINGS[LLAMA4]))
