"""The verdict in words and tables: conclusions by how far they hold, who states them, and under other conventions."""

from analysis.evaluate import datasets
from analysis.evaluate.claims.ledger import ledger
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.thesis.conclusions import Condition
from analysis.evaluate.thesis.sensitivity import numbers
from analysis.evaluate.thesis.verdict import (
    HOLDS,
    NOWHERE,
    SOMEWHERE,
    SUMMARY,
    UNJUDGED,
    V1,
    V3,
    Verdict,
    variants,
    verdicts,
)
from analysis.evaluate.thesis.weighed import Weighed, guidelines_that_flip, weighed
from analysis.render.digits import digits_of, percent
from analysis.render.ledger_tables import link, plain_text
from analysis.render.tables import table
from analysis.render.thesis_tables import number

LISTED = 4  # conditions spelt out on each side
CONVENTIONS = {"overlap", "weights", "width", "peak", "grouping", "rope"}
GROUPS = {HOLDS: "holds", SOMEWHERE: "somewhere", NOWHERE: "nowhere", UNJUDGED: "unjudged"}


def conclusions(edition: Edition, group: str) -> str:
    """The conclusions that hold, that hold somewhere only, or that do not follow, one paragraph each with its numbers.

    `group` is `holds`, `somewhere`, `nowhere` or `unjudged`; a sentence says so where none is in it.
    """
    found = [each for each in verdicts(edition) if GROUPS[each.group] == group]
    return "\n".join(f"- {_paragraph(each)}" for each in found) or "None of the conclusions weighed here."


def _paragraph(verdict: Verdict) -> str:
    said = verdict.conclusion
    who = ", ".join((*said.said, *(link(each) for each in ledger() if each.id in said.claims)))
    figure = f"({{numref}}`{said.figure}`)"
    return f"**{said.statement}** ({who}). {_cases(verdict)} {figure}"


def _cases(verdict: Verdict) -> str:
    said, cases = verdict.conclusion, verdict.conditions
    if not cases:
        return "There is nothing to check it on here."
    if verdict.holding in (0, len(cases)):
        ends = [_number(extreme(each.number for each in cases), said.percent) for extreme in (min, max)]
        word = "In all" if verdict.holding else "In none of"
        return f"{word} {len(cases)} cases: {said.measure}, {ends[0]} to {ends[1]}."
    sides = {"Yes": True, "no": False}
    lists = [
        f"{word}: {_listed([each for each in cases if each.holds is side], said.percent)}"
        for word, side in sides.items()
    ]
    return f"In {verdict.holding} of {len(cases)} cases, by {said.measure}. {'; '.join(lists)}."


def _listed(cases: list[Condition], in_percent: bool) -> str:
    listed = cases if len(cases) <= LISTED + 1 else cases[:LISTED]
    shown = [f"{plain_text(each.where)} ({_number(each.number, in_percent)})" for each in listed]
    more = [f"{len(cases) - LISTED} more"] if len(listed) < len(cases) else []
    return ", ".join([*shown, *more])


def _number(given: float, in_percent: bool) -> str:
    return percent(given) if in_percent else digits_of(given, 3)


def holds_table(edition: Edition) -> str:
    """Which conclusions of each version of the paper, and of the summary, hold, hold somewhere, or do not follow."""
    found = verdicts(edition)
    rows = []
    for who in (V1, V3, SUMMARY):
        own = [each for each in found if who in each.conclusion.said]
        cells = [
            "; ".join(each.conclusion.statement for each in own if each.group == group)
            for group in (HOLDS, SOMEWHERE, NOWHERE)
        ]
        rows.append((who, *cells))
    caption = "What the two versions of the paper and the summary conclude, by how far it holds."
    return table(("stated in", HOLDS, SOMEWHERE, NOWHERE), rows, caption, "tab-thesis-versions", "llll")


def count_of(edition: Edition, group: str) -> int:
    """Number of conclusions in a group (`holds`, `somewhere`, `nowhere`)."""
    return sum(GROUPS[each.group] == group for each in verdicts(edition))


def group_of(edition: Edition, name: str) -> str:
    """The group of one conclusion by name: `holds`, `somewhere`, `nowhere` or `unjudged`."""
    return GROUPS[next(each for each in verdicts(edition) if each.conclusion.name == name).group]


def groups_table(edition: Edition) -> str:
    """How many of its conditions each conclusion meets under other conventions, systems and achieved rates."""
    names = list(variants(edition))
    found = {name: verdicts(edition, name) for name in names}
    rows = [
        (each.conclusion.statement, *(_met(found[name][place]) for name in names))
        for place, each in enumerate(found[names[0]])
    ]
    caption = "Conditions met, of those that can be checked, under other conventions, systems, and achieved rates."
    return table(("conclusion", *names), rows, caption, "tab-thesis-groups", "l" + "c" * len(names))


def _met(verdict: Verdict) -> str | None:
    if not verdict.conditions:
        return None
    return f"{verdict.holding}/{len(verdict.conditions)}"


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


def verdicts_table() -> str:
    """The claims that weigh the thesis: their verdicts in the ledger and in this chapter, and the reasons."""
    rows = [
        (f"{link(each.finding)} {each.finding.claim.claim}", each.finding.verdict, _here(each), each.finding.reason)
        for each in weighed()
    ]
    header = ("statement", "in the ledger", "in this chapter", "why")
    caption = "The claims that weigh the thesis; conditions met in this chapter, of those checked, in brackets."
    return table(header, rows, caption, "tab-thesis-verdicts")


def _here(each: Weighed) -> str:
    if not each.verdicts:
        able, all_ = guidelines_that_flip()
        return f"{able} of {all_} guidelines flip at a value in every system ({{numref}}`tab-guidelines`)"
    met = ", ".join(f"{verdict.holding}/{len(verdict.conditions)}" for verdict in each.verdicts)
    return f"{each.group} ({met})"


def worth_of_arithmetic(edition: Edition) -> tuple[float, float]:
    """Elasticity of throughput to arithmetic by the datasheet and by measured efficiencies [1]."""
    found = numbers(edition)
    return found[0].worth["arithmetic"], found[-1].worth["arithmetic"]


def takeaway(edition: Edition) -> str:
    """The verdict in three sentences that follow the conditions."""
    met = {each.conclusion.name: each for each in verdicts(edition)}
    model, device = datasets.model(edition.latent).name, f"{edition.latent}, {edition.accelerator_experts}"
    cases = {name: f"{each.holding} of {len(each.conditions)}" for name, each in met.items()}
    own = [each.holds for each in met["not-needed"].conditions if each.where.startswith(device)]
    low = (
        "The argument against low-ridge hardware for attention"
        if own and all(own)
        else "No argument against low-ridge hardware"
    )
    general = "" if met["balanced"].group == HOLDS else ", and so not in general"
    return (
        f"{low} stands for {model}. Attention is no longer the bottleneck in {cases['no-longer']} cases of "
        f"{_of_model(edition)}link and context, and wires and waiting are in {cases['wires']}. That accelerators as "
        f"they are suffice holds in {cases['balanced']} cases of model and budget{general}."
    )


def _of_model(edition: Edition) -> str:
    return "" if edition.model == edition.latent else "model, "


def shares_move(edition: Edition) -> str:
    """Between which shares core attention moves with link and context, and with conventions alone, as a sentence."""
    name = "no-longer"
    moved = [each.number for each in next(v for v in verdicts(edition) if v.conclusion.name == name).conditions]
    kept = [each.core_share for each in numbers(edition) if set(variants(edition)[each.name]) <= CONVENTIONS]
    over, under = ([percent(end(found)) for end in (min, max)] for found in (moved, kept))
    return (
        f"Core attention's share of a token's time runs from {over[0]} to {over[1]} over {_of_model(edition)}link and "
        f"context, and from {under[0]} to {under[1]} over the conventions on one system at 8K."
    )


BY_EDITION = {
    "conclusions": conclusions,
    "holds_table": holds_table,
    "count_of": count_of,
    "group_of": group_of,
    "groups_table": groups_table,
    "turned": turned,
    "takeaway": takeaway,
    "shares_move": shares_move,
    "worth_of_arithmetic": worth_of_arithmetic,
    "sensitivity_table": sensitivity_table,
}
WORDS = {"verdicts_table": verdicts_table}
