"""Windowed blocks against loops over token positions: pairs, keys read, tokens kept, and sums over blocks."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import Integer, Rational

from analysis.derive import decoder
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Architecture, Conventions, Kind, attention_stages, bytes_moved, flops, over_blocks
from analysis.derive.capacity import request_bytes
from analysis.derive.spans import BANDS, SPANS
from analysis.derive.symbols import BY_NAME, B, L, L_win, causal, l, n_dec, n_win
from tests.derive.loops import run
from tests.derive.small import ORDERED, ORDERED_IDS, few, many, number, points
from tests.derive.windows import positions

LENGTHS = st.tuples(st.integers(1, 12), st.integers(1, 14)).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.integers(1, pair[0]), st.just(pair[1]))
)  # context, new tokens (at most the context), window
RULES = {"sliding": positions.sliding, "chunked": positions.chunked}


def exact_share(context, new):
    """Share of the l x L plane that a causal mask leaves, the last query seeing the whole context."""
    return 1 - Rational(new - 1, 2 * context)


def at(form, context, new=1, reach=1, share=1):
    return form.xreplace({L: Integer(context), l: Integer(new), L_win: Integer(reach), causal: Rational(share)})


@many
@given(LENGTHS)
def test_keys_read_are_those_that_some_new_token_sees(lengths):
    context, new, reach = lengths
    counted = positions.touched(positions.sliding, context, new, reach)
    assert at(SPANS[BANDS["sliding"]].touched, context, new, reach) == counted


@many
@given(st.integers(1, 8), st.integers(1, 9))
def test_keys_of_chunks_are_those_of_the_worst_place_of_their_edges(reach, new):
    contexts = range(reach + new, 3 * reach + new)  # every place of the last token in its chunk, and full ones behind
    counted = at(SPANS[BANDS["chunked"]].touched, contexts[0], new, reach)
    assert counted == max(positions.touched(positions.chunked, each, new, reach) for each in contexts)


@pytest.mark.parametrize("band", BANDS)
@many
@given(LENGTHS)
def test_without_a_mask_every_query_has_a_full_band(band, lengths):
    context, new, reach = lengths
    counted = at(SPANS[BANDS[band]].worked, context, new, reach)
    assert counted == sum(min(context, reach) for _ in positions.queries(context, new))
    assert counted >= positions.pairs(RULES[band], context, new, reach)


@pytest.mark.parametrize("band", BANDS)
@many
@given(LENGTHS)
def test_with_the_causal_share_pairs_are_exact(band, lengths):
    """A prompt, or a part of one: the pairs that positions have. One query has a causal share of 1 and a full chunk."""
    context, new, reach = lengths
    assume(new > 1 or band == "sliding")
    counted = at(SPANS[BANDS[band]].worked, context, new, reach, exact_share(context, new))
    assert counted == positions.pairs(RULES[band], context, new, reach)


@pytest.mark.parametrize("band", BANDS)
@many
@given(LENGTHS, st.integers(0, 8))
def test_between_both_shares_pairs_lie_on_a_line(band, lengths, eighths):
    context, new, reach = lengths
    assume(new > 1)
    low, high = (at(SPANS[BANDS[band]].worked, context, new, reach, s) for s in (exact_share(context, new), 1))
    share = exact_share(context, new) + (1 - exact_share(context, new)) * Rational(eighths, 8)
    counted = at(SPANS[BANDS[band]].worked, context, new, reach, share)
    assert counted == low + (high - low) * Rational(eighths, 8)


@pytest.mark.parametrize(("band", "excess"), [("sliding", Rational(4, 3)), ("chunked", 2)])
@pytest.mark.parametrize(("context", "reach"), [(4096, 2048), (8192, 4096)])
def test_half_the_plane_is_the_whole_prompt_and_no_more(band, excess, context, reach):
    """causal=0.5 counts the mask in full; l Min(causal L, L_win) would be a third too much, or twice as much."""
    counted = at(SPANS[BANDS[band]].worked, context, context, reach, Rational(1, 2))
    needed = at(SPANS[BANDS[band]].worked, context, context, reach, exact_share(context, context))
    assert counted == needed
    assert float(context * min(Rational(context, 2), reach) / needed) == pytest.approx(float(excess), rel=1e-3)


@many
@given(st.integers(1, 40), st.integers(1, 50))
def test_decode_is_exact(context, reach):
    span = SPANS[BANDS["sliding"]]
    pairs = at(span.worked, context, 1, reach)
    assert pairs == positions.pairs(positions.sliding, context, 1, reach) == positions.kept(context, reach)
    assert at(span.stored, context, reach=reach) == positions.kept(context, reach)


@many
@given(st.integers(1, 60), st.integers(1, 12))
def test_a_chunk_is_never_more_than_counted_and_full_once_per_chunk(context, reach):
    seen = [positions.pairs(positions.chunked, length, 1, reach) for length in range(1, context + 1)]
    counted = [at(SPANS[BANDS["chunked"]].worked, length, 1, reach) for length in range(1, context + 1)]
    assert all(one <= bound for one, bound in zip(seen, counted, strict=True))
    assert [one == bound for one, bound in zip(seen, counted, strict=True)][reach - 1 :: reach] == [True] * (
        context // reach
    )


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(points(low=1, high=2), st.tuples(st.integers(1, 5), st.integers(1, 6)), st.data())
def test_kernels_in_a_window_do_and_move_what_loops_over_positions_do(mechanism, order, sizes, lengths, data):
    context, reach = lengths
    new = data.draw(st.integers(1, context))
    point = sizes | {L: Integer(context), l: Integer(new), L_win: Integer(reach), causal: exact_share(context, new)}

    def visible(query, key):
        return positions.sliding(context - new + query, key, reach)

    (kernel,) = attention_stages(mechanism.within(L_win), Conventions(order))["core"]
    looped = run(kernel.lines, point | {L_win: Integer(context)}, visible={L_win: visible})
    assert number(kernel.flops, point) == looped.operations
    for tensor in kernel.boundary:
        assert number(tensor.elements, point) == looped.crossing.count(tensor.name), tensor


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@pytest.mark.parametrize("grouping", ["fused", "layered"])
@few
@given(points(low=1, high=4), LENGTHS)
def test_a_window_that_holds_the_context_is_full_attention(mechanism, order, grouping, band, sizes, lengths):
    context, new, reach = lengths
    sizes = sizes | {L: Integer(context), l: Integer(new), L_win: Integer(context + reach)}
    for share in (Integer(1), exact_share(context, new)):
        point = sizes | {causal: share}
        whole = attention_stages(mechanism, Conventions(order, grouping))
        within = attention_stages(mechanism.within(BANDS[band]), Conventions(order, grouping))
        for stage, kernels in within.items():
            for form in (flops, bytes_moved):
                assert number(form(kernels), point) == number(form(whole[stage]), point)


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(points(low=1, high=4), LENGTHS)
def test_decoding_in_a_window_is_decoding_in_a_context_of_that_length(mechanism, order, sizes, lengths):
    """What a block costs for one query does not depend on the tokens outside its window."""
    context, _, reach = lengths
    sizes = sizes | {L: Integer(context), l: Integer(1), L_win: Integer(reach), causal: Integer(1)}
    short = sizes | {L: Integer(min(context, reach))}
    whole = attention_stages(mechanism, Conventions(order))
    for stage, kernels in attention_stages(mechanism.within(L_win), Conventions(order)).items():
        for form in (flops, bytes_moved):
            assert number(form(kernels), sizes) == number(form(whole[stage]), short)


# -- sums over blocks ------------------------------------------------------------------------------
PATTERNS = st.lists(st.booleans(), min_size=1, max_size=8)  # per block: whether it is windowed


def architecture(mechanism, pattern):
    return Architecture(mechanism, full=not all(pattern), window="sliding" if any(pattern) else "")


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
    point = sizes | {L: Integer(context), l: Integer(new), L_win: Integer(reach)}

    def moved(kind):
        return bytes_moved(attention_stages(kind.mechanism)["core"])

    both = (Kind(n_dec, built.mechanism), Kind(n_dec, built.mechanism.within(L_win)))
    full, within = (number(moved(each), point) for each in both)
    one_by_one = sum(within if each else full for each in pattern)
    assert number(over_blocks(built, moved), point | blocks_of(pattern)) == one_by_one


@pytest.mark.parametrize("order", ["as_printed", "reordered"])
@few
@given(PATTERNS, points(low=1, high=4), LENGTHS)
def test_activations_are_those_of_the_block_that_needs_most(order, pattern, sizes, lengths):
    context, new, reach = lengths
    built, conventions = architecture("MLA", pattern), Conventions(order, "layered")
    sizes = sizes | {causal: Integer(1), L: Integer(context), l: Integer(new), L_win: Integer(reach), B: Integer(1)}
    in_full, within = (
        number(decoder.activation_bytes(each, conventions), sizes)
        for each in (Architecture("MLA"), Architecture("MLA", full=False, window="sliding"))
    )
    assert within <= in_full
    most = max(within if inside else in_full for inside in pattern)
    assert number(decoder.activation_bytes(built, conventions), sizes) == most


@pytest.mark.parametrize("name", MECHANISMS)
def test_without_windows_no_form_names_them(name):
    built = Architecture(name)
    assert [kind.blocks for kind in built.attending] == [n_dec]
    forms = (decoder.kv_bytes_per_token(built), request_bytes(built), decoder.parameters(built))
    assert not any({L_win, n_win} & form.free_symbols for form in forms)


def test_weights_do_not_know_windows():
    mixed = Architecture("GQA", window="sliding")
    assert decoder.parameters(mixed) == decoder.parameters(Architecture("GQA"))
    assert BY_NAME["L_win"] not in decoder.active_parameters(mixed).free_symbols
