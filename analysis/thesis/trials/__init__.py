"""Propositions on trial: random points of the whole model, inside their hypotheses and with each of them dropped."""

from functools import cache

from analysis.thesis.trials import (
    trial_attention,
    trial_attribution,
    trial_batching,
    trial_mechanisms,
    trial_reordering,
)
from analysis.thesis.trials.search import Draw, Trial, search

DRAWS: dict[str, Draw] = {
    "thesis-full-memory": trial_attention.full_memory,
    "thesis-balance": trial_batching.balance,
    "thesis-device": trial_attention.device,
    "thesis-tensor": trial_attention.tensor,
    "thesis-elasticity": trial_batching.elasticity,
    "thesis-attribution": trial_attribution.attribution,
    "thesis-queries": trial_attention.queries,
    "thesis-schedule": trial_batching.schedule,
    "thesis-index-traffic": trial_mechanisms.index_traffic,
    "thesis-state-traffic": trial_mechanisms.state_traffic,
    "thesis-wires-hidden": trial_mechanisms.wires_hidden,
    "reordering": trial_reordering.reordering,
}


@cache
def trial(name: str) -> Trial:
    """What the search found for a proposition."""
    return search(DRAWS[name])
