"""Numbers that most verdicts rest on, under other conventions, chips and links, and achieved rates; and the verdict
with several query tokens a step.

At a number of query tokens, acceptance multiplies both sides of every comparison by the tokens that a step yields, so
it turns no verdict; it decides which number serves most.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from analysis.thesis.conclusions import CONCLUSIONS
from analysis.thesis.full import WIRES
from analysis.thesis.queries import best_query
from analysis.thesis.region import Line, stretches
from analysis.thesis.resources import elasticities
from analysis.thesis.verdict import VARIANTS, Verdict, judged
from analysis.thesis.world import HOME, World, step_time, world

QUERIES = tuple(range(1, 9))
SHOWN = (1, 2, 4, 8)
ACCEPTANCES = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
ITSELF = "drafts"  # the conclusion on drafts compares numbers of query tokens, so that none of them judges it alone


@dataclass(frozen=True)
class Numbers:
    """R1 at 8K with memory full, in one variant: shares of the step [1] of core attention and of wires, time [s], the
    context from which core attention is the largest term [tokens], requests at 1K below which tensor parallelism of 8
    shortens the attention block (None: at all, or at none), and what one per cent more arithmetic is worth [per cent].
    """

    name: str
    step: float
    core_share: float
    wires_share: float
    context: float | None
    requests: float | None
    worth: float


def numbers() -> list[Numbers]:
    """R1 under every variant, in the paper's setting."""
    return [numbers_of(name) for name in VARIANTS]


@cache
def numbers_of(name: str) -> Numbers:
    """R1 under one variant."""
    found = world(**VARIANTS[name])
    model = next(iter(found.systems))
    terms = {term: float(time) for term, time in found.shown(model, {}).items()}
    step = step_time(terms)
    return Numbers(
        name,
        step,
        terms["core_attention"] / step,
        sum(terms[wire] for wire in WIRES) / step,
        _end(found, model, "no-longer", 0),
        _end(found, model, "tensor", 0),
        elasticities(found.linked(model), HOME["context"])["arithmetic"],
    )


def _end(found: World, model: str, name: str, place: int) -> float | None:
    """The one boundary along a line of a conclusion; None if there is none."""
    said = next(each for each in CONCLUSIONS if each.name == name)
    line: Line = said.lines[place]
    ends = [end for each in stretches(said.margin, found, model, line) for end in (each.low, each.high)]
    return next((end for end in ends if end is not None and np.isfinite(end)), None)


# -- several query tokens a step ---------------------------------------------------------------------
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
