"""What a `model_type` means, as data/families.yml says: one entry per type of text decoder."""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Self

import yaml

from analysis.data.datasets import DATA

FILE = DATA / "families.yml"
ADDED = ("keys", "defaults", "only", "mixers")  # what an entry adds to the one that it is like
ASK = "ASK"  # in the place of a default: there is none, the file must say it


SPELLINGS = {  # of a size, in every model type whose entry names no others
    "d_emb": ("hidden_size", "n_embd", "n_embed"),
    "n_dec": ("num_hidden_layers", "n_layer"),
    "n_hd": ("num_attention_heads", "n_head"),
    "n_kv": ("num_key_value_heads", "num_kv_heads"),
    "d_hd": ("head_dim",),
    "d_Qco": ("q_lora_rank",),
    "d_KVco": ("kv_lora_rank",),
    "d_nope": ("qk_nope_head_dim",),
    "d_RoPE": ("qk_rope_head_dim",),
    "d_v": ("v_head_dim",),
    "h_I": ("index_n_heads",),
    "d_I": ("index_head_dim",),
    "L_top": ("index_topk",),
    "n_og": ("o_groups",),
    "d_oco": ("o_lora_rank",),
    "n_res": ("hc_mult",),
    "n_v": ("linear_num_value_heads",),
    "n_qk": ("linear_num_key_heads",),
    "d_k": ("linear_key_head_dim",),
    "d_s": ("linear_value_head_dim",),
    "n_tap": ("linear_conv_kernel_dim",),
    "d_FFN": ("intermediate_size",),
    "d_MoE": ("moe_intermediate_size",),
    "d_z": ("moe_latent_size", "routed_expert_hidden_size"),
    "n_e": ("n_routed_experts", "num_experts", "num_local_experts", "num_routed_experts", "moe_num_experts"),
    "n_k": ("num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_k", "moe_topk"),
    "n_shared": ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts"),
    "d_shared": ("shared_expert_intermediate_size", "shared_intermediate_size", "share_expert_dim"),
    "L_win": ("sliding_window", "sliding_window_size"),
    "chunk": ("attention_chunk_size",),
    "first_k_dense_replace": ("first_k_dense_replace",),  # dense blocks before those with experts
    "n_vocab": ("vocab_size",),
    "context_max": ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "model_max_length"),
}


@dataclass(frozen=True)
class Mixer:
    """How blocks of one kind mix tokens, where it differs from the rest of their family.

    `attention` is a mechanism's name, or heads (MHA or GQA, by the head counts) or latent (MLA, with or without
    compressed queries), each under the condition on keys that it has; `sizes` are those that no key says.
    """

    attention: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    vectors: str = ""
    switched: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: "dict | str") -> Self:
        """A mixer as the file writes it: a mechanism's name, or what differs by name.

        >>> Mixer.of("GDN").attention
        {'': 'GDN'}
        """
        given = entry if isinstance(entry, dict) else {"attention": entry}
        kinds = given.get("attention", {})
        return cls(**given | {"keys": _spelled(given), "attention": kinds if isinstance(kinds, dict) else {"": kinds}})


@dataclass(frozen=True)
class Family:
    """How one `model_type` is built, as far as its configuration file does not say."""

    year: int
    attention: str = "heads"
    kv_heads: str = "stated"
    layers: str = "full"
    experts: str = "none"
    shared: str = "none"
    ffn: str = "gated"
    positions: int | None = None
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: dict[str, object] = field(default_factory=dict)
    vectors: str = ""
    switched: dict[str, str] = field(default_factory=dict)
    mixers: dict[str, Mixer] = field(default_factory=dict)
    halves: dict[str, str] = field(default_factory=dict)
    only: dict[str, object] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    omits: dict[str, str] = field(default_factory=dict)

    def mixer(self, name: str) -> Mixer:
        """How blocks of a kind mix tokens: as the family says for it, else as its attention is."""
        own = self.mixers.get(name, Mixer())
        return own if own.attention else replace(own, attention={"": self.attention})


def _spelled(entry: dict) -> dict[str, tuple[str, ...]]:
    return {symbol: tuple(keys.split()) for symbol, keys in entry.get("keys", {}).items()}


def _entry(entries: dict[str, dict], name: str) -> dict:
    own = entries[name]
    base = _entry(entries, own["like"]) if "like" in own else {}
    sums = {part: base.get(part, {}) | own[part] for part in ADDED if part in own}
    sums["ignored"] = [*base.get("ignored", ()), *own.get("ignored", ())]
    return base | own | sums


def _family(entry: dict) -> Family:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    values["defaults"] = {key: value for key, value in entry.get("defaults", {}).items() if value != ASK}
    values["keys"] = _spelled(entry)
    values["mixers"] = {name: Mixer.of(each) for name, each in entry.get("mixers", {}).items()}
    return Family(**{name: value for name, value in values.items() if name != "like"})


@cache
def _file() -> dict:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@cache
def families() -> dict[str, Family]:
    """Every known type of text decoder.

    >>> families()["qwen3"].defaults["head_dim"]
    128
    """
    entries = _file()["families"]
    return {name: _family(_entry(entries, name)) for name in entries}


def wrappers() -> dict[str, str]:
    """Types of several towers, with the type of the text decoder where the file leaves it out."""
    return _file()["wrappers"]


def refused() -> dict[str, str]:
    """Types that no row can hold, and why."""
    return _file()["refused"]


@cache
def harmless() -> frozenset[str]:
    """Keys that change no size in any type."""
    return frozenset(_file()["harmless"].split())


@cache
def parts() -> frozenset[str]:
    """Words of which one in a key says that it speaks of a part of the model."""
    return frozenset(_file()["parts"].split())
