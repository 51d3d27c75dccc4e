"""Proposition (g) in numbers: several query tokens a step, of which some are drafts that may be refused."""

import numpy as np

from analysis.ask.setting import Setting
from analysis.derive.speculation import expected_tokens
from analysis.derive.symbols import L, l
from analysis.thesis.full import batch_at_capacity, passing, throughput
from analysis.thesis.full_attention import ENDLESS, over_ridge


def query_tokens_at_ridge(setting: Setting) -> float:
    """Query tokens per request at which core attention reaches the ridge point, L without bound [tokens].

    0 where any number is beyond it, infinite where none is: queries that pick rows of their own share no reading.
    """
    return passing(over_ridge(setting, l, {L: ENDLESS}), 1e-6, 1e9)


def needed_tokens(setting: Setting, queries, L: float) -> np.ndarray:
    """Tokens that a request must gain in a step of several query tokens to keep the throughput of one [tokens].

    Each at its own B_cap, which falls a little as more queries are held; `setting` accepts no drafts.
    """
    every = ({l: float(each)} for each in (1, *queries))
    steps = [float(throughput(setting, batch_at_capacity(setting, L, at), L, at)) for at in every]
    return steps[0] / np.array(steps[1:])


def gain(setting: Setting, queries, L: float, acceptance: float) -> np.ndarray:
    """Accepted tokens per second over those of one query token a step [1]; drafting itself is not charged."""
    gained = [float(expected_tokens(float(acceptance), int(each))) for each in queries]
    return np.array(gained) / needed_tokens(setting, queries, L)


def best_query(setting: Setting, queries, L: float, acceptance: float) -> tuple[int, float]:
    """The number of query tokens a step that serves most, the fewest among equals, and its gain over one [1].

    (1, nan) where the model does not fit.
    """
    gains = gain(setting, queries, L, acceptance)
    if not np.isfinite(gains).any():
        return 1, np.nan
    best = int(np.nanargmax(gains))
    return int(queries[best]), float(gains[best])


def first_acceptance(setting: Setting, queries, L: float) -> float | None:
    """Acceptance rate above which some of these numbers of query tokens serves more than one does [1]; None if none."""
    found = [even_acceptance(setting, int(each), L) for each in queries if each > 1]
    return min((each for each in found if each is not None), default=None)


def even_acceptance(setting: Setting, query: int, L: float) -> float | None:
    """Acceptance rate above which `query` tokens a step raise throughput [1]; None where none up to 1 does."""
    needed = float(needed_tokens(setting, [query], L)[0])
    low, high = 0.0, 1.0
    if not needed < query:
        return None
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (low, middle) if float(expected_tokens(middle, query)) > needed else (middle, high)
    return high
