"""Propositions (a) and (c) in numbers: full memory, and the device of low ridge and high bandwidth."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from sympy import Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import roofline
from analysis.derive.statements import proof_of_attention as proofs
from analysis.derive.symbols import B, BW_exp, BW_mem, P_acc, P_exp, RP_acc, deg_EP, n_acc, n_e, n_k
from analysis.files.errors import InputError
from analysis.thesis.full import batch_at_capacity, root, shares_at_capacity

_core_speed = lru_cache(maxsize=64)(proofs.core_speed)
LEAST, MOST = 64.0, 2.0**22  # contexts [tokens] between which flip points are sought
ENDLESS = 1e15  # a context [tokens] beside which queries and results count for nothing


def core_share(setting: Setting, L: float) -> float:
    """Share of core attention in TPOT at B_cap and one context [1]."""
    return float(shares_at_capacity(setting, np.array([L]))["core_attention"][0])


def context_of_share(setting: Setting, share: float = 0.5) -> float | None:
    """Context [tokens] from which core attention takes this share of TPOT at B_cap; None if it never crosses it."""
    return root(lambda L: core_share(setting, L) - share, LEAST, longest(setting))


def longest(setting: Setting) -> float:
    """The longest context [tokens] of which memory holds a request, up to `MOST`."""
    contexts = np.geomspace(MOST, LEAST, 200)
    fitting = contexts[batch_at_capacity(setting, contexts) >= 1]
    return float(fitting[0]) if len(fitting) else LEAST


def context_at_ridge(setting: Setting) -> float | None:
    """Context [tokens] from which core attention computes rather than waits; None where it never does.

    Sought in the counts, since windows and picked rows leave no equation that algebra solves.
    """
    return root(over_ridge(setting, proofs.L), 1.0, ENDLESS)


def over_ridge(setting: Setting, size: Symbol, at: Mapping = MappingProxyType({})) -> Callable[[float], float]:
    """Intensity of core attention less the ridge point [FLOP/byte], as a function of a size.

    Of the block that attends to most, where a model has two kinds.
    """
    form = proofs.core(setting.architecture, setting.conventions).intensity - RP_acc
    point = setting.point | {B: 1.0, **at}  # any batch: it cancels
    return lambda found: float(value(form, point | {size: found}))


def needs_device(setting: Setting) -> None:
    """Refuse settings without a second device. Raises InputError."""
    if "accelerator_experts" not in setting.given:
        raise InputError(
            "accelerator_experts= is needed: the row of data/accelerators.csv to compare with, for "
            "example accelerator_experts=pim-paper."
        )


def device_speed(setting: Setting, contexts) -> np.ndarray:
    """How many times faster core attention runs on the device over contexts, at B_cap [1]. Raises InputError."""
    needs_device(setting)
    contexts = np.asarray(contexts, dtype=float)
    point = setting.point | {proofs.L: contexts, B: batch_at_capacity(setting, contexts)}
    return value(_core_speed(setting.architecture, setting.conventions), point)


def expert_speed(setting: Setting, tokens) -> np.ndarray:
    """How many times faster a routed expert runs on the device over tokens per expert [1]. Raises InputError."""
    needs_device(setting)
    per_request = float(value(n_k / n_e, setting.point))
    form = proofs.device_speed(roofline.expert(setting.architecture.expert_width)).xreplace({deg_EP: n_acc})
    return value(form, setting.point | {B: np.asarray(tokens, dtype=float) / per_request})


def even_batch(setting: Setting) -> float:
    """Batch [requests] below which an expert runs faster on the device. Raises InputError.

    inf where the device is ahead at every batch, 0 where at none; nan where it is ahead above a batch.
    """
    needs_device(setting)
    slower, wider = (float(value(form, setting.point)) for form in (P_acc - P_exp, BW_exp - BW_mem))
    if wider <= 0:
        return 0.0 if slower >= 0 else np.nan
    if slower < 0:
        return np.inf
    form = roofline.B_MoE(True, setting.architecture.expert_width)
    found = float(value(form.xreplace({deg_EP: n_acc, RP_acc: proofs.even_intensity()}), setting.point))
    return found if found > 0 else np.inf  # activations keep every batch below the intensity


def even_context(setting: Setting) -> float:
    """Context [tokens] from which memory holds fewer requests than `even_batch`, so that the device wins at B_cap."""
    batch = even_batch(setting)
    if not 0 < batch < np.inf:
        return np.inf if batch == 0 else 0.0 if batch == np.inf else np.nan
    form = proofs.context_of_batch(setting.architecture, setting.conventions, B)
    return float(value(form, setting.point | {B: batch}))


def ridge_context(setting: Setting) -> float:
    """Context [tokens] from which memory holds fewer requests than bring experts to the ridge point."""
    form = proofs.context_of_batch(setting.architecture, setting.conventions, B)
    batch = value(roofline.B_MoE() if setting.model.n_moe else roofline.B_attn(), setting.point)
    return float(value(form, setting.point | {B: float(batch)}))


def core_intensity(setting: Setting, L: float) -> float:
    """Arithmetic intensity of core attention on one accelerator at B_cap [FLOP/byte]."""
    counts = proofs.core(setting.architecture, setting.conventions)
    return float(value(counts.intensity, setting.point | {proofs.L: L, B: batch_at_capacity(setting, L)}))


def even_ridge(setting: Setting, L: float) -> float:
    """Ridge point [FLOP/byte] above which a device of the second one's bandwidth speeds core attention.

    Of the block that attends to most, where a model has two kinds.
    """
    needs_device(setting)
    wider = float(value(BW_exp / BW_mem, setting.point))
    return min(core_intensity(setting, L), float(value(RP_acc, setting.point))) / wider
