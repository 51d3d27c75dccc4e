"""A step that serves prompts too, halves of a batch in turns, launch floors, and the time to a first token."""

import pytest

from analysis.data import calibrations
from analysis.files.errors import InputError
from analysis.measured import served
from analysis.measured.serving_runs import ServingRun
from analysis.systems.quantities import evaluate
from tests.systems.systems import at

DENSE = {"model": "llama-3.1-70b", "accelerator": "h100-sxm5", "n_acc": 4, "deg_TP": 4, "B": 32, "L": 2304}
MIXTURE = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 8, "B": 256, "L": 4096}


@pytest.mark.parametrize("more", [{}, {"calibration": "published"}])
@pytest.mark.parametrize("system", [DENSE, MIXTURE, at("r1", B=64, L=4096).given])
def test_a_step_carries_its_share_of_the_prompts_of_others(system, more):
    """Two roads: the term, and the prefill of one prompt on each group as its own question, behind its mask."""
    alone, serves = (evaluate("tpot_terms", **system, **more | osl).value for osl in ({}, {"OSL": 512}))
    others = serves.pop("prefill_of_others")
    assert serves == alone
    groups = evaluate("tpot", **system, **more).conventions["deg_DP"]
    prompt = system["L"] - 256
    asked = {**system, **more, "phase": "prefill", "B": groups, "L": prompt, "causal": 0.5}
    prefill = evaluate("tpot", **asked).value
    assert others == pytest.approx(system["B"] / groups * prefill / 512)
    total = evaluate("tpot", **system, **more, OSL=512).value
    assert total == pytest.approx(sum(alone.values()) + others)
    assert evaluate("ttft", **system, **more, OSL=512).value == pytest.approx(prefill)
    assert evaluate("ttft", **asked | {"phase": "decode", "B": system["B"]}).value == pytest.approx(prefill)


def test_a_deployment_is_the_same_question():
    """The prediction of a run, and TPOT asked by parameters."""
    run = {"id": "r", "model": "llama-3.1-70b", "accelerator": "h100-sxm5", "serving": "aggregated", "backend": "vllm"}
    sizes = {"ISL": 2048, "OSL": 512, "concurrency": 32, "n_acc": 4, "deg_TP": 4, "deg_DP": 1, "tpot_s": 1}
    found = served.predicted([ServingRun(**run, **sizes, precision="bf16")], "published")
    asked = evaluate("tpot_terms", **DENSE, calibration="published", OSL=512).value
    assert {name: term[0] for name, term in found.terms.items()} == pytest.approx(asked)


def test_accepted_drafts_free_a_place_sooner():
    """With two tokens a step a request leaves after half as many steps: per token the prompts cost the same."""
    plain = evaluate("tpot_terms", **DENSE, OSL=512).value["prefill_of_others"]
    drafted = evaluate("tpot_terms", **DENSE, OSL=512, l=2, acceptance=1).value["prefill_of_others"]
    assert drafted == pytest.approx(plain)


def test_half_batches_in_turns_read_weights_twice_and_hide_the_shorter_side():
    halves = evaluate("tpot_terms", **MIXTURE, overlap="micro_batches").value
    half = evaluate("tpot_terms", **MIXTURE | {"B": 128}).value
    assert halves == pytest.approx({name: 2 * term for name, term in half.items()})
    wires = sum(halves[name] for name in ("dispatch", "combine", "all_reduce"))
    work = sum(halves.values()) - wires
    found = evaluate("tpot", **MIXTURE, overlap="micro_batches").value
    assert found == pytest.approx(max(work, wires))
    assert found > evaluate("tpot", **MIXTURE, overlap="comm").value


def test_launch_floors_are_counted_kernel_by_kernel():
    """Llama on four: per block a norm, q k v in one launch and rotation; core; output; norm, gate and up, activation,
    down; two all-reduces; and the head.
    """
    rows = calibrations.chosen(calibrations.named("published"), "hopper")
    block = 8 * rows["gemm"].floor + rows["attention"].floor + 2 * rows["all-reduce"].floor
    expected = 80 * block + rows["gemm"].floor
    found = evaluate("tpot_terms", **DENSE, calibration="published").beside
    assert found["launch floors, within it"] == pytest.approx(expected)
    assert evaluate("tpot_terms", **DENSE).beside == {}


def test_what_is_left_out_is_said():
    def said(name, **more):
        return " ".join(evaluate(name, **DENSE, **more).notes)

    assert "OSL= adds" in said("tpot", calibration="published")
    assert "OSL= adds" not in said("tpot") + said("tpot", calibration="published", OSL=512)
    assert "queue" in said("ttft")
    assert "its factor is not identified" in said("tpot", calibration="published", width_kv=1)
    assert "its factor" not in said("tpot", width_kv=1) + said("tpot", calibration="published")


def test_an_output_beyond_the_context_is_refused():
    with pytest.raises(InputError, match="OSL=4608: allowed is below 2 L"):
        evaluate("tpot", **DENSE, OSL=4608)


@pytest.mark.parametrize(("accelerator", "column"), [("h200-sxm5", "error"), ("mi300x", "error_apart")])
def test_an_error_bar_is_each_kernels_error_in_proportion(accelerator, column):
    """Of an architecture that was fitted the error on shapes held out, of another that on devices left out."""
    asked = {"model": "llama-3.1-8b", "accelerator": accelerator, "B": 32, "L": 4096, "calibration": "published"}
    found = evaluate("tpot_terms", **asked)
    rows = calibrations.chosen(calibrations.named("published"), calibrations.architecture_of(accelerator))
    core = found.value["core_attention"]
    expected = getattr(rows["attention"], column) * core + getattr(rows["gemm"], column) * (
        sum(found.value.values()) - core
    )
    assert found.beside["typical error of decoding, if all kernels err alike"] == pytest.approx(expected)
