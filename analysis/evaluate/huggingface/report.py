"""What an import found, for the reader to check: keys, inferences, blocks, totals, missing parts; and its row."""

import yaml

from analysis.derive import decoder
from analysis.derive.symbols import width_activations, width_kv, width_weights
from analysis.evaluate.datasets import row_point
from analysis.evaluate.huggingface.blocks import pattern
from analysis.evaluate.huggingface.importing import Imported
from analysis.evaluate.numbers import exact
from analysis.evaluate.setting import architecture

WIDTH = 2


def totals(imported: Imported) -> dict[str, int]:
    """Parameters [1], active parameters [1], and cached bytes per token at two bytes an element [byte]."""
    built = architecture(imported.row)
    point = row_point(imported.row) | dict.fromkeys((width_weights, width_kv, width_activations), WIDTH)
    found = {
        "parameters": decoder.parameters(built),
        "active parameters (output head counted, input embedding not)": decoder.active_parameters(built),
        "KV bytes per token": decoder.kv_bytes_per_token(built),
    }
    return {name: exact(form, point) for name, form in found.items()} | _beyond_windows(imported, built, point)


def _beyond_windows(imported: Imported, built, point) -> dict[str, int]:
    """Bytes that a token adds to the cache once the context is longer than every window."""
    kept = sum(block.tokens is None for block in imported.blocks)
    if kept == len(imported.blocks):
        return {}
    name = f"KV bytes per token beyond the windows ({kept} of {len(imported.blocks)} blocks)"
    return {name: kept * exact(decoder.kv_bytes_per_block(built), point)}


def report(imported: Imported) -> str:
    """The import in lines of text."""
    lines = [f"model type {imported.model_type}, row {imported.row.id}"]
    lines += ["read:", *(f"  {each}" for each in imported.found if not each.inferred)]
    lines += ["inferred:", *(f"  {each}" for each in imported.found if each.inferred)]
    lines += [f"blocks: {pattern(list(imported.blocks))}"]
    lines += [f"{name} = {number:,}" for name, number in totals(imported).items()]
    if imported.weight_width:
        lines.append(
            f"weights are stored quantised: width_weights={imported.weight_width:g} counts them so "
            "(parts left unquantised and scales per block are not told apart)"
        )
    lines += [f"MISSING: {part}" for part in imported.missing]
    lines += [f"keys not used: {', '.join(imported.unused)}"] if imported.unused else []
    return "\n".join(lines)


def row_text(imported: Imported) -> str:
    """The row as a YAML file that `model=PATH` reads."""
    cells = {name: _cell(value) for name, value in imported.record.items() if value not in (None, "")}
    return yaml.safe_dump(cells, sort_keys=False, allow_unicode=False, width=110)


def _cell(value):
    return " ".join(value) if isinstance(value, list) else value
