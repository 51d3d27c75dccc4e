"""Numbers that others print about a mechanism's arithmetic, about time and about wires.

`claims_mechanisms.py` judges those about what it stores, likewise by einsum lines."""

from sympy import Symbol

from analysis.ask.numbers import exact
from analysis.data import datasets
from analysis.derive import feedforward, roofline
from analysis.derive.attention import GQA, MLA, Mechanism
from analysis.derive.block import Conventions, attention_stages, flops, intensity
from analysis.derive.communication import dispatch_time
from analysis.derive.decoder import token_bytes
from analysis.derive.einsum import Kernel
from analysis.derive.mechanisms import stored
from analysis.derive.sparse import GLA, GTA, MFA, MSA
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    Gamma_acc,
    L,
    L_top,
    P_acc,
    T_e,
    alpha,
    causal,
    d_emb,
    l,
    n_acc,
    n_act,
    n_dec,
    n_hd,
    n_k,
    n_kv,
    width_activations,
)
from analysis.ledger.claims_mechanisms import of_r1, row_bytes, sized, sizes
from analysis.ledger.claims_memory import R1
from analysis.ledger.claims_published import ENDLESS, INTENSITY
from analysis.ledger.findings import Judgement, claim, claims
from analysis.ledger.readings import Paper
from analysis.systems.quantities import evaluate

TRAINING = 3
"""Operations of a training step over those of a forward one."""


def stages(mechanism: Mechanism) -> dict[str, tuple[Kernel, ...]]:
    """Kernels of a mechanism by stage, in the order of decode."""
    return attention_stages(mechanism, Conventions(mechanism.order_of("decode")))


def core(mechanism: Mechanism) -> tuple[Kernel, ...]:
    """The core of a mechanism, in the order of decode."""
    return stages(mechanism)["core"]


# -- intensity and operations ------------------------------------------------------------------------
@claim("P033")
def _factorised(paper: Paper) -> Judgement:
    found = exact(intensity(core(MFA)).cancel(), sized("P033", width_kv=1))
    reason = f"All heads share one row of keys and values: {found:.1f} FLOP/byte at 8 bit."
    return Judgement((paper.reading("8-bit cache", found),), reason, "FLOP/byte", INTENSITY)


@claim("P036")
def _tied_intensity(paper: Paper) -> Judgement:
    point = sized("P036")
    tied, grouped = (exact(intensity(core(each)), point) for each in (GTA, GQA))
    reason = (
        f"{tied:.2f} FLOP/byte instead of {grouped:.2f}: the operations are equal, the RoPE key keeps the bytes from "
        "being halved."
    )
    return Judgement((paper.reading("RoPE key counted", tied / grouped),), reason, "1", INTENSITY)


@claim("P145")
def _grouped_intensity(paper: Paper) -> Judgement:
    found = evaluate("core_attention_intensity", model="qwen3-235b-a22b", L=ENDLESS, width_kv=1).value
    reason = f"The heads of a group share a row: {found:.1f} FLOP/byte at 8 bit."
    return Judgement((paper.reading("8-bit cache", found),), reason, "FLOP/byte", INTENSITY)


@claims("P142", "P144", "P147")
def _core_operations(paper: Paper, id_: str) -> Judgement:
    point, row = sized(id_), datasets.claimed(id_).model
    if row in datasets.models():
        blocks, found = datasets.model(row).n_dec, evaluate("core_attention_flops", model=row, B=1, L=point[L]).value
    else:
        blocks, found = point[n_dec], exact(flops(core(MFA)), point)
    readings = [paper.reading("scores and values, every head", blocks * found / 1e9)]
    reason = f"{blocks} blocks compute {blocks * found / 1e9:.1f} GFLOP."
    if row == R1:
        wide = exact(2 * 2 * n_hd * L * stored(MLA) / (2 * B * L), sized(id_) | of_r1() | {L: point[L]})
        readings.append(paper.reading("values summed over the RoPE part too", blocks * wide / 1e9))
        reason = (
            f"Scores take the whole cached row, values its latent alone: {blocks * found / 1e9:.0f} GFLOP. Over the "
            f"whole row for both it is {blocks * wide / 1e9:.0f}, which is what is printed; the intensity of P034 too."
        )
    return Judgement(tuple(readings), reason, "GFLOP")


@claims("P136", "P137")
def _training(paper: Paper, id_: str) -> Judgement:
    row, tokens = datasets.claimed(id_).model, sizes(id_)[L]
    half = (tokens + 1) / (2 * tokens)  # of the plane of scores, what a causal mask leaves
    given = {"model": row, "L": tokens, "B": 1, "phase": "prefill"}
    scored = datasets.model(row).n_dec * evaluate("core_attention_flops", causal=half, **given).value / tokens
    touched = evaluate("active_parameters", model=row).value
    bare = touched - datasets.model(row).n_vocab * datasets.model(row).d_emb
    readings = (
        paper.reading("output head counted, causal mask used", TRAINING * (2 * touched + scored) / 1e9),
        paper.reading("output head counted, whole plane of scores", TRAINING * (2 * touched + scored / half) / 1e9),
        paper.reading("output head not counted, causal mask used", TRAINING * (2 * bare + scored) / 1e9),
    )
    reason = (
        f"Three times a forward step of {2 * touched / 1e9:.1f} GFLOP in weights and {scored / 1e9:.1f} in scores and "
        f"values, a mean over {tokens:,} tokens."
    )
    return Judgement(readings, reason, "GFLOP")


@claim("P026")
def _block_sparse(paper: Paper) -> Judgement:
    point = sized("P026")
    tokens = point[L]
    picked = sum(flops(stages(MSA)[stage]) for stage in ("index", "select", "core"))
    full = flops(core(GQA))
    prompt = point | {l: tokens, causal: (tokens + 1) / (2 * tokens)}
    last, mean = (exact(full, at) / exact(picked, at) for at in (point, prompt))
    readings = (
        paper.reading("the last token of a full context", last),
        paper.reading("mean over all tokens of the context", mean),
    )
    reason = (
        f"At a context of {tokens:,} the last token saves {last:.1f} times. The mean of all tokens saves {mean:.1f}: "
        "the blocks that a query picks are as many early in the context as late."
    )
    return Judgement(readings, reason)


# -- speed -------------------------------------------------------------------------------------------
@claim("P035")
def _grouped_latents(paper: Paper) -> Judgement:
    point, whole = sized("P035") | _h100(), of_r1() | _h100()
    ratios = {each: _time(MLA, whole | {l: each}) / _time(GLA, point | {l: each}) for each in (2, 4)}
    readings = tuple(
        paper.reading(f"{each} query tokens, H100, roofline of the core", ratio) for each, ratio in ratios.items()
    )
    reason = (
        f"Both read as much. A head of the grouped form scores against one latent of two, so that work falls "
        f"{ratios[4]:.2f} times; at two query tokens memory hides part of it ({ratios[2]:.2f})."
    )
    return Judgement(readings, reason)


def _h100() -> dict[Symbol, float]:
    row = datasets.accelerator("h100-sxm5")
    return {P_acc: row.P_bf16 * 1e12, BW_mem: row.BW_mem * 1e9}


def _time(mechanism: Mechanism, point: dict) -> float:
    return exact(sum(roofline.time(kernel) for kernel in core(mechanism)), point)


@claims("P037", "P038")
def _divided_latent(paper: Paper, id_: str) -> Judgement:
    point = sized(id_)
    parts = point[n_kv]
    whole = row_bytes(MLA, of_r1())
    copied = row_bytes(MLA, point)
    most = {"RoPE key copied": whole / copied, "RoPE key divided too": float(parts)}
    readings = tuple(
        paper.band(f"from none to all of what the bytes allow, {name}", 1, bound) for name, bound in most.items()
    )
    reason = (
        f"Each of {parts} accelerators reads {copied} bytes of a row instead of {whole}: a core that waits for memory "
        f"gains {whole / copied:.2f} times at most, {parts} where the RoPE key is divided too."
    )
    return Judgement(readings, reason)


@claim("P041", 1)
def _even_kernels(paper: Paper) -> Judgement:
    rates = {name: float(datasets.claimed(name).paper_value) for name in ("P039", "P040")}
    context = sized("P041")[L_top] * rates["P039"] / rates["P040"]
    reason = (
        f"At the printed rates, {rates['P039']:.0f} TFLOP/s of the dense kernel and {rates['P040']:.0f} of the sparse "
        f"one, {sized('P041')[L_top]:,} picks last as long as {context:,.0f} tokens; the index is not in it."
    )
    return Judgement((paper.reading("by the rates printed for both", context),), reason, "tokens")


@claim("P044")
def _kimi_linear(paper: Paper) -> Judgement:
    ours, theirs = (float(datasets.claimed(name).paper_value) for name in ("P045", "P046"))
    reason = f"The two times that are printed beside it, {theirs} and {ours} ms, make {theirs / ours:.2f}."
    return Judgement((paper.reading("quotient of the printed times", theirs / ours, own=True),), reason)


# -- wires -------------------------------------------------------------------------------------------
@claim("P055")
def _wire_threshold(paper: Paper) -> Judgement:
    point = sized("P055") | {T_e: 1, n_act: 1, n_k: 1}
    work = exact(flops((Kernel("expert", feedforward.ROUTED_EXPERTS),)), point)
    sent = {"FP8 there, BF16 back": (1, 2), "BF16 both ways": (2, 2)}
    readings = tuple(
        paper.reading(name, work / sum(exact(token_bytes(), point | {width_activations: each}) for each in widths))
        for name, widths in sent.items()
    )
    reason = f"An expert does {work:,} FLOP for a token that travels there and back: two for each dimension and byte."
    return Judgement(readings, reason, "FLOP/byte")


@claims("P138", "P139")
def _exchange_floor(paper: Paper, id_: str) -> Judgement:
    row = datasets.model(R1)
    stated = sized(id_) | {n_acc: 1, alpha: 0, Gamma_acc: 1}
    stated[BW_Int] *= 10**9
    real, routed = stated | {d_emb: row.d_emb}, {n_k: row.n_k, n_dec: row.n_moe}
    readings = (
        paper.reading("by the inputs that are printed", _floor(stated), own=True),
        paper.reading("true width, shared expert sent, 61 blocks", _floor(real)),
        paper.reading("true width, routed experts alone, in their blocks", _floor(real | routed)),
    )
    reason = (
        f"With {row.d_emb:,} dimensions, {row.n_k} routed experts beyond the wires and {row.n_moe} blocks that have "
        f"experts it is {readings[2].value:.3g} ms."
    )
    return Judgement(readings, reason, "ms")


def _floor(point: dict) -> float:
    """Time of every exchange of a step [ms]: dispatch in FP8, combine in BF16, two half batches after one another."""
    times = (exact(dispatch_time(), point | {width_activations: each}) for each in (1, 2))
    return 1e3 * 2 * sum(times) * point[n_dec]
