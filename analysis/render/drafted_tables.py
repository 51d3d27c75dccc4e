"""The verdict with several query tokens a step, in tables and a sentence."""

from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.thesis.drafted import QUERIES, by_acceptance, by_queries
from analysis.evaluate.thesis.verdict import Verdict
from analysis.render.digits import digits_of
from analysis.render.tables import code, table


def queries_table(edition: Edition) -> str:
    """How many of its conditions each conclusion meets with 1 to 8 query tokens; bold where its verdict turns."""
    found = by_queries(edition)
    rows = [
        (first.conclusion.statement, *(_met(found[query][place], first) for query in QUERIES))
        for place, first in enumerate(found[QUERIES[0]])
    ]
    caption = (
        "Conditions met with several query tokens a step, each at its own B_cap, whatever share of drafts is accepted; "
        "bold where the verdict is another than with one."
    )
    header = ("conclusion, by query tokens l", *map(str, QUERIES))
    return table(header, rows, caption, "tab-thesis-queries", "l" + "c" * len(QUERIES))


def _met(verdict: Verdict, first: Verdict) -> str:
    met = f"{verdict.holding}/{len(verdict.conditions)}"
    return f"**{met}**" if verdict.group != first.group else met


def acceptance_table(edition: Edition) -> str:
    """What serves most at each acceptance rate, per model, and the verdicts that turn there."""
    found = by_acceptance(edition)
    models = list(found[0].queries)
    rows = [
        (
            f"{each.acceptance:g}",
            *(_best(each.queries[model], each.gains[model]) for model in models),
            "; ".join(f"{turned.conclusion.statement}: {turned.group}" for turned in each.turned) or "none",
        )
        for each in found
    ]
    name = datasets.model(edition.latent).name
    header = ("acceptance", *map(code, models), f"verdicts that turn for {name}")
    caption = (
        f"Query tokens a step, of up to {QUERIES[-1]}, that serve most at L = 8K and B_cap, and throughput over one, "
        "where each draft is accepted with this probability once those before it were; making drafts is not charged."
    )
    return table(header, rows, caption, "tab-thesis-acceptance", "r" + "r" * len(models) + "l")


def _best(query: int, gain: float) -> str | None:
    return None if gain != gain else f"{query} ({digits_of(gain)})"


def turned_by_queries(edition: Edition) -> str:
    """Which verdicts turn with several query tokens, and from how many on, as a sentence."""
    found, parts = by_queries(edition), []
    for place, first in enumerate(found[QUERIES[0]]):
        other = [query for query in QUERIES if found[query][place].group != first.group]
        if other:
            parts.append(f"*{first.conclusion.statement}* ({found[other[0]][place].group}, from {other[0]} on)")
    if not parts:
        return f"No number of query tokens up to {QUERIES[-1]} turns a verdict."
    return f"More query tokens turn {len(parts)} of {len(found[QUERIES[0]])} verdicts: {'; '.join(parts)}."


BY_EDITION = {
    "queries_table": queries_table,
    "acceptance_table": acceptance_table,
    "turned_by_queries": turned_by_queries,
}
