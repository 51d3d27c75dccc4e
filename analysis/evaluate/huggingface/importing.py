"""From a config.json to a checked model row, its blocks, and the parts that no row can hold."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import InputError, choices
from analysis.evaluate.datasets import models
from analysis.evaluate.huggingface import sizes
from analysis.evaluate.huggingface.blocks import Block, blocks, windows
from analysis.evaluate.huggingface.families import FAMILIES, HARMLESS, REFUSED, WRAPPERS, Family
from analysis.evaluate.huggingface.keys import Found, Keys
from analysis.evaluate.own_documents import json_mapping
from analysis.evaluate.own_text import place, shown
from analysis.evaluate.rows import Model
from analysis.evaluate.table import checked_row

MTP_KEYS = ("num_nextn_predict_layers", "num_mtp_modules", "mtp_num_hidden_layers")


@dataclass(frozen=True)
class Imported:
    """A model row made from a configuration: the row, where each value came from, its blocks, and what is missing."""

    row: Model
    record: dict
    model_type: str
    found: tuple[Found, ...]
    blocks: tuple[Block, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    weight_width: float | None

    def __str__(self) -> str:
        from analysis.evaluate.huggingface.report import report  # which reads what stands here

        return report(self)


def import_config(path: Path, id_: str | None = None, year: int | None = None) -> Imported:
    """Read a Hugging Face config.json as a model row of the text decoder.

    `id_` names the row (default: the file's or its folder's name), `year` dates it (default: the model type's).
    Raises InputError for a file that is no such configuration, a model type that is not known or that no row can
    hold, and for any key whose value cannot be used.
    """
    path = Path(path)
    keys, family, model_type = _keys(path)
    record, found_blocks = _record(keys, family)
    missing = _missing(keys, family)
    _refuse_taken(keys.place, id_)
    record = _labels(path, keys, family, model_type, id_, year) | record
    record["note"] = " ".join(f"Not in this row: {part}." for part in missing)
    row = checked_row(Model, {name: _cell(value) for name, value in record.items()}, keys.place)
    width = sizes.weight_width(keys)
    return Imported(
        row,
        record,
        model_type,
        tuple(keys.found),
        tuple(found_blocks),
        tuple(missing),
        tuple(keys.unused(HARMLESS)),
        width,
    )


def _cell(value):
    return str(value).lower() if isinstance(value, bool) else value


def _keys(path: Path) -> tuple[Keys, Family, str]:
    """The text decoder's keys and the family of its model type. Raises InputError for types that are not known."""
    config, where = json_mapping(path), place(path)
    outer_type = _type(where, config)
    if outer_type not in WRAPPERS:
        return Keys(where, config), _family(where, outer_type), outer_type
    inner = config.get("text_config")
    if not isinstance(inner, dict):
        raise InputError(
            f"{where}: found model type {outer_type} without text_config, allowed is the whole "
            "configuration; give the model's own config.json."
        )
    inner_type = _type(where, {"model_type": WRAPPERS[outer_type], **inner})
    keys = Keys(where, inner, {name: each for name, each in config.items() if name != "text_config"}, "text_config.")
    return keys, _family(where, inner_type), inner_type


def _type(where: str, config: dict) -> str:
    found = config.get("model_type")
    if not isinstance(found, str) or not found:
        raise InputError(
            f"{where}: found no model_type, allowed are {choices(_allowed())}; give a config.json as "
            "published with a model (a params.json names no type)."
        )
    return found


def _allowed() -> list[str]:
    return sorted((set(FAMILIES) - set(WRAPPERS.values())) | set(WRAPPERS) | {"deepseek_v3", "kimi_k2"})


def _family(where: str, name: str) -> Family:
    if name in REFUSED:
        raise InputError(
            f"{where}, key model_type: found {name}, which no row can hold, because {REFUSED[name]}; "
            f"allowed are {choices(_allowed())}."
        )
    if name not in FAMILIES:
        raise InputError(
            f"{where}, key model_type: found {shown(name)}, allowed are {choices(_allowed())}; "
            "write the row by hand if its attention is MHA, GQA or MLA."
        )
    return FAMILIES[name]


def _record(keys: Keys, family: Family) -> tuple[dict, list[Block]]:
    d_emb = keys.count("d_emb", "hidden_size", "n_embd")
    n_dec = keys.count("n_dec", "num_hidden_layers", "n_layer")
    context = keys.count("context_max", "max_position_embeddings", "n_positions", "n_ctx")
    found = blocks(keys, family, n_dec, context)
    routed = sum(block.experts for block in found)
    attention = sizes.attention_sizes(keys, family, d_emb)
    latent_queries = attention["attention"] == "MLA"
    learned = family.ffn == "plain"  # gpt2 alone learns its positions
    return {
        "n_dec": n_dec,
        "d_emb": d_emb,
        **attention,
        **sizes.feedforward_sizes(keys, family, d_emb, n_dec - routed, routed),
        "n_vocab": keys.count("n_vocab", "vocab_size"),
        "n_ctx": keys.infer("n_ctx", context, "positions are learned") if learned else 0,
        "tied": keys.flag("tied", "tie_word_embeddings", family.tied),
        "vectors": sizes.vectors(keys, family, latent_queries),
        "context_max": context,
        **windows(keys, found),
    }, found


def _missing(keys: Keys, family: Family) -> list[str]:
    missing = list(family.missing)
    extra = next((keys.peek(key) for key in MTP_KEYS if isinstance(keys.peek(key), int) and keys.peek(key)), 0)
    if extra:
        missing.append(f"{extra:d} multi-token-prediction layer(s), counted in checkpoints, not needed for decoding")
    if keys.peek("mlp_bias") is True:
        missing.append("biases of the feed-forward layers")
    if family.attention == "latent" and keys.peek("attention_bias") is True:
        missing.append("biases of the latent projections")
    if keys.prefix:
        missing.append("towers other than the text decoder")
    return missing


def _labels(path: Path, keys: Keys, family: Family, model_type: str, id_: str | None, year: int | None) -> dict:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = id_ or default_id(path)
    dated = year or keys.infer("year", family.year, f"the year in which the model type {model_type} appeared")
    return {
        "id": name,
        "name": name,
        "year": dated,
        "source": f"{path.name} (sha256 {digest})",
        "locator": f"keys of the configuration, model type {model_type}",
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
            f"{where}: found the id {id_}, which already names a row of data/models.csv, "
            "allowed are other ids; choose one."
        )
