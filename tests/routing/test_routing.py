"""Skewed popularity: inclusion and active experts against enumeration of ordered draws, hand counts and samples."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.routing.imbalance import load_imbalance
from analysis.routing.inputs import DRAWS
from analysis.routing.placement import share_matrix
from analysis.routing.popularity import active_experts, active_probability, inclusion, zipf
from analysis.routing.sampling import sample_tokens
from analysis.routing.successive import successive_inclusion

skews = st.floats(0, 5)
shapes = st.integers(1, 40).flatmap(lambda n_e: st.tuples(st.just(n_e), st.integers(1, n_e)))
draws_made = st.sampled_from(DRAWS)


def enumerated(p, n_k):
    """Inclusion probabilities by walking every ordered pick of n_k different experts."""
    p, chance = np.asarray(p) / np.sum(p), np.zeros(len(p))
    for picks in permutations(range(len(p)), n_k):
        probability, left = 1.0, 1.0
        for pick in picks:
            probability *= p[pick] / left
            left -= p[pick]
        chance[list(picks)] += probability
    return chance


# -- popularity and inclusion --------------------------------------------------------------------
def test_zipf_by_hand():
    assert zipf(4, 2) == pytest.approx(np.array([144, 36, 16, 9]) / 205)
    assert zipf(5, [0, 1]).shape == (2, 5)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.data())
def test_inclusion_equals_enumeration(p, data):
    n_k = data.draw(st.integers(1, len(p)))
    assert successive_inclusion(p, n_k) == pytest.approx(enumerated(p, n_k), abs=1e-11)


def test_two_draws_in_closed_form():
    p = zipf(256, 0.8)
    by_hand = p + p * (np.sum(p / (1 - p)) - p / (1 - p))
    assert inclusion(256, 2, 0.8) == pytest.approx(by_hand, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(shapes, skews, draws_made)
def test_inclusion_conserves_draws_and_order(shape, s, draws):
    n_e, n_k = shape
    chance = inclusion(n_e, n_k, s, draws)
    assert chance.sum() == pytest.approx(n_k, abs=1e-10)
    assert np.all(np.diff(chance) <= 1e-12)
    assert draws == "with" or chance.max() <= 1 + 1e-12


@pytest.mark.parametrize(
    ("n_e", "n_k", "s"), [(256, 8, 0), (256, 8, 0.8), (512, 64, 0), (256, 200, 0), (64, 63, 0.3), (9, 4, 50)]
)
def test_inclusion_is_exact_at_real_sizes(n_e, n_k, s):
    assert inclusion(n_e, n_k, s).sum() == pytest.approx(n_k, abs=1e-10)


def test_one_draw_is_the_same_with_and_without():
    assert inclusion(64, 1, 0.7) == pytest.approx(inclusion(64, 1, 0.7, "with"), abs=1e-12)


def test_all_experts_picked():
    assert inclusion(8, 8, 2.0).tolist() == [1.0] * 8


def test_arrays_of_skew_are_taken_one_by_one():
    grid = np.array([[0.0, 0.4], [0.8, 1.2]])
    assert inclusion(16, 4, grid).shape == (2, 2, 16)
    assert load_imbalance(16, 4, 4, grid, "lpt")[1, 0] == load_imbalance(16, 4, 4, 0.8, "lpt")


def test_sampled_tokens_agree_with_exact_inclusion():
    B, replicas = 512, 60
    for draws in DRAWS:
        share = sample_tokens(32, 4, 1.0, B, draws, replicas, seed=3) / B
        error = share.std(axis=0, ddof=1) / np.sqrt(replicas)
        assert np.all(np.abs(share.mean(axis=0) - inclusion(32, 4, 1.0, draws)) < 5 * error)


def test_samples_conserve_tokens_and_repeat_with_the_seed():
    for draws in DRAWS:
        tokens = sample_tokens(300, 6, 0.8, 2000, draws, replicas=3, seed=7)
        assert tokens.sum(axis=1).tolist() == [12000] * 3
        assert np.array_equal(tokens, sample_tokens(300, 6, 0.8, 2000, draws, replicas=3, seed=7))
    assert sample_tokens(8, 3, 4.0, 100, replicas=2).max() <= 100
    assert sample_tokens(8, 8, 0.5, 100, replicas=1).tolist() == [[100] * 8]


# -- active experts ------------------------------------------------------------------------------
@settings(deadline=None)
@given(shapes, st.integers(0, 500))
def test_uniform_active_experts_have_the_closed_form(shape, B):
    n_e, n_k = shape
    assert active_experts(n_e, n_k, 0, B) == pytest.approx(n_e * (1 - (1 - n_k / n_e) ** B), abs=1e-8)
    assert active_experts(n_e, n_k, 0, B, "with") == pytest.approx(n_e * (1 - (1 - 1 / n_e) ** (n_k * B)), abs=1e-8)


@settings(deadline=None, max_examples=30)
@given(shapes, st.floats(0, 3), st.integers(1, 200), draws_made)
def test_skew_wakes_fewer_experts_and_batch_more(shape, s, B, draws):
    n_e, n_k = shape
    active = active_experts(n_e, n_k, [s, s, s + 0.5], [B, B + 1, B], draws)
    assert active[1] >= active[0] - 1e-9 >= active[2] - 2e-9
    assert active[0] <= min(n_e, n_k * B) + 1e-9


def test_active_experts_agree_with_samples():
    for draws in DRAWS:
        active = (sample_tokens(64, 4, 1.0, 20, draws, replicas=2000, seed=1) > 0).sum(axis=1)
        error = active.std(ddof=1) / np.sqrt(len(active))
        assert abs(active.mean() - active_experts(64, 4, 1.0, 20, draws)) < 5 * error


def test_active_experts_per_accelerator_add_up():
    held = share_matrix("strided", np.ones(64), 8) > 0
    per_accelerator = active_probability(64, 4, 0.8, 16) @ held
    assert per_accelerator.sum() == pytest.approx(active_experts(64, 4, 0.8, 16))
