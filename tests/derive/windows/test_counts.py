"""Windowed blocks against loops over token positions: pairs, keys read, tokens kept, and sums over blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Rational

from analysis.derive import decoder
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Architecture, Conventions, attention_stages, bytes_moved, flops
from analysis.derive.capacity import request_bytes
from analysis.derive.symbols import BY_NAME, B, L, L_win, causal, l, n_dec, n_win
from analysis.derive.windows import kinds, over_blocks, windowed
from tests.derive.small import ORDERED, ORDERED_IDS, few, many, number, points
from tests.derive.windows import positions

LENGTHS = st.tuples(st.integers(1, 12), st.integers(1, 14)).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.integers(1, pair[0]), st.just(pair[1]))
)  # context, new tokens (at most the context), window


def at(form, context, new=1, reach=1, share=1):
    return form.xreplace({L: Integer(context), l: Integer(new), L_win: Integer(reach), causal: Rational(share)})


@many
@given(LENGTHS)
def test_keys_read_are_those_that_some_new_token_sees(lengths):
    context, new, reach = lengths
    assert at(L.xreplace(windowed()), context, new, reach) == positions.touched(positions.sliding, context, new, reach)


@many
@given(LENGTHS)
def test_pairs_are_those_of_full_windows_and_never_fewer_than_needed(lengths):
    context, new, reach = lengths
    counted = at((causal * l * L).xreplace(windowed()), context, new, reach)
    assert counted == sum(min(context, reach) for _ in positions.queries(context, new))
    assert counted >= positions.pairs(positions.sliding, context, new, reach)
    assert counted >= positions.pairs(positions.chunked, context, new, reach)


@many
@given(st.integers(1, 40), st.integers(1, 50))
def test_decode_is_exact(context, reach):
    pairs = at((causal * l * L).xreplace(windowed()), context, 1, reach)
    assert pairs == positions.pairs(positions.sliding, context, 1, reach) == positions.kept(context, reach)


@many
@given(st.integers(1, 30), st.integers(1, 40))
def test_the_causal_share_bounds_prefill_from_both_sides(context, reach):
    """With the exact share of a full causal plane, the count is between what is needed and a third more."""
    share = Rational(context + 1, 2 * context)
    counted = at((causal * l * L).xreplace(windowed()), context, context, reach, share)
    needed = positions.pairs(positions.sliding, context, context, reach)
    assert needed <= counted <= Rational(4, 3) * needed + Rational(context, 3)
    if reach >= context or reach == 1:
        assert counted == needed


@many
@given(st.integers(1, 60), st.integers(1, 12))
def test_a_chunk_is_never_more_than_counted_and_full_once_per_chunk(context, reach):
    seen = [positions.pairs(positions.chunked, length, 1, reach) for length in range(1, context + 1)]
    counted = [at(L.xreplace(windowed(Integer(1))), length, 1, reach) for length in range(1, context + 1)]
    assert all(one <= bound for one, bound in zip(seen, counted, strict=True))
    assert [one == bound for one, bound in zip(seen, counted, strict=True)][reach - 1 :: reach] == [True] * (
        context // reach
    )


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@pytest.mark.parametrize("grouping", ["fused", "layered"])
@few
@given(points(low=1, high=4), LENGTHS)
def test_a_window_that_holds_the_context_is_full_attention(mechanism, order, grouping, sizes, lengths):
    context, new, reach = lengths
    sizes = sizes | {L: Integer(context), l: Integer(new), L_win: Integer(context + reach), causal: Integer(1)}
    for kernels in attention_stages(mechanism, Conventions(order, grouping)).values():
        for form in (flops(kernels), bytes_moved(kernels)):
            assert number(form.xreplace(windowed()), sizes) == number(form, sizes)


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(points(low=1, high=4), LENGTHS)
def test_decoding_in_a_window_is_decoding_in_a_context_of_that_length(mechanism, order, sizes, lengths):
    """What a block costs for one query does not depend on the tokens outside its window."""
    context, _, reach = lengths
    sizes = sizes | {L: Integer(context), l: Integer(1), L_win: Integer(reach), causal: Integer(1)}
    short = sizes | {L: Integer(min(context, reach))}
    for kernels in attention_stages(mechanism, Conventions(order)).values():
        for form in (flops(kernels), bytes_moved(kernels)):
            assert number(form.xreplace(windowed()), sizes) == number(form, short)


# -- sums over blocks ------------------------------------------------------------------------------
PATTERNS = st.lists(st.booleans(), min_size=1, max_size=8)  # per block: whether it is windowed


def architecture(mechanism, pattern):
    return Architecture(mechanism, full=not all(pattern), windowed=any(pattern))


def blocks_of(pattern):
    return {n_dec: Integer(len(pattern)), n_win: Integer(sum(pattern))}


@pytest.mark.parametrize("name", MECHANISMS)
@few
@given(PATTERNS, points(low=1, high=4), LENGTHS)
def test_cache_is_what_blocks_keep_one_by_one(name, pattern, sizes, lengths):
    context, _, reach = lengths
    built = architecture(name, pattern)
    point = sizes | blocks_of(pattern) | {L: Integer(context), L_win: Integer(reach)}
    a_token = number(decoder.kv_bytes_per_block(built), point)
    by_block = sum(a_token * (positions.kept(context, reach) if each else context) for each in pattern)
    assert number(decoder.kv_cache_bytes(built), point) == by_block
    assert number(decoder.kv_bytes_per_token(built), point) * context == by_block
    assert number(request_bytes(built, book="eq11", activations=False), point) == by_block


@few
@given(PATTERNS, points(low=1, high=4), LENGTHS)
def test_any_cost_is_summed_block_by_block(pattern, sizes, lengths):
    context, new, reach = lengths
    built = architecture("GQA", pattern)
    (core,) = attention_stages(built.mechanism)["core"]
    point = sizes | {L: Integer(context), l: Integer(new), L_win: Integer(reach)}
    one_by_one = sum(number(core.bytes.xreplace(windowed() if each else {}), point) for each in pattern)
    whole = over_blocks(built, core.bytes.xreplace)
    assert number(whole, point | blocks_of(pattern)) == one_by_one


@pytest.mark.parametrize("order", ["as_printed", "reordered"])
@few
@given(PATTERNS, points(low=1, high=4), LENGTHS)
def test_activations_are_those_of_the_block_that_needs_most(order, pattern, sizes, lengths):
    context, new, reach = lengths
    built, conventions = architecture("MLA", pattern), Conventions(order, "layered")
    sizes = sizes | {causal: Integer(1), L: Integer(context), l: Integer(new), L_win: Integer(reach), B: Integer(1)}
    in_full = decoder.activation_bytes(Architecture("MLA"), conventions)
    each = [number(in_full.xreplace(windowed() if inside else {}), sizes) for inside in pattern]
    assert number(decoder.activation_bytes(built, conventions), sizes) == max(each)


@pytest.mark.parametrize("name", MECHANISMS)
def test_without_windows_no_form_names_them(name):
    built = Architecture(name)
    assert kinds(built) == ((n_dec, {}),)
    forms = (decoder.kv_bytes_per_token(built), request_bytes(built), decoder.parameters(built))
    assert not any({L_win, n_win} & form.free_symbols for form in forms)


def test_weights_do_not_know_windows():
    mixed = Architecture("GQA", windowed=True)
    assert decoder.parameters(mixed) == decoder.parameters(Architecture("GQA"))
    assert BY_NAME["L_win"] not in decoder.active_parameters(mixed).free_symbols
