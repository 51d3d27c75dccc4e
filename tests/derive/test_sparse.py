"""Attention to picked and shared rows: rows by loops over positions, and values against dense attention."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer

from analysis.derive.attention import GQA, MLA
from analysis.derive.block import Conventions, attention_stages
from analysis.derive.mechanisms import ALL, phi, stored, touched
from analysis.derive.sparse import DSA, GLA, GTA, MFA, MSA, DSA_shared
from analysis.derive.statements.of_mechanisms import INDEX, PICKED, PICKS
from analysis.derive.symbols import (
    B,
    L,
    L_blk,
    L_sel,
    L_top,
    causal,
    d_hd,
    d_I,
    d_KVco,
    d_nope,
    d_RoPE,
    d_v,
    deg_grp,
    h_I,
    l,
    n_hd,
    n_kv,
    n_top,
    width_activations,
    width_kv,
    width_scores,
)
from analysis.measure.execute import execute, inputs, softmax

from .small import all_lines, few, many, number, points

ROWS = {L_top, L_sel}  # axes that name rows of the context L
SEEDS = st.integers(0, 2**32 - 1)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}
LENGTHS = st.integers(1, 9).flatmap(lambda L: st.tuples(st.just(L), st.integers(1, min(L, 4)), st.integers(1, 10)))
REORDERED = Conventions("reordered")


def random_inputs(lines, sizes, seed):
    rng = np.random.default_rng(seed)
    shapes = {
        name: [int(sizes[L if axis in ROWS else axis]) for axis in t.axes]
        for name, t in inputs(lines).items()
        if name != "T"
    }
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def largest(scores, most):
    """Places of the `most` largest on the last axis, or of all."""
    return np.argsort(-scores, axis=-1)[..., :most]


def rows_of(kept, picks):
    """Rows of a tensor [B L ...] that each query picked: [B l picks ...]."""
    return np.stack([each[chosen] for each, chosen in zip(kept, picks, strict=True)])


def dense(lines, arrays, picks, axis=-1):
    """The same attention with a mask built from the picks in the place of the picking."""

    def step(scores):
        seen = np.zeros(scores.shape, dtype=bool)
        np.put_along_axis(seen, np.broadcast_to(picks, (*scores.shape[:-1], picks.shape[-1])), True, axis=axis)
        return softmax(np.where(seen, scores, -np.inf))

    return execute(lines, {name: arrays[name] for name in inputs(lines)}, {"S": step})


# -- values ----------------------------------------------------------------------------------------
@many
@given(points(high=4), LENGTHS, SEEDS)
def test_picked_latent_attention_is_dense_under_the_mask_of_its_picks(sizes, lengths, seed):
    """With as many picks as rows this is latent attention itself."""
    context, new, most = lengths
    sizes = sizes | {L: Integer(context), l: Integer(new)}
    lines = all_lines(DSA, "reordered")
    arrays = random_inputs(lines, sizes, seed)
    moves = {"T": lambda J: largest(J, most), "c_T": rows_of, "r_T": rows_of}
    picked = execute(lines, arrays, {"Z": lambda Z: np.maximum(Z, 0), "S": softmax}, moves)
    by_hand = np.einsum("blhd,bLd->blhL", picked["q_I"], arrays["k_I"]).clip(0)
    np.testing.assert_allclose(picked["J"], np.einsum("blhL,blh->blL", by_hand, picked["g_I"]), **CLOSE)
    masked = dense(all_lines(MLA, "reordered"), arrays, picked["T"][:, None])
    np.testing.assert_allclose(picked["y"], masked["y"], **CLOSE)
    shared = all_lines(DSA_shared, "reordered")
    borrowed = {name: (picked | arrays)[name] for name in inputs(shared)}
    np.testing.assert_allclose(execute(shared, borrowed, {"S": softmax}, moves)["y"], picked["y"], **CLOSE)
    if most >= context:
        full = execute(
            all_lines(MLA, "reordered"), {n: arrays[n] for n in inputs(all_lines(MLA, "reordered"))}, {"S": softmax}
        )
        np.testing.assert_allclose(picked["y"], full["y"], **CLOSE)


@many
@given(points(high=3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.integers(1, 3), SEEDS)
def test_attention_to_picked_blocks_is_dense_under_the_mask_of_its_picks(sizes, blocks, wide, most, new, seed):
    context = blocks * wide
    sizes = sizes | {L: Integer(context), l: Integer(min(new, context))}
    lines = all_lines(MSA, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    tokens = {}

    def gathered(kept, picks):  # [B L n_kv d], [B l n_kv n_top] -> [B l L_sel n_kv d]
        places = (picks[..., None] * wide + np.arange(wide)).reshape(*picks.shape[:-1], -1)
        tokens["picked"] = places
        by_head = [rows_of(kept[:, :, head], places[:, :, head]) for head in range(kept.shape[2])]
        return np.stack(by_head, axis=3)

    moves = {
        "J": lambda Z: Z.reshape(*Z.shape[:-1], blocks, wide).max(axis=-1),
        "T": lambda J: largest(J, most),
        "k_T": gathered,
        "v_T": gathered,
    }
    picked = execute(lines, arrays, {"S": softmax}, moves)
    masked = dense(all_lines(GQA, "as_printed"), arrays, tokens["picked"].transpose(0, 2, 1, 3)[:, :, None])
    np.testing.assert_allclose(picked["y"], masked["y"], **CLOSE)


def joined(array, first, count):
    """Two neighbouring axes, the first of them given, as one."""
    return array.reshape(*array.shape[:first], count, *array.shape[first + 2 :])


@many
@given(points(high=4), SEEDS)
def test_one_group_of_latents_is_latent_attention(sizes, seed):
    sizes = sizes | {n_kv: Integer(1), deg_grp: sizes[n_hd], l: min(sizes[l], sizes[L])}
    lines, plain = all_lines(GLA, "reordered"), all_lines(MLA, "reordered")
    arrays = random_inputs(lines, sizes, seed)
    heads = {"W_DQ": 1, "W_RQ": 1, "W_CKV": 1, "c_KV": 2, "W_DK": 0, "W_DV": 0, "W_out": 0}
    same = {name: arrays[name].squeeze(axis) for name, axis in heads.items()}
    found, latent = execute(lines, arrays, {"S": softmax}), execute(plain, arrays | same, {"S": softmax})
    np.testing.assert_allclose(found["y"], latent["y"], **CLOSE)


@many
@given(points(high=3), SEEDS)
def test_groups_of_latents_are_latent_attentions_side_by_side(sizes, seed):
    """Each group by itself, with its slice of every weight; outputs add up. The rotary key is one for all."""
    sizes = sizes | {n_hd: sizes[deg_grp], l: min(sizes[l], sizes[L])}
    lines, plain = all_lines(GLA, "reordered"), all_lines(MLA, "reordered")
    arrays = random_inputs(lines, sizes, seed)
    heads = {"W_DQ": 1, "W_RQ": 1, "W_CKV": 1, "c_KV": 2, "W_DK": 0, "W_DV": 0, "W_out": 0}
    y = 0
    for group in range(int(sizes[n_kv])):
        own = {name: arrays[name].take(group, axis) for name, axis in heads.items()}
        y = y + execute(plain, arrays | own, {"S": softmax})["y"]
    np.testing.assert_allclose(execute(lines, arrays, {"S": softmax})["y"], y, **CLOSE)


@many
@given(points(high=3), st.integers(1, 3), SEEDS)
def test_tied_attention_is_grouped_attention_with_its_key_built(sizes, half, seed):
    """The key is the first half of the tied row beside the one rotary key; the value is the tied row."""
    sizes = sizes | {d_hd: Integer(2 * half), d_nope: Integer(half), d_RoPE: Integer(half), l: min(sizes[l], sizes[L])}
    lines = all_lines(GTA, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    found = execute(lines, arrays, {"S": softmax}, {"k_N": lambda t: t[..., :half]})
    key = np.repeat(arrays["k_R"][:, :, None], int(sizes[n_kv]), axis=2)
    own = {
        "k": np.concatenate([arrays["t"][..., :half], key], axis=-1),
        "v": arrays["t"],
        "W_Q": np.concatenate([arrays["W_NQ"], arrays["W_RQ"]], axis=-1),
        "W_out": arrays["W_out"],
        "H": arrays["H"],
        "W_K": np.zeros_like(arrays["W_T"]),
        "W_V": arrays["W_T"],
    }
    np.testing.assert_allclose(found["y"], execute(all_lines(GQA, "as_printed"), own, {"S": softmax})["y"], **CLOSE)


@few
@given(points(high=3), SEEDS)
def test_a_compressed_query_is_a_product_of_two_weights(sizes, seed):
    sizes = sizes | {l: min(sizes[l], sizes[L])}
    lines = all_lines(MFA, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    whole = arrays | {"W_Q": np.einsum("ec,cngd->engd", arrays["W_CQ"], arrays["W_Q"])}
    del whole["W_CQ"]
    plain = execute(all_lines(GQA, "as_printed"), whole, {"S": softmax})
    np.testing.assert_allclose(execute(lines, arrays, {"S": softmax})["y"], plain["y"], **CLOSE)


# -- rows, row by row ------------------------------------------------------------------------------
def moved(mechanism, stage, name, conventions=REORDERED):
    """Elements of a tensor that a stage's kernels move."""
    kernels = attention_stages(mechanism, conventions)[stage]
    return sum(t.elements for kernel in kernels for t in kernel.boundary if t.name == name)


@many
@given(points(high=3), LENGTHS, SEEDS)
def test_rows_of_an_index_are_all_and_of_its_core_those_picked(sizes, lengths, seed):
    context, new, most = lengths
    rng, requests = random.Random(seed), int(sizes[B])
    point = sizes | {L: Integer(context), l: Integer(new), L_top: Integer(most), causal: Integer(1)}
    keys, latents, pairs, scores = set(), set(), 0, 0
    for request in range(requests):
        for _ in range(new):
            keys |= {(request, row) for row in range(context)}
            scores += context
            picks = rng.sample(range(context), min(most, context))
            pairs += len(picks)
            latents |= {(request, row) for row in picks}
    assert number(moved(DSA, "index", "k_I"), point) == len(keys) * point[d_I]
    assert number(moved(DSA, "index", "J"), point) == number(moved(DSA, "select", "J"), point) == scores
    assert number(moved(DSA, "select", "T"), point) == number(moved(DSA, "core", "T"), point) == pairs
    read = number(moved(DSA, "core", "c_KV"), point) / point[d_KVco]
    assert read == len(latents) if new == 1 else read >= len(latents)
    assert number(moved(DSA, "core", "k_R"), point) == read * point[d_RoPE]
    index, core = (sum(k.flops for k in attention_stages(DSA, REORDERED)[stage]) for stage in ("index", "core"))
    assert number(index, point) == scores * point[h_I] * (2 * point[d_I] + 2)
    assert number(core, point) == pairs * point[n_hd] * 2 * (2 * point[d_KVco] + point[d_RoPE])


@many
@given(points(high=3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), SEEDS)
def test_each_key_head_picks_its_own_blocks(sizes, blocks, wide, most, seed):
    rng, context = random.Random(seed), blocks * wide
    more = {L: Integer(context), l: Integer(1), L_blk: Integer(wide), n_top: Integer(most), causal: Integer(1)}
    point, read = sizes | more, set()
    for head in range(int(sizes[n_kv])):
        for block in rng.sample(range(blocks), min(most, blocks)):
            read |= {(head, token) for token in range(context) if token // wide == block}
    rows = len(read) * point[B]
    assert number(moved(MSA, "core", "k"), point) == number(moved(MSA, "core", "v"), point) == rows * point[d_hd]
    assert number(moved(MSA, "index", "k_I"), point) == context * point[B] * point[d_I]
    (core,) = attention_stages(MSA)["core"]
    assert number(core.flops, point) == 4 * rows * point[deg_grp] * point[d_hd]


# -- bytes and phi by hand -------------------------------------------------------------------------
V32 = {
    B: 1, l: 1, causal: 1, L_top: 2048, d_KVco: 512, d_RoPE: 64, d_I: 128, h_I: 64, n_hd: 128,
    width_kv: 2, width_scores: 4, width_activations: 2,
}  # fmt: skip


@pytest.mark.parametrize("context", [1000, 2048, 131072])
def test_bytes_of_a_step_of_deepseek_v32_by_hand(context):
    point = {symbol: Integer(size) for symbol, size in V32.items()} | {L: Integer(context)}
    rows = min(context, 2048)
    latent, key = 2 * 576, 2 * 128
    assert number(stored(DSA), point) == context * (latent + key)
    assert number(touched(DSA, REORDERED), point) == context * key + rows * latent + latent + key
    assert number(touched(DSA_shared, REORDERED), point) == (rows + 1) * latent
    share = (context * key + rows * latent + latent + key) / (context * (latent + key))
    assert float(number(phi(DSA, REORDERED), point)) == pytest.approx(share, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "order", "endless"),
    [("MHA", "as_printed", 1), ("GQA", "as_printed", 1), ("GLA", "reordered", 1), ("GTA", "as_printed", 1),
     ("DSA_shared", "reordered", 0)],
)  # fmt: skip
def test_dense_attention_reads_what_it_stores_and_borrowed_picks_almost_nothing(name, order, endless):
    sizes = {n_kv: 8, d_hd: 128, n_hd: 128} | V32 | {L: 10**9}
    found = number(phi(ALL[name], Conventions(order)), {symbol: Integer(size) for symbol, size in sizes.items()})
    assert float(found) == pytest.approx(endless, abs=1e-5)


def test_an_index_alone_is_read_in_whole_for_ever():
    keys = V32[d_I] / (V32[d_I] + V32[d_KVco] + V32[d_RoPE])
    point = {symbol: Integer(size) for symbol, size in V32.items()} | {L: Integer(10**9)}
    assert float(number(phi(DSA, REORDERED), point)) == pytest.approx(keys, rel=1e-4)
    assert d_v not in phi(DSA, REORDERED).free_symbols


@given(st.integers(1, 8), st.integers(1, 4), st.integers(16, 4096), st.floats(1, 1e6))
def test_from_the_border_of_its_index_on_the_share_that_a_step_reads_falls_by_half_at_most(queries, wider, picks, on):
    """Of V3.2's rows and keys, or with keys up to four times as wide: at the border the index reads as much as the
    picks, and as much of what is kept ever after; before it the share falls by more."""
    row, key = 576, 128 * wider
    border = queries * picks * row / key
    sizes = {d_KVco: 512, d_RoPE: 64, d_I: key, L_top: picks, l: queries, width_kv: 2}

    def share(context):
        read = INDEX + PICKS.xreplace({PICKED: L_top * l})
        return float((read / stored(DSA)).subs({**sizes, L: context, B: 1}))

    endless = key / (row + key)
    assert share(border) == pytest.approx(2 * endless)
    assert endless * (1 - 1e-12) < share(border * on) < 2 * endless * (1 + 1e-12)
    assert share(border * 0.9) > 2.1 * endless
