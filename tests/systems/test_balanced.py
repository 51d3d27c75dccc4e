"""The machine that a model wants, against searches of the whole model that know nothing of its closed form."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.cli.main import run as command_line
from analysis.data import datasets
from analysis.derive.symbols import B, BW_Int, BW_mem, M_cap, P_acc, alpha, deg_DP
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.balanced import balanced, batch_at, busy, evaluated
from analysis.systems.design import Design, designs, distances, worth
from tests.reader.rows import CHIP

R1 = {"model": "deepseek-v3", "L": 8192, "slo": 0.05, "n_acc": 32}
CASES = [
    R1,
    R1 | {"s": 0.5, "placement": "contiguous", "width": 1},
    R1 | {"overlap": "comm", "alpha": 1e-6},
    R1 | {"alpha": 1e-6, "memory_share": 0.9, "acceptance": 0.8, "l": 2},
    R1 | {"link": "nvlink5-b200", "group": 8, "link_between": "ib-xdr"},
    {"model": "llama-4-maverick", "L": 32768, "slo": 0.02, "n_acc": 16, "deg_TP": 8},
    {"model": "gpt-oss-120b", "L": 4096, "slo": 0.03, "n_acc": 8},
    {"model": "qwen3-8b", "L": 8192, "slo": 0.05},
]
ENDLESS = np.inf


def alone(setting, batch, *, P=ENDLESS, BW=ENDLESS, wires=ENDLESS):
    """TPOT [s] less latencies where only one rate is not endless: what it is busy for, by the whole model."""
    point = setting.point | {B: batch, P_acc: P, BW_mem: BW, BW_Int: wires, alpha: 0}
    return value(system.tpot(setting), point)


def searched(function, low, high):
    """The argument at which a rising function passes 0, by bisection in the logarithm, to 1e-12 of 16 decades."""
    for _ in range(45):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return middle


@pytest.mark.parametrize("case", [case for case in CASES if "group" not in case])
def test_a_search_over_rates_finds_the_same_machine(case):
    """Rates at which each alone takes as long as memory, then the batch at which TPOT is the limit, then memory."""
    setting, bandwidth = Setting.of(**case), 4e12

    def rates(batch):
        time = alone(setting, batch, BW=bandwidth)
        wired = alone(setting, batch, wires=1.0) > 0
        link = searched(lambda rate: time - alone(setting, batch, wires=rate), 1, 1e16) if wired else np.inf
        return {P_acc: searched(lambda rate: time - alone(setting, batch, P=rate), 1e6, 1e20), BW_Int: link}

    def late(batch):
        return value(system.tpot(setting), setting.point | rates(batch) | {B: batch, BW_mem: bandwidth}) - case["slo"]

    batch = searched(late, float(setting.point[deg_DP]), 1e9)
    memory = searched(lambda held: value(system.B_cap(setting), setting.point | {M_cap: held}) - batch, 1e6, 1e16)
    found = balanced(setting, batch_at(setting, bandwidth))
    wanted = rates(batch) | {B: batch, BW_mem: bandwidth, M_cap: memory}
    for symbol, number in wanted.items():
        assert (found[symbol] or np.inf) == pytest.approx(number, rel=1e-6), symbol


@pytest.mark.parametrize("case", CASES)
def test_the_whole_model_on_the_machine_keeps_the_limit_and_every_resource_alike_busy(case):
    setting = Setting.of(**case)
    machine = balanced(setting, batch_at(setting, 8e12))
    point = evaluated(setting, machine)
    assert value(system.tpot(setting), point) == pytest.approx(case["slo"], rel=1e-9)
    assert value(system.B_cap(setting), point) == pytest.approx(machine[B], rel=1e-9)
    shares = busy(setting, machine)
    assert shares.pop("capacity") == pytest.approx(1)
    used = [share for name, share in shares.items() if name != "interconnect" or setting["n_acc"] > 1]
    assert used == pytest.approx([used[0]] * len(used), rel=1e-9)
    assert 1 / 4 < used[0] < 1


LATENT, GROUPED = "deepseek-v3", "qwen3-235b-a22b"


@settings(max_examples=25, deadline=None)
@given(
    model=st.sampled_from([LATENT, GROUPED, "mixtral-8x7b", "qwen3-8b", "gpt-oss-120b", "gpt3-175b"]),
    L=st.integers(128, 2048),
    slo=st.floats(0.005, 1),
    count=st.sampled_from([1, 2, 4, 8]),
    sharded=st.booleans(),
    width=st.sampled_from([2, 1, 0.5]),
    requests=st.floats(1, 1e5),
    overlap=st.sampled_from(["none", "comm"]),
)
def test_any_batch_has_a_machine_that_serves_it_in_time(model, L, slo, count, sharded, width, requests, overlap):
    step = {"L": L, "slo": slo, "width": width, "overlap": overlap}
    setting = Setting.of(model=model, n_acc=count, deg_TP=count if sharded else 1, **step)
    batch = requests * float(setting.point[deg_DP])
    machine = balanced(setting, batch)
    point = evaluated(setting, machine)
    assert value(system.tpot(setting), point) == pytest.approx(slo, rel=1e-9)
    assert value(system.B_cap(setting), point) == pytest.approx(batch, rel=1e-6)
    times = alone(setting, batch, P=point[P_acc]), alone(setting, batch, BW=point[BW_mem])
    assert times[0] == pytest.approx(times[1], rel=1e-9)
    if machine[BW_Int]:
        assert alone(setting, batch, wires=point[BW_Int]) == pytest.approx(times[0], rel=1e-9)
    assert batch_at(setting, machine[BW_mem]) == pytest.approx(batch, rel=1e-6)


def test_at_an_endless_batch_the_ratio_is_what_a_token_computes_over_what_it_reads():
    """qwen3-8b: 2 FLOP for each of its 7,568,097,280 weights in products, 4 x 32 x 128 for each cached token in 36
    blocks; it reads 147,456 bytes a cached token. Activations are what is left."""
    machine = balanced(Setting.of(model="qwen3-8b", L=8192, slo=0.05), 1e12)
    by_hand = (2 * 7_568_097_280 + 4 * 32 * 128 * 36 * 8192) / (147_456 * 8192)
    assert 0.99 * by_hand < machine[P_acc] / machine[BW_mem] < by_hand


@pytest.mark.parametrize("case", CASES)
def test_one_per_cent_of_each_resource_is_worth_what_its_derivative_says(case):
    setting = Setting.of(**case)
    machine = balanced(setting, batch_at(setting, 8e12))
    found = worth(Design(setting, machine, machine))
    for name, each in found.items():
        assert each.gained == pytest.approx(each.gained_form, rel=0.02, abs=1e-5), name
        assert each.lost == pytest.approx(each.lost_form, rel=0.1, abs=1e-5), name
    rates = sum(each.gained_form for each in found.values())
    if setting["alpha"] == 0:
        assert rates == pytest.approx(0.01)  # twice as fast everywhere is twice as fast
    assert found["capacity"].gained == pytest.approx(0, abs=1e-9)  # the time limit binds


def test_less_than_a_machine_of_weights_alone_serves_nothing():
    """At one request the time limit goes into weights: slower memory holds no batch within it."""
    setting = Setting.of(model="qwen3-8b", L=128, slo=0.05)
    machine = balanced(setting, 1.0)
    assert worth(Design(setting, machine, machine))["memory bandwidth"].lost == pytest.approx(1)


def test_every_accelerator_is_measured_against_the_machine_of_its_own_bandwidth():
    setting = Setting.of(**R1, peak="fp8", width=1)
    found = {each.row.id: each for each in distances(Design(setting, {}, {}))}
    assert set(found) == {row.id for row in datasets.accelerators().values() if row.P_fp8}
    part, row = found["h200-sxm5"], datasets.accelerator("h200-sxm5")
    assert balanced(setting, part.batch)[BW_mem] == pytest.approx(4.8e12)
    time = alone(setting, part.batch, BW=4.8e12)
    wants = {"arithmetic": alone(setting, part.batch, P=1.0) / time}
    wants |= {"interconnect": alone(setting, part.batch, wires=1.0) / time}
    assert part.has["arithmetic"] == pytest.approx(row.P_fp8 * 1e12 / wants["arithmetic"])
    assert part.has["interconnect"] == pytest.approx(450e9 / wants["interconnect"])
    held = value(system.B_cap(setting), setting.point | {M_cap: row.M_driver / part.has["capacity"]})
    assert held == pytest.approx(part.batch)
    assert found["trainium2"].has["interconnect"] is None
    slow = next(distances(Design(Setting.of(**R1 | {"slo": 0.002}), {}, {})))
    assert np.isnan(slow.batch)


def test_a_design_for_each_precision_or_for_the_one_asked_for():
    found, said = designs(Setting.of(**R1))
    assert [each.setting["peak"] for each in found] == ["bf16", "fp8", "fp4"]
    assert [each.setting["width"] for each in found] == [2, 1, 0.5]
    assert [float(each.machine[BW_mem]) for each in found] == pytest.approx([8e12] * 3)
    assert said == ["sized by the memory bandwidth of accelerator=b200-paper, 8000 GB/s."]
    (one,), _ = designs(Setting.of(**R1, width=1, accelerator="h200-sxm5"))
    assert one.machine[BW_mem] == pytest.approx(4.8e12)
    (one,), said = designs(Setting.of(**R1, width=1, B=1024))
    assert one.machine[B] == 1024
    assert not said


def test_a_readers_own_accelerator_sizes_the_machine_and_stands_in_the_list(written):
    path = str(written("own.yml", CHIP))
    (design,), said = designs(Setting.of(**R1, peak="bf16", width=2, accelerator=path))
    assert said == [f"sized by the memory bandwidth of accelerator={CHIP['id']}, {CHIP['BW_mem']:g} GB/s."]
    first = next(distances(design))
    assert first.row.id == CHIP["id"]
    assert first.has["arithmetic"] == pytest.approx(CHIP["P_bf16"] * 1e12 / design.machine[P_acc])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slo": None}, "^needed: slo=; give them, for example slo=0.05.$"),
        ({"B": 64, "accelerator": "b200-sxm"}, "give one of them"),
        ({"BW_Int": 9e11}, "seeks the bandwidth"),
        ({"calibration": "published"}, "rates that kernels reach"),
        ({"accelerator_experts": "pim-paper"}, "one kind of accelerator"),
        ({"phase": "prefill"}, "speaks of decoding"),
        ({"L": [64, 128]}, "takes one value each"),
        ({"deg_TP": 3}, "must divide"),
        ({"slo": 0.002}, "no batch meets it"),
        ({"alpha": 0.01}, "no batch meets it"),
    ],
)
def test_what_has_no_design_is_refused_in_one_sentence(change, says):
    with pytest.raises(InputError, match=says):
        designs(Setting.of(**R1 | change))


def test_the_command_tells_the_same_in_text_and_json(capsys):
    typed = ["design", "model=qwen3-8b", "L=8192", "slo=0.05", "peak=fp8", "width=1", "n_acc=2", "deg_TP=2"]
    assert command_line([*typed, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (one,) = told["designs"]
    assert one["tpot"] == pytest.approx(0.05)
    assert one["ratios"]["arithmetic"] == pytest.approx(one["machine"]["P_acc"] / one["machine"]["BW_mem"])
    assert {each["id"] for each in one["accelerators"] if each["known"] == "announced"} == {"rubin-vr200"}
    assert command_line(typed) == 0
    text = capsys.readouterr().out
    assert f"arithmetic {one['machine']['P_acc'] / 1e12:.4g} TFLOP/s" in text
    assert all(each in text for each in ("note: sized by", "rubin-vr200", "1 % more / less", "deg_TP=2"))
