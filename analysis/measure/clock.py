"""Repeated timing: warm-up, then repeats until a budget is spent; the median, and how far repeats lie from it."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

FEWEST, MOST, WARM_UPS = 5, 50, 2
FEWEST_IF_SLOW = 3
"""Repeats of an operation that takes longer than its budget: the check of its result has warmed it up."""


@dataclass(frozen=True)
class Timing:
    """Median of the repeats [s]; half their interquartile range over the median [1]; how many there were."""

    latency: float
    spread: float
    repeats: int


def wall_time(run: Callable[[], object]) -> float:
    """Seconds that one call takes by the wall clock."""
    start = perf_counter()
    run()
    return perf_counter() - start


def timed(once: Callable[[], float], budget: float) -> Timing:
    """Repeat `once`, which returns its own duration in s, for about `budget` seconds after the warm-up.

    A fewest number of repeats is made whatever they take, so a slow operation overruns its budget.

    >>> timed(lambda: 2.0, budget=20)
    Timing(latency=2.0, spread=0.0, repeats=10)
    """
    first = once()
    slow = first > budget
    for _ in range(0 if slow else WARM_UPS - 1):
        once()
    found, fewest = ([first], FEWEST_IF_SLOW) if slow else ([], FEWEST)
    while len(found) < fewest or (sum(found) < budget and len(found) < MOST):
        found.append(once())
    return summary(found)


def summary(durations: list[float]) -> Timing:
    """Median and spread of durations in s.

    >>> summary([1.0, 2.0, 3.0, 4.0, 5.0])
    Timing(latency=3.0, spread=0.333..., repeats=5)
    """
    middle = median(durations)
    low, _, high = quantiles(durations, n=4, method="inclusive") if len(durations) > 1 else (middle,) * 3
    return Timing(middle, (high - low) / 2 / middle, len(durations))
