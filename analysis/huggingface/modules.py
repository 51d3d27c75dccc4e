"""Which parts of a decoder the names of modules in a configuration speak of, and which of them stay at 16 bit.

Patterns are read for the parts that they name; they are text of others, and never run.
"""

import re
from collections.abc import Sequence

from analysis.huggingface.blocks import Block

LEFT = ("ignore", "ignored_layers", "modules_to_not_convert", "exclude_modules", "llm_int8_skip_modules", "exclude")
PARTS = (  # the first word in a pattern says the part; None are parts that no row holds, or vectors
    (("vision", "visual", "projector", "audio", "mtp", "nextn", "eh_proj", "indexer", "norm", "bias"), None),
    (("shared_expert", "shared_mlp"), "shared experts"),
    (("router",), "router"),
    (("expert",), "routed experts"),
    (("lm_head", "embed_out", "output_layer"), "output head"),
    (("embed", "wte"), "embedding"),
    (("attn", "attention", "q_proj", "k_proj", "v_proj", "o_proj", "in_proj", "out_proj", "conv1d"), "attention"),
    (("mlp.gate_proj", "_proj", "mlp", "ffn", "feed_forward", "fc1", "fc2"), "dense layers"),
)
EVERYWHERE = -1
WHOLE = "whole blocks"
BLOCK = re.compile(r"(model\.)?(language_model\.)?(model\.)?layers\.\d+[.*]*")
MOE_PARTS = ("routed experts", "shared experts", "router")


def part_of(pattern: str) -> str | None:
    """The part of a decoder that a pattern of module names speaks of.

    >>> part_of("model.layers.*.self_attn"), part_of("re:.*shared_experts.*"), part_of("model.layers.3.mlp.gate")
    ('attention', 'shared experts', 'router')
    """
    plain = pattern.lower().replace("\\", "")
    if re.search(r"(^|\.)gate(\.weight)?\W*$", plain):
        return "router"
    return next((part for words, part in PARTS if any(word in plain for word in words)), None)


def left_wide(said: dict, found: Sequence[Block], quantised: frozenset[str]) -> dict[str, str]:
    """Parts that stay at 16 bit, each with where it does: '', 'all blocks', or so many of them."""
    once, where = _once(said, quantised), {}
    n_dec, routed = len(found), sum(block.experts for block in found)
    attending, fed = (sum(bool(getattr(block, part)) for block in found) for part in ("attention", "half"))
    blocks = dict.fromkeys(MOE_PARTS, routed) | {"attention": attending, WHOLE: n_dec, "dense layers": fed - routed}
    for pattern in _patterns(said):
        number = re.search(r"layers\.(\d{1,6})", pattern)
        part = WHOLE if BLOCK.fullmatch(pattern) else part_of(pattern)
        if part in ("embedding", "output head"):
            once[part] = ""
        elif blocks.get(part) and not (number and int(number[1]) >= n_dec):  # beyond are multi-token-prediction layers
            where.setdefault(part, set()).add(int(number[1]) if number else EVERYWHERE)
    if str(said.get("quant_method")).lower() == "mxfp4" and routed:  # gpt_oss: routed experts alone
        where |= {"attention": {EVERYWHERE}, "router": {EVERYWHERE}}
    if "attention" in where:
        where["attention"] |= where.get(WHOLE, set())
    return once | {part: _extent(found, blocks[part]) for part, found in where.items()}


def _once(said: dict, quantised: frozenset[str]) -> dict[str, str]:
    """What a method leaves alone without a word: MLX nothing, others all that is no matrix of a block."""
    if said.get("quant_method") == "mlx":
        return {}
    head = "output head" in quantised or said.get("lm_head") is True
    return dict.fromkeys(("embedding", "norms") if head else ("embedding", "norms", "output head"), "")


def _extent(found: set[int], blocks: int) -> str:
    return "all blocks" if EVERYWHERE in found or len(found) >= blocks else f"{len(found)} of {blocks} blocks"


def _patterns(said: dict) -> list[str]:
    lists = [said[name] for name in LEFT if isinstance(said.get(name), list)]
    return [pattern for each in lists for pattern in each if isinstance(pattern, str)]
