"""What an import found, for the reader to check: keys, inferences, blocks, totals, missing parts; and its row."""

from dataclasses import dataclass

import yaml
from sympy import Expr, Integer

from analysis.ask.built import architecture
from analysis.ask.numbers import exact
from analysis.ask.points import row_point
from analysis.data.model_row import Model
from analysis.derive import decoder
from analysis.derive.block import Architecture
from analysis.derive.symbols import L, n_dec, n_win, width_activations, width_kv, width_weights
from analysis.huggingface.blocks import Block, pattern
from analysis.huggingface.keys import Found
from analysis.huggingface.stored import Stored

WIDTH = 2


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
    stored: Stored

    def __str__(self) -> str:
        return report(self)


def totals(imported: Imported) -> dict[str, int]:
    """Parameters [1], active parameters [1], and cached bytes at two bytes an element [byte].

    A token adds as much to the cache in every block, or, once the context has outgrown the windows, in the blocks of
    full attention only; both are told, and the whole cache of the longest context.
    """
    built = architecture(imported.row)
    point = row_point(imported.row) | dict.fromkeys((width_weights, width_kv, width_activations), WIDTH)
    found = {
        "parameters": decoder.parameters(built),
        "active parameters (output head counted, input embedding not)": decoder.active_parameters(built),
    }
    return {name: exact(form, point) for name, form in (found | _cached(imported.row, built)).items()}


def _cached(row: Model, built: Architecture) -> dict[str, Expr]:
    a_block = decoder.kv_bytes_per_block(built)
    if not built.windowed:
        return {"KV bytes per token": decoder.kv_bytes_per_token(built)}
    whole = decoder.kv_cache_bytes(built).xreplace({L: Integer(row.context_max)})
    return {
        f"KV bytes per token up to L = {row.L_win:,}": n_dec * a_block,
        f"KV bytes per token beyond ({row.n_dec - row.n_win} of {row.n_dec} blocks)": (n_dec - n_win) * a_block,
        f"KV bytes of a request of L = {row.context_max:,}": whole,
    }


def report(imported: Imported) -> str:
    """The import in lines of text."""
    lines = [f"model type {imported.model_type}, row {imported.row.id}"]
    lines += ["read:", *(f"  {each}" for each in imported.found if not each.inferred)]
    lines += ["inferred:", *(f"  {each}" for each in imported.found if each.inferred)]
    lines += [f"blocks: {pattern(list(imported.blocks))}"]
    lines += [f"{name} = {number:,}" for name, number in totals(imported).items()]
    lines += [f"cached elements are counted at {WIDTH} bytes; width_kv= counts them at others"]
    lines += imported.stored.told
    lines += [f"MISSING: {part}" for part in imported.missing]
    lines += [f"keys not used: {', '.join(imported.unused)}"] if imported.unused else []
    return "\n".join(lines)


def row_text(imported: Imported) -> str:
    """The row as a YAML file that `model=PATH` reads."""
    cells = {name: _cell(value) for name, value in imported.record.items() if value not in (None, "")}
    return yaml.safe_dump(cells, sort_keys=False, allow_unicode=False, width=110)


def _cell(value):
    return " ".join(value) if isinstance(value, list) else value
