"""What pages say about the setting that the book speaks of: its rows by name, and numbers that follow from them."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import M_cap
from analysis.render import derivations, equations
from analysis.render.paper_tables import part
from analysis.render.tables import code, table
from analysis.render.words import listed
from analysis.systems.canonical import Edition, paper
from analysis.systems.quantities import evaluate


def words(edition: Edition) -> dict[str, Any]:
    """The names that pages use for the setting, and the functions that depend on it."""
    return {
        "edition": edition,
        "paper": paper(),
        "name": _name,
        "part": part,
        "names": _names,
        "setting_table": setting_table,
        "latent_attention": datasets.model(edition.latent).attention,
        "precision": edition.peak.upper() + ("" if edition.width == 2 else f", {edition.width:g}-byte elements"),
        "elements": f"{edition.width:g}-byte elements",
        "speaker": partial(speaker, edition),
        "ridge_share": partial(ridge_share, edition),
        "capacity": partial(capacity, edition),
        "lowest_ridge": partial(lowest_ridge, edition),
        "limit_number": _for_speakers(edition, derivations.limit_number),
        "limit_value": _for_speakers(edition, derivations.limit_value),
        "limit_table": partial(derivations.limit_table, speaker=partial(speaker, edition), width=edition.width),
    }


def _name(model: str) -> str:
    """A model's name for readers."""
    return datasets.model(model).name


def _names(models) -> str:
    """Several models by name, as a sentence lists them."""
    return listed(map(_name, models))


def setting_table() -> str:
    """What the book speaks of, from its file."""
    rows = [(code(name), _written(value)) for name, value in asdict(paper()).items()]
    return table(("part", "value"), rows, "The setting that the book speaks of.", "tab-edition")


def _written(value) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


# -- numbers that depend on the setting's rows -------------------------------------------------------
FEW = 8
"""Query tokens of a step that speculative decoding brings at most, as the book counts them."""


def speaker(edition: Edition, mechanism: str) -> str:
    """The model that speaks for an attention mechanism: the edition's, else the first of the data that has it."""
    return edition.speaker(mechanism) or equations.mechanism_models()[mechanism]


def ridge_share(edition: Edition, accelerator: str = "") -> float:
    """Limit of reordered core attention over an accelerator's ridge point (by default the edition's) [1]."""
    limit = derivations.limit_value(
        datasets.model(edition.latent).attention, "reordered", model=edition.latent, width=edition.width
    )
    device = {"accelerator": accelerator or edition.accelerator, "peak": edition.peak}
    return limit / evaluate("ridge_point", **device).value


def capacity(edition: Edition) -> float:
    """Memory of one of the edition's accelerators [byte]."""
    return Setting.of(accelerator=edition.accelerator, peak=edition.peak).point[M_cap]


def lowest_ridge(edition: Edition) -> str:
    """The accelerator of the paper's Table I with the lowest ridge point at the edition's arithmetic."""
    rates = f"P_{edition.peak}"
    rows = [row for row in datasets.shipped("accelerators").values() if row.RP_printed and getattr(row, rates)]
    return min(rows, key=lambda row: getattr(row, rates) / row.BW_mem).id


def _for_speakers(edition: Edition, function: Callable[..., Any]) -> Callable[..., Any]:
    """The limits of core attention for the edition's models and at its width."""

    def of_the_edition(mechanism: str, *more, **given):
        return function(mechanism, *more, **{"model": speaker(edition, mechanism), "width": edition.width, **given})

    of_the_edition.__doc__ = function.__doc__
    return of_the_edition
