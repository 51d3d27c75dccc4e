"""The sizes of a model's parts out of a configuration's keys: those that the lines of its mechanisms name."""

from analysis.data.kind_of_block import mechanism_columns
from analysis.data.lines import mechanisms
from analysis.derive.attention import GQA, MHA, MLA, MLA_direct
from analysis.files.errors import InputError
from analysis.huggingface.families import Family, Mixer
from analysis.huggingface.halves import DENSE, NONE
from analysis.huggingface.keys import Keys

ADJUSTED = "block_auto_adjust_ff_dim"  # the key of LFM2 that makes of a width two thirds
FACTORS = {"mamba_expand"}  # keys that say a size in multiples of the hidden size
LATENT = ("d_KVco", "d_nope", "d_RoPE", "d_v")


def mixing(keys: Keys, family: Family, mixer: Mixer, own: dict[str, int]) -> tuple[str, dict[str, int]]:
    """The mechanism of a mixer and the sizes that it reads, `own` ones before those of the configuration.

    Raises InputError for sizes that a guess would have to fill.
    """
    name = next(name for condition, name in mixer.attention.items() if not condition or keys.holds(condition))
    if name == "heads":
        sizes = {size: _size(keys, family, size, own) for size in ("n_hd", "n_kv", "d_hd")}
        name = keys.infer("attention", *_by_heads(sizes))
    elif name == "latent":
        name, sizes = _latent(keys)
    else:
        keys.infer("attention", name, "the model type")
        cut = ("L_cut",) if "L_cut" in family.keys and mechanisms()[name].prompt else ()
        columns = [*mechanism_columns(name), *cut]
        sizes = {size: _size(keys, family, size, mixer.sizes | own) for size in columns}
    return name, {size: found for size, found in sizes.items() if size != "d_emb"}


def _by_heads(sizes: dict[str, int]) -> tuple[str, str]:
    name = MHA.name if sizes["n_kv"] == sizes["n_hd"] else GQA.name
    return name, f"{sizes['n_kv']} key-value heads for {sizes['n_hd']} query heads"


def _size(keys: Keys, family: Family, name: str, given: dict[str, int]) -> int:
    if name in given:
        return given[name]
    if name == "n_kv":
        return KV_HEADS[family.kv_heads](keys, keys.count("n_hd"))
    if set(keys.spellings(name)) & FACTORS:
        factor, d_emb = keys.count(name), keys.count("d_emb")
        return keys.infer(name, factor * d_emb, f"{keys.spellings(name)[0]} times the hidden size")
    return _head_dimension(keys) if name == "d_hd" else keys.count(name)


def _latent(keys: Keys) -> tuple[str, dict[str, int]]:
    keys.touched |= {"num_key_value_heads", "head_dim", "qk_head_dim"}  # copies of other sizes, not the cache's heads
    sizes = {name: keys.count(name) for name in ("n_hd", *LATENT)}
    if sizes["d_nope"] == sizes["d_v"]:
        sizes["d_hd"] = keys.infer("d_hd", sizes["d_v"], "qk_nope_head_dim and v_head_dim agree")
    rank = keys.count("d_Qco", null=0, least=0)
    if not rank:
        keys.infer("attention", MLA_direct.name, "q_lora_rank is null or 0: queries are not compressed")
        return MLA_direct.name, sizes
    keys.infer("attention", MLA.name, "the model type, with q_lora_rank above 0")
    return MLA.name, sizes | {"d_Qco": rank}


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


def _head_dimension(keys: Keys) -> int:
    given = keys.count("d_hd", null=None)
    if given is not None:
        return given
    d_emb, n_hd = keys.count("d_emb"), keys.count("n_hd")
    if d_emb % n_hd:
        raise InputError(
            f"{keys.place}: found no key head_dim (for d_hd), allowed is a whole number, because here "
            "hidden_size / num_attention_heads is not it; add the key."
        )
    return keys.infer("d_hd", d_emb // n_hd, "no head_dim: hidden_size / num_attention_heads")


# -- the feed-forward half -----------------------------------------------------------------------
def feeding(keys: Keys, family: Family, half: str, own: dict[str, int]) -> dict[str, int]:
    """The sizes of a feed-forward half, `own` ones before those of the configuration."""
    if half == NONE:
        return {}
    if half == DENSE:
        return {"d_FFN": own.get("d_FFN") or _dense_width(keys)}
    sizes = {name: keys.count(name) for name in ("d_MoE", "n_e", "n_k")}
    n_shared, d_shared = SHARED[family.shared](keys, sizes["d_MoE"])
    known = any(key in family.defaults for key in keys.spellings("d_z"))
    width = keys.count("d_z", null=0, least=0) if known else 0
    return sizes | {"n_shared": n_shared, "d_shared": d_shared} | ({"d_z": width} if width else {})


def _dense_width(keys: Keys) -> int:
    width = keys.count_if_any("d_FFN")
    if ADJUSTED in keys.family.defaults and keys.flag(ADJUSTED, ADJUSTED):
        step, width = keys.count("block_multiple_of"), 2 * width // 3
        return keys.infer("d_FFN", -(-width // step) * step, f"two thirds, in multiples of {step}, as {ADJUSTED} says")
    return width or keys.infer(
        "d_FFN", 4 * keys.count("d_emb"), f"no {keys.spellings('d_FFN')[0]}: four times the hidden size"
    )


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


def _shared_beside(keys: Keys, d_MoE: int) -> tuple[int, int]:
    """A dense layer that every token passes beside the experts, which is what a shared expert is."""
    return 1, keys.infer("d_shared", keys.count("d_FFN"), "the dense layer beside the experts")


SHARED = {
    "none": _shared_none,
    "one": _shared_one,
    "width": _shared_width,
    "count": _shared_count,
    "beside": _shared_beside,
}
