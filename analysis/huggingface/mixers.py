"""What blocks attend to, one entry per block: a rule for each way in which files say so.

A mixer is a name that a model type's entry in data/families.yml explains: full, window and chunk attend to all, to a
window or to a chunk of the context; linear keeps a state; others are named by their rules; none has no attention.
"""

from analysis.files.errors import InputError, choices
from analysis.huggingface.block_lists import configs, letters
from analysis.huggingface.families import Family
from analysis.huggingface.keys import Keys
from analysis.huggingface.streams import streams
from analysis.huggingface.windowed import WINDOW_KEYS, WINDOW_RULES, with_full

NONE = ""
KINDS = {"full_attention": "full", "sliding_attention": "window", "chunked_attention": "chunk"}
STATES = {"attention": "full"} | dict.fromkeys(("linear_attention", "mamba", "conv"), "linear")
"""What layer_types says where some blocks keep a state."""
PICKING = dict.fromkeys(("deepseek_sparse_attention", "indexed_attention"), "full")  # where full attention picks rows
LETTERS = {"M": "linear", "*": "full", "-": NONE, "E": NONE}  # of hybrid_override_pattern
STRIDES = {0: "local", 4: "picked", 128: "pooled"}  # of compress_ratios
OF_THEIR_OWN = ("letters", "lists", "sparse", "strides", "streams", "indexers", "configs")
"""Rules that layer_types says less than."""
REACHING = {"window": "L_win", "chunk": "chunk"}


def mixers(keys: Keys, family: Family, n_dec: int, context: int | None) -> list[tuple[str, int | None]]:
    """The mixer of every block in order, with the tokens that it keeps if not all."""
    known = _known(family)
    stated = None if family.layers in OF_THEIR_OWN else keys.sequence("layer_types", n_dec, known)
    kinds = _stated(keys, [known[name] for name in stated]) if stated else LAYER_RULES[family.layers](keys, n_dec)
    for kind in dict.fromkeys(kinds):
        _refuse_unknown(keys, family, kind, kinds.count(kind))
    reach = {kind: keys.count(size) for kind, size in REACHING.items() if kind in kinds}
    if context and any(tokens >= context for tokens in reach.values()):
        keys.infer("windows", "none", f"the window is no shorter than the longest context ({context})")
        reach = {kind: tokens for kind, tokens in reach.items() if tokens < context}
    if limited := sum(kind in reach for kind in kinds):
        keys.infer("n_win", limited, "the blocks whose attention is windowed")
    return [("full" if kind in REACHING and kind not in reach else kind, reach.get(kind)) for kind in kinds]


def _refuse_unknown(keys: Keys, family: Family, kind: str, blocks: int) -> None:
    if kind not in (NONE, "full", *REACHING, *family.mixers):
        raise InputError(
            f"{keys.place}: found {blocks} blocks of {kind} attention, allowed are {choices(('full', *REACHING))} for "
            f"a model of type {keys.model_type}; correct the type or the list of its blocks."
        )


def _known(family: Family) -> dict[str, str]:
    picks = "DSA" in family.mixer("full").attention.values()
    return KINDS | (STATES if "linear" in family.mixers else {}) | (PICKING if picks else {})


def _stated(keys: Keys, kinds: list[str]) -> list[str]:
    """Kinds of attention as layer_types lists them, which goes before the keys of older files."""
    if "window" in kinds and keys.stated("use_sliding_window") and keys.peek("use_sliding_window") is False:
        raise InputError(
            f"{keys.place}, key use_sliding_window: found false beside layer_types with sliding_attention, allowed is "
            "true there; correct one of them."
        )
    keys.touched |= WINDOW_KEYS
    return kinds


def _numbered(key: str, zero: str, one: str, absent: str | None = None):
    """A rule for a list of 0 and 1 under a key, which must be there unless it is said what all blocks are without."""

    def rule(keys: Keys, n_dec: int) -> list[str]:
        listed = keys.sequence(key, n_dec, (0, 1))
        if not listed and absent:
            return [absent] * n_dec
        if not listed:
            raise InputError(
                f"{keys.place}: found no key {key} or layer_types, allowed is either, a list with an entry for each "
                f"of {n_dec} blocks, because this model type mixes two kinds of attention; add it."
            )
        return [one if each else zero for each in listed]

    return rule


def _interval(keys: Keys, n_dec: int) -> list[str]:
    """Qwen3-Next: every full_attention_interval-th block has a cache, the others a state."""
    return with_full(n_dec, keys.count("full_attention_interval"), "linear")


def _period(keys: Keys, n_dec: int) -> list[str]:
    """Jamba: one block of each attn_layer_period attends."""
    every, offset = keys.count("attn_layer_period"), keys.count("attn_layer_offset", least=0)
    return ["full" if number % every == offset else "linear" for number in range(n_dec)]


def _attending(keys: Keys, n_dec: int) -> list[str]:
    """Bamba: the numbers of blocks that attend, none of which the others do."""
    numbers = keys.positions("attn_layer_indices", n_dec)
    named = keys.ask_list("attn_layer_indices", n_dec) if numbers is None else set(numbers)
    return ["full" if number in named else "linear" for number in range(n_dec)]


def _lists(keys: Keys, n_dec: int) -> list[str]:
    """Kimi: two lists of block numbers, counted from 1, that hold every block once between them."""
    names = {"linear": "linear_attn_config.kda_layers", "full": "linear_attn_config.full_attn_layers"}
    found = {kind: keys.positions(name, n_dec + 1) or [] for kind, name in names.items()}
    placed = {number: kind for kind, numbers in found.items() for number in numbers}
    if sorted(number for numbers in found.values() for number in numbers) != list(range(1, n_dec + 1)):
        raise InputError(
            f"{keys.place}, keys {choices(names.values())}: found {len(found['linear'])} and {len(found['full'])} "
            f"block numbers, allowed are lists that hold each number from 1 to {n_dec} once; correct them."
        )
    return [placed[number + 1] for number in range(n_dec)]


def _strides(keys: Keys, n_dec: int) -> list[str]:
    """DeepSeek-V4: tokens that a compressed row stands for; 0 keeps the rows of the window alone."""
    listed = keys.sequence("compress_ratios", n_dec, tuple(STRIDES))
    return [STRIDES[stride] for stride in listed] if listed else keys.ask_list("compress_ratios", n_dec)


def _indexers(keys: Keys, n_dec: int) -> list[str]:
    """GLM-5: blocks without an indexer use what the last one before them picked."""
    keys.sequence("layer_types", n_dec, PICKING)
    listed = keys.sequence("indexer_types", n_dec, ("full", "shared")) or ["full"] * n_dec
    if listed[0] == "shared":
        raise InputError(
            f"{keys.place}, key indexer_types: found shared in the first block, allowed is full, because no block "
            "before it picks any rows; correct it."
        )
    return listed


LAYER_RULES = {
    **WINDOW_RULES,
    "listed": _numbered("attn_type_list", "linear", "full"),
    "softmax": _numbered("attn_type_list", "linear", "full", absent="full"),
    "hybrid": _numbered("hybrid_layer_pattern", "full", "window"),
    "sparse": _numbered("sparse_attention_config.sparse_attention_freq", "full", "sparse"),
    "interval": _interval,
    "period": _period,
    "stated": lambda keys, n_dec: keys.ask_list("layer_types", n_dec),
    "attending": _attending,
    "lists": _lists,
    "letters": lambda keys, n_dec: [LETTERS[letter] for letter in letters(keys, n_dec)],
    "strides": _strides,
    "streams": streams,
    "indexers": _indexers,
    "configs": lambda keys, n: [NONE if each["attention"].get("no_op") else "full" for each in configs(keys, n)],
}
