"""Which blocks attend to everything, which within a window or a chunk: a rule for each way in which files say so."""

from analysis.files.errors import InputError
from analysis.files.text import shown
from analysis.huggingface.families import Family
from analysis.huggingface.keys import Keys

KINDS = {"full_attention": "full", "sliding_attention": "window", "chunked_attention": "chunk"}
SPARSE = {"deepseek_sparse_attention": "full", "indexed_attention": "full"}  # what is picked is told as missing
WINDOW_KEYS = {  # what layer_types says in full
    "sliding_window",
    "sliding_window_size",
    "sliding_window_pattern",
    "use_sliding_window",
    "max_window_layers",
    "no_rope_layers",
    "no_rope_layer_interval",
}


def attention_kinds(keys: Keys, family: Family, n_dec: int, context: int | None) -> list[tuple[str, int | None]]:
    """Kind of attention of every block in order (full, window, chunk), with the tokens that it keeps if not all."""
    _refuse_linear(keys, n_dec)
    known = KINDS | (SPARSE if family.sparse else {})
    stated = keys.sequence("layer_types", n_dec, known)
    kinds = _stated(keys, [known[name] for name in stated]) if stated else WINDOW_RULES[family.windows](keys, n_dec)
    reach = {"full": None, "window": _reach(keys, kinds, "window"), "chunk": _reach(keys, kinds, "chunk")}
    if context and any(tokens is not None and tokens >= context for tokens in reach.values()):
        keys.infer("windows", "none", f"the window is no shorter than the longest context ({context})")
        reach = {kind: tokens if tokens and tokens < context else None for kind, tokens in reach.items()}
    return [(kind if reach[kind] else "full", reach[kind]) for kind in kinds]


def _stated(keys: Keys, kinds: list[str]) -> list[str]:
    """Kinds of attention as layer_types lists them, which goes before the keys of older files."""
    if "window" in kinds and keys.stated("use_sliding_window") and keys.peek("use_sliding_window") is False:
        raise InputError(
            f"{keys.place}, key use_sliding_window: found false beside layer_types with sliding_attention, allowed is "
            "true there; correct one of them."
        )
    keys.touched |= WINDOW_KEYS
    return kinds


def _refuse_linear(keys: Keys, n_dec: int) -> None:
    """MiniMax: 0 is lightning attention, 1 is softmax."""
    kinds = keys.sequence("attn_type_list", n_dec, (0, 1))
    if kinds and 0 in kinds:
        raise InputError(
            f"{keys.place}, key attn_type_list: found {kinds.count(0)} blocks of linear (lightning) "
            "attention, allowed are blocks of softmax attention; no row can hold this model."
        )


def _reach(keys: Keys, kinds: list[str], kind: str) -> int | None:
    return keys.count("L_win" if kind == "window" else "chunk") if kind in kinds else None


def _full(keys: Keys, n_dec: int) -> list[str]:
    return ["full"] * n_dec


def _windows(keys: Keys) -> bool:
    return any(keys.peek(key) is not None for key in keys.spellings("L_win"))


def _every(keys: Keys, n_dec: int) -> list[str]:
    """Mistral: every block, unless the window is null."""
    return ["window" if _windows(keys) else "full"] * n_dec


def _upper(keys: Keys, n_dec: int) -> list[str]:
    """Qwen: blocks from max_window_layers on, if windows are switched on at all."""
    if not keys.flag("use_sliding_window", "use_sliding_window") or not _windows(keys):
        keys.touched |= WINDOW_KEYS
        return ["full"] * n_dec
    first = keys.count("max_window_layers", least=0)
    return ["window" if number >= first else "full" for number in range(n_dec)]


def _pattern(keys: Keys, n_dec: int) -> list[str]:
    """Gemma, OLMo 3, EXAONE, gpt_oss: every so-many-th block attends to all; or letters, G to all, L in a window."""
    said = keys.peek("sliding_window_pattern")
    if not _windows(keys) or said is None:
        return ["full"] * n_dec
    if isinstance(said, str):
        if not said or set(said) - set("LG"):
            raise InputError(
                f"{keys.place}, key sliding_window_pattern: found {shown(said)}, allowed are the letters L and G, or a "
                "whole number from 1; correct it."
            )
        keys.note("windows", said, "sliding_window_pattern")
        return ["full" if said[number % len(said)] == "G" else "window" for number in range(n_dec)]
    every = keys.count("sliding_window_pattern")
    return ["window" if (number + 1) % every else "full" for number in range(n_dec)]


def _chunks(keys: Keys, n_dec: int) -> list[str]:
    """Llama 4: blocks with RoPE attend within chunks, every fourth has no RoPE and attends to all."""
    listed = keys.sequence("no_rope_layers", n_dec, (0, 1))
    if keys.peek("attention_chunk_size") is None:
        keys.touched |= WINDOW_KEYS
        return ["full"] * n_dec
    every = keys.count("no_rope_layer_interval")
    rotary = listed or [int((number + 1) % every != 0) for number in range(n_dec)]
    return ["chunk" if each else "full" for each in rotary]


def _listed(keys: Keys, n_dec: int) -> list[str]:
    """minimax: its type mixes in linear attention unless a list says softmax block by block."""
    if keys.peek("attn_type_list") is None:
        raise InputError(
            f"{keys.place}: found no key attn_type_list or layer_types, allowed is either, because this model type "
            "mixes in linear (lightning) attention unless it says otherwise; add it."
        )
    return ["full"] * n_dec


WINDOW_RULES = {
    "full": _full,
    "every": _every,
    "upper": _upper,
    "pattern": _pattern,
    "chunks": _chunks,
    "listed": _listed,
}
