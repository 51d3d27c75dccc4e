"""The five tests judge planted data as they should, and say of the published rows what plain arithmetic says."""

import csv

import numpy as np
import pytest

from analysis.measured import achieved, deployed, five, series
from analysis.measured.kernel_files import FOLDER
from analysis.measured.validate import Compared, compare
from analysis.systems.quantities import evaluate


def _planted(change) -> Compared:
    """The published rows with other latencies: `change` maps (compared) to times in s."""
    compared = compare()
    latency = change(compared)
    names = compared.table.column_names
    return Compared(compared.table.set_column(names.index("latency"), "latency", [latency]), compared.prediction)


def test_a_perfect_roofline_is_supported_throughout():
    found = five.verdicts(_planted(lambda compared: compared.prediction.time))
    assert {verdict.verdict for verdict in found} == {five.SUPPORTED}


def test_half_the_bandwidth_contradicts_the_first_test():
    verdict = five.attained_bandwidth(_planted(lambda compared: 2 * compared.prediction.time))
    assert verdict.verdict == five.CONTRADICTED
    assert all(number == pytest.approx(0.5) for number in verdict.numbers.values())


def test_time_in_proportion_to_heads_contradicts_the_second():
    heads = compare().table["n_hd"].to_numpy(zero_copy_only=False)
    verdict = five.tensor_parallel_speedup(_planted(lambda compared: np.where(np.isnan(heads), 1, heads) * 1e-3))
    assert verdict.verdict == five.CONTRADICTED
    assert verdict.numbers["measured, h100-sxm5"] == pytest.approx(8)


def test_equal_times_contradict_the_third():
    assert five.prefill_ratio(_planted(lambda compared: np.ones(481))).verdict == five.CONTRADICTED


def test_a_slow_link_shows_in_the_fifth():
    verdict = five.exchange_bandwidth(_planted(lambda compared: 4 * compared.prediction.wire + 1e-5))
    shares = [number for name, number in verdict.numbers.items() if "-" in name]
    assert shares == pytest.approx([0.25] * len(shares))
    assert verdict.verdict == five.CONTRADICTED


def test_published_verdicts():
    found = {verdict.test: verdict.verdict for verdict in five.verdicts()}
    assert found == {
        "attained bandwidth": five.PARTLY,
        "TP of reordered MLA": five.SUPPORTED,
        "reordering in prefill": five.SUPPORTED,
        "knee of the experts": five.CONTRADICTED,
        "all-to-all": five.PARTLY,
    }


def test_prefill_ratio_from_the_file_itself():
    with (FOLDER / "mla_prefill.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    times = {(row["order"], row["B"], row["L"]): float(row["latency"]) for row in rows}
    ratios = [times["reordered", *shape] / time for (order, *shape), time in times.items() if order == "as_printed"]
    verdict = five.prefill_ratio()
    assert verdict.numbers["measured, median"] == pytest.approx(np.median(ratios))
    assert verdict.numbers["FLOP ratio"] == pytest.approx((576 + 512) / (192 + 128))


def test_rising_point_of_a_sharp_knee_and_of_a_flat_line():
    tokens = np.geomspace(1, 1024, 200)
    assert series.rising_point(tokens, np.maximum(1, tokens / 100)) == pytest.approx(150, rel=0.01)
    assert np.isnan(series.rising_point(tokens, np.ones(200)))


# -- achieved ridge points -----------------------------------------------------------------------------------------
def test_ridges_by_hand():
    found = {(ridge.accelerator, ridge.how): ridge.ridge for ridge in achieved.ridges()}
    assert found["h100-sxm5", "sustained"] == pytest.approx(694.4e12 / 3238.8e9)
    assert found["b200-sxm", "burst"] == pytest.approx(1568e12 / 7349.1e9)
    assert found["h800-sxm5", "best"] == pytest.approx(220)
    assert found["h100-sxm5", achieved.DATASHEET] == pytest.approx(989.4 / 3.35)


def test_knees_move_in_proportion_to_the_ridge():
    for move in achieved.ridge_moves():
        assert move["B_MoE"] == pytest.approx(move["ridge"] * 256 / 8)
        assert move["B_attn"] == pytest.approx(move["ridge"] * 32)
        assert move["B_RP"] == pytest.approx(max(move["B_MoE"], move["B_attn"]))


# -- end to end ----------------------------------------------------------------------------------------------------
def test_end_to_end_agrees_with_evaluate_where_degrees_divide():
    found = next(
        each
        for each in deployed.end_to_end()
        if (each.deployment, each.reading, each.overlap) == ("deepseek-profile", "BF16 throughout", "none")
    )
    tpot = evaluate(
        "tpot",
        model="deepseek-v3",
        accelerator="h800-sxm5",
        link="nvlink4-h800",
        link_between="ib-ndr",
        group=8,
        n_acc=128,
        L=4096,
        B=128 * 128,
    ).value
    assert found.predicted_tpot == pytest.approx(tpot)
    assert found.predicted == pytest.approx(128 / tpot)
    assert found.published_tpot == pytest.approx(128 / 2324)


def test_hiding_wires_never_slows_and_unpublished_batches_follow_from_speed():
    found = {(each.deployment, each.reading, each.overlap): each for each in deployed.end_to_end()}
    for (name, reading, overlap), each in found.items():
        assert each.predicted <= found[name, reading, "comm"].predicted or overlap == "comm"
    assert found["deepseek-online", "BF16 throughout", "none"].requests == pytest.approx(1850 / 21)
