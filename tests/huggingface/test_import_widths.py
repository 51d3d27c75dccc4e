"""Every published way in which a file states the width of its weights and of its cache, and what it leaves alone."""

import pytest

from analysis.ask.points import row_point
from analysis.data import datasets
from analysis.data.model_row import SERVED_WIDTHS
from analysis.files.errors import InputError
from analysis.huggingface import report, row_text
from analysis.systems.quantities import evaluate
from tests.huggingface.configurations import GPT_OSS, PUBLISHED

DENSE, SPARSE = PUBLISHED["llama-3.1-8b"], PUBLISHED["deepseek-v3"]
FOUR_BIT = {"num_bits": 4, "type": "int", "group_size": 32, "symmetric": True}
NVFP4 = {"num_bits": 4, "type": "float", "group_size": 16}


def widths(found):
    """What the row carries: weights, routed experts, cache."""
    return tuple(getattr(found.row, name) for name in SERVED_WIDTHS)


@pytest.mark.parametrize(
    ("stated", "width"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 1),
        ({"quant_method": "fbgemm_fp8"}, 1),
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}, 0.5 + 2.5 / 128),
        ({"quant_method": "awq", "w_bit": 4, "q_group_size": 64}, 0.5 + 2.5 / 64),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, 0.5 + 2.5 / 128),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, 1 + 3 / 128),
        ({"quant_method": "gptq", "bits": 4, "group_size": -1}, 0.5),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False}, 0.5),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 1),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, 0.5 + 1 / 16),
        ({"quant_method": "modelopt", "quant_algo": "W4A16_NVFP4"}, 0.5 + 1 / 16),
        ({"quant_method": "modelopt", "quant_algo": "W4A8_AWQ"}, 0.5),
        ({"quant_method": "modelopt", "quant_algo": "FP8_PER_CHANNEL_PER_TOKEN"}, 1),
        ({"quant_method": "modelopt", "quant_algo": "INT8_SQ"}, 1),
        ({"quant_method": "modelopt", "quant_algo": "MXFP8"}, 1 + 1 / 32),
        ({"quant_algo": "FP8", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}}}, 1),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": FOUR_BIT}}}, 0.5 + 2 / 32),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": NVFP4}}}, 0.5 + 1 / 16),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}}, 1),
        ({"quant_method": "quark", "global_quant_config": {"weight": [{"dtype": "fp4", "group_size": 32}]}}, 0.53125),
        ({"quant_method": "torchao", "quant_type": "int4_weight_only"}, 0.5),
        ({"quant_method": "quanto", "weights": "int8"}, 1),
        ({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}}, 1),
    ],
)
def test_weights(imported, stated, width):
    found = imported(DENSE, quantization_config=stated)
    assert widths(found) == (width, None, None)
    assert f"width_weights={width:g}; left at 16 bit, though width_weights counts them too: embedding" in report(found)


def test_mlx_quantises_everything(imported):
    """Two numbers of 16 bit for every group; newer files state it twice."""
    stated = {"group_size": 64, "bits": 4}
    assert widths(imported(DENSE, quantization=stated)) == (0.5 + 4 / 64, None, None)
    told = report(imported(DENSE, quantization=stated, quantization_config=stated))
    assert "quantised weights (mlx, 4 bit, a scale per 64): width_weights=0.5625; left at 16 bit: nothing" in told
    assert imported(DENSE, quantization=stated | {"group_size": 32, "mode": "mxfp4"}).row.width_weights == 0.53125


@pytest.mark.parametrize("method", ["aqlm", "hqq", "a new one", None])
def test_an_unknown_method_is_told_as_unknown(imported, method):
    found = imported(DENSE, quantization_config={"quant_method": method, "anything": 1})
    assert widths(found) == (None, None, None)
    assert "quantised weights (" in report(found)
    assert "their width is not known here; give width_weights= as you know it" in report(found)


@pytest.mark.parametrize(
    "stated", [None, {}, {"quant_method": "bitsandbytes", "load_in_4bit": False}, {"kv_cache_scheme": None}]
)
def test_a_file_that_quantises_nothing_is_not_said_to(imported, stated):
    found = imported(DENSE, quantization_config=stated)
    assert widths(found) == (None, None, None)
    assert "quantised" not in report(found)


def test_what_is_no_mapping_is_refused(imported):
    with pytest.raises(InputError, match=r"key quantization_config: found 'fp8', allowed is a mapping"):
        imported(DENSE, quantization_config="fp8")


# -- routed experts, and what is left ------------------------------------------------------------
def test_experts_alone(imported):
    """gpt-oss: 4.25 bit in the experts; Kimi-K2.5: patterns that leave all but the routed experts."""
    found = imported(GPT_OSS)
    assert widths(found) == (None, 0.53125, None)
    left = "embedding, norms, output head, attention (all blocks), router (all blocks)"
    assert f"width_experts=0.53125; left at 16 bit: {left}" in report(found)
    ignored = ["lm_head", "re:.*self_attn.*", "re:.*shared_experts.*", r"re:.*mlp\.(gate|up|gate_up|down)_proj.*"]
    stated = {"quant_method": "compressed-tensors", "ignore": ignored}
    found = imported(SPARSE, quantization_config=stated | {"config_groups": {"g": {"weights": FOUR_BIT}}})
    assert widths(found) == (None, 0.5625, None)
    assert "shared experts (all blocks), dense layers (all blocks)" in report(found)


def test_blocks_left_alone_are_counted(imported):
    """As NVFP4 files list them: three whole blocks, and attention of all others; the 62nd is of the drafting layer."""
    ignored = ["lm_head", "model.layers.61*"]
    ignored += [f"model.layers.{number}.*" for number in range(3)]
    ignored += [f"model.layers.{number}.self_attn*" for number in range(3, 61)]
    stated = {"quant_method": "modelopt", "quant_algo": "NVFP4"}
    found = imported(SPARSE, quantization_config=stated | {"ignore": ignored})
    assert widths(found) == (None, 0.5625, None)
    assert "whole blocks (3 of 61 blocks), attention (all blocks)" in report(found)
    some = imported(SPARSE, quantization_config=stated | {"ignore": ignored[:-1]})
    assert widths(some) == (0.5625, None, None)
    assert "attention (60 of 61 blocks)" in report(some)


def test_experts_of_another_width_than_the_rest(imported):
    groups = {
        "group_0": {"weights": {"num_bits": 8, "type": "float"}, "targets": ["model.layers.0.self_attn.q_proj"]},
        "group_1": {"weights": NVFP4, "targets": ["lm_head", "model.layers.0.mlp.experts"]},
    }
    stated = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "config_groups": groups}
    found = imported(SPARSE, quantization_config=stated)
    assert widths(found) == (1, 0.5625, None)
    assert "8 bit: attention; " in report(found)
    layers = {"model.layers.0.mlp.experts": {"quant_algo": "W4A16_NVFP4"}, "layers.0.self_attn": {"quant_algo": "FP8"}}
    mixed = imported(SPARSE, quantization_config={"quant_algo": "MIXED_PRECISION", "quantized_layers": layers})
    assert widths(mixed) == (1, 0.5625, None)
    assert widths(imported(SPARSE, expert_dtype="fp4")) == (1, 0.53125, None)
    left = imported(SPARSE, quantization_config={"quant_method": "fp8", "modules_to_not_convert": ["experts"]})
    assert widths(left) == (1, 2, None)


# -- the cache -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stated", "width"),
    [
        ({"kv_cache_scheme": {"num_bits": 8, "type": "float"}}, 1),
        ({"kv_cache_scheme": "FP8"}, 1),
        ({"kv_cache_quant_algo": "INT8"}, 1),
        ({"kv_cache_quant_algo": "NVFP4"}, 0.5625),
        ({"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}, 1),
        ({"kv_cache_quant_config": {"dtype": "fp8_e4m3"}}, 1),
        ({"kv_cache_scheme": None}, None),
        ({"kv_cache_dtype": "auto"}, None),
        ({"kv_cache_dtype": "bfloat16"}, None),
    ],
)
def test_the_cache(imported, stated, width):
    found = imported(DENSE, quantization_config=stated)
    assert found.row.width_kv == width
    assert ("quantised cache (" in report(found)) == (width is not None)
    assert width is None or f"width_kv={width:g}" in report(found)


def test_a_width_of_the_cache_that_is_not_known_is_told(imported):
    told = report(imported(DENSE, quantization_config={"kv_cache_scheme": "turbo3"}))
    assert "quantised cache (kv_cache_scheme): turbo3 is not known here; give width_kv= as you know it" in told


# -- the row -------------------------------------------------------------------------------------
def test_the_row_carries_widths_and_they_are_no_sizes(imported, tmp_path):
    """What is counted is asked for: two bytes unless said otherwise, whatever the row was served in."""
    stated = {"quant_method": "mxfp4", "kv_cache_scheme": {"num_bits": 8}}
    found = imported(GPT_OSS, quantization_config=stated)
    path = tmp_path / "mine.yml"
    path.write_text(row_text(found))
    row = datasets.model(str(path))
    assert (row.width_weights, row.width_experts, row.width_kv) == (None, 0.53125, 1)
    assert not {symbol.name for symbol in row_point(row)} & set(SERVED_WIDTHS)
    cached = evaluate("kv_bytes_per_token", model=str(path), L=100).value
    assert cached == 24 * 2 * 8 * 64 * 2


def test_a_width_of_experts_needs_experts(written):
    row = {"id": "mine", "name": "Mine", "source": "here", "locator": "none", "known": "assumed", "year": 2026}
    sizes = {"d_emb": 8, "n_hd": 2, "n_kv": 2, "d_hd": 4, "d_FFN": 16, "n_vocab": 10, "n_ctx": 0}
    rest = {"kinds": [{"blocks": 2, "attention": "MHA", "feedforward": "dense"}], "tied": True, "width_experts": 0.5}
    with pytest.raises(InputError, match=r"column width_experts: found 0.5, allowed is no value"):
        datasets.model(written("mine.yml", row | {"sizes": sizes} | rest))
