"""Tensor against data parallelism on every row: a block of the first kind, with the sizes of that kind."""

import pytest

from analysis.ask.degrees import divides_all_heads
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate
from analysis.thesis import tensor_parallel

ROWS = sorted(datasets.models())


@pytest.mark.parametrize("model", ROWS)
def test_a_block_under_tensor_parallelism_is_its_kernels_and_an_all_reduce(model):
    """Kernels from the quantity of a block; an all-reduce of its output by a ring, by hand: each sends and receives
    (deg - 1) / deg of the vectors of its 64 / 4 requests, twice.
    """
    row = datasets.model(model)
    if not divides_all_heads(2, row):
        with pytest.raises(InputError, match="deg_TP"):
            evaluate("attention_block_time", model=model, accelerator="b200-sxm", n_acc=8, B=64, L=8192, deg_TP=2)
        return
    given = {"model": model, "accelerator": "b200-sxm", "link": "nvlink5-b200", "n_acc": 8, "B": 64, "L": 8192}
    alone, split = (evaluate("attention_block_time", **given, deg_TP=degree).value for degree in (1, 2))
    ring = 2 * (1 / 2) * 64 / 4 * row.d_emb * 2 / 900e9
    found = float(tensor_parallel.attention_change(Setting.of(**given), [64.0], 2, 8192)[0])
    assert found == pytest.approx(split + ring - alone, rel=1e-9, abs=1e-15)
