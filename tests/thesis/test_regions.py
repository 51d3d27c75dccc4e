"""Regions by hand: the grid of each conclusion typed as numbers, every point of it and every boundary found again."""

from itertools import product as places

import numpy as np
import pytest

from analysis.thesis.conclusions import CONCLUSIONS
from analysis.thesis.verdict import verdicts
from analysis.thesis.world import world
from tests.ledger.ledger_systems_by_hand import CHOSEN, shuffled
from tests.made import Made

from .regions_by_hand import (
    CHIPS,
    CONTEXTS,
    GAMMA,
    PIM,
    SHARES,
    WIDE,
    block,
    cap,
    computes,
    llama4_tunes,
    no_longer,
    not_needed,
    raises,
    slower,
    small,
    step,
    tensor,
    tunes,
    wires,
)

FOUND = Made([each.name for each in CONCLUSIONS], lambda: {each.conclusion.name: each for each in verdicts()})
R1, MAVERICK = "deepseek-v3", "llama-4-maverick"
LINKS, SKEWS = ["fast", "groups", "slow"], [0, 0.4, 0.8]
GRIDS = {
    "raises": (raises, CONTEXTS, ["MHA", "GQA"], ["fused", "layered"], [1, 2, 4, 8]),
    "computes": (computes, CONTEXTS, CHIPS, [1, 2, 4, 8]),
    "no-longer": (no_longer, CONTEXTS, SHARES, LINKS, SKEWS, CHIPS),
    "wires": (wires, CONTEXTS, SHARES[2:], LINKS, SKEWS, CHIPS),
    "tunes": (tunes, CONTEXTS[::2], SHARES, [8, 16, 32, 64, 128, 256], ["dense", "output"]),
    "small": (small, CONTEXTS, SHARES, LINKS, ["requests", "memory"]),
    "not-needed": (not_needed, CONTEXTS, SHARES, LINKS, [PIM, WIDE]),
    "tensor": (tensor, CONTEXTS, SHARES, LINKS, CHIPS, [2, 4, 8]),
}


@pytest.mark.parametrize("name", GRIDS)
def test_every_point_of_the_grid_by_hand(name):
    margin, *axes = GRIDS[name]
    found = FOUND[name].inside[R1]
    hand = np.array([margin(*place) for place in places(*axes)]).reshape([len(list(axis)) for axis in axes])
    assert found.shape == hand.shape
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(hand))
    np.testing.assert_allclose(found, hand, rtol=2e-3, atol=1e-6, equal_nan=True)
    assert 0 < np.sum(hand > 0) < np.isfinite(hand).sum()


def test_experts_of_another_model_by_hand():
    axes = CONTEXTS[::2], SHARES, [8, 16, 32, 64, 128, 256]
    hand = np.reshape([llama4_tunes(*place) for place in places(*axes)], [len(axis) for axis in axes])
    np.testing.assert_allclose(FOUND["tunes"].inside[MAVERICK][..., 0], hand, rtol=2e-3, atol=1e-6, equal_nan=True)


BOUNDARIES = {  # conclusion: (line, boundary, margin by hand along it, whether it holds below), at 8K and full memory
    "raises": [(1, 573, lambda L: raises(L, "MHA", "fused", 2), False)],
    "computes": [
        (0, 234.8, lambda ridge: (2 * 128 * 1088 * 8192 / (2 * (576 * 8192 + 128 * 1088))) / ridge - 1, True),
        (1, 417, lambda L: computes(L, "A100", 1), False),
        (2, 1399, lambda L: computes(L, "H200", 1), False),
        (3, 2206, lambda L: computes(L, "MI325X", 1), False),
    ],
    "no-longer": [
        (0, 1826, lambda L: no_longer(L, 1), True),
        (1, 11117, lambda L: no_longer(L, 1, "groups"), True),
        (2, 14904, lambda L: no_longer(L, 1, "slow"), True),
        (3, 6108, lambda L: no_longer(L, 1, "fast", 0.8), True),
        (4, 2257, lambda B: no_longer(8192, 1, B=B), True),
    ],
    "wires": [
        (1, 6436, lambda L: wires(L, 1, "groups"), True),
        (2, 8764, lambda L: wires(L, 1, "slow"), True),
        (3, 5170, lambda L: wires(L, 1, "fast", 0.8), True),
        (4, 106.5e9, lambda rate: slower(step(8192, 1), rate), True),
    ],
    "small": [(1, 1035, lambda B: step(8192, 1, B=B)["experts"] - step(8192, 1, B=B, experts=PIM)["experts"], True)],
    "not-needed": [(2, 59.27, lambda r: not_needed(8192, 1, "fast", {"peak": r * 32e12, "memory": 32e12}), True)],
    "tensor": [
        (0, 916, lambda B: block(B, 1024, 8, "fast", "B200") - block(B, 1024, 1, "fast", "B200"), False),
        (1, 141, lambda B: block(B, 8192, 8, "fast", "B200") - block(B, 8192, 1, "fast", "B200"), False),
        (2, 564, lambda B: block(B, 8192, 2, "fast", "B200") - block(B, 8192, 1, "fast", "B200"), False),
        (3, 116.6, lambda B: block(B, 8192, 8, "slow", "B200") - block(B, 8192, 1, "slow", "B200"), False),
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, each) for name, lines in BOUNDARIES.items() for each in lines])
def test_both_sides_of_every_boundary_by_hand(name, line):
    place, value, margin, below = line
    ((found),) = FOUND[name].boundaries[place][1]
    assert (found.low is None, found.high is None) == (below, not below)
    end = found.high if below else found.low
    assert end == pytest.approx(value, rel=1e-3)
    sign = 1 if below else -1
    assert sign * margin(end * 0.998) > 0 > sign * margin(end * 1.002)


LINES_WITHOUT = {  # lines along which a conclusion holds all the way, or nowhere
    "raises": {0: True, 2: False, 3: False, 4: False},
    "computes": {4: False},
    "wires": {0: False},
    "not-needed": {0: True, 1: False},
    "one-alone": {0: False, 1: True, 2: False, 3: False},
    "aligns": {0: True},
}


@pytest.mark.parametrize("name", LINES_WITHOUT)
def test_lines_without_a_boundary(name):
    for place, holds in LINES_WITHOUT[name].items():
        found = FOUND[name].boundaries[place][1]
        assert [(each.low, each.high) for each in found] == ([(None, None)] if holds else [])
    known = {**{place: None for place, *_ in BOUNDARIES.get(name, ())}, **LINES_WITHOUT[name]}
    assert name == "aligns" or sorted(known) == list(range(len(FOUND[name].boundaries)))


SPANS = {  # ends of the search along each axis, of requests at 1K and 8K: one of each of 32 groups, and full memory
    "context": [(256, 2**20)],
    "ridge": [(1, 2000)],
    "bandwidth": [(1e9, 1e14)],
    "count": [(8, 256)],
    "acceptance": [(0, 1)],
    "requests": [(32, cap(1024)), (32, cap(8192))],
}


def test_boundaries_are_sought_between_the_ends_of_their_axes():
    """No boundary lies beyond; else the words "at every" and "at no" would say too much."""
    found = {}
    for line in (line for each in FOUND.values() for line in each.conclusion.lines):
        assert line.axis.even == (line.axis.name == "acceptance")
        low, high = line.span(world(), R1)
        found.setdefault(line.axis.name, set()).add((low, round(high, 6)))
    assert found.keys() == SPANS.keys()
    for name, spans in SPANS.items():
        np.testing.assert_allclose(sorted(found[name]), sorted(spans), rtol=1e-6)


def test_the_skew_is_that_of_many_placements_and_not_of_one():
    assert GAMMA[0.8] == pytest.approx(3.07, abs=0.01)
    assert CHOSEN.sum() == pytest.approx(8, rel=1e-3)
    assert shuffled(0) > 1.4 * GAMMA[0.8]
    shares = [0.5 + float(wires(L, 1, "fast", 0.8)) for L in (1024, 8192)]
    assert shares == pytest.approx([0.65, 0.37], abs=0.005)
