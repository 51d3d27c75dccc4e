"""Serving windowed models: caches and times by hand, both readings of one model, and limits that stay exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import capacity, serving
from analysis.derive.statements import proof_of_attention as thesis
from analysis.derive.symbols import B, n_acc
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.layers import block_counts, layers, numbers
from analysis.systems.quantities import evaluate
from analysis.systems.utilisation import utilisation
from analysis.thesis import full_attention as thesis_numbers
from analysis.thesis.full import batch_at_capacity
from tests.derive.small import few

GPT_OSS, MAVERICK, MISTRAL = "gpt-oss-20b", "llama-4-maverick-chunked", "mistral-7b-v0.1"
WINDOWED = (GPT_OSS, MAVERICK, MISTRAL)
DEVICE = {"accelerator": "b200-paper", "n_acc": 8}
PEAK, MEMORY = 2.25e15, 8e12


def at(model, **more):
    return Setting.of(**{"model": model, "B": 64, "L": 32768, **DEVICE, **more})


# -- by hand ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("model", "context", "cached"),
    [
        (GPT_OSS, 131072, 2 * 2 * 8 * 64 * (12 * 131072 + 12 * 128)),
        (GPT_OSS, 100, 2 * 2 * 8 * 64 * 24 * 100),
        (MAVERICK, 8192, 2 * 2 * 8 * 128 * 48 * 8192),
        (MAVERICK, 1048576, 2 * 2 * 8 * 128 * (12 * 1048576 + 36 * 8192)),
        (MISTRAL, 8192, 2 * 2 * 8 * 128 * 32 * 4096),
    ],
)
def test_cache_of_a_request_by_hand(model, context, cached):
    assert evaluate("kv_cache_bytes", model=model, L=context).value == cached
    assert evaluate("kv_bytes_per_token", model=model, L=context).value == pytest.approx(cached / context, rel=1e-15)


def gqa_core(requests, keys, groups, per_group, width):
    """Seconds of one block's fused decode core: both products; queries, outputs, keys and values cross its boundary."""
    heads = groups * per_group
    flops = 2 * 2 * requests * heads * keys * width
    moved = 2 * (2 * requests * heads * width + 2 * requests * keys * groups * width)
    return max(flops / PEAK, moved / MEMORY)


@pytest.mark.parametrize(
    ("model", "seconds"),
    [
        (GPT_OSS, 12 * gqa_core(8, 32768, 8, 8, 64) + 12 * gqa_core(8, 128, 8, 8, 64)),
        (MAVERICK, 12 * gqa_core(8, 32768, 8, 5, 128) + 36 * gqa_core(8, 8192, 8, 5, 128)),
        (MISTRAL, 32 * gqa_core(8, 4096, 8, 4, 128)),
    ],
)
def test_core_attention_by_hand(model, seconds):
    assert evaluate("tpot_terms", at(model)).value["core_attention"] == pytest.approx(seconds, rel=1e-12)


def test_prefill_of_gpt_oss_by_hand():
    """One prompt of 4096 tokens: windowed blocks make 128 pairs per query, and read every key once."""
    prompt, heads, width = 4096, 64, 64
    queries = 2 * 2 * prompt * heads * width + 2 * 2 * prompt * 8 * width  # bytes: queries, outputs, keys, values
    full = max(2 * 2 * heads * prompt * prompt * width / PEAK, queries / MEMORY)
    banded = max(2 * 2 * heads * prompt * 128 * width / PEAK, queries / MEMORY)
    found = evaluate("tpot_terms", at(GPT_OSS, phase="prefill", B=1, L=prompt, n_acc=1)).value
    assert found["core_attention"] == pytest.approx(12 * (full + banded), rel=1e-12)


def test_batch_that_fits_by_bookkeeping():
    """gpt-oss-20b on one accelerator of 192 GB: each weight once, caches block by block, activations of one block."""
    context, a_token = 32768, 2 * 8 * 64
    cached = sum(a_token * min(context, 128 if block % 2 == 0 else context) for block in range(24))
    activations = 2 * 2880 + 2 * 64 * 64  # input, queries, context vector, output
    free = 192e9 - 2 * 20_914_757_184
    found = evaluate("B_cap", at(GPT_OSS, L=context, n_acc=1, rounding="none")).value
    assert found == pytest.approx(free / (2 * (cached + activations)), rel=1e-12)


# -- readings --------------------------------------------------------------------------------------
SHARED = ("tpot", "tpot_bound", "tpot_eq12", "B_cap", "kv_cache_bytes", "core_attention_flops", "attention_block_time")


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_the_papers_reading_is_the_other_row_and_a_convention(name, phase):
    as_row = evaluate(name, at("llama-4-maverick", phase=phase)).value
    assert evaluate(name, at(MAVERICK, phase=phase, windows="full")).value == as_row
    if phase == "decode" and name in ("tpot", "kv_cache_bytes"):
        assert evaluate(name, at(MAVERICK)).value < as_row


@pytest.mark.parametrize("model", WINDOWED)
@pytest.mark.parametrize(
    "name", ["tpot", "tpot_bound", "tpot_eq12", "B_cap", "B_SLO", "kv_cache_bytes", "core_attention_bytes"]
)
def test_up_to_the_window_nothing_differs(model, name):
    for context in (1, Setting.of(model=model).model.L_win):
        full = evaluate(name, at(model, L=context, windows="full", slo=0.02)).value
        assert evaluate(name, at(model, L=context, slo=0.02)).value == pytest.approx(full, rel=1e-14)


def test_a_windowed_block_stands_beside_a_full_one():
    answer = evaluate("core_attention_bytes", at(GPT_OSS, n_acc=1))
    assert answer.value == 2 * 64 * (2 * 64 * 64 + 2 * 32768 * 8 * 64)
    assert answer.beside["in a windowed block"] == 2 * 64 * (2 * 64 * 64 + 2 * 128 * 8 * 64)
    assert evaluate("core_attention_bytes", at(MISTRAL, n_acc=1)).beside == {}


def test_blocks_cannot_be_left_out_of_a_pattern_unsaid():
    with pytest.raises(InputError, match="blocks of two kinds of attention"):
        evaluate("tpot", at(GPT_OSS, blocks=20))
    assert evaluate("kv_cache_bytes", at(MISTRAL, blocks=31)).value == 31 * 2 * 2 * 8 * 128 * 4096


# -- what stays exact ------------------------------------------------------------------------------
@pytest.mark.parametrize("model", WINDOWED)
@few
@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_memory_and_its_bound_on_time_are_linear_in_the_batch(model, first, second):
    setting = at(model)
    given_to = (setting.architecture, setting.conventions)
    for form in (capacity.memory_used(*given_to), serving.tpot_eq12(*given_to, system.system(setting))):
        low, high, both = (float(value(form, setting.point | {B: b})) for b in (first, second, first + second))
        assert low + high - both == pytest.approx(float(value(form, setting.point | {B: 0})), rel=1e-6)


@pytest.mark.parametrize("model", WINDOWED)
@pytest.mark.parametrize("L", [64, 1000, 8192, 100_000])
def test_eq12_meets_the_slo_at_its_batch(model, L):
    setting = at(model, L=L, slo=0.05)
    batch = float(value(system.B_SLO_eq12(setting), setting.point))
    assert float(value(system.tpot_eq12(setting), setting.point | {B: batch})) == pytest.approx(0.05, rel=1e-12)
    whole = evaluate("B_SLO", setting).value
    times = evaluate("tpot", setting.with_(B=[whole, whole + 1])).value
    assert times[0] <= 0.05 < times[1]


@pytest.mark.parametrize("model", WINDOWED)
def test_layers_times_their_blocks_are_the_terms(model):
    setting = at(model)
    found, counts = layers(setting), block_counts(setting)
    seconds = {
        name: float(value(counts[name], setting.point)) * numbers(layer, setting.point)["time"]
        for name, layer in found.items()
    }
    terms = evaluate("tpot_terms", setting).value
    core = sum(time for name, time in seconds.items() if name.endswith("core"))
    assert core == pytest.approx(terms["core_attention"], rel=1e-12)
    assert seconds["output"] + seconds["projections"] == pytest.approx(terms["attention_projections"], rel=1e-12)
    assert ("windowed_core" in found) == (setting.model.n_win < setting.model.n_dec)
    tpot = evaluate("tpot", setting).value
    assert 0 < utilisation(setting, 64, tpot)["memory bandwidth"] <= 1


@pytest.mark.parametrize("model", [GPT_OSS, MAVERICK])
@pytest.mark.parametrize("L", [100.0, 8192.0, 50_000.0, 1e6])
def test_the_context_of_a_batch_inverts_the_batch_of_a_context(model, L):
    setting = at(model)
    form = thesis.context_of_batch(setting.architecture, setting.conventions, B)
    batch = float(batch_at_capacity(setting, L))
    assert float(value(form, setting.point | {B: batch})) == pytest.approx(L, rel=1e-9)


def test_a_cache_that_stops_growing_has_no_last_context():
    setting = at(MISTRAL)
    form = thesis.context_of_batch(setting.architecture, setting.conventions, B)
    at_window = float(batch_at_capacity(setting, 4096.0))
    assert float(value(form, setting.point | {B: 0.9 * at_window})) == np.inf
    assert float(value(form, setting.point | {B: 2 * at_window})) < 4096


@pytest.mark.parametrize("model", WINDOWED)
def test_another_device_speeds_each_kind_of_block_by_itself(model):
    setting = at(model, accelerator_experts="pim-paper")
    L = 32768.0
    speed = float(thesis_numbers.device_speed(setting, [L])[0])
    at_batch = {B: float(batch_at_capacity(setting, L))}
    found, counts = layers(setting), block_counts(setting)
    plain = device = 0.0
    for name in (name for name in found if name.endswith("core")):
        layer, blocks = found[name], float(value(counts[name], setting.point))
        flops, moved = (float(value(form, setting.point | at_batch)) for form in (layer.flops, layer.bytes))
        plain += blocks * max(flops / PEAK, moved / MEMORY)
        device += blocks * max(flops / 256e12, moved / 32e12)
    assert speed == pytest.approx(plain / device, rel=1e-12)
    assert float(setting.point[n_acc]) == 8
