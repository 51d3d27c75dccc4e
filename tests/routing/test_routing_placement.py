"""Placements of experts and the exact imbalance they leave: conservation, hand-computed cases, limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.routing.imbalance import accelerator_imbalance, expert_imbalance, load_imbalance, shuffled_band
from analysis.routing.inputs import DRAWS
from analysis.routing.placement import PLACEMENTS, share_matrix
from analysis.routing.popularity import zipf

skews = st.floats(0, 5)
layouts = st.integers(1, 40).flatmap(lambda n_e: st.tuples(st.just(n_e), st.integers(1, n_e), st.integers(1, n_e)))
draws_made = st.sampled_from(DRAWS)


# -- placement -----------------------------------------------------------------------------------
@settings(deadline=None)
@given(layouts, st.sampled_from(PLACEMENTS), st.integers(0, 99), skews)
def test_shares_keep_every_token(layout, placement, seed, s):
    n_e, _, n_acc = layout
    share = share_matrix(placement, zipf(n_e, s), n_acc, seed)
    assert share.shape == (n_e, n_acc)
    assert share.sum(axis=1) == pytest.approx(np.ones(n_e))


@settings(deadline=None)
@given(layouts, st.sampled_from([name for name in PLACEMENTS if name != "replicated"]), st.integers(0, 99))
def test_accelerators_hold_equally_many_experts(layout, placement, seed):
    n_e, _, n_acc = layout
    held = share_matrix(placement, zipf(n_e, 1), n_acc, seed).sum(axis=0)
    assert set(held) <= {n_e // n_acc, -(-n_e // n_acc)}


def test_placements_by_hand():
    load = np.array([8.0, 4.0, 2.0, 1.0])
    pairs = {"contiguous": (12, 3), "strided": (10, 5), "lpt": (9, 6)}
    for placement, expected in pairs.items():
        assert tuple(load @ share_matrix(placement, load, 2)) == expected
    assert sorted(load @ share_matrix("replicated", load, 2, copies=2)) == pytest.approx([7, 8])


def test_replication_copies_the_hottest_onto_different_accelerators():
    share = share_matrix("replicated", [6.0, 1.0, 1.0, 1.0], 4, copies=4)
    assert np.count_nonzero(share, axis=1).tolist() == [4, 2, 1, 1]


def test_replication_without_copies_is_longest_first_and_allows_spare_accelerators():
    load = zipf(24, 1.0)
    assert np.array_equal(share_matrix("replicated", load, 8, copies=0), share_matrix("lpt", load, 8))
    assert load_imbalance(4, 1, 8, 0, "replicated", copies=4) == pytest.approx(1)


def test_shuffles_differ_by_seed_and_repeat():
    first, again, other = (share_matrix("shuffled", np.ones(32), 4, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


# -- imbalance -----------------------------------------------------------------------------------
@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from(PLACEMENTS[:4]), draws_made, st.data())
def test_uniform_popularity_is_balanced(n_acc, each, placement, draws, data):
    n_k = data.draw(st.integers(1, n_acc * each))
    assert load_imbalance(n_acc * each, n_k, n_acc, 0, placement, draws) == pytest.approx(1, abs=1e-10)


@settings(deadline=None, max_examples=40)
@given(layouts, st.floats(0, 3), st.floats(0.01, 1), draws_made)
def test_more_skew_means_more_imbalance(layout, s, more, draws):
    n_e, n_k, n_acc = layout
    n_acc = max(d for d in range(1, n_acc + 1) if n_e % d == 0)
    low, high = load_imbalance(n_e, n_k, n_acc, [s, s + more], "contiguous", draws)
    assert 1 - 1e-10 <= low <= high + 1e-10
    assert high <= n_acc * (1 + 1e-10)


@settings(deadline=None, max_examples=40)
@given(layouts, skews, draws_made, st.sampled_from(PLACEMENTS))
def test_imbalance_has_mean_one(layout, s, draws, placement):
    n_e, n_k, n_acc = layout
    assert accelerator_imbalance(n_e, n_k, n_acc, s, placement, draws).mean() == pytest.approx(1)
    assert expert_imbalance(n_e, n_k, s, draws).mean() == pytest.approx(1)


def test_one_expert_per_accelerator_is_the_hottest_expert():
    hottest = expert_imbalance(256, 8, 0.8)[0]
    for placement in PLACEMENTS[:4]:
        assert load_imbalance(256, 8, 256, 0.8, placement) == pytest.approx(hottest)


def test_imbalance_by_hand_with_replacement():
    weights = np.arange(1, 257) ** -0.8
    assert load_imbalance(256, 8, 256, 0.8, draws="with") == pytest.approx(256 / weights.sum())
    assert load_imbalance(256, 8, 32, 0.8, draws="with") == pytest.approx(32 * weights[:8].sum() / weights.sum())
    assert load_imbalance(256, 8, 32, 0.8, "strided", "with") == pytest.approx(32 * weights[::32].sum() / weights.sum())


def test_better_placements_are_better():
    worst, plain, best, copied = (
        load_imbalance(256, 8, 32, 0.8, name) for name in ("contiguous", "strided", "lpt", "replicated")
    )
    assert worst > plain > best > copied >= 1


def test_shuffled_band_holds_its_placements():
    band = shuffled_band(64, 4, 8, 0.8, seeds=100)
    values = [load_imbalance(64, 4, 8, 0.8, "shuffled", seed=seed) for seed in range(100)]
    assert band.low < band.mean < band.high
    assert np.mean([band.low <= value <= band.high for value in values]) == pytest.approx(0.95, abs=0.02)
    assert load_imbalance(64, 4, 8, 0.8, "lpt") <= min(values) < max(values) <= load_imbalance(64, 4, 8, 0.8)
