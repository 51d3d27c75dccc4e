"""Proposition (d) in numbers: tensor against data parallelism on attention."""

from collections.abc import Callable
from functools import lru_cache
from itertools import chain

import numpy as np
from sympy import Add, Expr, Integer

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import Architecture, Conventions, Kind, attention_stages, over_blocks
from analysis.derive.communication import all_reduce_time, partial_sums
from analysis.derive.parallel import sharded
from analysis.derive.roofline import ROOFLINE, Timing
from analysis.derive.statements import proof_of_tensor as proofs
from analysis.derive.symbols import P_acc, deg_DP, deg_TP, n_acc
from analysis.systems.layers import swept
from analysis.systems.timing import timing
from analysis.thesis.full import root


def attention_change(setting: Setting, batches, degree: int, L: float) -> np.ndarray:
    """Seconds that TP of `degree` adds to an attention block over data parallelism, its all-reduces included."""
    return attention_time(setting, batches, degree, L) - attention_alone(setting, batches, L)


def attention_alone(setting: Setting, batches, L: float) -> np.ndarray:
    """Time of an attention block under data parallelism alone [s]."""
    return attention_time(setting, batches, 1, L)


def attention_time(setting: Setting, batches, degree, L, replaced: dict | None = None) -> np.ndarray:
    """Time of an attention block and its all-reduces [s] under the setting's timing and overlap, over arrays.

    The mean over all blocks that attend, where a model has several kinds of them. `replaced` are symbols' values in SI
    units.
    """
    batches, degree = np.asarray(batches, dtype=float), np.asarray(degree, dtype=float)
    point = swept(setting, B=batches, L=L) | (replaced or {})
    point |= {deg_TP: degree, deg_DP: point[n_acc] / degree}
    forms = _timed(setting.architecture, setting.conventions, timing(setting))
    work, wires = (value(form, point) for form in forms)
    return work + wires if setting["overlap"] == "none" else np.maximum(work, wires)


@lru_cache(maxsize=32)
def _timed(architecture: Architecture, conventions: Conventions, taking: Timing) -> tuple[Expr, Expr]:
    """Time of an attention block's kernels, and of its all-reduces [s], at deg_TP, the mean over kinds of block."""

    def work(kind: Kind) -> Expr:
        stages, axes = attention_stages(kind.mechanism, conventions), kind.axes(sharded())
        kernels = ((kernel, kind.timed(stage)) for stage, kernels in stages.items() for kernel in kernels)
        return Add(*(taking.kernel(kernel.at(axes), stage) for kernel, stage in kernels))

    def wires(kind: Kind) -> Expr:
        kernels = chain.from_iterable(attention_stages(kind.mechanism, conventions).values())
        return all_reduce_time(partial_sums(kernels), taking).xreplace(kind.axes())

    return _mean(architecture, work), _mean(architecture, wires)


def _mean(architecture: Architecture, of_block: Callable[[Kind], Expr]) -> Expr:
    return over_blocks(architecture, of_block) / over_blocks(architecture, lambda kind: Integer(1))


def attention_form(architecture: Architecture, conventions: Conventions) -> Expr:
    """Time of an attention block with its all-reduces at deg_TP on the bare roofline [s]."""
    return Add(*_timed(architecture, conventions, ROOFLINE))


def even_batch(setting: Setting, degree: int, L: float) -> tuple[float, float | None]:
    """Batch [requests] below which TP of `degree` shortens the block: closed form, and root in the full model.

    The closed form is the root where `waits` says so.
    """
    form = _even_batch(setting.architecture, setting.conventions)
    closed = float(value(form, swept(setting.with_(deg_TP=int(degree)), L=L)))
    return closed, root(lambda B: float(attention_change(setting, B, degree, L)), 1e-3, 1e7)


def waits(setting: Setting, batch: float, degree: int, L: float) -> bool:
    """Whether every layer of attention waits for memory at a batch, with TP of `degree` and without: endless
    arithmetic would shorten neither."""

    def times(replaced: dict) -> list[float]:
        return [float(attention_time(setting, batch, each, L, replaced)) for each in (1, degree)]

    return bool(np.allclose(times({}), times({P_acc: np.inf}), rtol=1e-12, atol=0))


@lru_cache(maxsize=32)
def _even_batch(architecture: Architecture, conventions: Conventions) -> Expr:
    def change(kind: Kind) -> Expr:
        return proofs.tensor_parallel_change(kind.mechanism, conventions, deg_TP).xreplace(kind.axes())

    return proofs.even_batch(over_blocks(architecture, change))
