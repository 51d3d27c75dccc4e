"""Configurations of published models give the rows of data/models, or totals that are known exactly otherwise."""

import re

import pytest

from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.huggingface import report, row_text
from analysis.huggingface.families import families, wrappers
from analysis.huggingface.families import refused as types_refused
from analysis.huggingface.summary import totals
from analysis.systems.quantities import evaluate
from tests.huggingface.configurations import GLM_5, GPT_OSS, PUBLISHED, QWEN_MOE

LLAMA_4_TEXT = PUBLISHED["llama-4-maverick-chunked"]["text_config"]

ABOUT = {
    *("id", "name", "aliases", "year", "source", "locator", "known", "note", "context_max", "vectors", "omits"),
    *("published_total", "published_active", "published_exact", "exact_source", "total_cause"),
    *("width_weights", "width_experts", "width_kv"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_configuration_gives_our_row(imported, name):
    ours, found = datasets.model(name), imported(PUBLISHED[name])
    sizes = set(type(ours).model_fields) - ABOUT
    assert {size: getattr(found.row, size) for size in sizes} == {size: getattr(ours, size) for size in sizes}
    assert set(found.row.vectors) == set(ours.vectors)
    assert found.unused == ()


def test_qwen_moe_by_its_exact_count(imported):
    """14,315,784,192: keras-hub's qwen1.5_moe_2.7b_en; the gate of the shared expert is among them."""
    found = imported(QWEN_MOE)
    assert totals(found)["parameters"] == 14_315_784_192
    assert (found.row.d_shared, found.row.d_MoE, found.row.n_win) == (5632, 1408, 0)
    assert (found.missing, found.unused) == ((), ())


@pytest.mark.parametrize("key", ["n_routed_experts", "num_experts", "num_local_experts"])
def test_the_number_of_experts_has_three_names(imported, key):
    config = {name: value for name, value in PUBLISHED["qwen3-30b-a3b"].items() if name != "num_experts"}
    assert imported(config | {key: 128}).row.n_e == 128


@pytest.mark.parametrize(
    ("name", "model_type", "ours"),
    [("deepseek-v3", "kimi_k2", "deepseek-v3"), ("moonlight-16b-a3b", "kimi_vl", "moonlight-16b-a3b")],
)
def test_types_that_share_an_architecture_share_its_sizes(imported, name, model_type, ours):
    config = PUBLISHED[name] | {"model_type": model_type}
    if model_type == "kimi_vl":
        config = {"model_type": "kimi_vl", "text_config": PUBLISHED[name], "vision_config": {"hidden_size": 1152}}
    found = imported(config)
    sizes = set(type(found.row).model_fields) - ABOUT
    row = datasets.model(ours)
    assert {size: getattr(found.row, size) for size in sizes} == {size: getattr(row, size) for size in sizes}
    assert any("towers" in part for part in found.missing) == (model_type == "kimi_vl")


def test_the_width_of_weights_is_never_that_of_the_torch_dtype(imported):
    plain = imported(PUBLISHED["qwen3-8b"], torch_dtype="float8_e4m3fn", dtype="float16")
    assert plain.row.width_weights is None
    nested = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4}}}}
    kimi = PUBLISHED["kimi-k2"]
    text = kimi["text_config"] | {"quantization_config": nested, "torch_dtype": "bfloat16"}
    assert imported(kimi | {"text_config": text}).row.width_weights == 0.5


def test_more_layers_than_blocks_are_not_counted(imported):
    """Lists may go on with the layers of multi-token prediction."""
    types = ["sliding_attention", "full_attention"] * 12 + ["full_attention"]
    assert imported(GPT_OSS, layer_types=types).blocks == imported(GPT_OSS).blocks


def test_windows_are_data_and_the_cache_is_told_on_both_sides_of_them(imported):
    found = imported(GPT_OSS)
    assert [block.tokens for block in found.blocks[:4]] == [128, None, 128, None]
    assert (found.row.n_win, found.row.L_win, found.row.window, found.missing) == (12, 128, "sliding", ())
    a_token = 2 * 8 * 64 * 2
    below, beyond, longest = list(totals(found).values())[2:]
    assert (below, beyond) == (24 * a_token, 12 * a_token)
    assert longest == 12 * a_token * (131072 + 128)
    told = report(found)
    assert "n_win = 12: the blocks whose attention is windowed" in told
    assert f"KV bytes per token up to L = 128 = {below:,}" in told
    assert f"KV bytes per token beyond (12 of 24 blocks) = {beyond:,}" in told
    assert f"KV bytes of a request of L = 131,072 = {longest:,}" in told


def test_llama_4_chunks_three_blocks_of_four(imported):
    found = imported(PUBLISHED["llama-4-maverick-chunked"])
    assert [block.attention for block in found.blocks] == ["chunk", "chunk", "chunk", "full"] * 12
    assert (found.row.n_win, found.row.L_win, found.row.window) == (36, 8192, "chunked")
    listed = imported(
        PUBLISHED["llama-4-maverick-chunked"] | {"text_config": LLAMA_4_TEXT | {"no_rope_layers": [1, 0] * 24}}
    )
    assert listed.row.n_win == 24


def test_without_a_chunk_llama_4_is_the_row_that_the_paper_reads(imported):
    found = imported(
        PUBLISHED["llama-4-maverick-chunked"] | {"text_config": LLAMA_4_TEXT | {"attention_chunk_size": None}}
    )
    assert found.row.n_win == datasets.model("llama-4-maverick").n_win == 0


def test_windows_of_qwen_begin_where_the_file_says(imported):
    switched_on = {"use_sliding_window": True, "max_window_layers": 70, "sliding_window": 4096}
    found = imported(PUBLISHED["qwen2.5-72b"], **switched_on)
    assert [number for number, block in enumerate(found.blocks) if block.tokens] == list(range(70, 80))
    assert (found.row.n_win, found.row.L_win) == (10, 4096)
    assert imported(PUBLISHED["qwen2.5-72b"], **switched_on | {"max_window_layers": 80}).row.L_win is None


def test_windows_and_chunks_in_one_model(imported):
    both = ["sliding_attention", "chunked_attention", "full_attention", "full_attention"] * 6
    found = imported(GPT_OSS, layer_types=both, attention_chunk_size=256).row
    assert [(kind.blocks, kind.window, kind.sizes.get("L_win")) for kind in found.kinds] == [
        (12, None, None),
        (6, "sliding", 128),
        (6, "chunked", 256),
    ]


def test_experts_where_the_rules_put_them(imported):
    step = imported(PUBLISHED["qwen3-30b-a3b"], decoder_sparse_step=2, mlp_only_layers=[1])
    assert [number for number, block in enumerate(step.blocks) if block.experts] == list(range(3, 48, 2))
    listed = imported(PUBLISHED["deepseek-v2"], moe_layer_freq=[0, 1, 0] * 20)
    assert sum(block.experts for block in listed.blocks) == 20
    named = imported(GLM_5)
    assert (named.row.n_moe, named.blocks[2].experts, named.blocks[3].experts) == (75, False, True)


def test_extra_layers_are_named_as_missing(imported):
    assert any("multi-token-prediction" in part for part in imported(PUBLISHED["deepseek-v3"]).missing)
    assert imported(PUBLISHED["deepseek-v3"]).row.omits.startswith("1 multi-token-prediction layer(s)")
    assert imported(PUBLISHED["llama-2-7b"]).row.omits == ""


def test_mistral_windows(imported):
    config = PUBLISHED["mistral-7b"]
    limited = imported(config, sliding_window=4096)
    assert limited.blocks[0].tokens == 4096
    assert (limited.row.n_win, limited.row.L_win, limited.row.window) == (32, 4096, "sliding")
    assert imported(config, sliding_window=32768).blocks[0].tokens is None
    absent = {key: value for key, value in config.items() if key != "sliding_window"}
    assert imported(absent).blocks[0].tokens == 4096


def test_quantised_weights_are_pointed_out(imported):
    packed = {"config_groups": {"group_0": {"weights": {"num_bits": 4}}}, "quant_method": "compressed-tensors"}
    assert imported(PUBLISHED["deepseek-v3"]).row.width_weights == 1
    assert imported(PUBLISHED["deepseek-v3"], quantization_config=packed).row.width_weights == 0.5
    assert (imported(GPT_OSS).row.width_experts, imported(GPT_OSS).row.width_weights) == (0.53125, None)


def test_the_report_names_the_key_of_every_size(imported):
    told = report(imported(PUBLISHED["mixtral-8x7b"]))
    assert "d_MoE = 14336 from intermediate_size" in told
    assert "n_e = 8 from num_local_experts" in told
    assert "d_hd = 128: no head_dim" in told
    assert "parameters = 46,702,792,704" in told
    nested = report(imported(PUBLISHED["llama-4-maverick-chunked"]))
    assert "d_FFN = 16384 from text_config.intermediate_size_mlp" in nested
    assert "tied = False from tie_word_embeddings" in nested


def test_the_row_written_is_the_row_read(imported, tmp_path):
    found = imported(PUBLISHED["deepseek-v3"])
    path = tmp_path / "mine.yml"
    path.write_text(row_text(found))
    assert datasets.model(str(path)) == found.row
    assert evaluate("kv_bytes_per_token", model=str(path)).value == 70272


@pytest.mark.parametrize("name", [*types_refused(), "a_new_type"])
def test_other_types_are_refused_by_name(imported, name):
    reason = types_refused().get(name, "write the row by hand")
    with pytest.raises(InputError, match=f"model_type: found '?{name}.*{re.escape(reason)}"):
        imported({"model_type": name})


def test_wrappers_lead_to_known_families():
    assert set(wrappers().values()) <= set(families())
    assert not set(families()) & set(types_refused())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", "4096"),
        ("hidden_size", None),
        ("hidden_size", -1),
        ("hidden_size", True),
        ("hidden_size", 1e3),
        ("num_hidden_layers", 10**8),
        ("num_hidden_layers", 10**40),
        ("num_attention_heads", 33),
        ("num_key_value_heads", 3),
        ("num_key_value_heads", []),
        ("tie_word_embeddings", "no"),
        ("num_local_experts", 0),
        ("num_experts_per_tok", 9),
        ("layer_types", ["full_attention"]),
        ("layer_types", ["linear_attention"] * 32),
        ("layer_types", [["full_attention"]] * 32),
        ("layer_types", {}),
        ("sliding_window", "wide"),
        ("head_dim", 1.5),
    ],
)
def test_values_that_cannot_be_used_are_refused_with_their_key(imported, key, value):
    with pytest.raises(InputError, match=r"allowed (is|are) ") as failure:
        imported(PUBLISHED["mixtral-8x7b"], **{key: value})
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("key", ["num_experts", "n_shared_experts", "moe_intermediate_size", "kv_heads"])
def test_a_part_told_beside_the_text_decoder_is_not_lost(imported, key):
    decoder = PUBLISHED["mistral-7b"]
    towers = {"model_type": "mistral3", "text_config": decoder, "vision_config": {"hidden_size": 1024}}
    assert imported(towers, vision_feature_layer=-1, projector_hidden_act="gelu").row.n_hd == 32
    with pytest.raises(InputError, match=rf"key '?{key}'?: found 3, which speaks of a part"):
        imported(towers, **{key: 3})


def test_an_empty_list_of_blocks_with_experts_is_refused(imported):
    with pytest.raises(InputError, match=r"moe_layer_freq: found '\[\]', allowed is a whole number"):
        imported(PUBLISHED["deepseek-v2"], moe_layer_freq=[])


def test_minimax_without_its_list_is_not_taken_for_full_attention(imported):
    config = {key: value for key, value in PUBLISHED["minimax-m2"].items() if key != "attn_type_list"}
    with pytest.raises(InputError, match=r"found no key attn_type_list or layer_types"):
        imported(config, model_type="minimax")
    assert imported(PUBLISHED["minimax-m2"], model_type="minimax").row.n_win == 0
    assert imported(config, model_type="minimax", layer_types=["full_attention"] * 62).row.n_win == 0
    assert imported(config).row.n_win == 0  # minimax_m2 has no other attention


def test_a_list_of_layer_types_goes_before_the_older_keys(imported):
    types = ["full_attention"] * 30 + ["sliding_attention"] * 6
    config = {"layer_types": types, "use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 28}
    found = imported(PUBLISHED["qwen3-8b"], **config)
    assert (found.row.n_win, found.row.L_win, found.unused) == (6, 4096, ())
    full = {"layer_types": types[:1] * 36, "use_sliding_window": False}
    assert imported(PUBLISHED["qwen3-8b"], **config | full).row.n_win == 0
    with pytest.raises(InputError, match="use_sliding_window: found false beside layer_types"):
        imported(PUBLISHED["qwen3-8b"], **config | {"use_sliding_window": False})


def test_lightning_attention_is_refused(imported):
    with pytest.raises(InputError, match="54 blocks of linear"):
        imported(PUBLISHED["minimax-m2"], attn_type_list=[0] * 54 + [1] * 8)
