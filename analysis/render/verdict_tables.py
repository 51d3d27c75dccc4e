"""The verdict in words and tables: conclusions by how far they hold, who states them, and the ledger's rows."""

from analysis.evaluate import datasets
from analysis.evaluate.claims.ledger import ledger
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.thesis.conclusions import Condition
from analysis.evaluate.thesis.verdict import HOLDS, NOWHERE, SOMEWHERE, SUMMARY, UNJUDGED, V1, V3, Verdict, verdicts
from analysis.evaluate.thesis.weighed import Weighed, guidelines_that_flip, weighed
from analysis.render.digits import digits_of, percent
from analysis.render.ledger_tables import link, plain_text
from analysis.render.tables import table
from analysis.render.thesis_words import of_model

LISTED = 4  # conditions spelt out on each side
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
        f"{of_model(edition)}link and context, and wires and waiting are in {cases['wires']}. That accelerators as "
        f"they are suffice holds in {cases['balanced']} cases of model and budget{general}."
    )


BY_EDITION = {
    "conclusions": conclusions,
    "holds_table": holds_table,
    "count_of": count_of,
    "group_of": group_of,
    "takeaway": takeaway,
}
WORDS = {"verdicts_table": verdicts_table}
