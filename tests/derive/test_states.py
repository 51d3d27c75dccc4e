"""Recurrent states: the recurrence against the whole sum, its counts against loops, and its bytes by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer

from analysis.derive.block import attention_stages, flops
from analysis.derive.decoder import weight_elements
from analysis.derive.mechanisms import ALL, phi, stored, touched
from analysis.derive.states import GDN, KDA, Lightning, Mamba2
from analysis.derive.symbols import (
    B,
    L,
    causal,
    d_dec,
    d_emb,
    d_k,
    d_s,
    l,
    n_past,
    n_qk,
    n_tap,
    n_v,
    width_activations,
    width_state,
)
from analysis.measure.execute import execute, inputs

from .loops import run
from .small import all_lines, few, many, number, points

CHANNELS = 2 * n_qk * d_k + n_v * d_s  # that pass the short convolutions of GDN and Mamba-2
STATES = (KDA, GDN, Lightning, Mamba2)
SEEDS = st.integers(0, 2**32 - 1)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def moves(sizes, delta):
    """What the lines that move do, for one token."""
    repeat = int(sizes[n_v]) // int(sizes[n_qk])
    found = {name: lambda x: np.repeat(x, repeat, axis=2) for name in ("q_h", "k_h")}
    found |= {f"{x}_tap": lambda x, past: np.concatenate([past, x], axis=1)[:, None] for x in "qkv"}
    found |= {f"{x}_past_new": lambda window: window[:, 0, 1:] for x in "qkv"}
    found |= {"M_new": lambda N: N[:, -1], "p": lambda o, z: o * z}
    return found | ({"u": lambda v, e, b: b[..., None] * (v - e)} if delta else {})


def one_token(sizes):
    return sizes | {l: Integer(1), n_past: sizes[n_tap] - 1, n_v: sizes[n_qk] * sizes[n_v]}


def random_inputs(lines, sizes, seed):
    rng = np.random.default_rng(seed)
    shapes = {name: [int(sizes[axis]) for axis in t.axes] for name, t in inputs(lines).items()}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def stepped(lines, arrays, hidden, sizes, delta):
    """Token by token: each step is given the state and the past inputs that the step before left."""
    found = []
    for token in range(hidden.shape[1]):
        step = execute(lines, arrays | {"H": hidden[:, token : token + 1]}, None, moves(sizes, delta))
        left = {name: step[f"{name}_new"] for name in arrays if f"{name}_new" in step}
        arrays = arrays | left
        found.append(step)
    return found


def joined(steps, name):
    return np.concatenate([step[name] for step in steps], axis=1)


@pytest.mark.parametrize("mechanism", [Lightning, Mamba2], ids=lambda m: m.name)
@few
@given(points(high=3), st.integers(1, 6), SEEDS)
def test_a_plain_state_is_attention_with_decayed_scores(mechanism, sizes, tokens, seed):
    """The whole prompt at once: o_t = sum over i up to t of (product of the decays after i) (q_t k_i) u_i."""
    sizes = one_token(sizes)
    lines = all_lines(mechanism, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    arrays["M"] = np.zeros_like(arrays["M"])
    hidden = np.random.default_rng(seed + 1).standard_normal((int(sizes[B]), tokens, int(sizes[d_emb])))
    steps = stepped(lines, arrays, hidden, sizes, delta=False)
    q, k, u, o = (joined(steps, name) for name in ("q_h", "k_h", "u", "o"))
    fixed = "a" in arrays  # of a head, whatever the token
    a = np.broadcast_to(arrays["a"][None], (len(q), tokens, q.shape[2])) if fixed else joined(steps, "a")
    for t in range(tokens):
        whole = sum(
            np.prod(a[:, i + 1 : t + 1], axis=1)[..., None]
            * np.einsum("bnk,bnk->bn", q[:, t], k[:, i])[..., None]
            * u[:, i]
            for i in range(t + 1)
        )
        np.testing.assert_allclose(o[:, t], whole, **CLOSE)


@pytest.mark.parametrize("mechanism", [KDA, GDN], ids=lambda m: m.name)
@few
@given(points(high=3), st.integers(1, 6), SEEDS)
def test_the_delta_rule_is_a_product_of_matrices(mechanism, sizes, tokens, seed):
    """M_t = (I - b k k^T) diag(a) M_{t-1} + b k v^T, the form of arXiv 2510.26692 (Eq. 1), from any state."""
    sizes = one_token(sizes)
    if mechanism is KDA:
        sizes = sizes | {n_qk: sizes[n_v]}
    lines = all_lines(mechanism, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    hidden = np.random.default_rng(seed + 1).standard_normal((int(sizes[B]), tokens, int(sizes[d_emb])))
    steps = stepped(lines, arrays, hidden, sizes, delta=True)
    width = int(sizes[d_k])
    for request in range(int(sizes[B])):
        for head in range(int(sizes[n_v])):
            M = arrays["M"][request, head]
            for step in steps:
                k, v, q = (step[name][request, 0, head] for name in ("k_h", "v_h", "q_h"))
                b, a = step["b"][request, 0, head], step["a"][request, 0, head]
                M = (np.eye(width) - b * np.outer(k, k)) @ np.diag(np.broadcast_to(a, width)) @ M + b * np.outer(k, v)
                np.testing.assert_allclose(step["o"][request, 0, head], M.T @ q, **CLOSE)


def test_without_decay_orthonormal_keys_are_recalled_exactly():
    """a = 1, b = 1: reading with a key gives the last value written under it, also where it was written twice."""
    core = KDA.stages()["core"]
    keys, values = np.eye(3), np.random.default_rng(0).standard_normal((5, 4))
    M, order = np.zeros((1, 1, 3, 4)), (0, 1, 2, 1, 0)
    for key, value in zip(order, values, strict=True):
        given_now = {"M": M, "a": np.ones((1, 1, 1, 3)), "b": np.ones((1, 1, 1))}
        given_now |= {"k_h": keys[key].reshape(1, 1, 1, 3), "q_h": keys[key].reshape(1, 1, 1, 3)}
        found = execute(core, given_now | {"v_h": value.reshape(1, 1, 1, 4)}, None, moves({n_v: 1, n_qk: 1}, True))
        np.testing.assert_allclose(found["o"].ravel(), value, **CLOSE)
        M = found["M_new"]
    np.testing.assert_allclose(M[0, 0], values[[4, 3, 2]], **CLOSE)


@few
@given(points(high=3), st.integers(1, 8), SEEDS)
def test_a_short_convolution_over_a_sequence_is_one_step_after_another(sizes, tokens, seed):
    sizes = one_token(sizes)
    lines = GDN.stages()["convolution"]
    arrays = random_inputs(lines, sizes, seed)
    taps = int(sizes[n_tap])
    x = np.random.default_rng(seed + 1).standard_normal((int(sizes[B]), tokens, int(sizes[n_qk]), int(sizes[d_k])))
    whole = np.concatenate([arrays["q_past"], x], axis=1)
    for token in range(tokens):
        found = execute(lines, arrays | {"q": x[:, token : token + 1]}, None, moves(sizes, True))
        by_hand = sum(whole[:, token + tap] * arrays["W_q_tap"][tap] for tap in range(taps))
        np.testing.assert_allclose(found["q_t"][:, 0], by_hand, **CLOSE)
        arrays["q_past"] = found["q_past_new"]


# -- counts ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("mechanism", STATES, ids=lambda m: m.name)
@few
@given(points(high=2))
def test_counts_are_those_of_loops(mechanism, sizes):
    point = sizes | {n_past: sizes[n_tap], n_tap: sizes[n_tap] + 1}
    for stage, kernels in attention_stages(mechanism).items():
        for kernel in kernels:
            looped = run(kernel.lines, point)
            assert number(kernel.flops, point) == looped.operations, (stage, kernel.name)
            for tensor in kernel.boundary:
                assert number(tensor.elements, point) == looped.crossing.count(tensor.name), tensor


@pytest.mark.parametrize(("name", "each"), [("KDA", 7), ("GDN", 7), ("Lightning", 5), ("Mamba2", 5)])
def test_operations_of_an_element_of_the_state(name, each):
    """Decay 1, the update 2, the reading 2; with the delta rule the reading under the key, 2 more."""
    assert flops(attention_stages(ALL[name])["core"]) == each * B * l * n_v * d_k * d_s


@pytest.mark.parametrize("mechanism", STATES, ids=lambda m: m.name)
def test_bytes_know_no_context_and_a_state_is_read_and_written(mechanism):
    form = touched(mechanism)
    assert not {L, causal, l} & (form.free_symbols | stored(mechanism).free_symbols)
    assert (form - 2 * stored(mechanism)).expand() == 0
    assert phi(mechanism) == 2


def test_state_of_a_qwen3_next_block_by_hand():
    """32 heads of 128 x 128 in FP32, and three inputs of 2 x 16 x 128 + 32 x 128 channels in BF16."""
    sizes = {B: 1, n_v: 32, n_qk: 16, d_k: 128, d_s: 128, n_tap: 4, width_state: 4, width_activations: 2}
    point = {symbol: Integer(size) for symbol, size in sizes.items()}
    assert number(stored(GDN), point) == 32 * 128 * 128 * 4 + 3 * (2 * 16 * 128 + 32 * 128) * 2


@pytest.mark.parametrize(
    ("mechanism", "by_hand"),
    [
        (GDN, d_emb * (CHANNELS + n_v * d_s + 2 * n_v) + n_tap * CHANNELS + n_v * d_s * d_emb),
        (Mamba2, d_emb * (CHANNELS + n_v * d_s + n_v) + n_tap * CHANNELS + n_v * d_s * d_emb),
        (Lightning, d_emb * n_v * (2 * d_k + 2 * d_s) + n_v * d_s * d_emb),
        (
            KDA,
            d_emb * n_v * (2 * d_k + d_s) + n_tap * n_v * (2 * d_k + d_s) + 2 * d_emb * d_dec
            + d_dec * n_v * (d_k + d_s) + d_emb * n_v + n_v * d_s * d_emb,
        ),
    ],
    ids=["GDN", "Mamba2", "Lightning", "KDA"],
)  # fmt: skip
def test_weights_of_a_block_by_hand(mechanism, by_hand):
    kernels = tuple(kernel for stage in attention_stages(mechanism).values() for kernel in stage)
    assert (weight_elements(kernels) - by_hand).expand() == 0


@many
@given(points(high=4))
def test_several_tokens_cost_arithmetic_and_no_more_state(sizes):
    """The state stays on the chip between the tokens of a step."""
    one, more = sizes | {l: Integer(1)}, sizes | {l: Integer(5)}
    for mechanism in STATES:
        core = flops(attention_stages(mechanism)["core"])
        assert number(core, more) == 5 * number(core, one)
        assert number(touched(mechanism), more) == number(touched(mechanism), one)
