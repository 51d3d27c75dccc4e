"""Which block is what: full or windowed attention, dense or experts, one entry per block, as data."""

from dataclasses import dataclass
from itertools import groupby

from analysis.data.model_row import SIZES
from analysis.files.errors import InputError
from analysis.huggingface.families import Family
from analysis.huggingface.keys import Keys
from analysis.huggingface.windowed import attention_kinds

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


def blocks(keys: Keys, family: Family, n_dec: int, context: int | None) -> list[Block]:
    """Every block of the model in order. Raises InputError for a pattern that contradicts itself or is unknown."""
    if n_dec > MOST_BLOCKS:
        raise InputError(f"{keys.place}: found {n_dec} blocks, allowed are at most {MOST_BLOCKS}; correct the number.")
    attention = attention_kinds(keys, family, n_dec, context)
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


def nested(record: dict, found: list[Block]) -> dict:
    """A record of single columns as the file of a model: sizes that are shared, and the kinds of block in a list."""
    words = {"attention", "window", "n_dec", "n_moe", "n_win"}
    sizes = {name: record[name] for name in SIZES if record.get(name) is not None}
    kinds = [
        {"blocks": found.count(each), "attention": record["attention"]}
        | ({"window": record["window"]} if each.tokens else {})
        | {"feedforward": "experts" if each.experts else "dense"}
        for each in sorted(dict.fromkeys(found), key=lambda each: each.tokens is not None)
    ]
    others = {name: cell for name, cell in record.items() if name not in SIZES and name not in words}
    return {"sizes": sizes, "kinds": kinds} | others


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


def _dense(keys: Keys, n_dec: int) -> list[bool]:
    return [False] * n_dec


def _all(keys: Keys, n_dec: int) -> list[bool]:
    return [True] * n_dec


def _first_dense(keys: Keys, n_dec: int) -> list[bool]:
    """DeepSeek, Kimi, GLM: dense blocks first; or a list that says it block by block."""
    stated = keys.sequence("mlp_layer_types", n_dec, ("dense", "sparse"))
    if stated:
        keys.touched |= {"first_k_dense_replace", "moe_layer_freq"}
        return [kind == "sparse" for kind in stated]
    first = keys.count("first_k_dense_replace", least=0)
    listed = keys.sequence("moe_layer_freq", n_dec, (0, 1)) if isinstance(keys.peek("moe_layer_freq"), list) else None
    if listed:
        return [bool(each) for each in listed]
    if first >= n_dec:
        raise InputError(
            f"{keys.place}, key {keys.prefix}first_k_dense_replace: found {first}, which leaves none of the {n_dec} "
            f"blocks with experts, allowed is a number below {n_dec}; correct one of them, or the type of the model."
        )
    every = keys.count("moe_layer_freq")
    return [number >= first and number % every == 0 for number in range(n_dec)]


def _step(keys: Keys, n_dec: int) -> list[bool]:
    """Qwen: every decoder_sparse_step-th block, but those named."""
    every = keys.count("decoder_sparse_step")
    dense = set(keys.positions("mlp_only_layers", n_dec) or ())
    return [number not in dense and (number + 1) % every == 0 for number in range(n_dec)]


def _interleaved(keys: Keys, n_dec: int) -> list[bool]:
    """Llama 4: the blocks named, else every interleave_moe_layer_step-th."""
    named = keys.positions("moe_layers", n_dec)
    if named:
        keys.touched.add("interleave_moe_layer_step")
        return [number in named for number in range(n_dec)]
    every = keys.count("interleave_moe_layer_step")
    return [(number + 1) % every == 0 for number in range(n_dec)]


def _span(keys: Keys, n_dec: int) -> list[bool]:
    """ERNIE: every so-many-th block from one to another, the last of all where the end is -1."""
    first, every = keys.count("moe_layer_start_index", least=0), keys.count("moe_layer_interval")
    last = keys.count("moe_layer_end_index", least=-1)
    last = n_dec - 1 if last == -1 else last
    return [first <= number <= last and (number + 1) % every == 0 for number in range(n_dec)]


EXPERT_RULES = {
    "none": _dense,
    "all": _all,
    "first_dense": _first_dense,
    "step": _step,
    "interleaved": _interleaved,
    "span": _span,
}
