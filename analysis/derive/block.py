"""A decoder block as named stages of kernels: which lines run together, and what they cost.

Stages of the attention half: projections, decompression, core, output. Stages of the feed-forward half:
dense, routed, latent, shared, router. Each line is a kernel of its own (one matrix product after another), except
the attention core (with what picks its rows) and the feed-forward layers, whose lines follow `grouping`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Add, Expr

from analysis.derive.attention import MECHANISMS, Mechanism
from analysis.derive.einsum import Einsum, Kernel, layered
from analysis.derive.feedforward import FFN, HEAD, LATENT, ROUTER, SHARED_EXPERT, routed_experts
from analysis.derive.spans import BANDS
from analysis.derive.symbols import S_passes, n_dec, n_win

GROUPINGS = ("fused", "spilled", "layered")
APART = ("projections", "decompression", "output")  # stages of attention whose lines are kernels of their own
Stages = dict[str, tuple[Kernel, ...]]


@dataclass(frozen=True)
class Architecture:
    """The discrete part of a model row: what its blocks are made of. Sizes live in the point.

    `window` names the band that blocks attend to where they are not full: sliding or chunked. `expert_width` says that
    the weights of routed experts are stored at a width of their own, `expert_form` (gated, plain) how many matrices an
    expert has, `latent` that experts act on d_z dimensions, and `apart`
    the parts of the cache that have widths of their own.
    """

    attention: str
    ffn: str = "gated"
    dense: bool = True
    experts: bool = False
    shared: bool = False
    tied: bool = False
    vectors: tuple[str, ...] = ()
    full: bool = True
    window: str = ""
    expert_width: bool = False
    expert_form: str = "gated"
    latent: bool = False
    apart: tuple[str, ...] = ()

    @property
    def mechanism(self) -> Mechanism:
        """The attention mechanism by name. Raises KeyError if nobody wrote its paragraph."""
        found = MECHANISMS[self.attention]
        return replace(found, apart=tuple(part for part in found.parts if part in self.apart)) if self.apart else found

    @property
    def windowed(self) -> bool:
        """Whether some blocks attend to a band of the context only."""
        return bool(self.window)

    @property
    def kinds(self) -> tuple["Kind", ...]:
        """Blocks by kind of attention, those that attend to most first."""
        if not self.windowed:
            return (Kind(n_dec, self.mechanism),)
        within = self.mechanism.within(BANDS[self.window])
        return (Kind(n_dec - n_win, self.mechanism), Kind(n_win, within)) if self.full else (Kind(n_dec, within),)


@dataclass(frozen=True)
class Kind:
    """Blocks that are alike in their attention: how many there are, and its mechanism."""

    blocks: Expr
    mechanism: Mechanism


@dataclass(frozen=True)
class Conventions:
    """The discrete choices that every count states: see the table of conventions in the book."""

    order: str = "as_printed"
    grouping: str = "fused"
    rope: str = "in"
    rope_key: str = "per_head"


def over_blocks(architecture: Architecture, of_block: Callable[[Mechanism], Expr]) -> Expr:
    """Sum over all attention blocks of what one costs by its kind.

    >>> over_blocks(Architecture("MHA", window="sliding"), lambda mechanism: mechanism.cache[0].stored)
    B*L*d_hd*n_hd*width_kv*(n_dec - n_win) + B*d_hd*n_hd*n_win*width_kv*Min(L, L_win)
    """
    found = [(kind.blocks, of_block(kind.mechanism)) for kind in architecture.kinds]
    if len({each for _, each in found}) == 1:
        return Add(*(count for count, _ in found)) * found[0][1]
    return Add(*(count * each for count, each in found))


def grouped(name: str, given: tuple[Einsum, ...], grouping: str) -> tuple[Kernel, ...]:
    """Turn a stage's lines into kernels: one (fused), one with S charged (spilled), or one per line (layered)."""
    if not given or grouping == "layered":
        return layered(name, given)
    spilled = ("S",) if grouping == "spilled" and any(line.made.name == "S" for line in given) else ()
    return (Kernel(name, given, spilled, S_passes),)


def attention_stages(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Stages:
    """Kernels of one attention block by stage (Eqs 1 to 8), for `l` new tokens against a context `L`.

    >>> [kernel.name for kernel in attention_stages(MECHANISMS["MHA"])["core"]]
    ['core']
    """
    stages = mechanism.stages(conventions.order, conventions.rope, conventions.rope_key)
    return {
        stage: layered(stage, given) if stage in APART else grouped(stage, given, conventions.grouping)
        for stage, given in stages.items()
    }


def feedforward_stages(architecture: Architecture, grouping: str = "fused") -> Stages:
    """Kernels of the feed-forward half by stage: dense blocks, and blocks with experts, as far as there are any."""
    written = {
        "dense": FFN[architecture.ffn] if architecture.dense else (),
        "routed": routed_experts(architecture.expert_width, architecture.expert_form, architecture.latent)
        if architecture.experts
        else (),
        "latent": LATENT if architecture.latent else (),
        "shared": SHARED_EXPERT if architecture.shared else (),
        "router": ROUTER if architecture.experts else (),
    }
    return {stage: grouped(stage, given, grouping) for stage, given in written.items() if given}


def head_kernel() -> Kernel:
    """The output head, once per step for every new token."""
    return Kernel("head", HEAD)


def flops(kernels: tuple[Kernel, ...]) -> Expr:
    """Operations of several kernels [FLOP]."""
    return Add(*(kernel.flops for kernel in kernels))


def bytes_moved(kernels: tuple[Kernel, ...]) -> Expr:
    """Bytes between several kernels and memory [byte]."""
    return Add(*(kernel.bytes for kernel in kernels))


def intensity(kernels: tuple[Kernel, ...]) -> Expr:
    """Arithmetic intensity of kernels run one after another [FLOP/byte]."""
    return flops(kernels) / bytes_moved(kernels)
