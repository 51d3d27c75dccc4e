"""Which block is what: full or windowed attention, dense or experts, one entry per block, as data."""

from dataclasses import dataclass
from itertools import groupby

from analysis.errors import InputError
from analysis.evaluate.huggingface.families import Family
from analysis.evaluate.huggingface.keys import Keys

KINDS = {"full_attention": "full", "sliding_attention": "window", "chunked_attention": "chunk"}
WINDOW_KEYS = {"sliding_window", "use_sliding_window", "max_window_layers", "no_rope_layers", "no_rope_layer_interval"}
MOST_BLOCKS = 10_000


@dataclass(frozen=True)
class Block:
    """One decoder block: its attention (full, window, chunk) with the tokens it keeps, and its feed-forward layer."""

    attention: str = "full"
    tokens: int | None = None
    experts: bool = False

    def __str__(self) -> str:
        reach = f"{self.attention} attention" + (f" ({self.tokens} tokens)" if self.tokens else "")
        return f"{reach}, {'experts' if self.experts else 'dense'}"


def blocks(keys: Keys, family: Family, n_dec: int, context: int) -> list[Block]:
    """Every block of the model in order. Raises InputError for a pattern that contradicts itself or is unknown."""
    if n_dec > MOST_BLOCKS:
        raise InputError(f"{keys.place}: found {n_dec} blocks, allowed are at most {MOST_BLOCKS}; correct the number.")
    attention = _attention(keys, family, n_dec, context)
    experts = EXPERT_RULES[family.experts](keys, n_dec)
    return [Block(kind, tokens, routed) for (kind, tokens), routed in zip(attention, experts, strict=True)]


def windows(keys: Keys, found: list[Block]) -> dict:
    """How many blocks are windowed, and how. Raises InputError for windows of two kinds, which no row can hold."""
    limited = [(block.attention, block.tokens) for block in found if block.tokens]
    if len(set(limited)) > 1:
        said = " and ".join(sorted(f"{kind}s of {tokens}" for kind, tokens in set(limited)))
        raise InputError(
            f"{keys.place}: found {said} tokens in different blocks, allowed is one window or chunk for all blocks "
            "that have any; no row can hold this model."
        )
    if not limited:
        return {"n_win": 0}
    kind, tokens = limited[0]
    keys.infer("n_win", len(limited), "the blocks whose attention is windowed")
    return {"n_win": len(limited), "L_win": tokens, "window": {"window": "sliding", "chunk": "chunked"}[kind]}


def pattern(found: list[Block]) -> str:
    """Runs of equal blocks in words; a repeated pair of blocks is told as such.

    >>> pattern([Block()] * 3 + [Block(experts=True)] * 58)
    '3 x (full attention, dense); then 58 x (full attention, experts)'
    """
    runs = [(str(block), len(list(run))) for block, run in groupby(found)]
    if len(runs) <= 4:
        return "; then ".join(f"{count} x ({text})" for text, count in runs)
    kinds = {str(block): sum(1 for each in found if each == block) for block in found}
    return "mixed: " + "; ".join(f"{count} x ({text})" for text, count in kinds.items())


# -- attention -----------------------------------------------------------------------------------
def _attention(keys: Keys, family: Family, n_dec: int, context: int) -> list[tuple[str, int | None]]:
    _refuse_linear(keys, n_dec)
    stated = keys.sequence("layer_types", n_dec, KINDS)
    kinds = _stated(keys, stated) if stated else WINDOW_RULES[family.windows](keys, n_dec)
    reach = {"full": None, "window": _reach(keys, kinds, "window"), "chunk": _reach(keys, kinds, "chunk")}
    if any(tokens is not None and tokens >= context for tokens in reach.values()):
        keys.infer("windows", "none", f"the window is no shorter than the longest context ({context})")
        reach = {kind: tokens if tokens and tokens < context else None for kind, tokens in reach.items()}
    return [(kind if reach[kind] else "full", reach[kind]) for kind in kinds]


def _stated(keys: Keys, types: list[str]) -> list[str]:
    """Kinds of attention as layer_types lists them, which goes before the keys of older files."""
    kinds = [KINDS[name] for name in types]
    if "window" in kinds and keys.peek("use_sliding_window") is False:
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
    if kind not in kinds:
        return None
    if kind == "chunk":
        return keys.count("chunk of tokens", "attention_chunk_size")
    if keys.inner.get("model_type") == "mistral" and not keys.stated("sliding_window"):
        return keys.infer("window of tokens", 4096, "sliding_window is absent, and the model type takes this")
    return keys.count("window of tokens", "sliding_window")


def _full(keys: Keys, n_dec: int) -> list[str]:
    return ["full"] * n_dec


def _sliding(keys: Keys, n_dec: int) -> list[str]:
    """Mistral: every block, unless the window is null; its class takes 4096 where the key is absent."""
    absent = not keys.stated("sliding_window")
    windowed = keys.inner.get("model_type") == "mistral" if absent else keys.peek("sliding_window") is not None
    return ["window" if windowed else "full"] * n_dec


def _upper(keys: Keys, n_dec: int) -> list[str]:
    """Qwen: blocks from max_window_layers on, if windows are switched on at all."""
    if keys.peek("use_sliding_window") is not True:
        keys.touched |= {"sliding_window", "max_window_layers"}
        return ["full"] * n_dec
    first = keys.count("first windowed block", "max_window_layers", least=0)
    return ["window" if number >= first else "full" for number in range(n_dec)]


def _alternating(keys: Keys, n_dec: int) -> list[str]:
    """gpt_oss: every other block, the first one windowed."""
    keys.infer("layer_types", "alternating", "the key is absent, and the model type takes this")
    return ["full" if number % 2 else "window" for number in range(n_dec)]


def _chunks(keys: Keys, n_dec: int) -> list[str]:
    """Llama 4: blocks with RoPE attend within chunks, every fourth has no RoPE and attends to all."""
    every = keys.count("interval of blocks without RoPE", "no_rope_layer_interval", default=4)
    rule = [int((number + 1) % every != 0) for number in range(n_dec)]
    rotary = keys.sequence("no_rope_layers", n_dec, (0, 1)) or rule
    if keys.peek("attention_chunk_size") is None:
        return ["full"] * n_dec
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
    "sliding": _sliding,
    "upper": _upper,
    "alternating": _alternating,
    "chunks": _chunks,
    "listed": _listed,
}


# -- feed-forward --------------------------------------------------------------------------------
def _dense(keys: Keys, n_dec: int) -> list[bool]:
    return [False] * n_dec


def _all(keys: Keys, n_dec: int) -> list[bool]:
    return [True] * n_dec


def _first_dense(keys: Keys, n_dec: int) -> list[bool]:
    """DeepSeek, Kimi, GLM: dense blocks first; or a list that says it block by block."""
    stated = keys.sequence("mlp_layer_types", n_dec, ("dense", "sparse"))
    if stated:
        keys.touched.add("first_k_dense_replace")
        return [kind == "sparse" for kind in stated]
    first = keys.count("first block with experts", "first_k_dense_replace", least=0)
    listed = keys.sequence("moe_layer_freq", n_dec, (0, 1)) if isinstance(keys.peek("moe_layer_freq"), list) else None
    if listed:
        return [bool(each) for each in listed]
    every = keys.count("every such block has experts", "moe_layer_freq", default=1)
    return [number >= first and number % every == 0 for number in range(n_dec)]


def _step(keys: Keys, n_dec: int) -> list[bool]:
    """Qwen: every decoder_sparse_step-th block, but those named."""
    every = keys.count("every such block has experts", "decoder_sparse_step", default=1)
    dense = set(keys.positions("mlp_only_layers", n_dec) or ())
    return [number not in dense and (number + 1) % every == 0 for number in range(n_dec)]


def _interleaved(keys: Keys, n_dec: int) -> list[bool]:
    """Llama 4: the blocks named, else every interleave_moe_layer_step-th."""
    named = keys.positions("moe_layers", n_dec)
    if named:
        keys.touched.add("interleave_moe_layer_step")
        return [number in named for number in range(n_dec)]
    every = keys.count("every such block has experts", "interleave_moe_layer_step")
    return [(number + 1) % every == 0 for number in range(n_dec)]


EXPERT_RULES = {"none": _dense, "all": _all, "first_dense": _first_dense, "step": _step, "interleaved": _interleaved}
