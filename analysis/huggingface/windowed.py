"""Which blocks attend within a window or a chunk: a rule for each way in which files say so."""

from analysis.files.errors import InputError
from analysis.files.text import shown
from analysis.huggingface.keys import Keys

WINDOW_KEYS = {  # what layer_types says in full
    "sliding_window",
    "sliding_window_size",
    "sliding_window_pattern",
    "use_sliding_window",
    "max_window_layers",
    "no_rope_layers",
    "no_rope_layer_interval",
    "full_attention_interval",
}


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
    return with_full(n_dec, keys.count("sliding_window_pattern"), "window")


def with_full(n_dec: int, every: int, other: str) -> list[str]:
    """Every so-many-th block attends to all."""
    return [other if (number + 1) % every else "full" for number in range(n_dec)]


def _chunks(keys: Keys, n_dec: int) -> list[str]:
    """Llama 4: blocks with RoPE attend within chunks, every fourth has no RoPE and attends to all."""
    listed = keys.sequence("no_rope_layers", n_dec, (0, 1))
    if keys.peek("attention_chunk_size") is None:
        keys.touched |= WINDOW_KEYS
        return ["full"] * n_dec
    if not listed:
        return with_full(n_dec, keys.count("no_rope_layer_interval"), "chunk")
    return ["chunk" if each else "full" for each in listed]


WINDOW_RULES = {
    "full": lambda _, n_dec: ["full"] * n_dec,
    "every": _every,
    "upper": _upper,
    "pattern": _pattern,
    "chunks": _chunks,
}
