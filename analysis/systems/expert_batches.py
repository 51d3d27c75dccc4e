"""Routed experts against the batch: intensity, experts reached, and the batches at which they reach the ridge.

One expert-parallel group spans the system (deg_EP = n_acc), as Eq. 10 takes it.
"""

from dataclasses import dataclass

import numpy as np
from sympy import Expr

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import roofline
from analysis.derive.parallel import active_experts
from analysis.derive.symbols import B, RP_acc, deg_EP, l, n_acc, n_e
from analysis.systems.layers import swept
from analysis.systems.quantity import needs_experts


@dataclass(frozen=True)
class Batches:
    """Batches [requests] at which weight layers reach the ridge; the knee is None where intensity never gets there."""

    attention: float
    experts: float
    knee: float | None


def _spanning(form: Expr) -> Expr:
    return form.xreplace({deg_EP: n_acc})


def expert_intensities(setting: Setting, batches: np.ndarray) -> dict[str, np.ndarray]:
    """Arithmetic intensity of one routed expert over batches [FLOP/byte]: weights only, and activations counted.

    Raises InputError for a model without experts.
    """
    needs_experts(setting)
    expert = roofline.expert(setting.architecture.expert_width)
    forms = {"weights only": roofline.weights_only(expert), "activations counted": expert.intensity}
    point = swept(setting, B=batches)
    return {name: value(_spanning(form), point) for name, form in forms.items()}


def share_reached(setting: Setting, batches: np.ndarray) -> np.ndarray:
    """Expected share of a block's experts that at least one token reaches [1], uniform routing.

    Raises InputError for a model without experts.
    """
    needs_experts(setting)
    return value(active_experts(B * l) / n_e, swept(setting, B=batches))


def ridge_batches(setting: Setting) -> Batches:
    """B_attn, B_MoE (Eq. 10) and the knee with activations counted. Raises InputError.

    >>> ridge_batches(Setting.of(model="deepseek-v3", accelerator="b200-paper", n_acc=32)).experts
    9000.0
    """
    needs_experts(setting)
    own = setting.architecture.expert_width
    forms = (roofline.B_attn(), roofline.B_MoE(own_width=own), roofline.B_MoE(activations=True, own_width=own))
    attention, experts, knee = (float(value(_spanning(form), setting.point)) for form in forms)
    return Batches(attention, experts, knee if 0 < knee < np.inf else None)


def ridge(setting: Setting) -> float:
    """Ridge point of the setting's accelerator [FLOP/byte]. Raises InputError."""
    return float(value(RP_acc, setting.point))
