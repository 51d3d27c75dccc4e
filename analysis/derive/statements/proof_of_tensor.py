"""Tensor parallelism against data parallelism on reordered attention (d)."""

from sympy import Expr, Integer

from analysis.derive.attention import Mechanism
from analysis.derive.block import Conventions, attention_stages, bytes_moved, flops
from analysis.derive.communication import all_reduce_time, partial_sums
from analysis.derive.parallel import Substitution, sharded
from analysis.derive.reordering import limits
from analysis.derive.statements.steps import Proof, Step
from analysis.derive.symbols import B, BW_mem, L, N_hd, deg_DP, deg_TP, l, n_acc, width_weights


def _degree(degree: Expr) -> Substitution:
    """Axes of one accelerator when TP takes `degree` of n_acc accelerators and data parallelism the rest."""
    to = {deg_TP: degree, deg_DP: n_acc / degree}
    return {axis: size.xreplace(to) for axis, size in sharded().items()}


def _kernels(mechanism: Mechanism, conventions: Conventions) -> tuple:
    return tuple(kernel for kernels in attention_stages(mechanism, conventions).values() for kernel in kernels)


def memory_bound_time(mechanism: Mechanism, conventions: Conventions, degree: Expr) -> Expr:
    """Time of one attention block and its all-reduce while every layer waits for memory [s], at equal batch."""
    kernels = _kernels(mechanism, conventions)
    read = bytes_moved(kernels).xreplace(_degree(degree)) / BW_mem
    wires = attention_wires(mechanism, conventions).xreplace({deg_TP: degree, deg_DP: n_acc / degree})
    return (read + wires).xreplace({l: Integer(1)})


def attention_wires(mechanism: Mechanism, conventions: Conventions) -> Expr:
    """Time of one attention block's all-reduces [s] at deg_TP."""
    return all_reduce_time(partial_sums(_kernels(mechanism, conventions)))


def tensor_parallel_change(mechanism: Mechanism, conventions: Conventions, degree: Expr) -> Expr:
    """Seconds that TP of `degree` adds to one attention block over data parallelism alone, at equal batch."""
    return memory_bound_time(mechanism, conventions, degree) - memory_bound_time(mechanism, conventions, Integer(1))


def even_batch(change: Expr) -> Expr:
    """Batch of the whole system [requests] at which a change is 0: below it TP shortens the blocks (proposition d).

    While every layer waits for memory, with TP and without, the change is linear in B: TP saves weights, which do not
    depend on it, and adds cache and all-reduce, which do. A layer that computes gains nothing from fewer weights, so
    that the batch at which both are equal is another one.
    """
    at_zero = change.xreplace({B: Integer(0)})
    return -at_zero / (change.xreplace({B: Integer(1)}) - at_zero)


def core_under_tensor_parallelism(mechanism: Mechanism, conventions: Conventions) -> Proof:
    """What TP does to reordered core attention (proposition d): equal work, deg_TP times the cache; and when it pays.

    The last three lines are of the whole attention block while every layer waits for memory.
    """
    change = bytes_moved(_kernels(mechanism, conventions)).xreplace({l: Integer(1)})
    change = change.xreplace(_degree(deg_TP)) - change.xreplace(_degree(Integer(1)))
    saved = -change.xreplace({B: Integer(0)})
    added = ((change + saved).expand().coeff(L) * L).factor()
    divided = (saved / (width_weights * (1 - 1 / deg_TP))).cancel()
    spared = width_weights * N_hd * (1 - 1 / deg_TP)
    kernels = attention_stages(mechanism, conventions)["core"]
    shard = sharded()
    groups = {deg_DP: n_acc / deg_TP, l: Integer(1)}
    work, moved = (form(kernels).xreplace(shard).xreplace(groups) for form in (flops, bytes_moved))
    alone = {deg_TP: Integer(1)}
    return (
        Step(r"F(deg_{TP})", work.factor(), "FLOPs of an accelerator: heads are divided, requests shared by more"),
        Step(r"F(deg_{TP})/F(1)", (work / work.xreplace(alone)).cancel(), "unchanged"),
        Step(r"Q(deg_{TP})", moved.factor(), "bytes of an accelerator: the latent cache has no head to divide by"),
        Step(
            r"\lim_{L \to \infty}\,Q(deg_{TP})/Q(1)",
            limits(moved / moved.xreplace(alone), [L]).cancel(),
            "each reads it all",
        ),
        Step(
            r"\lim_{L \to \infty}\,ArI(deg_{TP})/ArI(1)",
            limits(work / moved * (moved / work).xreplace(alone), [L]).cancel(),
            "so intensity falls as deg_TP rises",
        ),
        Step(r"N_{hd}", divided.expand(), "weights of a block that divide with the heads"),
        Step(r"\Delta Q_{W}", spared, "bytes of them that an accelerator need not read any more"),
        Step(r"\Delta Q_{KV}", added, "bytes of the cache that it reads on top"),
        Step(
            r"\lim_{L \to \infty}\,L\,B^{\star}",
            (spared / (added / (B * L))).factor(),
            "cached tokens of the system at which both are equal",
        ),
    )
