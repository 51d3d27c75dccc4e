"""Time per output token (TPOT) as a sum of named terms, a lower bound of it, Eq. 12, and batch limits under an SLO.

A kernel takes the slower of arithmetic and memory; a block is the sum of its kernels; TPOT is the sum over blocks
plus communication. Each accelerator is alike except that experts and wires are those of the busiest one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from sympy import Add, Expr, Integer, Max, Min, Rational

from analysis.derive import capacity
from analysis.derive.block import (
    Architecture,
    Conventions,
    Kind,
    Stages,
    attention_stages,
    head_kernel,
    last_streams,
    over_blocks,
    over_halves,
    over_streams,
)
from analysis.derive.choices import COMMUNICATION
from analysis.derive.communication import all_reduce_time, exchange_time, partial_sums
from analysis.derive.einsum import Kernel, tensors
from analysis.derive.parallel import WHOLE, Layout, sharded
from analysis.derive.roofline import ROOFLINE, Timing
from analysis.derive.symbols import (
    OSL,
    SLO,
    B,
    BW_exp,
    BW_mem,
    L,
    P_acc,
    P_exp,
    causal,
    d_emb,
    d_z,
    deg_DP,
    l,
    n_acc,
    width_activations,
)

FEED_FORWARD = ("dense", "routed", "latent", "shared", "router")
STREAMS = ("streams", "streams_head")  # of models with several residual streams
PICKING = ("convolution", "pool", "index", "select")  # stages that some mechanisms run before their core
STAGES = ("projections", "decompression", *PICKING, "core", "output", *FEED_FORWARD, *STREAMS, "head")
ROUTED_OUTPUT = "y[B l d_emb]"  # what the routed experts add to a token, their parts not yet summed
TERMS = (
    "attention_projections",
    "kv_decompression",
    "core_attention",
    "dense_ffn",
    "routed_experts",
    "shared_expert",
    "router",
    "residual_streams",
    "output_head",
    *COMMUNICATION,
)
OTHERS = "prefill_of_others"  # a further term where the step serves prompts too


HALVES = "micro_batches"  # two halves of a batch take turns: one computes while the other's tokens travel


@dataclass(frozen=True)
class System:
    """Discrete choices of a serving system: levels of network, a device of its own for the experts, how they lie."""

    levels: str = "one"
    expert_device: bool = False
    overlap: str = "none"
    layout: Layout = WHOLE


def _time(kind: Kind, stages: Stages, names: tuple[str, ...], timing: Timing, layout: Layout = WHOLE) -> Expr:
    """Seconds of the named stages of one block of a kind."""
    axes = kind.axes(sharded(layout))
    return Add(*(timing.kernel(kernel.at(axes), kind.timed(name)) for name in names for kernel in stages.get(name, ())))


@cache
def tpot_terms(
    architecture: Architecture,
    conventions: Conventions = Conventions(),
    system: System = System(),
    timing: Timing = ROOFLINE,
) -> dict[str, Expr]:
    """Every term of TPOT [s], all blocks together; terms that a model does not have are 0."""

    def in_attention(*names: str) -> Expr:
        return over_blocks(
            architecture, lambda kind: _time(kind, attention_stages(kind.mechanism, conventions), names, timing)
        )

    def in_half(name: str) -> Expr:
        def seconds(kind: Kind) -> Expr:
            return _time(kind, kind.feedforward.stages(conventions.grouping), (name,), timing, system.layout)

        return over_halves(architecture, name, seconds)

    def in_streams(kind: Kind) -> Expr:
        return _time(kind, {"streams": kind.streams(conventions.grouping)}, ("streams",), timing, system.layout)

    once = Kind(Integer(1))
    last = {"streams": last_streams(architecture, conventions.grouping), "head": (head_kernel(),)}
    on_experts = {P_acc: P_exp, BW_mem: BW_exp} if system.expert_device else {}
    exchange = _exchanges(architecture, system, timing)
    found = {
        "attention_projections": in_attention("projections", "output"),
        "kv_decompression": in_attention("decompression"),
        "core_attention": in_attention(*PICKING, "core"),
        "dense_ffn": in_half("dense"),
        "routed_experts": in_half("routed").xreplace(on_experts),
        "shared_expert": in_half("shared"),
        "router": in_half("router") + in_half("latent"),
        "residual_streams": over_streams(architecture, in_streams)
        + _time(once, last, ("streams",), timing, system.layout),
        "output_head": _time(once, last, ("head",), timing, system.layout),
        "dispatch": exchange,
        "combine": exchange,
        "all_reduce": _all_reduce(architecture, conventions, timing, system.layout),
    }
    return {name: 2 * term.xreplace({B: B / 2}) for name, term in found.items()} if system.overlap == HALVES else found


def _exchanges(architecture: Architecture, system: System, timing: Timing = ROOFLINE) -> Expr:
    """Dispatch (or combine) in all blocks [s]: to latent experts a token travels in their dimensions."""
    seconds = exchange_time(system.levels, timing, system.layout)

    def of_block(kind: Kind) -> Expr:
        latent = {d_emb: d_z} if kind.feedforward.latent else {}
        return seconds.xreplace(latent | kind.axes())

    return over_halves(architecture, "routed", of_block)


def _all_reduce(architecture: Architecture, conventions: Conventions, timing: Timing, layout: Layout) -> Expr:
    """All-reduces of a step: attention in every block, dense layers and shared experts in the blocks that have them.

    Split experts return partial sums to the TP group that sent the tokens; it adds up one vector a token.
    """

    def reduced(kind: Kind, kernels: Iterable[Kernel]) -> Expr:
        return all_reduce_time(partial_sums(kernels), timing).xreplace(kind.axes())

    def attention(kind: Kind) -> Expr:
        stages = attention_stages(kind.mechanism, conventions).values()
        return Add(*(reduced(kind, kernels) for kernels in stages))

    def half(stage: str) -> Expr:
        return over_halves(architecture, stage, lambda kind: reduced(kind, kind.feedforward.stages()[stage]))

    routed = Integer(0)
    if layout.split:
        vector = all_reduce_time(tensors(ROUTED_OUTPUT), timing)
        routed = over_halves(architecture, "routed", lambda kind: vector.xreplace(kind.axes()))
    return Add(routed, over_blocks(architecture, attention), half("dense"), half("shared"))


@cache
def tpot(
    architecture: Architecture,
    conventions: Conventions = Conventions(),
    system: System = System(),
    timing: Timing = ROOFLINE,
) -> Expr:
    """Time per output token [s]: the serial sum of the terms, or with communication hidden behind computation."""
    return summed(tpot_terms(architecture, conventions, system, timing), system.overlap)


def summed(terms: dict[str, Expr], overlap: str) -> Expr:
    """TPOT [s] from its terms: everything that is not communication is work, behind which wires may hide."""
    wires = Add(*(terms[name] for name in COMMUNICATION))
    work = Add(*(term for name, term in terms.items() if name not in COMMUNICATION))
    return work + wires if overlap == "none" else Max(work, wires)


def prompt_length() -> Expr:
    """Tokens of a prompt where L is the mean context of a step: half of the output is cached beside it."""
    return L - OSL / 2


def of_prompts(prefill: Expr, prompt: Expr) -> Expr:
    """Time [s] to prefill one prompt on each data-parallel group, from the time of any prefill: a mask leaves half of
    the score pairs.
    """
    return _replaced(prefill, {B: deg_DP, L: prompt, l: prompt, causal: Rational(1, 2)})


def _replaced(form: Expr, known: dict[Expr, Expr]) -> Expr:
    """`xreplace` that lets the sides of Max and Min stand, as comparing them by symbols is slow; `known` learns."""
    if form not in known:
        parts = [_replaced(each, known) for each in form.args]
        kept = {"evaluate": False} if isinstance(form, Max | Min) else {}
        known[form] = form.func(*parts, **kept) if tuple(parts) != form.args else form
    return known[form]


def prefill_of_others(prefill: Expr) -> Expr:
    """What the prompts of others add to the time per output token [s], from the time of any prefill.

    In the OSL steps of a request as many prompts arrive as requests are in flight: a step carries B / OSL of them,
    shared by the data-parallel groups.
    """
    return B / deg_DP * of_prompts(prefill, prompt_length()) / OSL


READING = Timing(
    kernel=lambda counts, stage: counts.bytes.xreplace({width_activations: Integer(0)}) / BW_mem, wires=ROOFLINE.wires
)
"""No arithmetic and no activations: what is left of a kernel is to read its weights and cached tokens."""


def tpot_bound(architecture: Architecture, conventions: Conventions = Conventions(), system: System = System()) -> Expr:
    """Lower bound of TPOT [s]: the weights and cached tokens that kernels read at memory speed, and communication.

    It is TPOT with less to do in each kernel, so it bounds TPOT in every system and at every batch. Tables of which a
    step reads no more than a row per request, and experts that no token reaches, are not charged.
    """
    return tpot(architecture, conventions, system, READING)


@dataclass(frozen=True)
class Book:
    """How the memory book of Eqs 11 and 12 is kept: which weights, and whether activations count."""

    weights: str = "eq11"
    activations: bool = True


def _eq12(architecture: Architecture, conventions: Conventions, system: System, book: Book) -> tuple[Expr, Expr]:
    """Time at the memory and on the wires [s]; routed experts are read from the device that holds them."""
    held = capacity.memory_used(architecture, conventions, book.weights, book.activations, system.layout)
    parts = capacity.weights_by_part(architecture, layout=system.layout) if system.expert_device else {}
    routed = parts.get("routed", Integer(0))
    memory = (held - routed) / (n_acc * BW_mem) + routed / (n_acc * BW_exp)
    return memory, 2 * _exchanges(architecture, system)


@cache
def tpot_eq12(
    architecture: Architecture, conventions: Conventions = Conventions(), system: System = System(), book: Book = Book()
) -> Expr:
    """TPOT as Eq. 12 has it [s]: all stored weights, the cache and communication, at memory and link speed.

    It reads every stored weight, so that it bounds the full TPOT only from the batch on that reaches all experts.
    """
    memory, wires = _eq12(architecture, conventions, system, book)
    return memory + wires if system.overlap == "none" else Max(memory, wires)


def B_SLO_eq12(
    architecture: Architecture, conventions: Conventions = Conventions(), system: System = System(), book: Book = Book()
) -> Expr:
    """Largest batch that Eq. 12 admits under an SLO [requests], not rounded: its time is linear in B."""
    memory, wires = _eq12(architecture, conventions, system, book)
    if system.overlap != "none" and wires:
        return Min(_largest(memory), _largest(wires))
    return _largest(memory + wires)


def _largest(time: Expr) -> Expr:
    """The B at which a time that is linear in B, or the largest of such, equals the SLO."""
    bends = next((each for each in time.atoms(Max) if each.has(B)), None)
    if bends:
        return Min(*(_largest(time.xreplace({bends: each}).expand()) for each in bends.args))
    at_zero = time.xreplace({B: Integer(0)})
    return (SLO - at_zero) / (time.xreplace({B: Integer(1)}) - at_zero)
