"""Proposition (h): every arrangement of small layers by enumeration, and the whole model at random feasible points."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import simplify

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.statements import proof_of_balance as proofs
from analysis.derive.symbols import B, BW_mem, Gamma_acc, Gamma_imb, P_acc, deg_EP, n_acc
from analysis.files.errors import InputError
from analysis.thesis import arrangement, scheduling
from analysis.thesis.arrangement import Arrangement, arrangements, static
from analysis.thesis.full import terms_at, total

from . import points

R1 = points.setting("deepseek-v3")


# -- arrangements, by enumeration ------------------------------------------------------------------
def every_placement(n_e: int, accelerators: int):
    """Every way to put n_e experts on accelerators that hold equally many, as loads' index per accelerator."""
    for where in product(range(accelerators), repeat=n_e):
        if all(where.count(each) == n_e // accelerators for each in range(accelerators)):
            yield np.array(where)


@pytest.mark.parametrize(("n_e", "accelerators"), [(4, 2), (6, 2), (6, 3), (8, 4)])
@pytest.mark.parametrize("s", [0.0, 0.5, 1.0])
def test_no_placement_found_beats_the_best_of_all_and_the_greedy_one_is_near_it(n_e, accelerators, s):
    layer = [each for each in arrangements(n_e, 2, s, accelerators) if each.deg_EP == accelerators and not each.copies]
    loads = layer[0].picks
    busiest = [
        max(loads[where == a].sum() for a in range(accelerators)) for where in every_placement(n_e, accelerators)
    ]
    best = min(busiest) * accelerators / 2
    assert all(each.imbalance >= best - 1e-12 for each in layer)
    assert min(each.imbalance for each in layer) <= best * (4 / 3 - 1 / (3 * accelerators)) + 1e-12


@pytest.mark.parametrize("count", [1, 2, 6, 12])
def test_every_degree_placement_and_number_of_copies_is_tried_once(count):
    tried = list(arrangements(12, 2, 0.5, count))
    assert len(set(tried)) == len(tried)
    degrees = {each.deg_EP for each in tried}
    assert degrees == {each for each in range(1, count + 1) if count % each == 0}
    wide = [(each.placement, each.copies) for each in tried if each.deg_EP == count]
    copies = [("replicated", c) for c in range(1, min(4, 12 * (count - 1) // count) + 1)]
    assert wide == ([("contiguous", 0)] if count == 1 else [("contiguous", 0), ("strided", 0), ("lpt", 0), *copies])


@pytest.mark.parametrize(("n_e", "count", "most"), [(2, 2, 1), (4, 2, 2), (6, 2, 3), (4, 4, 3), (6, 3, 4), (16, 2, 4)])
def test_copies_are_of_experts_that_an_accelerator_does_not_hold_and_at_most_four(n_e, count, most):
    """Each of `count` accelerators holds n_e/count experts, so that it may copy all others."""
    wide = [each for each in arrangements(n_e, 1, 0.5, count) if each.deg_EP == count]
    assert [each.copies for each in wide] == [0, 0, 0, *range(1, most + 1)]
    assert all(each.share.sum(axis=1) == pytest.approx(1) for each in wide)


@given(st.sampled_from([(8, 2), (12, 3), (16, 4)]), st.floats(0, 1.5), st.integers(1, 4), st.integers(1, 500))
def test_tokens_and_reached_slots_by_hand(layer, s, copies, tokens):
    held = Arrangement(layer[0], 2, s, layer[1], "replicated", copies)
    by_hand = [
        sum(1 - (1 - held.picks[i] * held.share[i, a]) ** tokens for i in range(layer[0])) for a in range(layer[1])
    ]
    assert held.reached(tokens) == pytest.approx(by_hand)
    assert held.tokens(tokens).sum() == pytest.approx(2 * tokens)
    assert (held.share > 0).sum() <= layer[0] + copies * layer[1]


def test_slots_that_move_are_those_that_were_not_there():
    before = static(4, 1, 1.0, 2)
    assert before.share.argmax(axis=1).tolist() == [0, 0, 1, 1]
    assert Arrangement(4, 1, 1.0, 2, "strided").moved(before) == 1
    assert Arrangement(4, 1, 1.0, 1).moved(before) == 2
    assert before.moved(before) == 0


# -- the whole model -------------------------------------------------------------------------------
@settings(max_examples=30)
@given(points.experts, points.contexts, st.floats(0.05, 1))
def test_without_skew_a_step_is_the_whole_models(system, context, share):
    room, _ = points.full(system, context)
    batch = share * room
    assume(batch >= 1)
    row, count = system.model, system["n_acc"]
    even = scheduling.step(system, static(row.n_e, row.n_k, 0.0, count), np.array([batch]), context)
    assert even.time[0] == pytest.approx(points.time(system, context, batch), rel=1e-9)


@settings(max_examples=20)
@given(st.sampled_from((0.4, 0.8)), st.floats(64, 4096), st.integers(0, 13))
def test_the_last_accelerator_by_hand(s, batch, number):
    """Work and bytes of each accelerator from the sizes of an expert: three products of d_emb x d_MoE, BF16."""
    held = [each for each in arrangements(256, 8, s, 32) if each.deg_EP >= 16][number]
    group, size = batch * held.deg_EP / 32, 7168 * 2048
    times = []
    for a in range(held.deg_EP):
        tokens = group * sum(held.picks * held.share[:, a])
        slots = sum(1 - (1 - held.picks * held.share[:, a]) ** group)
        read = 2 * (3 * size * slots + 2 * 7168 * tokens)
        times.append(max(6 * size * tokens / 2250e12, read / 8e12))
    assert scheduling.routed(R1, held, np.array([batch]))[0][0] == pytest.approx(58 * max(times))


@given(st.floats(0, 1), st.sampled_from((256.0, 2048.0)))
@settings(max_examples=10)
def test_the_best_is_no_worse_than_static_and_at_its_degree_no_better_than_its_imbalance(s, batch):
    found = scheduling.schedules(R1, batch, 2048, s)[0]
    plain = static(256, 8, s, 32)
    same = [each.gain for each in found if each.deg_EP == plain.deg_EP]
    assert 1 <= max(same) <= min(found[0].gain, plain.imbalance) * (1 + 1e-9)
    assert [each.gain for each in found] == sorted((each.gain for each in found), reverse=True)


@settings(max_examples=30)
@given(points.experts, points.contexts, st.floats(1, 20))
def test_removing_imbalance_from_the_whole_model_gains_at_most_the_imbalance(system, context, gamma):
    batch, _ = points.full(system, context)
    assume(batch >= 1)
    skewed, even = (
        float(total(terms_at(system, batch, context, {Gamma_acc: each, Gamma_imb: each}))) for each in (gamma, 1.0)
    )
    assert 1 - 1e-12 <= skewed / even <= gamma * (1 + 1e-12)


@given(st.floats(1.2, 12))
def test_below_the_waiting_batch_the_busiest_expert_waits_and_above_it_computes(gamma):
    flip = scheduling.waiting_batch(R1, gamma)
    counts = proofs.roofline.expert()
    point = R1.point | {Gamma_imb: gamma, deg_EP: R1.point[n_acc]}
    for off, computes in ((0.99, False), (1.01, True)):
        work, read = (value(each, point | {B: flip * off}) for each in (counts.flops / P_acc, counts.bytes / BW_mem))
        assert (work > read) == computes


def test_what_schedules_cost_by_hand():
    found = {(e.deg_EP, e.placement, e.copies): e for e in scheduling.schedules(R1, 1024, 2048, 0.8)[0]}
    slot = 58 * 3 * 7168 * 2048 * 2
    assert found[16, "lpt", 0].extra_bytes == 256 * slot / 32
    assert found[32, "replicated", 2].extra_bytes == 2 * slot
    lpt = found[32, "lpt", 0]
    assert lpt.wire_bytes == pytest.approx(2 * 58 * lpt.imbalance * 7168 * 2 * 8 * 1024 / 32)
    held = {each.placement: each.share > 0 for each in arrangements(256, 8, 0.8, 32) if each.deg_EP == 32}
    new = max(len(set(np.flatnonzero(held["lpt"][:, a])) - set(range(8 * a, 8 * a + 8))) for a in range(32))
    assert lpt.moved_bytes == new * slot > 0
    saved = 1024 / 32 * (1 / found[32, "contiguous", 0].per_accelerator - 1 / lpt.per_accelerator)
    assert lpt.repaid == pytest.approx(lpt.moved_bytes / 900e9 / saved)


def test_experts_that_stay_whole_send_nothing():
    small = Setting.of(model="deepseek-v2-lite", n_acc=2, accelerator="mi325x-paper", deg_TP=1)
    sent = {each.deg_EP > 1: each.wire_bytes > 0 for each in scheduling.schedules(small, 64, 2048, 0.8)[0]}
    assert sent == {False: False, True: True}


def test_a_batch_beyond_memory_has_no_schedule_and_a_dense_model_is_refused():
    assert scheduling.schedules(R1, [1e6], 2048, 0.8) == [[]]
    with pytest.raises(InputError, match="routed experts"):
        scheduling.schedules(points.setting("gpt3-175b"), 64, 2048, 0.8)


def test_the_degree_that_gives_wanted_tokens():
    form = proofs.tokens_proof()[0].form.xreplace({deg_EP: proofs.scheduled_degree()})
    assert simplify(form - proofs.T_e) == 0
    assert arrangement.MOST_COPIES >= 2
