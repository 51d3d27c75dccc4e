"""The verdict with several query tokens a step, and what the acceptance of drafts changes in it (proposition g).

At a number of query tokens, acceptance multiplies both sides of every comparison by the tokens that a step yields, so
it turns no verdict; it decides which number serves most, and the verdict is that of this number.
"""

from dataclasses import dataclass

from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.thesis.conclusions import AT
from analysis.evaluate.thesis.queries import best_query
from analysis.evaluate.thesis.verdict import Verdict, judged
from analysis.evaluate.thesis.world import world

QUERIES = tuple(range(1, 9))
ACCEPTANCES = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
ITSELF = "drafts"  # the conclusion on drafts compares numbers of query tokens, so that none of them judges it alone


def by_queries(edition: Edition) -> dict[int, tuple[Verdict, ...]]:
    """Every conclusion but that on drafts, with each number of query tokens a step."""
    return {
        query: tuple(each for each in judged(edition, l=query) if each.conclusion.name != ITSELF) for query in QUERIES
    }


@dataclass(frozen=True)
class Drafted:
    """What serves most at an acceptance rate: query tokens of a step and throughput over one [1], per model.

    `turned` are the conclusions whose verdict is another at the number that serves the latent model most.
    """

    acceptance: float
    queries: dict[str, int]
    gains: dict[str, float]
    turned: tuple[Verdict, ...]


def by_acceptance(edition: Edition, acceptances=ACCEPTANCES) -> list[Drafted]:
    """The best number of query tokens of each model at several acceptance rates, and the verdicts that it turns."""
    systems, found = world(edition), by_queries(edition)
    rows = []
    for acceptance in acceptances:
        best = {each.model.id: best_query(each, QUERIES, AT, acceptance) for each in systems.models}
        chosen = found[best[systems.latent.model.id][0]]
        turned = [new for new, old in zip(chosen, found[1], strict=True) if new.group != old.group]
        rows.append(
            Drafted(
                acceptance,
                {model: query for model, (query, _) in best.items()},
                {model: gain for model, (_, gain) in best.items()},
                tuple(turned),
            )
        )
    return rows
