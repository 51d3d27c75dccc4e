"""The judges of the trials: a claim that is broken by hand is refused, and one that holds is missed by nothing."""

import numpy as np
import pytest

from analysis.derive import capacity
from analysis.derive.symbols import B, BW_mem, P_acc, P_exp, deg_DP, deg_TP, n_acc
from analysis.thesis.trials import DRAWS, trial_attention
from analysis.thesis.trials.random_systems import Systems, drawn
from analysis.thesis.trials.search import Sample


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def full_and_computing() -> Sample:
    """Latent attention at full memory on accelerators that compute: bytes decide nothing but phi."""
    systems = drawn(rng(), "deepseek-v3", 300)
    room = systems.of(capacity.B_cap(systems.architecture, systems.conventions))
    slow = systems.with_({B: room, P_acc: systems[P_acc] / 1e6})
    return trial_attention._of_full_memory(slow, room == room, room >= 1)


@pytest.mark.parametrize("times", [1e-3, 1e3])
def test_phi_outside_either_bound_is_refused(monkeypatch, times):
    kept = Systems.counted
    honest = full_and_computing()
    assert honest.inside().sum() > 100
    assert honest.claim[honest.inside()].all()
    monkeypatch.setattr(Systems, "counted", lambda *asked: np.multiply(kept(*asked), [[1], [times]]))
    found = full_and_computing()
    assert not found.claim[found.inside()].any()
    assert np.all((found.shown["far"][found.inside()] > 1) == (times > 1))


def test_a_core_that_takes_longer_than_said_is_refused(monkeypatch):
    kept = Systems.terms_of
    monkeypatch.setattr(Systems, "terms_of", lambda *asked: kept(*asked) * (1 + 1e-6))
    found = full_and_computing()
    assert not found.claim.any()
    assert found.shown["far"][found.inside()] == pytest.approx(1e-6, rel=1e-3)


def test_of_an_intensity_that_is_even_nothing_is_said():
    systems = drawn(rng(), "deepseek-v3", 100)
    work, read = systems.counted("routed_experts")
    for off, speaks in ((1, False), (1 + 1e-6, True), (1 - 1e-6, True)):
        even = systems.with_({P_exp: off * work / read * systems[BW_mem]})
        assert np.all(trial_attention._on_device(even, "routed_experts").spoken == speaks)


def test_a_block_that_pays_at_the_larger_batch_alone_is_refused(monkeypatch):
    """Made up: B seconds alone, B/2 + 5 at degree 2, so that it pays above 10 requests."""
    monkeypatch.setattr(trial_attention, "attention_form", lambda *built: B / deg_TP + 5 * (deg_TP - 1))
    batch, share = np.array([100.0, 100.0, 8.0, 10.0]), np.array([0.09, 0.5, 0.5, 0.5])
    alone = drawn(rng(), "deepseek-v3", 4).with_({B: batch, deg_TP: np.ones(4)})
    alone = alone.with_({deg_DP: alone[n_acc]})
    pair = alone.with_({deg_TP: np.full(4, 2.0), deg_DP: alone[n_acc] / 2})
    assert trial_attention._divided(pair, alone, share).claim.tolist() == [False, True, True, True]


EQUAL = ("thesis-full-memory", "thesis-tensor", "thesis-elasticity", "thesis-balance", "reordering")


@pytest.mark.parametrize("name", EQUAL)
def test_a_point_where_all_holds_misses_the_claim_by_nothing(name):
    for sample in DRAWS[name](rng()):
        far, inside = sample.shown["far"], sample.inside()
        assert np.all(np.abs(far[inside]) < 1e-3)
        assert far.min() >= 0
