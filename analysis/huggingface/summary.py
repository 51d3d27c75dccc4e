"""What an import found, for the reader to check: keys, inferences, blocks, totals, missing parts; and its row."""

from dataclasses import dataclass
from math import lcm

import yaml
from sympy import Integer

from analysis.ask.built import architecture
from analysis.ask.numbers import Point, exact
from analysis.ask.points import row_point
from analysis.data.model_row import Model
from analysis.derive import decoder
from analysis.derive.block import Architecture
from analysis.derive.parallel import decode
from analysis.derive.symbols import L, width_activations, width_kv, width_state, width_weights
from analysis.huggingface.blocks import Block, pattern
from analysis.huggingface.keys import Found
from analysis.huggingface.stored import Stored

WIDTH = 2
WIDTHS = dict.fromkeys((width_weights, width_kv, width_activations), WIDTH) | {width_state: 4}


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
    """Parameters [1], active parameters [1], and kept bytes: rows at two bytes an element, states at four [byte].

    A token adds as much to the cache everywhere, or, once the context has outgrown the windows, in some blocks only;
    both are told, and the whole cache of the longest context.
    """
    built = architecture(imported.row)
    point = row_point(imported.row) | WIDTHS | decode()
    counted = {
        "parameters": decoder.parameters(built),
        "active parameters (output head counted, input embedding not)": decoder.active_parameters(built),
    }
    return {name: exact(form, point) for name, form in counted.items()} | _kept(imported.row, built, point)


def _kept(row: Model, built: Architecture, point: Point) -> dict[str, int]:
    form, last = decoder.kv_cache_bytes(built), row.context_max or 1

    def at(tokens: int):
        return exact(form.xreplace({L: Integer(tokens)}), point)

    states, stride = at(0), lcm(*(kind.sizes.get("L_str", row.L_str or 1) for kind in row.kinds))
    first, growth = at(stride) - states, at(last) - at(last - stride)
    each = f"KV bytes per {stride} tokens" if stride > 1 else "KV bytes per token"
    found = {"state bytes of a request": states} if states else {}
    growing = f" ({row.n_dec - row.n_win} of {row.n_dec} blocks)" if row.n_win else ""
    if first == growth:
        return found | ({each: first} if first else {})
    return found | {
        f"{each} up to L = {row.L_win:,}": first,
        f"{each} beyond{growing}": growth,
        f"KV bytes of a request of L = {last:,}": at(last),
    }


def report(imported: Imported) -> str:
    """The import in lines of text."""
    lines = [f"model type {imported.model_type}, row {imported.row.id}"]
    lines += ["read:", *(f"  {each}" for each in imported.found if not each.inferred)]
    lines += ["inferred:", *(f"  {each}" for each in imported.found if each.inferred)]
    lines += [f"blocks: {pattern(list(imported.blocks))}"]
    lines += [f"{name} = {number:,}" for name, number in totals(imported).items()]
    lines += [
        f"cached elements are counted at {WIDTH} bytes, states at 4; width_kv=, width_state= count them at others"
    ]
    lines += imported.stored.told
    lines += [f"MISSING: {part}" for part in imported.missing]
    lines += [f"keys not used: {', '.join(imported.unused)}"] if imported.unused else []
    return "\n".join(lines)


def row_text(imported: Imported) -> str:
    """The row as a YAML file that `model=PATH` reads."""
    cells = {name: value for name, value in imported.record.items() if value not in (None, "", [])}
    return yaml.safe_dump(cells, sort_keys=False, allow_unicode=False, width=110, default_flow_style=None)
