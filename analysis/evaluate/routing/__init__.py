"""Skewed routing: how unevenly tokens reach experts and accelerators (paper Sec. VII-C, Gamma_imb of Eq. 13).

Three steps, each a file: how often a token picks each expert (`popularity`), which accelerator holds which
expert (`placement`), and the busiest accelerator over the mean. That last figure comes in two kinds that are
never mixed: the maximum of the expected loads (`imbalance`, exact) and the expected maximum of the loads that B
tokens really make (`sampling`, Monte Carlo). The second is never smaller. `audit` lists every reading side by side.

Experts are numbered by popularity: expert 0 is the hottest.
"""

from .audit import AuditRow, audit
from .imbalance import (
    accelerator_imbalance,
    expert_imbalance,
    load_imbalance,
    random_imbalance,
    shuffled_band,
    shuffled_imbalances,
)
from .inputs import DRAWS, Band, Estimate
from .placement import PLACEMENTS, share_matrix
from .popularity import active_experts, active_probability, inclusion, zipf
from .sampling import busiest_arrivals, expected_maximum, sample_tokens
from .successive import successive_inclusion

__all__ = [
    "DRAWS",
    "PLACEMENTS",
    "AuditRow",
    "Band",
    "Estimate",
    "accelerator_imbalance",
    "active_experts",
    "active_probability",
    "audit",
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
