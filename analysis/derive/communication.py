"""Time on the wires: MoE dispatch and combine (Eq. 13), and the all-reduces that tensor parallelism forces.

Which tensors must be reduced follows from the einsum lines: a line that sums over an axis divided by deg_TP leaves
a partial sum on every accelerator.
"""

from collections.abc import Iterable
from functools import cache

from sympy import Add, Expr, Max, Min, Symbol

from analysis.derive.decoder import token_bytes
from analysis.derive.einsum import Kernel, Tensor
from analysis.derive.parallel import WHOLE, Layout, sharded
from analysis.derive.roofline import ROOFLINE, Timing
from analysis.derive.symbols import B, BW_Int, BW_out, Gamma_acc, alpha, deg_EP, deg_TP, l, n_acc, n_group, n_k


def dispatched_bytes(layout: Layout = WHOLE) -> Expr:
    """Bytes that the busiest accelerator receives in one dispatch [byte] (Eq. 13): n_k copies of each token's vector.

    The copies that stay at home are not subtracted, as in the paper; with n_acc accelerators they are 1 in n_acc.
    A split expert has its tokens on each of the accelerators that share it.
    """
    return Gamma_acc * token_bytes() * n_k * B * l * layout.parts / n_acc


@cache
def dispatch_time(levels: str = "one", layout: Layout = WHOLE) -> Expr:
    """Time of one all-to-all, dispatch or combine [s] (half of Eq. 13), latency included.

    `levels="two"`: groups of n_group accelerators on a fast link, BW_out between groups; uniform routing sends
    n_group / deg_EP of the copies inside (of a group that holds all experts), both networks work at once.

    >>> dispatch_time()
    B*Gamma_acc*d_emb*l*n_k*width_activations/(BW_Int*n_acc) + alpha
    """
    if levels == "one":
        return dispatched_bytes(layout) / BW_Int + alpha
    sent = dispatched_bytes(layout)
    inside = Min(1, n_group / layout.group)  # the share of an EP group that sits in the same fast group
    return Max(sent * inside / BW_Int, sent * (1 - inside) / BW_out) + alpha


def exchange_time(levels: str = "one", timing: Timing = ROOFLINE, layout: Layout = WHOLE) -> Expr:
    """`dispatch_time` as a term of TPOT: nothing travels where the experts that a token may visit are at home."""
    return timing.wires(dispatch_time(levels, layout)) * _several(deg_EP)


@cache
def _several(degree: Symbol) -> Expr:
    """1 for a degree above 1, else 0: nothing travels from one accelerator."""
    return Min(1, degree - 1)


def partial_sums(kernels: Iterable[Kernel]) -> tuple[Tensor, ...]:
    """Tensors that tensor parallelism leaves as partial sums: made by a line that sums over a divided axis.

    A line that moves heads into groups, or repeats them, sums nothing.

    >>> from analysis.derive.attention import MLA
    >>> from analysis.derive.block import attention_stages
    >>> [str(tensor) for tensor in partial_sums(attention_stages(MLA)["output"])]
    ['y[B l d_emb]']
    """
    divided = {axis for axis, size in sharded().items() if deg_TP in size.free_symbols}
    sums = (line.made for k in kernels for line in k.lines if line.sign != "<-" and line.summed & divided)
    return tuple({made.name: made for made in sums}.values())


def all_reduce_time(tensors: Iterable[Tensor], timing: Timing = ROOFLINE) -> Expr:
    """Time of a ring all-reduce of partial sums over a TP group [s]; zero for deg_TP = 1."""
    share = 2 * (deg_TP - 1) / deg_TP
    times = (share * tensor.bytes.xreplace(sharded()) / BW_Int + alpha for tensor in tensors)
    each = [timing.wires(seconds) * _several(deg_TP) for seconds in times]
    return Add(*each)
