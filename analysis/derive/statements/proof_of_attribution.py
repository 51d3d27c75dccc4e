"""Why the effects of latent attention and of experts do not multiply (proposition f), while a step waits for memory.

The layers are those of the derivation: a dense feed-forward layer, or experts, of N_MoE weights in each block. Left out
are attention's weights, embeddings and activations, which the whole model (`analysis.thesis.factorial`) holds.
"""

from functools import cache

from sympy import Expr, Integer, diff, solve

from analysis.derive import capacity, decoder, roofline
from analysis.derive.attention import MHA, MLA
from analysis.derive.block import Architecture, Conventions
from analysis.derive.reordering import limits
from analysis.derive.statements.steps import Proof, Step
from analysis.derive.symbols import (
    BW_mem,
    M_cap,
    N_MoE,
    RP_acc,
    d_FFN,
    d_MoE,
    deg_DP,
    deg_EP,
    deg_TP,
    l,
    n_acc,
    n_dec,
    n_moe,
)

MADE_OF = {"dense": "dense", "experts": "routed"}  # kind of feed-forward layer -> its stage in the derivation


def architecture(attention: str, feed_forward: str) -> Architecture:
    """A model whose every block has this attention and this feed-forward layer."""
    return Architecture(attention, "gated", dense=feed_forward == "dense", experts=feed_forward == "experts")


@cache
def weights(feed_forward: str) -> Expr:
    """Bytes of feed-forward weights that one accelerator holds, N_MoE elements a block in all [byte].

    >>> weights("dense")
    N_MoE*n_dec*width_weights/deg_TP
    >>> weights("experts")
    N_MoE*n_dec*width_weights/n_acc
    """
    built, stage = architecture(MLA.name, feed_forward), MADE_OF[feed_forward]
    width = {"dense": d_FFN, "experts": d_MoE}[feed_forward]
    elements = decoder.feedforward_parameters(built)[stage]
    sized = {width: solve(elements - N_MoE, width)[0]}
    held = capacity.weights_by_part(built)[stage] / n_acc
    return held.xreplace(sized).xreplace({n_moe: n_dec, deg_EP: n_acc}).cancel()


def _request(attention: str) -> Expr:
    """Bytes that a request keeps in the whole system, copies that tensor parallelism makes counted [byte]."""
    built = architecture(attention, "experts")
    kept = capacity.request_bytes(built, Conventions(built.mechanism.order_of("decode")), activations=False)
    return kept.xreplace({deg_DP: n_acc / deg_TP})


def _batch(attention: str, feed_forward: str) -> Expr:
    return n_acc * (M_cap - weights(feed_forward)) / _request(attention)


@cache
def step_time() -> Expr:
    """Time of a step at B_cap that reads weights and caches once [s]: that of the memory, whatever fills it.

    >>> step_time()
    M_cap/BW_mem
    """
    held = weights("dense") + _batch(MLA.name, "dense") * _request(MLA.name) / n_acc
    return held.expand().cancel() / BW_mem


@cache
def read_rate(attention: str, feed_forward: str, degree: Expr | int) -> Expr:
    """Tokens per second and accelerator at B_cap while everything waits for memory, at a tensor-parallel degree.

    >>> read_rate("MHA", "experts", 1) == read_rate("MHA", "experts", n_acc)
    True
    """
    found = _batch(attention, feed_forward) / n_acc / step_time()
    return found.xreplace({deg_TP: Integer(1) * degree}).factor()


@cache
def cache_ratio() -> Expr:
    """Cache of multi-head attention over latent attention's [1]: the effect of latent attention beside experts."""
    return (read_rate(MLA.name, "experts", 1) / read_rate(MHA.name, "experts", n_acc)).cancel()


@cache
def interaction_at(degree: Expr | int) -> Expr:
    """Effect of both over the product of each alone [1], the dense model of latent attention at a degree.

    Multi-head attention divides its cache with its heads, so its dense model is best at one group of all accelerators.
    """
    both = read_rate(MLA.name, "experts", 1) / read_rate(MHA.name, "dense", n_acc)
    alone = read_rate(MLA.name, "dense", degree) / read_rate(MHA.name, "dense", n_acc)
    experts_alone = read_rate(MHA.name, "experts", n_acc) / read_rate(MHA.name, "dense", n_acc)
    return (both / alone / experts_alone).factor()


@cache
def best_degree() -> Expr:
    """Tensor-parallel degree at which a dense model of latent attention reads fastest, not rounded [1].

    >>> best_degree()
    2*N_MoE*n_dec*width_weights/M_cap
    """
    return solve(diff(interaction_at(deg_TP), deg_TP), deg_TP)[0]


@cache
def interaction() -> Expr:
    """The interaction at the best degree, where that is above 1 [1]."""
    return interaction_at(best_degree()).factor()


@cache
def even_capacity() -> Expr:
    """Memory of an accelerator from which on the best degree is 1, so that no latent cache is kept twice [byte].

    The interaction there is still nearly 2, and falls to 1 with ever larger memories only.

    >>> even_capacity()
    2*N_MoE*n_dec*width_weights
    >>> interaction_at(1).xreplace({M_cap: even_capacity()}).expand()
    2 - 1/n_acc
    """
    return solve(best_degree() - 1, M_cap)[0]


@cache
def cancelling_capacity() -> Expr:
    """Memory of an accelerator below which latent attention alone no longer pays: there the interaction is as large
    as its effect beside experts [byte]; accelerators without bound.

    >>> (cancelling_capacity() / even_capacity()).cancel()
    (d_KVco + d_RoPE)/(d_hd*n_hd)
    """
    return solve(limits(interaction(), [n_acc]) - cache_ratio(), M_cap)[0]


def computing_batch() -> Expr:
    """Batch [requests] above which the dense layer computes, one tensor-parallel group of all accelerators.

    >>> computing_batch()
    P_acc*width_weights/(2*BW_mem)
    """
    return roofline.B_attn().xreplace({deg_DP: Integer(1), l: Integer(1), RP_acc: roofline.ridge_point()})


def attribution_proof() -> Proof:
    """Why latent attention and experts need each other (proposition f)."""
    return (
        Step(r"T(B_{cap})", step_time(), "a full memory is read once in a step, whatever fills it"),
        Step(
            r"X_{MLA,dense}",
            read_rate(MLA.name, "dense", deg_TP),
            "requests over this time: each of deg_TP accelerators keeps the whole latent cache",
        ),
        Step(
            r"X_{MLA,experts}",
            read_rate(MLA.name, "experts", 1),
            "experts spread over all accelerators without dividing attention",
        ),
        Step(
            r"X_{MHA,experts}/X_{MHA,dense}",
            read_rate(MHA.name, "experts", n_acc) / read_rate(MHA.name, "dense", n_acc),
            "heads divide their cache as they divide the dense layer, so experts alone gain nothing",
        ),
        Step(r"X_{MLA,experts}/X_{MHA,experts}", cache_ratio(), "beside experts, latent attention gains its cache"),
        Step(r"I(deg_{TP})", interaction_at(deg_TP), "both over the product of each alone; the context cancels"),
        Step(r"deg_{TP}^{\star}", best_degree(), "least where its derivative vanishes: the dense model's best degree"),
        Step(r"I(deg_{TP}^{\star})", interaction(), "so it grows with the dense layer's share of one memory"),
        Step(
            r"I(1)",
            interaction_at(1),
            "best from twice the dense layers on, where it is nearly 2, and never 1: each memory keeps them whole",
        ),
        Step(r"M_{cap}^{\dagger}", cancelling_capacity(), "below this, latent attention with a dense layer loses"),
    )
