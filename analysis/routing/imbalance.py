"""Load over mean load, exactly: the maximum of expected loads (paper's Gamma_imb and Gamma_imb^acc)."""

from functools import lru_cache

import numpy as np

from analysis.files.errors import InputError
from analysis.routing import inputs
from analysis.routing.placement import share_matrix
from analysis.routing.popularity import inclusion


def expert_imbalance(n_e: int, n_k: int, s, draws: str = "without") -> np.ndarray:
    """Gamma_imb of each expert: expected tokens over the uniform mean B n_k / n_e.

    s: number or array. Returns `[*s.shape, n_e]`, dimensionless, mean 1; expert 0 is the hottest. Independent of B.
    Raises InputError as `inclusion`. Source: paper Sec. VII-C.

    >>> expert_imbalance(4, 1, 1)[0].round(2)
    np.float64(1.92)
    """
    return inclusion(n_e, n_k, s, draws) * n_e / n_k


def accelerator_imbalance(
    n_e: int,
    n_k: int,
    n_acc: int,
    s,
    placement: str = "contiguous",
    draws: str = "without",
    seed: int = 0,
    copies: int | None = None,
) -> np.ndarray:
    """Gamma_imb^acc of each accelerator: expected tokens over the mean B n_k / n_acc.

    s: number or array. Returns `[*s.shape, n_acc]`, dimensionless, mean 1. Raises InputError as `inclusion` and
    `share_matrix`. Source: paper Sec. VII-C, Eq. 13.
    """
    loads = inclusion(n_e, n_k, s, draws)
    rows = [row @ share_matrix(placement, row, n_acc, seed, copies) for row in loads.reshape(-1, loads.shape[-1])]
    return np.reshape(rows, (*loads.shape[:-1], int(n_acc))) * n_acc / n_k


def load_imbalance(
    n_e: int,
    n_k: int,
    n_acc: int,
    s,
    placement: str = "contiguous",
    draws: str = "without",
    seed: int = 0,
    copies: int | None = None,
):
    """Maximum over accelerators of expected tokens, over their mean: max Gamma_imb^acc of Eq. 13.

    Exact, and independent of B; the maximum that B tokens really make is larger (`expected_maximum`). s: number or
    array. Returns a float (array for an array of s), dimensionless, 1 at s = 0 when n_acc divides n_e.
    Raises InputError as `accelerator_imbalance`. Source: paper Sec. VII-C.

    >>> round(load_imbalance(256, 8, 32, 0), 9)
    1.0
    >>> round(load_imbalance(256, 1, 32, 1.0, "strided"), 3)
    5.641
    """
    highest = accelerator_imbalance(n_e, n_k, n_acc, s, placement, draws, seed, copies).max(axis=-1)
    return highest if np.ndim(s) else float(highest)


def shuffled_imbalances(
    n_e: int, n_k: int, n_acc: int, s: float, draws: str = "without", seeds: int = 200
) -> np.ndarray:
    """`load_imbalance` under each of the random placements of seeds 0 to seeds - 1, [seeds].

    All placements at once, a few hundred in some hundredths of a second. s: one number. Raises InputError as
    `load_imbalance`.

    >>> bool(shuffled_imbalances(256, 8, 32, 0.8, seeds=2)[1] == load_imbalance(256, 8, 32, 0.8, "shuffled", seed=1))
    True
    """
    seeds, first = inputs.whole("seeds", seeds), load_imbalance(n_e, n_k, n_acc, s, "shuffled", draws)
    if np.ndim(first):
        raise InputError(f"routing: s={np.asarray(s).tolist()} is a list, give one number to random placements")
    return _shuffled(int(n_e), int(n_k), int(n_acc), float(s), draws, seeds)


@lru_cache(maxsize=256)
def _shuffled(n_e: int, n_k: int, n_acc: int, s: float, draws: str, seeds: int) -> np.ndarray:
    orders = np.array([np.random.default_rng(seed).permutation(n_e) for seed in range(seeds)])
    where = orders * n_acc // n_e + n_acc * np.arange(seeds)[:, None]
    loads = np.bincount(where.ravel(), np.tile(inclusion(n_e, n_k, s, draws), seeds), seeds * n_acc)
    highest = loads.reshape(seeds, n_acc).max(axis=1) * n_acc / n_k
    highest.setflags(write=False)
    return highest


def shuffled_band(n_e: int, n_k: int, n_acc: int, s: float, draws: str = "without", seeds: int = 200) -> inputs.Band:
    """Spread of `load_imbalance` over random placements, seeds 0 to seeds - 1.

    Returns Band(mean, low, high): the mean over placements and their 2.5 and 97.5 per cent quantiles, so the band
    is the spread of placements, not the uncertainty of the mean. s: one number. Raises InputError as `load_imbalance`.
    """
    values = shuffled_imbalances(n_e, n_k, n_acc, s, draws, seeds)
    low, high = np.quantile(values, [0.025, 0.975])
    return inputs.Band(float(values.mean()), float(low), float(high))


def random_imbalance(
    n_e: int, n_k: int, n_acc: int, s: float, draws: str = "without", seeds: int = 200
) -> inputs.Estimate:
    """What to expect of `load_imbalance` where experts are placed at random: Estimate(mean, standard error of it).

    A statement about random placement is judged by this mean; one seed is one draw, which may lie far off. s: one
    number. Raises InputError as `load_imbalance`, and for fewer than 2 seeds.
    """
    values = shuffled_imbalances(n_e, n_k, n_acc, s, draws, inputs.whole("seeds", seeds, low=2))
    return inputs.Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))
