"""Propositions on attention: at full memory, on another device, divided by heads, and with several query tokens."""

from sympy import And, Eq, Equivalent, Expr, Ge, Gt, Integer, Le, Lt, Max
from sympy.logic.boolalg import Boolean

from analysis.derive import decoder, roofline, speculation
from analysis.derive.attention import MLA as LATENT
from analysis.derive.block import Architecture, Conventions, attention_stages, bytes_moved, flops
from analysis.derive.parallel import sharded
from analysis.derive.statements import proof_of_attention, proof_of_queries, proof_of_tensor
from analysis.derive.statements.proposition import Hypothesis, Proposition
from analysis.derive.symbols import (
    B,
    BW_exp,
    BW_mem,
    L,
    P_acc,
    P_exp,
    alpha,
    causal,
    deg_DP,
    deg_TP,
    l,
    n_acc,
    n_hd,
    slack,
    width_activations,
    width_kv,
)

REORDERED, MLA = Conventions("reordered"), Architecture(LATENT.name, experts=True, shared=True)
CORE = attention_stages(LATENT, REORDERED)["core"]
MOST_QUERIES = 8  # query tokens up to which the sign of the gain is certified


def moved_over_stored() -> Expr:
    """Bytes that reordered latent core attention moves over the cache that requests store [1]."""
    return bytes_moved(CORE) / (B * L * decoder.kv_bytes_per_block(MLA, REORDERED))


def most_moved() -> Expr:
    """What no attention that reads its rows once moves more of, over what is stored [1].

    >>> most_moved()
    1 + 2*l*n_hd*width_activations/(L*width_kv)
    """
    return 1 + 2 * l * n_hd * width_activations / (L * width_kv)


FULL_MEMORY = Proposition(
    "thesis-full-memory",
    "The size of the cache decides how many requests fit, not how long they take",
    "core attention of a whole model at the largest batch that fits",
    (
        Hypothesis(
            "full",
            "requests fill the memory that weights leave free",
            "with fewer requests core attention takes {ratio} times as long as said",
        ),
        Hypothesis(
            "alike",
            "all blocks attend alike",
            "full and windowed blocks have a product each, whose sum is {ratio:7} times one product over both",
        ),
        Hypothesis(
            "read",
            "the core reads the rows that are stored, once, and no copy of them",
            "keys and values that are decompressed first make $\\phi$ {phi}",
        ),
    ),
    "core attention takes the time of reading the free memory once, times $\\phi$, times how far its intensity exceeds "
    "the ridge point, if it does. Here $\\phi$ is what it moves over what requests store: at most "
    "$1 + 2\\,l\\,n_{hd}/L$ at equal widths, a window in place of $L$ where there is one, and at least the cache's "
    "share of what a request stores.",
    "decode with 1 to 8 query tokens at B_cap, contexts of 64 to 1M, windows in no, some and all blocks, both orders",
    lambda: Le(moved_over_stored(), most_moved()),
    lambda: proof_of_attention.full_memory_proof(MLA, REORDERED),
    lambda: (most_moved() - moved_over_stored(),),
)


# -- a device of low ridge and high bandwidth ------------------------------------------------------
def _faster() -> Boolean:
    counts = roofline.expert()
    there = Max(counts.flops / P_exp, counts.bytes / BW_exp)
    here = Max(counts.flops / P_acc, counts.bytes / BW_mem)
    return Equivalent(Lt(there, here), Lt(counts.intensity, proof_of_attention.even_intensity()))


def _device_signs() -> tuple[Expr, ...]:
    """Below the intensity both times of the device are under the accelerator's waiting; above, one is over both."""
    Q, wider, faster, apart = slack(4)
    wide, fast, even = BW_mem + wider, P_exp + faster, Q * proof_of_attention.even_intensity()
    below, above = even / (1 + apart), even * (1 + apart)
    return (Q / BW_mem - below / P_exp, Q / BW_mem - Q / wide, above / P_exp - Q / BW_mem, above / P_exp - above / fast)


DEVICE = Proposition(
    "thesis-device",
    "A low-ridge device wins below one intensity",
    "one kernel on a second device",
    (
        Hypothesis(
            "wider",
            "a device has the higher memory bandwidth",
            "with {width} times the accelerator's bandwidth it runs at {speed} times the speed, {intensity} FLOP per "
            "byte standing below {even}",
            Gt(BW_exp, BW_mem),
        ),
        Hypothesis(
            "slower",
            "its arithmetic is not higher",
            "with {arithmetic} times the arithmetic it runs at {speed} times the speed, {intensity} FLOP per byte "
            "standing above {even}",
            Le(P_exp, P_acc),
        ),
    ),
    "it runs a kernel faster than the accelerator exactly where the kernel's intensity lies below the device's "
    "arithmetic over the accelerator's bandwidth.",
    "routed experts and core attention of whole models, rates of the device from 1/64 to 64 times the accelerator's",
    _faster,
    proof_of_attention.device_proof,
    _device_signs,
)


# -- tensor parallelism ----------------------------------------------------------------------------
def _core_at(degree: Expr, form) -> Expr:
    groups = {deg_TP: degree, deg_DP: n_acc / degree, l: Integer(1)}
    return form(CORE).xreplace(sharded()).xreplace(groups)


def _divided() -> Boolean:
    one = Integer(1)
    work = Eq(_core_at(deg_TP, flops) / _core_at(one, flops), 1)
    return And(work, Ge(_core_at(deg_TP, bytes_moved), _core_at(one, bytes_moved)))


def _tensor_signs() -> tuple[Expr, ...]:
    degree = 1 + slack(1)[0]
    return (_core_at(degree, bytes_moved) - _core_at(Integer(1), bytes_moved),)


TENSOR = Proposition(
    "thesis-tensor",
    "Tensor parallelism repeats the latent cache",
    "one attention block with its all-reduces",
    (
        Hypothesis(
            "latent",
            "attention is latent and reordered",
            "multi-head attention divides its cache too: the ratio of its reads at degree {degree} and 1 is {cache}",
        ),
        Hypothesis(
            "equal",
            "the batch and the number of accelerators stay",
            "at another batch the work of the core changes as well, to {work} times",
        ),
    ),
    "dividing heads leaves each accelerator's work in the core as it is, and multiplies by the degree the cache that "
    "it reads. Where it shortens the block at one batch, it does so at every smaller one.",
    "degrees of 2 to 8, any batch and context, in every regime of the roofline",
    _divided,
    lambda: proof_of_tensor.core_under_tensor_parallelism(LATENT, REORDERED),
    _tensor_signs,
)


# -- query tokens ----------------------------------------------------------------------------------
def _query_signs() -> tuple[Expr, ...]:
    """Tokens gained are no more than query tokens, acceptance at most 1; intensity grows no faster than these."""
    refused, further = slack(2)
    accepted = 1 / (1 + refused)
    gains = (query - speculation.expected_tokens(accepted, query) for query in range(2, MOST_QUERIES + 1))
    exact = (flops(CORE) / bytes_moved(CORE)).xreplace({causal: Integer(1)})
    more = 1 + further
    return *gains, more * exact.xreplace({l: Integer(1)}) - exact.xreplace({l: more})


QUERIES = Proposition(
    "thesis-queries",
    "Query tokens multiply intensity, and pay while most of a step waits for memory",
    "a step with several query tokens against one, and its core attention",
    (
        Hypothesis(
            "batch",
            "the batch stays",
            "with fewer requests beside {query:1} query tokens a step gains {gain}, less than {least}",
        ),
        Hypothesis(
            "latency",
            "no latency is charged",
            "latency does not grow with query tokens, so that a step gains {gain}, more than {most}",
            Eq(alpha, 0, evaluate=False),
        ),
        Hypothesis(
            "free", "drafts are made for nothing", "with drafting charged a step gains {gain}, less than {least}"
        ),
        Hypothesis(
            "computes",
            "one query token brings core attention to the ridge point",
            "where it waits for memory, {query:1} query tokens gain it {core} times, not {least}",
        ),
    ),
    "$l$ query tokens, of which $E$ are gained, change tokens per second of core attention by a factor of $E/l$, never "
    "above 1. Those of the whole step change by at least $E/l$ and at most $E/(1 + c\\,(l - 1))$, where $c$ is the "
    "share of a step of one query token that arithmetic or wires limit. So drafts pay nowhere above "
    "$c = (E - 1)/(l - 1)$.",
    "2 to 8 query tokens, acceptances of 0.05 to 0.99, models with and without windows and experts",
    lambda: Le(proof_of_queries.gain_of_computing(), 1),
    lambda: proof_of_queries.query_tokens_proof(LATENT, REORDERED),
    _query_signs,
)
