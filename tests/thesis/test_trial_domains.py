"""The points of the trials: sizes near those of real models, over the whole domain that readers are told."""

import numpy as np
import pytest

from analysis.ask.points import row_point
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import capacity
from analysis.derive.statements.propositions import PROPOSITIONS
from analysis.derive.symbols import (
    B,
    BW_exp,
    BW_Int,
    BW_mem,
    BW_out,
    Gamma_acc,
    Gamma_imb,
    L,
    M_cap,
    P_acc,
    P_exp,
    RP_acc,
    acceptance,
    alpha,
    d_emb,
    d_I,
    d_KVco,
    d_MoE,
    d_RoPE,
    d_shared,
    deg_DP,
    deg_EP,
    deg_grp,
    deg_TP,
    l,
    n_acc,
    n_dec,
    n_e,
    n_group,
    n_hd,
    n_k,
    n_kv,
    width_activations,
    width_kv,
    width_weights,
)
from analysis.thesis.trials import DRAWS, trial_attention, trial_attribution, trial_batching, trial_mechanisms
from analysis.thesis.trials.random_systems import drawn, power_below
from analysis.thesis.trials.search import loosened

KEPT = {"n_k", "deg_grp", "n_shared"}  # what a made-up model has of its own; heads and experts by rules of their own
JUDGES = {
    "thesis-full-memory": (trial_attention, "_of_full_memory"),
    "thesis-device": (trial_attention, "_on_device"),
    "thesis-tensor": (trial_attention, "_divided"),
    "thesis-queries": (trial_attention, "_drafted"),
    "thesis-balance": (trial_batching, "_balanced"),
    "thesis-elasticity": (trial_batching, "_worth"),
    "thesis-schedule": (trial_batching, "_scheduled"),
    "thesis-attribution": (trial_attribution, "_attributed"),
    "thesis-index-traffic": (trial_mechanisms, "_of_index"),
    "thesis-state-traffic": (trial_mechanisms, "_of_state"),
    "thesis-wires-hidden": (trial_mechanisms, "_of_wires"),
}


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def reach(values: np.ndarray, low: float, high: float, near: float = 0.02) -> None:
    """Random numbers that lie between two ends and come close to both."""
    assert low * (1 - 1e-9) <= values.min() <= (low * (1 + near) if low else near * high)
    assert high * (1 - near) <= values.max() <= high * (1 + 1e-9)


# -- random systems --------------------------------------------------------------------------------
TRIED = {*trial_attention.ALIKE, trial_attention.MIXED, trial_attention.WINDOWED} | {
    *trial_batching.EVERY,
    *trial_attribution.REFERENCES,
}


@pytest.mark.parametrize("model", sorted(TRIED))
def test_sizes_are_a_models_own_or_a_quarter_to_four_times_as_large(model):
    made, own = drawn(rng(), model, 3000), row_point(Setting.of(model=model).model)
    times = {}
    for symbol, size in own.items():
        found = made[symbol] / float(size) if size else 1 + made[symbol]
        assert np.all(found[made.real] == 1)
        times[symbol.name] = 2 ** np.round(np.log2(found))
        assert np.abs(made[symbol] - times[symbol.name] * float(size)).max() <= ((n_kv in own and 2) or 0.5)
        several = {1, 2, 4} if symbol is n_e else {1} if symbol.name in KEPT or not size else {0.25, 0.5, 1, 2, 4}
        assert set(times[symbol.name][~made.real]) == several
    assert np.all(made[n_hd] == (made[n_kv] * made[deg_grp] if n_kv in own else made[n_hd].round()))
    for blocks in ("n_moe", "n_win"):  # blocks of every kind stay in proportion
        assert np.all((times[blocks] == times["n_dec"]) | (float(own[_named(blocks, own)]) == 0))
    assert len(set(zip(times["d_emb"], times["n_vocab"], times["n_dec"], strict=True))) > 100  # each by itself


def _named(name: str, sizes: dict):
    return next(each for each in sizes if each.name == name)


def test_steps_devices_and_degrees_are_drawn_over_the_whole_domain():
    made = drawn(rng(), "deepseek-v3", 20000)
    reach(made[B], 1, 2.0**16)
    reach(made[L], 64, 2.0**20)
    assert {float(each) for s in (l, Gamma_imb, Gamma_acc) for each in made[s]} == {1}
    assert {float(each) for s in (width_weights, width_kv, width_activations) for each in made[s]} == {2}
    assert not made[alpha].any()
    reach(made[P_exp] / made[P_acc], 1 / 64, 4)
    reach(made[BW_exp] / made[BW_mem], 1 / 4, 16)
    assert made[RP_acc] == pytest.approx(made[P_acc] / made[BW_mem])
    rows = [row for row in datasets.accelerators().values() if row.P_bf16]
    for symbol in (P_acc, BW_mem, M_cap):
        known = [float(row_point(row)[symbol]) for row in rows]
        reach(made[symbol], min(known) / 2, max(known) * 2, 0.1)
    links = [float(row.BW_Int) * 1e9 for row in datasets.interconnects().values()]
    reach(made[BW_Int], min(links) / 2, max(links) * 2, 0.1)
    assert set(made[deg_TP]) == {1, 2, 4, 8, 16}
    assert set(made[deg_DP]) == {1, 2, 4, 8, 16, 32, 64}
    assert set(made[deg_EP]) == {2.0**power for power in range(11)}
    assert np.all(made[deg_EP] <= np.minimum(made[n_acc], made[n_e]))
    assert made[deg_EP][(made[n_acc] > 1) & (made[n_e] > 1)].min() == 1
    assert 0.5 < np.mean(made[deg_EP] == np.minimum(made[n_acc], 2.0 ** np.floor(np.log2(made[n_e])))) < 0.9


def test_the_largest_power_of_two_that_is_not_above():
    assert power_below(np.array([1, 1.9, 2, 3, 4, 96, 128])).tolist() == [1, 1, 2, 2, 4, 64, 128]


def test_half_of_the_points_drop_no_hypothesis_and_none_drops_two():
    loose = np.array(list(loosened(rng(), 9000, "abc").values()))
    assert loose.sum(axis=0).max() == 1
    assert loose.mean(axis=1) == pytest.approx([1 / 6] * 3, abs=0.02)


# -- domains of the trials -------------------------------------------------------------------------
@pytest.fixture
def judged(monkeypatch):
    """What a trial's draws hand to their judge, one after the other."""

    def drawn_for(name: str) -> list[tuple]:
        module, judge = JUDGES[name]
        seen, kept = [], getattr(module, judge)
        monkeypatch.setattr(module, judge, lambda *given: seen.append(given) or kept(*given))
        assert len(list(DRAWS[name](rng()))) == len(seen)
        return seen

    return drawn_for


def told(name: str, *words: str) -> None:
    """What the proposition's own domain says, for readers."""
    assert all(each in PROPOSITIONS[name].domain for each in words)


def joined(numbers) -> np.ndarray:
    return np.concatenate(list(numbers))


def test_full_memory_is_tried_at_and_below_capacity(judged):
    told("thesis-full-memory", "1 to 8 query tokens", "contexts of 64 to 1M")
    seen = judged("thesis-full-memory")
    share = joined(s[B] / s.of(capacity.B_cap(s.architecture, s.conventions)) for s, _, _ in seen)
    full, fits = (joined(each[place] for each in seen) for place in (1, 2))
    assert share[full] == pytest.approx(1)
    reach(share[~full & fits], 0.05, 1)
    assert 0.4 < full.mean() < 0.6
    assert set(joined(s[l] for s, *_ in seen)) == {1, 2, 4, 8}
    reach(joined(s[L] for s, *_ in seen), 64, 2.0**20)


def test_devices_are_tried_from_a_64th_to_64_times(judged):
    told("thesis-device", "from 1/64 to 64 times")
    seen = judged("thesis-device")
    reach(joined(s[BW_exp] / s[BW_mem] for s, _ in seen), 1 / 4, 64)
    slow = joined(s[P_exp] / s[P_acc] for s, _ in seen)
    reach(slow, 1 / 64, 4)
    assert np.mean(slow == 1) == pytest.approx(0.1 * 3 / 4, abs=0.01)  # a tenth, where it is not drawn freely
    assert joined(s[BW_exp] < s[BW_mem] for s, _ in seen).mean() == pytest.approx(1 / 4 / 3, abs=0.01)


def test_heads_are_divided_by_2_to_8(judged):
    told("thesis-tensor", "degrees of 2 to 8")
    seen = judged("thesis-tensor")
    assert set(joined(s[deg_TP] for s, *_ in seen)) == {2, 4, 8}
    other = joined(s[B] / alone[B] for s, alone, _ in seen)
    reach(other[other != 1], 1 / 4, 4)
    reach(joined(share for *_, share in seen), 0, 1)
    assert all(np.all((one[deg_DP] == one[n_acc]) & (one[n_acc] == s[deg_TP] * s[deg_DP])) for s, one, _ in seen)


def test_drafts_are_tried_over_their_domain(judged):
    told("thesis-queries", "acceptances of 0.05 to 0.99")
    seen = judged("thesis-queries")
    assert set(joined(s[l] for _, s, _ in seen)) == set(range(2, 9))
    reach(joined(s[acceptance] for _, s, _ in seen), 0.05, 0.99)
    late, batch = joined(s[alpha] for s, *_ in seen), joined(s[B] / one[B] for one, s, _ in seen)
    drafting, lower = joined(each for *_, each in seen), joined(s[RP_acc] * s[BW_mem] / s[P_acc] for s, *_ in seen)
    reach(late[late > 0], 1e-6, 1e-3)
    reach(batch[batch < 1], 0.1, 1)
    reach(drafting, 0, 1)
    reach(lower[~np.isclose(lower, 1)], 1, 2.0**9)
    assert lower[late > 0].min() > 1
    assert np.mean(np.isclose(lower, 1)) == pytest.approx(1 / 8, abs=0.01)


def test_batches_are_balanced_over_their_domain(judged):
    told("thesis-balance", "two batches up to 100-fold apart, 40 to 4000 tokens an expert, or 0.1 to 10")
    seen = judged("thesis-balance")
    tokens = joined(s[B] * s[l] * s[n_k] / s[n_e] * s[deg_EP] / s[n_acc] for s, _ in seen)
    reach(tokens[tokens > 10.001], 40, 4000)
    reach(tokens[tokens < 10.001], 0.1, 10)
    reach(joined(more[B] / s[B] for s, more in seen), 1.5, 100)
    gamma = joined(more[Gamma_acc] for _, more in seen)
    reach(gamma[gamma > 1], 1, 4)
    assert np.mean(gamma > 1) == pytest.approx(1 / 6, abs=0.01)
    assert np.array_equal(gamma, joined(more[Gamma_imb] for _, more in seen))
    assert {float(each) for s, _ in seen for each in s[width_kv]} == {0}
    assert {float(each) for s, _ in seen for each in s[width_activations]} == {0, 2}


def test_elasticities_are_tried_over_their_domain(judged):
    told("thesis-elasticity", "latencies of up to 0.1 ms", "dense models and mixtures")
    seen = judged("thesis-elasticity")
    late, follows = joined(s[alpha] for s, *_ in seen), joined(each for _, each, *_ in seen)
    reach(late[late > 0], 1e-6, 1e-4)
    assert np.mean(late > 0) == pytest.approx(0.5, abs=0.02)
    reach(follows[follows > 0], 0.1, 1)
    reach(joined(s[BW_Int] / s[BW_out] for s, *_ in seen), 1, 32)
    assert set(joined((s[n_acc] / s[n_group])[s[n_acc] >= 8] for s, *_ in seen)) == {1, 2, 4, 8}
    assert min(s[n_group].min() for s, *_ in seen) == 1


def test_schedules_are_tried_over_their_domain(judged):
    told("thesis-schedule", "32 experts", "8 accelerators a group")
    seen = judged("thesis-schedule")
    batch = joined(s[B] for _, s, _ in seen)
    assert 1 <= batch.min() < 1.1
    assert 2.0**21 < batch.max() <= 2.0**22
    assert {(each[n_e].min(), each[n_e].max()) for _, *both in seen for each in both} == {(32, 32)}
    assert {(s[deg_EP].min(), s[deg_EP].max()) for _, s, _ in seen} == {(8, 8)}
    assert min(s[n_acc].min() for _, s, _ in seen) == 8
    assert set(joined(other[deg_EP] for *_, other in seen)) == {1, 8}
    assert set(joined(other[B] / s[B] for _, s, other in seen)) == {1, 8}


def test_four_models_are_tried_over_their_domain(judged):
    told("thesis-attribution", "2 to 128 accelerators", "from just the dense layers to 30 times as much")
    seen = judged("thesis-attribution")
    assert set(joined(s[n_acc] for s, _ in seen)) == {2.0**power for power in range(1, 8)}
    share = joined(each for _, each in seen)
    reach(share[share < 1], 1 / 64, 1)
    experts = (3 * s[d_emb] * (s[n_e] * s[d_MoE] + s[d_shared]) + s[d_emb] * s[n_e] for s, _ in seen)
    held = joined(
        each * 2 * s[n_dec] / np.minimum(s[n_acc], s[n_hd]) for each, (s, _) in zip(experts, seen, strict=True)
    )
    beyond = joined(s[M_cap] for s, _ in seen) / held - 1
    within = beyond[(beyond > 0.005 * (1 - 1e-9)) & (beyond < 30 * (1 + 1e-9))]
    reach(within, 0.005, 30)
    assert len(within) > 0.8 * len(beyond)


def test_an_accelerator_that_holds_all_experts_stands_for_every_other():
    """Experts one to 32 on eight accelerators, four each; and all on one."""
    experts = np.tile(np.arange(1.0, 33), (2, 1))
    found = trial_batching._per_accelerator(experts, np.array([8, 1]))
    assert found.T.tolist() == [[10, 26, 42, 58, 74, 90, 106, 122], [528] * 8]


def test_indices_are_tried_over_their_domain(judged):
    told("thesis-index-traffic", "1 to 8 query tokens")
    seen = judged("thesis-index-traffic")
    assert set(joined(s[l] for s, _ in seen)) == {1, 2, 4, 8}
    wide = joined(s[d_I] / (s[d_KVco] + s[d_RoPE]) for s, _ in seen)
    reach(wide[wide > 1], 1, 8, 0.05)
    assert 0.6 < np.mean(wide <= 1) < 0.95
    assert {bool(each) for each in joined(alike for _, alike in seen)} == {True, False}


def test_states_are_tried_over_their_domain(judged):
    seen = judged("thesis-state-traffic")
    assert set(joined(s[l] for s, _ in seen)) == set(range(1, 9))
    window = joined(each for _, each in seen)
    reach(window[np.isfinite(window)], 64, 4096, 0.05)


def test_wires_are_tried_over_their_domain(judged):
    told("thesis-wires-hidden", "1/4 to 4 times the border", "skew to 4")
    seen = judged("thesis-wires-hidden")
    reach(joined(s[Gamma_acc] for (s,) in seen), 1, 4)
    late = joined(s[alpha] for (s,) in seen)
    reach(late[late > 0], 1e-6, 1e-3, 0.05)
    assert 0.2 < np.mean(late > 0) < 0.3
    even = joined(s[P_acc] / s[BW_Int] / s.of(trial_mechanisms._work(s)) for (s,) in seen)
    reach(even, 0.25, 4)
    batch = joined(s[B] for (s,) in seen)
    reach(batch, 64, 2.0**22, 0.05)
