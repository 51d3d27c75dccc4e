"""Eq. 10, cache sizes and parameter counts as printed or published, typed here as oracles."""

import pytest
from sympy import Max, Rational, simplify

from analysis.derive import roofline
from analysis.derive.block import Architecture, Conventions
from analysis.derive.decoder import (
    active_parameters,
    attention_parameters,
    block_counts,
    feedforward_parameters,
    kv_bytes_per_block,
    kv_bytes_per_token,
    parameters,
    token_bytes,
    weight_bytes_per_block,
)
from analysis.derive.symbols import (
    BY_NAME,
    B,
    Gamma_imb,
    RP_acc,
    T_e,
    d_emb,
    d_hd,
    d_KVco,
    d_MoE,
    deg_DP,
    l,
    n_act,
    n_e,
    n_hd,
    n_k,
    n_kv,
    width_activations,
    width_kv,
    width_weights,
)
from analysis.derive.vectors import vector_elements

EQ_10 = {width_weights: 2, width_activations: 2, l: 1, Gamma_imb: 1}


def sizes(**values: int) -> dict:
    return {BY_NAME[name]: value for name, value in values.items()}


TWO_BYTES = sizes(width_kv=2, width_weights=2, width_activations=2)
R1 = sizes(
    n_dec=61,
    n_moe=58,
    d_emb=7168,
    n_vocab=129280,
    n_ctx=0,
    n_hd=128,
    d_nope=128,
    d_v=128,
    d_RoPE=64,
    d_Qco=1536,
    d_KVco=512,
    d_FFN=18432,
    d_MoE=2048,
    d_shared=2048,
    n_e=256,
    n_k=8,
)
DEEPSEEK = Architecture("MLA", dense=True, experts=True, shared=True, vectors=("norms", "latent_norms", "router_bias"))
GPT = Architecture("MHA", "plain", tied=True, vectors=("norms", "norm_biases", "qkv_bias", "out_bias", "ffn_bias"))
GPT3 = sizes(n_dec=96, d_emb=12288, n_hd=96, n_kv=96, d_hd=128, d_FFN=49152, n_vocab=50257, n_ctx=2048)
GPT2 = sizes(n_dec=12, d_emb=768, n_hd=12, n_kv=12, d_hd=64, d_FFN=3072, n_vocab=50257, n_ctx=1024)
LLAMA = Architecture("GQA", vectors=("norms",))
LLAMA_8B = sizes(n_dec=32, d_emb=4096, n_kv=8, deg_grp=4, d_hd=128, d_FFN=14336, n_vocab=128256, n_ctx=0)
MIXTRAL = Architecture("GQA", dense=False, experts=True, vectors=("norms",))
MIXTRAL_8X7B = sizes(
    n_dec=32, n_moe=32, d_emb=4096, n_kv=8, deg_grp=4, d_hd=128, d_MoE=14336, n_e=8, n_k=2, n_vocab=32000, n_ctx=0
)


def test_eq_10_at_two_byte_weights():
    assert roofline.B_attn().subs(EQ_10) == RP_acc * deg_DP
    assert roofline.B_MoE().subs(EQ_10) == RP_acc * n_e / n_k
    assert roofline.B_RP().subs(EQ_10) == Max(RP_acc * deg_DP, RP_acc * n_e / n_k)
    assert roofline.B_RP(experts=False) == roofline.B_attn()


def test_eq_10_counts_weights_alone():
    """At B_MoE the expert has reached the ridge with its weights' bytes, and not yet with its activations'."""
    at_batch = roofline.expert().intensity.subs(EQ_10).subs(sizes(deg_EP=1, n_acc=1))
    assert simplify(1 / at_batch.subs(B, roofline.B_MoE().subs(EQ_10)) - 1 / RP_acc - 1 / (3 * d_MoE / 2)) == 0


def test_the_exact_knee_of_an_expert():
    """With activations charged, T tokens have intensity 3 T d_MoE / (3 d_MoE + 2 T) at 2 bytes; solved for T here."""
    knee = roofline.B_MoE(activations=True).subs(EQ_10)
    tokens = 3 * RP_acc * d_MoE / (3 * d_MoE - 2 * RP_acc)
    assert simplify(knee - tokens * n_e / n_k) == 0
    assert knee.subs(sizes(RP_acc=300, d_MoE=2048, n_e=256, n_k=8)) == Rational(3 * 300 * 2048 * 32, 6144 - 600)


def test_the_intensity_of_one_expert():
    alone = roofline.expert()
    per_token = sizes(B=1, l=1, n_k=1, n_e=1, deg_EP=1, n_acc=1, Gamma_imb=1)
    assert alone.flops.subs(per_token) == 6 * d_emb * d_MoE
    assert not {n_act, T_e} & (alone.flops.free_symbols | alone.bytes.free_symbols)


@pytest.mark.parametrize(
    ("architecture", "point", "expected"),
    [
        (GPT, GPT3, 96 * 12288 * 2 * 2),
        (GPT, GPT3, Rational(9, 2) * 2**20),
        (DEEPSEEK, R1, 70272),
        (Architecture("GQA"), sizes(n_dec=48, n_kv=8, d_hd=128), 48 * 2 * 1024 * 2),
    ],
)
def test_cache_bytes_per_token(architecture, point, expected):
    assert kv_bytes_per_token(architecture).subs(TWO_BYTES | point) == expected


def test_cache_bytes_in_symbols():
    assert simplify(kv_bytes_per_block(Architecture("MHA")) - 2 * n_hd * d_hd * width_kv) == 0
    assert simplify(kv_bytes_per_block(Architecture("GQA")) - 2 * n_kv * d_hd * width_kv) == 0
    assert kv_bytes_per_block(Architecture("MLA"), Conventions(rope="out")) == d_KVco * width_kv
    assert token_bytes() == d_emb * width_activations


def gpt_by_hand(blocks: int, hidden: int, positions: int, vocabulary: int = 50257) -> int:
    """12 h^2 + 13 h per block (four square matrices, two of 4 h, their biases, two norms), embeddings, last norm."""
    return blocks * (12 * hidden**2 + 13 * hidden) + (vocabulary + positions) * hidden + 2 * hidden


@pytest.mark.parametrize(
    ("architecture", "point", "expected"),
    [
        (DEEPSEEK, R1, 671_026_419_200),
        (GPT, GPT3, gpt_by_hand(96, 12288, 2048)),
        (GPT, GPT2, 124_439_808),
        (LLAMA, LLAMA_8B, 8_030_261_248),
        (MIXTRAL, MIXTRAL_8X7B, 46_702_792_704),
    ],
    ids=["DeepSeek-V3", "GPT-3", "GPT-2 small", "Llama 3.1 8B", "Mixtral 8x7B"],
)
def test_parameters_to_the_last_one(architecture, point, expected):
    assert parameters(architecture).subs(point) == expected


def test_active_parameters_leave_out_idle_experts_and_the_input_embedding():
    idle, expert, embedding = 58 * (256 - 8), 3 * 7168 * 2048, 129280 * 7168
    active = active_parameters(DEEPSEEK).subs(R1)
    assert active == 671_026_419_200 - idle * expert - embedding
    assert round(active / 1e9) == 37
    assert active_parameters(DEEPSEEK, embedding=True).subs(R1) == active + embedding


def test_a_tied_head_is_counted_once():
    untied = Architecture("MHA", "plain", vectors=GPT.vectors)
    head = 50257 * 12288
    assert parameters(untied).subs(GPT3) == parameters(GPT).subs(GPT3) + head
    assert active_parameters(GPT).subs(GPT3) == parameters(GPT).subs(GPT3) - 2048 * 12288
    assert active_parameters(untied, embedding=True).subs(GPT3) == parameters(untied).subs(GPT3)


def test_weights_of_one_r1_block_by_hand():
    """The eight matrices of the paper's list, in elements."""
    by_hand = 7168 * 1536 + 7168 * 512 + 1536 * 16384 + 2 * 512 * 16384 + 1536 * 128 * 64 + 7168 * 64 + 16384 * 7168
    assert attention_parameters(DEEPSEEK).subs(R1) == by_hand
    weights = weight_bytes_per_block(DEEPSEEK)
    assert weights["attention"].subs(TWO_BYTES | R1) == 2 * by_hand
    assert weights["routed"].subs(TWO_BYTES | R1) == 2 * 256 * 3 * 7168 * 2048
    assert feedforward_parameters(DEEPSEEK, n_k)["routed"].subs(R1) == 8 * 3 * 7168 * 2048


def test_blocks_by_stage_add_up():
    counts = {stage: blocks.subs(R1) for stage, blocks in block_counts(DEEPSEEK).items()}
    assert counts == {"dense": 3, "routed": 58, "shared": 58, "router": 58}
    assert block_counts(GPT)["routed"] == 0


@pytest.mark.parametrize(
    ("vector", "attention", "elements"),
    [
        ("norms", "MLA", (2 * 61 + 1) * 7168),
        ("norm_biases", "MLA", (2 * 61 + 1) * 7168),
        ("one_norm", "GQA", (61 + 1) * 7168),
        ("one_norm_bias", "GQA", (61 + 1) * 7168),
        ("bare_norms", "GQA", 0),
        ("post_norms", "GQA", 2 * 61 * 7168),
        ("embedding_norm", "GQA", 2 * 7168),
        ("latent_norms", "MLA", 61 * (1536 + 512)),
        ("latent_biases", "MLA", 61 * (1536 + (512 + 64) + 7168)),
        ("latent_bias_kv", "MLA", 61 * ((512 + 64) + 7168)),
        ("latent_norm_kv", "MLA", 61 * 512),
        ("qk_norm", "GQA", 61 * 2 * 128),
        ("qk_norm_biases", "GQA", 61 * 2 * 128),
        ("qk_norm_wide", "GQA", 61 * (128 + 4) * 128),
        ("qkv_bias", "GQA", 61 * (128 + 4 + 4) * 128),
        ("out_bias", "GQA", 61 * 7168),
        ("ffn_bias", "GQA", 3 * (18432 + 7168)),
        ("gated_ffn_bias", "GQA", 3 * (18432 + 18432 + 7168)),
        ("head_bias", "GQA", 129280),
        ("router_bias", "GQA", 58 * 256),
        ("expert_bias", "GQA", 58 * 256 * (2048 + 2048 + 7168)),
        ("shared_gate", "GQA", 58 * 7168),
        ("sinks", "GQA", 61 * 128),
    ],
)
def test_vectors_by_hand(vector, attention, elements):
    architecture = Architecture(attention, experts=True, vectors=(vector,))
    assert vector_elements(architecture).subs(R1 | sizes(n_kv=4, d_hd=128)) == elements
