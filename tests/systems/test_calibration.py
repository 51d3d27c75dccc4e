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


PLANTED = {"floor": 1e-5, "memory_efficiency": 0.5, "compute_efficiency": 0.25, "sharpness": 2.0}
BESIDE = {"index": 1.0, "select": 0.8, "picked-core": 0.6, "state": 0.4, "state-prompt": 0.2}
"""Operations that no shipped row describes, and how a planted memory efficiency differs among them."""


def planted(tmp_path, *operations):
    """A file with a row for each operation, and the numbers planted in them."""
    base = calibrations.calibrations()["published.gemm"]
    cells_of = {name: PLANTED | {"memory_efficiency": BESIDE[name]} for name in operations}
    named = {name: {"id": f"mine.{name}", "calibration": "mine", "operation": name} for name in operations}
    path = tmp_path / "mine.csv"
    path.write_bytes(calibrations.as_csv([base.model_copy(update=named[name] | cells_of[name]) for name in operations]))
    return str(path), cells_of


@pytest.mark.parametrize("grouping", ["fused", "layered"])
def test_index_pick_and_picked_core_by_hand(tmp_path, grouping):
    """DeepSeek-V3.2, 32 requests of 8192 tokens an accelerator, 61 blocks; each is one launch however it is grouped."""
    path, rows = planted(tmp_path, "index", "select", "picked-core")
    B, L, k = 32, 8192, 2048
    index = 2 * B * 64 * L * 128 + 2 * B * 64 * L, B * (2 * (64 * 128 + L * 128 + 64) + 4 * L)
    core = 2 * B * 128 * k * (576 + 512), B * (2 * (k * 576 + 128 * 576 + 128 * 512) + 4 * k)
    parts = {"index": (*index, 0), "select": (0, 4 * B * (L + k), 0), "picked-core": (*core, B * 128 * k)}
    by_hand = {
        name: rows[name]["floor"] + H100.work(work, moved, rows[name], scores)
        for name, (work, moved, scores) in parts.items()
    }
    here = {"model": "deepseek-v3.2", "L": L, "width_kv": 2}
    found = terms(**here, calibration=path, grouping=grouping)["core_attention"]
    if grouping == "fused":
        assert found == pytest.approx(61 * sum(by_hand.values()))
    else:
        assert found > 61 * sum(by_hand.values())
        without = calibrations.as_csv(
            [each.model_copy(update={"floor": 1e-12}) for each in calibrations.named(path).values()]
        )
        (tmp_path / "free.csv").write_bytes(without)
        free = terms(**here, calibration=str(tmp_path / "free.csv"), grouping=grouping)["core_attention"]
        assert found - free == pytest.approx(61 * 3e-5)


def test_a_step_of_a_state_by_hand(tmp_path):
    """Kimi-Linear: 20 of 27 blocks keep a state of 32 x 128 x 128 numbers of four bytes, which is read and written."""
    path, rows = planted(tmp_path, "state")
    work, moved = 7 * 32 * 32 * 128 * 128, 32 * (2 * 4 * 32 * 128 * 128 + 2 * (5 * 32 * 128 + 32))
    here = {"model": "kimi-linear-48b-a3b"}
    change = terms(**here, calibration=path)["core_attention"] - terms(**here)["core_attention"]
    by_hand = rows["state"]["floor"] + H100.work(work, moved, rows["state"]) - max(work / 989.4e12, moved / 3.35e12)
    assert change == pytest.approx(20 * by_hand)


def test_a_row_of_a_step_never_stands_in_for_a_prompt(tmp_path):
    """Nor the other way: each changes its own phase alone."""
    here = {"model": "kimi-linear-48b-a3b", "B": 32}
    for name, changed in (("state", "decode"), ("state-prompt", "prefill")):
        path, _ = planted(tmp_path, name)
        for phase in ("decode", "prefill"):
            bare, mine = (terms(**here, phase=phase, calibration=each)["core_attention"] for each in (None, path))
            assert (mine > bare) == (phase == changed)


def test_stages_that_no_row_describes_are_named_with_their_share(tmp_path):
    """Whether the shipped rows lack them or a reader's own do; none is named where all are described."""
    here = HERE | {"model": "kimi-linear-48b-a3b"}
    (said,) = [note for note in evaluate("tpot", **here, calibration="published").notes if "no row of some" in note]
    assert "short convolutions" in said
    state = max(7 * 32 * 32 * 128**2 / 989.4e12, 32 * (2 * 4 * 32 * 128**2 + 2 * (5 * 32 * 128 + 32)) / 3.35e12)
    step = evaluate("tpot", **here, calibration="published").value
    assert f"step of the state {100 * 20 * state / step:.2g} %" in said
    assert not any("no row of some" in note for note in evaluate("tpot", **HERE, calibration="published").notes)
    path, _ = planted(tmp_path, "state")
    (said,) = [note for note in evaluate("tpot", **here, calibration=path).notes if "no row of some" in note]
    assert "short convolutions" in said
    assert "core attention" in said
    assert "step of the state" not in said


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
