"""Windowed attention as values: a mask over the whole context gives what the counted keys alone give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer

from analysis.derive.attention import GQA
from analysis.derive.spans import BANDS, SPANS
from analysis.derive.symbols import L, L_win, l
from analysis.measure.execute import execute, inputs, softmax
from tests.derive.small import ORDERED, ORDERED_IDS, all_lines, few, points
from tests.derive.windows import positions
from tests.derive.windows.test_counts import LENGTHS

CACHED = {"k", "v", "c_KV", "k_R", "k_copy"}


def masked(rule, context, keys, reach):
    """Softmax over the last `keys` tokens of a context, of which each query sees those that the rule allows."""

    def step(scores):
        seen = [
            [rule(query, key, reach) for key in range(context - keys, context)]
            for query in positions.queries(context, scores.shape[-2])
        ]
        return softmax(np.where(seen, scores, -np.inf))

    return step


def random_arrays(lines, sizes, seed):
    """So small that a softmax lets every key through."""
    random = np.random.default_rng(seed)
    return {
        name: random.normal(scale=0.5, size=[int(sizes[axis]) for axis in t.axes]) for name, t in inputs(lines).items()
    }


@pytest.mark.parametrize("rule", [positions.sliding, positions.chunked], ids=["sliding", "chunked"])
@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(points(low=1, high=3), LENGTHS, st.integers(0, 2**32 - 1))
def test_the_keys_that_are_counted_are_enough(rule, mechanism, order, sizes, lengths, seed):
    context, new, reach = lengths
    sizes = sizes | {L: Integer(context), l: Integer(new), L_win: Integer(reach)}
    lines = all_lines(mechanism, order)
    arrays = random_arrays(lines, sizes, seed)
    keys = int(SPANS[BANDS["sliding"]].touched.xreplace(sizes))
    last = {name: array[:, -keys:] if name in CACHED else array for name, array in arrays.items()}
    whole = execute(lines, arrays, {"S": masked(rule, context, context, reach)})
    short = execute(lines, last, {"S": masked(rule, context, keys, reach)})
    np.testing.assert_allclose(short["y"], whole["y"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(points(low=1, high=3), LENGTHS, st.integers(0, 2**32 - 1))
def test_one_key_fewer_is_not_enough(mechanism, order, sizes, lengths, seed):
    """The count of keys is the least: without the oldest of them some query's context vector changes."""
    context, new, reach = lengths
    sizes = sizes | {L: Integer(context), l: Integer(new), L_win: Integer(reach)}
    keys = int(SPANS[BANDS["sliding"]].touched.xreplace(sizes))
    if keys == new:
        return  # every key left is a new token's own, of which none can be missing
    lines = all_lines(mechanism, order)
    arrays = random_arrays(lines, sizes, seed)
    without = {name: array[:, -keys + 1 :] if name in CACHED else array for name, array in arrays.items()}
    whole = execute(lines, arrays, {"S": masked(positions.sliding, context, context, reach)})
    short = execute(lines, without, {"S": masked(positions.sliding, context, keys - 1, reach)})
    assert np.abs(short["y"] - whole["y"]).max() > 1e-9


@few
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_prefill_in_a_window_is_decode_token_by_token(context, reach, seed):
    lines = all_lines(GQA, "as_printed")
    names = {axis: Integer(2) for line in lines for axis in line.axes}
    sizes = names | {L: Integer(context), l: Integer(context)}
    arrays = random_arrays(lines, sizes, seed)
    prefill = execute(lines, arrays, {"S": masked(positions.sliding, context, context, reach)})
    for token in range(context):
        first = max(0, token + 1 - reach)
        cut = {name: arrays[name][:, first : token + 1] for name in ("k", "v")}
        decode = execute(lines, arrays | cut | {"H": arrays["H"][:, token : token + 1]}, {"S": softmax})
        np.testing.assert_allclose(decode["y"][:, 0], prefill["y"][:, token], rtol=1e-9, atol=1e-12)
