"""What words of the paper's conclusions are held to; the ledger and the verdict share them."""

HUNDRED, HALF, NEAR, MOST, NO_GAIN, WIDER = 100.0, 0.5, 0.1, 1.25, 1.005, 4.0
"""Over a hundred times, over half, within a tenth, within a quarter of the best, no gain; and how much wider a device
is thought of."""


def near(ratio: float) -> bool:
    """Whether two numbers of this ratio are called alike, aligned or tuned to each other.

    >>> near(0.93), near(0.83)
    (True, False)
    """
    return abs(ratio - 1) <= NEAR
