"""Core attention when the cache fills memory (a), and on a device of low ridge and high bandwidth (c)."""

from sympy import Expr, Integer, Max, Min, Piecewise, oo, solve

from analysis.derive import capacity, decoder, roofline
from analysis.derive.block import (
    Architecture,
    Conventions,
    Kind,
    attention_stages,
    bytes_moved,
    flops,
    intensity,
    over_blocks,
)
from analysis.derive.einsum import Counts
from analysis.derive.parallel import sharded, tokens_per_expert
from analysis.derive.reordering import limits
from analysis.derive.statements.steps import Proof, Step
from analysis.derive.symbols import (
    B,
    BW_exp,
    BW_mem,
    L,
    L_win,
    M_cap,
    M_free,
    P_acc,
    P_exp,
    RP_acc,
    l,
    n_acc,
    n_dec,
    n_hd,
)


def core(architecture: Architecture, conventions: Conventions, kind: Kind | None = None) -> Counts:
    """FLOPs and bytes of one block's core attention on one accelerator, by default of a block that attends to most."""
    kind = kind or architecture.attending[0]
    kernels, axes = attention_stages(kind.mechanism, conventions)["core"], kind.axes(sharded())
    return Counts("core", flops(kernels).xreplace(axes), bytes_moved(kernels).xreplace(axes))


def free_memory(architecture: Architecture, book: str = "as_built") -> Expr:
    """Bytes of one accelerator that weights leave free [byte]."""
    return M_cap - capacity.weights_stored(architecture, book) / n_acc


def full_memory_proof(architecture: Architecture, conventions: Conventions) -> Proof:
    """Why core attention at full memory takes the time of reading it, at long contexts (proposition a), on one
    accelerator.

    Requests are their caches here; the activations that they hold are left out.
    """
    kernels = attention_stages(architecture.mechanism, conventions)["core"]
    decode = {l: Integer(1)}
    moved, work = (form(kernels).xreplace(decode) for form in (bytes_moved, flops))
    cached = B * L * decoder.kv_bytes_per_block(architecture, conventions)
    holding = solve(n_dec * cached - M_free, B)[0]
    reading = (n_dec * cached / BW_mem).xreplace({B: holding}).cancel()
    endless = limits((work / moved).cancel(), [L])
    return (
        Step(r"Q_{core}", moved, "bytes that the core of one block moves"),
        Step(r"Q_{KV}", cached, "bytes of the cache that the block keeps"),
        Step(
            r"\lim_{L \to \infty}\,Q_{core}/Q_{KV}",
            limits((moved / cached).cancel(), [L]).cancel(),
            "the cache is read once",
        ),
        Step(r"B_{cap}", holding, "requests whose caches in all blocks fill what weights leave free"),
        Step(r"T_{read}", reading, "time of reading them all: the size of the cache drops out"),
        Step(
            r"T_{core}/(Q_{core}/BW_{mem})",
            Max(1, (work / moved).cancel() * BW_mem / P_acc),
            "roofline over the time of reading: intensity over ridge point, if above 1",
        ),
        Step(r"\lim_{L \to \infty}\,T_{core}(B_{cap})", reading * Max(1, endless * BW_mem / P_acc), "both together"),
    )


def context_at_ridge(architecture: Architecture, conventions: Conventions) -> Expr:
    """Context [tokens] at which core attention reaches the ridge point; negative or infinite where it never does.

    Of a block of full attention; a windowed block's intensity stays where it is at L_win.
    """
    kernels = attention_stages(architecture.mechanism, conventions)["core"]
    return solve(intensity(kernels) - RP_acc, L)[0].factor()


# -- a device of low ridge and high bandwidth ------------------------------------------------------
def even_intensity() -> Expr:
    """Intensity [FLOP/byte] below which a device of P_exp and BW_exp beats the accelerator (proposition c).

    Only where it has less arithmetic and more bandwidth; else it is ahead everywhere, nowhere, or above P_acc/BW_exp.

    >>> even_intensity()
    P_exp/BW_mem
    """
    return P_exp / BW_mem


def device_proof() -> Proof:
    """Why a device of less arithmetic and more bandwidth wins just below that intensity, between both ridge points."""
    counts = roofline.expert()
    F, Q = counts.flops, counts.bytes
    return (
        Step(r"T_{acc}", Q / BW_mem, "the accelerator waits for memory"),
        Step(r"T_{dev}", F / P_exp, "the device computes"),
        Step(r"T_{acc}/T_{dev}", even_intensity() / counts.intensity, "by intensity, which stands below"),
        Step(r"ArI^{\star}", even_intensity(), "equal at this intensity; the device wins below"),
    )


def even_tokens() -> Expr:
    """Tokens per expert at which both devices take equal time, weights' bytes alone [tokens].

    >>> even_tokens()
    P_exp*width_weights/(2*BW_mem)
    """
    bare = roofline.weights_only(roofline.expert())
    return (even_intensity() * tokens_per_expert() / bare).cancel()


def even_heads(architecture: Architecture, conventions: Conventions) -> Expr:
    """Query heads per accelerator at which core attention takes equal time on both, L without bound [1].

    Only attention whose heads share a cache has such a number. Solved for n_hd.
    """
    kernels = attention_stages(architecture.mechanism, conventions)["core"]
    return solve(limits(intensity(kernels), [L]) - even_intensity(), n_hd)[0].factor()


def device_speed(counts: Counts) -> Expr:
    """How many times faster the device runs a kernel than the accelerator [1], in every regime."""
    plain = Max(counts.flops / P_acc, counts.bytes / BW_mem)
    return plain * Min(P_exp / counts.flops, BW_exp / counts.bytes)


def core_speed(architecture: Architecture, conventions: Conventions) -> Expr:
    """How many times faster the device runs core attention of all blocks [1], each kind of block with its own speed."""

    def on_accelerator(kind: Kind) -> Expr:
        counts = core(architecture, conventions, kind)
        return Max(counts.flops / P_acc, counts.bytes / BW_mem)

    def on_device(kind: Kind) -> Expr:
        return on_accelerator(kind) / device_speed(core(architecture, conventions, kind))

    return over_blocks(architecture, on_accelerator) / over_blocks(architecture, on_device)


def context_of_batch(architecture: Architecture, conventions: Conventions, batch: Expr) -> Expr:
    """Context [tokens] at which memory holds just `batch` requests (weights as built).

    The cache is linear in L, and with windowed blocks the lesser of two lines, which cross at L_win; so the context is
    the larger of two. A model without full attention stops growing there: infinite for a batch that still fits.
    """
    stored = capacity.request_bytes(architecture, conventions).xreplace({l: Integer(1)}) / n_acc
    wanted, kept = free_memory(architecture) / batch, Min(L, L_win)
    below = _on_line(stored.xreplace({kept: L}), wanted)
    if not architecture.full:
        return Piecewise((below, below <= L_win), (oo, True))
    return Max(below, _on_line(stored.xreplace({kept: L_win}), wanted)) if architecture.windowed else below


def _on_line(stored: Expr, wanted: Expr) -> Expr:
    """The L at which a form that is linear in L takes a value."""
    at_zero = stored.xreplace({L: Integer(0)})
    return (wanted - at_zero) / (stored.xreplace({L: Integer(1)}) - at_zero)
