"""What pages say about the setting that the book speaks of: its rows by name, and numbers that follow from them."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import M_cap
from analysis.render import derivations, equations
from analysis.render.digits import digits_of, percent
from analysis.render.paper_tables import short_name
from analysis.render.tables import code, table
from analysis.systems import crossing
from analysis.systems.canonical import Edition, paper
from analysis.systems.quantities import evaluate


def words(edition: Edition) -> dict[str, Any]:
    """The names that pages use for the setting, and the functions that depend on it."""
    return {
        "edition": edition,
        "paper": paper(),
        "name": _name,
        "part": _part,
        "names": _names,
        "setting_table": setting_table,
        "latent_attention": datasets.model(edition.latent).attention,
        "precision": edition.peak.upper() + ("" if edition.width == 2 else f", {edition.width:g}-byte elements"),
        "elements": f"{edition.width:g}-byte elements",
        "speaker": partial(speaker, edition),
        "ridge_share": partial(ridge_share, edition),
        "ridge_shares": partial(ridge_shares, edition),
        "capacity": partial(capacity, edition),
        "lowest_ridge": partial(lowest_ridge, edition),
        "crossing_sentence": partial(crossing_sentence, edition),
        "limit_number": _for_speakers(edition, derivations.limit_number),
        "limit_value": _for_speakers(edition, derivations.limit_value),
        "limit_table": partial(derivations.limit_table, speaker=partial(speaker, edition), width=edition.width),
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


def ridge_shares(edition: Edition) -> str:
    """That share for each accelerator of the edition, in words, falling."""
    shares = {each: ridge_share(edition, each) for each in dict.fromkeys((edition.accelerator, *edition.accelerators))}
    falling = sorted(shares, key=shares.get, reverse=True)
    listed = [f"{percent(shares[each])} of that of {short_name(datasets.accelerator(each))}" for each in falling]
    listed[0] = listed[0].replace("of that of", "of the ridge point of")
    return f"{', '.join(listed[:-1])} and {listed[-1]}" if len(listed) > 1 else listed[0]


def crossing_sentence(edition: Edition) -> str:
    """Up to which query length reordering is the faster order, and what that says of speculative decoding."""
    setting = Setting.of(model=edition.latent, B=edition.B_each, L=edition.L, **edition.device)
    lengths = [found.length for found in crossing.crossings_in_time(setting)]
    if not lengths:
        return "One order is the faster one at every query length."
    listed = " and ".join(map(digits_of, lengths))
    few = "stays on the reordered side" if lengths[0] >= FEW else "may already cross over"
    return f"The orders take equal time at {listed} query tokens per request: speculation with a few tokens {few}."


def _for_speakers(edition: Edition, function: Callable[..., Any]) -> Callable[..., Any]:
    """The limits of core attention for the edition's models and at its width."""

    def of_the_edition(mechanism: str, *more, **given):
        return function(mechanism, *more, **{"model": speaker(edition, mechanism), "width": edition.width, **given})

    of_the_edition.__doc__ = function.__doc__
    return of_the_edition
