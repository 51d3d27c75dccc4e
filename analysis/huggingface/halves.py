"""The feed-forward half of every block: dense, experts or none; a rule for each way in which files say so."""

import re

from analysis.files.errors import InputError
from analysis.files.text import shown
from analysis.huggingface.block_lists import configs, letters
from analysis.huggingface.keys import Keys

NONE, DENSE, EXPERTS, HASHED = "", "dense", "experts", "hashed"  # hashed: a table says which experts, by the token
ENUMERATED = "moe_layers_enum"
LETTERS = {"-": DENSE, "E": EXPERTS}  # of hybrid_override_pattern


def _of(routed: list[bool]) -> list[str]:
    return [EXPERTS if each else DENSE for each in routed]


def _first_dense(keys: Keys, n_dec: int) -> list[str]:
    """DeepSeek, Kimi, GLM: dense blocks first; or a list that says it block by block."""
    stated = keys.sequence("mlp_layer_types", n_dec, ("dense", "sparse"))
    if stated:
        keys.touched |= {"first_k_dense_replace", "moe_layer_freq"}
        return _of([kind == "sparse" for kind in stated])
    listed = keys.sequence("moe_layer_freq", n_dec, (0, 1)) if isinstance(keys.peek("moe_layer_freq"), list) else None
    if listed:
        keys.touched.add("first_k_dense_replace")
        return _of(listed)
    first = keys.count("first_k_dense_replace", least=0)
    if first >= n_dec:
        raise InputError(
            f"{keys.place}, key {keys.prefix}first_k_dense_replace: found {first}, which leaves none of the {n_dec} "
            f"blocks with experts, allowed is a number below {n_dec}; correct one of them, or the type of the model."
        )
    every = keys.count("moe_layer_freq")
    return _of([number >= first and number % every == 0 for number in range(n_dec)])


def _step(keys: Keys, n_dec: int) -> list[str]:
    """Qwen: every decoder_sparse_step-th block, but those named."""
    every = keys.count("decoder_sparse_step")
    dense = set(keys.positions("mlp_only_layers", n_dec) or ())
    return _of([number not in dense and (number + 1) % every == 0 for number in range(n_dec)])


def _interleaved(keys: Keys, n_dec: int) -> list[str]:
    """Llama 4: the blocks named, else every interleave_moe_layer_step-th."""
    named = keys.positions("moe_layers", n_dec)
    if named:
        keys.touched.add("interleave_moe_layer_step")
        return _of([number in named for number in range(n_dec)])
    every = keys.count("interleave_moe_layer_step")
    return _of([(number + 1) % every == 0 for number in range(n_dec)])


def _counted(keys: Keys, n_dec: int) -> list[str]:
    """Granite: experts everywhere, or nowhere where their number is 0."""
    return _of([bool(keys.count("n_e", null=0, least=0))] * n_dec)


def _flagged(keys: Keys, n_dec: int) -> list[str]:
    """Gemma 4: experts beside the dense layer of every block, or none."""
    return _of([keys.flag("experts", "enable_moe_block")] * n_dec)


def _enumerated(keys: Keys, n_dec: int) -> list[str]:
    """Step: numbers of the blocks with experts, in a list or in a text with commas; else dense blocks first."""
    said = keys.peek(ENUMERATED)
    if said is None:
        return _first_dense(keys, n_dec)
    if not isinstance(said, str):
        named = keys.positions(ENUMERATED, n_dec)
    elif re.fullmatch(r"\d{1,4}(,\d{1,4})*", said.replace(" ", "")):
        named = [int(number) for number in said.split(",")]
    else:
        raise InputError(
            f"{keys.place}, key {keys.prefix}{ENUMERATED}: found {shown(said)}, allowed are numbers of blocks with "
            "commas between them; correct it."
        )
    return _of([number in named for number in range(n_dec)])


def _span(keys: Keys, n_dec: int) -> list[str]:
    """ERNIE: every so-many-th block from one to another, the last of all where the end is -1."""
    first, every = keys.count("moe_layer_start_index", least=0), keys.count("moe_layer_interval")
    last = keys.count("moe_layer_end_index", least=-1)
    last = n_dec - 1 if last == -1 else last
    return _of([first <= number <= last and (number + 1) % every == 0 for number in range(n_dec)])


def _period(keys: Keys, n_dec: int) -> list[str]:
    """Jamba: one block of each expert_layer_period has experts."""
    every, offset = keys.count("expert_layer_period"), keys.count("expert_layer_offset", least=0)
    return _of([number % every == offset for number in range(n_dec)])


def _hashed(keys: Keys, n_dec: int) -> list[str]:
    """DeepSeek-V4: experts everywhere, in the first blocks named by a table."""
    first = keys.count("num_hash_layers", least=0)
    return [HASHED if number < first else EXPERTS for number in range(n_dec)]


HALF_RULES = {
    "none": lambda _, n_dec: [DENSE] * n_dec,
    "all": lambda _, n_dec: [EXPERTS] * n_dec,
    "first_dense": _first_dense,
    "step": _step,
    "interleaved": _interleaved,
    "counted": _counted,
    "flagged": _flagged,
    "enumerated": _enumerated,
    "span": _span,
    "period": _period,
    "hashed": _hashed,
    "letters": lambda keys, n_dec: [LETTERS.get(each, NONE) for each in letters(keys, n_dec)],
    "configs": lambda keys, n_dec: [NONE if each["ffn"].get("no_op") else DENSE for each in configs(keys, n_dec)],
}
