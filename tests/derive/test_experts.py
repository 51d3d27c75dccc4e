"""Experts: every copy of a token is computed once, and active experts are what enumeration finds."""

from itertools import combinations, product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import Rational, simplify

from analysis.derive.block import Architecture, feedforward_stages
from analysis.derive.parallel import active_experts, sharded, single_expert, tokens_per_expert
from analysis.derive.symbols import (
    B,
    Gamma_acc,
    Gamma_imb,
    T_e,
    deg_EP,
    l,
    n_acc,
    n_act,
    n_e,
    n_k,
    width_activations,
    width_kv,
    width_weights,
)

from .small import few, number, points

DEGREES = st.tuples(st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]))


def routed(point: dict, groups: int, ep: int) -> dict:
    """A point with `groups` EP groups of `ep` accelerators, and more experts than a token visits."""
    return point | {deg_EP: ep, n_acc: groups * ep, n_e: 8, n_k: min(point[n_k], 8)}


@few
@given(point=points(), degrees=DEGREES)
def test_accelerators_together_compute_every_copy_once(point, degrees):
    """T_e n_act over the deg_EP accelerators of a group are its tokens times n_k; over all groups B l n_k.

    With imbalance every accelerator is timed as the busiest one, which has Gamma_acc times the mean.
    """
    point, share = routed(point, *degrees), sharded()
    copies = number(share[T_e] * share[n_act], point) * point[n_acc]
    assert copies == number(Gamma_acc * B * l * n_k, point)


@few
@given(point=points(Gamma_acc=1), degrees=DEGREES)
def test_expert_flops_of_all_accelerators_are_those_of_the_copies(point, degrees):
    """Six FLOPs per copy and weight element of one matrix: three products of two FLOPs."""
    (kernel,) = feedforward_stages(Architecture("MHA", dense=False, experts=True))["routed"]
    point = routed(point, *degrees)
    everywhere = number(kernel.at(sharded()).flops, point) * point[n_acc]
    by_name = {axis.name: size for axis, size in point.items()}
    assert everywhere == 6 * by_name["B"] * by_name["l"] * by_name["n_k"] * by_name["d_emb"] * by_name["d_MoE"]


@few
@given(point=points(), degrees=DEGREES)
def test_weights_of_idle_experts_are_not_read(point, degrees):
    (kernel,) = feedforward_stages(Architecture("MHA", dense=False, experts=True))["routed"]
    point = routed(point, *degrees) | {width_activations: 0, width_kv: 0, width_weights: 1}
    point[B] *= point[n_acc]  # a whole number of tokens for every accelerator
    active = number(active_experts(B * l * deg_EP / n_acc), point)
    by_name = {axis.name: size for axis, size in point.items()}
    in_group = number(kernel.at(sharded()).bytes, point) * point[deg_EP]
    assert in_group == active * 3 * by_name["d_emb"] * by_name["d_MoE"]


@few
@given(point=points(), degrees=DEGREES)
def test_one_expert_has_its_share_of_the_group(point, degrees):
    point = routed(point, *degrees)
    share = number(single_expert()[T_e], point)
    assert share * point[n_e] == number(Gamma_imb * B * l * n_k * deg_EP / n_acc, point)
    assert single_expert()[n_act] == 1


def test_tokens_per_expert_when_one_group_spans_the_system():
    assert tokens_per_expert().subs(deg_EP, n_acc) == Gamma_imb * B * l * n_k / n_e


def distinct_on_average(experts: int, visited: int, tokens: int) -> Rational:
    """Mean number of experts that tokens reach, over every way in which each may choose `visited` of them."""
    choices = list(combinations(range(experts), visited))
    reached = [len(set().union(*choice)) for choice in product(choices, repeat=tokens)]
    return Rational(sum(reached), len(reached))


@few
@given(experts=st.integers(1, 4), visited=st.integers(1, 4), tokens=st.integers(1, 3))
def test_active_experts_against_enumeration(experts, visited, tokens):
    assume(visited <= experts)
    point = {B: tokens, n_e: experts, n_k: visited}
    assert number(active_experts(B), point) == distinct_on_average(experts, visited, tokens)


def test_active_experts_of_a_part_of_them():
    """By symmetry a quarter of the experts has a quarter of the active ones."""
    assert simplify(4 * active_experts(B, n_e / 4) - active_experts(B)) == 0


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ({B: 7, n_k: 8, n_e: 8}, 8),
        ({B: 1, n_k: 2, n_e: 8}, 2),
        ({B: 0, n_k: 2, n_e: 8}, 0),
        ({B: 2, n_k: 2, n_e: 4}, 3),
    ],
    ids=["every expert is visited", "one token", "no token", "two tokens"],
)
def test_active_experts_at_its_ends(point, expected):
    assert number(active_experts(B), point) == expected


def test_all_experts_are_active_for_endless_batches():
    assert abs(number(active_experts(B), {B: 10_000, n_e: 256, n_k: 8}) - 256) < Rational(1, 10**100)
