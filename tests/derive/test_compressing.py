"""Compressed rows: rows token by token, values against dense attention with one shared row, bytes by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer

from analysis.derive.attention import GQA
from analysis.derive.block import Architecture, Kind, attention_stages
from analysis.derive.compressing import CSA, HCA
from analysis.derive.decoder import kv_cache_bytes, weight_elements
from analysis.derive.mechanisms import stored, touched
from analysis.derive.spans import SPANS
from analysis.derive.symbols import (
    B,
    L,
    L_cmp,
    L_csa,
    L_hca,
    L_pck,
    L_str,
    L_top,
    L_win,
    causal,
    d_emb,
    d_hd,
    d_I,
    d_oco,
    d_Qco,
    deg_grp,
    deg_og,
    h_I,
    l,
    n_hd,
    n_kv,
    n_og,
    n_pool,
    n_role,
    width_kv,
    width_scores,
    width_state,
)
from analysis.measure.execute import execute, inputs, softmax

from .small import all_lines, few, many, number, points

SEEDS = st.integers(0, 2**32 - 1)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}
BOTH = pytest.mark.parametrize("mechanism", [HCA, CSA], ids=lambda m: m.name)


def random_inputs(lines, sizes, seed):
    rng = np.random.default_rng(seed)
    rows = {L_win: 0, L_cmp: int(sizes[L]), L_pck: int(sizes[L])}  # no window, a row a token
    shapes = {name: [rows.get(axis, int(sizes.get(axis, 1))) for axis in t.axes] for name, t in inputs(lines).items()}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def moves(most, groups):
    """What the lines that move do with a stride of 1: one row a token, pooled from that token alone."""

    def joined(x, c, picks=None):
        if picks is None:
            return np.concatenate([x, c], axis=1)
        return np.stack([each[chosen] for each, chosen in zip(c, picks, strict=True)])

    found = {"X": joined, "T": lambda J: np.argsort(-J, axis=-1)[..., :most]}
    found |= {"r": lambda o: o.reshape(*o.shape[:2], groups, -1, o.shape[-1])}
    for part in "eafb":
        found |= {f"{part}_p": lambda new, waiting: new, f"{part}_wait_new": lambda new, waiting: waiting}
    return found


@BOTH
@few
@given(points(high=3), st.integers(1, 6), SEEDS)
def test_without_compression_and_window_this_is_attention_with_one_shared_row(mechanism, sizes, context, seed):
    """A stride of 1 and as many picks as rows: grouped attention of one head whose keys are its values."""
    sizes = sizes | {L: Integer(context), l: Integer(1), n_role: Integer(1), n_pool: Integer(1)}
    sizes = sizes | {n_hd: sizes[n_og] * sizes[deg_og]}
    lines = all_lines(mechanism, "as_printed")
    arrays = random_inputs(lines, sizes, seed)
    # every token's weight in its own pool of one is 1, so a compressed row is its projection
    alone = dict.fromkeys({"a", "b"} & {line.made.name for line in lines}, np.ones_like)
    whole = execute(lines, arrays, {"S": softmax} | alone, moves(context, int(sizes[n_og])))
    np.testing.assert_allclose(whole["c_new"], whole["e"][:, :, 0], **CLOSE)
    heads = int(sizes[n_hd])
    out = np.einsum("gdho,goe->gdhe", arrays["W_OA"], arrays["W_OB"]).reshape(1, heads, int(sizes[d_hd]), -1)
    plain = {
        "H": arrays["H"],
        "W_Q": np.einsum("ec,chd->ehd", arrays["W_CQ"], arrays["W_Q"])[:, None],
        "k": arrays["c"][:, :, None],
        "v": arrays["c"][:, :, None],
        "W_K": np.zeros((int(sizes[d_emb]), 1, int(sizes[d_hd]))),
        "W_V": np.zeros((int(sizes[d_emb]), 1, int(sizes[d_hd]))),
        "W_out": out,
    }
    np.testing.assert_allclose(whole["y"], execute(all_lines(GQA, "as_printed"), plain, {"S": softmax})["y"], **CLOSE)


@pytest.mark.parametrize("stride", [4, 128])
def test_rows_are_those_that_a_cache_holds_token_by_token(stride):
    """A window of 128 rows, and a row for each whole group: the form is less than one row above the count."""
    window, rows = [], 0
    for token in range(1000):
        window = [*window, token][-128:]
        rows += (token + 1) % stride == 0
        at = {L: Integer(token + 1), L_str: Integer(stride), L_win: Integer(128)}
        assert SPANS[L_win].stored.xreplace(at) == len(window)
        assert 0 <= SPANS[L_cmp].stored.xreplace(at) - rows < 1


@many
@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 9), st.integers(1, 14))
def test_a_query_works_on_its_window_and_its_rows(groups, stride, most, reach):
    context = groups * stride
    at = {L: Integer(context), L_str: Integer(stride), L_top: Integer(most), L_win: Integer(reach)}
    at |= {l: Integer(1), causal: Integer(1)}
    window = [token for token in range(context) if context - 1 - token < reach]
    rows = [token for token in range(context) if (token + 1) % stride == 0]
    assert SPANS[L_hca].worked.xreplace(at) == SPANS[L_hca].touched.xreplace(at) == len(window) + len(rows)
    assert SPANS[L_csa].worked.xreplace(at) == SPANS[L_csa].touched.xreplace(at) == len(window) + min(most, len(rows))


# -- by hand, sizes of DeepSeek-V4 -----------------------------------------------------------------
V4 = {
    B: 1, l: 1, causal: 1, d_hd: 512, d_I: 128, n_hd: 64, h_I: 64, L_win: 128, L_top: 512,
    width_kv: 2, width_state: 4, width_scores: 4,
}  # fmt: skip
OF = {"CSA": {L_str: 4, n_role: 2, n_pool: 8}, "HCA": {L_str: 128, n_role: 1, n_pool: 128}}


def at(name, context):
    return {symbol: Integer(size) for symbol, size in (V4 | OF[name] | {L: context}).items()}


@pytest.mark.parametrize("context", [131072, 1048576])
def test_bytes_of_a_step_by_hand(context):
    row, waiting = 2 * 512, 4 * 2 * 512
    point = at("HCA", context)
    assert number(stored(HCA), point) == (128 + context // 128) * row + 128 * waiting
    read = (128 + context / 128) * row + 2 * 128 * waiting
    written = row + row / 128
    assert float(number(touched(HCA), point)) == read + written
    point = at("CSA", context)
    buffers = 8 * (waiting + 4 * 2 * 128)
    assert number(stored(CSA), point) == 128 * row + context // 4 * (row + 256) + buffers
    read = (128 + 512) * row + context / 4 * 256 + 2 * buffers
    assert float(number(touched(CSA), point)) == read + row + (row + 256) / 4


def test_operations_of_a_step_by_hand():
    """Scores and context of 512 each over window and picks; index products of 64 heads over every compressed key."""
    context = 131072
    stages = attention_stages(CSA)
    (core,), (index,), (pool,) = stages["core"], stages["index"], stages["pool"]
    point = at("CSA", context)
    assert number(core.flops, point) == 4 * 64 * 512 * (128 + 512)
    assert number(index.flops, point) == 2 * 64 * (128 + 1) * context // 4
    assert number(pool.flops, point) == 2 * 8 * (512 + 128) / Integer(4)


def test_a_model_of_both_kinds_keeps_the_rows_of_each():
    """Blocks with strides of their own: the point has no stride, each kind says it."""
    own = {name: tuple((symbol, Integer(size)) for symbol, size in sizes.items()) for name, sizes in OF.items()}
    kinds = (Kind(Integer(20), CSA, sizes=own["CSA"]), Kind(Integer(21), HCA, sizes=own["HCA"]))
    point = {symbol: Integer(size) for symbol, size in (V4 | {L: 131072}).items()}
    each = {name: number(stored(mechanism), at(name, 131072)) for name, mechanism in (("CSA", CSA), ("HCA", HCA))}
    assert number(kv_cache_bytes(Architecture.of_kinds(*kinds)), point) == 20 * each["CSA"] + 21 * each["HCA"]


def test_weights_of_a_block_by_hand():
    kernels = tuple(kernel for stage in attention_stages(HCA).values() for kernel in stage)
    by_hand = d_emb * d_Qco + d_Qco * n_hd * d_hd + d_emb * d_hd * (1 + 2 * n_role)
    by_hand += n_og * deg_og * d_hd * d_oco + n_og * d_oco * d_emb
    assert (weight_elements(kernels) - by_hand).expand() == 0
    assert not {n_kv, deg_grp} & by_hand.free_symbols
