"""The judges of the trials: a claim that is broken by hand is refused, and one that holds is missed by nothing."""

import numpy as np
import pytest

from analysis.derive import capacity
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    BW_out,
    L,
    P_acc,
    P_exp,
    acceptance,
    deg_DP,
    deg_TP,
    l,
    n_acc,
    n_group,
)
from analysis.thesis.trials import DRAWS, trial_attention, trial_batching
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


def drafts() -> Sample:
    """Steps of one and of four query tokens on accelerators that compute."""
    one = drawn(rng(), "deepseek-v3", 300)
    one = one.with_({P_acc: one[P_acc] / 1e6})
    several = one.with_({l: np.full(300, 4.0), acceptance: np.full(300, 0.7)})
    return trial_attention._drafted(one, several, np.zeros(300))


@pytest.mark.parametrize(("counted", "times"), [("tpot", 0.1), ("tpot", 10), ("terms_of", 1.001), ("terms_of", 0.999)])
def test_a_step_of_several_query_tokens_that_takes_more_or_less_than_said_is_refused(monkeypatch, counted, times):
    kept, honest = getattr(Systems, counted), drafts()
    assert honest.inside().sum() > 100
    assert honest.claim[honest.inside()].all()
    monkeypatch.setattr(Systems, counted, lambda systems, *term: kept(systems, *term) * times ** (systems[l] > 1))
    found = drafts()
    assert not found.claim[found.inside()].any()
    assert found.shown["far"][found.inside()].min() > 5e-4


def test_throughput_follows_a_batch_that_follows_the_memory_bandwidth():
    """One request, whose step waits for weights alone: tokens per second grow as bandwidth does, and as the batch."""
    systems = drawn(rng(), "gpt3-175b", 200)
    endless = {P_acc: np.full(200, 1e60), BW_Int: np.full(200, 1e60), B: np.ones(200), L: np.full(200, 64.0)}
    follows, never = np.linspace(0, 1, 200), np.zeros(200, dtype=bool)
    outer = {n_group: systems[n_acc], BW_out: np.full(200, 1e60)}
    found = trial_batching._worth(systems.with_(endless | outer), follows, never, never)
    assert found.shown["whole"] == pytest.approx(1 + follows, rel=0.01)
    assert np.array_equal(found.inside("batch"), follows >= 0)
    assert np.array_equal(found.claim, follows < 1e-4)


EQUAL = ("thesis-full-memory", "thesis-tensor", "thesis-elasticity", "thesis-balance", "reordering")


@pytest.mark.parametrize("name", EQUAL)
def test_a_point_where_all_holds_misses_the_claim_by_nothing(name):
    for sample in DRAWS[name](rng()):
        far, inside = sample.shown["far"], sample.inside()
        assert np.all(np.abs(far[inside]) < 1e-3)
        assert far.min() >= 0
