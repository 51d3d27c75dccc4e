"""Tensor against data parallelism on every row, over all kinds of its blocks, and when its closed form holds."""

import numpy as np
import pytest

from analysis.ask.degrees import divides_all_heads
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate
from analysis.thesis import margins, tensor_parallel
from analysis.thesis.world import FAST, world_of

ROWS = sorted(datasets.models())
PAIRED = sorted(model for model, row in datasets.models().items() if divides_all_heads(2, row))
ON = {"accelerator": "b200-sxm", "link": "nvlink5-b200", "n_acc": 8}
SUMMED = {"jamba-v0.1": 28 * (256 + 2 * 16) / 4096}
"""Further vectors that are reduced: Mamba-1 makes steps, keys and queries from all of its width, in 28 blocks."""
ATTENTION = ("attention_projections", "kv_decompression", "core_attention")


def test_a_degree_that_heads_of_a_kind_do_not_allow_is_refused_and_has_no_verdict():
    others = [model for model in ROWS if not divides_all_heads(8, datasets.model(model))]
    assert "gemma-3-1b" in others  # four heads
    for model in others:
        with pytest.raises(InputError, match="deg_TP"):
            evaluate("tpot", model=model, **ON, B=64, L=8192, deg_TP=8)
    there = world_of(Setting.of(model="gemma-3-1b", **ON))
    found = margins.tensor(there, "gemma-3-1b", {"context": 8192.0, "link": FAST, "degree": np.array([2, 4, 8])})
    assert np.isnan(found).tolist() == [False, False, True]


def test_blocks_under_tensor_parallelism_are_those_of_a_step_and_an_all_reduce_each():
    """Kernels of all kinds from the terms of the whole model; an all-reduce of each block's output by a ring, by hand:
    each sends and receives (deg - 1) / deg of the vectors of its 64 / 4 requests, twice.
    """
    for model in PAIRED:
        row, given = datasets.model(model), {"model": model, **ON, "B": 64, "L": 8192}
        steps = [evaluate("tpot_terms", **given, deg_TP=degree).value for degree in (1, 2)]
        alone, split = (sum(terms[name] for name in ATTENTION) for terms in steps)
        attending = sum(kind.blocks for kind in row.kinds if kind.attention)
        reduced = attending + SUMMED.get(model, 0)
        ring = 2 * (1 / 2) * 64 / 4 * row.d_emb * 2 / 900e9
        found = float(tensor_parallel.attention_change(Setting.of(**given), [64.0], 2, 8192)[0])
        assert found * attending == pytest.approx(split - alone + reduced * ring, rel=1e-9, abs=1e-13), model


def test_the_closed_batch_is_where_both_are_equal_if_every_layer_waits_there_and_only_then():
    """Weights that compute are not missed by pairs, so that their gain ends at fewer requests."""
    for model in PAIRED:
        setting = Setting.of(model=model, **ON)
        closed, solved = tensor_parallel.even_batch(setting, 2, 8192)
        if tensor_parallel.waits(setting, closed, 2, 8192):
            assert closed == pytest.approx(solved, rel=1e-8), model
        else:
            assert solved < 0.98 * closed, model


def test_why_the_closed_batch_of_llama_does_not_hold_by_hand():
    """Pairs spare half of the weights, and cost a second reading of inputs (of three products) and writing of outputs,
    and the ring. That is even where an accelerator has more requests than its ridge point, from which weights compute.
    """
    setting, speed = Setting.of(model="llama-3.1-70b", **ON), 7.7e12
    weights = 8192 * (64 + 2 * 8) * 128 + 64 * 128 * 8192
    request = (3 + 1) * 8192 * 2 / 8 / speed + 2 * (1 / 2) * 8192 * 2 / 4 / 900e9
    closed = tensor_parallel.even_batch(setting, 2, 8192)[0]
    assert closed == pytest.approx(weights / speed / request)
    assert closed / 8 > 1.4 * 2250e12 / speed
    assert tensor_parallel.waits(setting, 0.45 * 2250e12 / speed * 8, 2, 8192)
    assert not tensor_parallel.waits(setting, closed, 2, 8192)
