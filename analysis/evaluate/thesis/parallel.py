"""Proposition (d) in numbers: tensor against data parallelism on attention."""

from functools import lru_cache

import numpy as np
from sympy import Add, Expr

from analysis.derive.block import Architecture, Conventions, attention_stages
from analysis.derive.parallel import sharded
from analysis.derive.roofline import time
from analysis.derive.symbols import deg_TP
from analysis.derive.thesis import parallel as proofs
from analysis.evaluate.layers import swept
from analysis.evaluate.numbers import value
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis.full import root


def attention_change(setting: Setting, batches, degree: int, L: float) -> np.ndarray:
    """Seconds that TP of `degree` adds to one attention block over data parallelism, its all-reduces included."""
    return _attention(setting.with_(deg_TP=int(degree)), batches, L) - attention_alone(setting, batches, L)


def attention_alone(setting: Setting, batches, L: float) -> np.ndarray:
    """Time of one attention block under data parallelism alone [s]."""
    return _attention(setting.with_(deg_TP=1), batches, L)


def _attention(setting: Setting, batches, L: float) -> np.ndarray:
    """Time of one attention block and its all-reduces [s] in the full model."""
    batches = np.asarray(batches, dtype=float)
    form = _forms(setting.architecture, setting.conventions)[0]
    return value(form, swept(setting, B=batches, L=L))


@lru_cache(maxsize=32)
def _forms(architecture: Architecture, conventions: Conventions) -> tuple[Expr, Expr]:
    """Time of an attention block with its all-reduces [s], and the batch of the flip, at deg_TP."""
    return attention_form(architecture, conventions), proofs.even_batch(architecture.mechanism, conventions, deg_TP)


@lru_cache(maxsize=32)
def attention_form(architecture: Architecture, conventions: Conventions) -> Expr:
    """Time of an attention block with its all-reduces at deg_TP [s]."""
    mechanism = architecture.mechanism
    kernels = [kernel for kernels in attention_stages(mechanism, conventions).values() for kernel in kernels]
    return Add(*(time(kernel.at(sharded())) for kernel in kernels)) + proofs.attention_wires(mechanism, conventions)


def even_batch(setting: Setting, degree: int, L: float) -> tuple[float, float | None]:
    """Batch [requests] below which TP of `degree` shortens the block: closed form, and root in the full model."""
    form = _forms(setting.architecture, setting.conventions)[1]
    closed = float(value(form, swept(setting.with_(deg_TP=int(degree)), L=L)))
    return closed, root(lambda B: float(attention_change(setting, B, degree, L)), 1e-3, 1e7)
