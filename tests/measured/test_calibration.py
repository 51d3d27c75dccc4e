"""Calibration recovers planted parameters, keeps shapes together, says what it cannot know; the shipped one applies."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import calibrations, datasets
from analysis.data.calibrations import OPERATIONS
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import attention_stages, grouped
from analysis.derive.feedforward import ROUTED_EXPERTS
from analysis.derive.symbols import BW_mem, T_e, d_emb, d_MoE, n_act
from analysis.files.errors import InputError
from analysis.measured import calibration, fitting
from analysis.measured.calibration import Parts
from analysis.measured.kernel_files import as_table
from analysis.measured.leaving_out import structures
from analysis.measured.predict import predict
from analysis.render.trust_tables import slower_heads
from analysis.systems import timing
from analysis.systems.launches import launches
from analysis.systems.quantities import evaluate
from tests.measured.test_predict import COMMON

PLANTED = {"floor": 1.2e-5, "memory_efficiency": 0.83, "compute_efficiency": 0.61, "sharpness": 2.5}


def planted(compute_share: float = 1.0, noise: float = 0.01) -> Parts:
    """Rows of 40 shape groups whose times follow the planted parameters up to a little noise."""
    generator = np.random.default_rng(1)
    memory = 10 ** generator.uniform(-6.5, -2.5, 400)
    compute = compute_share * memory * 10 ** generator.uniform(-1, 1, 400)
    measured = timing.calibrated(compute, memory, **PLANTED) * np.exp(noise * generator.standard_normal(400))
    return Parts(compute, memory, measured, np.arange(400) % 40, OPERATIONS["gemm"])


def test_planted_parameters_are_found():
    found = calibration.fit(planted())
    assert found == {name: pytest.approx(number, rel=0.1) for name, number in PLANTED.items()}


def test_intervals_hold_what_was_planted_and_nothing_is_open():
    parts = planted()
    spans = calibration.intervals(parts, repeats=30)
    assert all(0.97 * low <= PLANTED[name] <= 1.03 * high for name, (low, high) in spans.items())
    assert calibration.unidentified(parts, calibration.fit(parts)) == []


def test_rows_that_never_compute_leave_compute_efficiency_and_sharpness_open():
    parts = planted(compute_share=1e-4)
    assert set(calibration.unidentified(parts, calibration.fit(parts))) == {"compute_efficiency", "sharpness"}


def test_exchanges_have_a_floor_and_a_link_efficiency_alone():
    base = planted()
    measured = PLANTED["floor"] + base.memory / 0.7
    found = calibration.fit(Parts(np.zeros(400), base.memory, measured, base.group, OPERATIONS["exchange"]))
    assert found == {
        "floor": pytest.approx(PLANTED["floor"], rel=0.01),
        "memory_efficiency": pytest.approx(0.7, rel=0.01),
    }


@given(st.integers(0, 1000))
def test_groups_stay_on_one_side_of_the_split(seed):
    parts = planted()
    train, test = calibration.split(parts, seed)
    assert not set(parts.group[train]) & set(parts.group[test])
    assert len(train) + len(test) == 400
    assert len(set(parts.group[test])) == 12


def test_a_split_is_repeatable_and_depends_on_its_seed():
    parts = planted()
    assert np.array_equal(calibration.split(parts, 3)[1], calibration.split(parts, 3)[1])
    assert not np.array_equal(calibration.split(parts, 3)[1], calibration.split(parts, 4)[1])


def test_many_rows_are_thinned_by_whole_groups():
    parts = planted()
    few = parts.rows(calibration.thinned(parts, most=100))
    assert 90 <= len(few.measured) <= 110
    assert all(np.sum(few.group == group) == 10 for group in set(few.group))


@given(st.floats(1e-7, 1e-2), st.floats(1e-7, 1e-2), st.floats(1, 12))
def test_smooth_maximum_lies_between_the_larger_and_the_sum(compute, memory, sharpness):
    time = timing.calibrated(compute, memory, sharpness=sharpness)
    assert max(compute, memory) * (1 - 1e-12) <= time <= (compute + memory) * (1 + 1e-12)


def test_without_parameters_it_is_the_roofline():
    assert timing.calibrated(3.0, 4.0) == 4.0
    parts = planted()
    assert calibration.constant_efficiency(
        Parts(parts.compute, parts.memory, 2 * np.maximum(parts.compute, parts.memory), parts.group, ())
    )["memory_efficiency"] == pytest.approx(0.5)


@pytest.mark.parametrize("operation", ["attention", "latent-attention", "experts"])
def test_what_a_kernel_takes_beside_is_found_too(operation):
    """Times of other sizes than arithmetic and traffic, planted and found again."""
    base, generator = planted(), np.random.default_rng(2)
    beside = {name: 10 ** generator.uniform(-7.5, -4, 400) for name in ("token", "between", "handed")}
    beside["token"] /= 100
    more = {"tile": 150.0, "ramp": 2e-5, "lost": 8e7, "reach": 3e-5, "passes": 1.7, "gathers": 0.6}
    wanted = {name: (PLANTED | more)[name] for name in OPERATIONS[operation]}
    parts = Parts(base.compute, base.memory, base.measured, base.group, OPERATIONS[operation], **beside, byte=1 / 4e12)
    noise = np.exp(0.003 * generator.standard_normal(400))
    found = calibration.fit(replace(parts, measured=parts.time(wanted) * noise))
    assert found == {name: pytest.approx(number, rel=0.1) for name, number in wanted.items()}


def test_time_by_hand():
    """A floor of 1; 3 and 4 make 5 with a tile of 0, 13 with one of 12; half of the ramp at its reach, the same in
    bytes; what is passed.
    """
    given = {"floor": 1.0, "sharpness": 2.0}
    assert timing.calibrated(3.0, 4.0, 6.0, 0.0, 0.0, **given, tile=2.0) == pytest.approx(14)
    assert timing.calibrated(3.0, 4.0, 6.0, 0.0, 0.0, **given, ramp=8.0, reach=5.0) == pytest.approx(10)
    assert timing.calibrated(3.0, 4.0, byte=0.5, **given, lost=16.0, reach=5.0) == pytest.approx(10)
    assert timing.calibrated(3.0, 4.0, 6.0, 2.0, 7.0, **given, passes=1.5, gathers=1.0) == pytest.approx(16)
    assert timing.calibrated(3.0, 4.0, **given, launches=3) == pytest.approx(8)


@given(st.floats(1e-7, 1e-2), st.floats(1, 10), st.floats(1e-6, 1e-3), st.floats(1e-6, 1e-3))
def test_more_work_never_takes_less_time(work, more, ramp, reach):
    assert timing.ramped(work * more, ramp, reach) >= timing.ramped(work, ramp, reach)


# -- what is shipped -----------------------------------------------------------------------------------------------
def test_shipped_fits_are_those_of_the_shipped_rows():
    fitted = fitting.fit_published(0)  # as the notebook does
    shipped = calibrations.named("published")
    assert [each.row.key for each in fitted] == list(shipped)
    untimed = {"index", "select", "picked-core", "state", "state-prompt"}  # no published row times one
    assert {row.operation for row in shipped.values()} == set(OPERATIONS) - untimed
    for each in fitted:
        known = shipped[each.row.key]
        assert each.row.error == pytest.approx(known.error, rel=0.02)
        assert each.row.open == known.open
        for name in set(each.row.parameters) - set(known.open):
            assert each.row.parameters[name] == pytest.approx(known.parameters[name], rel=0.02)


def test_calibration_beats_both_baselines_on_rows_that_it_has_not_seen():
    for row in calibrations.named("published").values():
        assert row.error < min(row.error_constant, row.error_roofline) / 1.5, row.id


def test_an_architecture_has_rows_of_its_own_where_its_kernels_differ():
    """MLA decode attains 0.91 to 0.93 of the memory's rate on Hopper and 0.72 to 0.73 on Blackwell, says its source."""
    rows = calibrations.named("published")
    hopper, blackwell, other = (
        calibrations.chosen(rows, each)["latent-attention"] for each in ("hopper", "blackwell", None)
    )
    assert (hopper.architecture, blackwell.architecture, other.architecture) == ("hopper", "blackwell", None)
    assert blackwell.memory_efficiency < 0.76 < 0.9 < hopper.memory_efficiency
    assert calibrations.chosen(rows, "hopper")["experts"] is calibrations.chosen(rows, None)["experts"]


def test_every_accelerator_takes_the_rows_of_its_architecture():
    """Names of data-centre parts say it: H or GH and a number, B or GB and a number; no RTX, Arc or AMD part."""
    for name in datasets.accelerators():
        part = re.match(r"(g?[hb])\d{2,3}-", name)
        wanted = {"h": "hopper", "b": "blackwell"}[part[1][-1]] if part and name != "b60" else None
        assert calibrations.architecture_of(name) == wanted, name
    assert calibrations.architecture_of(None) is None


def test_architectures_that_share_their_kernels_share_a_row():
    """Two architectures with the same planted constants, and then with different ones."""
    base = planted()
    accelerator = np.where(base.group % 2, "h100-sxm5", "b200-sxm")
    asked = fitting.Asked("mine", "nowhere", 2, 0)
    (pooled,) = fitting._fits(base, "gemm", accelerator, asked)
    assert pooled.row.architecture is None
    slow = replace(base, measured=base.measured * np.where(base.group % 2, 1.5, 1))
    apart = fitting._fits(slow, "gemm", accelerator, asked)
    assert [each.row.architecture for each in apart] == [None, "hopper", "blackwell"]


def test_intervals_enclose_the_fit():
    for row in calibrations.named("published").values():
        for name, number in row.parameters.items():
            assert getattr(row, f"{name}_low") <= number * 1.001
            assert number <= getattr(row, f"{name}_high") * 1.001


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"calibration=mine: .* allowed are published"):
        calibrations.named("mine")


def _kernel_time(setting, stage):
    (kernel,) = attention_stages(MECHANISMS[setting.architecture.attention], setting.conventions)[stage]
    rows = calibrations.chosen(calibrations.named("published"), "hopper")
    return kernel, rows, value(timing.kernel_time(kernel, rows, stage, timing.Step.of(setting)), setting.point)


def test_kernel_time_as_a_closed_form():
    """Reordered MLA decode, 128 requests of 128 heads: queries and results of 576 and 512 numbers are passed on."""
    setting = Setting.of(model="deepseek-v3", accelerator="h100-sxm5", B=128, L=8192)
    kernel, rows, found = _kernel_time(setting, "core")
    compute = value(kernel.flops, setting.point) / 989.4e12
    memory = value(kernel.bytes, setting.point) / 3350e9
    between = 128 * 128 * (576 + 512) * 2 / (3350e9 * 1e12) ** 0.5
    exponents = 128 * 128 * 8192 / 4.2e12
    wanted = timing.calibrated(compute, memory, 0, between, 0, exponents, **rows["latent-attention"].parameters)
    assert float(found) == pytest.approx(wanted)


def test_a_tile_of_cached_tokens_by_hand():
    """GQA decode of short contexts: a cached token of 8 heads, keys and values, for each of 2048 requests."""
    setting = Setting.of(model="llama-3.1-8b", accelerator="h100-sxm5", B=2048, L=16)
    kernel, rows, found = _kernel_time(setting, "core")
    parts = value(kernel.flops, setting.point) / 989.4e12, value(kernel.bytes, setting.point) / 3350e9
    token, exponents = 2048 * 2 * 8 * 128 * 2 / 3350e9, 2048 * 32 * 16 / 4.2e12
    wanted = timing.calibrated(*parts, token, exponents=exponents, byte=1 / 3350e9, **rows["attention"].parameters)
    assert float(found) == pytest.approx(wanted)
    assert float(found) > 3 * parts[1]


def test_a_tile_of_a_prompt_by_hand():
    """MLA prefill as printed: a head reads keys of 192 and values of 128 numbers of one token, 2 bytes each.

    Prompts of 16 tokens in 64 x 128 heads took 200 us on a B200, says its source; arithmetic takes 0.3 us of them.
    """
    setting = Setting.of(model="deepseek-v3", accelerator="b200-sxm", phase="prefill", B=64, L=16, causal=0.5)
    (kernel,) = attention_stages(setting.architecture.mechanism, setting.conventions)["core"]
    token = value(timing.beside(kernel, "core").token, setting.point)
    assert float(token) == pytest.approx(64 * 128 * (192 + 128) * 2 / value(BW_mem, setting.point))
    rows = calibrations.chosen(calibrations.named("published"), "blackwell")
    found = value(timing.kernel_time(kernel, rows, "core", timing.Step.of(setting)), setting.point)
    assert float(found) == pytest.approx(200e-6, rel=0.15)


def test_a_parameter_of_one_architecture_is_in_no_row_that_others_share():
    """Pooled rows lack it, own rows have it; fitted on both devices alone it would only stand in both."""
    rows = calibrations.named("published")
    for operation, alone in calibrations.OWN_ALONE.items():
        assert not set(alone) & set(rows[operation].parameters)
        own = [row for row in rows.values() if row.operation == operation and row.architecture]
        assert len(own) == 2
        assert all(set(alone) <= set(row.parameters) for row in own)


def test_experts_pass_on_every_tensor_of_their_lines():
    """Gate and up each read x and make h, down reads h and makes y: 3 d_emb and 3 d_MoE numbers a copy, 2 bytes
    each.
    """
    kernel = grouped("routed", ROUTED_EXPERTS, "fused")[0]
    more, point = timing.beside(kernel, "routed"), {n_act: 5, T_e: 7, d_emb: 64, d_MoE: 32, BW_mem: 4e12}
    rate = (4e12 * 1e12) ** 0.5
    assert float(value(more.between, point)) == pytest.approx(35 * (3 * 64 + 3 * 32) * 2 / rate)
    assert float(value(more.handed, point)) == pytest.approx(35 * 64 * 2 / rate)
    lines = [timing.beside(each, "routed") for each in grouped("routed", ROUTED_EXPERTS, "layered")]
    assert float(value(sum(each.between for each in lines), point)) == pytest.approx(float(value(more.between, point)))


def test_floors_are_those_of_launches():
    """Products of one tensor are one launch; norms, rotation and activation add theirs."""
    gqa, mla = (launches(Setting.of(model=name).architecture) for name in ("llama-3.1-8b", "deepseek-v3"))
    assert {name: gqa[f"projections: {name}"] for name in ("q", "k_new", "v_new")} == {"q": 3, "k_new": 0, "v_new": 0}
    names = ("c_Q", "c_KV_new", "k_R_new", "q_N", "q_R")
    assert [mla[f"projections: {name}"] for name in names] == [2, 0, 0, 1, 0]
    assert (mla["routed"], mla["shared"], mla["router"], gqa["dense"], gqa["output: y"]) == (1, 3, 2, 4, 1)


def test_a_decode_row_never_stands_in_for_prefill(tmp_path):
    """A calibration that knows decode alone leaves the cores of prefill on the roofline."""
    rows = [row for row in calibrations.named("published").values() if "prefill" not in row.operation]
    path = tmp_path / "mine.csv"
    path.write_bytes(calibrations.as_csv(rows))
    for model in ("llama-3.1-8b", "deepseek-v3"):
        here = {"model": model, "accelerator": "h100-sxm5", "B": 4, "L": 4096, "phase": "prefill"}
        bare, mine, whole = (
            evaluate("tpot_terms", **here, calibration=name).value["core_attention"]
            for name in (None, str(path), "published")
        )
        assert bare == mine < whole


def test_exponentials_are_a_roof_of_their_own():
    """A prompt of 4096 in 64 heads of 128: half of 4096^2 scores a head; on a B200 they take as long as its products.

    What tensor cores of twice the speed leave behind: without them one row does not describe both architectures.
    """
    device = {"model": "llama-3.1-70b", "accelerator": "b200-sxm", "phase": "prefill", "B": 1, "L": 4096}
    setting = Setting.of(**device, causal=0.5)
    (kernel,) = attention_stages(setting.architecture.mechanism, setting.conventions)["core"]
    scores = 64 * 4096**2 / 2
    assert value(kernel.exponents, setting.point) == scores
    products = value(kernel.flops, setting.point) / 2250e12
    assert scores / 4.2e12 == pytest.approx(products, rel=0.1)
    prompt = {"operation": "core_attention", "mechanism": "GQA", "n_hd": 64, "n_kv": 8, "d_hd": 128, "B": 1}
    prompt |= {"L": 4096, "l": 4096, "causal": 0.5}
    for ultra, alike, times in (("gb300-nvl72", "gb200-nvl72", 2), ("h200-sxm5", "h100-sxm5", 1)):
        charged = [predict(as_table([COMMON | prompt | {"accelerator": name}])).exponents for name in (ultra, alike)]
        assert charged[1] == pytest.approx(times * charged[0])
        steps = [timing.Step.of(Setting.of(**device | {"accelerator": name})) for name in (ultra, alike)]
        assert steps[0].exponents == times * steps[1].exponents
    forms = {(each["operation"], each["structure"]): each for each in structures()}
    found, without = (forms["attention-prefill", name] for name in ("shared by all", "without exponentials"))
    assert all(found[score] < 0.8 * without[score] for score in ("left out", "five folds"))


def _forms(operation: str) -> dict[str, dict]:
    return {each["structure"]: each for each in structures() if each["operation"] == operation}


def test_what_attention_loses_until_full_rates_is_counted_in_bytes():
    """Rows of one device find as many bytes as those of the other, though its memory is 2.4 times as fast; counted in
    seconds, what one loses misleads about the other.
    """
    rows = calibrations.named("published")
    hopper, blackwell = (rows[f"attention.{name}"].lost for name in ("hopper", "blackwell"))
    assert hopper == pytest.approx(blackwell, rel=0.2)
    found = _forms("attention")
    assert all(
        found["shared by all"][score] < found["full rates at once"][score] for score in ("left out", "five folds")
    )
    assert found["shared by all"]["left out"] < 0.5 * found["seconds until full rates"]["left out"]


def test_mla_decode_takes_the_longer_of_arithmetic_and_traffic():
    """Models left out err less; and Hopper's kernel attains the 660 of 989 TFLOP/s that FlashMLA's authors report."""
    found = _forms("latent-attention")
    hard, soft = (found[name]["own"] for name in ("shared by all", "a corner of any sharpness"))
    assert hard < 0.04 < 0.06 < soft
    row = calibrations.named("published")["latent-attention.hopper"]
    assert row.sharpness == calibrations.HARD
    assert row.compute_efficiency == pytest.approx(660 / 989.4, rel=0.05)


def test_whole_instructions_would_make_one_row_of_both_architectures():
    """On B200 16 and 64 heads take what 128 do, as if its 128-row instruction were the unit; on H100, with 64 rows, 64
    take what 16 do and 128 take longer. With heads as they are a fit misleads about the other device.
    """
    for few in (16, 64):
        assert slower_heads(few, 128, "b200-sxm") == pytest.approx(1, abs=0.04)
    assert slower_heads(16, 64, "h100-sxm5") == pytest.approx(1, abs=0.06)
    assert slower_heads(128, 64, "h100-sxm5") > 1.1
    found = _forms("latent-attention")
    heads, whole = (found[name] for name in ("shared by all", "whole instructions, any corner, results passed on"))
    assert whole["five folds"] < 0.04 < 0.07 < heads["five folds"]
    assert whole["left out"] < 0.07 < 0.14 < heads["left out"]
