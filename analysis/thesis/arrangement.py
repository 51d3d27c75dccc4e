"""Experts arranged on accelerators (proposition h): who holds what, works how much, and reads how much."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from analysis.ask.degrees import spreads
from analysis.routing.placement import share_matrix
from analysis.routing.popularity import inclusion

PLACEMENTS = ("contiguous", "strided", "lpt")
COPIED = "replicated"
MOST_COPIES = 4  # expert slots that an accelerator may add to its own


@dataclass(frozen=True)
class Arrangement:
    """Experts of a layer (n_e, of which a token visits n_k) on groups of deg_EP accelerators, popularity Zipf(s).

    `copies`: slots that each accelerator adds for copies of hot experts; every group holds every expert.
    """

    n_e: int
    n_k: int
    s: float
    deg_EP: int
    placement: str = PLACEMENTS[0]
    copies: int = 0

    @cached_property
    def picks(self) -> np.ndarray:
        """Expected tokens that one token sends to each expert [n_e]; they sum to n_k."""
        return inclusion(self.n_e, self.n_k, self.s)

    @cached_property
    def share(self) -> np.ndarray:
        """Part of each expert's tokens that each accelerator of a group works on [n_e, deg_EP]."""
        return _share(self.n_e, self.n_k, self.s, self.deg_EP, self.placement, self.copies)

    @property
    def imbalance(self) -> float:
        """Tokens of the busiest accelerator over the mean [1]."""
        return float((self.picks @ self.share).max() * self.deg_EP / self.n_k)

    def tokens(self, group_tokens) -> np.ndarray:
        """Expected tokens that each accelerator works on [deg_EP, ...], of those that its group routes."""
        return np.multiply.outer(self.picks @ self.share, group_tokens)

    def reached(self, group_tokens) -> np.ndarray:
        """Expected slots of each accelerator that at least one token reaches [deg_EP, ...]: their weights are read."""
        chance = (self.picks[:, None] * self.share).clip(max=1)
        missed = np.power.outer(1 - chance, np.asarray(group_tokens, dtype=float))
        return (1 - missed).sum(axis=0)

    def moved(self, before: "Arrangement") -> int:
        """Slots [1] that the accelerator with most to fetch must fill anew, coming from wider or equal groups."""
        here = np.tile(self.share > 0, before.deg_EP // self.deg_EP)
        return int((here & ~(before.share > 0)).sum(axis=0).max())


@lru_cache(maxsize=1024)
def _share(n_e: int, n_k: int, s: float, deg_EP: int, placement: str, copies: int) -> np.ndarray:
    slots = copies * deg_EP if placement == COPIED else None
    return share_matrix(placement, inclusion(n_e, n_k, s), deg_EP, copies=slots)


def arrangements(n_e: int, n_k: int, s: float, accelerators: int) -> Iterator[Arrangement]:
    """Every arrangement that can be built: all degrees that divide accelerators and experts, with 0 to `MOST_COPIES`.

    One accelerator that holds all experts needs neither a placement nor copies.
    """
    for degree in spreads(n_e, accelerators):
        yield from (Arrangement(n_e, n_k, s, degree, each) for each in PLACEMENTS[: None if degree > 1 else 1])
        most = min(MOST_COPIES, n_e * (degree - 1) // degree)
        yield from (Arrangement(n_e, n_k, s, degree, COPIED, copies) for copies in range(1, most + 1) if degree > 1)


def static(n_e: int, n_k: int, s: float, accelerators: int) -> Arrangement:
    """What schedules are compared with: experts in their order over as many accelerators as divide them."""
    return Arrangement(n_e, n_k, s, spreads(n_e, accelerators)[-1])
