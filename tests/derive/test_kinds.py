"""Models as lists of kinds of block: sums block by block, sizes of their own, borrowed caches, skipped prompts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Add, Integer

from analysis.derive import capacity, decoder, serving
from analysis.derive.attention import GQA, MLA
from analysis.derive.block import Architecture, Conventions, FeedForward, Kind, attention_stages
from analysis.derive.compressing import CSA
from analysis.derive.mechanisms import ALL
from analysis.derive.parallel import sharded
from analysis.derive.sparse import DSA, DSA_shared
from analysis.derive.states import GDN
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    Gamma_acc,
    L,
    L_win,
    P_acc,
    alpha,
    causal,
    d_emb,
    d_hd,
    d_I,
    d_k,
    d_KVco,
    d_RoPE,
    d_s,
    deg_DP,
    deg_EP,
    deg_ETP,
    deg_grp,
    deg_TP,
    l,
    n_acc,
    n_dec,
    n_hd,
    n_kv,
    n_moe,
    n_past,
    n_qk,
    n_tap,
    n_v,
    n_win,
    width_activations,
    width_kv,
    width_state,
)

from .small import few as usual
from .small import number, points

few = settings(usual, max_examples=5)  # each of them sums up whole models
MECHANISMS = (GQA, GQA.within(L_win), MLA, DSA, GDN)
HALVES = (None, FeedForward(), FeedForward("plain"), FeedForward(experts=True, shared=True))
BLOCK = st.tuples(st.sampled_from((None, *MECHANISMS)), st.sampled_from(HALVES))
REORDERED = Conventions("reordered")
ONE_DEVICE = dict.fromkeys((n_acc, deg_TP, deg_DP, deg_EP, deg_ETP), Integer(1))
RATES = {P_acc: Integer(7), BW_mem: Integer(3), BW_Int: Integer(2), alpha: Integer(0), Gamma_acc: Integer(1)}


def costs(built, conventions=REORDERED):
    """What a model holds and takes, by name; embedding, head and vectors left out, as they are no block's."""
    weights = capacity.weights_by_part(built)
    terms = serving.tpot_terms(built, conventions)
    return {
        "cache": decoder.kv_cache_bytes(built, conventions),
        "request": capacity.request_bytes(built, conventions, activations=False),
        "attention": weights["attention"],
        "halves": Add(*(weights.get(stage, 0) for stage in ("dense", "routed", "shared", "router"))),
        **{name: term for name, term in terms.items() if name != "output_head"},
    }


def values(built, point, conventions=REORDERED):
    return {name: number(form, point) for name, form in costs(built, conventions).items()}


def placed(point):
    point = point | ONE_DEVICE | RATES | {n_past: point[n_tap] - 1, n_hd: point[n_kv] * point[deg_grp]}
    return point | {l: min(point[l], point[L]), causal: Integer(1)}


@few
@given(st.lists(BLOCK, min_size=1, max_size=5), points(high=3))
def test_a_model_is_the_sum_of_its_blocks(blocks, point):
    point, attention = placed(point), (GQA, None)
    listed = Architecture.of_kinds(*(Kind(Integer(1), *block) for block in [attention, *blocks]))
    alone = Architecture.of_kinds(Kind(Integer(1), *attention))
    whole, first = values(listed, point), values(alone, point)
    each = [
        values(Architecture.of_kinds(Kind(Integer(1), *block), Kind(Integer(1), *attention)), point) for block in blocks
    ]
    for name, total in whole.items():
        assert total == first[name] + sum(one[name] - first[name] for one in each), name


@few
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6), points(high=3))
def test_a_row_says_as_much_as_the_list_of_its_blocks(blocks, point):
    """Which attention goes with which feed-forward half changes nothing, so the counts of both are enough."""
    windows, routed = ([block[place] for block in blocks] for place in (0, 1))
    row = Architecture(
        "GQA",
        dense=not all(routed),
        experts=any(routed),
        shared=any(routed),
        full=not all(windows),
        window="sliding" if any(windows) else "",
    )
    kinds = (
        Kind(
            Integer(1),
            GQA.within(L_win) if windowed else GQA,
            FeedForward(experts=True, shared=True) if experts else FeedForward(),
        )
        for windowed, experts in sorted(blocks)
    )
    counts = {n_dec: len(blocks), n_moe: sum(routed), n_win: sum(windows)}
    point = placed(point) | {symbol: Integer(count) for symbol, count in counts.items()}
    listed = Architecture.of_kinds(*kinds)
    assert values(row, point) == values(listed, point)
    for form in (decoder.parameters, decoder.active_parameters, capacity.request_bytes):
        assert number(form(row), point) == number(form(listed), point)


@few
@given(points(high=3), st.sampled_from([1, 2, 4]))
def test_own_sizes_are_those_of_a_model_that_has_them(point, degree):
    """Two kinds of grouped attention of two shapes, each divided by tensor parallelism as a model of its shape is."""
    own = {n_kv: Integer(2), d_hd: Integer(5), deg_grp: Integer(6)}
    point = placed(point) | {deg_TP: Integer(degree), n_acc: Integer(degree)}
    mixed = Architecture.of_kinds(Kind(Integer(3), GQA, FeedForward()), Kind(Integer(2), GQA, sizes=tuple(own.items())))
    one = Architecture.of_kinds(Kind(Integer(1), GQA, FeedForward()))
    bare = Architecture.of_kinds(Kind(Integer(1), GQA))
    found, plain, shaped = values(mixed, point), values(one, point), values(bare, point | own)
    for name, total in found.items():
        assert total == 3 * plain[name] + 2 * shaped[name], name


def test_own_sizes_are_put_into_what_an_accelerator_sees():
    axes = Kind(Integer(1), GQA, sizes=((n_kv, Integer(2)),)).axes(sharded())
    assert axes[n_kv].subs(deg_TP, 4) == 1
    assert axes[deg_grp].subs(deg_TP, 4) == deg_grp / 2
    assert axes[B] == B / deg_DP


@pytest.mark.parametrize(("degree", "keys"), [(1, 1), (2, 1), (4, 1), (8, 2)])
def test_a_state_divides_with_its_heads_and_keys_as_far_as_they_go(degree, keys):
    """32 heads of the state, 4 of its keys: eight accelerators hold 4 heads each, and two share a head of keys."""
    one, whole = Kind(Integer(1), GDN).axes(sharded()), Kind(Integer(1), GDN).axes()
    point = {n_v: Integer(32), n_qk: Integer(4), deg_TP: Integer(degree)}
    held, all_of_it = ({axis: number(axes.get(axis, axis), point) for axis in (n_v, n_qk)} for axes in (one, whole))
    assert held[n_v] * degree == all_of_it[n_v]
    assert held[n_qk] * degree == all_of_it[n_qk] * keys


# -- borrowed caches -------------------------------------------------------------------------------
BORROWING = replace(GQA, borrows=True)


@few
@given(points(high=4))
def test_a_borrowed_cache_is_read_and_not_stored(point):
    """Half of the blocks read the rows of the others: half the cache, no key and value weights, and the same core."""
    point = placed(point)
    owning = Architecture.of_kinds(Kind(Integer(4), GQA))
    sharing = Architecture.of_kinds(Kind(Integer(2), GQA), Kind(Integer(2), BORROWING))
    whole, half = values(owning, point), values(sharing, point)
    assert half["cache"] * 2 == whole["cache"]
    assert half["core_attention"] == whole["core_attention"]
    saved = 2 * 2 * point[d_emb] * point[n_kv] * point[d_hd]
    assert number(decoder.parameters(owning) - decoder.parameters(sharing), point) == saved


def test_a_cache_that_nobody_owns_is_refused():
    with pytest.raises(ValueError, match="GQA borrows a cache that no block stores"):
        Architecture.of_kinds(Kind(Integer(2), MLA), Kind(Integer(2), BORROWING))
    with pytest.raises(ValueError, match="no kind of block has attention"):
        Architecture.of_kinds(Kind(Integer(2), feedforward=FeedForward()))


def test_index_keys_are_stored_where_the_index_is():
    """Every fourth block has an index: one index key for four latent rows."""
    mixed = Architecture.of_kinds(Kind(Integer(20), DSA), Kind(Integer(58), DSA_shared))
    sizes = {d_KVco: 512, d_RoPE: 64, d_I: 128, L: 1000, width_kv: 1}
    point = {symbol: Integer(size) for symbol, size in sizes.items()}
    assert number(decoder.kv_cache_bytes(mixed), point) == 1000 * (78 * 576 + 20 * 128)


# -- skipped prompts -------------------------------------------------------------------------------
@few
@given(points(high=3), st.integers(1, 6), st.integers(1, 9))
def test_blocks_that_a_prompt_skips_work_on_its_last_tokens(point, last, prompt):
    point = placed(point) | {L: Integer(prompt), l: Integer(prompt)}
    full = Kind(Integer(2), GQA, FeedForward())
    skipping = Architecture.of_kinds(full, replace(full, blocks=Integer(3), queries=Integer(last)))
    same, short = Architecture.of_kinds(full), point | {l: Integer(min(prompt, last))}
    found, whole, end = values(skipping, point), values(same, point), values(same, short)
    for name in ("attention_projections", "core_attention", "dense_ffn"):
        assert found[name] == whole[name] + end[name] * 3 / 2, name
    assert found["cache"] == whole["cache"] * 5 / 2


# -- hybrids ---------------------------------------------------------------------------------------
def test_a_hybrid_of_states_and_rows_by_hand():
    """Shapes of Qwen3-Next: 36 blocks with a state of 32 x 128 x 128, 12 that keep 2 heads of 256; FP32 and BF16."""
    half = FeedForward(experts=True, shared=True)
    mixed = Architecture.of_kinds(Kind(Integer(12), GQA, half), Kind(Integer(36), GDN, half))
    sizes = {n_kv: 2, d_hd: 256, n_v: 32, n_qk: 16, d_k: 128, d_s: 128, n_tap: 4}
    widths = {width_kv: 2, width_state: 4, width_activations: 2}
    state = 32 * 128 * 128 * 4 + 3 * (2 * 16 * 128 + 32 * 128) * 2
    for context in (1, 1000, 262144):
        point = {symbol: Integer(size) for symbol, size in (sizes | widths | {L: context, l: 1}).items()}
        assert number(decoder.kv_cache_bytes(mixed), point) == 12 * context * 2 * 2 * 256 * 2 + 36 * state
    assert {name: blocks for name, blocks in decoder.block_counts(mixed).items() if blocks} == {
        "routed": 48,
        "shared": 48,
        "router": 48,
    }
    alone = Architecture.of_kinds(Kind(Integer(12), GQA, half))
    assert decoder.attention_parameters(mixed) == decoder.attention_parameters(alone)  # of the first kind


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("MHA", "MLA_direct")])
@few
@given(points(high=3))
def test_the_term_of_core_attention_holds_every_stage_that_is_a_mechanisms_own(name, point):
    point, mechanism = placed(point), ALL[name]
    owner = (Kind(Integer(0), CSA),) if mechanism.lent_text else ()
    built = Architecture.of_kinds(Kind(Integer(2), mechanism), *owner)
    terms = {name: number(term, point) for name, term in serving.tpot_terms(built, REORDERED).items()}
    stages = attention_stages(mechanism, REORDERED)
    seconds = {
        stage: sum(max(number(k.flops, point) / 7, number(k.bytes, point) / 3) for k in kernels)
        for stage, kernels in stages.items()
    }
    assert terms["attention_projections"] == 2 * (seconds.pop("projections") + seconds.pop("output"))
    assert terms["kv_decompression"] == 2 * seconds.pop("decompression")
    assert terms["core_attention"] == 2 * sum(seconds.values())
