"""What pages say about the setting that the book speaks of: its rows by name, and numbers that follow from them."""

from dataclasses import asdict
from typing import Any

from analysis.ask.setting import architecture
from analysis.data import datasets
from analysis.render import canonical_numbers
from analysis.render.paper_tables import short_name
from analysis.render.tables import code, table
from analysis.systems.canonical import Edition, paper


def words(edition: Edition) -> dict[str, Any]:
    """The names that pages use for the setting, and the functions that depend on it."""
    return {
        "edition": edition,
        "paper": paper(),
        "name": _name,
        "part": _part,
        "names": _names,
        "made_of": made_of,
        "setting_table": setting_table,
        "latent_attention": datasets.model(edition.latent).attention,
        "precision": edition.peak.upper() + ("" if edition.width == 2 else f", {edition.width:g}-byte elements"),
        "elements": f"{edition.width:g}-byte elements",
        **canonical_numbers.words(edition),
    }


def _name(model: str) -> str:
    """A model's name for readers."""
    return datasets.model(model).name


def _part(accelerator: str) -> str:
    """An accelerator's name for readers, without the remark that the paper prints it so."""
    return short_name(datasets.accelerator(accelerator))


def _names(models) -> str:
    """Several models by name, as a sentence lists them."""
    *first, last = [_name(each) for each in models]
    return f"{', '.join(first)} and {last}" if first else last


def setting_table() -> str:
    """What the book speaks of, from its file."""
    rows = [(code(name), _written(value)) for name, value in asdict(paper()).items() if value is not None]
    return table(("part", "value"), rows, "The setting that the book speaks of.", "tab-edition")


def _written(value) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def made_of(model: str) -> str:
    """The parts of a model's blocks, in words.

    >>> made_of("deepseek-v3")
    'MLA, gated layers, routed and shared experts'
    >>> made_of("gpt3-175b")
    'MHA, plain layers'
    """
    blocks = architecture(datasets.model(model))
    parts = [blocks.attention.replace("_", " "), *([f"{blocks.ffn} layers"] if blocks.dense else [])]
    if blocks.experts:
        parts.append("routed and shared experts" if blocks.shared else "routed experts")
    return ", ".join(parts)
