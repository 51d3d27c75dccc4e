"""Claims about what reordering changes: FLOPs, bytes, storage and core-attention time (C040 to C042, C045, C046)."""

from sympy import Expr, Integer, cancel

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.attention import MLA
from analysis.derive.block import Conventions, attention_stages, bytes_moved, flops
from analysis.derive.choices import ORDERS
from analysis.derive.einsum import Kernel
from analysis.derive.reordering import limits
from analysis.derive.roofline import time
from analysis.derive.symbols import L, l
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.readings import SAME, Paper, holds
from analysis.systems.quantities import evaluate, quantity

LABELS = {
    name: quantity(name).label
    for name in ("kv_decompression_flops", "core_attention_flops", "core_attention_bytes", "attention_block_time")
}
R1, ROPE = "deepseek-v3", ("in", "out")
FIGURE = "fig-reordering-speedup"


def kernels(
    stage: str, order: str, grouping: str = "layered", rope: str = "in", rope_key: str = "per_head"
) -> tuple[Kernel, ...]:
    """Kernels of a stage of MLA in one contraction order."""
    return attention_stages(MLA, Conventions(order, grouping, rope, rope_key))[stage]


def scores(order: str, rope: str = "in") -> tuple[Kernel, ...]:
    """The kernels that make the scores, layer by layer."""
    return tuple(kernel for kernel in kernels("core", order, rope=rope) if kernel.lines[0].made.name == "S")


def without_over_with(counts: dict[str, Expr]) -> float:
    """As printed over reordered in decode, for endless context, with R1's sizes on a B200."""
    point = Setting.of(model=R1, accelerator="b200-paper", phase="decode").point
    known = {symbol: Integer(size) for symbol, size in point.items() if isinstance(size, int)}
    return float(limits(cancel((counts["as_printed"] / counts["reordered"]).xreplace(known)), [L]))


@claim("C040")
def _decompression(paper: Paper) -> Judgement:
    keys = {order: flops(kernels("decompression", order)[:1]) for order in ORDERS}
    ratio = cancel((keys["as_printed"] / keys["reordered"]).xreplace({l: Integer(1)}))
    both = [evaluate("kv_decompression_flops", model=R1, B=1, L=4096, order=order).value for order in ORDERS]
    readings = (holds("FLOPs, one new token per request", str(ratio), SAME(ratio, L)),)
    reason = (
        f"The ratio of FLOPs without over with reordering is exactly {ratio}; for keys and values of 4096 tokens "
        f"it is {both[0] / both[1]:g}."
    )
    return Judgement(readings, reason, "1", LABELS["kv_decompression_flops"], FIGURE)


@claim("C041")
def _score_flops(paper: Paper) -> Judgement:
    ratio = {rope: 1 / without_over_with({order: flops(scores(order, rope)) for order in ORDERS}) for rope in ROPE}
    readings = tuple(paper.reading(f"RoPE part of Q and K counted {rope}", ratio[rope]) for rope in ROPE)
    reason = (
        f"Scores need {ratio['out']:g} times the FLOPs without the RoPE part, {ratio['in']:g} times with it, since "
        "both orders share that part."
    )
    return Judgement(readings, reason, "1", LABELS["core_attention_flops"], FIGURE)


def _cached_bytes(given: tuple[Kernel, ...]) -> Expr:
    """Bytes of the operands that have a context axis but no query axis: the cache, or keys and values made from it."""
    tensors = {tensor.name: tensor for kernel in given for tensor in kernel.boundary}
    return sum((tensor.bytes for tensor in tensors.values() if L in tensor.axes and l not in tensor.axes), Integer(0))


@claim("C042")
def _score_bytes(paper: Paper) -> Judgement:
    ratios = {}
    for rope in ("in", "out"):
        every = {order: bytes_moved(scores(order, rope)) for order in ORDERS}
        cached = {order: _cached_bytes(scores(order, rope)) for order in ORDERS}
        ratios |= {
            f"every operand, RoPE {rope}": without_over_with(every),
            f"keys alone, RoPE {rope}": without_over_with(cached),
        }
    readings = tuple(paper.reading(name, ratio) for name, ratio in ratios.items())
    reason = (
        f"Keys alone shrink {ratios['keys alone, RoPE out']:g} times without RoPE and "
        f"{ratios['keys alone, RoPE in']:.2f} times with it; with the score matrix charged the layer moves "
        f"{ratios['every operand, RoPE out']:.1f} times fewer bytes (without RoPE)."
    )
    return Judgement(readings, reason, "1", LABELS["core_attention_bytes"], FIGURE)


@claim("C045", significant=1)
def _decompressed_keys(paper: Paper) -> Judgement:
    point = Setting.of(model=R1, B=256, L=4096).point
    size = {rope: float(value(_cached_bytes(scores("as_printed", rope)), point)) for rope in ROPE}
    readings = tuple(
        paper.reading(f"{unit}, RoPE part {rope}", size[rope] / worth)
        for rope in ROPE
        for unit, worth in (("GB", 1e9), ("GiB", 2**30))
    )
    reason = (
        f"Keys of all heads take {readings[0].value:.1f} GB ({readings[1].value:.1f} GiB) with the RoPE key copied "
        f"into each head, {readings[2].value:.1f} GB without; compared to one digit, as the paper says about."
    )
    return Judgement(readings, reason, "GB", LABELS["core_attention_bytes"])


def _finite(context: int, rope: str, rope_key: str) -> float:
    """Time of the core as printed over that reordered [1], at one context."""
    point = Setting.of(model=R1, accelerator="b200-paper", B=128, L=context).point
    times = {order: sum(map(time, kernels("core", order, "fused", rope, rope_key)), Integer(0)) for order in ORDERS}
    return float(value(times["as_printed"], point) / value(times["reordered"], point))


@claim("C046")
def _core_latency(paper: Paper) -> Judgement:
    names = {
        ("in", "per_head"): "RoPE in, key copied per head",
        ("in", "shared"): "RoPE in, key shared",
        ("out", "per_head"): "RoPE out",
    }
    contexts = {"endless context": 2**59, "4096 tokens": 4096}
    readings = tuple(
        paper.reading(f"{words}, {name}", _finite(context, *choice))
        for choice, words in names.items()
        for name, context in contexts.items()
    )
    reason = (
        f"Both orders wait for memory on a B200, so the ratio is one of bytes: {readings[4].value:.1f} without "
        f"RoPE for endless context and {readings[5].value:.1f} at 4096 tokens; with RoPE {readings[0].value:.1f}, "
        f"or {readings[2].value:.1f} if heads share its key."
    )
    return Judgement(readings, reason, "1", LABELS["attention_block_time"], FIGURE)
