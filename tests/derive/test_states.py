"""Recurrent states: the recurrence against the whole sum, its counts against loops, and its bytes by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Rational

from analysis.derive.block import Conventions, attention_stages, flops
from analysis.derive.decoder import weight_elements
from analysis.derive.mechanisms import ALL, phi, stored, touched
from analysis.derive.states import GDN, KDA, Lightning, Mamba2
from analysis.derive.symbols import (
    B,
    L,
    L_cut,
    causal,
    d_dec,
    d_emb,
    d_k,
    d_s,
    l,
    n_cut,
    n_past,
    n_qk,
    n_tap,
    n_v,
    width_activations,
    width_state,
)
from analysis.derive.variants import Mamba, ShortConv
from analysis.measure.execute import execute, inputs

from .loops import run
from .small import all_lines, few, many, number, points

CHANNELS = 2 * n_qk * d_k + n_v * d_s  # that pass the short convolutions of GDN and Mamba-2
STATES = (KDA, GDN, Lightning, Mamba2)
SEEDS = st.integers(0, 2**32 - 1)
PROMPT = Conventions(prompt=True)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def moves(sizes, delta):
    """What the lines that move do, for one token."""
    repeat = int(sizes[n_v]) // int(sizes[n_qk])
    found = {name: lambda x: np.repeat(x, repeat, axis=2) for name in ("q_h", "k_h")}
    found |= {f"{x}_tap": lambda x, past: np.concatenate([past, x], axis=1)[:, None] for x in "qkv"}
    found |= {f"{x}_past_new": lambda window: window[:, :, 1:] for x in "qkv"}
    found |= {"M_new": lambda N: N, "p": lambda o, z: o * z}
    return found | ({"u": lambda v, e, b: b[..., None] * (v - e)} if delta else {})


def one_token(sizes):
    return sizes | {l: Integer(1), n_past: sizes[n_tap] - 1, n_v: sizes[n_qk] * sizes[n_v]}


def random_inputs(lines, sizes, seed):
    rng = np.random.default_rng(seed)
    shapes = {name: [int(sizes[axis]) for axis in t.axes] for name, t in inputs(lines).items()}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def stepped(lines, arrays, hidden, sizes, delta):
    """Token by token: each step is given the state and the past inputs that the last token before left."""
    found = []
    for token in range(hidden.shape[1]):
        step = execute(lines, arrays | {"H": hidden[:, token : token + 1]}, None, moves(sizes, delta))
        left = {name: step[f"{name}_new"][:, -1] for name in arrays if f"{name}_new" in step}
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
        M = found["M_new"][:, -1]
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
        arrays["q_past"] = found["q_past_new"][:, -1]


# -- prompts in chunks -----------------------------------------------------------------------------
def in_chunk(a, delta):
    """What the lines that move do within one chunk, which is all of n_cut; `a` are its decays [B l n_v d_k]."""
    since = np.cumprod(a, axis=1)
    below = np.tril(np.ones((a.shape[1],) * 2))

    def solved(A, b):  # [B n_v l L_cut], [B l n_v] -> the inverse of I + b A below the diagonal
        strict = A * np.tril(below, -1) * b.transpose(0, 2, 1)[..., None]
        return np.linalg.inv(np.eye(a.shape[1]) + strict)

    return {
        "q_g": lambda q, _: q * since,
        "k_g": lambda k, _: k * since,
        "k_e": lambda k, _: (k * since[:, -1:] / since)[:, :, None],
        "k_c": lambda k, _: k / since,
        "R": lambda P: P * below,
        "N": lambda C, _: C * since[:, -1:, :, :, None],
        "u_c": lambda u: u,
        "M_new": lambda N: N[:, -1],
        "T": solved,
        "r": lambda v, e, b: b[..., None] * (v - e),
    }


@pytest.mark.parametrize("mechanism", STATES, ids=lambda m: m.name)
@few
@given(points(high=3), st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_a_prompt_in_chunks_is_the_recurrence_token_by_token(mechanism, sizes, chunks, wide, seed):
    """Answers of every token and the state that is left, from any state."""
    delta = mechanism in (KDA, GDN)
    sizes = one_token(sizes) | ({n_qk: sizes[n_qk] * sizes[n_v]} if mechanism is KDA else {})
    sizes[n_v] = sizes[n_qk] if mechanism is KDA else sizes[n_v]
    lines = all_lines(mechanism, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    tokens = chunks * wide
    rng = np.random.default_rng(seed + 1)
    hidden = rng.standard_normal((int(sizes[B]), tokens, int(sizes[d_emb])))
    if mechanism is Lightning:
        arrays["a"] = rng.uniform(0.5, 1, (1, int(sizes[n_v])))
    steps = stepped(lines, arrays, hidden, sizes, delta)
    wanted = joined(steps, "o")
    M, found = arrays["M"], []
    made = ("q_h", "k_h", "b", "v_h") if delta else ("q_h", "k_h", "u")
    for chunk in range(chunks):
        part = steps[chunk * wide : (chunk + 1) * wide]
        given_now = {name: joined(part, name) for name in made} | {"C": M[:, None]}
        if mechanism is Lightning:
            a = np.broadcast_to(arrays["a"][None, :, :, None], given_now["k_h"].shape)
            given_now["a"] = np.repeat(arrays["a"], wide, axis=0)
        else:
            given_now["a"] = joined(part, "a")
            a = given_now["a"] if mechanism is KDA else given_now["a"][..., None]
            a = np.broadcast_to(a, given_now["k_h"].shape)
        core = [line for line in mechanism.stages(prompt=True)["core"] if line.made.name not in ("q_h", "k_h", "C")]
        done = execute(core, given_now, None, in_chunk(a, delta))
        found.append(done["o"])
        M = done["M_new"]
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(np.concatenate(found, axis=1) / scale, wanted / scale, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(M / scale, steps[-1]["M_new"][:, -1] / scale, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "squares", "states"), [("KDA", 4, 3), ("GDN", 4, 3), ("Lightning", 2, 2), ("Mamba2", 2, 2)]
)
def test_operations_of_a_prompt_in_chunks_by_pairs(name, squares, states):
    """Pairs of a chunk under its mask, one by one, for each product of a square; others are with the state."""
    prompt, wide, width, heads = 24, 4, 3, 2
    pairs = sum(sum(1 for key in range(wide) if key <= query) for query in range(wide)) * (prompt // wide)
    by_hand = 2 * heads * (squares * pairs * width + states * prompt * width * width)
    share = Integer(1) - Integer(prompt - 1) / (2 * prompt)
    point = {B: 1, n_v: heads, d_k: width, d_s: width, l: prompt, L: prompt, L_cut: wide, causal: share}
    found = flops(attention_stages(ALL[name], PROMPT)["core"])
    assert number(found, {symbol: Integer(1) * size for symbol, size in point.items()}) == by_hand


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("grouping", ["fused", "layered"])
@pytest.mark.parametrize("mechanism", STATES, ids=lambda m: m.name)
@few
@given(points(high=2), st.integers(1, 7), st.integers(1, 4))
def test_counts_of_a_prompt_are_those_of_loops_over_tokens_and_chunks(mechanism, grouping, masked, sizes, tokens, wide):
    """A token meets its own chunk and the tokens in it, those before it where a mask is used; the last may be short."""
    share = 1 - Rational(tokens - 1, 2 * tokens) if masked else 1
    point = sizes | {l: Integer(tokens), L: Integer(tokens), L_cut: Integer(wide), causal: share}
    looped = point | {L_cut: tokens, n_cut: -(-tokens // wide)}
    seen = {
        L_cut: lambda query, key: query // wide == key // wide and (key <= query or not masked),
        n_cut: lambda token, chunk: token // wide == chunk,
    }
    for kernel in attention_stages(mechanism, Conventions(grouping=grouping, prompt=True))["core"]:
        tally = run(kernel.lines, looped, visible=seen)
        assert number(kernel.flops, point) == tally.operations, kernel.name
        for tensor in kernel.boundary:
            assert number(tensor.elements, point) == tally.crossing.count(tensor.name), (kernel.name, tensor.name)


def test_line_by_line_a_prompt_moves_a_state_a_chunk_and_not_a_state_a_token():
    """Tensors as large as the state, each written by one line and read by another, over 256 tokens in chunks of 64."""
    point = {B: 1, n_v: 1, d_k: 128, d_s: 128, l: 256, L: 256, L_cut: 64, causal: 1}
    large = {}
    for prompt in (False, True):
        kernels = attention_stages(Lightning, Conventions(grouping="layered", prompt=prompt))["core"]
        crossing = [tensor for kernel in kernels for tensor in kernel.boundary if {d_k, d_s} <= set(tensor.axes)]
        large[prompt] = sum(number(tensor.elements, point) for tensor in crossing) / 128**2
    assert large[False] == 1 + 256 * 7  # D written and read, N copied, added into, read twice; M_new for each token
    assert large[True] == 1 + 4 * 7 + 1  # C written and read twice, N read for it, copied, added into and read


def test_a_prompt_moves_and_leaves_one_state_however_long_it_is():
    """As does a step of one token; Mamba-1 and the short convolution of LFM2, which know no chunks, too."""
    for mechanism in (*STATES, Mamba, ShortConv):
        one = {l: Integer(1)}
        assert mechanism.prompts_apart, mechanism.name
        assert touched(mechanism, PROMPT) == touched(mechanism).xreplace(one), mechanism.name
        assert (stored(mechanism, PROMPT) - stored(mechanism).xreplace(one)).expand() == 0, mechanism.name


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
    assert not {L, causal} & (form.free_symbols | stored(mechanism).free_symbols)
    assert (form - 2 * stored(mechanism)).xreplace({l: Integer(1)}).expand() == 0
    assert phi(mechanism).xreplace({l: Integer(1)}) == 2


def test_state_of_a_qwen3_next_block_by_hand():
    """32 heads of 128 x 128 in FP32, and three inputs of 2 x 16 x 128 + 32 x 128 channels in BF16."""
    sizes = {B: 1, l: 1, n_v: 32, n_qk: 16, d_k: 128, d_s: 128, n_tap: 4, width_state: 4, width_activations: 2}
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


# -- drafts --------------------------------------------------------------------------------------------
class Slots:
    """Memory of states that counts what is moved: a step of an engine reads one and writes one for each token."""

    def __init__(self, state, count):
        self.slots, self.at, self.read, self.written = [state] * count, 0, 0, 0

    def begun(self):
        self.read += self.slots[self.at].size
        return self.slots[self.at]

    def leave(self, position, state):
        self.written += state.size
        self.slots[position] = state


@few
@given(st.integers(1, 5), st.integers(2, 6), SEEDS)
def test_checking_drafts_reads_a_state_and_leaves_one_for_each_token(queries, steps, seed):
    """A delta rule in numpy: steps check as many tokens, of which so many are accepted; the next one begins there.
    Answers are those of tokens one by one, and what was moved and is held is what the lines count."""
    rng, (key, wide) = np.random.default_rng(seed), (3, 4)
    tokens = [tuple(map(rng.standard_normal, (key, key, wide))) for _ in range(queries * steps)]

    def after(M, token):
        q, k, v = token
        k = k / np.linalg.norm(k)
        M = 0.9 * M
        M = M + np.outer(k, 0.5 * (v - k @ M))
        return M, q @ M

    memory, found, place = Slots(np.zeros((key, wide)), queries), [], 0
    for _ in range(steps):
        M, answers = memory.begun(), []
        accepted = int(rng.integers(1, queries + 1))  # so many of the tokens are what the sequence goes on with
        for position in range(queries):
            right = position < accepted
            M, answer = after(M, tokens[place + position if right else int(rng.integers(len(tokens)))])
            memory.leave(position, M)
            answers += [answer] if right else []
        found, place, memory.at = found + answers, place + accepted, accepted - 1
    wanted, M = [], np.zeros((key, wide))
    for token in tokens[:place]:
        M, answer = after(M, token)
        wanted.append(answer)
    np.testing.assert_allclose(found, wanted, **CLOSE)
    sizes = {B: 1, n_v: 1, d_k: key, d_s: wide, l: queries, width_state: 1}
    assert memory.read + memory.written == steps * number(touched(Lightning), sizes)
    assert sum(state.size for state in memory.slots) == number(stored(Lightning), sizes)


@many
@given(points(high=4))
def test_several_tokens_cost_arithmetic_and_a_state_each(sizes):
    """The state stays on the chip between the tokens of a step, which reads it once and writes it for each."""
    one, more = sizes | {l: Integer(1)}, sizes | {l: Integer(5)}
    for mechanism in STATES:
        core = flops(attention_stages(mechanism)["core"])
        assert number(core, more) == 5 * number(core, one)
        assert 2 * number(touched(mechanism), more) == (1 + 5) * number(touched(mechanism), one)
        assert number(stored(mechanism), more) == 5 * number(stored(mechanism), one)
