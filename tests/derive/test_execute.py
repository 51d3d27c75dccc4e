"""The numpy executor against nested loops, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.derive.einsum import lines
from analysis.measure.execute import axis_sizes, execute, inputs, softmax

from .loops import run
from .small import FEEDFORWARD, ORDERED, ORDERED_IDS, all_lines, few, points

SEEDS = st.integers(0, 2**32 - 1)


def whole_numbers(given_lines, sizes, seed):
    random = np.random.default_rng(seed)
    shapes = {name: [int(sizes[axis]) for axis in t.axes] for name, t in inputs(given_lines).items()}
    return {name: random.integers(-4, 5, shape) for name, shape in shapes.items()}


def in_order_of_use(given_lines):
    """Lines sorted so that plain loops may run them: makers before users."""
    waiting, done = list(given_lines), []
    while waiting:
        unmade = {line.made.name for line in waiting}
        ready = [line for line in waiting if not unmade & {t.name for t in line.used}]
        done += ready
        waiting = [line for line in waiting if line not in ready]
    return done


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(sizes=points(high=2), seed=SEEDS)
def test_attention_values_are_those_of_loops(mechanism, order, sizes, seed):
    given_lines = all_lines(mechanism, order)
    arrays = whole_numbers(given_lines, sizes, seed)
    found, looped = execute(given_lines, arrays), dict(arrays)
    run(in_order_of_use(given_lines), sizes, looped)
    assert found.keys() == looped.keys()
    assert all(np.array_equal(found[name], looped[name]) for name in looped)


@pytest.mark.parametrize("name", FEEDFORWARD)
@few
@given(sizes=points(), seed=SEEDS)
def test_feedforward_values_are_those_of_loops(name, sizes, seed):
    arrays = whole_numbers(FEEDFORWARD[name], sizes, seed)
    looped = dict(arrays)
    run(FEEDFORWARD[name], sizes, looped)
    made = FEEDFORWARD[name][-1].made.name
    assert np.array_equal(execute(FEEDFORWARD[name], arrays)[made], looped[made])


def test_an_elementwise_step_comes_once_after_the_whole_sum():
    given_lines = lines("o[l] = S[l L] v[L]; S[l L] = q[l] k[L]; S[l L] = p[l] k[L]")
    arrays = {"q": np.array([1.0]), "p": np.array([2.0]), "k": np.array([1.0, 2.0]), "v": np.ones(2)}
    found = execute(given_lines, arrays, {"S": np.square})
    assert found["S"].tolist() == [[9.0, 36.0]]
    assert found["o"].tolist() == [45.0]


def test_softmax_is_a_share_over_the_context_and_survives_large_scores():
    shares = softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3)]]))
    assert np.allclose(shares, [[0.5, 0.5], [0.25, 0.75]], atol=1e-15)


def test_sizes_are_read_from_the_arrays():
    found = axis_sizes(lines("y[B] = x[B d_hd] W_V[d_hd]"), {"x": np.ones((2, 5)), "W_V": np.ones(5)})
    assert {axis.name: size for axis, size in found.items()} == {"B": 2, "d_hd": 5}


@pytest.mark.parametrize(
    ("arrays", "steps", "sentence"),
    [
        ({"x": np.ones((2, 3))}, {}, "making y needs W_V, neither given nor made"),
        ({"x": np.ones((2, 3)), "W_V": np.ones((4, 2))}, {}, "axis d_hd has size 4 in W_V.* but 3"),
        ({"x": np.ones(3), "W_V": np.ones((3, 2))}, {}, r"array of x\[B d_hd\] has 1 axes, not 2"),
        ({"x": np.ones((2, 3)), "y": np.ones((2, 2))}, {}, "tensor y is given and also made"),
        ({"x": np.ones((2, 3)), "W_V": np.ones((3, 2))}, {"s": softmax}, "no line makes s, .* use y"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(arrays, steps, sentence):
    with pytest.raises(ValueError, match=sentence) as refusal:
        execute(lines("y[B d_v] = x[B d_hd] W_V[d_hd d_v]"), arrays, steps)
    assert type(refusal.value).__name__ == "InputError"
    assert "\n" not in str(refusal.value)


def test_lines_that_add_and_move():
    given_lines = lines("M_new[d_hd d_v] <- M[d_hd d_v]; M_new[d_hd d_v] += k[d_hd] u[d_v]; x[d_v] <- M_new[d_hd d_v]")
    arrays = {"M": np.ones((2, 3)), "k": np.array([1, 2]), "u": np.array([3, 4, 5])}
    found = execute(given_lines, arrays, moves={"x": lambda M: M.max(axis=0)})
    assert found["M_new"].tolist() == [[4, 5, 6], [7, 9, 11]]
    assert found["x"].tolist() == [7, 9, 11]
    with pytest.raises(ValueError, match="it is not said how: give moves="):
        execute(given_lines, arrays)


def test_a_line_that_picks_may_be_given_more_rows_than_it_makes():
    given_lines = lines("p[l L_win] <- v[L_win] t[l L_win]; o[l] = S[l L_win] p[l L_win]")
    arrays = {"v": np.arange(5.0), "t": np.array([[4, 1], [0, 2]]), "S": np.ones((2, 2))}
    assert execute(given_lines, arrays, moves={"p": lambda v, t: v[t]})["o"].tolist() == [5, 2]


def test_lines_that_wait_for_each_other_are_refused():
    with pytest.raises(ValueError, match="making x needs y"):
        execute(lines("x[B] = y[B]; y[B] = x[B]"), {})
