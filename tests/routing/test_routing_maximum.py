"""The expected maximum at a finite batch, the audit of readings, and what routing refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.files.errors import InputError
from analysis.ledger.imbalance_readings import audit
from analysis.routing.imbalance import load_imbalance, shuffled_band
from analysis.routing.inputs import DRAWS
from analysis.routing.placement import PLACEMENTS
from analysis.routing.popularity import active_experts, zipf
from analysis.routing.sampling import expected_maximum
from analysis.routing.successive import successive_inclusion

draws_made = st.sampled_from(DRAWS)


# -- expected maximum ----------------------------------------------------------------------------
def enumerated_maximum():
    """Expected maximum over mean: 3 experts on 3 accelerators, weights 1, 1/2, 1/3, two tokens of one draw."""
    p = zipf(3, 1)
    both_the_same = np.sum(p**2)
    return (2 * both_the_same + 1 * (1 - both_the_same)) * 3 / 2


def test_expected_maximum_agrees_with_enumeration():
    for draws in DRAWS:
        band = expected_maximum(3, 1, 3, 1.0, 2, draws=draws, replicas=20000, seed=5)
        assert band.low < band.mean < band.high
        assert abs(band.mean - enumerated_maximum()) < 3 * (band.high - band.mean)


@settings(deadline=None, max_examples=15)
@given(st.floats(0, 2), st.sampled_from(PLACEMENTS), draws_made, st.integers(0, 50))
def test_expected_maximum_exceeds_the_maximum_of_expected_loads(s, placement, draws, seed):
    band = expected_maximum(32, 4, 8, s, 16, placement, draws, replicas=60, seed=seed)
    # Twice the 95 % half width: a seed in some thousands may fall below.
    assert band.high + (band.high - band.mean) >= load_imbalance(32, 4, 8, s, placement, draws, seed)


def test_luck_fades_with_batch():
    exact = load_imbalance(64, 4, 16, 0.8, "lpt")
    small, large = (expected_maximum(64, 4, 16, 0.8, B, "lpt", replicas=40).mean for B in (16, 16384))
    assert small > large > exact * 0.99
    assert large == pytest.approx(exact, rel=0.03)


# -- audit ---------------------------------------------------------------------------------------
def test_audit_lists_every_reading():
    rows = audit(seeds=50)
    assert {(row.placement, row.draws) for row in rows} == {(name, draws) for name in PLACEMENTS for draws in DRAWS}
    assert len(rows) == len(PLACEMENTS) * len(DRAWS)
    assert all(row.low <= row.ratio <= row.high for row in rows)


def test_printed_ratio_lies_within_the_spread_of_random_placements_only():
    printed = 6.13
    around = {(row.placement, row.draws) for row in audit(seeds=100) if row.low <= printed <= row.high}
    assert around == {("shuffled", "without"), ("shuffled", "with")}


def test_audit_gives_each_small_system_its_part_of_the_batch():
    row = audit(n_e=32, n_k=4, small=4, large=32, B=64, seeds=1, replicas=5)[0]
    assert row.gamma_small == expected_maximum(32, 4, 4, 0.8, 8, replicas=5).mean
    assert row.gamma_large == expected_maximum(32, 4, 32, 0.8, 64, replicas=5).mean


def test_audit_at_finite_batch_is_near_the_exact_one():
    exact = audit(n_e=32, n_k=4, small=4, large=32, seeds=3)
    drawn = audit(n_e=32, n_k=4, small=4, large=32, seeds=3, B=8192, replicas=6)
    for left, right in zip(exact, drawn, strict=True):
        assert right.ratio == pytest.approx(left.ratio, rel=0.1)
        assert right.low <= right.ratio <= right.high


# -- refusals ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: load_imbalance(256, 8, 32, -0.1), "s=-0.1 is out of range, give 0"),
        (lambda: load_imbalance(256, 8, 32, [0.1, float("nan")]), "out of range"),
        (lambda: load_imbalance(256, 8, 32, "steep"), "s=steep"),
        (lambda: load_imbalance(8, 9, 4, 0), "n_k=9 experts per token exceed n_e=8"),
        (lambda: load_imbalance(8, 9, 4, 0, draws="with"), "n_k=9"),
        (lambda: load_imbalance(8.5, 2, 4, 0), "n_e=8.5"),
        (lambda: load_imbalance(8, 2, 16, 0), "n_acc=16 accelerators exceed n_e=8"),
        (lambda: load_imbalance(8, 2, 0, 0), "n_acc=0"),
        (lambda: load_imbalance(8, 2, 4, 0, "random"), "contiguous, strided, shuffled, lpt, replicated"),
        (lambda: load_imbalance(8, 2, 4, 0, draws="both"), "draws=both is unknown, give one of without, with"),
        (lambda: load_imbalance(8, 2, 4, 0, ["lpt"]), "placement="),
        (lambda: load_imbalance(8, 2, 4, 0, seed=-1), "seed=-1"),
        (lambda: load_imbalance(8, 2, 4, 0, "lpt", copies=2), "copies=2 means nothing to placement=lpt"),
        (lambda: load_imbalance(2, 1, 4, 0, "replicated", copies=1), "give 2 to 6"),
        (lambda: load_imbalance(2, 1, 4, 0, "replicated", copies=7), "give 2 to 6"),
        (lambda: expected_maximum(8, 2, 4, 0, 0), "B=0"),
        (lambda: expected_maximum(8, 2, 4, 0, 1.5), "B=1.5"),
        (lambda: expected_maximum(8, 2, 4, [0, 1], 8), "s=\\[0, 1\\] is a list"),
        (lambda: expected_maximum(8, 2, 4, 0, 8, replicas=1), "replicas=1"),
        (lambda: active_experts(8, 2, 0, -1), "B=-1"),
        (lambda: successive_inclusion([1, 0], 1), "positive weights"),
        (lambda: zipf(0, 1), "n_e=0"),
        (lambda: shuffled_band(8, 2, 4, 0, seeds=0), "seeds=0"),
    ],
)
def test_unusable_input_is_refused_in_one_sentence(call, words):
    with pytest.raises(InputError, match=words) as refusal:
        call()
    assert "\n" not in str(refusal.value)
