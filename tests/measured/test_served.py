"""Deployments: a step by plain arithmetic, whose prefill it carries, and files that are refused."""

import csv
import json
import statistics

import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis.cli import commands_measured
from analysis.derive.serving import OTHERS
from analysis.files.errors import InputError
from analysis.measured import first_token, served
from analysis.measured.serving_runs import SHIPPED, ServingRun, load_runs
from analysis.render.served_words import first_token_constant
from analysis.systems.quantities import evaluate

RUN = {
    "id": "r1",
    "model": "qwen3-32b",
    "accelerator": "h100-sxm5",
    "serving": "aggregated",
    "backend": "vllm",
    "precision": "bf16",
    "ISL": "2048",
    "OSL": "512",
    "concurrency": "8",
    "n_acc": "1",
    "deg_TP": "1",
    "deg_DP": "1",
    "ttft_s": "0.3",
    "tpot_s": "0.05",
}
MIXTURE = {"model": "qwen3-235b-a22b", "precision": "fp8", "n_acc": "8", "deg_TP": "8", "deg_EP": "8"}


def run(**more) -> ServingRun:
    return ServingRun(**RUN | more)


def test_a_step_of_a_dense_model_by_hand():
    """64 blocks of 485.5 M weights and a head of 778 M, read once; 4 KB a token, block and request of cache.

    Of every request 2048 tokens of prefill, at two operations a weight and 2 x 2 x 1024 x 8192 for attention behind its
    mask, in 512 steps.
    """
    attention, dense = 5120 * 128 * (64 + 2 * 8) + 64 * 128 * 5120, 3 * 5120 * 25600
    weights, head = 64 * (attention + dense), 151936 * 5120
    cache = 64 * 8 * 2 * 8 * 128 * 2 * (2048 + 256)
    decode = (2 * (weights + head) + cache) / 3.35e12
    prefill = 2048 * (2 * (weights + head) + 64 * 2 * 2 * 1024 * 64 * 128) / 989.4e12
    found = served.predicted([run()])
    assert found.tpot[0] == pytest.approx(decode + 8 * prefill / 512, rel=0.01)
    parts = [found.first[name][0] for name in first_token.PARTS]
    share = 8 * prefill / 512
    queue = share / (share + decode) / (2 * decode / (share + decode)) * prefill
    assert parts == pytest.approx([prefill + decode, decode + share, queue, 8 * prefill / 20], rel=0.01)
    assert found.ttft[0] == pytest.approx(sum(parts))
    alone = served.predicted([run(serving="disaggregated")])
    assert OTHERS not in alone.terms
    assert alone.tpot[0] == pytest.approx(decode, rel=0.01)
    assert np.isnan(alone.ttft[0])
    assert found.terms[OTHERS][0] == pytest.approx(found.tpot[0] - alone.tpot[0])


def test_runs_are_predicted_alone_as_among_others():
    runs = load_runs()[::97]
    together = served.predicted(runs, "published").tpot
    assert together == pytest.approx([served.predicted([each], "published").tpot[0] for each in runs])


def test_one_tensor_parallel_group_dispatches_nothing():
    """Each of its accelerators holds every token; results of experts are summed as after any divided layer."""
    one = served.predicted([run(**MIXTURE)], "published").terms
    several = served.predicted([run(**MIXTURE | {"deg_TP": "1", "deg_DP": "8"})], "published").terms
    assert one["dispatch"][0] == one["combine"][0] == 0
    assert one["all_reduce"][0] > 0 == several["all_reduce"][0]
    assert several["dispatch"][0] == several["combine"][0] > 0
    split = served.predicted([run(**MIXTURE | {"deg_TP_experts": "8", "deg_EP": "1"})], "published").terms
    assert split["dispatch"][0] == 0 < split["all_reduce"][0]


def test_readings_of_a_run():
    """Weights as wide as their format, which Hopper computes in BF16 where it is FP4; TensorRT-LLM caches in FP8."""
    setting = served.setting_of(run(precision="fp4", backend="trtllm"))
    widths = [setting[name] for name in ("width_weights", "width_kv", "width_activations", "peak")]
    assert widths == [0.5, 1, 2, "bf16"]
    assert served.setting_of(run(precision="fp4", accelerator="b200-sxm"))["peak"] == "fp4"
    assert served.setting_of(run(backend="trtllm"))["width_kv"] == 2


def test_infiniband_lies_between_nodes_and_not_in_a_rack():
    """Sixteen H200 are two nodes; sixteen GB200 share NVLink. Half of the copies leave a node of eight."""
    spread = MIXTURE | {"n_acc": "16", "deg_TP": "1", "deg_DP": "16", "serving": "disaggregated"}
    two, rack = (served.setting_of(run(**spread | {"accelerator": name})) for name in ("h200-sxm5", "gb200-nvl72"))
    assert (two["link_between"], two["group"], rack["link_between"]) == ("ib-ndr", 8, None)
    found = served.predicted([run(**spread | {"accelerator": "h200-sxm5"})]).terms["dispatch"][0]
    assert found == pytest.approx(94 * 8 * 8 / 16 * 4096 * 2 / 2 / 50e9)


def test_the_shipped_runs_and_what_predictions_miss():
    """54.9 % for the bare roofline, as others found by these readings; calibrated far less, though no fit saw a run."""
    runs = load_runs()
    assert len(runs) == 1146
    assert {each.licence for each in runs} == {"Apache-2.0"}
    assert all("silicon_sample.csv" in each.source for each in runs)
    bare, fitted = (served.report(runs, name)["groups"][0] for name in (None, "published"))
    assert bare["median"] == pytest.approx(0.549, abs=0.003)
    assert fitted["median"] < 0.15 < 0.3 < bare["median"]


def test_a_queue_of_prompts_by_simulation():
    """Prompts of one length that come at random and are read one after another: half of the time, then nine tenths."""
    generator = np.random.default_rng(0)
    for busy in (0.5, 0.9):
        gaps, waits, wait = generator.exponential(1 / busy, 400_000), [], 0.0
        for gap in gaps:
            waits.append(wait)
            wait = max(0.0, wait + 1 - gap)
        found = first_token.first_token(1 - busy, busy, 1.0, 0.0)[first_token.QUEUE]
        assert found == pytest.approx(np.mean(waits), rel=0.05)


def test_first_tokens_of_one_engine_are_met_and_the_parts_of_others_missing():
    """Llama by vLLM on H100, where the engine does what the parts say; in all runs half of the time is explained."""
    runs = load_runs()
    found = served.report(runs, "published")
    errors = {(each["accelerator"], each["model"]): each["median"] for each in found["ttft"]}
    assert errors["h100-sxm5", "llama-3.1-70b"] < 0.1 < 0.4 < errors["all", "all"] < 0.5
    so_far = list(found["ttft with parts so far"].values())
    assert so_far == sorted(so_far, reverse=True)
    assert so_far[-1] == errors["all", "all"] < 0.6 * so_far[0]


def test_errors_are_counted_by_accelerator_and_model_and_over_all():
    runs = [run(), run(accelerator="b200-sxm"), run(model="llama-3.1-70b", n_acc="4", deg_TP="4")]
    groups = served.report(runs)["groups"]
    counts = {(group["accelerator"], group["model"]): group["rows"] for group in groups}
    assert counts == {
        ("all", "all"): 3,
        ("all", "qwen3-32b"): 2,
        ("all", "llama-3.1-70b"): 1,
        ("h100-sxm5", "all"): 2,
        ("h100-sxm5", "qwen3-32b"): 1,
        ("h100-sxm5", "llama-3.1-70b"): 1,
        ("b200-sxm", "all"): 1,
        ("b200-sxm", "qwen3-32b"): 1,
    }
    ratio = served.predicted(runs).tpot / 0.05
    assert groups[0]["median"] == pytest.approx(np.median(np.abs(ratio - 1)))


def written(tmp_path, *rows: dict):
    path = tmp_path / "runs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_command_reads_csv_and_parquet(tmp_path, capsys):
    command = next(each for each in commands_measured.commands if each.name == "deployments")
    found = []
    for path in (written(tmp_path, RUN, RUN | {"ttft_s": ""}), SHIPPED):
        command.main([str(path), "--calibration", "published", "--json"], standalone_mode=False)
        found.append(json.loads(capsys.readouterr().out))
    assert [each["rows"] for each in found] == [2, 1146]
    assert [found[0][name][0]["rows"] for name in ("groups", "ttft")] == [2, 1]
    for silent in ({"ttft_s": ""}, {"serving": "disaggregated"}):
        command.main([str(written(tmp_path, RUN | silent)), "--json"], standalone_mode=False)
        none = json.loads(capsys.readouterr().out)
        assert (none["ttft"], none["ttft with parts so far"]) == ([], {})
        command.main([str(tmp_path / "runs.csv")], standalone_mode=False)
        assert "first token" not in capsys.readouterr().out
    written(tmp_path, RUN, RUN | {"ttft_s": ""})
    command.main([str(tmp_path / "runs.csv")], standalone_mode=False)
    assert "2 deployments" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"serving": "both"}, r"column serving: found 'both', allowed is"),
        ({"deg_TP": "4"}, r"column n_acc: found '?1'?, allowed is deg_TP \* deg_DP = 4"),
        ({"tpot_s": "0"}, r"column tpot_s: found '0'"),
        ({"model": "gpt-9"}, r"model=gpt-9"),
        ({"colour": "red"}, r"column 'colour' is unknown"),
    ],
)
def test_a_wrong_cell_is_one_sentence(tmp_path, changed, said):
    with pytest.raises(InputError, match=said) as caught:
        served.report(load_runs(written(tmp_path, RUN | changed)))
    assert "\n" not in str(caught.value)


def test_readings_are_those_that_parameters_give():
    """Wires hidden, half batches in turns and another cache: the forms of one derivation, and `evaluate` asked anew."""
    one = run(**MIXTURE | {"deg_TP": "1", "deg_DP": "8"})
    asked = {"model": "qwen3-235b-a22b", "accelerator": "h100-sxm5", "n_acc": 8, "B": 8, "L": 2304, "OSL": 512}
    asked |= {"peak": "fp8", "width_weights": 1, "calibration": "published"}
    found = served.under_readings([one], "published")
    for name, more in {
        served.STATED: {},
        "cache of 1 byte": {"width_kv": 1},
        "wires hidden": {"overlap": "comm"},
        served.TURNS: {"overlap": "micro_batches"},
    }.items():
        assert found[name].tpot[0] == pytest.approx(evaluate("tpot", **asked | more).value), name
        assert found[name].first[first_token.OWN][0] - found[name].tpot[0] == pytest.approx(
            evaluate("ttft", **asked | more).value - found[name].terms[OTHERS][0]
        )


def test_an_error_bar_spans_the_readings_of_what_runs_do_not_state():
    found = served.report([run(), run(backend="trtllm", precision="fp8")], "published")
    for group in found["groups"]:
        assert group["low"] <= group["median_ratio"] <= group["high"]
    assert set(found["readings"]) == set(served.TRIED)
    whole = found["groups"][0]
    assert whole["low"] < whole["high"]


def test_what_must_be_said_beside_the_errors_of_runs():
    """An MI300X takes pooled constants, a B200 those of exchanges; nothing was timed in FP4; 25 s are 25 ms."""
    notes = [served.report([run(**more)], "published")["notes"] for more in ({}, {"accelerator": "mi300x"})]
    assert notes[0] == []
    assert "no row of its architecture describes attention, latent-attention" in notes[1][0]
    four = served.report([run(accelerator="b200-sxm", precision="fp4", tpot_s="25")], "published")["notes"]
    assert [said.split(";")[0].split(": no row that")[0] for said in four] == [
        "b200-sxm: no row of its architecture describes exchange",
        "weights in fp4",
        "half of the rows are more than 100 times off what is predicted: tpot_s is in s, not in ms or us.",
    ]
    assert served.report([run()])["notes"] == []


def test_what_a_first_token_takes_whatever_its_prompt():
    """DeepSeek's runs with four in flight, by plain medians over the file: 0.2 s at 1024 tokens, 0.35 s at 8192.

    The length is predicted, the constant is not; and it is no property of those runs, as others come closer by it.
    """
    rows = [row for row in pq.read_table(SHIPPED).to_pylist() if row["model"] == "deepseek-v3"]
    few = {
        length: statistics.median(row["ttft_s"] for row in rows if (row["concurrency"], row["ISL"]) == (4, length))
        for length in (1024, 8192)
    }
    found = first_token_constant("deepseek-v3")
    assert found["requests"] == 4
    assert found["each"] == pytest.approx((few[8192] - few[1024]) / 7168)
    assert found["constant"] == pytest.approx(few[1024] - 1024 * found["each"])
    assert found["said_each"] == pytest.approx(found["each"], rel=0.3)
    assert found["constant"] > 4 * found["said_constant"]
    assert found["after"] < 2 / 3 * found["before"]
