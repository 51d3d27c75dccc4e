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
    deg_EP,
    deg_TP,
    l,
    n_acc,
    n_e,
    n_group,
    n_k,
)
from analysis.thesis.trials import DRAWS, trial_attention, trial_batching, trial_reordering
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


@pytest.mark.parametrize(
    ("counted", "times"),
    [("tpot", 0.1), ("tpot", 0.99), ("tpot", 1.01), ("tpot", 10), ("terms_of", 1.001), ("terms_of", 0.999)],
)
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


# -- what decides where hypotheses hold --------------------------------------------------------------
@pytest.mark.parametrize(
    ("model", "order", "reads"),
    [
        ("deepseek-v3", None, (True, True)),
        ("deepseek-v3", "as_printed", (False, False)),
        ("gpt3-175b", None, (True, True)),
        ("mistral-7b-v0.1", None, (True, False)),  # the second token's window has dropped a row that memory keeps
        ("gpt-oss-120b", None, (True, False)),
    ],
)
def test_what_reads_its_stored_rows(model, order, reads):
    systems = drawn(rng(), model, 2, order=order).with_({l: np.array([1.0, 2.0])})
    assert tuple(trial_attention._reads(systems)) == reads


def test_tokens_choose_as_many_experts_as_the_model_says():
    systems = drawn(rng(), "mixtral-8x7b", 500)
    chance = trial_batching._popularity(rng(), systems)
    free = chance.max(axis=1) < 1
    assert chance.shape == (500, 32)
    assert chance[free].sum(axis=1) == pytest.approx(systems[n_k][free])
    assert chance.min() > 0
    assert free.sum() > 100
    ratio = np.sort(chance[free], axis=1)  # Zipf: the third, of the ranks 2 and 4, is the second's share of the first
    assert ratio[:, -4] / ratio[:, -2] == pytest.approx(ratio[:, -2] / ratio[:, -1])


def test_a_step_of_equal_experts_is_the_whole_models():
    systems = drawn(rng(), "mixtral-8x7b", 100)
    count = np.maximum(8, systems[n_acc])
    systems = systems.with_({n_acc: count, n_e: np.full(100, 32.0), deg_EP: np.full(100, 8.0)})
    step, busy, most = trial_batching._step(systems, np.tile(systems[n_k][:, None] / 32, 32))
    assert step == pytest.approx(systems.tpot())
    assert busy == pytest.approx(1)
    assert most == pytest.approx(1)


def test_a_schedule_is_as_far_as_its_gain_is_beyond_its_bound():
    """Of points against the claim the middle one by this is shown."""
    systems = drawn(rng(), "mixtral-8x7b", 100)
    count = np.maximum(8, systems[n_acc])
    systems = systems.with_({n_acc: count, n_e: np.full(100, 32.0), deg_EP: np.full(100, 8.0)})
    found = trial_batching._scheduled(rng(), systems, systems.with_({B: 8 * systems[B]}))
    assert found.shown["far"].max() > 1
    assert found.shown["far"] * found.shown["bound"] == pytest.approx(found.shown["gain"])


# -- what is told of a point -------------------------------------------------------------------------
def test_numbers_told_of_balance_are_each_of_its_own_batch():
    first = drawn(rng(), "mixtral-8x7b", 50)
    second = first.with_({B: first[B] * 10})
    one, other = trial_batching._balanced(first, second).shown, trial_batching._balanced(second, first).shown
    for name, turned in (("few", "many"), ("batch", "more")):
        assert np.array_equal(one[name], other[turned])
        assert not np.array_equal(one[name], one[turned])
    assert np.array_equal(one["batch"], first[B])
    assert one["reached"] == pytest.approx(
        1 - (1 - first[n_k] / first[n_e]) ** (first[B] * first[deg_EP] / first[n_acc])
    )


@pytest.mark.parametrize("name", ["thesis-device"])
def test_a_device_is_told_to_gain_where_its_numbers_say(name):
    for sample in DRAWS[name](rng()):
        shown, inside = sample.shown, sample.inside()
        assert np.array_equal((shown["speed"] > 1)[inside], (shown["intensity"] < shown["even"])[inside])
        assert np.all(shown["arithmetic"][inside] <= 1)
        assert np.all(shown["width"][inside] > 1)


def test_the_bound_of_a_schedule_is_the_larger_of_the_two_told():
    for sample in DRAWS["thesis-schedule"](rng()):
        shown = sample.shown
        assert np.array_equal(shown["bound"], np.maximum(shown["tokens"], shown["reached"]))
        assert shown["tokens"].min() >= 1 - 1e-9
        assert set(shown["degree"]) == {1, 8}


def test_a_divided_block_tells_how_often_its_cache_is_read():
    """By latent attention once for each member of the group, where both hold as many requests."""
    for sample in DRAWS["thesis-tensor"](rng()):
        shown, inside = sample.shown, sample.inside()
        assert shown["cache"][inside] == pytest.approx(shown["degree"][inside])
        assert shown["work"][inside] == pytest.approx(1)


# -- both contraction orders -------------------------------------------------------------------------
def test_a_row_is_turned_by_its_place():
    rows = np.zeros((1, 4, 4))
    rows[..., 0] = rows[..., 3] = 1  # a first and a second element of a pair
    place = np.arange(4)
    by_hand = np.stack([np.cos(place), np.sin(place), -np.sin(place), np.cos(place)], axis=1)
    assert trial_reordering._turned(rows)[0] == pytest.approx(by_hand)


def head(**changed) -> dict:
    """One small head; nothing masked but the last of its six tokens for the first query."""
    made = rng()
    arrays = {
        name: made.standard_normal((1, *(trial_reordering.SIZES[axis] for axis in axes)))
        for name, axes in trial_reordering._ARRAYS.items()
    }
    mask = np.zeros((1, 3, 6))
    mask[0, 0, 5] = -np.inf
    return arrays | {"mask": mask} | changed


def test_weights_are_shares_of_one_and_none_of_what_is_masked():
    found = trial_reordering._weights(head(), np.full((1, 3, 6), 2.0))
    assert found.sum(axis=2) == pytest.approx(1)
    assert found[0, 0, 5] == 0 < found.min(where=head()["mask"] == 0, initial=1)
    free = trial_reordering._weights(head(q_R=np.zeros((1, 3, 2))), np.arange(6) * np.ones((1, 3, 1)))
    assert free[0, 1] == pytest.approx(np.exp(np.arange(6) / 6**0.5) / np.exp(np.arange(6) / 6**0.5).sum())


def test_a_norm_makes_keys_one_long():
    on, off, plain = np.ones((1, 1, 1), dtype=bool), np.zeros((1, 1, 1), dtype=bool), head()
    larger = head(W_DK=3 * plain["W_DK"])
    normed, as_large = (trial_reordering._printed(each, on, off) for each in (plain, larger))
    assert normed == pytest.approx(as_large)
    assert trial_reordering._printed(plain, off, off) != pytest.approx(trial_reordering._printed(larger, off, off))
    assert trial_reordering._printed(plain, off, off) == pytest.approx(trial_reordering._absorbed(plain, off, off))
