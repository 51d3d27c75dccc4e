"""Proposition (f): its algebra, its best degree by enumeration, and the whole model at random feasible points."""

from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import diff, simplify

from analysis.ask.numbers import value
from analysis.derive.capacity import B_cap, weights_stored
from analysis.derive.serving import tpot_terms
from analysis.derive.statements import proof_of_attribution as proofs
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    L,
    M_cap,
    N_MoE,
    P_acc,
    d_emb,
    d_FFN,
    deg_TP,
    n_acc,
    n_dec,
    width_weights,
)
from analysis.files.errors import InputError
from analysis.thesis import attribution, factorial

from . import points

R1 = points.setting("deepseek-v3", L=8192)
cap = cache(B_cap)
ENDLESS = {P_acc: 1e30, BW_Int: 1e30}  # nothing computes, nothing travels: every kernel waits for memory


# -- algebra ---------------------------------------------------------------------------------------
def test_the_interaction_is_least_at_the_best_degree_and_one_memory_flips_it():
    W = N_MoE * n_dec * width_weights
    assert simplify(proofs.interaction() - 4 * W / M_cap * (1 - W / (n_acc * M_cap))) == 0
    assert simplify(diff(proofs.interaction_at(deg_TP), deg_TP).subs(deg_TP, proofs.best_degree())) == 0
    assert simplify(proofs.best_degree().subs(M_cap, proofs.even_capacity())) == 1


@given(st.floats(0.1, 20), st.sampled_from((64, 256)))
def test_no_whole_degree_reads_faster_than_those_around_the_best(share, count):
    """By enumeration of every degree: the dense layers take `share` of a memory of 1."""
    degrees = np.arange(np.floor(share) + 1, count + 1)
    given = {M_cap: 1, width_weights: 1, n_dec: 1, N_MoE: share, n_acc: count}
    found = value(proofs.interaction_at(deg_TP), given | {deg_TP: degrees})
    best = degrees[np.argmin(found)]
    assert np.floor(2 * share) <= best <= max(1, np.ceil(2 * share))
    assert found.min() >= min(1, 4 * share) * (1 - share / count) - 1e-12


def test_the_memory_at_which_latent_attention_loses_flips_the_proofs_effect():
    point = {N_MoE: 1e9, n_dec: 60, width_weights: 2} | {s: R1.point[s] for s in proofs.cache_ratio().free_symbols}
    flip = float(value(proofs.cancelling_capacity(), point))
    effect = proofs.cache_ratio() / proofs.interaction()
    below, above = (float(value(effect, point | {n_acc: 1e9, M_cap: flip * off})) for off in (0.99, 1.01))
    assert below < 1 < above


# -- the whole model -------------------------------------------------------------------------------
corners = st.tuples(st.sampled_from(("MHA", "MLA")), st.sampled_from(factorial.FEED_FORWARDS))


@settings(max_examples=20)
@given(corners, st.sampled_from(factorial.HELD), st.sampled_from((64, 128)), st.floats(8e3, 2e4))
def test_a_step_of_the_whole_model_reads_a_full_memory_once(corner, held, count, context):
    system = R1.with_(n_acc=count)
    made = factorial.built(*corner, system.architecture)
    point = list(factorial.points(system, held, 8).values())[-3] | ENDLESS | {L: context}
    batch = float(value(cap(*made), point))
    assume(batch > 256)  # fewer may leave an expert unreached, whose weights are kept and not read
    time = sum(float(value(form, point | {B: batch})) for form in tpot_terms(*made).values())
    assert time == pytest.approx(point[M_cap] / point[BW_mem], rel=0.03)  # nor is the embedding read


@settings(max_examples=8)
@given(st.sampled_from((64, 128)), st.floats(3e4, 1e5), st.sampled_from(factorial.HELD))
def test_reading_alone_gives_the_whole_models_interaction_once_attention_weights_count(count, context, held):
    """The proof leaves attention's weights out; with them in the free memory it is the whole model's interaction."""
    system, rate = R1.with_(n_acc=count), {}
    for corner in ((a, f) for a in ("MHA", "MLA") for f in factorial.FEED_FORWARDS):
        made, sized = factorial.built(*corner, system.architecture), factorial.points(system, held, 8)
        rate[corner] = max(float(value(cap(*made), point | {L: context})) for point in sized.values())
    exact = rate["MLA", "experts"] * rate["MHA", "dense"] / rate["MLA", "dense"] / rate["MHA", "experts"]
    assert attribution.interaction(system, held, ENDLESS | {L: context}) == pytest.approx(exact, rel=0.05)
    assert attribution.reading_interaction(system, held) == pytest.approx(exact, rel=0.35)


def test_the_context_at_which_the_interaction_flips_does_so_on_both_sides():
    flip = attribution.context_of_interaction(R1, "active")
    below, above = (attribution.interaction(R1, "active", {L: flip * off}) for off in (0.98, 1.02))
    assert below < 1 < above
    assert attribution.context_of_interaction(R1, "total") is None
    assert all(attribution.interaction(R1, "total", {L: each}) > 1 for each in (256.0, 8192.0, 2.0**20))


def test_the_memory_at_which_latent_attention_alone_pays_flips_on_both_sides_of_the_whole_model():
    system = R1.with_(n_acc=128, L=65536)
    closed, full = attribution.cancelling_capacity(system)
    below, above = (attribution.effect_of_latent(system, "total", {M_cap: full * off}) for off in (0.98, 1.02))
    assert below < 1 < above
    assert full == pytest.approx(closed, rel=0.1)


def test_the_dense_layer_computes_below_its_context_and_waits_above():
    flip, point = attribution.context_of_experts(R1), list(factorial.points(R1, "total", 8).values())[-1]
    made = factorial.built("MHA", "dense", R1.architecture)
    reads = 3 * point[d_emb] * point[d_FFN] * point[n_dec] / point[deg_TP] * point[width_weights] / point[BW_mem]
    for off, computes in ((0.9, True), (1.1, False)):
        at = point | {L: flip * off}
        found = float(value(tpot_terms(*made)["dense_ffn"], at | {B: float(value(B_cap(*made), at))}))
        assert (found > reads * 1.05) == computes


# -- cells -----------------------------------------------------------------------------------------
def test_the_cell_of_the_reference_is_the_reference_with_experts_in_every_block():
    own = factorial.served(R1, "MLA", "experts", "total")
    assert own.deg_TP == 1
    assert own.batch == pytest.approx(points.full(R1, 8192.0)[0], rel=0.02)


def test_dense_layers_hold_what_is_held_equal():
    for held, share in (("total", 1), ("active", R1.model.n_k / R1.model.n_e)):
        blocks = factorial.built("MLA", "dense", R1.architecture)[0]
        routed = factorial.built("MLA", "experts", R1.architecture)[0]
        point = factorial.widths(R1, held) | {deg_TP: 1, n_acc: 1}
        dense = float(value(weights_stored(blocks, "once"), point))
        experts = float(value(weights_stored(routed, "once"), factorial.widths(R1, held)))
        assert (dense == pytest.approx(experts, rel=1e-3)) == (share == 1)


def test_effects_multiply_back_to_the_cells():
    cells = factorial.factorial(R1)
    for held in factorial.HELD:
        found = factorial.effects(cells, held)
        both = found["MLA alone"] * found["experts alone"] * found["interaction of MLA and experts"]
        assert both == pytest.approx(found["MLA and experts"])
        apart = ("GQA alone", "MLA alone", "experts alone")
        together = [f"{each}{kind} and experts" for each in ("", "interaction of ") for kind in ("GQA", "MLA")]
        assert set(found) == {*apart, *together}
        assert found["interaction of MLA and experts"] == pytest.approx(attribution.interaction(R1, held))


def test_a_reference_without_latent_attention_is_refused():
    with pytest.raises(InputError, match="needs latent attention"):
        factorial.factorial(points.setting("gpt3-175b", L=8192))
