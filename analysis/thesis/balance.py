"""Propositions (b) and (h) in numbers: balance of experts and dense layers, and what scheduling gives."""

from dataclasses import dataclass

import numpy as np

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.statements import proof_of_balance as proofs
from analysis.derive.symbols import B, deg_DP, deg_EP, n_acc
from analysis.systems.layers import layers, numbers
from analysis.systems.quantities import evaluate
from analysis.systems.quantity import needs_experts


@dataclass(frozen=True)
class Balance:
    """How a model's experts compare with its dense layers: groups that balance, and intensity ratios at a count."""

    model: str
    groups: float
    ratio_weights: float
    ratio_activations: float


def moe_models() -> list[str]:
    """Every model of the data with routed experts."""
    return [row.id for row in datasets.models().values() if row.n_moe]


def balanced_groups(setting: Setting) -> float:
    """Data-parallel groups at which experts have the dense layers' intensity, weights only [1]. Raises InputError."""
    needs_experts(setting)
    return float(value(proofs.balanced_groups().xreplace({deg_EP: n_acc}), setting.point))


def intensity_ratio(setting: Setting, batch: float, groups, activations: bool = True) -> np.ndarray:
    """Intensity of experts over that of the output projection [1], over numbers of data-parallel accelerators.

    Without activation bytes the layer does not matter, as long as it is dense.
    """
    groups = np.asarray(groups, dtype=float)
    point = setting.point | {deg_DP: groups, B: np.asarray(batch), n_acc: groups, deg_EP: groups}
    expert = value(proofs.expert_intensity(activations), point)
    if not activations:
        return expert / value(proofs.dense_intensity(), point)
    return expert / numbers(layers(setting)["output"], point)["intensity"]


def balances(setting: Setting, models: list[str]) -> list[Balance]:
    """Every model on the setting's accelerators, at the batch at which its weight layers have reached the ridge."""
    found = []
    for name in models:
        each = setting.with_(model=name, deg_TP=1, deg_EP=None)
        count, batch = each["n_acc"], evaluate("B_RP", each.with_(deg_EP=1)).value
        ratios = (float(intensity_ratio(each, batch, count, kept)) for kept in (False, True))
        found.append(Balance(name, balanced_groups(each), *ratios))
    return found
