"""From a config.json to a checked model row, its blocks, and the parts that no row can hold."""

import hashlib
import os
import re
from pathlib import Path

from analysis.data.datasets import models
from analysis.data.model_row import Model
from analysis.data.table import checked_row
from analysis.files.documents import json_mapping
from analysis.files.errors import InputError, choices
from analysis.files.text import place, shown
from analysis.huggingface.alike import kinds
from analysis.huggingface.blocks import Block, blocks
from analysis.huggingface.families import Family, families, refused, wrappers
from analysis.huggingface.keys import Keys
from analysis.huggingface.stored import stored
from analysis.huggingface.summary import Imported

MTP_KEYS = ("num_nextn_predict_layers", "num_mtp_modules", "mtp_num_hidden_layers")
DECODERS = ("text_config", "llm_config", "language_config")  # where a file of several towers holds the text decoder
THINKER = "thinker_config"  # where a file of a thinker and a talker holds the first
PARTS = (
    "linear_attn_config",
    "sparse_attention_config",
    "attention_other_setting",
)  # mappings that describe a part of the decoder
TOWERS = ("vision_config", "audio_config", "vision_tower", "mm_vision_tower")


def import_config(path: Path, id_: str | None = None, year: int | None = None) -> Imported:
    """Read a Hugging Face config.json as a model row of the text decoder.

    `id_` names the row (default: the file's or its folder's name), `year` dates it (default: the model type's).
    Raises InputError for a file that is no such configuration, a model type that is not known or that no row can
    hold, and for any key whose value cannot be used or that speaks of a part the type is not known to have.
    """
    path = Path(path)
    keys = _keys(path)
    keys.require_only()
    record, found_blocks = _record(keys, keys.family)
    missing = _missing(keys)
    widths = stored(keys, found_blocks)
    unused = keys.unused()
    _refuse_taken(keys.place, id_)
    labels = _labels(path, keys, id_, year)
    record = {name: labels[name] for name in ("id", "name", "year")} | record | widths.columns
    record |= {"omits": "; ".join(missing)} | labels
    row = checked_row(Model, {name: "" if value is None else value for name, value in record.items()}, keys.place)
    return Imported(
        row, record, keys.model_type, tuple(keys.found), tuple(found_blocks), tuple(missing), tuple(unused), widths
    )


def _keys(path: Path) -> Keys:
    """The text decoder's keys with the family of its type. Raises InputError for types that are not known."""
    config, where = json_mapping(path, constants=True), place(path)
    outer_type = _type(where, config)
    _refuse(where, outer_type)
    thinker = config.get(THINKER)
    config, above = (thinker, f"{THINKER}.") if isinstance(thinker, dict) else (config, "")
    nested = next((key for key in DECODERS if isinstance(config.get(key), dict)), None)
    if nested is None:
        name = wrappers().get(outer_type, outer_type) if "hidden_size" in config else outer_type
        return Keys(where, _flat(config), _family(where, name), name)
    inner = config[nested]
    name = _type(where, {"model_type": wrappers().get(outer_type, outer_type), **inner})
    _refuse(where, name)
    outer = {key: each for key, each in config.items() if key != nested}
    return Keys(where, _flat(inner), _family(where, name), name, outer, f"{above}{nested}.")


def _flat(config: dict) -> dict:
    """Keys of the mappings that describe a part, beside the others: `linear_attn_config.num_heads`.

    >>> _flat({"linear_attn_config": {"num_heads": 4}, "rope_scaling": {"factor": 2}})
    {'rope_scaling': {'factor': 2}, 'linear_attn_config.num_heads': 4}
    """
    parts = {key: value for key, value in config.items() if key in PARTS and isinstance(value, dict)}
    inside = {f"{key}.{name}": each for key, value in parts.items() for name, each in value.items()}
    return {key: value for key, value in config.items() if key not in parts} | inside


def _type(where: str, config: dict) -> str:
    found = config.get("model_type")
    if not isinstance(found, str) or not found:
        raise InputError(
            f"{where}: found no model_type, allowed are {choices(_allowed())}; give a config.json as "
            "published with a model (a params.json names no type)."
        )
    return found


def _allowed() -> list[str]:
    return sorted(set(families()) | set(wrappers()))


def _refuse(where: str, name: str) -> None:
    if name in refused():
        raise InputError(
            f"{where}, key model_type: found {name}, which no row can hold, because {refused()[name]}; "
            f"allowed are {choices(_allowed())}."
        )


def _family(where: str, name: str) -> Family:
    if name in wrappers():
        raise InputError(
            f"{where}: found model type {name} without text_config, allowed is the whole "
            "configuration; give the model's own config.json."
        )
    if name not in families():
        raise InputError(
            f"{where}, key model_type: found {shown(name)}, allowed are {choices(_allowed())}; "
            "write the row by hand if its attention is MHA, GQA or MLA."
        )
    return families()[name]


def _record(keys: Keys, family: Family) -> tuple[dict, list[Block]]:
    d_emb, n_vocab, n_dec = keys.count("d_emb"), keys.count("n_vocab"), _blocks(keys, family)
    context = keys.count_if_any("context_max")
    found = blocks(keys, family, n_dec, context)
    tied = _tied(keys)
    built = kinds(keys, family, found, context)
    once = {"n_res": keys.count("n_res")} if "hyper_connections" in built["vectors"] else {}
    sizes = {"d_emb": d_emb} | built["sizes"] | once | {"n_vocab": n_vocab, "n_ctx": _positions(keys, family, context)}
    return {
        "sizes": sizes,
        "kinds": built["kinds"],
        "ffn": family.ffn,
        "tied": tied,
        "vectors": built["vectors"],
        "context_max": context,
    }, found


def _blocks(keys: Keys, family: Family) -> int:
    """The number of blocks; newer files of hybrids state a list of them alone."""
    listed = keys.peek("layers_block_type")
    if family.layers == "letters" and isinstance(listed, list) and not any(map(keys.stated, keys.spellings("n_dec"))):
        return keys.infer("n_dec", len(listed), "the length of layers_block_type")
    return keys.count("n_dec")


def _positions(keys: Keys, family: Family, context: int | None) -> int:
    if family.positions is None:
        return 0
    return keys.infer("n_ctx", context + family.positions, "positions are learned")


def _tied(keys: Keys) -> bool:
    """Whether the head is the embedding; a file of several towers may say so on either level, once."""
    key = "tie_word_embeddings"
    said = [keys.inner.get(key), keys.outer.get(key)]
    if None not in said and said[0] != said[1]:
        raise InputError(
            f"{keys.place}: found {keys.prefix}{key} {shown(said[0])} beside {key} {shown(said[1])}, "
            "allowed is one value; correct one of them."
        )
    return keys.flag("tied", key)


def _missing(keys: Keys) -> list[str]:
    missing = [part for key, part in keys.family.omits.items() if keys.peek(key)]
    extra = [keys.peek(key) for key in MTP_KEYS]
    layers = next((number for number in extra if number and isinstance(number, int)), 0)
    if layers:
        missing.append(f"{layers:d} multi-token-prediction layer(s), counted in checkpoints, not needed for decoding")
    if keys.prefix or any(keys.peek(key) for key in TOWERS):
        missing.append("towers other than the text decoder")
    return missing


def _labels(path: Path, keys: Keys, id_: str | None, year: int | None) -> dict:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = id_ or default_id(path)
    dated = year or keys.infer("year", keys.family.year, f"the year in which the model type {keys.model_type} appeared")
    return {
        "id": name,
        "name": name,
        "year": dated,
        "source": f"{path.name} (sha256 {digest})",
        "locator": f"keys of the configuration, model type {keys.model_type}",
        "known": "published",
    }


def default_id(path: Path) -> str:
    """A row's id from a file's name, or its folder's where the file is called config; never an id of ours.

    >>> default_id(Path("models/My_Model/config.json"))
    'my-model'
    """
    stem = Path(os.path.abspath(path)).parent.name if path.stem == "config" else path.stem
    plain = re.sub(r"[^a-z0-9.]+", "-", stem.lower().removesuffix("_config")).strip("-.") or "imported"
    return f"{plain}-imported" if plain in _taken() else plain


def _taken() -> set[str]:
    return {name for row in models().values() for name in (row.id, *row.aliases)}


def _refuse_taken(where: str, id_: str | None) -> None:
    if id_ in _taken():
        raise InputError(
            f"{where}: found the id {id_}, which already names a row of data/models, allowed are other ids; choose one."
        )
