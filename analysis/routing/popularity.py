"""How often tokens reach each expert when popularity follows Zipf's law (paper Sec. VII-C)."""

from functools import lru_cache

import numpy as np

from analysis.routing import inputs
from analysis.routing.successive import successive_inclusion


def zipf(n_e: int, s) -> np.ndarray:
    """Popularity p_i proportional to (i + 1)^-s of experts i = 0 .. n_e - 1 (paper Sec. VII-C).

    s: number or array, 0 (uniform) to 50. Returns `[*s.shape, n_e]`, dimensionless, last axis summing to 1.
    Raises InputError for n_e below 1 or s out of range.

    >>> zipf(3, 1).round(4).tolist()
    [0.5455, 0.2727, 0.1818]
    """
    ranks = np.arange(1, inputs.whole("n_e", n_e) + 1)
    weights = ranks ** -inputs.skew(s)[..., None]
    return weights / weights.sum(axis=-1, keepdims=True)


def inclusion(n_e: int, n_k: int, s, draws: str = "without") -> np.ndarray:
    """Expected tokens that one token sends to each expert; B tokens send B times as much.

    `without`: probability that the expert is among n_k successive draws without replacement, as a top-k router
    makes them (exact; `successive_inclusion`). `with`: n_k p_i copies, as if the draws were independent, so a token may
    pick one expert twice. s: number or array. Returns `[*s.shape, n_e]`, last axis summing to n_k.
    Raises InputError for n_k above n_e, s outside [0, 50], unknown draws. Source: paper Sec. VII-C.

    >>> inclusion(4, 2, 0).round(12).tolist()
    [0.5, 0.5, 0.5, 0.5]
    >>> inclusion(2, 2, 1, "with").round(4).tolist()
    [1.3333, 0.6667]
    """
    n_e, n_k = inputs.layer(n_e, n_k)
    if inputs.one_of("draws", draws, inputs.DRAWS) == "with":
        return n_k * zipf(n_e, s)
    s = inputs.skew(s)
    rows = [_without(n_e, n_k, float(value)) for value in s.flat]
    return np.array(rows).reshape(*s.shape, n_e)


@lru_cache(maxsize=256)
def _without(n_e: int, n_k: int, s: float) -> np.ndarray:
    return successive_inclusion(zipf(n_e, s), n_k)


def active_probability(n_e: int, n_k: int, s, B, draws: str = "without") -> np.ndarray:
    """Probability that at least one of B independent tokens reaches each expert.

    s and B: numbers or arrays, taken pairwise. Returns `[*shape, n_e]`. An accelerator's expected active experts are
    this times (share_matrix > 0). Raises InputError as `inclusion`, and for negative B.
    """
    n_e, n_k = inputs.layer(n_e, n_k)
    with_replacement = inputs.one_of("draws", draws, inputs.DRAWS) == "with"
    tries, chance = (n_k, zipf(n_e, s)) if with_replacement else (1, inclusion(n_e, n_k, s))
    # The integral's rounding may leave a certain expert a hair above 1, whose complement has no real power.
    missed = np.clip(1 - chance, 0, 1)
    return 1 - missed ** (tries * inputs.requests(B)[..., None])


def active_experts(n_e: int, n_k: int, s, B, draws: str = "without"):
    """Expected number of distinct experts that B tokens reach: sum over i of 1 - (1 - pi_i)^B.

    At s = 0 without replacement this is n_e (1 - (1 - n_k/n_e)^B); skew lowers it. s and B: numbers or arrays, taken
    pairwise. Returns experts, float or array. Raises InputError as `active_probability`.

    >>> float(active_experts(256, 8, 0, 1).round(9))
    8.0
    """
    return active_probability(n_e, n_k, s, B, draws).sum(axis=-1)
