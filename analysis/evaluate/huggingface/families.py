"""What a `model_type` means: the part of an architecture that its code holds and its config.json does not.

One line per type. `attention` is heads (MHA or GQA, by the head counts) or latent; `windows` and `experts` name the
rules of `analysis.evaluate.huggingface.blocks`; `must` are keys without which a row would be a guess.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """How one `model_type` is built, as far as its configuration file does not say."""

    year: int  # in which the type was published; stands in for the model's year
    attention: str = "heads"
    windows: str = "full"
    experts: str = "none"
    vectors: tuple[str, ...] = ("norms",)
    switched: dict[str, tuple[str, ...]] = field(default_factory=dict)  # vectors that a true key adds
    expert_width: str = "moe_intermediate_size"
    dense_width: str = "intermediate_size"
    shared: str = "none"  # none, count (n_shared_experts), width (shared_expert_intermediate_size), one (implicit)
    ffn: str = "gated"
    tied: bool = False
    explicit_heads: bool = False  # head_dim must stand in the file: hidden_size / heads would be wrong
    kv_default: bool = False  # key-value heads default to the query heads
    missing: tuple[str, ...] = ()  # parts that no row can hold


_ATTENTION_BIAS = {"attention_bias": ("qkv_bias", "out_bias")}
_INDEXER = (
    "sparse attention: the indexer that picks the tokens to attend to (its weights, its cached keys, its time) is not "
    "in the row, and core attention is counted over the whole context instead of the tokens picked",
)
_LATENT = {"attention": "latent", "experts": "first_dense", "shared": "count"}

FAMILIES: dict[str, Family] = {
    "gpt2": Family(
        2019,
        vectors=("norms", "norm_biases", "qkv_bias", "out_bias", "ffn_bias"),
        ffn="plain",
        tied=True,
        kv_default=True,
    ),
    "llama": Family(2023, switched=_ATTENTION_BIAS, kv_default=True),
    "mistral": Family(2023, windows="sliding"),
    "mixtral": Family(2023, windows="sliding", experts="all", expert_width="intermediate_size"),
    "olmoe": Family(
        2024,
        experts="all",
        expert_width="intermediate_size",
        vectors=("norms", "qk_norm_wide"),
        switched=_ATTENTION_BIAS,
        kv_default=True,
    ),
    "qwen2": Family(2024, windows="upper", vectors=("norms", "qkv_bias")),
    "qwen2_moe": Family(
        2024, windows="upper", experts="step", shared="width", vectors=("norms", "qkv_bias", "shared_gate")
    ),
    "qwen3": Family(2025, windows="upper", vectors=("norms", "qk_norm"), switched=_ATTENTION_BIAS, explicit_heads=True),
    "qwen3_moe": Family(
        2025,
        windows="upper",
        experts="step",
        vectors=("norms", "qk_norm"),
        switched=_ATTENTION_BIAS,
        explicit_heads=True,
    ),
    "llama4_text": Family(
        2025,
        windows="chunks",
        experts="interleaved",
        shared="one",
        switched=_ATTENTION_BIAS,
        expert_width="intermediate_size",
        dense_width="intermediate_size_mlp",
    ),
    "deepseek_v2": Family(2024, **_LATENT, vectors=("norms", "latent_norms")),
    "deepseek_v3": Family(2024, **_LATENT, vectors=("norms", "latent_norms", "router_bias")),
    "deepseek_v32": Family(2025, **_LATENT, vectors=("norms", "latent_norms", "router_bias"), missing=_INDEXER),
    "kimi_k2": Family(2025, **_LATENT, vectors=("norms", "latent_norms", "router_bias")),
    "glm4_moe": Family(
        2025,
        experts="first_dense",
        shared="count",
        vectors=("norms", "router_bias"),
        switched={"attention_bias": ("qkv_bias",), "use_qk_norm": ("qk_norm",)},
        explicit_heads=True,
    ),
    "glm4_moe_lite": Family(2026, **_LATENT, vectors=("norms", "latent_norms", "router_bias")),
    "glm_moe_dsa": Family(2026, **_LATENT, vectors=("norms", "latent_norms", "router_bias"), missing=_INDEXER),
    "gpt_oss": Family(
        2025,
        windows="alternating",
        experts="all",
        expert_width="intermediate_size",
        vectors=("norms", "qkv_bias", "out_bias", "router_bias", "expert_bias", "sinks"),
        explicit_heads=True,
    ),
    "minimax_m2": Family(
        2025,
        experts="all",
        expert_width="intermediate_size",
        vectors=("norms",),
        switched={"use_qk_norm": ("qk_norm_wide",), "use_routing_bias": ("router_bias",)},
        explicit_heads=True,
    ),
    "minimax": Family(2025, windows="listed", experts="all", expert_width="intermediate_size", explicit_heads=True),
}

WRAPPERS = {  # a configuration of several towers, whose text decoder stands under text_config
    "llama4": "llama4_text",
    "kimi_k25": "kimi_k2",
    "kimi_vl": "deepseek_v3",
}

REFUSED = {  # types whose attention or experts no row can hold: what would be missing is most of the model
    "qwen3_next": "three of four blocks use linear attention (Gated DeltaNet)",
    "qwen3_5": "three of four blocks use linear attention (Gated DeltaNet)",
    "qwen3_5_moe": "three of four blocks use linear attention (Gated DeltaNet)",
    "kimi_linear": "most blocks use linear attention (KDA)",
    "kimi_k3": "most blocks use linear attention (KDA), and experts act on a narrower latent vector",
    "minimax_text_01": "seven of eight blocks use linear (lightning) attention",
    "minimax_m1": "seven of eight blocks use linear (lightning) attention",
    "minimax_m3": "most blocks use block-sparse attention",
    "deepseek_v4": "its cache is compressed along the context, and attention is sparse",
    "nemotron_h": "most blocks are state-space layers (Mamba)",
    "jamba": "most blocks are state-space layers (Mamba)",
    "mamba": "its blocks are state-space layers",
    "mamba2": "its blocks are state-space layers",
    "longcat_flash": "a block holds two attention layers, and some experts do nothing",
    "bailing_moe_v2_5": "most blocks use linear (lightning) attention",
}

HARMLESS = frozenset(
    {  # keys that change no size
        "architectures",
        "auto_map",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "torch_dtype",
        "dtype",
        "transformers_version",
        "use_cache",
        "initializer_range",
        "rms_norm_eps",
        "layer_norm_epsilon",
        "layer_norm_eps",
        "rope_theta",
        "rope_scaling",
        "rope_parameters",
        "rope_interleave",
        "attention_dropout",
        "attn_pdrop",
        "embd_pdrop",
        "resid_pdrop",
        "hidden_dropout",
        "hidden_act",
        "activation_function",
        "hidden_activation",
        "pretraining_tp",
        "router_aux_loss_coef",
        "aux_loss_alpha",
        "seq_aux",
        "output_router_logits",
        "norm_topk_prob",
        "scoring_func",
        "topk_method",
        "topk_group",
        "n_group",
        "routed_scaling_factor",
        "ep_size",
        "model_type",
        "_name_or_path",
        "vocab_size",
        "partial_rotary_factor",
        "rotary_dim",
        "router_jitter_noise",
        "clip_qkv",
        "tie_word_embeddings",
        "text_config",
        "transformers_weights_version",
        "name_or_path",
        "task_specific_params",
        "summary_activation",
        "summary_first_dropout",
        "summary_proj_to_logits",
        "summary_type",
        "summary_use_proj",
        "scale_attn_weights",
        "reorder_and_upcast_attn",
        "scale_attn_by_inverse_layer_idx",
        "experts_per_token",
        "initial_context_length",
        "swiglu_limit",
        "attn_temperature_tuning",
        "attn_scale",
        "floor_scale",
        "use_qk_norm",
    }
)
