"""Propositions on batches, resources, attribution, schedules, and on both orders of one sum."""

from sympy import And, Eq, Expr, Gt, Integer, Le, Lt, ZeroMatrix
from sympy.logic.boolalg import Boolean

from analysis.derive import roofline
from analysis.derive.attention import MLA
from analysis.derive.brackets import scores_and_context
from analysis.derive.parallel import tokens_per_expert
from analysis.derive.statements import proof_of_attribution, proof_of_balance
from analysis.derive.statements.proposition import Hypothesis, Proposition
from analysis.derive.symbols import (
    BW_mem,
    Gamma_imb,
    M_cap,
    N_MoE,
    P_acc,
    deg_DP,
    deg_EP,
    deg_TP,
    n_acc,
    n_dec,
    slack,
    width_activations,
    width_weights,
)


def _balanced() -> Boolean:
    return Eq(
        proof_of_balance.ratio_of_reached() * proof_of_balance.reached(),
        deg_DP / proof_of_balance.balanced_groups(),
        evaluate=False,
    )


BALANCE = Proposition(
    "thesis-balance",
    "Batching balances experts and dense layers at every batch or at none",
    "all routed experts of an accelerator against a dense projection",
    (
        Hypothesis(
            "weights",
            "only the bytes of weights count",
            "with activations too, the ratio is {few} at {batch:4} requests and {many} at {more:4}",
            Eq(width_activations, 0, evaluate=False),
        ),
        Hypothesis(
            "reached",
            "tokens reach every expert",
            "where they reach {reached} of the experts, the ratio is {few} in place of {many}",
        ),
        Hypothesis(
            "even", "imbalance does not change with the batch", "as imbalance grows, a ratio of {few} becomes {many}"
        ),
    ),
    "experts are as intense as dense layers at every batch or at none: the batch cancels, and the number of "
    "data-parallel accelerators decides.",
    "two batches up to 100-fold apart, 40 to 4000 tokens an expert, or 0.1 to 10 where experts may stay unreached",
    _balanced,
    proof_of_balance.balance_proof,
)

ELASTICITY = Proposition(
    "thesis-elasticity",
    "Elasticities are shares of time",
    "throughput of a whole model on one or two levels of network",
    (
        Hypothesis(
            "batch", "the batch stays", "where the batch follows the memory bandwidth, elasticities add up to {whole}"
        ),
        Hypothesis(
            "serial",
            "parts of a step follow one another",
            "where communication hides behind computation, links are worth {worth}, not their {wires}",
        ),
        Hypothesis(
            "rates",
            "every link counts with a rate of its own",
            "where the slower link between groups is left out, elasticities add up to {whole}",
        ),
    ),
    "the elasticity of throughput to a rate is the share of time that this rate limits. Elasticities to arithmetic, to "
    "memory bandwidth and to every link add up to one, less the share of time that latency takes.",
    "any batch, context and degrees, dense models and mixtures, latencies of up to 0.1 ms a transfer",
    lambda: Eq(proof_of_balance.homogeneity(proof_of_balance.elasticity_proof()[0].form), 1, evaluate=False),
    proof_of_balance.elasticity_proof,
)


# -- attribution -----------------------------------------------------------------------------------
def _attribution_signs() -> tuple[Expr, ...]:
    """The interaction less one, degree and accelerators written as what they exceed 1 and the degree by."""
    more, further, free = slack(3)
    degree = 1 + more
    at = {
        deg_TP: degree,
        n_acc: degree + further,
        M_cap: proof_of_attribution.weights("dense").xreplace({deg_TP: degree}) + free,
    }
    return (proof_of_attribution.interaction_at(deg_TP).xreplace(at) - 1,)


ATTRIBUTION = Proposition(
    "thesis-attribution",
    "Latent attention and experts need each other",
    "four models of equal widths, each at the degree and batch that serve most",
    (
        Hypothesis(
            "waits",
            "a step waits for memory alone",
            "where arithmetic and wires limit, the interaction can be {interaction}",
            Lt(N_MoE * n_dec * width_weights / deg_TP, M_cap),
        ),
        Hypothesis(
            "equal",
            "a dense layer holds as much as all experts",
            "against a lighter dense layer it can be {interaction}",
        ),
        Hypothesis(
            "caches", "what requests move is their caches", "where activations move too, it can be {interaction}"
        ),
        Hypothesis(
            "groups",
            "latent attention alone is served best in groups smaller than the system",
            "in one group of {count} accelerators it can be {interaction}: each keeps a router that dense layers lack",
            Gt(n_acc, deg_TP),
        ),
    ),
    "latent attention and experts together give more than the product of what each gives alone, in every memory, "
    "but for the one row in $L$ that a step appends.",
    "2 to 128 accelerators, every power of two as degree, memories from just the dense layers to 30 times as much",
    lambda: Gt(proof_of_attribution.interaction_at(deg_TP), 1),
    proof_of_attribution.attribution_proof,
    _attribution_signs,
)


# -- schedules -------------------------------------------------------------------------------------
def _expert_time(imbalance: Expr | int) -> tuple[Expr, Expr]:
    """Seconds of an expert's arithmetic and of reading it, at an imbalance."""
    work = roofline.expert().flops.xreplace({Gamma_imb: Integer(1) * imbalance})
    return work / P_acc, proof_of_balance.expert_weights() / BW_mem


def _scheduled() -> Boolean:
    spanning = tokens_per_expert().xreplace({deg_EP: n_acc})
    times = zip(_expert_time(Gamma_imb), _expert_time(1), strict=True)
    return And(Le(tokens_per_expert(), spanning), *(Le(busy, Gamma_imb * even) for busy, even in times))


def _schedule_signs() -> tuple[Expr, ...]:
    further, more = slack(2)
    fewer = tokens_per_expert().xreplace({n_acc: deg_EP + further})
    times = zip(_expert_time(1 + more), _expert_time(1), strict=True)
    spanning = tokens_per_expert().xreplace({deg_EP: n_acc})
    return spanning - fewer, *((1 + more) * even - busy for busy, even in times)


SCHEDULE = Proposition(
    "thesis-schedule",
    "Scheduling removes imbalance and adds no tokens",
    "a step of the whole model under two placements of experts",
    (
        Hypothesis(
            "degree",
            "the degree of expert parallelism stays",
            "at degree {degree:1}, where nothing travels, the gain can be {gain}, above the imbalance of {bound}",
            Le(deg_EP, n_acc),
        ),
        Hypothesis(
            "step",
            "tokens are served in the step in which they come",
            "tokens held back for eight steps can gain {gain}, above the imbalance of {bound}",
        ),
    ),
    "no placement gives an expert more tokens than one group of experts over the whole system, and a better placement "
    "gains at most the imbalance: the busiest accelerator over the mean, by tokens or by experts reached, the greater.",
    "32 experts of random popularity on 8 accelerators a group, placed at random or dealt out by load, without copies",
    _scheduled,
    proof_of_balance.tokens_proof,
    _schedule_signs,
)


# -- reordering ------------------------------------------------------------------------------------
def _brackets() -> Boolean:
    printed, absorbed = (scores_and_context(MLA, order) for order in MLA.orders)
    apart = [(printed[name].doit() - absorbed[name].doit()).doit() for name in printed]
    return And(*(Eq(each, ZeroMatrix(*each.shape)) for each in apart))


_WEIGHTED = r"\operatorname{softmax}\!\Big(\tfrac{1}{\sqrt{d}}"
_PRINTED = _WEIGHTED + r"\big(q_N\,(c_{KV} W_{DK})^\top + q_R\, k_R^\top\big)\Big)\,(c_{KV} W_{DV})"
_ABSORBED = (
    rf"\Big({_WEIGHTED}" + r"\big((q_N W_{DK}^\top)\, c_{KV}^\top + q_R\, k_R^\top\big)\Big)\, c_{KV}\Big)\, W_{DV}"
)

REORDERING = Proposition(
    "reordering",
    "Both orders give equal attention",
    "one head, for every query length, context, mask and scale",
    (
        Hypothesis(
            "rotary",
            "positions turn $q_R$ and $k_R$ alone",
            "where positions turn the decompressed keys too, the vectors differ by {apart} of the largest element",
        ),
        Hypothesis(
            "linear",
            "keys and values are the latent rows times $W_{DK}$ and $W_{DV}$ and nothing else",
            "where keys are brought to one norm after that, by {apart}",
        ),
        Hypothesis("exact", "arithmetic is exact", "where absorbed queries are rounded to 16 bits, by {apart}"),
    ),
    f"decompressing first,\n\n$$\no = {_PRINTED},\n$$\n\nand absorbing the weights,\n\n$$\no = {_ABSORBED},\n$$\n\n"
    "give a head the same vector, for every query length, context, mask and scale $d$. Here $q_N$ is the query without "
    "RoPE, $q_R$ with it; the cache holds the latent rows $c_{KV}$ and the rotary keys $k_R$.",
    "heads of 3 queries and 6 rows of normal random numbers, masked; floating point of 64 bits for exact arithmetic",
    _brackets,
)
