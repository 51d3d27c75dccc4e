"""What words of the paper's conclusions are held to; the ledger and the verdict share them."""

from itertools import pairwise

HUNDRED, HALF, NEAR, MOST, NO_GAIN, WIDER = 100.0, 0.5, 0.1, 1.25, 1.005, 4.0
"""Over a hundred times, over half, within a tenth, within a quarter of the best, no gain; and how much wider a device
is thought of."""
TIE, WORTHWHILE = 0.05, 1.5
"""Numbers whose ratio rounds to 1.0 are equal: nobody tells them apart in a plot. A gain of half as much again is worth
its price; the paper gives no such number, so what is judged by it holds under a reading only."""


def near(ratio: float) -> bool:
    """Whether two numbers of this ratio are called alike, aligned or tuned to each other.

    >>> near(0.93), near(0.83)
    (True, False)
    """
    return abs(ratio - 1) <= NEAR


def tie(ratio: float) -> bool:
    """Whether two numbers of this ratio are called equal.

    >>> tie(1.02), tie(1.06)
    (True, False)
    """
    return abs(ratio - 1) <= TIE


def more(ratio: float) -> bool:
    """Whether a number this many times another is called higher, faster or better: more, and no tie.

    >>> more(1.06), more(1.02), more(0.5)
    (True, False, False)
    """
    return ratio - 1 > TIE


def less(ratio: float) -> bool:
    """Whether a number this many times another is called lower, slower or worse: less, and no tie.

    >>> less(0.94), less(0.98), less(2)
    (True, False, False)
    """
    return 1 - ratio > TIE


def falls(series) -> bool:
    """Whether a series of numbers is said to fall: at every step, and from the first to the last by more than a tie.

    >>> falls([3, 2, 1]), falls([3, 1, 2]), falls([3, 3, 1]), falls([3, 2.99, 2.98])
    (True, False, False, False)
    """
    series = list(series)
    return all(after < before for before, after in pairwise(series)) and less(series[-1] / series[0])
