"""What a kernel takes beside its arithmetic and its traffic, where a calibration describes it."""

from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr, Integer, cancel

from analysis.data import calibrations
from analysis.derive.einsum import Counts, Kernel, layered
from analysis.derive.feedforward import ROUTED_EXPERTS
from analysis.derive.parallel import WHOLE, Layout
from analysis.derive.symbols import (
    BW_mem,
    L,
    S_passes,
    T_e,
    d_emb,
    d_MoE,
    n_act,
    width_activations,
    width_experts,
    width_kv,
    width_weights,
)

GATHERED = 1e12
"""Bandwidth [byte/s] of the geometric mean at which parts of a kernel pass tensors on: gathers are held up by memory
and by instructions in about equal parts, and instructions take as long on every accelerator here."""

HALF = 2  # bytes: parts of a kernel hand on BF16 whatever the width of its operands


@dataclass(frozen=True)
class Beside:
    """What a kernel takes beside its arithmetic and its traffic, as times [s] for keys and values of one token of every
    request at the memory's rate, for what its parts pass on, and for the rows that it is handed, both at the rate of
    gathers; for the exponentials of its softmax, and for one byte at the memory's rate.
    """

    token: Expr = Integer(0)
    between: Expr = Integer(0)
    handed: Expr = Integer(0)
    exponents: Expr = Integer(0)
    byte: Expr = Integer(0)


BESIDE = tuple(Beside.__dataclass_fields__)


def beside(
    counts: Kernel | Counts, stage: str, layout: Layout = WHOLE, exponents: float = calibrations.EXPONENTS
) -> Beside:
    """What the core of attention, or the routed experts, take beside their counts; nothing for other stages.

    The core passes on queries and results; experts every tensor of their lines run one by one. `exponents` are those
    that the accelerator computes each second.
    """
    gathered = (BW_mem * GATHERED) ** 0.5
    if stage in ("core", "picked core"):
        moved = counts.bytes.xreplace({S_passes: Integer(0)})
        own = moved.xreplace({width_kv: Integer(0)}).xreplace({L: Integer(0)})
        token = (moved - own).xreplace({L: Integer(1)})
        return Beside(token / BW_mem, own / gathered, exponents=counts.exponents / exponents, byte=1 / BW_mem)
    if stage == "routed":
        passed, rows = (ratio.xreplace({d_MoE: d_MoE / layout.parts}) for ratio in _per_flop())
        return Beside(Integer(0), counts.flops * passed / gathered, counts.flops * rows / gathered)
    return Beside()


@lru_cache(maxsize=1)
def _per_flop() -> tuple[Expr, Expr]:
    """Bytes that routed experts pass on, and bytes of the rows that they are handed, over their FLOPs."""
    alone = {width_weights: Integer(0), width_experts: Integer(0), width_activations: Integer(HALF)}
    whole = Kernel("routed", ROUTED_EXPERTS)
    passed = sum((each.bytes.xreplace(alone) for each in layered("routed", ROUTED_EXPERTS)), Integer(0))
    return cancel(passed / whole.flops), cancel(HALF * n_act * T_e * d_emb / whole.flops)
