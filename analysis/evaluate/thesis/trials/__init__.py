"""Propositions on trial: random points of the whole model, inside their hypotheses and with each of them dropped."""

from functools import cache

from analysis.evaluate.thesis.trials import attention, attribution, batching, reordering
from analysis.evaluate.thesis.trials.search import Draw, Trial, search

DRAWS: dict[str, Draw] = {
    "thesis-full-memory": attention.full_memory,
    "thesis-balance": batching.balance,
    "thesis-device": attention.device,
    "thesis-tensor": attention.tensor,
    "thesis-elasticity": batching.elasticity,
    "thesis-attribution": attribution.attribution,
    "thesis-queries": attention.queries,
    "thesis-schedule": batching.schedule,
    "reordering": reordering.reordering,
}


@cache
def trial(name: str) -> Trial:
    """What the search found for a proposition."""
    return search(DRAWS[name])
