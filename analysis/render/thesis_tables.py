"""Tables of the propositions and guidelines, for an edition's models, accelerators and link."""

import numpy as np

from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import guidelines
from analysis.evaluate.thesis.kinds import kinds, shares
from analysis.evaluate.thesis.resources import BUDGETS, RESOURCES, at_best, devices, tokens_per_joule
from analysis.render.digits import digits_of, percent, whole
from analysis.render.equations import named
from analysis.render.ledger_tables import plain_text
from analysis.render.paper_tables import shipped
from analysis.render.tables import code, table

NEVER, CONTEXTS = "never", np.array([1024.0, 8192.0, 65536.0, 2.0**20])
L = guidelines.CONTEXT


def number(value: float | None, digits: int = 3) -> str | None:
    """A number for a cell; nothing for what is not there or not a number, as where a model does not fit."""
    return None if value is None or value != value else digits_of(value, digits)


def _share(value: float) -> str | None:
    return None if value != value else percent(value)


def _system(edition: Edition, **more) -> Setting:
    return Setting.of(**edition.device, link=edition.link, n_acc=edition.n_acc, **more)


def kinds_table(edition: Edition) -> str:
    """Every attention kind at full memory: what reading it takes, what the core takes, and on the memory device."""
    rows = [
        (
            named(each.setting.model.attention, each.setting.conventions.order),
            code(each.setting.model.id),
            number(each.batch),
            number(each.reading * 1e3),
            number(each.core * 1e3),
            number(each.core / each.reading),
            number(each.intensity),
            number(each.speed),
        )
        for each in kinds(_system(edition, accelerator_experts=edition.accelerator_experts), edition.models, L)
    ]
    header = ("attention", "model", "B_cap", "reading [ms]", "core [ms]", "ratio", "FLOP/byte", "on the device")
    caption = (
        f"Core attention of every kind at L = {L:g} and B_cap on {edition.n_acc} x {edition.accelerator}: time of "
        f"reading the memory that weights leave free, time of the core, its intensity, its speed on "
        f"{edition.accelerator_experts} over the accelerator's."
    )
    return table(header, rows, caption, "tab-thesis-kinds", "ll" + "r" * 6)


def hardware_table(edition: Edition) -> str:
    """The edition's model of latent attention on the paper's devices, as printed and as shipped, on two links."""
    printed = [row for row in datasets.shipped("accelerators").values() if row.RP_printed]
    parts = [
        row.id for each in printed for row in (each, *shipped(each)) if getattr(row, f"P_{edition.peak}") is not None
    ]
    names = list(dict.fromkeys((edition.accelerator, *parts)))
    setting = _system(edition, model=edition.latent, deg_TP=edition.degree(edition.latent))
    rows = []
    for each in shares(setting, names, edition.link_between, CONTEXTS):
        wires = " / ".join(_share(share) or "–" for share in each.wires[:2])
        rows.append(
            (
                code(each.setting.accelerator.id),
                code(each.setting.link.id),
                whole(round(each.half)) if each.half else None,
                *(_share(share) for share in each.core),
                wires,
            )
        )
    header = ("accelerator", "link", "half from L", *(f"{x / 1024:g}K" for x in CONTEXTS), "wires at 1K / 8K")
    caption = (
        f"Core attention's share of TPOT at B_cap for {datasets.model(edition.latent).name} on {edition.n_acc} "
        "accelerators: the paper's devices as it prints them and as they ship, on their own link and on the slow one; "
        "the context from which the share is half, and the share of wires. Empty where the model does not fit."
    )
    return table(header, rows, caption, "tab-thesis-hardware", "ll" + "r" * 6)


def guidelines_table(edition: Edition) -> str:
    """Every guideline with its flip point for the edition's models on its accelerators, and the figure behind it."""
    rows = [
        (
            f"{each.rule}{_unit(each.unit)} ({each.reader}, {{numref}}`{each.figure}`)",
            code(model),
            *(NEVER if flip is None else digits_of(flip, 3) for flip in found),
        )
        for each, of_models in _flips(edition)
        for model, found in of_models.items()
    ]
    names = guidelines.accelerators(edition)
    caption = (
        f"Guidelines and the value at which each flips, on {guidelines.MORE * edition.n_acc} accelerators, at L = "
        f"{L:g} where a context is needed (decode, fused, weights as built, even routing unless said, datasheet rates)."
    )
    return table(("inequality", "model", *map(code, names)), rows, caption, "tab-guidelines", "ll" + "r" * len(names))


def _flips(edition: Edition) -> list[tuple[guidelines.Guideline, dict[str, list[float | None]]]]:
    """Every guideline with its flip points per accelerator, for each model that it speaks of."""
    found = {model: guidelines.systems(edition, model) for model in edition.models}
    return [
        (each, {m: guidelines.flips(each, on) for m, on in found.items() if guidelines.speaks_of(each, on[0])})
        for each in guidelines.GUIDELINES
    ]


def flips_move(edition: Edition) -> str:
    """Whether flips move more with the model or with the accelerator, counted over the guidelines, and what to ask."""
    found = [list(of_models.values()) for _, of_models in _flips(edition)]
    judged = [rows for rows in found if len(rows) > 1 and all(flip for row in rows for flip in row)]
    more = sum(_spread(zip(*rows, strict=True)) > _spread(rows) for rows in judged)
    model, device = "which attention and how many experts", "which device"
    first, then = (model, device) if 2 * more > len(judged) else (device, model)
    return (
        f"{more} of the {len(judged)} guidelines that flip for several models on every accelerator do so further apart "
        f"between models than between accelerators. Ask first {first}, then {then}."
    )


def _spread(groups) -> float:
    """The largest ratio of two numbers of one group [1]."""
    return max(max(group) / min(group) for group in map(list, groups))


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" [{unit}]"


def joule_table(edition: Edition) -> str:
    """Tokens per joule at B_cap if an accelerator drew its TDP; rows without TDP are left out."""
    found = {model: guidelines.systems(edition, model) for model in edition.models}
    rows = []
    for place, name in enumerate(guidelines.accelerators(edition)):
        each = [tokens_per_joule(systems[place].with_(accelerator_experts=None), L) for systems in found.values()]
        if any(each):
            rows.append((code(name), f"{datasets.accelerator(name).tdp:g}", *map(number, each)))
    header = ("accelerator", "TDP [W]", *map(code, found))
    caption = (
        f"Tokens per joule at L = {L:g} and B_cap on {guidelines.MORE * edition.n_acc} accelerators, if each drew its "
        "TDP: accelerators alone, so an upper bound for a system that does."
    )
    return table(header, rows, caption, "tab-thesis-joule", "lr" + "r" * len(found))


def devices_table(edition: Edition) -> str:
    """Devices at equal, named budgets: throughput over the edition's accelerator for each of its models."""
    settings = at_best(_system(edition), edition.models, L)
    found = devices(settings, edition.accelerator_experts, L)
    rows = [(each.budget, plain_text(each.name), *map(number, each.gains)) for each in found]
    header = ("budget", "device", *(code(each.model.id) for each in settings))
    shares_of = "; ".join(f"{name} {', '.join(f'{share:g}' for share in costs)}" for name, costs in BUDGETS.items())
    caption = (
        f"Throughput over {edition.n_acc} x {edition.accelerator} of as many devices that cost the same, at L = {L:g} "
        f"and B_cap. Assumed shares of {', '.join(RESOURCES)}: {shares_of}."
    )
    return table(header, rows, caption, "tab-thesis-devices", "ll" + "r" * len(settings))


BY_EDITION = {
    "kinds_table": kinds_table,
    "hardware_table": hardware_table,
    "joule_table": joule_table,
    "devices_table": devices_table,
    "guidelines_table": guidelines_table,
}
SENTENCES = {"flips_move": flips_move}
