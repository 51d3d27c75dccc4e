"""Families by the counts of their own classes, and what a key means that is absent, null or spelled otherwise."""

from pathlib import Path

import pytest
import yaml

from analysis.data import datasets
from analysis.data.kind_of_block import SIZES
from analysis.derive.mechanisms import ALL
from analysis.derive.vectors import VECTORS
from analysis.files.errors import InputError
from analysis.huggingface import report, row_text
from analysis.huggingface.families import SPELLINGS, families, harmless, parts
from analysis.huggingface.halves import HALF_RULES
from analysis.huggingface.mixers import LAYER_RULES
from analysis.huggingface.sizes import KV_HEADS, SHARED
from analysis.huggingface.summary import totals
from tests.huggingface.configurations import FILES, GLM_5, PUBLISHED

COUNTED = yaml.safe_load((Path(__file__).parent / "counted.yml").read_text())
CONFIGS = FILES | {name: entry["config"] for name, entry in COUNTED.items()}
SMALL = {  # four blocks
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "vocab_size": 1000,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
MOE = {
    "moe_intermediate_size": 96,
    "n_routed_experts": 16,
    "num_experts_per_tok": 4,
    "intermediate_size": 640,
    "first_k_dense_replace": 1,
    "moe_layer_freq": 1,
}
LATENT = {
    "kv_lora_rank": 64,
    "q_lora_rank": 96,
    "qk_nope_head_dim": 32,
    "qk_rope_head_dim": 16,
    "v_head_dim": 32,
    "n_shared_experts": 1,
}
V3 = {"model_type": "deepseek_v3", **SMALL, **MOE, **LATENT}
AN_EXPERT = 3 * 256 * 96
ASKED = {  # no default is known
    "add_full_attention_sink_bias",
    "add_swa_attention_sink_bias",
    "moe_router_enable_expert_bias",
}


def without(config, *keys):
    """The configuration without these keys."""
    return {key: value for key, value in config.items() if key not in keys}


def own_row(written, found):
    """The row as it is read again from what an import writes."""
    return datasets.model(written("mine.yml", yaml.safe_load(row_text(found))))


# -- families ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", COUNTED)
def test_a_family_by_the_count_of_its_own_class(imported, written, name):
    found = imported(COUNTED[name]["config"])
    counted = totals(found)
    assert counted["parameters"] == COUNTED[name]["elements"]
    assert counted.get("KV bytes per token") == COUNTED[name].get("cached")
    assert found.unused == ()
    assert own_row(written, found) == found.row


@pytest.mark.parametrize(
    ("name", "windowed", "reach", "first_full"),
    [
        ("gemma-2-9b", 21, 4096, 1),
        ("gemma-3-1b", 22, 512, 5),
        ("exaone-4.0-32b", 48, 4096, 3),
        ("olmo-3.1-32b", 48, 4096, 3),
        ("command-r7b", 24, 4096, 3),
        ("starcoder2-3b", 30, 4096, None),
        ("phi-mini-moe", 32, 2047, None),
        ("phi-3.5-mini", 0, None, 0),  # the file's window is longer than its context
    ],
)
def test_windows_of_families(imported, name, windowed, reach, first_full):
    found = imported(CONFIGS[name])
    assert (found.row.n_win, found.row.L_win) == (windowed, reach)
    assert next((number for number, block in enumerate(found.blocks) if not block.tokens), None) == first_full


def test_a_list_of_layers_says_what_a_pattern_says(imported):
    config = without(CONFIGS["exaone-4.0-32b"], "layer_types")
    listed = ["sliding_attention"] * 3 + ["full_attention"]
    assert imported(config, layer_types=listed * 16).blocks == imported(config).blocks
    assert imported(config, sliding_window_pattern=4).blocks == imported(config).blocks
    assert imported(config, sliding_window=None).row.n_win == 0
    with pytest.raises(InputError, match=r"sliding_window_pattern: found 'LLX', allowed are the letters L and G"):
        imported(config, sliding_window_pattern="LLX")


def test_biases_of_latent_projections_and_of_gated_layers(imported):
    """A bias on the way into and out of both latents, and on the output; three in a gated layer."""
    plain, biased = (totals(imported(V3, attention_bias=each))["parameters"] for each in (False, True))
    assert biased - plain == 4 * (96 + (64 + 16) + 256)
    direct = {"q_lora_rank": None}
    plain, biased = (totals(imported(V3 | direct, attention_bias=each))["parameters"] for each in (False, True))
    assert biased - plain == 4 * ((64 + 16) + 256)
    llama = PUBLISHED["llama-2-7b"]
    plain, biased = (totals(imported(llama, mlp_bias=each))["parameters"] for each in (False, True))
    assert biased - plain == 32 * (2 * 11008 + 4096)


def test_internlm2_and_the_flat_file_of_several_towers(imported):
    """InternLM2.5-7B holds 7,737,708,544 elements; Qwen2-VL as its file was first published, all on one level."""
    internlm = {
        "model_type": "internlm2",
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "vocab_size": 92544,
        "bias": False,
    }
    assert totals(imported(internlm))["parameters"] == 7_737_708_544
    flat = imported(PUBLISHED["qwen2.5-72b"], model_type="qwen2_vl", vision_config={"depth": 32})
    assert totals(flat)["parameters"] == totals(imported(PUBLISHED["qwen2.5-72b"]))["parameters"]
    assert flat.missing == ("towers other than the text decoder",)


def test_heads_of_falcon(imported):
    """The newer architecture says them; the older has one for all query heads or one for each, whatever is said."""
    newer = CONFIGS["falcon-40b"]
    assert imported(newer).row.n_kv == 8
    assert imported(newer, new_decoder_architecture=False).row.n_kv == 1
    assert imported(newer, new_decoder_architecture=False, multi_query=False).row.attention == "MHA"
    assert imported(without(newer, "num_kv_heads")).row.n_kv == 128


def test_heads_of_windows_as_step_writes_them(imported):
    """Published, 33 windowed blocks have 96 heads and others 64; where a file says none, they are as the others."""
    flat = FILES["step-3.7-flash"]
    renamed = {
        "num_attention_groups": "num_key_value_heads",
        "moe_num_experts": "num_experts",
        "moe_top_k": "num_experts_per_tok",
    }
    published = {key: flat[old] for key, old in renamed.items()} | {
        "moe_layers_enum": ",".join(str(number) for number in range(3, 45)),
        "attention_other_setting": {
            "attention_type": "sliding_attention",
            "num_attention_heads": 96,
            "num_attention_groups": 8,
            "head_dim": 128,
        },
    }
    config = without(flat, *renamed.values(), "first_k_dense_replace") | published | {"model_type": "step3p5"}
    found = imported({"model_type": "step3p7", "text_config": config})
    more = 33 * 32 * (2 * 128 * 4096 + 4096)
    assert totals(found)["parameters"] - totals(imported(flat))["parameters"] == more
    assert {kind.window: kind.sizes["n_hd"] for kind in found.row.kinds} == {None: 64, "sliding": 96}
    other = published["attention_other_setting"]
    for changes, said in (
        ({"attention_other_setting": other | {"attention_type": "full_attention"}}, "allowed is 'sliding_attention'"),
        ({"moe_layers_enum": "3;4"}, "found '3;4', allowed are numbers of blocks with"),
        ({"moe_layers_enum": [45]}, "found 45, allowed is a whole number from 0 to 44"),
    ):
        with pytest.raises(InputError, match=said):
            imported({"model_type": "step3p7", "text_config": config | changes})


def test_step_3_by_what_its_report_prints(imported):
    """arXiv 2507.19427: 316 billion parameters without its vision tower, 38 active; one wide key-value head."""
    text = {
        "model_type": "step3_text",
        "hidden_size": 7168,
        "intermediate_size": 18432,
        "num_attention_heads": 64,
        "num_attention_groups": 1,
        "head_dim": 256,
        "share_q_dim": 2048,
        "num_hidden_layers": 61,
        "max_position_embeddings": 65536,
        "vocab_size": 128815,
        "moe_intermediate_size": 5120,
        "moe_num_experts": 48,
        "moe_top_k": 3,
        "share_expert_dim": 5120,
        "moe_layers_enum": list(range(4, 60)),
    }
    found = imported({"model_type": "step3_vl", "text_config": text})
    total, active, cached = totals(found).values()
    assert (round(total / 1e9), round(active / 1e9), cached) == (316, 38, 61 * 2 * 256 * 2)
    assert [(kind.blocks, kind.attention, kind.feedforward) for kind in found.row.kinds] == [
        (5, "MFA", "dense"),
        (56, "MFA", "experts"),
    ]


def test_full_blocks_of_gemma_4_without_heads_of_their_own(imported):
    config = FILES["gemma-4-31b-it-nvfp4"]
    text = config["text_config"] | {"num_global_key_value_heads": None, "attention_k_eq_v": False}
    full, window = imported(config | {"text_config": text}).row.kinds
    assert (full.attention, window.attention) == ("GQA", "GQA")
    assert imported(config | {"text_config": text}).row.sizes["n_kv"] == 16


def test_experts_beside_the_dense_layer_of_gemma_4(imported):
    """26 billion parameters, of which a token meets 4: eight experts, and the dense layer as a shared one."""
    found = imported(CONFIGS["gemma-4-26b-a4b"])
    assert (found.row.sizes["n_shared"], found.row.sizes["d_shared"], found.row.L_win) == (1, 2112, 1024)
    assert [(kind.blocks, kind.attention, kind.feedforward) for kind in found.row.kinds] == [
        (5, "GQA_one", "experts"),
        (25, "GQA", "experts"),
    ]
    *_, active = list(totals(found).values())[:2]
    assert round(active / 1e9) == 4


def test_granite_without_experts_has_its_shared_layer_alone(imported):
    config = CONFIGS["granite-4.0-h-small"]
    dense = imported(config, num_local_experts=0).row
    assert {(kind.feedforward, dense.sizes["d_FFN"]) for kind in dense.kinds} == {("dense", 1536)}
    with pytest.raises(InputError, match="found no key layer_types"):
        imported(without(config, "layer_types"))


def test_bamba_by_the_numbers_of_its_blocks(imported):
    """Bamba-9B has 9.78 billion parameters; the sizes of its states are those of Granite's."""
    config = without(CONFIGS["granite-4.0-h-small"], "layer_types", "num_local_experts", "num_experts_per_tok")
    config = without(config, "shared_intermediate_size") | {
        "model_type": "bamba",
        "num_hidden_layers": 32,
        "attn_layer_indices": [9, 18, 27],
        "intermediate_size": 14336,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
    }
    found = imported(config)
    assert round(totals(found)["parameters"] / 1e7) == 978
    assert [number for number, block in enumerate(found.blocks) if block.attention == "full"] == [9, 18, 27]
    assert found.row.L_cut == 256
    assert imported(config, mamba_chunk_size=64).row.L_cut == 64
    with pytest.raises(InputError, match="found no key attn_layer_indices"):
        imported(config, attn_layer_indices=None)


def test_the_thinker_of_a_file_with_a_talker(imported):
    text = FILES["qwen3-30b-a3b"] | {"model_type": "qwen3_omni_moe_text"}
    thinker = {"model_type": "qwen3_omni_moe_thinker", "text_config": text, "audio_config": {"d_model": 1280}}
    found = imported({"model_type": "qwen3_omni_moe", "thinker_config": thinker, "talker_config": {"num_experts": 8}})
    assert found.row.kinds == imported(FILES["qwen3-30b-a3b"]).row.kinds
    assert "d_emb = 2048 from thinker_config.text_config.hidden_size" in report(found)
    assert found.row.omits == "towers other than the text decoder"


def test_a_tower_of_an_unknown_type_with_a_known_decoder(imported):
    found = imported({"model_type": "pictures", "text_config": PUBLISHED["qwen3-8b"]})
    assert found.model_type == "qwen3"
    assert found.row.omits == "towers other than the text decoder"
    assert imported({"model_type": "internvl_chat", "llm_config": PUBLISHED["qwen3-8b"]}).row.n_dec == 36
    with pytest.raises(InputError, match=r"text_config.tie_word_embeddings False beside tie_word_embeddings True"):
        imported({"model_type": "pictures", "text_config": PUBLISHED["qwen3-8b"], "tie_word_embeddings": True})


def test_the_table_of_families_holds_together():
    for name, family in families().items():
        mixers = [family, *family.mixers.values()]
        switched = [item for each in mixers for item in each.switched.items()]
        said = [*(each.vectors for each in mixers), *(groups for _, groups in switched), *family.halves.values()]
        assert set(" ".join(said).split()) <= set(VECTORS), name
        assert family.layers in LAYER_RULES, name
        assert family.experts in HALF_RULES, name
        assert family.shared in SHARED, name
        assert family.kv_heads in KV_HEADS, name
        assert {size for each in mixers for size in each.keys} <= set(SPELLINGS) | set(SIZES), name
        attention = [item for mixer in family.mixers.values() for item in mixer.attention.items()]
        assert {mechanism for _, mechanism in attention} <= {"heads", "latent", *ALL}, name
        conditions = [*(each for each, _ in switched), *(condition for condition, _ in attention if condition)]
        terms = [term.removeprefix("not ") for each in conditions for term in each.split(" and ")]
        assert {term.partition("=")[0] for term in terms} <= set(family.defaults) | ASKED, name
        assert (family.experts == "none") <= (family.shared == "none"), name
    assert not {key for key in harmless() if key in parts()}


# -- keys that are absent, null, or spelled otherwise --------------------------------------------
def test_absent_is_what_the_class_takes_and_null_is_none(imported):
    """DeepSeek-V3's class has one shared expert and queries compressed to 1536, V2's two shared experts."""
    latents = 256 * (96 + 64 + 16) + 96 * 8 * (32 + 16) + 64 * 8 * (32 + 32) + 8 * 32 * 256
    norms = (2 * 4 + 1) * 256 + 4 * (96 + 64)
    experts = 3 * ((16 + 1) * AN_EXPERT + 16 * 256 + 16)
    by_hand = 4 * latents + 3 * 256 * 640 + experts + norms + 2 * 1000 * 256
    stated = totals(imported(V3))["parameters"]
    absent = imported(without(V3, "n_shared_experts"))
    assert totals(absent)["parameters"] == stated == by_hand == 5_499_824
    assert "n_shared = 1: n_shared_experts is absent, and the model type takes this" in report(absent)
    assert totals(imported(V3, n_shared_experts=None))["parameters"] == stated - 3 * AN_EXPERT
    v2 = without(V3, "n_shared_experts") | {"model_type": "deepseek_v2"}
    assert imported(v2).row.d_shared == 2 * 96
    assert imported(without(V3, "q_lora_rank")).row.d_Qco == 1536
    assert imported(V3, q_lora_rank=None).row.attention == "MLA_direct"
    assert imported(without(V3, "first_k_dense_replace")).row.n_moe == 1


@pytest.mark.parametrize("key", ["n_shared_experts", "q_lora_rank", "first_k_dense_replace", "qk_rope_head_dim"])
def test_a_key_whose_default_is_not_known_is_asked_for(imported, key):
    with pytest.raises(InputError, match=rf"found no key .*{key}.* add it"):
        imported(without(V3, key) | {"model_type": "kimi_k2"})


def test_chunks_are_the_class_default_of_llama_4(imported):
    text = {
        "model_type": "llama4_text",
        **without(SMALL, "max_position_embeddings"),
        "head_dim": 32,
        "intermediate_size": 128,
        "intermediate_size_mlp": 256,
        "num_local_experts": 4,
        "num_experts_per_tok": 1,
    }
    found = imported({"model_type": "llama4", "text_config": text})
    assert [block.tokens for block in found.blocks] == [8192, 8192, 8192, None]
    assert imported({"model_type": "llama4", "text_config": text | {"attention_chunk_size": None}}).row.n_win == 0


@pytest.mark.parametrize("key", ["num_shared_experts", "moe_num_shared_experts"])
def test_shared_experts_under_another_name(imported, key):
    assert imported(without(V3, "n_shared_experts") | {key: 2}).row.n_shared == 2


def test_spellings_that_agree_are_one_and_those_that_do_not_are_refused(imported):
    assert imported(V3, num_experts=16, num_routed_experts=16).row.n_e == 16
    with pytest.raises(InputError, match=r"found n_routed_experts 16 beside num_local_experts 8 \(for n_e\)"):
        imported(V3, num_local_experts=8)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("deepseek-v3", "index_topk", 2048),
        ("deepseek-v3", "num_zero_experts", 256),
        ("deepseek-v3", "moe_latent_size", 1024),
        ("llama-3.1-8b", "n_shared_experts", 1),
        ("llama-3.1-8b", "sliding_window", 4096),
        ("llama-3.1-8b", "num_kv_shared_layers", 10),
        ("llama-3.1-8b", "lora_rank", 16),
        ("llama-3.1-8b", "biases", True),
        ("phi-2", "attention_bias", True),
        ("mistral-7b", "attention_bias", True),
        ("qwen3-8b", "mlp_bias", True),
        ("qwen3-8b", "linear_num_value_heads", 32),
        ("qwen3-30b-a3b", "shared_expert_intermediate_size", 768),
        ("minimax-m2", "qk_norm_type", "per_head"),
    ],
)
def test_a_key_that_speaks_of_a_part_is_never_left_unused(imported, name, key, value):
    config = CONFIGS.get(name) or PUBLISHED[name]
    with pytest.raises(InputError, match=rf"key '?{key}'?: found '?{value}.*allowed (is|are) "):
        imported(config, **{key: value})
    assert imported(config, **{key: None}).unused == ()


def test_keys_that_say_nothing_pass_and_others_are_told(imported):
    found = imported(PUBLISHED["llama-3.1-8b"], sliding_window=None, mlp_bias=False, pruned_heads={}, my_own_key=3)
    assert found.unused == ("my_own_key",)


def test_dense_blocks_beyond_the_last_are_refused(imported):
    for first in (4, 5, 40):
        with pytest.raises(InputError, match=rf"first_k_dense_replace: found {first}, which leaves none of the 4"):
            imported(V3, first_k_dense_replace=first)
    assert imported(V3, first_k_dense_replace=3).row.n_moe == 1


def test_sparse_attention_by_the_list_of_its_layers(imported):
    """Newer files list it; a type without an indexer cannot have it."""
    for kind in ("deepseek_sparse_attention", "indexed_attention"):
        listed = imported(GLM_5, layer_types=[kind] * 78)
        assert (listed.row.attention, listed.row.n_win) == ("DSA", 0)
        with pytest.raises(InputError, match=f"layer_types: found '{kind}', allowed are full_attention"):
            imported(PUBLISHED["deepseek-v3"], layer_types=[kind] * 61)


def test_infinity_as_published_is_read(imported):
    """The reason of a refusal is the architecture, and a harmless key may hold any number."""
    with pytest.raises(InputError, match="state-space"):
        imported({"model_type": "mamba2", "time_step_limit": [0.0, float("inf")]})
    endless = {"rope_theta": float("inf"), "logits_scaling": float("nan"), "beta": float("-inf")}
    assert imported(PUBLISHED["llama-3.1-8b"], **endless).unused == ("beta",)
    with pytest.raises(InputError, match=r"hidden_size: found inf, allowed is a whole number"):
        imported(PUBLISHED["llama-3.1-8b"], hidden_size=float("inf"))
