"""Exact inclusion probabilities of successive sampling: n_k draws without replacement, weights p.

Give expert i a clock that rings at an exponential time of rate p_i. The clocks ring in the order in which
successive draws without replacement would pick the experts, so a token picks i exactly when fewer than n_k
other clocks ring before i's:

    pi_i = integral over t of p_i exp(-p_i t) P(at most n_k - 1 of the others rang by t) dt

One integral per expert thus replaces the sum over n_e!/(n_e - n_k)! ordered picks.
"""

import numpy as np

from analysis.files.errors import InputError

# exp(-40) is below the rounding of a double: what the cut ends of the integral leave out.
_TAIL = 40.0
# Elements of the working array (experts x counts x nodes): bounds memory to a few tens of MB.
_WORKING_SET = 4_000_000


def successive_inclusion(p, n_k: int) -> np.ndarray:
    """Probability that each expert is among n_k draws without replacement.

    p: [n_e] positive weights, of any sum (a popularity law or measured router counts); n_k: draws per token, 1 to n_e.
    Returns [n_e], dimensionless, summing to n_k. Raises InputError for other shapes or signs.

    Method: the integral of this file's header in u = log t by the trapezoidal rule, which converges exponentially
    for an analytic integrand that dies at both ends; the count of ringing clocks (Poisson-binomial) is built
    from the experts before and after i, so all terms are positive and nothing cancels. Absolute error about 1e-13.

    >>> successive_inclusion([3.0, 2.0, 1.0], 1).round(12).tolist()
    [0.5, 0.333333333333, 0.166666666667]
    >>> float(successive_inclusion([3.0, 2.0, 1.0], 2).sum().round(12))
    2.0
    """
    p = _weights(p, n_k)
    if n_k == len(p):
        return np.ones(len(p))
    times, step = _nodes(p, n_k)
    chunks = np.array_split(times, 1 + len(p) * n_k * len(times) // _WORKING_SET)
    return step * sum(_integral(p, n_k, chunk) for chunk in chunks)


def _weights(p, n_k: int) -> np.ndarray:
    p = np.asarray(p, dtype=float)
    if p.ndim != 1 or not np.all((p > 0) & np.isfinite(p)) or not 1 <= n_k <= len(p):
        raise InputError(
            f"routing: weights of shape {p.shape} with n_k={n_k} are not usable, "
            "give one row of positive weights and n_k from 1 to their number"
        )
    return p / p.sum()


def _nodes(p: np.ndarray, n_k: int) -> tuple[np.ndarray, float]:
    """Times of the trapezoidal rule in log t, and its step.

    The n_k-th ring is sharp to about 1/sqrt(n_k) in log t, so the step shrinks with it. By the last node the n_k
    fastest clocks have all rung, whatever the skew: the integrand of each of them is over, and so is everyone else's.
    """
    step = 2.0 ** -np.ceil(3 + max(0.0, np.log2(n_k / 16) / 2))
    slowest_needed = np.sort(p)[::-1][n_k - 1]
    last = np.log((_TAIL + np.log(n_k)) / slowest_needed)
    return np.exp(step * np.arange(np.floor(-_TAIL / step), np.ceil(last / step) + 1)), step


def _integral(p: np.ndarray, n_k: int, times: np.ndarray) -> np.ndarray:
    """Sum of the integrand over some nodes, [n_e]."""
    rate = np.outer(p, times)
    silent, rung = np.exp(-rate), -np.expm1(-rate)
    return np.sum(rate * silent * _others_below(silent, rung, n_k), axis=1)


def _others_below(silent: np.ndarray, rung: np.ndarray, n_k: int) -> np.ndarray:
    """P(at most n_k - 1 of the clocks other than i rang), [n_e, nodes]."""
    none = np.zeros((n_k, silent.shape[1]))
    none[0] = 1.0
    at_most_after = [np.cumsum(pmf, axis=0)[::-1] for pmf in _counts(none, silent[::-1], rung[::-1])][::-1]
    before = _counts(none, silent, rung)
    return np.array([np.sum(pmf * rest, axis=0) for pmf, rest in zip(before, at_most_after, strict=True)])


def _counts(pmf: np.ndarray, silent: np.ndarray, rung: np.ndarray):
    """Yield, for each clock in turn, the distribution [0..n_k-1, nodes] of how many earlier clocks rang."""
    for stays, rings in zip(silent, rung, strict=True):
        yield pmf
        joined = pmf * stays
        joined[1:] += pmf[:-1] * rings
        pmf = joined
