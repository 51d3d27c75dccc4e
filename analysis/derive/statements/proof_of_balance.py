"""When experts reach the dense layers' intensity (b), what each resource is worth (e), what scheduling can give (h)."""

from sympy import Expr, Integer, Max, Symbol, diff, solve

from analysis.derive import parallel, roofline
from analysis.derive.communication import dispatched_bytes
from analysis.derive.einsum import Kernel
from analysis.derive.feedforward import ROUTED_EXPERTS
from analysis.derive.parallel import sharded
from analysis.derive.statements.steps import Proof, Step
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    Gamma_acc,
    Gamma_imb,
    P_acc,
    T_e,
    deg_DP,
    deg_EP,
    n_acc,
    n_act,
    n_e,
    width_activations,
)

RATES: tuple[Symbol, ...] = (P_acc, BW_mem, BW_Int)


def dense_intensity(activations: bool = False) -> Expr:
    """Intensity of a dense projection on one accelerator [FLOP/byte]; deg_TP = 1."""
    layer = roofline.dense_layer()
    found = layer.intensity if activations else roofline.weights_only(layer)
    return found.xreplace({B: B / deg_DP})


def expert_intensity(activations: bool = False) -> Expr:
    """Intensity of a routed expert over its mean tokens [FLOP/byte]."""
    counts = roofline.expert()
    return counts.intensity if activations else roofline.weights_only(counts)


def balanced_groups() -> Expr:
    """Data-parallel groups at which experts have the dense layers' intensity at every batch, weights only [1].

    >>> balanced_groups().xreplace({deg_EP: n_acc})
    n_e/(Gamma_imb*n_k)
    """
    return solve(expert_intensity() / B - dense_intensity() / B, deg_DP)[0]


def reached() -> Expr:
    """Share of the experts that the tokens of a group of experts reach [1].

    >>> reached().xreplace({deg_EP: n_acc})
    1 - (1 - n_k/n_e)**(B*l)
    """
    return sharded()[n_act] * deg_EP / n_e


def ratio_of_reached() -> Expr:
    """Intensity of the experts that an accelerator reads over that of a dense projection [1], weights only."""
    counts = Kernel("routed", ROUTED_EXPERTS).at(sharded())
    return (roofline.weights_only(counts) / dense_intensity()).xreplace({Gamma_acc: Gamma_imb})


def balance_proof() -> Proof:
    """The exact condition under which batching balances, weights' bytes alone (proposition b)."""
    return (
        Step(r"ArI_{exp}", expert_intensity(), "weights' bytes alone"),
        Step(r"ArI_{dense}", dense_intensity(), "a dense projection of one data-parallel group"),
        Step(r"ArI_{exp}/ArI_{dense}", (expert_intensity() / dense_intensity()).cancel(), "the batch cancels"),
        Step(
            r"n_{act}\,deg_{EP}/n_{e}",
            reached(),
            "share of the experts that tokens reach: while it is below 1, the ratio is larger by one over it",
        ),
        Step(r"deg_{DP}^{\star}", balanced_groups(), "equal where this ratio is 1"),
        Step(
            r"deg_{DP}^{\star}\big|_{deg_{EP}=n_{acc}}",
            balanced_groups().xreplace({deg_EP: n_acc}),
            "one group of experts spans the system",
        ),
    )


def balanced_batch() -> Expr:
    """Batch [requests] at which expert and dense projection are equally intense, activation bytes counted.

    Both reciprocals are linear in 1/B, so there is at most one; negative where there is none.
    """
    return solve(1 / expert_intensity(True) - 1 / dense_intensity(True), B)[0].factor()


# -- what scheduling can give ----------------------------------------------------------------------
def tokens_proof() -> Proof:
    """Why no placement raises tokens per expert above those of one spanning group, nor gains more than the imbalance at
    one degree (proposition h)."""
    found = parallel.tokens_per_expert()
    time = Max(roofline.expert().flops / P_acc, expert_weights() / BW_mem, evaluate=False)
    return (
        Step(r"T_{e}", found, "tokens of the busiest expert in one group of experts"),
        Step(r"\partial T_{e}/\partial deg_{EP}", diff(found, deg_EP), "more accelerators to a group, more tokens"),
        Step(r"\max_{deg_{EP}}\,T_{e}", found.xreplace({deg_EP: n_acc}), "largest where one group spans the system"),
        Step(r"deg_{EP}^{\star}", scheduled_degree(), "degree that gives wanted tokens, up to all"),
        Step(
            r"B^{\star}\big|_{deg_{EP}=n_{acc}}",
            roofline.B_MoE(),
            "in a spanning group the busiest expert computes from this batch on; below, all wait for weights",
        ),
        Step(r"T_{exp}", time, "arithmetic grows with imbalance, weights do not"),
        Step(
            r"Q_{disp}/Q_{disp}\big|_{\Gamma=1}",
            dispatched_bytes() / dispatched_bytes().xreplace({Gamma_acc: Integer(1)}),
            "what the busiest accelerator receives grows with it; so at one degree no term is cut by more",
        ),
    )


def scheduled_degree() -> Expr:
    """Expert-parallel degree that gives an expert T_e tokens at batch B [1]; above n_acc none does."""
    return solve(parallel.tokens_per_expert() - T_e, deg_EP)[0]


# -- what each resource is worth -------------------------------------------------------------------
def elasticity(time: Expr, resource: Symbol) -> Expr:
    """Elasticity of throughput at fixed batch to a resource [1]: minus that of the time per token."""
    return -resource * diff(time, resource) / time


def homogeneity(time: Expr) -> Expr:
    """The sum of the elasticities to the three rates [1]; 1 where one link does all and has no latency (Euler)."""
    return sum((elasticity(time, rate) for rate in RATES), Integer(0))


def expert_weights() -> Expr:
    """Bytes of one routed expert's weights [byte]."""
    return roofline.expert().bytes.xreplace({width_activations: Integer(0)})


def elasticity_proof() -> Proof:
    """Why the elasticities are the shares of time that each rate limits (proposition e), on one term of each kind."""
    spanning = {deg_EP: n_acc}
    work = roofline.expert().flops.xreplace(spanning)
    read = expert_weights().xreplace(spanning)
    time = work / P_acc + read / BW_mem + dispatched_bytes() / BW_Int
    named = (("P", "arithmetic"), ("BW", "memory bandwidth"), ("Int", "the interconnect"))
    return (
        Step(r"T", time, "an expert's arithmetic, an expert's weights, and a dispatch, one after another"),
        *(
            Step(rf"\eta_{{{name}}}\,T", (elasticity(time, rate) * time).cancel(), f"the time that {words} limits")
            for (name, words), rate in zip(named, RATES, strict=True)
        ),
        Step(r"\eta_{P} + \eta_{BW} + \eta_{Int}", homogeneity(time).factor().cancel(), "nothing else is left"),
    )
