"""Propositions (a) and (c): by algebra, and against the full model at random feasible points."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Integer, simplify

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.statements import proof_of_attention as proofs
from analysis.derive.symbols import (
    B,
    BW_mem,
    L,
    M_free,
    P_acc,
    P_exp,
    RP_acc,
    d_KVco,
    d_RoPE,
    n_hd,
    width_kv,
    width_weights,
)
from analysis.files.errors import InputError
from analysis.render.proofs import MLA, REORDERED
from analysis.thesis import full_attention
from analysis.thesis.full import batch_at_capacity, filled, terms_at

from . import points


@given(points.settings, points.contexts)
def test_core_time_at_full_memory_is_the_closed_form(system, context):
    batch, terms = points.full(system, context)
    assume(batch >= 1)
    form = proofs.full_memory_time(system.architecture, system.conventions)
    found = float(value(form, system.point | {L: context, B: batch}))
    assert found == pytest.approx(terms["core_attention"], rel=1e-9)


@given(points.settings, points.contexts)
def test_it_never_undercuts_reading_what_the_cache_holds(system, context):
    batch, terms = points.full(system, context)
    assume(batch >= 1)
    row = system.model
    kept = row.d_KVco + row.d_RoPE if row.d_KVco else 2 * row.d_hd * max(1, row.n_kv / system["deg_TP"])
    cache = 2 * row.n_dec * kept * context * batch * system["deg_TP"] / system["n_acc"]
    assert terms["core_attention"] >= cache / system.point[BW_mem] * (1 - 1e-12)


@pytest.mark.parametrize(("model", "ends"), [("mistral-7b-v0.1", True), ("gpt-oss-120b", False)])
def test_the_context_of_a_batch_is_that_at_which_memory_holds_it(model, ends):
    """Windows in all blocks: beyond 4096 tokens a request grows no more, so that fewer fit at every context."""
    system = Setting.of(model=model, accelerator="b200-paper", n_acc=8)
    form = proofs.context_of_batch(system.architecture, system.conventions, B)
    most, window = float(batch_at_capacity(system, float(system.model.L_win))), float(system.model.L_win)
    for batch in (most * 3, most * 1.01, most * 0.99, most / 7):
        found = float(value(form, system.point | {B: batch}))
        assert (found < window) == (batch > most)
        assert (found == np.inf) == (ends and batch < most)
        if np.isfinite(found):
            assert float(batch_at_capacity(system, found)) == pytest.approx(batch)


def test_the_core_reads_the_cache_once_at_long_contexts():
    steps = proofs.full_memory_proof(MLA, REORDERED)
    assert simplify(steps[2].form) == 1
    assert simplify(steps[4].form - M_free / BW_mem) == 0
    assert simplify(steps[1].form / (B * L * (d_KVco + d_RoPE) * width_kv)) == 1


@pytest.mark.parametrize("device", ["h200-sxm5", "mi325x", "a100-paper"])
def test_context_at_the_ridge_flips_between_waiting_and_computing(device):
    system = points.setting("deepseek-v3", device, 64)
    flip = full_attention.context_at_ridge(system)
    counts = proofs.core(system.architecture, system.conventions)
    below, above = (value(counts.intensity, system.point | {L: flip * share, B: 64}) for share in (0.99, 1.01))
    assert below < system.point[P_acc] / system.point[BW_mem] < above


@settings(max_examples=30)
@given(st.sampled_from(("h200-sxm5", "mi325x", "a100-paper")), st.sampled_from((64, 128)), st.floats(0.3, 3))
def test_the_core_of_the_full_model_computes_beyond_that_context_only(device, count, off):
    assume(abs(off - 1) > 0.01)
    system = points.setting("deepseek-v3", device, count)
    context = full_attention.context_at_ridge(system) * off
    batch, plain = points.full(system, context)
    assume(batch >= 1)
    endless = float(terms_at(system, batch, context, {P_acc: 1e40})["core_attention"])
    assert (plain["core_attention"] > endless * (1 + 1e-12)) == (off > 1)


def test_on_a_b200_it_never_reaches_the_ridge():
    assert full_attention.context_at_ridge(points.setting("deepseek-v3")) is None


@pytest.mark.parametrize("model", ["deepseek-v3.2", "deepseek-v4-pro", "gemma-4-31b"])
def test_attention_whose_rows_are_picked_or_windowed_meets_the_ridge_where_its_own_counts_do(model):
    """Below the context the core waits, beyond it it computes; where there is none, it waits at every context."""
    system = Setting.of(model=model, accelerator="a100-paper", n_acc=64)
    flip = full_attention.context_at_ridge(system)
    at = (0.9 * flip, 1.1 * flip) if flip else (10.0, 1e6)
    intensities = [
        value(proofs.core(system.architecture, system.conventions).intensity, system.point | {L: each, B: 8})
        for each in at
    ]
    assert [each > 312e12 / 2039e9 for each in intensities] == [False, flip is not None]


@pytest.mark.parametrize("model", points.SYSTEMS)
def test_context_of_half_flips_on_both_sides(model):
    system = points.setting(model)
    flip = full_attention.context_of_share(system)
    assert full_attention.core_share(system, flip * 0.98) < 0.5 < full_attention.core_share(system, flip * 1.02)


def test_shares_are_sought_from_64_tokens_to_the_longest_context_that_memory_holds():
    system = points.setting("gpt3-175b")
    inside, outside = (full_attention.core_share(system, 64 * (1 + off)) for off in (5e-3, -5e-3))
    assert full_attention.context_of_share(system, inside) == pytest.approx(64 * (1 + 5e-3))
    assert full_attention.context_of_share(system, outside) is None
    longest = full_attention.longest(system)
    assert float(batch_at_capacity(system, longest)) >= 1 > float(batch_at_capacity(system, longest * 1.058))
    assert full_attention.longest(system.with_(n_acc=512)) == 2.0**22  # in steps of 5.8 %, up to there
    assert full_attention.longest(points.setting("deepseek-v3", n_acc=8, accelerator="v100-paper")) == 64


# -- the device ------------------------------------------------------------------------------------
def test_break_even_forms_by_algebra():
    assert simplify(proofs.even_tokens() - P_exp * width_weights / (2 * BW_mem)) == 0
    steps = proofs.device_proof()
    assert simplify(steps[2].form - steps[0].form / steps[1].form) == 0
    heads = proofs.even_heads(MLA, REORDERED).xreplace({width_kv: Integer(2)})
    intensity = 2 * n_hd * (2 * d_KVco + d_RoPE) / (2 * (d_KVco + d_RoPE))
    ones = {symbol: Integer(1) for symbol in heads.free_symbols if symbol.name in ("l", "causal")}
    assert simplify(intensity.subs(n_hd, heads.xreplace(ones)) - P_exp / BW_mem) == 0


def device(model: str, n_acc: int = 32):
    return points.setting(model, n_acc=n_acc, accelerator_experts="pim-paper")


@given(st.sampled_from(["llama-4-maverick", "deepseek-v3"]), st.floats(1, 2000))
def test_experts_win_on_the_device_exactly_below_the_break_even_batch(model, tokens):
    system = device(model)
    even = full_attention.even_batch(system) * system.model.n_k / system.model.n_e
    assume(abs(tokens / even - 1) > 1e-6)
    assert (float(full_attention.expert_speed(system, tokens)) > 1) == (tokens < even)


@given(st.sampled_from(["llama-4-maverick", "deepseek-v3"]), st.floats(0.2, 5))
def test_routed_experts_of_the_full_model_flip_with_the_context(model, share):
    assume(abs(share - 1) > 0.01)
    system = device(model)
    context = full_attention.even_context(system) * share
    batch, with_device = points.full(system, context)
    _, plain = points.full(system.with_(accelerator_experts=None), context, batch)
    tokens = batch * system.model.n_k / system.model.n_e
    assume(tokens > 16)  # with few tokens an expert may stay unreached, and fewer experts share the tokens
    assert (with_device["routed_experts"] < plain["routed_experts"]) == (share > 1)


@given(st.sampled_from(list(points.SYSTEMS)), points.contexts)
def test_speed_of_the_core_is_that_of_the_full_model_with_the_devices_rates(model, context):
    system, other = device(model), points.setting(model, "pim-paper")
    batch, terms = points.full(system, context)
    assume(batch >= 1)
    _, moved = points.full(other, context, batch)
    speed = float(full_attention.device_speed(system, [context])[0])
    assert speed == pytest.approx(terms["core_attention"] / moved["core_attention"], rel=1e-9)


@settings(max_examples=30)
@given(st.sampled_from((32, 128)), st.floats(0.3, 3))
def test_heads_on_one_cache_flip_the_device_in_the_full_model(count, off):
    """At endless context; the model's heads are put at `off` times the flip."""
    assume(abs(off - 1) > 0.01)
    system = device("deepseek-v3", count)
    heads = float(value(proofs.even_heads(MLA, REORDERED), system.point)) * off
    on_device, plain = (
        float(terms_at(points.setting("deepseek-v3", name, count), 64.0, 1e9, {n_hd: heads})["core_attention"])
        for name in ("pim-paper", "b200-paper")
    )
    assert (on_device < plain) == (off < 1)


@settings(max_examples=30)
@given(st.sampled_from(list(points.SYSTEMS)), points.contexts, st.floats(0.3, 3))
def test_a_device_as_wide_speeds_the_core_above_its_ridge_only(model, context, off):
    assume(abs(off - 1) > 0.01)
    system = device(model)
    batch = float(points.full(system, context)[0])
    assume(batch >= 1)
    wide = 4 * float(system.point[BW_mem])
    rates = {P_acc: full_attention.even_ridge(system, context) * off * wide, BW_mem: wide}
    plain, moved = (
        float(terms_at(system.with_(accelerator_experts=None), batch, context, each)["core_attention"])
        for each in ({}, rates)
    )
    assert (moved < plain) == (off > 1)


def test_ridge_context_is_where_memory_holds_just_the_ridge_batch():
    system = points.setting("deepseek-v3")
    batch, _ = points.full(system, full_attention.ridge_context(system))
    assert batch == pytest.approx(2250 / 8 * 256 / 8)
    assert value(RP_acc, system.point) == 281.25


def test_a_device_is_needed():
    with pytest.raises(InputError, match="accelerator_experts= is needed"):
        full_attention.device_speed(points.setting("deepseek-v3"), np.array([1024.0]))


@pytest.mark.parametrize(
    ("device", "ahead"),
    [
        ((256e12, 32e12), (True, False, False, False)),
        ((2700e12, 32e12), (True, True, True, True)),  # the device of ridge 84, ahead also above 337
        ((256e12, 4e12), (False, False, False, False)),
        ((4500e12, 4e12), (False, False, True, True)),
    ],
)
def test_a_device_is_ahead_below_one_intensity_only_with_less_arithmetic_and_more_bandwidth(device, ahead):
    P, BW = device
    found = [min(P, BW * each) > min(2250e12, 8e12 * each) for each in (10, 100, 600, 1000)]
    assert tuple(found) == ahead


@pytest.mark.parametrize(
    ("accelerator", "other", "batch"),
    [
        ("b200-paper", "pim-paper", 8.0),  # 256e12 < 2250e12, 32e12 > 8e12: below one batch
        ("v100-paper", "pim-paper", np.inf),  # 256e12 > 125e12: at every batch
        ("b200-paper", "a100-paper", 0.0),  # less of both: at none
        ("a100-paper", "b200-paper", np.inf),
        ("pim-paper", "b200-paper", np.nan),  # more arithmetic, less bandwidth: above a batch
    ],
)
def test_the_break_even_batch_knows_where_there_is_none(accelerator, other, batch):
    system = points.setting("deepseek-v3", accelerator, accelerator_experts=other)
    found, even = full_attention.even_batch(system), 256e12 / 8e12  # FLOP/byte, and tokens of 2-byte weights alone
    by_hand = even / (1 - even * 2 / (3 * 2048)) * 256 / 8  # 6 FLOP d_MoE for 4 bytes of a row; 8 of 256 experts
    assert found == pytest.approx(by_hand if batch == 8.0 else batch, nan_ok=True)
    if not 0 < found < np.inf:
        assert full_attention.even_context(system) == pytest.approx(
            {np.inf: 0, 0: np.inf}.get(found, np.nan), nan_ok=True
        )


def test_a_system_without_a_batch_is_filled_with_whole_requests():
    """As many as memory holds, a batch that is given stays, and a memory too small is told."""
    system = Setting.of(model="deepseek-v3", accelerator="b200-paper", link="nvlink5-b200", n_acc=32, L=8192)
    assert filled(system)["B"] == 202 * 32 == 32 * int(float(batch_at_capacity(system, 8192)) / 32)
    assert filled(system.with_(B=7))["B"] == 7
    with pytest.raises(InputError, match="memory holds no request"):
        filled(system.with_(n_acc=1))
