"""FLOPs of every line against loops that count, and against opt_einsum's counter."""

import opt_einsum
import pytest
from hypothesis import given
from sympy import Rational

from analysis.derive.attention import MLA
from analysis.derive.block import Conventions, attention_stages, bytes_moved, flops, intensity
from analysis.derive.symbols import L, causal, l

from .loops import run, visible_pairs
from .small import ORDERED, ORDERED_IDS, all_lines, every_line, few, many, number, points

LINES = every_line()


@pytest.mark.parametrize("text", LINES)
@few
@given(point=points(causal=1))
def test_flops_are_the_operations_of_loops(text, point):
    assert number(LINES[text].flops, point) == run([LINES[text]], point).operations


@pytest.mark.parametrize("text", [text for text, line in LINES.items() if {l, L} <= line.axes])
@few
@given(point=points(high=4))
def test_causal_counts_the_pairs_that_a_mask_leaves(text, point):
    point[l] = min(point[l], point[L])
    share = Rational(visible_pairs(point), point[l] * point[L])
    assert number(LINES[text].flops, point | {causal: share}) == run([LINES[text]], point, causal=True).operations


def counted_by_opt_einsum(shapes: list, operands: list, made: tuple, path="optimal") -> int:
    letters = {axis: opt_einsum.get_symbol(i) for i, axis in enumerate(sorted(shapes, key=str))}
    terms = ["".join(letters[axis] for axis in axes) for axes in (*operands, made)]
    equation = f"{','.join(terms[:-1])}->{terms[-1]}"
    sizes = [tuple(int(shapes[axis]) for axis in axes) for axes in operands]
    return int(opt_einsum.contract_path(equation, *sizes, shapes=True, optimize=path)[1].opt_cost)


def test_opt_einsum_counts_multiplication_and_addition_as_we_do():
    """Its convention: operands minus one per point, plus one if an axis is summed; so 2 for a matrix product."""
    sizes = {"i": 2, "j": 3, "k": 5}
    assert counted_by_opt_einsum(sizes, ["ij", "jk"], "ik") == 2 * 2 * 3 * 5
    assert counted_by_opt_einsum(sizes, ["i", "k"], "ik") == 2 * 5


@pytest.mark.parametrize("text", LINES)
@few
@given(point=points(high=50, causal=1))
def test_flops_are_those_of_opt_einsum(text, point):
    line = LINES[text]
    sizes = {axis: point[axis] for axis in line.axes}
    counted = counted_by_opt_einsum(sizes, [t.axes for t in line.used], line.made.axes)
    assert number(line.flops, point) == counted


def _score_chain(order: str) -> dict:
    found = {line.made.name: line for line in all_lines(MLA, order, rope="out")}
    return {name: found[name] for name in ("k", "q_C", "S") if name in found}


@many
@given(point=points(high=200, causal=1))
def test_the_two_orders_are_two_paths_of_one_contraction(point):
    """opt_einsum, told to bracket q_N W_DK c_KV either way, counts what each order's lines count."""
    printed, reordered = _score_chain("as_printed"), _score_chain("reordered")
    chain = [printed["S"].used[0].axes, printed["k"].used[1].axes, printed["k"].used[0].axes]
    sizes = {axis: point[axis] for axes in chain for axis in axes}
    for lines, path in ((printed, [(1, 2), (0, 1)]), (reordered, [(0, 1), (0, 1)])):
        ours = sum(number(line.flops, point) for line in lines.values())
        assert ours == counted_by_opt_einsum(sizes, chain, printed["S"].made.axes, path)


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
@few
@given(point=points(high=2, causal=1))
def test_totals_of_a_block_are_the_sums_of_its_kernels(mechanism, order, point):
    kernels = tuple(k for stage in attention_stages(mechanism, Conventions(order)).values() for k in stage)
    assert number(flops(kernels), point) == run(all_lines(mechanism, order), point).operations
    assert number(intensity(kernels), point) == number(flops(kernels), point) / number(bytes_moved(kernels), point)
