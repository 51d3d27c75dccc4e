"""Load imbalance in a setting: skewed routing (s, draws) over placed experts."""

from functools import lru_cache

import numpy as np

from analysis.ask.degrees import degrees
from analysis.files.errors import InputError
from analysis.routing.imbalance import expert_imbalance, load_imbalance
from analysis.routing.imbalance import random_imbalance as over_placements
from analysis.routing.inputs import Band, Estimate
from analysis.routing.sampling import expected_maximum

LARGEST_SAMPLE = 100_000  # tokens; 100 replicas of them take some seconds
_maximum = lru_cache(maxsize=64)(expected_maximum)


def _sizes(setting) -> tuple[int, int, int]:
    row = setting.model
    if not row.n_moe:
        raise InputError(
            f"model={row.id}: has no routed experts, so skewed routing says nothing about it; leave s at 0."
        )
    accelerators = degrees(setting)["deg_EP"]
    if np.ndim(accelerators):
        raise InputError(
            "n_acc, deg_EP: under skew (s above 0) these take one value each, not a list; run once per value."
        )
    return row.n_e, row.n_k, int(accelerators)


def imbalance(setting):
    """Maximum over the accelerators of an EP group of expected tokens, over their mean [1] (Sec. VII-C)."""
    n_e, n_k, n_acc = _sizes(setting)
    return load_imbalance(
        n_e, n_k, n_acc, setting["s"], setting["placement"], setting["draws"], setting["seed"], setting["copies"]
    )


def random_imbalance(setting) -> Estimate:
    """Mean of `imbalance` over 200 random placements of the setting's experts [1], and its standard error.

    `placement=shuffled` is one draw, chosen by `seed`; a statement about random placement uses this mean instead, given
    to a setting as `Gamma_imb`. The placement and seed of the setting are not read.
    """
    n_e, n_k, n_acc = _sizes(setting)
    return over_placements(n_e, n_k, n_acc, setting["s"], setting["draws"])


def gammas(setting) -> tuple:
    """Gamma of the busiest expert and of the busiest accelerator [1], both as maxima of expected loads."""
    n_e, n_k, _ = _sizes(setting)
    return np.max(expert_imbalance(n_e, n_k, setting["s"], setting["draws"]), axis=-1), imbalance(setting)


def _group_tokens(setting) -> int:
    """Tokens that one EP group routes in a step: its share of the batch."""
    groups = setting["n_acc"] / (_sizes(setting)[2] * degrees(setting)["deg_ETP"])
    tokens = int(setting["B"] // groups)
    if not 1 <= tokens <= LARGEST_SAMPLE:
        raise InputError(
            f"B={setting['B']}: one group of experts would route {tokens} tokens, and the Monte Carlo maximum is drawn "
            f"for 1 to {LARGEST_SAMPLE}; give another batch, or leave B out for the maximum of expected loads."
        )
    return tokens


def imbalance_at_batch(setting) -> Band:
    """Expected maximum over accelerators of the tokens of a random batch B, over their mean, with its 95 % band."""
    n_e, n_k, n_acc = _sizes(setting)
    if np.ndim(setting["s"]) or np.ndim(setting["B"]):
        raise InputError("B, s: the Monte Carlo maximum takes one batch and one s; run once per value.")
    tokens = _group_tokens(setting)
    return _maximum(
        n_e,
        n_k,
        n_acc,
        setting["s"],
        tokens,
        setting["placement"],
        setting["draws"],
        seed=setting["seed"],
        copies=setting["copies"],
    )
