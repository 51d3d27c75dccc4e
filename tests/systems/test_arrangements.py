"""What the notebooks of serving systems draw: grids by two roads, and systems arranged for comparison."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.setting import Setting
from analysis.render.figures.pim import break_even, device_gain
from analysis.systems.arrangements import imbalance_band, joined, networks, skewed, with_models
from analysis.systems.grids import best, capacities, curve, grid, named, stacked, terms_over
from analysis.systems.quantities import evaluate

R1 = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32}


def r1(**more) -> Setting:
    return Setting.of(**R1 | more)


# -- grids -----------------------------------------------------------------------------------------
def test_a_grid_agrees_with_the_quantities_cell_by_cell():
    found = grid(r1(slo=0.05), [64, 2048, 16384], [1024, 8192])
    for (row, column), tpot in np.ndenumerate(found.tpot):
        point = {"B": int(found.batches[column]), "L": int(found.contexts[row])}
        assert tpot == pytest.approx(evaluate("tpot", **R1, **point).value, rel=1e-12)
        rate = evaluate("throughput_per_accelerator", **R1, **point).value
        assert found.per_accelerator[row, column] == pytest.approx(rate, rel=1e-12)


def test_infeasible_points_name_the_limit_that_they_pass():
    setting = r1(slo=0.05)
    cap = evaluate("B_cap", **R1, L=1024).value
    slo = int(evaluate("B_SLO", **R1, L=1024, slo=0.05).value)
    assert slo < cap
    assert grid(setting, [slo, slo + 1, cap, cap + 1], [1024]).reason.tolist() == [["", "slo", "slo", "capacity"]]
    assert grid(r1(), [slo + 1], [1024]).feasible.all()


@given(st.integers(1, 2**15), st.integers(1, 2**15), st.integers(1, 2**16), st.integers(1, 2**16))
def test_tpot_never_falls_with_batch_or_context(B, more_B, L, more_L):
    setting = r1(s=0.4, placement="strided")
    found = grid(setting, np.array([B, B + more_B]), np.array([L, L + more_L]))
    assert np.all(np.diff(found.tpot, axis=0) >= 0)
    assert np.all(np.diff(found.tpot, axis=1) >= 0)


def test_the_terms_add_up_to_tpot():
    found = grid(r1(), [128, 4096], [2048])
    np.testing.assert_allclose(sum(terms_over(r1(), [128, 4096], 2048).values()), found.tpot[0], rtol=1e-12)


def test_a_curve_runs_from_one_request_per_group_to_the_capacity_and_holds_the_slo():
    line = curve(r1(slo=0.03), 2048)
    assert (line.batches[0], line.batches[-1]) == (32, evaluate("B_cap", **R1, L=2048).value)
    slo = int(evaluate("B_SLO", **R1, L=2048, slo=0.03).value)
    assert best(line) == pytest.approx(evaluate("throughput_per_accelerator", **R1, L=2048, B=slo).value, rel=1e-12)


def test_a_model_that_fits_nowhere_has_an_empty_curve():
    line = curve(Setting.of(model="llama-3.1-405b", accelerator="h200-sxm5", n_acc=32), 2048)
    assert (line.batches.size, best(line)) == (0, 0.0)


def test_columns_hold_every_point_with_its_owner():
    lines = {"one": grid(r1(), [64, 128], [1024, 2048]), "two": grid(r1(), [64], [1024])}
    table = named("system", lines)
    assert table["system"] == ["one"] * 4 + ["two"]
    assert table["B"] == [64, 128, 64, 128, 64]
    assert table["L"] == [1024, 1024, 2048, 2048, 1024]
    assert {name: cells for name, cells in table.items() if name != "system"} == stacked(list(lines.values()))


# -- arrangements ----------------------------------------------------------------------------------
def test_models_take_the_degrees_of_the_papers_table_iv():
    models = ["gpt3-175b", "llama-4-maverick", "deepseek-v3"]
    found = with_models(Setting.of(accelerator="b200-paper", n_acc=32), models, 1024)
    assert [each["deg_TP"] for each in found] == [8, 8, 1]
    given_degrees = with_models(Setting.of(accelerator="b200-paper", n_acc=32, deg_TP="4,8,2"), models, 1024)
    assert [each["deg_TP"] for each in given_degrees] == [4, 8, 2]


def test_other_models_take_the_smallest_degree_that_fits():
    (found,) = with_models(Setting.of(accelerator="h200-sxm5", n_acc=32), ["llama-3.1-405b"], 1024)
    assert found["deg_TP"] == 8  # 811 GB of weights: 203 GB on four accelerators of 141 GB, 101 GB on eight
    assert capacities(found, [1024])[0] > 0


def test_three_networks_slow_down_in_turn():
    setting = r1(link="nvlink5-b200", link_between="ib-xdr", group=8)
    times = [float(terms_over(each, [4096], 2048)["dispatch"][0]) for each in networks(setting).values()]
    alone = 58 * 4096 * 8 * 7168 * 2 / 32  # bytes that an accelerator receives in 58 blocks
    np.testing.assert_allclose(times, [alone / 900e9, 0.75 * alone / 100e9, alone / 100e9])


def test_a_joined_system_spreads_experts_as_far_as_they_divide():
    assert joined(r1(), 8)["deg_EP"] in (None, 256)
    assert joined(Setting.of(model="llama-4-maverick", accelerator="b200-paper", n_acc=32), 8)["deg_EP"] == 128


def test_imbalance_of_a_fixed_placement_has_no_band_and_of_shuffles_one():
    fixed = imbalance_band(r1(s=0.8, placement="strided"))
    assert fixed.low == fixed.mean == fixed.high
    shuffled = imbalance_band(r1(s=0.8, placement="shuffled"))
    assert shuffled.low < shuffled.mean < shuffled.high
    # with one expert per accelerator no order of experts matters
    alone = imbalance_band(joined(r1(s=0.8, placement="shuffled"), 8))
    assert alone.low == pytest.approx(alone.high)


def test_skew_reaches_tpot_through_the_busiest_accelerator():
    setting = skewed(r1(placement="contiguous"), 0.8)
    assert setting["Gamma_imb"] == pytest.approx(evaluate("load_imbalance", **R1, s=0.8).value)
    even, uneven = (float(terms_over(each, [8192], 2048)["dispatch"][0]) for each in (r1(), setting))
    assert uneven / even == pytest.approx(setting["Gamma_imb"])


def test_the_device_breaks_even_where_both_take_equal_time_for_the_experts():
    setting = r1(accelerator_experts="pim-paper")
    batch = break_even(device_gain(setting, np.array([512.0, 2048.0]), np.array([1024.0, 16384.0])))
    np.testing.assert_allclose(batch, batch[0], rtol=1e-4)  # whatever the context
    times = [float(terms_over(each, batch[:1], 1024)["routed_experts"][0]) for each in (setting, r1())]
    assert times[0] == pytest.approx(times[1], rel=2e-3)
