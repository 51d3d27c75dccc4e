"""Lists of which each entry says what a block's attention and its feed-forward half are: letters, words, mappings."""

from math import ceil

from analysis.files.errors import InputError, choices
from analysis.files.text import shown
from analysis.huggingface.keys import Keys

LETTERS = "M*-E"  # Mamba, attention, dense, experts
WORDS = {"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}
PARTS = ("attention", "ffn")  # of a block in Nemotron-NAS
KNOWN = ("no_op", "n_heads_in_group", "ffn_mult")  # what they may say
STEP = 256  # its widths are multiples of this


def letters(keys: Keys, n_dec: int) -> str:
    """Nemotron-H: a letter for each block, or a word (layers_block_type), read as the same letters."""
    said, key = keys.peek("hybrid_override_pattern"), "hybrid_override_pattern"
    if said is None:
        words = keys.sequence("layers_block_type", n_dec, WORDS)
        said, key = "".join(WORDS[word] for word in words or ()), "layers_block_type"
    if not isinstance(said, str) or len(said) != n_dec or set(said) - set(LETTERS):
        raise InputError(
            f"{keys.place}, key {key}: found {shown(said)}, allowed are {n_dec} letters, one per block, each of "
            f"{choices(LETTERS)}; correct it."
        )
    return said


def configs(keys: Keys, n_dec: int) -> list[dict]:
    """Nemotron-NAS: what each block's attention and feed-forward layer are."""
    found = keys.peek("block_configs")
    if not isinstance(found, list) or len(found) != n_dec or not all(map(_of_two, found)):
        raise InputError(
            f"{keys.place}, key block_configs: found {shown(found)}, allowed is a list of {n_dec} entries, one per "
            "block, each with attention and ffn; correct it."
        )
    return found


def _of_two(entry) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(part), dict) for part in PARTS)


def own_sizes(keys: Keys, n_dec: int) -> list[tuple[tuple[str, int], ...]]:
    """Nemotron-NAS: key-value heads by the query heads of a group, widths by a factor of the hidden size."""
    return [tuple(_sizes(keys, number, entry).items()) for number, entry in enumerate(configs(keys, n_dec))]


def _sizes(keys: Keys, number: int, entry: dict) -> dict[str, int]:
    place = f"{keys.place}, key block_configs, block {number}"
    for part in PARTS:
        other = next((key for key, value in entry[part].items() if value and key not in KNOWN), None)
        if other:
            raise InputError(
                f"{place}: found {part} with {shown(other)}, allowed are {choices(KNOWN)}; no row can hold this model."
            )
    sizes = {}
    if not entry["attention"].get("no_op"):
        n_hd, group = keys.count("n_hd"), _above_zero(place, "n_heads_in_group", entry["attention"])
        if group != int(group) or n_hd % group:
            raise InputError(
                f"{place}: found n_heads_in_group {group}, allowed is a divisor of num_attention_heads ({n_hd}); "
                "correct it."
            )
        sizes["n_kv"] = n_hd // int(group)
    if not entry["ffn"].get("no_op"):
        width = 2 * _above_zero(place, "ffn_mult", entry["ffn"]) * keys.count("d_emb") / 3
        sizes["d_FFN"] = STEP * ceil(int(width) / STEP)
    return sizes


def _above_zero(place: str, name: str, entry: dict) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1000:
        raise InputError(f"{place}: found {name} {shown(value)}, allowed is a number above 0, up to 1000; correct it.")
    return value
