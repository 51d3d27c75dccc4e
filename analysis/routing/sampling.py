"""Monte Carlo: the loads that B tokens really make, and the expected maximum of them."""

import numpy as np

from analysis.files.errors import InputError
from analysis.routing import inputs
from analysis.routing.placement import share_matrix
from analysis.routing.popularity import inclusion, zipf

# Clocks drawn at a time: small enough to stay in a core's cache.
_CLOCKS = 2**18
# Half width of a 95 % interval in standard errors.
_Z = 1.96


def sample_tokens(
    n_e: int, n_k: int, s: float, B: int, draws: str = "without", replicas: int = 100, seed: int = 0
) -> np.ndarray:
    """Tokens that reach each expert in seeded replicas of one routing step of B tokens.

    Returns [replicas, n_e] whole numbers, each row summing to B n_k. `without` gives each token exponential
    clocks of rate p_i and keeps the first n_k (successive sampling); `with` is one multinomial draw of B n_k picks.
    Raises InputError as `inclusion`, and for B or replicas below 1 or s not one number.
    """
    n_e, n_k = inputs.layer(n_e, n_k)
    B, replicas = inputs.whole("B", B), inputs.whole("replicas", replicas)
    p = zipf(n_e, _one_skew(s))
    # The stream is not the one that `shuffled` places experts with: luck and placement stay independent.
    rng = np.random.default_rng((1, inputs.whole("seed", seed, low=0)))
    if inputs.one_of("draws", draws, inputs.DRAWS) == "with":
        return rng.multinomial(B * n_k, p, size=replicas)
    return np.array([_first_clocks(rng, p, n_k, B) for _ in range(replicas)])


def _one_skew(s) -> np.ndarray:
    if np.ndim(s):
        raise InputError(f"routing: s={np.asarray(s).tolist()} is a list, give one number to a Monte Carlo run")
    return inputs.skew(s)


def _first_clocks(rng: "np.random.Generator", p: np.ndarray, n_k: int, tokens: int) -> np.ndarray:
    """Tokens per expert, [n_e], when each token picks its first n_k clocks."""
    size = max(1, _CLOCKS // len(p))
    parts = [min(size, tokens - start) for start in range(0, tokens, size)]
    return sum(_picks(rng.standard_exponential((part, len(p))) / p, n_k) for part in parts)


def _picks(clocks: np.ndarray, n_k: int) -> np.ndarray:
    last = np.partition(clocks, n_k - 1, axis=1)[:, n_k - 1 : n_k]
    return np.count_nonzero(clocks <= last, axis=0)


def expected_maximum(
    n_e: int,
    n_k: int,
    n_acc: int,
    s: float,
    B: int,
    placement: str = "contiguous",
    draws: str = "without",
    replicas: int = 100,
    seed: int = 0,
    copies: int | None = None,
) -> inputs.Band:
    """Expected maximum over accelerators of tokens received, over the mean B n_k / n_acc.

    At finite B luck adds to skew: never below `load_imbalance` with the same arguments, and falls to it as B grows.
    B: tokens routed together, a whole number. Placement follows the expected loads, not the sample. Tokens of a
    replicated expert split evenly over its copies. Returns Band(mean, low, high): mean over the replicas and its
    95 % confidence interval (normal). Raises InputError as `load_imbalance` and `sample_tokens`, and for
    fewer than 2 replicas. Source: Gamma_imb^acc of paper Eq. 13, read as a random variable.

    >>> expected_maximum(4, 1, 1, 0.8, 10).mean
    1.0
    """
    replicas = inputs.whole("replicas", replicas, low=2)
    tokens = sample_tokens(n_e, n_k, s, B, draws, replicas, seed)
    share = share_matrix(placement, inclusion(n_e, n_k, s, draws), n_acc, seed, copies)
    highest = (tokens @ share).max(axis=1) * n_acc / (B * n_k)
    mean, error = float(highest.mean()), float(highest.std(ddof=1) / np.sqrt(replicas))
    return inputs.Band(mean, mean - _Z * error, mean + _Z * error)


def busiest_arrivals(n_e: int, n_k: int, n_acc: int, tokens: int, replicas: int = 400, seed: int = 0) -> np.ndarray:
    """Copies that reach the busiest accelerator over the wires in each of some routing steps, [replicas].

    `tokens` on each accelerator pick n_k experts, all equally likely and none twice; copies for experts at home stay at
    home. So a token's copies fall on the accelerators as a multivariate hypergeometric draw. Raises InputError as
    `inclusion`, and unless n_acc divides n_e.

    >>> busiest_arrivals(4, 4, 2, 10, replicas=2).tolist()
    [20, 20]
    """
    n_e, n_k = inputs.layer(n_e, n_k)
    n_acc, tokens, replicas = (inputs.whole(*each) for each in zip(_STEP, (n_acc, tokens, replicas), strict=True))
    if n_e % n_acc:
        raise InputError(f"routing: n_acc={n_acc} does not divide n_e={n_e} experts, give a divisor of {n_e}")
    rng = np.random.default_rng((2, inputs.whole("seed", seed, low=0)))
    return np.array([_busiest(rng, n_e // n_acc, n_k, n_acc, tokens) for _ in range(replicas)])


_STEP = ("n_acc", "tokens", "replicas")


def _busiest(rng: "np.random.Generator", held: int, n_k: int, n_acc: int, tokens: int) -> int:
    sent = rng.multivariate_hypergeometric([held] * n_acc, n_k, (n_acc, tokens), method="count").sum(axis=1)
    return int((sent.sum(axis=0) - sent.diagonal()).max())
