"""Skewed routing: how unevenly tokens reach experts and accelerators (paper Sec. VII-C, Gamma_imb of Eq. 13).

Three steps, each a file: how often a token picks each expert (`popularity`), which accelerator holds which
expert (`placement`), and the busiest accelerator over the mean. That last figure comes in two kinds that are
never mixed: the maximum of the expected loads (`imbalance`, exact) and the expected maximum of the loads that B
tokens really make (`sampling`, Monte Carlo). The second is never smaller.

Experts are numbered by popularity: expert 0 is the hottest.
"""

from analysis.routing.imbalance import (
    accelerator_imbalance,
    expert_imbalance,
    load_imbalance,
    random_imbalance,
    shuffled_band,
    shuffled_imbalances,
)
from analysis.routing.inputs import DRAWS, Band, Estimate
from analysis.routing.placement import PLACEMENTS, share_matrix
from analysis.routing.popularity import active_experts, active_probability, inclusion, zipf
from analysis.routing.sampling import busiest_arrivals, expected_maximum, sample_tokens
from analysis.routing.successive import successive_inclusion

__all__ = [
    "DRAWS",
    "PLACEMENTS",
    "Band",
    "Estimate",
    "accelerator_imbalance",
    "active_experts",
    "active_probability",
    "busiest_arrivals",
    "expected_maximum",
    "expert_imbalance",
    "inclusion",
    "load_imbalance",
    "random_imbalance",
    "sample_tokens",
    "share_matrix",
    "shuffled_band",
    "shuffled_imbalances",
    "successive_inclusion",
    "zipf",
]
