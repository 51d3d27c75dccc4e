"""Tables of the propositions and guidelines, for an edition's rows, and what the study on one page says."""

import numpy as np

from analysis.ask.asked import fitting
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.render.digits import digits_of, percent, whole
from analysis.render.equations import named
from analysis.render.ledger_tables import plain_text
from analysis.render.paper_tables import part, shipped
from analysis.render.tables import table
from analysis.render.thesis_words import about
from analysis.render.verdict_tables import along
from analysis.render.words import PEOPLE, person
from analysis.systems.canonical import Edition
from analysis.thesis import guidelines
from analysis.thesis.conclusions import size
from analysis.thesis.full import whole_batch
from analysis.thesis.kinds import Shares, kinds, shares
from analysis.thesis.resources import BUDGETS, RESOURCES, devices, tokens_per_joule
from analysis.thesis.verdict import REGION, Verdict, verdicts

NEVER, CONTEXTS = "no flip", np.array([1024.0, 8192.0, 65536.0, 2.0**20])
L = guidelines.CONTEXT
BLANK = "&nbsp;"  # a cell that goes on with the one above; nothing would print a dash


def number(value: float | None, digits: int = 3) -> str | None:
    """A number for a cell; nothing for what is not there or not a number, as where a model does not fit."""
    return None if value is None or value != value else digits_of(value, digits)


def _system(edition: Edition, **more) -> Setting:
    return Setting.of(**edition.device, link=edition.link, n_acc=edition.n_acc, **more)


def _whole_name(accelerator: str) -> str:
    return datasets.accelerator(accelerator).name


def _people_in(text: str) -> str:
    for model, name in PEOPLE.items():
        text = text.replace(model, name)
    return text


def kinds_table(edition: Edition) -> str:
    """Every attention kind at full memory: what reading it takes, what the core takes, and on the memory device."""
    speakers = (edition.model, edition.latent, edition.mixture, *edition.models)
    rows = [
        (
            named(each.setting.model.attention, each.setting.conventions.order),
            person(each.setting.model.id),
            whole(whole_batch(each.setting, L)),
            number(each.reading * 1e3),
            number(each.core * 1e3),
            number(each.phi),
            number(each.intensity),
            number(each.speed),
        )
        for each in kinds(_system(edition, accelerator_experts=edition.accelerator_experts), speakers, L)
    ]
    header = ("attention", "model", "requests", "reading [ms]", "core [ms]", "phi", "FLOP/byte", "on the device")
    caption = (
        f"Core attention of every kind at L = {L:g}, with memory full, on {edition.n_acc} {part(edition.accelerator)}: "
        f"time of reading the memory that weights leave free, time of the core, phi (bytes that it moves over bytes "
        f"that requests store), its intensity, its speed on "
        f"the {part(edition.accelerator_experts).lower()} over the accelerator's."
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
    found = shares(setting, names, edition.link_between, CONTEXTS)
    rows = [_hardware_row(each, edition.link_between) for each in found if np.isfinite(each.core).any()]
    out = [name for name in names if not any(row[0] == _whole_name(name) for row in rows)]
    header = ("accelerator", "link", "half from", *(size(x) for x in CONTEXTS), "wires, 1K", "wires, 8K")
    without = f" It does not fit {edition.n_acc} of {', '.join(_whole_name(name) for name in out)}." if out else ""
    caption = (
        f"Core attention's share of TPOT [%] at B_cap for {datasets.model(edition.latent).name} on {edition.n_acc} "
        "accelerators: the paper's devices as it prints them and as they ship, on their own link and on the slow one; "
        f"the context [tokens] from which the share is half, and the share of wires [%].{without}"
    )
    return table(header, rows, caption, "tab-thesis-hardware", "ll" + "r" * 7)


def _hardware_row(found: Shares, slow: str | None) -> tuple:
    shown = [number(100 * share, 2) for share in (*found.core, *found.wires[:2])]
    half = about(found.half) if found.half else None
    link = "slow" if found.setting.link.id == slow else "own"
    return _whole_name(found.setting.accelerator.id), link, half, *shown


def guidelines_table(edition: Edition) -> str:
    """Every guideline with its flip point for the edition's models on its accelerators, and the figure behind it."""
    found = {model: guidelines.systems(edition, model) for model in edition.models}
    names = guidelines.accelerators(edition)
    rows = [
        (_rule(each) if model == edition.models[0] else BLANK, person(model), *_cells(each, systems))
        for each in guidelines.GUIDELINES
        for model, systems in found.items()
    ]
    degrees = ", ".join(f"{guidelines.degree(edition, model)} for {person(model)}" for model in edition.models)
    caption = (
        f"Guidelines and the value at which each flips, on {guidelines.MORE * edition.n_acc} accelerators, at "
        f"L = {L:g} where a context is needed (deg_TP {degrees}; decode, fused, weights as built, even routing unless "
        "said, datasheet rates). Of the rows on ridge point, interconnect and memory, bold is where the accelerator as "
        "it is lies on the side that the inequality names."
    )
    return table(("inequality", "model", *map(part, names)), rows, caption, "tab-guidelines", "ll" + "r" * len(names))


def _rule(guideline: guidelines.Guideline) -> str:
    return f"{guideline.rule}{_unit(guideline.unit)} ({guideline.reader}, {{numref}}`{guideline.figure}`)"


def _cells(guideline: guidelines.Guideline, systems: list[Setting]) -> list[str]:
    lacking = guidelines.missing(guideline, systems[0])
    if lacking:
        return [lacking.replace(" ", BLANK)] * len(systems)
    found = zip(systems, guidelines.flips(guideline, systems), strict=True)
    return [_cell(flip, guidelines.holds(guideline, system, flip)) for system, flip in found]


def _cell(flip: float | None, holds: bool | None) -> str:
    text = NEVER if flip is None else digits_of(flip, 3)
    return f"**{text}**" if holds else text


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" [{unit}]"


def joule_table(edition: Edition) -> str:
    """Tokens per joule at B_cap if an accelerator drew its TDP; rows without TDP are left out."""
    found = {model: guidelines.systems(edition, model) for model in edition.models}
    rows = []
    for place, name in enumerate(guidelines.accelerators(edition)):
        each = [tokens_per_joule(systems[place].with_(accelerator_experts=None), L) for systems in found.values()]
        if any(each):
            rows.append((part(name), f"{datasets.accelerator(name).tdp:g}", *map(number, each)))
    header = ("accelerator", "TDP [W]", *map(person, found))
    caption = (
        f"Tokens per joule at L = {L:g} and B_cap on {guidelines.MORE * edition.n_acc} accelerators, if each drew its "
        "TDP: accelerators alone, so an upper bound for a system that does."
    )
    return table(header, rows, caption, "tab-thesis-joule", "lr" + "r" * len(found))


def devices_table(edition: Edition) -> str:
    """Devices at equal, named budgets: throughput over the edition's accelerator for each of its models."""
    settings = [fitting(_system(edition, model=each, deg_TP=edition.degree(each))) for each in edition.models]
    found = devices(settings, edition.accelerator_experts, L)
    rows = [(each.budget, plain_text(_people_in(each.name)), *map(number, each.gains)) for each in found]
    header = ("budget", "device", *(person(each.model.id) for each in settings))
    shares_of = "; ".join(f"{name} {', '.join(f'{share:g}' for share in costs)}" for name, costs in BUDGETS.items())
    caption = (
        f"Throughput over {edition.n_acc} {part(edition.accelerator)} of as many devices that cost the same, at "
        f"L = {L:g} and B_cap. Shares of {', '.join(RESOURCES)}, assumed without a source: {shares_of}."
    )
    return table(header, rows, caption, "tab-thesis-devices", "ll" + "r" * len(settings))


# -- the study on one page ---------------------------------------------------------------------------


def conclusions_table() -> str:
    """Every conclusion, how far it holds on its grid, and where along its first line; those that hold most first."""
    rows = [
        (each.conclusion.statement, _extent(each), f"{line.where}: {along(line, found)}")
        for each in sorted(verdicts(), key=lambda verdict: verdict.share, reverse=True)
        for line, found in each.boundaries[:1]
    ]
    caption = (
        "Share of a stated grid, from few requests to full memory, on which each conclusion of the paper's setting "
        "holds; and where for R1, with memory full and even routing unless said."
    )
    return table(("conclusion", "holds on", "for R1"), rows, caption, "tab-one-page", "lrl", style="one-page")


def _extent(verdict: Verdict) -> str:
    return percent(round(verdict.share, 2)) if verdict.holds == REGION else verdict.holds
