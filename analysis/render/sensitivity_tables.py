"""The verdict under other conventions, on other systems, and with achieved rates: tables and sentences."""

from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.thesis.sensitivity import numbers
from analysis.evaluate.thesis.verdict import Verdict, variants, verdicts
from analysis.render.digits import percent
from analysis.render.tables import table
from analysis.render.thesis_tables import number
from analysis.render.thesis_words import of_model

CONVENTIONS = {"overlap", "weights", "width", "peak", "grouping", "rope"}


def groups_table(edition: Edition) -> str:
    """How many of its conditions each conclusion meets under other conventions, systems and achieved rates."""
    names = list(variants(edition))
    found = {name: verdicts(edition, name) for name in names}
    rows = [
        (each.conclusion.statement, *(_met(found[name][place], each) for name in names))
        for place, each in enumerate(found[names[0]])
    ]
    caption = (
        "Conditions met, of those that can be checked, under other conventions, systems and achieved rates; bold where "
        "the verdict is another, judged by the conditions that both can check."
    )
    return table(("conclusion", *names), rows, caption, "tab-thesis-groups", "l" + "c" * len(names))


def _met(verdict: Verdict, plain: Verdict) -> str | None:
    if not verdict.conditions:
        return None
    met = f"{verdict.holding}/{len(verdict.conditions)}"
    before, now = plain.beside(verdict)
    return met if before == now else f"**{met}**"


def turned(edition: Edition) -> str:
    """The conclusions whose verdict another variant turns, each with the variants that do, as a sentence.

    Judged by the conditions that both could check: a variant may know nothing of the memory device.
    """
    plain, parts = verdicts(edition), []
    for place, each in enumerate(plain):
        beside = {name: each.beside(verdicts(edition, name)[place]) for name in variants(edition)}
        turns = [f"{name} ({group})" for name, (own, group) in beside.items() if group != own]
        parts += [f"*{each.conclusion.statement}* under {', '.join(turns)}"] if turns else []
    return f"Other verdicts follow for {'; '.join(parts)}." if parts else "No variant turns a verdict."


def sensitivity_table(edition: Edition) -> str:
    """The numbers that most of the verdicts rest on, under other conventions and lower rates."""
    header = (
        "variant",
        "core attention",
        "wires",
        "device on attention",
        "device on experts from",
        "acceptance for two tokens",
        "worth of arithmetic",
        "of bandwidth",
        "of capacity",
    )
    rows = [
        (
            each.name,
            percent(each.core_share),
            percent(each.wires_share),
            number(each.device_speed),
            number(each.device_context),
            number(each.acceptance),
            *(number(each.worth[name]) for name in ("arithmetic", "memory bandwidth", "capacity")),
        )
        for each in numbers(edition)
    ]
    caption = (
        "Numbers behind the verdicts under other conventions: shares of TPOT, speed of core attention on the memory "
        "device, context from which that device is ahead on experts, acceptance above which two query tokens pay, "
        f"elasticities. {datasets.model(edition.latent).name} on {edition.n_acc} x {edition.accelerator} at L = 8K and "
        "B_cap."
    )
    return table(header, rows, caption, "tab-thesis-sensitivity", "l" + "r" * 8)


def worth_of_arithmetic(edition: Edition) -> tuple[float, float]:
    """Elasticity of throughput to arithmetic by the datasheet and by measured efficiencies [1]."""
    found = numbers(edition)
    return found[0].worth["arithmetic"], found[-1].worth["arithmetic"]


def shares_move(edition: Edition) -> str:
    """Between which shares core attention moves with link and context, and with conventions alone, as a sentence."""
    name = "no-longer"
    moved = [each.number for each in next(v for v in verdicts(edition) if v.conclusion.name == name).conditions]
    kept = [each.core_share for each in numbers(edition) if set(variants(edition)[each.name]) <= CONVENTIONS]
    over, under = ([percent(end(found)) for end in (min, max)] for found in (moved, kept))
    return (
        f"Core attention's share of a token's time runs from {over[0]} to {over[1]} over {of_model(edition)}link and "
        f"context, and from {under[0]} to {under[1]} over the conventions on one system at 8K."
    )


BY_EDITION = {
    "groups_table": groups_table,
    "turned": turned,
    "shares_move": shares_move,
    "worth_of_arithmetic": worth_of_arithmetic,
    "sensitivity_table": sensitivity_table,
}
