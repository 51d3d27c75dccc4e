"""A grid of TPOT over batch and context is what the command line answers at each of its points."""

import pytest

from analysis.ask.setting import Setting
from analysis.systems.grids import grid
from analysis.systems.quantities import evaluate

SYSTEM = {"model": "deepseek-v3", "accelerator": "h200-sxm5", "link": "nvlink4-h100", "n_acc": 32}
BATCHES, CONTEXTS = (64, 1024), (2048, 8192)


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"overlap": "comm"},
        {"alpha": "link"},
        {"calibration": "published"},
        {"l": 4, "acceptance": 0.8},
        {"s": 0.8, "placement": "contiguous"},
    ],
    ids=lambda chosen: " ".join(chosen) or "plain",
)
def test_a_grid_is_the_answer_at_each_point(chosen):
    found = grid(Setting.of(**SYSTEM, **chosen), BATCHES, CONTEXTS)
    for row, L in enumerate(CONTEXTS):
        for column, B in enumerate(BATCHES):
            asked = {**SYSTEM, **chosen, "B": B, "L": L}
            assert found.tpot[row, column] == pytest.approx(evaluate("tpot", **asked).value, rel=1e-12)
            rate = evaluate("throughput_per_accelerator", **asked).value
            assert found.per_accelerator[row, column] == pytest.approx(rate, rel=1e-12)


def test_a_convention_that_moves_time_moves_the_grid():
    plain = grid(Setting.of(**SYSTEM), BATCHES, CONTEXTS).tpot
    assert (grid(Setting.of(**SYSTEM, calibration="published"), BATCHES, CONTEXTS).tpot > plain).all()
    assert (grid(Setting.of(**SYSTEM, overlap="comm"), BATCHES, CONTEXTS).tpot < plain).all()
