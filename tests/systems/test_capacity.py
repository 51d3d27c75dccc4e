"""The memory books against bookkeeping block by block in integers, the paper's Eq. 11, and what B_cap promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.derive import capacity
from analysis.derive.symbols import BY_NAME, B
from analysis.systems.quantities import evaluate

from .systems import at

SYSTEM_BYTES = 32 * 192 * 10**9
L = 2048


def B_cap(name, **more):
    return evaluate("B_cap", at(name, **{"L": L, "rounding": "none", **more})).value


# -- what one accelerator stores, counted block by block (elements; two bytes each) ----------------
def r1_block(block, experts):
    """One of R1's 61 blocks: latent attention with 128 heads, norms, then a dense layer or experts."""
    attention = 7168 * (1536 + 512 + 64) + 1536 * 128 * (128 + 64) + 2 * 512 * 128 * 128 + 128 * 128 * 7168
    norms = 2 * 7168 + 1536 + 512
    if block < 3:
        return attention + norms + 3 * 7168 * 18432
    return attention + norms + (experts + 1) * 3 * 7168 * 2048 + 256 * 7168 + 256


def gpt3_block(TP):
    """One of GPT-3's 96 blocks on one of TP accelerators: heads and hidden width divided, norms not."""
    heads, hidden = 96 // TP, 49152 // TP
    matrices = 4 * 12288 * heads * 128 + 2 * 12288 * hidden
    return matrices + 4 * 12288 + 3 * heads * 128 + 12288 + hidden + 12288


def llama4_block(block, experts, TP):
    """One of Llama-4's 48 blocks: KV heads whole for each of at most 8 accelerators, experts in every second block."""
    query, keys = 40 * 128 // TP, max(1, 8 // TP) * 128
    attention = 2 * 5120 * query + 2 * 5120 * keys + 2 * 5120
    if block % 2 == 0:
        return attention + 3 * 5120 * 16384 // TP
    return attention + experts * 3 * 5120 * 8192 + 3 * 5120 * 8192 // TP + 5120 * 128


def stored(name):
    """Weight bytes of all 32 accelerators, each counted as built."""
    if name == "gpt3":  # embedding tied to the head and divided by vocabulary, positions and the last norm whole
        return 32 * 2 * (sum(gpt3_block(8) for _ in range(96)) + 50257 * 12288 / 8 + 2048 * 12288 + 2 * 12288)
    if name == "llama4":
        return 32 * 2 * (sum(llama4_block(b, 4, 8) for b in range(48)) + 2 * 202048 * 5120 // 8 + 5120)
    return 32 * 2 * (sum(r1_block(b, 8) for b in range(61)) + 2 * 129280 * 7168 + 7168)


def once(name):
    """Weight bytes of the model, each once."""
    if name == "gpt3":
        return 2 * (sum(gpt3_block(1) for _ in range(96)) + 50257 * 12288 + 2048 * 12288 + 2 * 12288)
    if name == "llama4":
        return 2 * (sum(llama4_block(b, 128, 1) for b in range(48)) + 2 * 202048 * 5120 + 5120)
    return 2 * (sum(r1_block(b, 256) for b in range(61)) + 2 * 129280 * 7168 + 7168)


# Activations of one request in one block on one accelerator, as elements: input, queries, context, output. The new
# token's keys and values (or latent) are rows of the cache already.
ACTIVATIONS = {
    "gpt3": 12288 + 2 * 12 * 128 + 12288,
    "llama4": 5120 + 2 * 5 * 128 + 5120,
    "r1": 7168 + 1536 + 128 * (128 + 64) + 2 * 128 * 512 + 128 * 128 + 7168,
}
CACHE = {"gpt3": 2 * 12 * 128, "llama4": 2 * 128, "r1": 512 + 64}  # elements of a token in one block, one accelerator
BLOCKS = {"gpt3": 96, "llama4": 48, "r1": 61}
TP = {"gpt3": 8, "llama4": 8, "r1": 1}


def request(name, context=L, activations=True):
    """Bytes of one request on the TP accelerators that serve it."""
    cached = sum(2 * CACHE[name] * context for _ in range(BLOCKS[name]))
    return TP[name] * (cached + 2 * ACTIVATIONS[name] * activations)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize(("book", "weights"), [("as_built", stored), ("once", once)])
def test_batch_by_bookkeeping(name, book, weights):
    assert B_cap(name, weights=book) == pytest.approx((SYSTEM_BYTES - weights(name)) / request(name), rel=1e-12)


def test_once_is_the_published_count_of_elements():
    """R1's own checkpoint holds 671 026 419 200 elements (microsoft/MAI-DS-R1, BF16)."""
    assert once("r1") == 2 * 671026419200


# -- Eq. 11 as printed ---------------------------------------------------------------------------
def printed_eq11(M_attn, M_MoE, M_KV, M_act, n_dec, deg_DP, context=L):
    return (SYSTEM_BYTES - n_dec * (M_attn * deg_DP + M_MoE)) / (n_dec * M_KV * context + M_act)


def test_printed_eq11_for_a_dense_model():
    """GPT-3: the feed-forward layer takes the place of M_MoE."""
    M_attn, M_ffn, M_KV = 2 * 4 * 12288**2, 2 * 2 * 12288 * 49152, 2 * 2 * 12288
    expected = printed_eq11(M_attn, M_ffn, M_KV, 2 * 4 * 12288, n_dec=96, deg_DP=4)
    assert B_cap("gpt3", weights="eq11") == pytest.approx(expected, rel=1e-12)


def test_printed_eq11_for_experts_in_every_block():
    """Eq. 11 gives each block experts: R1 as printed, had it no dense blocks, and with its 58 of 61."""
    M_attn = 2 * (r1_block(0, 0) - 3 * 7168 * 18432 - 2 * 7168 - 1536 - 512)
    M_MoE, M_KV, M_act = 2 * 256 * 3 * 7168 * 2048, 2 * 576, 2 * ACTIVATIONS["r1"]
    form = capacity.B_cap(at("r1").architecture, at("r1").conventions, "eq11")
    everywhere = value(form, at("r1", L=L).point | {BY_NAME["n_moe"]: 61})
    assert everywhere == pytest.approx(printed_eq11(M_attn, M_MoE, M_KV, M_act, 61, 32), rel=1e-12)
    in_58 = printed_eq11(M_attn, M_MoE * 58 / 61, M_KV, M_act, 61, 32)
    assert B_cap("r1", weights="eq11") == pytest.approx(in_58, rel=1e-12)


def test_eq11_counts_the_cache_of_a_latent_model_once_under_tensor_parallelism():
    """A latent has no head axis: as built, TP8 keeps eight copies; Eq. 11 keeps one."""
    per_request = {}
    for book in ("as_built", "eq11"):
        form = capacity.request_bytes(at("r1").architecture, at("r1").conventions, book, activations=False)
        per_request[book] = value(form, at("r1", L=L, deg_TP=8).point)
    assert per_request["eq11"] == 61 * 576 * 2 * L
    assert per_request["as_built"] == 8 * 61 * 576 * 2 * L


# -- each convention by itself -------------------------------------------------------------------
def test_activations_can_be_left_out():
    free = SYSTEM_BYTES - stored("r1")
    assert B_cap("r1", activation="none") == pytest.approx(free / request("r1", activations=False), rel=1e-12)
    assert B_cap("r1", activation="none") > B_cap("r1")


def test_as_printed_order_holds_decompressed_keys_and_values():
    """K, V and the copied RoPE key of the whole context, 128 heads, replace the two absorbed tensors."""
    held = request("r1") + 2 * (L * 128 * (128 + 64 + 128) - 2 * 128 * 512)
    assert B_cap("r1", order="as_printed") == pytest.approx((SYSTEM_BYTES - stored("r1")) / held, rel=1e-12)


@pytest.mark.parametrize(("unit", "size"), [("row", 10**9), ("GB", 10**9), ("GiB", 2**30)])
def test_capacity_unit(unit, size):
    expected = (32 * 192 * size - stored("r1")) / request("r1")
    assert B_cap("r1", capacity_unit=unit) == pytest.approx(expected, rel=1e-12)


def test_a_row_in_gib_keeps_its_unit():
    in_gib, as_row = (B_cap("r1", accelerator="mi300x", capacity_unit=unit) for unit in ("GiB", "row"))
    assert in_gib == as_row > B_cap("r1", accelerator="mi300x", capacity_unit="GB")


def test_sixty_blocks_leave_out_one_with_experts():
    weights = 32 * 2 * (sum(r1_block(b, 8) for b in range(60)) + 2 * 129280 * 7168 + 7168)
    per_request = 2 * (60 * 576 * L + ACTIVATIONS["r1"])
    assert B_cap("r1", blocks=60) == pytest.approx((SYSTEM_BYTES - weights) / per_request, rel=1e-12)


def test_smaller_groups_of_experts_store_them_more_often():
    """deg_EP = 8: 32 experts on each accelerator instead of 8, in 58 blocks; counted once they stay once."""
    more = 32 * 2 * 58 * (32 - 8) * 3 * 7168 * 2048
    left = SYSTEM_BYTES - stored("r1") - more
    assert B_cap("r1", deg_EP=8) == pytest.approx(max(0, left / request("r1")), rel=1e-12)
    for book in ("eq11", "once"):
        assert B_cap("r1", deg_EP=8, weights=book) == B_cap("r1", weights=book)


def test_half_width_cache_doubles_its_share_of_the_batch():
    free = SYSTEM_BYTES - stored("gpt3")
    per_request = request("gpt3", activations=False)
    assert B_cap("gpt3", width_kv=1, activation="none") == pytest.approx(free / (per_request / 2), rel=1e-12)


@pytest.mark.parametrize("name", BLOCKS)
def test_rounding(name):
    free, groups = B_cap(name), 32 // TP[name]
    assert B_cap(name, rounding="down") == int(free)
    assert B_cap(name, rounding="per_group") == int(free) // groups * groups
    assert isinstance(evaluate("B_cap", at(name, L=L)).value, int)


@pytest.mark.parametrize("rounding", ["none", "down", "per_group"])
def test_a_model_that_does_not_fit_leaves_no_batch(rounding):
    assert B_cap("gpt3", n_acc=1, deg_TP=1, rounding=rounding) == 0


# -- what the batch means ------------------------------------------------------------------------
@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("book", capacity.BOOKS)
def test_memory_is_full_at_the_batch(name, book):
    setting = at(name, L=L)
    used = capacity.memory_used(setting.architecture, setting.conventions, book)
    full = value(used, setting.point | {B: B_cap(name, weights=book)})
    assert full == pytest.approx(SYSTEM_BYTES, rel=1e-12)


@given(
    st.sampled_from(sorted(BLOCKS)),
    st.sampled_from(capacity.BOOKS),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=6, unique=True),
)
def test_batch_falls_with_context(name, book, contexts):
    batches = B_cap(name, weights=book, L=sorted(contexts))
    assert np.all(np.diff(batches) < 0)


@given(st.sampled_from(sorted(BLOCKS)), st.sampled_from(capacity.BOOKS), st.integers(1, 10**5))
def test_whole_batch_is_the_last_that_fits(name, book, context):
    setting = at(name, L=context)
    used = capacity.memory_used(setting.architecture, setting.conventions, book)
    whole = B_cap(name, weights=book, L=context, rounding="down")
    here, next_one = (value(used, setting.point | {B: batch}) for batch in (whole, whole + 1))
    assert here <= SYSTEM_BYTES * (1 + 1e-12)
    assert next_one > SYSTEM_BYTES * (1 - 1e-12)
