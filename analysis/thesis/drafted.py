"""The verdict with several query tokens a step, and what the acceptance of drafts decides (proposition g).

At a number of query tokens, acceptance multiplies both sides of every comparison by the tokens that a step yields, so
it turns no verdict; it decides which number serves most.
"""

from dataclasses import dataclass

from analysis.thesis.queries import best_query
from analysis.thesis.verdict import Verdict, judged
from analysis.thesis.world import HOME, world

QUERIES = tuple(range(1, 9))
SHOWN = (1, 2, 4, 8)
ACCEPTANCES = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
ITSELF = "drafts"  # the conclusion on drafts compares numbers of query tokens, so that none of them judges it alone


def by_queries(queries=SHOWN) -> dict[int, tuple[Verdict, ...]]:
    """Every conclusion but that on drafts, with each number of query tokens a step, in the paper's setting."""
    found = {query: judged(**({"l": query} if query > 1 else {})) for query in queries}
    return {query: tuple(v for v in each if v.conclusion.name != ITSELF) for query, each in found.items()}


@dataclass(frozen=True)
class Drafted:
    """What serves most at an acceptance rate: query tokens of a step and throughput over one [1], per model."""

    acceptance: float
    queries: dict[str, int]
    gains: dict[str, float]


def by_acceptance(acceptances=ACCEPTANCES) -> list[Drafted]:
    """The best number of query tokens of each model of the paper at several acceptance rates."""
    systems, rows = world().systems, []
    for acceptance in acceptances:
        best = {name: best_query(each, QUERIES, HOME["context"], acceptance) for name, each in systems.items()}
        queries, gains = ({name: found[place] for name, found in best.items()} for place in (0, 1))
        rows.append(Drafted(acceptance, queries, gains))
    return rows
