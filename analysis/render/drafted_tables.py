"""The verdict with several query tokens a step, in tables and a sentence, of the paper's setting."""

from analysis.render.digits import digits_of
from analysis.render.tables import table
from analysis.render.words import PEOPLE
from analysis.thesis.drafted import QUERIES, SHOWN, by_acceptance, by_queries


def queries_table() -> str:
    """Share of its grid on which each conclusion holds with 1, 2, 4 and 8 query tokens a step."""
    found = by_queries()
    rows = [
        (first.conclusion.short, *(f"{100 * found[query][place].share:.0f}" for query in SHOWN))
        for place, first in enumerate(found[SHOWN[0]])
    ]
    caption = (
        "Share of its grid [%] on which each conclusion holds with several query tokens a step, whatever share of "
        "drafts is accepted."
    )
    header = ("conclusion, by query tokens", *map(str, SHOWN))
    return table(header, rows, caption, "tab-thesis-queries", "l" + "r" * len(SHOWN))


def acceptance_table() -> str:
    """What serves most at each acceptance rate, per model."""
    found = by_acceptance()
    models = list(found[0].queries)
    rows = [
        (f"{each.acceptance:g}", *(_best(each.queries[model], each.gains[model]) for model in models)) for each in found
    ]
    caption = (
        f"Query tokens a step, of up to {QUERIES[-1]}, that serve most at 8K with memory full, and throughput over "
        "one, where each draft is accepted with this probability once those before it were; making drafts is not "
        "charged."
    )
    header = ("acceptance", *(PEOPLE[model] for model in models))
    return table(header, rows, caption, "tab-thesis-acceptance", "r" * (1 + len(models)))


def _best(query: int, gain: float) -> str | None:
    return None if gain != gain else f"{query} ({digits_of(gain)})"


def turned_by_queries() -> str:
    """Which verdicts become all or nothing with several query tokens, and from how many on, as a sentence."""
    found, parts = by_queries(), []
    for place, first in enumerate(found[SHOWN[0]]):
        other = [query for query in SHOWN if found[query][place].holds != first.holds]
        if other:
            parts.append(f"*{first.conclusion.statement}* ({found[other[0]][place].holds}, from {other[0]} on)")
    if not parts:
        return f"No number of query tokens up to {SHOWN[-1]} turns a region into all or nothing."
    return f"More query tokens turn {len(parts)} of {len(found[SHOWN[0]])} verdicts: {'; '.join(parts)}."


WORDS = {"queries_table": queries_table, "acceptance_table": acceptance_table, "turned_by_queries": turned_by_queries}
