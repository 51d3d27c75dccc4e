"""Proposition (d) in numbers: tensor against data parallelism on attention."""

from functools import lru_cache

import numpy as np
from sympy import Add, Expr

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import Architecture, Conventions, attention_stages
from analysis.derive.communication import all_reduce_time, partial_sums
from analysis.derive.parallel import sharded
from analysis.derive.roofline import ROOFLINE, Timing
from analysis.derive.statements import proof_of_tensor as proofs
from analysis.derive.symbols import deg_DP, deg_TP, n_acc
from analysis.systems.layers import swept
from analysis.systems.timing import timing
from analysis.thesis.full import root


def attention_change(setting: Setting, batches, degree: int, L: float) -> np.ndarray:
    """Seconds that TP of `degree` adds to one attention block over data parallelism, its all-reduces included."""
    return attention_time(setting, batches, degree, L) - attention_alone(setting, batches, L)


def attention_alone(setting: Setting, batches, L: float) -> np.ndarray:
    """Time of one attention block under data parallelism alone [s]."""
    return attention_time(setting, batches, 1, L)


def attention_time(setting: Setting, batches, degree, L, replaced: dict | None = None) -> np.ndarray:
    """Time of one attention block and its all-reduces [s] under the setting's timing and overlap, over arrays.

    `replaced` are symbols' values in SI units.
    """
    batches, degree = np.asarray(batches, dtype=float), np.asarray(degree, dtype=float)
    point = swept(setting, B=batches, L=L) | (replaced or {})
    point |= {deg_TP: degree, deg_DP: point[n_acc] / degree}
    forms = _timed(setting.architecture, setting.conventions, timing(setting))
    work, wires = (value(form, point) for form in forms)
    return work + wires if setting["overlap"] == "none" else np.maximum(work, wires)


@lru_cache(maxsize=32)
def _timed(architecture: Architecture, conventions: Conventions, taking: Timing) -> tuple[Expr, Expr]:
    """Time of an attention block's kernels, and of its all-reduces [s], at deg_TP, in the first kind of block."""
    kind = architecture.attending[0]
    stages = attention_stages(kind.mechanism, conventions)
    kernels = [(kernel, kind.timed(stage)) for stage, kernels in stages.items() for kernel in kernels]
    work = Add(*(taking.kernel(kernel.at(kind.axes(sharded())), stage) for kernel, stage in kernels))
    return work, all_reduce_time(partial_sums(kernel for kernel, _ in kernels), taking).xreplace(kind.axes())


def attention_form(architecture: Architecture, conventions: Conventions) -> Expr:
    """Time of an attention block with its all-reduces at deg_TP on the bare roofline [s]."""
    return Add(*_timed(architecture, conventions, ROOFLINE))


def even_batch(setting: Setting, degree: int, L: float) -> tuple[float, float | None]:
    """Batch [requests] below which TP of `degree` shortens the block: closed form, and root in the full model."""
    form = _even_batch(setting.architecture, setting.conventions)
    closed = float(value(form, swept(setting.with_(deg_TP=int(degree)), L=L)))
    return closed, root(lambda B: float(attention_change(setting, B, degree, L)), 1e-3, 1e7)


@lru_cache(maxsize=32)
def _even_batch(architecture: Architecture, conventions: Conventions) -> Expr:
    kind = architecture.attending[0]
    return proofs.even_batch(kind.mechanism, conventions, deg_TP).xreplace(kind.axes())
