"""Variants of attention against the mechanism that each of them varies, by counts at random sizes and by values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer

from analysis.derive.attention import GQA, MLA
from analysis.derive.block import Architecture, Kind, attention_stages, bytes_moved, flops
from analysis.derive.compressing import CSA, CSA_indexed, CSA_shared
from analysis.derive.decoder import attention_weights, kv_cache_bytes
from analysis.derive.mechanisms import stored, touched
from analysis.derive.states import KDA
from analysis.derive.symbols import (
    B,
    L,
    L_str,
    L_win,
    d_dec,
    d_emb,
    d_hd,
    d_k,
    d_s,
    d_v,
    deg_grp,
    l,
    n_hd,
    n_kv,
    n_past,
    n_tap,
    n_v,
    width_activations,
    width_kv,
    width_state,
)
from analysis.derive.variants import (
    SWA,
    GQA_gated,
    GQA_head_gated,
    GQA_one,
    GQA_values,
    KDA_gated,
    Mamba,
    MLA_gated,
    ShortConv,
)
from analysis.measure.execute import execute, inputs

from .small import all_lines, few, number, points

SEEDS = st.integers(0, 2**32 - 1)


def costs(mechanism, point):
    """Weights, stored bytes, and FLOPs and bytes of each stage, as numbers."""
    stages = attention_stages(mechanism).items()
    found = {"weights": attention_weights(Kind(Integer(1), mechanism)), "stored": stored(mechanism)}
    found |= {f"{stage} flops": flops(kernels) for stage, kernels in stages}
    found |= {f"{stage} bytes": bytes_moved(kernels) for stage, kernels in stages}
    return {name: number(form, point) for name, form in found.items()}


def more(left, right):
    """By how much each cost of one exceeds that of another, where they differ."""
    return {name: left[name] - right[name] for name in left if left[name] != right[name]}


@pytest.mark.parametrize(
    ("gated", "plain", "gate", "out"),
    [
        (GQA_gated, GQA, n_hd * d_hd, n_hd * d_hd),
        (GQA_head_gated, GQA, n_hd, n_hd * d_hd),
        (MLA_gated, MLA, n_hd * d_v, n_hd * d_v),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
@few
@given(points(high=4))
def test_a_gate_is_one_more_projection_and_a_product(gated, plain, gate, out, point):
    """Its weights are read once, H again; it is written, and read with what heads give, which is written anew."""
    point = point | {n_hd: point[n_kv] * point[deg_grp]}
    tokens, width = point[B] * point[l], point[width_activations]
    gate, out = number(gate, point), number(out, point)
    found = more(costs(gated, point), costs(plain, point))
    weights = found.pop("weights")
    assert weights == point[d_emb] * gate
    assert found.pop("projections flops") == 2 * tokens * weights
    moved = sum(found.pop(name) for name in ("projections bytes", "output bytes"))
    in_weights = {symbol: size for symbol, size in point.items() if symbol.name == "width_weights"}
    (per_weight,) = in_weights.values()
    assert moved == weights * per_weight + tokens * width * (point[d_emb] + gate + gate + 2 * out)
    assert not found


@few
@given(points(high=4))
def test_values_as_wide_as_keys_are_grouped_attention(point):
    assert not more(costs(GQA_values, point | {d_v: point[d_hd]}), costs(GQA, point))
    wide, narrow = (costs(GQA_values, point | {d_v: Integer(size)}) for size in (7, 5))
    a_token = point[B] * point[L] * point[n_kv] * point[width_kv]
    assert wide["stored"] - narrow["stored"] == 2 * a_token


@few
@given(points(high=4))
def test_one_projection_saves_that_of_values_alone(point):
    found = more(costs(GQA_one, point), costs(GQA, point))
    weights = point[d_emb] * point[n_kv] * point[d_hd]
    assert found.pop("weights") == -weights
    assert found.pop("projections flops") == -2 * point[B] * point[l] * weights
    assert set(found) <= {"projections bytes"}


@few
@given(points(high=4))
def test_a_window_of_shared_rows_is_one_head_whose_keys_are_its_values(point):
    """The cache is half of that of one key-value head, as are the rows that the core reads; its FLOPs are the same."""
    one = point | {n_kv: Integer(1), deg_grp: point[n_hd]}
    rows, windowed = costs(SWA, point), costs(GQA.within(L_win), one)
    assert 2 * rows["stored"] == windowed["stored"]
    assert rows["core flops"] == windowed["core flops"]
    assert number(2 * touched(SWA) - touched(GQA.within(L_win)), one) == 0


@few
@given(points(high=4))
def test_an_output_gate_of_full_rank(point):
    found = more(costs(KDA_gated, point), costs(KDA, point))
    full = point[d_emb] * point[n_v] * point[d_s]
    low = point[d_dec] * (point[d_emb] + point[n_v] * point[d_s])
    assert found.get("weights", 0) == full - low
    assert set(found) <= {"weights", "projections flops", "projections bytes"}


# -- shared streams --------------------------------------------------------------------------------
@few
@given(points(high=4))
def test_a_stream_is_stored_where_it_is_made(point):
    """Readers keep a window; their core reads what the owner's does, and an index of theirs the owner's keys."""
    owner, reader, indexing = (costs(mechanism, point) for mechanism in (CSA, CSA_shared, CSA_indexed))
    window = costs(SWA, point)
    assert reader["stored"] == indexing["stored"] == window["stored"]
    assert reader["core bytes"] == indexing["core bytes"] == owner["core bytes"]
    assert indexing["index bytes"] == owner["index bytes"]
    assert indexing["index flops"] == owner["index flops"]
    assert reader["weights"] == window["weights"]


def test_the_cache_of_a_model_counts_a_stream_once():
    kinds = (Kind(Integer(1), CSA), Kind(Integer(5), CSA_shared), Kind(Integer(2), CSA_indexed))
    built, alone = Architecture.of_kinds(*kinds), Architecture.of_kinds(Kind(Integer(1), CSA))
    windows = Architecture.of_kinds(Kind(Integer(7), SWA))
    assert (kv_cache_bytes(built) - kv_cache_bytes(alone) - kv_cache_bytes(windows)).expand() == 0
    for reader in (CSA_shared, CSA_indexed, replace(CSA, borrows=True)):
        with pytest.raises(ValueError, match=f"{reader.name} borrows a cache that no block stores"):
            Architecture.of_kinds(Kind(Integer(1), reader), Kind(Integer(1), SWA))
    with pytest.raises(ValueError, match="CSA_indexed borrows"):  # rows are there, index keys are not
        Architecture.of_kinds(
            Kind(Integer(1), CSA_indexed), Kind(Integer(1), replace(CSA, cache_text="c[B L_cmp d_hd]"))
        )


# -- Mamba-1 ---------------------------------------------------------------------------------------
@few
@given(points(high=3), st.integers(1, 5), SEEDS)
def test_mamba_is_a_recurrence_of_each_channel(sizes, tokens, seed):
    """h = a h + u B, y = C h for each channel, with B, C and the step made of the convolved input."""
    sizes = sizes | {l: Integer(1), n_past: sizes[n_tap] - 1}
    lines = all_lines(Mamba, "as_printed")
    rng = np.random.default_rng(seed)
    shapes = {name: [int(sizes[axis]) for axis in t.axes] for name, t in inputs(lines).items()}
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()} | {"M": np.zeros(shapes["M"])}
    hidden = rng.standard_normal((int(sizes[B]), tokens, int(sizes[d_emb])))
    moves = {"v_tap": lambda x, past: np.concatenate([past, x], axis=1)[:, None]}
    moves |= {"v_past_new": lambda window: window[:, 0, 1:], "M_new": lambda N: N[:, -1], "p": lambda o, z: o * z}
    state = arrays["M"]
    for token in range(tokens):
        step = execute(lines, arrays | {"H": hidden[:, token : token + 1]}, None, moves)
        u = np.einsum("btc,tc->bc", np.concatenate([arrays["v_past"], step["v"]], axis=1), arrays["W_v_tap"])
        a = u @ arrays["W_CA"] @ arrays["W_A"]
        state = a[..., None] * state + u[..., None] * (u @ arrays["W_B"])[:, None, :]
        output = np.einsum("bck,bk->bc", state, u @ arrays["W_C"]) * step["z"][:, 0]
        np.testing.assert_allclose(step["y"][:, 0], output @ arrays["W_out"], rtol=1e-9, atol=1e-9)
        arrays |= {"M": step["M_new"], "v_past": step["v_past_new"]}


@few
@given(points(high=3), SEEDS)
def test_a_short_convolution_between_two_gates(sizes, seed):
    """y = W (z * conv(x * g)): the last inputs, gated, are all that is kept."""
    sizes = sizes | {l: Integer(1), n_past: sizes[n_tap] - 1}
    lines = all_lines(ShortConv, "as_printed")
    rng = np.random.default_rng(seed)
    shapes = {name: [int(sizes[axis]) for axis in t.axes] for name, t in inputs(lines).items()}
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    moves = {"v": lambda x, g: x * g, "o": lambda u, z: u * z, "v_past_new": lambda window: window[:, 0, 1:]}
    moves |= {"v_tap": lambda v, past: np.concatenate([past, v], axis=1)[:, None]}
    step = execute(lines, arrays, None, moves)
    H = arrays["H"][:, 0]
    v = (H @ arrays["W_X"]) * (H @ arrays["W_G"])
    window = np.concatenate([arrays["v_past"], v[:, None]], axis=1)
    u = np.einsum("btc,tc->bc", window, arrays["W_v_tap"])
    np.testing.assert_allclose(step["y"][:, 0], (u * (H @ arrays["W_Z"])) @ arrays["W_out"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(step["v_past_new"], window[:, 1:], rtol=0, atol=0)
    assert number(stored(ShortConv), sizes) == sizes[B] * (sizes[n_tap] - 1) * sizes[n_v] * sizes[width_activations]


def test_the_state_and_the_operations_of_mamba_by_hand():
    """Jamba: 8192 channels of 16 elements in 32 bits, three past inputs in 16 bits; five operations an element."""
    point = {n_v: 8192, d_k: 16, n_tap: 4, width_state: 4, width_activations: 2, B: 1, l: 1}
    point = {symbol: Integer(size) for symbol, size in point.items()}
    assert number(stored(Mamba), point) == 8192 * 16 * 4 + 3 * 8192 * 2
    assert flops(attention_stages(Mamba)["core"]) == 5 * B * l * n_v * d_k
    assert not stored(Mamba).has(L, L_str)
