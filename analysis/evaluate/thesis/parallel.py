"""Propositions (d) and (g) in numbers: tensor against data parallelism, and several query tokens a step."""

from functools import lru_cache

import numpy as np
from sympy import Add, Expr, Float

from analysis.derive.block import Architecture, Conventions, attention_stages
from analysis.derive.parallel import sharded
from analysis.derive.roofline import time
from analysis.derive.symbols import deg_TP, l
from analysis.derive.thesis import parallel as proofs
from analysis.evaluate.layers import swept
from analysis.evaluate.numbers import value
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis.full import batch_at_capacity, root, terms_at, total


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
    mechanism = architecture.mechanism
    kernels = [kernel for kernels in attention_stages(mechanism, conventions).values() for kernel in kernels]
    block = Add(*(time(kernel.at(sharded())) for kernel in kernels)) + proofs.attention_wires(mechanism, conventions)
    return block, proofs.even_batch(mechanism, conventions, deg_TP)


def even_batch(setting: Setting, degree: int, L: float) -> tuple[float, float | None]:
    """Batch [requests] below which TP of `degree` shortens the block: closed form, and root in the full model."""
    form = _forms(setting.architecture, setting.conventions)[1]
    closed = float(value(form, swept(setting.with_(deg_TP=int(degree)), L=L)))
    return closed, root(lambda B: float(attention_change(setting, B, degree, L)), 1e-3, 1e7)


# -- several query tokens --------------------------------------------------------------------------
def query_tokens_at_ridge(setting: Setting) -> float:
    """Query tokens per request at which core attention reaches the ridge point, L without bound [tokens]."""
    return float(
        value(proofs.query_tokens_at_ridge(setting.architecture.mechanism, setting.conventions), setting.point)
    )


def time_ratio(setting: Setting, queries, L: float) -> np.ndarray:
    """TPOT of a step of several query tokens over one, at the B_cap of one token [1]; nan if nothing fits."""
    batch = float(batch_at_capacity(setting, L))
    batch = batch if batch >= 1 else np.nan
    found = [total(terms_at(setting, batch, L, {l: float(each)}), setting["overlap"]) for each in queries]
    return np.array(found, dtype=float) / float(total(terms_at(setting, batch, L, {l: 1.0}), setting["overlap"]))


def gain(setting: Setting, queries, L: float, acceptance: float) -> np.ndarray:
    """Accepted tokens per second over those of one token a step [1]; drafting itself is not charged."""
    yields = [float(proofs.expected_tokens(Float(acceptance), int(each))) for each in queries]
    return np.array(yields) / time_ratio(setting, queries, L)


def even_acceptance(setting: Setting, query: int, L: float) -> float | None:
    """Acceptance rate above which `query` tokens a step raise throughput [1]; None where none up to 1 does."""
    ratio = float(time_ratio(setting, [query], L)[0])
    low, high = 0.0, 1.0
    if not ratio < query:
        return None
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (low, middle) if float(proofs.expected_tokens(middle, query)) > ratio else (middle, high)
    return high
