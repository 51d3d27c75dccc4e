"""Propositions on what came after the paper: an index beside its picks, a state beside a cache, hidden wires."""

from sympy import And, Eq, Equivalent, Expr, Ge, Gt, Integer, Le, Lt, Min
from sympy.logic.boolalg import Boolean

from analysis.derive import mechanisms
from analysis.derive.attention import GQA, Mechanism
from analysis.derive.block import Conventions, attention_stages
from analysis.derive.communication import dispatch_time
from analysis.derive.decoder import token_bytes
from analysis.derive.einsum import KEPT, Kernel
from analysis.derive.feedforward import routed_experts
from analysis.derive.sparse import DSA
from analysis.derive.statements.proposition import Hypothesis, Proposition
from analysis.derive.statements.steps import Proof, Step
from analysis.derive.states import GDN
from analysis.derive.symbols import (
    B,
    BW_Int,
    Gamma_acc,
    L,
    L_top,
    P_acc,
    T_e,
    alpha,
    d_emb,
    d_I,
    d_KVco,
    d_RoPE,
    d_z,
    l,
    n_acc,
    n_act,
    n_k,
    n_tap,
    slack,
)

PICKED = Min(L, L_top * l)
"""Rows that l queries touch at most, of those that each picks for itself [rows]."""


def kept_bytes(mechanism: Mechanism, stage: str) -> Expr:
    """Bytes of caches and states that a stage of one block moves in a step [byte]."""
    stages = attention_stages(mechanism, Conventions(mechanism.orders[-1]))
    crossing = (tensor for kernel in stages[stage] for tensor in kernel.boundary)
    return sum((tensor.bytes for tensor in crossing if tensor.kind in KEPT), Integer(0))


def row_bytes(mechanism: Mechanism, *names: str) -> Expr:
    """Bytes that a token leaves in one block's cache [byte]: in all tensors, or in those named.

    >>> row_bytes(GQA)
    2*d_hd*n_kv*width_kv
    """
    kept = (tensor for tensor in mechanism.cache if not names or tensor.name in names)
    return sum((tensor.bytes / (B * L) for tensor in kept), Integer(0)).factor()


# -- an index beside the rows that it picks --------------------------------------------------------
KEY, ROW = row_bytes(DSA, "k_I"), row_bytes(DSA, "c_KV", "k_R")
INDEX, PICKS = kept_bytes(DSA, "index"), kept_bytes(DSA, "core")


def index_border() -> Expr:
    """Context from which on an index moves more than the rows that it picks [tokens].

    >>> index_border()
    L_top*l*(d_KVco + d_RoPE)/d_I
    """
    return (l * L_top * ROW / KEY).factor()


def _index_signs() -> tuple[Expr, ...]:
    """The index is ahead beyond the border; picked rows are from there down to the picks, and where all are picked."""
    apart = slack(1)[0]
    ahead = INDEX - PICKS.xreplace({PICKED: L_top * l})
    wider = {d_KVco: d_I - d_RoPE + apart}
    every = (PICKS.xreplace({PICKED: L}) - INDEX).xreplace(wider).expand()
    return ahead.subs(L, index_border() + apart), -ahead.subs(L, index_border() / (1 + apart)), every


def _index_proof() -> Proof:
    return (
        Step(r"Q_{index}", INDEX, "every key of the context is read"),
        Step(r"Q_{picks}", PICKS, "each query reads the rows that it picks, or all there are"),
        Step(r"Q_{picks}", PICKS.xreplace({PICKED: L_top * l}).factor(), "at contexts that hold all of them"),
        Step(r"L^{\star}", index_border(), "where both are equal: picks times row over key"),
    )


INDEX_TRAFFIC = Proposition(
    "thesis-index-traffic",
    "Beyond one context the index is the traffic",
    "blocks that pick rows by an index, in a step of a whole model",
    (
        Hypothesis(
            "own",
            "every block that picks has an index of its own",
            "with an index in {indexed:1} of {blocks:1} blocks it moves {ratio} times the picked rows at {L} tokens, "
            "and the border lies at {border}",
        ),
        Hypothesis(
            "narrow",
            "its key is no wider than a row",
            "where a key is {wide} times as wide as a row, it moves {ratio} times the picked rows at {L} tokens, "
            "before {border}",
            Ge(ROW, KEY),
        ),
        Hypothesis(
            "apart",
            "no two queries of a step pick the same row",
            "where {query:1} queries pick alike, the index moves {ratio} times the rows at {L} tokens, before {border}",
        ),
    ),
    "the index moves more bytes than the rows that it picks exactly beyond a context of $l\\,L_{top}$ times the bytes "
    "of a row over those of a key. From there on, the share of the kept bytes that a step reads falls by half at most.",
    "1 to 8 query tokens, contexts of 64 to 1M, picks of a quarter to four times the model's",
    lambda: Equivalent(Gt(INDEX, PICKS), Gt(L, index_border())),
    _index_proof,
    _index_signs,
)


# -- a state beside a cache ------------------------------------------------------------------------
STATE, MOVED = ((of(GDN) / B).xreplace({l: Integer(1)}).cancel() for of in (mechanisms.stored, mechanisms.touched))
CACHE = row_bytes(GQA)


def state_border() -> Expr:
    """Context from which on a state moves less in a step than a cache whose rows are all read [tokens]."""
    return 2 * STATE / CACHE


def _state_cheaper() -> Boolean:
    moves = Equivalent(Lt(MOVED, L * CACHE), Gt(L, state_border()))
    return And(moves, Equivalent(Lt(STATE, L * CACHE), Gt(L, STATE / CACHE)))


def _state_signs() -> tuple[Expr, ...]:
    """Above each border the state is the smaller one, below it the cache is."""
    apart, taps = slack(2)
    pairs = ((MOVED, state_border()), (STATE, STATE / CACHE))
    above = [CACHE * border * (1 + apart) - own for own, border in pairs]
    below = [own - CACHE * border / (1 + apart) for own, border in pairs]
    return tuple(each.xreplace({n_tap: 1 + taps}) for each in (*above, *below))


def _state_proof() -> Proof:
    return (
        Step(r"M_{state}", STATE.factor(), "a request's state in one block, inputs of convolutions among it"),
        Step(r"Q_{state}", MOVED.factor(), "read and written back in every step, whatever the context"),
        Step(r"Q_{cache}", L * CACHE, "a cache is read and grows by a row"),
        Step(r"L^{\star}", state_border().factor(), "where both move as much; memory holds as much at half of it"),
    )


STATE_TRAFFIC = Proposition(
    "thesis-state-traffic",
    "A state is dearer than a cache below one context",
    "one block with a recurrent state and one with a cache, of the same model",
    (
        Hypothesis(
            "once",
            "a step reads the state once and writes it once",
            "where a state is saved for each of {query:1} query tokens, it moves {ratio} times the cache at {L} "
            "tokens, beyond {border}",
        ),
        Hypothesis(
            "rows",
            "the cache's rows are all stored and read",
            "where the cache keeps a window of {window:1} rows, the state moves {ratio} times as much at {L} tokens, "
            "beyond {border}",
        ),
    ),
    "the state moves fewer bytes than the cache exactly beyond a context of twice its bytes over those of a row, and "
    "takes less memory exactly beyond half of that context.",
    "gated delta rule, Kimi delta attention, Mamba-2 and lightning attention beside the caches of their models",
    _state_cheaper,
    _state_proof,
    _state_signs,
)


# -- wires behind experts --------------------------------------------------------------------------
ARRIVING = Gamma_acc * B * l * n_k / n_acc
"""Tokens that the busiest accelerator's experts receive, each as often as it is picked [1]."""


def expert_work(form: str = "gated", latent: bool = False) -> Expr:
    """Operations of an expert for one token [FLOP]."""
    return Kernel("routed", routed_experts(False, form, latent)).flops / (n_act * T_e)


def work_of_a_byte(form: str = "gated", latent: bool = False) -> Expr:
    """Operations of experts for each byte exchanged, there and back [FLOP/byte]; what travels is what they act on.

    >>> work_of_a_byte(), work_of_a_byte("plain", latent=True)
    (3*d_MoE/width_activations, 2*d_MoE/width_activations)
    """
    sent = token_bytes().xreplace({d_emb: d_z} if latent else {})
    return expert_work(form, latent) / (2 * sent)


def _exchange() -> Expr:
    return 2 * dispatch_time()


def _hidden() -> Boolean:
    return Equivalent(Le(_exchange(), ARRIVING * expert_work() / P_acc), Le(P_acc / BW_Int, work_of_a_byte()))


def _hidden_signs() -> tuple[Expr, ...]:
    """With arithmetic over link at or under the work of a byte experts take longer, above it the exchange does."""
    apart, quiet = slack(1)[0], {alpha: Integer(0)}
    spare = (ARRIVING * expert_work() / P_acc - _exchange()).xreplace(quiet)
    even = BW_Int * work_of_a_byte()
    return spare.subs(P_acc, even / (1 + apart)), -spare.subs(P_acc, even * (1 + apart))


def _hidden_proof() -> Proof:
    sent = _exchange().xreplace({alpha: Integer(0)})
    return (
        Step(r"t_{exchange}", sent, "dispatch and combine, without latency"),
        Step(r"t_{experts}", ARRIVING * expert_work() / P_acc, "experts that compute"),
        Step(r"t_{exchange}/t_{experts}", (sent * P_acc / (ARRIVING * expert_work())).cancel(), "the batch drops out"),
        Step(
            r"ArI_{wire}^{\star}",
            work_of_a_byte(),
            "operations of experts for a byte: arithmetic over link where it is 1",
        ),
    )


WIRES_HIDDEN = Proposition(
    "thesis-wires-hidden",
    "Wires hide behind experts below one ratio of arithmetic to link",
    "the exchanges and the routed experts of a whole model, overlapped",
    (
        Hypothesis(
            "computes",
            "experts wait for arithmetic",
            "where they wait for memory, the exchange takes {ratio} times as long at {wire} FLOP per byte of link "
            "against {even} of work",
        ),
        Hypothesis(
            "latency",
            "no latency is charged",
            "with it the exchange takes {ratio} times as long at {wire} FLOP per byte against {even}",
            Eq(alpha, 0, evaluate=False),
        ),
    ),
    "dispatch and combine take no longer than the routed experts exactly where an accelerator's arithmetic over its "
    "link's bandwidth is at most the operations that experts do for each byte exchanged. Batch, context, picks, "
    "skew and the number of accelerators do not enter.",
    "whole models with experts of two or three matrices, any batch, links of 1/4 to 4 times the border, skew to 4",
    _hidden,
    _hidden_proof,
    _hidden_signs,
)
