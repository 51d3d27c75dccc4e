"""Proposition (h) in numbers: degree, placement and copies of experts chosen for a batch and skew."""

from dataclasses import dataclass

import numpy as np

from analysis.derive.decoder import block_counts, feedforward_parameters
from analysis.derive.symbols import Gamma_acc, Gamma_imb, M_cap, n_e, width_weights
from analysis.evaluate.numbers import value
from analysis.evaluate.plan import divisors
from analysis.evaluate.quantities import needs_experts
from analysis.evaluate.setting import Setting
from analysis.evaluate.skew import imbalance
from analysis.evaluate.thesis.full import batch_at_capacity, terms_at, throughput, total

PLACEMENTS = ("contiguous", "strided", "lpt", "replicated")
COPIED = "replicated"  # one more expert slot on each accelerator


@dataclass(frozen=True)
class Schedule:
    """Experts arranged for a batch and skew: tokens/s and accelerator, gain over the static arrangement [1].

    `extra_bytes`: memory of an accelerator beyond every expert held once [byte]; `imbalance` also multiplies traffic.
    """

    deg_EP: int
    placement: str
    imbalance: float
    per_accelerator: float
    gain: float
    extra_bytes: float


def schedules(setting: Setting, batch: float, L: float, s: float) -> list[Schedule]:
    """Every degree and placement that fits memory at one batch and skew, the best throughput first.

    Gains are over contiguous experts spread over all accelerators; empty where that itself does not fit.
    Raises InputError for a model without experts.
    """
    needs_experts(setting)
    count = int(setting["n_acc"])
    degrees = [each for each in divisors(count) if 8 * each >= count and setting.model.n_e % each == 0]
    static = _rate(setting, batch, L, s, max(degrees), PLACEMENTS[0])
    if not np.isfinite(static[1]):
        return []
    rates = {(EP, name): _rate(setting, batch, L, s, EP, name) for EP in degrees for name in PLACEMENTS}
    found = [Schedule(*key, *rate, rate[1] / static[1], _extra_bytes(setting, *key)) for key, rate in rates.items()]
    return sorted((each for each in found if np.isfinite(each.gain)), key=lambda each: -each.gain)


def _rate(setting: Setting, batch: float, L: float, s: float, EP: int, placement: str) -> tuple[float, float]:
    """Imbalance of the busiest accelerator, and tokens/s and accelerator (nan where the batch does not fit)."""
    plain = setting.with_(s=0, deg_EP=EP)
    busiest = max(1.0, float(imbalance(setting.with_(s=s, placement=placement, deg_EP=EP))))
    slots = _expert_bytes(plain) if placement == COPIED else 0.0
    room = batch_at_capacity(plain, L, {M_cap: float(setting.point[M_cap]) - slots})
    rate = throughput(plain, batch, L, {Gamma_acc: busiest, Gamma_imb: busiest})
    return busiest, float(rate) if room >= batch else np.nan


def _expert_bytes(setting: Setting) -> float:
    """Bytes of one routed expert in every block that has it [byte]."""
    held = feedforward_parameters(setting.architecture)["routed"] / n_e * block_counts(setting.architecture)["routed"]
    return float(value(held * width_weights, setting.point))


def _extra_bytes(setting: Setting, EP: int, placement: str) -> float:
    replicas = setting.model.n_e * (1 / EP - 1 / setting["n_acc"])
    return _expert_bytes(setting) * (replicas + (placement == COPIED))


def gain_over_static(setting: Setting, batches, L: float, skews) -> np.ndarray:
    """Gain of the best schedule over the static one, axes [skew, batch]; nan where nothing fits. Raises InputError."""
    cells = [[schedules(setting, float(batch), L, float(s)) for batch in batches] for s in skews]
    return np.array([[found[0].gain if found else np.nan for found in line] for line in cells])


def removed_imbalance(setting: Setting, batch: float, L: float, gamma: float) -> float:
    """Gain in throughput of removing an imbalance [1]; never above it, as no term grows faster than in proportion."""
    skewed, even = (terms_at(setting, batch, L, {Gamma_acc: each, Gamma_imb: each}) for each in (gamma, 1.0))
    return float(total(skewed, setting["overlap"]) / total(even, setting["overlap"]))
