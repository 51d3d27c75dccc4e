"""Parts of a model that compute at a rate of their own: each term at its rate, by hand and against one rate for all."""

import pytest

from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.systems.design import designs
from analysis.systems.flows import attention, kernel_numbers
from analysis.systems.layers import ATTENTION, shares
from analysis.systems.plan import plans
from analysis.systems.quantities import evaluate

R1 = {"model": "deepseek-v3", "accelerator": "h20-sxm", "link": "nvlink4-h100", "n_acc": 32, "B": 8192, "L": 8192}
V32 = R1 | {"model": "deepseek-v3.2"}


def of(name, given, **more):
    return evaluate(name, **given | more).value


def test_a_core_in_16_bits_beside_products_in_8():
    mixed, narrow, wide = (
        of("tpot_terms", R1, **each)
        for each in ({"peak": "fp8", "peak_core": "bf16"}, {"peak": "fp8"}, {"peak": "bf16"})
    )
    assert mixed["core_attention"] == wide["core_attention"] > narrow["core_attention"]
    assert {**mixed, "core_attention": 0} == {**narrow, "core_attention": 0}
    operations = 61 * 2 * (8192 / 32) * 8192 * 128 * (512 + 64 + 512)
    assert mixed["core_attention"] == pytest.approx(operations / 148e12, rel=1e-3)  # which lies far above the ridge


def test_an_index_in_8_bits_beside_a_core_in_16_has_two_ridge_points():
    one, own = of("ridge_by_stage", V32), of("ridge_by_stage", V32, peak_index="fp8")
    assert own["index"] == pytest.approx(one["index"] / 2, rel=1e-12)
    assert {**own, "index": 0} == {**one, "index": 0}
    times = {peak: of("stage_times", V32, peak=peak) for peak in ("bf16", "fp8")}
    apart = of("stage_times", V32, peak_index="fp8")
    assert apart == times["bf16"] | {"index": times["fp8"]["index"]}
    expected = sum(apart[name] for name in ("index", "select", "core"))
    assert of("tpot_terms", V32, peak_index="fp8")["core_attention"] == pytest.approx(expected, rel=1e-12)


def test_experts_and_states_at_rates_of_their_own():
    busy = R1 | {"B": 65536, "L": 512}
    narrow, own = of("tpot_terms", busy, peak="fp8"), of("tpot_terms", busy, peak_experts="fp8")
    assert own["routed_experts"] == narrow["routed_experts"] < of("tpot_terms", busy)["routed_experts"]
    assert own["shared_expert"] == of("tpot_terms", busy)["shared_expert"]
    prompt = {
        "model": "qwen3-next-80b-a3b",
        "accelerator": "h20-sxm",
        "n_acc": 1,
        "B": 1,
        "L": 8192,
        "phase": "prefill",
    }
    times = {peak: of("stage_times", prompt, peak=peak) for peak in ("bf16", "fp8")}
    apart = of("stage_times", prompt, peak_core="fp8")
    cores = [name for name in apart if name.endswith("core")]
    assert len(cores) == 2
    for name, time in apart.items():
        assert time == pytest.approx(times["fp8" if name in cores else "bf16"][name], rel=1e-12)


@pytest.mark.parametrize("calibration", [None, "published"])
def test_the_rate_of_all_given_again_changes_nothing(calibration):
    given = {"peak": "fp8", "calibration": calibration} | R1
    again = dict.fromkeys(("peak_core", "peak_index", "peak_experts"), "fp8")
    assert of("tpot", given, **again) == pytest.approx(of("tpot", given), rel=1e-12)


def test_arithmetic_in_use_counts_each_part_at_its_rate():
    asked = {name: R1[name] for name in R1 if name != "B"}
    wide, mixed = (
        plans(Setting.of(**asked, slo=0.05, deg_TP=1, deg_EP=32, **more))[0] for more in ({}, {"peak_core": "fp8"})
    )
    work = [plan.utilisation["arithmetic"] * plan.tpot * 148e12 / plan.batch for plan in (wide, mixed)]
    core = 61 * 2 * 8192 * 128 * (512 + 64 + 512) / 32  # of a request on each of 32
    assert work[0] - work[1] == pytest.approx(core / 2, rel=1e-6)


def test_the_flow_of_a_block_and_shares_of_its_time_know_the_rate_of_the_core():
    """The core makes 235 operations of a byte: above the ridge of an H200 in 16 bits (206), below it in 8 (412)."""
    given = R1 | {"accelerator": "h200-sxm5", "link": "nvlink4-h100"}
    plain, mixed = (Setting.of(**given, **each) for each in ({}, {"peak_core": "fp8"}))
    costs = [kernel_numbers(each, attention(each)) for each in (plain, mixed)]
    (core,) = (key for key in costs[0] if key[0] == "core")
    assert [each[core]["bound"] for each in costs] == ["compute", "memory"]
    work, moved = 2 * 128 * (512 + 64 + 512) * 8192, 2 * (576 * 8192 + 128 * (512 + 64 + 512))
    assert costs[0][core]["intensity"] == pytest.approx(work / moved, rel=1e-12)
    of_core = [shares(each)["core attention"] for each in (plain, mixed)]
    times = [of("stage_times", given, **each) for each in ({}, {"peak_core": "fp8"})]
    assert of_core[0] > of_core[1]
    expected = [each["core"] / sum(each[name] for name in ATTENTION if name in each) for each in times]
    assert of_core == pytest.approx(expected, rel=1e-12)


def test_a_note_gives_states_without_rows_their_own_rate():
    prompt = R1 | {"model": "qwen3-next-80b-a3b", "n_acc": 1, "B": 1, "phase": "prefill", "calibration": "published"}
    for peak_core in ("bf16", "fp8"):
        told = evaluate("tpot", **prompt, peak_core=peak_core)
        (said,) = (each for each in told.notes if "has no row of some kernels" in each)
        expected = 100 * of("stage_times", prompt, peak_core=peak_core)["gdn_core"] / told.value
        assert f"prompt through the state {expected:.2g} %" in said


def test_what_has_no_such_rate_is_refused():
    with pytest.raises(InputError, match="peak_core=fp4: accelerator h20-sxm has no such rate, allowed are bf16, fp8"):
        of("tpot", R1, peak_core="fp4")
    with pytest.raises(InputError, match="peak_index=fp8: a design has one rate of arithmetic; leave it out"):
        designs(Setting.of(model="deepseek-v3.2", L=8192, slo=0.05, peak_index="fp8"))
