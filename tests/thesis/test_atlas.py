"""The atlas, against the terms of a token's time one setting at a time, and what the page on design says of it."""

import numpy as np
import pytest

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import Architecture
from analysis.derive.symbols import B
from analysis.render.figures.atlas_tiles import LETTERS, mechanisms
from analysis.systems.quantities import evaluate, quantity
from analysis.thesis import largest
from analysis.thesis.atlas import MODELS, atlas, leading

CHIPS = ("b200-paper", "h20-sxm", "rtx-pro-6000-ws")
CONTEXTS = tuple(2.0**power for power in range(10, 21, 2))
GROUP = {term: name for name, terms in largest.GROUPS.items() for term in terms}


@pytest.fixture(scope="module")
def found():
    return atlas(Setting.of(n_acc=32), MODELS, CHIPS, CONTEXTS)


@pytest.mark.parametrize("place", range(len(MODELS)), ids=MODELS)
def test_a_tile_names_the_largest_part_at_the_batch_that_memory_holds(found, place):
    for strips in found:
        each = strips[place]
        for L, leader, share, batch in zip(each.contexts, each.leaders, each.shares, each.batches, strict=True):
            here = each.setting.with_(L=int(L), rounding="none")
            assert batch == pytest.approx(evaluate("B_cap", here).value if batch >= 0 else batch)
            if batch < 1:
                assert leader == largest.OUTSIDE
                assert np.isnan(share)
                continue
            sums = dict.fromkeys(largest.NAMES, 0.0)
            for term, form in quantity("tpot_terms").expression(here).items():
                sums[GROUP[term]] += float(value(form, here.point | {B: batch}))
            assert leader == max(sums, key=sums.get)
            assert share == pytest.approx(sums[leader] / sum(sums.values()))


def row(found, chip, model):
    strips = found[CHIPS.index(chip)]
    return "".join(LETTERS.get(name, "-") for name in strips[MODELS.index(model)].leaders)


def test_what_the_page_says_of_it(found):
    fast, low, slow = map(leading, found)
    assert fast[largest.CORE] > low[largest.CORE]
    assert low[largest.EXPERTS] + low[largest.REST] > fast[largest.EXPERTS] + fast[largest.REST]
    assert (fast[largest.WIRED], low[largest.WIRED]) == (0, 0)
    wired = [row(found, CHIPS[2], model) for model in MODELS]
    assert sum(each.count("W") for each in wired) == slow[largest.WIRED] > 5
    assert all(each.strip("W") == each.lstrip("W") for each in wired), "at the left of their rows"
    states = "".join(row(found, chip, model) for chip in CHIPS for model in MODELS[-3:])
    assert states.count("A") > 0.95 * len(states)
    picked = [row(found, chip, model) for chip in CHIPS for model in ("deepseek-v3.2", "minimax-m3")]
    assert all(set(each[-2:]) <= set("Er") for each in picked), "at the right end weights lead"


def test_a_tile_by_hand():
    """GPT-3 at a million tokens: each keeps 2 x 96 x 128 x 96 x 2 bytes, 618 GB on each of 8 accelerators."""
    ((strip,),) = atlas(Setting.of(n_acc=32), ["gpt3-175b"], ["b200-paper"], [2.0**10, 2.0**18, 2.0**20])
    assert 2 * 96 * 128 * 96 * 2 * 2**20 / 8 > 192e9 > 2 * 96 * 128 * 96 * 2 * 2**18 / 8
    assert strip.setting["deg_TP"] == 8
    assert [leader == largest.OUTSIDE for leader in strip.leaders] == [False, False, True]


def test_mechanisms_are_named_once_and_windows_with_them():
    assert mechanisms(Setting.of(model="gpt-oss-120b").architecture) == "GQA, windows"
    assert mechanisms(Setting.of(model="kimi-linear-48b-a3b").architecture) == "MLA, KDA"
    assert mechanisms(Architecture("MHA")) == "MHA"
