"""What the substitutions promise in sizes, done to arrays: shards computed apart add up to the whole block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.derive.parallel import sharded
from analysis.derive.symbols import B, deg_DP, deg_grp, deg_TP, n_hd, n_kv
from analysis.measure.execute import axis_sizes, execute, inputs, softmax

from .small import ORDERED, ORDERED_IDS, all_lines, few, number, points

SEEDS = st.integers(0, 2**32 - 1)
HEADS = {n_hd, n_kv}
every_order = pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)


def random_inputs(lines, sizes, seed):
    random = np.random.default_rng(seed)
    return {
        name: random.standard_normal([int(sizes[axis]) for axis in tensor.axes])
        for name, tensor in inputs(lines).items()
    }


def share(lines, arrays, axes, part, parts):
    """The arrays of one shard: axes in `axes` cut into equal parts, arrays without them whole."""
    cut = dict(arrays)
    for name, tensor in inputs(lines).items():
        for i, axis in enumerate(tensor.axes):
            if axis in axes:
                cut[name] = np.split(cut[name], parts, axis=i)[part]
    return cut


@every_order
@few
@given(sizes=points(), tp=st.sampled_from([1, 2, 3]), seed=SEEDS)
def test_tensor_parallel_shards_add_up(mechanism, order, sizes, tp, seed):
    sizes = sizes | {n_hd: 6, n_kv: 6}
    lines = all_lines(mechanism, order)
    arrays, step = random_inputs(lines, sizes, seed), {"S": softmax}
    shards = [share(lines, arrays, HEADS, part, tp) for part in range(tp)]
    added = sum(execute(lines, shard, step)["y"] for shard in shards)
    np.testing.assert_allclose(added, execute(lines, arrays, step)["y"], rtol=1e-10, atol=1e-10)
    expected = {
        axis: number(sharded().get(axis, axis), sizes | {deg_TP: tp, deg_DP: 1}) for axis in axis_sizes(lines, arrays)
    }
    assert axis_sizes(lines, shards[0]) == expected


@every_order
@few
@given(sizes=points(), dp=st.sampled_from([1, 2, 3]), seed=SEEDS)
def test_data_parallel_shards_stand_side_by_side(mechanism, order, sizes, dp, seed):
    sizes = sizes | {B: 6}
    lines = all_lines(mechanism, order)
    arrays, step = random_inputs(lines, sizes, seed), {"S": softmax}
    shards = [share(lines, arrays, {B}, part, dp) for part in range(dp)]
    joined = np.concatenate([execute(lines, shard, step)["y"] for shard in shards])
    np.testing.assert_allclose(joined, execute(lines, arrays, step)["y"], rtol=1e-10, atol=1e-10)
    assert axis_sizes(lines, shards[0])[B] == number(sharded()[B], {B: 6, deg_DP: dp})


@few
@given(sizes=points(), seed=SEEDS)
def test_query_heads_of_a_group_may_be_split_with_the_key_value_head_copied(sizes, seed):
    """TP beyond n_kv: deg_grp is divided, the cache is whole in each shard, and the outputs still add up."""
    sizes = sizes | {n_kv: 1, deg_grp: 6}
    mechanism = next(m for m, _ in ORDERED if m.name == "GQA")
    lines = all_lines(mechanism, "as_printed")
    arrays, step = random_inputs(lines, sizes, seed), {"S": softmax}
    shards = [share(lines, arrays, {deg_grp}, part, 3) for part in range(3)]
    added = sum(execute(lines, shard, step)["y"] for shard in shards)
    np.testing.assert_allclose(added, execute(lines, arrays, step)["y"], rtol=1e-10, atol=1e-10)
    assert axis_sizes(lines, shards[0])[deg_grp] == number(sharded()[deg_grp], sizes | {deg_TP: 3})
