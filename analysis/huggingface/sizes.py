"""The sizes of a model row out of a configuration's keys: one function per part of the decoder."""

from analysis.data.model_row import EXPERT_COLUMNS
from analysis.derive.attention import GQA, MHA, MLA, MLA_direct
from analysis.files.errors import InputError
from analysis.huggingface.families import Family
from analysis.huggingface.keys import Keys

LATENT = ("d_KVco", "d_nope", "d_RoPE", "d_v")


def attention_sizes(keys: Keys, family: Family, d_emb: int) -> dict:
    """Attention mechanism, heads and their dimensions. Raises InputError for sizes that a guess would have to fill."""
    n_hd = keys.count("n_hd")
    return {"n_hd": n_hd} | (_latent(keys) if family.attention == "latent" else _heads(keys, family, d_emb, n_hd))


def _latent(keys: Keys) -> dict:
    keys.touched |= {"num_key_value_heads", "head_dim", "qk_head_dim"}  # copies of other sizes, not the cache's heads
    sizes = {name: keys.count(name) for name in LATENT}
    if sizes["d_nope"] == sizes["d_v"]:
        sizes["d_hd"] = keys.infer("d_hd", sizes["d_v"], "qk_nope_head_dim and v_head_dim agree")
    rank = keys.count("d_Qco", null=0, least=0)
    if not rank:
        keys.infer("attention", MLA_direct.name, "q_lora_rank is null or 0: queries are not compressed")
        return {"attention": MLA_direct.name, **sizes}
    keys.infer("attention", MLA.name, "the model type, with q_lora_rank above 0")
    return {"attention": MLA.name, "d_Qco": rank, **sizes}


def _heads(keys: Keys, family: Family, d_emb: int, n_hd: int) -> dict:
    n_kv = KV_HEADS[family.kv_heads](keys, n_hd)
    name = MHA.name if n_kv == n_hd else GQA.name
    kind = keys.infer("attention", name, f"{n_kv} key-value heads for {n_hd} query heads")
    return {"attention": kind, "n_kv": n_kv, "d_hd": _head_dimension(keys, d_emb, n_hd)}


def _stated(keys: Keys, n_hd: int) -> int:
    n_kv = keys.count("n_kv", null=None)
    return n_kv or keys.infer("n_kv", n_hd, f"no {keys.spellings('n_kv')[0]}: as many as query heads")


def _query(keys: Keys, n_hd: int) -> int:
    return keys.infer("n_kv", n_hd, "the model type has as many as query heads")


def _falcon(keys: Keys, n_hd: int) -> int:
    """Falcon says how many in its new architecture; before that one for all query heads, or one for each."""
    new, one = (keys.flag(key, key) for key in ("new_decoder_architecture", "multi_query"))
    if new:
        return _stated(keys, n_hd)
    keys.touched.add("num_kv_heads")
    return keys.infer("n_kv", 1 if one else n_hd, f"the older architecture, multi_query {str(one).lower()}")


KV_HEADS = {"stated": _stated, "query": _query, "falcon": _falcon}


def _head_dimension(keys: Keys, d_emb: int, n_hd: int) -> int:
    given = keys.count("d_hd", null=None)
    if given is not None:
        return given
    if d_emb % n_hd:
        raise InputError(
            f"{keys.place}: found no key head_dim (for d_hd), allowed is a whole number, because here "
            "hidden_size / num_attention_heads is not it; add the key."
        )
    return keys.infer("d_hd", d_emb // n_hd, "no head_dim: hidden_size / num_attention_heads")


def feedforward_sizes(keys: Keys, family: Family, d_emb: int, dense: int, routed: int) -> dict:
    """Widths of the dense layers and the experts, as far as there are blocks of either kind."""
    sizes = {"ffn": family.ffn, "n_moe": routed}
    if dense:
        sizes["d_FFN"] = _dense_width(keys, d_emb)
    elif keys.spellings("d_FFN") != keys.spellings("d_MoE") and keys.peek(keys.spellings("d_FFN")[0]) is not None:
        keys.infer("d_FFN", "none", f"every block has experts: {keys.spellings('d_FFN')[0]} is not used")
    return sizes | (_experts(keys, family) if routed else _no_experts(keys, family))


def _dense_width(keys: Keys, d_emb: int) -> int:
    width = keys.count_if_any("d_FFN")
    return width or keys.infer("d_FFN", 4 * d_emb, f"no {keys.spellings('d_FFN')[0]}: four times the hidden size")


def _experts(keys: Keys, family: Family) -> dict:
    experts = {name: keys.count(name) for name in ("d_MoE", "n_e", "n_k")}
    n_shared, d_shared = SHARED[family.shared](keys, experts["d_MoE"])
    return experts | {"n_shared": n_shared, "d_shared": d_shared}


def _no_experts(keys: Keys, family: Family) -> dict:
    """A type with experts, of which no block has any: their sizes are read past."""
    if family.experts != "none":
        for name in EXPERT_COLUMNS:
            keys.touched.update(keys.spellings(name))
        keys.infer("n_moe", 0, "no block has experts: the keys of experts are not used")
    return {}


def _shared_none(keys: Keys, d_MoE: int) -> tuple[int, int]:
    keys.infer("n_shared", 0, "the model type has no shared expert")
    return 0, 0


def _shared_one(keys: Keys, d_MoE: int) -> tuple[int, int]:
    keys.infer("n_shared", 1, "the model type has one shared expert, as wide as a routed one")
    return 1, d_MoE


def _shared_width(keys: Keys, d_MoE: int) -> tuple[int, int]:
    width = keys.count("d_shared", null=0, least=0)
    return int(width > 0), width


def _shared_count(keys: Keys, d_MoE: int) -> tuple[int, int]:
    number = keys.count("n_shared", null=0, least=0)
    keys.infer("d_shared", number * d_MoE, "n_shared times the width of an expert")
    return number, number * d_MoE


SHARED = {"none": _shared_none, "one": _shared_one, "width": _shared_width, "count": _shared_count}


def vectors(keys: Keys, family: Family, attention: str) -> list[str]:
    """Groups of norms and biases that the model carries."""
    added = [groups for condition, groups in family.switched.items() if keys.holds(condition)]
    names = " ".join([family.vectors, *added]).split()
    if attention == MLA_direct.name:
        names = [DIRECT.get(name, name) for name in names]
    keys.infer("vectors", " ".join(names), "the model type")
    return names


DIRECT = {"latent_norms": "latent_norm_kv", "latent_biases": "latent_bias_kv"}
