"""A calibration replaces the roofline's times and nothing else; numbers read from the data file by hand."""

import pytest

from analysis.data import calibrations
from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate
from tests.systems.calibrated_by_hand import H100, ROWS, cells

HERE = {"model": "deepseek-v3", "accelerator": "h100-sxm5", "n_acc": 32, "B": 1024, "L": 4096}


def terms(**more):
    return evaluate("tpot_terms", **HERE | more).value


def test_core_attention_by_hand():
    """61 blocks; 32 requests of 128 heads per accelerator against 576 cached elements a token."""
    assert terms(calibration="published")["core_attention"] == pytest.approx(61 * H100.core(32, 4096, 128))


@pytest.mark.parametrize("degree", [1, 8])
def test_an_attention_block_by_hand(degree):
    found = terms(calibration="published", deg_TP=degree)
    names = ("attention_projections", "kv_decompression", "core_attention")
    wires = H100.all_reduce(32 * degree, degree)
    assert sum(found[name] for name in names) == pytest.approx(61 * (H100.block(32 * degree, 4096, degree) - wires))


def test_wires_by_hand():
    """Dispatch and combine have a row of their own; an all-reduce the one of engines' kernels."""
    fit = cells("exchange.hopper")
    sent = 1024 * 8 / 32 * 7168 * 2 / 450e9
    found = terms(calibration="published")
    assert found["dispatch"] == found["combine"] == pytest.approx(58 * (fit["floor"] + sent / fit["memory_efficiency"]))
    blocks = 61 + 3 + 58  # attention, dense layers, shared experts
    split = terms(calibration="published", deg_TP=8)["all_reduce"]
    assert split == pytest.approx(blocks * H100.all_reduce(256, 8))


def test_experts_by_hand():
    """8192 copies over 32 accelerators with 8 experts each, all but all of which are reached."""
    fit = cells("experts")
    copies, reached = 256, 8 * (1 - (1 - 8 / 256) ** 1024)
    passed = copies * (3 * 7168 + 3 * 2048) * 2
    moved = 2 * (3 * reached * 7168 * 2048 + 2 * copies * 7168)
    gather = (3.35e12 * 1e12) ** 0.5
    each = fit["floor"] + H100.work(6 * copies * 7168 * 2048, moved, fit)
    each += fit["passes"] * passed / gather + fit["gathers"] * copies * 7168 * 2 / gather
    assert terms(calibration="published")["routed_experts"] == pytest.approx(58 * each)


def test_terms_without_measurements_keep_the_roofline(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(
        calibrations.as_csv([each for each in calibrations.calibrations().values() if each.key == "experts"])
    )
    bare, fitted = terms(), terms(calibration=str(path))
    assert {name for name in bare if fitted[name] != bare[name]} == {"routed_experts"}
    assert fitted["routed_experts"] > bare["routed_experts"]


def test_an_fp8_product_in_a_step_is_charged_the_floor_of_a_bf16_one(tmp_path):
    """Its own row's floor holds the kernels that look for a scale; without a BF16 row it is all that is known."""
    whole, alone = tmp_path / "whole.csv", tmp_path / "alone.csv"
    rows = calibrations.calibrations().values()
    whole.write_bytes(calibrations.as_csv([each for each in rows if each.key in ("gemm", "gemm-fp8")]))
    alone.write_bytes(calibrations.as_csv([each for each in rows if each.key == "gemm-fp8"]))
    found, own = (terms(calibration=str(path), width=1, peak="fp8")["output_head"] for path in (whole, alone))
    assert own - found == pytest.approx(float(ROWS["gemm-fp8"]["floor"]) - float(ROWS["gemm"]["floor"]))


def test_an_accelerator_without_rows_of_its_architecture_takes_the_pooled_ones_and_says_so():
    other = HERE | {"accelerator": "a100-sxm4-80gb", "calibration": "published"}
    answer = evaluate("tpot", **other)
    assert any("no rows of the architecture of a100-sxm4-80gb" in said for said in answer.notes)
    assert not any("architecture" in said for said in evaluate("tpot", **HERE, calibration="published").notes)


def test_nothing_travels_on_one_accelerator():
    alone = terms(n_acc=1, calibration="published")
    assert alone["dispatch"] == alone["combine"] == alone["all_reduce"] == 0


def test_unknown_calibration_is_refused():
    with pytest.raises(InputError, match=r"calibration=nope.*published"):
        evaluate("tpot", **HERE, calibration="nope")
