"""Equal values: both orders of latent attention, and the mechanisms as special cases of each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.derive.attention import GQA, MHA, MLA, MLA_direct
from analysis.derive.symbols import L, d_hd, d_nope, d_RoPE, d_v, deg_grp, l, n_hd, n_kv
from analysis.measure.execute import execute, inputs, softmax

from .small import all_lines, few, many, points

SIZES, SEEDS = points(high=5), st.integers(0, 2**32 - 1)
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def random_inputs(lines, sizes, seed):
    random = np.random.default_rng(seed)
    shapes = {name: [int(sizes[axis]) for axis in t.axes] for name, t in inputs(lines).items()}
    return {name: random.standard_normal(shape) for name, shape in shapes.items()}


def scaled_softmax(scale, masked=False):
    """Softmax of scaled scores; with a causal mask the last query sees the whole context."""

    def step(scores):
        queries, context = scores.shape[-2:]
        visible = np.arange(context) <= np.arange(queries)[:, None] + context - queries
        return softmax(np.where(visible, scores * scale, -np.inf) if masked else scores * scale)

    return {"S": step}


def latent_inputs(mechanism, sizes, seed):
    """One set of arrays for both orders: each head's copy of the rotary key is the one cached key."""
    arrays = random_inputs(all_lines(mechanism, "reordered"), sizes, seed)
    heads = int(sizes[n_hd])
    return arrays, arrays | {"k_copy": np.repeat(arrays["k_R"][:, :, None, :], heads, axis=2)}


@pytest.mark.parametrize("mechanism", [MLA, MLA_direct], ids=lambda m: m.name)
@many
@given(sizes=SIZES, seed=SEEDS, scale=st.floats(0.05, 2), masked=st.booleans())
def test_both_orders_give_equal_values(mechanism, sizes, seed, scale, masked):
    sizes[l] = min(sizes[l], sizes[L])
    for_reordered, for_printed = latent_inputs(mechanism, sizes, seed)
    step = scaled_softmax(scale, masked)
    printed = execute(all_lines(mechanism, "as_printed"), for_printed, step)
    reordered = execute(all_lines(mechanism, "reordered"), for_reordered, step)
    for name in ("S", "o", "y"):
        np.testing.assert_allclose(reordered[name], printed[name], **CLOSE)


@pytest.mark.parametrize("mechanism", [MLA, MLA_direct], ids=lambda m: m.name)
@few
@given(sizes=SIZES, seed=SEEDS)
def test_a_shared_rotary_key_changes_no_value(mechanism, sizes, seed):
    for_reordered, for_printed = latent_inputs(mechanism, sizes, seed)
    step = scaled_softmax(1)
    copied = execute(all_lines(mechanism, "as_printed"), for_printed, step)
    shared = execute(all_lines(mechanism, "as_printed", rope_key="shared"), for_reordered, step)
    np.testing.assert_allclose(shared["y"], copied["y"], **CLOSE)


@many
@given(sizes=SIZES, seed=SEEDS)
def test_mla_is_the_per_head_attention_of_eqs_4_to_6(sizes, seed):
    """The block head by head with matrix products only, without the einsum lines."""
    a, for_printed = latent_inputs(MLA, sizes, seed)
    scale = 1 / np.sqrt(int(sizes[d_nope] + sizes[d_RoPE]))
    found = execute(all_lines(MLA, "as_printed"), for_printed, scaled_softmax(scale))
    y = 0
    for i in range(int(sizes[n_hd])):
        c_Q = a["H"] @ a["W_CQ"]
        score = (c_Q @ a["W_DQ"][:, i]) @ (a["c_KV"] @ a["W_DK"][:, i]).transpose(0, 2, 1)
        score += (c_Q @ a["W_RQ"][:, i]) @ a["k_R"].transpose(0, 2, 1)
        y += softmax(score * scale) @ (a["c_KV"] @ a["W_DV"][:, i]) @ a["W_out"][i]
    np.testing.assert_allclose(found["y"], y, **CLOSE)
    np.testing.assert_allclose(found["c_KV_new"], a["H"] @ a["W_CKV"], **CLOSE)
    np.testing.assert_allclose(found["k_R_new"], a["H"] @ a["W_RK"], **CLOSE)


def _core(mechanism):
    return mechanism.stages()["core"]


def _padded(array, width):
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])])


@many
@given(sizes=SIZES, seed=SEEDS)
def test_mla_is_mha_on_decompressed_keys_and_values(sizes, seed):
    """Content and rotary parts laid side by side; zeros fill the narrower of keys and values, as MHA has one width."""
    _, for_printed = latent_inputs(MLA, sizes, seed)
    latent = execute(all_lines(MLA, "as_printed"), for_printed, scaled_softmax(1))
    width = int(max(sizes[d_nope] + sizes[d_RoPE], sizes[d_v]))
    arrays = {
        "q": _padded(np.concatenate([latent["q_N"], latent["q_R"]], axis=-1), width),
        "k": _padded(np.concatenate([latent["k"], latent["k_copy"]], axis=-1), width),
        "v": _padded(latent["v"], width),
    }
    plain = execute(_core(MHA), arrays, scaled_softmax(1))
    np.testing.assert_allclose(plain["S"], latent["S"], **CLOSE)
    np.testing.assert_allclose(plain["o"][..., : int(sizes[d_v])], latent["o"], **CLOSE)


@many
@given(sizes=SIZES, seed=SEEDS)
def test_gqa_is_mha_with_repeated_keys_and_values(sizes, seed):
    """Any group size; with one query head per group this is MHA = GQA itself."""
    sizes[n_hd] = sizes[n_kv] * sizes[deg_grp]
    lines = all_lines(GQA, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    group, heads, width = int(sizes[deg_grp]), int(sizes[n_hd]), int(sizes[d_hd])
    repeated = {name: np.repeat(arrays[name], group, axis=-2) for name in ("k", "v", "W_K", "W_V")}
    joined = {"W_Q": arrays["W_Q"].reshape(-1, heads, width), "W_out": arrays["W_out"].reshape(heads, width, -1)}
    grouped = execute(lines, arrays, scaled_softmax(1))
    plain = execute(all_lines(MHA, "as_printed"), arrays | repeated | joined, scaled_softmax(1))
    np.testing.assert_allclose(plain["y"], grouped["y"], **CLOSE)
    np.testing.assert_allclose(plain["k_new"], np.repeat(grouped["k_new"], group, axis=-2), **CLOSE)


@pytest.mark.parametrize("order", MLA.orders)
@few
@given(sizes=SIZES, seed=SEEDS)
def test_causal_prefill_is_decode_token_by_token(order, sizes, seed):
    sizes[l] = sizes[L]
    lines = all_lines(MLA, order)
    reordered, printed = latent_inputs(MLA, sizes, seed)
    arrays = {name: (printed | reordered)[name] for name in inputs(lines)}
    prefill = execute(lines, arrays, scaled_softmax(1, masked=True))
    for token in range(int(sizes[L])):
        cut = {name: arrays[name][:, : token + 1] for name in ("c_KV", "k_R", "k_copy") if name in arrays}
        decode = execute(lines, arrays | cut | {"H": arrays["H"][:, token : token + 1]}, scaled_softmax(1))
        np.testing.assert_allclose(decode["y"][:, 0], prefill["y"][:, token], **CLOSE)
