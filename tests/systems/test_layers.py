"""Layers, crossings and feasibility in numbers: against counts made by hand, and against properties of their own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ask.asked import asked, fitting
from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.roofline import time
from analysis.files.errors import InputError
from analysis.systems.crossing import crossing_in_bytes, crossing_in_flops, crossings_in_time, order_times
from analysis.systems.expert_batches import expert_intensities, ridge_batches, share_reached
from analysis.systems.layers import attention_layers, attention_time, layers, numbers, shares, swept
from analysis.systems.memory import fits, memory_by_kind, memory_per_accelerator
from analysis.systems.quantities import evaluate
from analysis.systems.reordered import buildable, over_batch_and_context, over_degrees, prefill_slowdown
from tests.reader.rows import declaring

R1 = Setting.of(model="deepseek-v3", accelerator="b200-paper", B=4096, L=4096, n_acc=32)  # 128 requests on each
PEAK, BANDWIDTH = 2.25e15, 8e12


def test_reordered_core_of_deepseek_by_hand():
    core = numbers(layers(R1)["core"], R1.point)
    flops = 128 * 2 * 128 * 4096 * (512 + 64 + 512)
    moved = 2 * 128 * (4096 * 576 + 128 * (512 + 64 + 512))  # the cache once, then q_C, q_R and o_C of every head
    assert core["flops"] == flops
    assert core["bytes"] == moved
    assert core["time"] == pytest.approx(max(flops / PEAK, moved / BANDWIDTH))


def test_as_printed_core_and_decompression_by_hand():
    printed = layers(R1.with_(order="as_printed"))
    core, decompression = (numbers(printed[name], R1.point) for name in ("core", "decompression"))
    key_and_value = 2 * 128 * 4096 * 128 * (128 + 64 + 128)  # bytes: keys, copies of the rotary key, values
    assert core["bytes"] == key_and_value + 2 * 128 * 128 * (128 + 64 + 128)
    assert decompression["flops"] == 2 * (2 * 128 * 4096 * 512 * 128 * 128)
    assert decompression["time"] == pytest.approx(decompression["flops"] / PEAK)


def test_routed_experts_by_hand():
    routed = numbers(layers(R1)["routed"], R1.point)
    held = 8 * (1 - (1 - 8 / 256) ** 4096)  # of the 8 experts of an accelerator, those that a token reaches
    tokens = 4096 * 8 / 32
    assert routed["flops"] == pytest.approx(tokens * 3 * 2 * 7168 * 2048)
    assert routed["bytes"] == pytest.approx(2 * (held * 3 * 7168 * 2048 + tokens * 2 * 7168))


def test_shares_sum_to_one_and_names_follow_the_order():
    assert sum(shares(R1).values()) == pytest.approx(1)
    assert "absorbed products" in shares(R1)
    assert "KV decompression" in shares(R1.with_(order="as_printed"))


@pytest.mark.parametrize("model", ["gpt3-175b", "llama-3.1-70b", "deepseek-v2-lite"])
def test_attention_layers_add_up_to_the_block(model):
    setting = Setting.of(model=model, accelerator="h200-sxm5", B=64, L=2048)
    assert attention_time(setting, setting.point) == pytest.approx(evaluate("attention_block_time", setting).value)
    assert set(attention_layers(setting)) <= set(layers(setting))


def test_prefill_length_follows_a_swept_context():
    setting = Setting.of(model="gpt3-175b", phase="prefill", B=1)
    flops = value(layers(setting)["core"].flops, swept(setting, L=np.array([8.0, 16.0])))
    assert flops.tolist() == [4 * 96 * 128 * 8 * 8, 4 * 96 * 128 * 16 * 16]


# -- crossings -------------------------------------------------------------------------------------
def test_crossings_of_deepseek_by_hand():
    decompress, per_pair = 512 * (128 + 128), (512 + 64 + 512) - (128 + 64 + 128)
    assert crossing_in_flops(R1) == pytest.approx(4096 * decompress / (decompress + 4096 * per_pair))
    # Elements per cached token that only the as-printed order moves, over those per query that only the other moves.
    printed = 2 * (512 + 128 * 128 * 2) + 128 * 64
    assert crossing_in_bytes(R1) == pytest.approx(4096 * (printed - 576) / (4 * 128 * 512))


@settings(deadline=None, max_examples=8)
@given(
    B=st.integers(1, 512),
    L=st.sampled_from([512, 4096, 30000]),
    causal=st.sampled_from([1, 0.5]),
    grouping=st.sampled_from(["fused", "layered"]),
    device=st.sampled_from(["b200-paper", "h20-sxm", "pim-paper"]),
)
def test_orders_take_equal_time_exactly_where_they_cross(B, L, causal, grouping, device):
    setting = Setting.of(model="deepseek-v2-lite", accelerator=device, B=B, L=L, causal=causal, grouping=grouping)
    found = [crossing.length for crossing in crossings_in_time(setting)]
    lengths = np.linspace(0, L, 4001)[1:] - 0.0137  # so that no crossing is hit exactly
    first, second = order_times(setting, lengths).values()
    changes = lengths[1:][np.diff(np.sign(first - second)) != 0]
    step = lengths[1] - lengths[0]
    assert len(found) == len(changes)
    assert np.all(np.abs(np.array(found) - changes) <= step)


def test_one_order_is_refused_with_the_models_that_have_two():
    with pytest.raises(InputError, match=r"one contraction order.*deepseek-v3"):
        crossing_in_flops(R1.with_(model="llama-3.1-70b"))


# -- feasibility and grids -------------------------------------------------------------------------
def test_longer_contexts_store_more_cache_by_hand():
    longer = memory_per_accelerator(R1, swept(R1, L=8192)) - memory_per_accelerator(R1, R1.point)
    assert longer == pytest.approx(128 * 4096 * 61 * (512 + 64) * 2)


def test_as_printed_stores_the_decompressed_cache_of_a_block():
    printed = R1.with_(order="as_printed")
    more = memory_per_accelerator(printed, printed.point) - memory_per_accelerator(R1, R1.point)
    assert more == pytest.approx(128 * 4096 * 128 * (128 + 64 + 128) * 2, rel=0.02)
    assert fits(R1, swept(R1, B=8192))
    assert not fits(printed, swept(printed, B=8192))


def test_grid_agrees_with_single_points():
    grid = over_batch_and_context(R1, np.array([64.0, 4096.0]), np.array([1024.0, 4096.0]))
    single = evaluate("attention_block_time", R1.with_(order="as_printed")).value
    assert grid["time_as_printed"][1, 1] == pytest.approx(single)
    assert grid["speedup"].shape == (2, 2)
    assert grid["fits_reordered"].all()


def test_a_prefill_is_slower_reordered_and_causality_lessens_it():
    full, half = (prefill_slowdown(R1, np.array([4096.0]), causal)[0] for causal in (1, 0.5))
    assert full > half > 1


def test_tensor_parallelism_divides_the_as_printed_core():
    times = over_degrees(R1, np.array([1.0, 8.0]), np.array([4096.0]))
    assert times["as_printed"][0, 0] / times["as_printed"][0, 1] > 7
    assert times["reordered"][0, 0] / times["reordered"][0, 1] < 2


def test_degrees_that_divide_no_head_are_left_out_or_refused():
    odd = R1.with_(model="glm-4.7-flash")  # 20 heads
    assert buildable(odd, np.array([1.0, 4.0, 8.0])).tolist() == [1, 4]
    with pytest.raises(InputError, match="none divides the 20 heads"):
        buildable(odd, np.array([8.0]))


# -- experts and memory ----------------------------------------------------------------------------
def test_expert_intensity_by_hand():
    found = expert_intensities(R1, np.array([256.0, 9000.0]))
    assert found["weights only"].tolist() == [8, 281.25]
    tokens, matrix = 256 * 8 / 256, 7168 * 2048
    assert found["activations counted"][0] == pytest.approx(tokens * 3 * matrix / (3 * matrix + tokens * 2 * 7168))


def test_ridge_batches_of_equation_ten():
    found = ridge_batches(R1)
    assert (found.attention, found.experts) == (281.25 * 32, 281.25 * 256 / 8)
    knee = expert_intensities(R1, np.array([found.knee]))["activations counted"][0]
    assert knee == pytest.approx(281.25)


def test_share_of_experts_reached_by_enumeration():
    assert share_reached(R1.with_(model="mixtral-8x7b"), np.array([1.0, 2.0])).tolist() == [0.25, 1 - 0.75**2]


def test_memory_by_kind_by_hand():
    found = memory_by_kind(Setting.of(model="deepseek-v3"), 8e6)
    assert found["cache"] == 8e6 * 61 * 576 * 2
    assert found["routed"] == 58 * 256 * 3 * 7168 * 2048 * 2
    total = evaluate("parameters", model="deepseek-v3").value * 2
    assert sum(found.values()) - found["cache"] == pytest.approx(total)


# -- what notebooks ask ----------------------------------------------------------------------------
def test_experts_spread_over_as_many_accelerators_as_divide_them():
    assert fitting(Setting.of(model="mixtral-8x7b", n_acc=32))["deg_EP"] == 8
    assert fitting(R1)["deg_EP"] is None
    assert fitting(Setting.of(model="deepseek-v3", n_acc=48, deg_EP=12))["deg_EP"] == 12


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"batches": "1,x"}, "batches .*B=x.*whole number"),
        ({"batches": ""}, "batches=''.*at least|batches=''.*empty"),
        ({"models": "gpt-5"}, "models .*model=gpt-5.*no row"),
        ({"modle": "gpt3-175b"}, "modle=gpt3-175b.*did you mean model"),
        ({"model": "deepseek-v4"}, "model=deepseek-v4.*close to it are"),
    ],
)
def test_wrong_questions_end_in_a_sentence(names, said):
    with pytest.raises(InputError, match=said):
        asked(declaring("model", "batches", "models") | {"batches": "1", "models": "gpt3-175b"} | names)


def test_lists_are_sorted_and_aliases_resolved():
    found = asked(declaring("batches", "models") | {"batches": [64, 1, 64], "models": "deepseek-r1, gpt3-175b"})
    assert found["batches"].tolist() == [1, 64]
    assert [setting.model.id for setting in found.compared("models")] == ["deepseek-v3", "gpt3-175b"]


def test_roofline_time_is_never_below_either_limit():
    for layer in layers(R1).values():
        counts = numbers(layer, R1.point)
        kernels = sum(value(time(kernel), R1.point) for kernel in layer.kernels)
        assert counts["time"] == kernels
        assert counts["time"] >= max(counts["flops"] / PEAK, counts["bytes"] / BANDWIDTH) * (1 - 1e-12)
