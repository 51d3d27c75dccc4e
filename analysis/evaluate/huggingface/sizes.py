"""The sizes of a model row out of a configuration's keys: one function per part of the decoder."""

from analysis.errors import InputError
from analysis.evaluate.huggingface.families import Family
from analysis.evaluate.huggingface.keys import Keys

BITS = {"fp8": 8, "fbgemm_fp8": 8, "mxfp4": 4.25}  # mxfp4: half a byte and an 8-bit scale per 32 elements


def attention_sizes(keys: Keys, family: Family, d_emb: int) -> dict:
    """Attention mechanism, heads and their dimensions. Raises InputError for sizes that a guess would have to fill."""
    n_hd = keys.count("n_hd", "num_attention_heads", "n_head")
    return {"n_hd": n_hd} | (_latent(keys) if family.attention == "latent" else _heads(keys, family, d_emb, n_hd))


def _latent(keys: Keys) -> dict:
    keys.touched |= {"num_key_value_heads", "head_dim", "qk_head_dim"}  # copies of other sizes, not the cache's heads
    names = {"d_KVco": "kv_lora_rank", "d_nope": "qk_nope_head_dim", "d_RoPE": "qk_rope_head_dim", "d_v": "v_head_dim"}
    sizes = {name: keys.count(name, key) for name, key in names.items()}
    if sizes["d_nope"] == sizes["d_v"]:
        sizes["d_hd"] = keys.infer("d_hd", sizes["d_v"], "qk_nope_head_dim and v_head_dim agree")
    rank = keys.peek("q_lora_rank")
    if rank in (None, 0) and not isinstance(rank, bool):
        keys.infer("attention", "MLA_direct", "q_lora_rank is null, 0 or absent: queries are not compressed")
        return {"attention": "MLA_direct", **sizes}
    keys.infer("attention", "MLA", "the model type, with q_lora_rank above 0")
    return {"attention": "MLA", "d_Qco": keys.count("d_Qco", "q_lora_rank"), **sizes}


def _heads(keys: Keys, family: Family, d_emb: int, n_hd: int) -> dict:
    n_kv = keys.count("n_kv", "num_key_value_heads", default=n_hd if family.kv_default else None)
    if n_kv is None:
        raise InputError(
            f"{keys.place}: found no key num_key_value_heads (for n_kv), allowed is a whole number from 1; add it."
        )
    if not keys.stated("num_key_value_heads") or keys.peek("num_key_value_heads") is None:
        keys.infer("n_kv", n_kv, "num_key_value_heads is absent: as many as query heads")
    kind = keys.infer("attention", "MHA" if n_kv == n_hd else "GQA", f"{n_kv} key-value heads for {n_hd} query heads")
    return {"attention": kind, "n_kv": n_kv, "d_hd": _head_dimension(keys, family, d_emb, n_hd)}


def _head_dimension(keys: Keys, family: Family, d_emb: int, n_hd: int) -> int:
    given = keys.count("d_hd", "head_dim", default=None)
    if given is not None:
        return given
    if family.explicit_heads or d_emb % n_hd:
        raise InputError(
            f"{keys.place}: found no key head_dim (for d_hd), allowed is a whole number, because here "
            "hidden_size / num_attention_heads is not it; add the key."
        )
    return keys.infer("d_hd", d_emb // n_hd, "head_dim is absent: hidden_size / num_attention_heads")


def feedforward_sizes(keys: Keys, family: Family, d_emb: int, dense: int, routed: int) -> dict:
    """Widths of the dense layers and the experts, as far as there are blocks of either kind."""
    sizes = {"ffn": family.ffn, "n_moe": routed}
    if dense:
        sizes["d_FFN"] = _dense_width(keys, family, d_emb)
    elif family.dense_width != family.expert_width and keys.peek(family.dense_width) is not None:
        keys.infer("d_FFN", "none", f"every block has experts: {family.dense_width} is not used")
    return sizes | (_experts(keys, family) if routed else {})


def _dense_width(keys: Keys, family: Family, d_emb: int) -> int:
    if family.ffn == "plain":
        inner = keys.count("d_FFN", "n_inner", "intermediate_size", default=None)
        return inner or keys.infer("d_FFN", 4 * d_emb, "n_inner is null or absent: four times n_embd")
    return keys.count("d_FFN", family.dense_width)


def _experts(keys: Keys, family: Family) -> dict:
    d_MoE = keys.count("d_MoE", family.expert_width)
    experts = {
        "d_MoE": d_MoE,
        "n_e": keys.count("n_e", "n_routed_experts", "num_experts", "num_local_experts"),
        "n_k": keys.count("n_k", "num_experts_per_tok", "experts_per_token"),
    }
    n_shared, d_shared = _shared(keys, family, d_MoE)
    return experts | {"n_shared": n_shared, "d_shared": d_shared}


def _shared(keys: Keys, family: Family, d_MoE: int) -> tuple[int, int]:
    """Shared experts and their summed width."""
    if family.shared == "one":
        keys.infer("n_shared", 1, "the model type has one shared expert, as wide as a routed one")
        return 1, d_MoE
    if family.shared == "width":
        width = keys.count("d_shared", "shared_expert_intermediate_size", least=0)
        return int(width > 0), width
    if family.shared == "count":
        absent = not keys.stated("n_shared_experts") or keys.peek("n_shared_experts") is None
        number = 0 if absent else keys.count("n_shared", "n_shared_experts", least=0)
        keys.infer("d_shared", number * d_MoE, "n_shared_experts times the width of an expert")
        return number, number * d_MoE
    if keys.peek("shared_intermediate_size"):
        width = keys.count("d_shared", "shared_intermediate_size")
        return 1, width
    keys.infer("n_shared", 0, "the model type has no shared expert")
    return 0, 0


def vectors(keys: Keys, family: Family, latent_queries: bool) -> list[str]:
    """Groups of norms and biases that the model carries."""
    names = [name if latent_queries or name != "latent_norms" else "latent_norm_kv" for name in family.vectors]
    for key, added in family.switched.items():
        names += added if keys.flag(key, key, False) else ()
    keys.infer("vectors", " ".join(names), "the model type")
    return names


def weight_width(keys: Keys) -> float | None:
    """Bytes of a quantised weight, as far as the file says so; None where it does not."""
    said = keys.peek("quantization_config")
    if not isinstance(said, dict):
        return None
    method = said.get("quant_method")
    bits = BITS.get(method) if isinstance(method, str) else None
    groups = said.get("config_groups")
    if bits is None and isinstance(groups, dict):
        weights = [group.get("weights") for group in groups.values() if isinstance(group, dict)]
        stated = [each.get("num_bits") for each in weights if isinstance(each, dict)]
        bits = stated[0] if stated and stated[0] in (4, 8) else None
    return bits / 8 if bits else None
