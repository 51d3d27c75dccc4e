"""Spans against loops that pick: rows stored, distinct rows touched, and rows worked on, position by position."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Rational

from analysis.derive.block import Architecture
from analysis.derive.decoder import active_parameters, parameters
from analysis.derive.einsum import lines, tensor
from analysis.derive.spans import SPANS, compressed, picked
from analysis.derive.symbols import L, causal, l, n_act, n_e, n_k, n_moe

from .small import few, many, number, points


def at(form, context, new=1, share=1):
    return form.xreplace({L: Integer(context), l: Integer(new), causal: Rational(share)})


@many
@given(st.integers(1, 30), st.integers(1, 12), st.booleans(), st.data(), st.integers(0, 2**32))
def test_picks_are_rows_of_what_each_query_sees(context, most, masked, data, seed):
    """Random picks, position by position. Distinct rows are bounded: met by one query, and by picks that differ."""
    new = data.draw(st.integers(1, min(context, 6)))
    span, rng = picked(Integer(most)), random.Random(seed)
    seen = [context - new + 1 + query if masked else context for query in range(new)]
    picks = [rng.sample(range(rows), min(most, rows)) for rows in seen]
    share = 1 - Rational(new - 1, 2 * context) if masked else 1
    assert at(span.stored, context, new) == context
    assert at(span.worked, context, new, share) == sum(map(len, picks))
    touched = len({row for pick in picks for row in pick})
    assert touched <= at(span.touched, context, new)
    if new == 1:
        assert touched == at(span.touched, context)


@many
@given(st.integers(1, 30), st.integers(1, 12), st.integers(1, 5))
def test_picks_that_differ_all_they_can_touch_just_the_rows_counted(context, most, new):
    """The bound is the least one: queries that take turns at the rows reach it."""
    each = min(most, context)
    distinct = {(query * each + place) % context for query in range(new) for place in range(each)}
    assert len(distinct) == at(picked(Integer(most)).touched, context, new)


@few
@given(st.integers(1, 8), st.integers(1, 5), st.integers(1, 6), st.data())
def test_picks_of_compressed_rows_are_those_that_whole_groups_made(groups, stride, most, data):
    """Exact for one query and whole groups; a prompt's half-made groups count in part, within half a row a query."""
    context = groups * stride
    new = data.draw(st.integers(1, context))
    whole = [min(most, (token + 1) // stride) for token in range(context - new, context)]
    begun = [min(most, -(-(token + 1) // stride)) for token in range(context - new, context)]
    counted = at(picked(Integer(most), Integer(stride)).worked, context, new, 1 - Rational(new - 1, 2 * context))
    assert sum(whole) <= counted <= sum(begun)
    assert at(picked(Integer(most), Integer(stride)).worked, context) == whole[-1]


@few
@given(st.integers(1, 12), st.integers(1, 6))
def test_a_stride_leaves_one_row_of_several(groups, stride):
    context = groups * stride
    rows = [token for token in range(context) if token % stride == stride - 1]  # a row once its group is complete
    span = compressed(Integer(stride))
    assert at(span.stored, context) == at(span.touched, context) == at(span.worked, context) == len(rows)
    assert at(span.worked, context, 3, Rational(1, 2)) == Rational(3 * len(rows), 2)


def test_the_context_itself_is_a_stride_of_one():
    assert SPANS[L] == compressed()
    assert SPANS[L].worked == causal * l * L


@pytest.mark.parametrize("text", ["S[l L]", "k[L]"])
@few
@given(points(high=9))
def test_a_tensor_has_the_rows_that_are_stored_and_those_that_are_moved(text, point):
    found = tensor(text)
    share = point[causal] * point[l] if "l" in text.split("[")[1].split() else 1
    assert number(found.elements, point) == point[L] * share
    assert number(lines("o[l] = S[l L] k[L]")[0].flops, point) == 2 * point[causal] * point[l] * point[L]


def test_experts_are_rows_of_which_a_token_picks_a_few():
    span, built = SPANS[n_act], Architecture("GQA", experts=True)
    assert (span.stored, span.touched, span.worked) == (n_e, n_act, n_k)
    whole, active = (form.coeff(n_moe) for form in (parameters(built).expand(), active_parameters(built).expand()))
    assert whole != active
    assert whole.xreplace({n_k: n_e}) - active.xreplace({n_k: n_e}) == 0
