"""Time of kernels on an accelerator, ridge points, and the batches at which layers reach them (Eq. 10)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sympy import Expr, Integer, Max, solve

from analysis.derive.einsum import Counts, Kernel, lines
from analysis.derive.feedforward import routed_experts
from analysis.derive.parallel import single_expert
from analysis.derive.symbols import B, BW_mem, P_acc, RP_acc, deg_DP, deg_EP, n_acc, width_activations


def time(kernel: Kernel | Counts) -> Expr:
    """Roofline time of one kernel [s]: the slower of arithmetic and memory traffic.

    >>> time(Counts("copy", P_acc, 2 * BW_mem)).doit()
    2
    """
    return Max(kernel.flops / P_acc, kernel.bytes / BW_mem, evaluate=False)  # comparing them symbolically is slow


@dataclass(frozen=True)
class Timing:
    """How counts become seconds: `kernel(counts, stage)` and `wires(time at the link's rate)`."""

    kernel: Callable[[Kernel | Counts, str], Expr]
    wires: Callable[[Expr], Expr]


ROOFLINE = Timing(kernel=lambda counts, stage: time(counts), wires=lambda seconds: seconds)
"""The bare roofline; a calibration puts measured efficiencies and launch floors in its place."""


def ridge_point() -> Expr:
    """Ridge point RP_acc [FLOP/byte] (Table I): below it a kernel waits for memory."""
    return P_acc / BW_mem


def weights_only(counts: Kernel | Counts) -> Expr:
    """Arithmetic intensity [FLOP/byte] when only the weights' bytes are counted, as the paper's Eq. 10 does."""
    return counts.flops / counts.bytes.xreplace({width_activations: Integer(0)})


def dense_layer() -> Kernel:
    """A dense projection in a data-parallel group, the layer that experts are compared with."""
    return Kernel("projection", lines("y[B l d_FFN] = x[B l d_emb] W_up[d_emb d_FFN]"))


@cache
def B_attn() -> Expr:
    """Batch [requests] at which a dense projection on one of deg_DP groups reaches the ridge (Eq. 10).

    Solved from the projection's intensity with its weights' bytes alone; the paper's form has 2-byte weights.

    >>> B_attn()
    RP_acc*deg_DP*width_weights/(2*l)
    """
    intensity = weights_only(dense_layer()).xreplace({B: B / deg_DP})
    return solve(intensity - RP_acc, B)[0]


def expert(own_width: bool = False) -> Counts:
    """Counts of one routed expert over its mean tokens; the intermediate vector stays on the chip.

    `own_width`: its weights have the width `width_experts`.
    """
    return Kernel("expert", routed_experts(own_width)).at(single_expert())


@cache
def B_MoE(activations: bool = False, own_width: bool = False) -> Expr:
    """Batch [requests] at which a routed expert reaches the ridge (Eq. 10), one EP group spanning the system.

    `activations=True` counts the expert's input and output too: the exact knee, which exists only while the ridge
    lies below the intensity that an endless batch would reach. `own_width` as in `expert`.
    """
    counts = expert(own_width)
    intensity = counts.intensity if activations else weights_only(counts)
    return solve(intensity.xreplace({deg_EP: n_acc}) - RP_acc, B)[0].factor()


@cache
def B_RP(experts: bool = True, own_width: bool = False) -> Expr:
    """Batch [requests] at which all weight layers have reached the ridge, B_RP (Eq. 10).

    For a model without experts only the dense projections count.
    """
    return Max(B_attn(), B_MoE(own_width=own_width)) if experts else B_attn()
