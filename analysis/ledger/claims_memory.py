"""Claims about what is stored: parameters, cache bytes, attention weights (C015, C018 to C028, C089)."""

from analysis.ask.numbers import exact
from analysis.ask.setting import Setting
from analysis.derive.attention import MHA, MLA, Mechanism
from analysis.derive.block import Architecture
from analysis.derive.decoder import attention_parameters
from analysis.derive.symbols import n_dec, width_weights
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.readings import LOWER, Paper, holds
from analysis.systems.quantities import evaluate, quantity

R1, GPT3, LLAMA4 = "deepseek-v3", "gpt3-175b", "llama-4-maverick"
KV, TOTAL = quantity("kv_bytes_per_token").label, quantity("parameters").label
DECIMAL, BINARY = {"K": 1e3, "M": 1e6, "G": 1e9}, {"K": 2**10, "M": 2**20, "G": 2**30}
FIGURE = "fig-cache-per-token"


def kv(model: str, **given) -> int:
    """Cached bytes of one token in the whole model [byte]."""
    return evaluate("kv_bytes_per_token", model=model, **given).value


def elements(mechanism: Mechanism, *names: str) -> int:
    """Elements [1] of some weight tensors of an attention block with R1's sizes."""
    lines = [line for stage in mechanism.stages().values() for line in stage]
    sizes = {tensor.name: tensor.elements for line in lines for tensor in line.used}
    return sum(exact(sizes[name], Setting.of(model=R1).point) for name in names)


@claim("C015")
def _capacity(paper: Paper) -> Judgement:
    totals = {model: evaluate("parameters", model=model).value for model in (R1, GPT3, LLAMA4)}
    ratios = totals[R1] / totals[GPT3], totals[R1] / totals[LLAMA4]
    reason = (
        f"Counted from the dimensions the models hold {totals[R1] / 1e9:.1f}, {totals[GPT3] / 1e9:.1f} and "
        f"{totals[LLAMA4] / 1e9:.1f} billion parameters."
    )
    return Judgement((paper.reading("parameters counted", *ratios),), reason, "1", TOTAL, "fig-parameters")


@claim("C018")
def _gpt3_cache(paper: Paper) -> Judgement:
    stored = kv(GPT3) * 2048
    readings = (
        paper.reading("GB of 10^9 bytes", stored / DECIMAL["G"]),
        paper.reading("GiB of 2^30 bytes", stored / BINARY["G"]),
        paper.reading("keys only, GB", stored / 2 / DECIMAL["G"]),
        paper.reading("keys only, GiB", stored / 2 / BINARY["G"]),
    )
    reason = f"Keys and values of the context take {readings[0].value:.2f} GB, which is {readings[1].value:.2f} GiB."
    return Judgement(readings, reason, "GiB", KV, FIGURE)


@claim("C019")
def _gpt3_over_r1(paper: Paper) -> Judgement:
    ratio = {blocks: kv(GPT3) / kv(R1, blocks=blocks) for blocks in (61, 60)}
    readings = (
        paper.reading("61 blocks, RoPE key cached", ratio[61], own=True),
        paper.reading("60 blocks, RoPE key cached", ratio[60]),
        paper.reading("61 blocks, RoPE key left out", kv(GPT3) / kv(R1, rope="out")),
        paper.reading("60 blocks, RoPE key left out", kv(GPT3) / kv(R1, rope="out", blocks=60)),
    )
    reason = (
        f"One token takes {kv(GPT3)} bytes in GPT-3 and {kv(R1)} in R1, {ratio[61]:.2f} times less; 60 blocks "
        f"would give {ratio[60]:.2f}."
    )
    return Judgement(readings, reason, "1", KV, FIGURE)


@claim("C020")
def _active(paper: Paper) -> Judgement:
    active, total = evaluate("active_parameters", model=R1), evaluate("parameters", model=R1).value
    embedded = active.beside["with input embedding"]
    readings = (
        paper.reading("output head counted, input embedding not", active.value / 1e9, total / 1e9),
        paper.reading("output head and input embedding counted", embedded / 1e9, total / 1e9),
    )
    reason = (
        f"A token touches {active.value / 1e9:.2f} of {total / 1e9:.2f} billion parameters; with the embedding "
        f"table it would be {embedded / 1e9:.2f}."
    )
    return Judgement(readings, reason, "1e9", active.equation, "fig-parameters")


@claim("C021")
def _llama4_over_r1(paper: Paper) -> Judgement:
    ratio = {blocks: kv(LLAMA4) / kv(R1, blocks=blocks) for blocks in (61, 60)}
    readings = (
        paper.reading("61 blocks, as in the paper's Table II", ratio[61], own=True),
        paper.reading("60 blocks", ratio[60]),
        paper.reading("61 blocks, RoPE key left out", kv(LLAMA4) / kv(R1, rope="out")),
    )
    reason = (
        f"R1's 61 blocks, which the paper's other cache numbers need (C019, C028), give {ratio[61]:.3f}; only 60 "
        f"blocks give {ratio[60]:.3f}, so the paper counts blocks in two ways."
    )
    return Judgement(readings, reason, "1", KV, FIGURE)


@claim("C022")
def _gqa_at_equal_width(paper: Paper) -> Judgement:
    width = {m: Setting.of(model=m).model.d_emb for m in (R1, LLAMA4)}
    blocks = {m: Setting.of(model=m).model.n_dec for m in (R1, LLAMA4)}
    scaled = kv(LLAMA4) * width[R1] / width[LLAMA4]
    readings = (
        paper.reading("whole model, cache scaled with the hidden size", scaled / kv(R1)),
        paper.reading("whole model, 60 blocks", scaled / kv(R1, blocks=60)),
        paper.reading("per block, cache scaled with the hidden size", scaled / blocks[LLAMA4] / (kv(R1) / blocks[R1])),
        paper.reading("whole model, not scaled", kv(LLAMA4) / kv(R1)),
    )
    reason = (
        f"Scaled to R1's hidden size Llama 4 would cache {readings[0].value:.2f} times as much per token; per "
        f"block it is {readings[2].value:.2f} times."
    )
    return Judgement(readings, reason, "1", KV, FIGURE)


@claim("C024")
def _eight_million_tokens(paper: Paper) -> Judgement:
    tokens, models = 8e6, (GPT3, LLAMA4, R1)
    weights = [evaluate("parameters", model=m).value * 2 / 1e12 for m in models]
    total = tuple(held + kv(m) * tokens / 1e12 for held, m in zip(weights, models, strict=True))
    reason = (
        f"The figure prints no values; ours are {total[0]:.2f} (GPT-3), {total[1]:.2f} (Llama 4) and "
        f"{total[2]:.2f} TB (R1), of which weights take {weights[0]:.2f}, {weights[1]:.2f} and {weights[2]:.2f} TB."
    )
    return Judgement((holds("two-byte weights and cache", total),), reason, "TB", KV, "fig-memory")


def _millions(paper: Paper, mechanism: Mechanism, key: tuple[str, ...], both: tuple[str, ...]) -> tuple:
    counted = {"K alone": elements(mechanism, *key), "K and V": elements(mechanism, *both)}
    return tuple(
        paper.reading(f"{name}, {unit} millions", number / size["M"])
        for name, number in counted.items()
        for unit, size in (("decimal", DECIMAL), ("binary", BINARY))
    )


@claim("C025")
def _mha_weights(paper: Paper) -> Judgement:
    readings = _millions(paper, MHA, ("W_K",), ("W_K", "W_V"))
    reason = (
        f"A key projection of an MHA with R1's sizes has {readings[0].value:.1f} million elements, "
        f"{readings[1].value:.1f} times 2^20; keys and values together {readings[2].value:.1f} million."
    )
    return Judgement(readings, reason, "2^20", TOTAL)


@claim("C026")
def _mla_weights(paper: Paper) -> Judgement:
    readings = _millions(paper, MLA, ("W_CKV", "W_DK"), ("W_CKV", "W_DK", "W_DV"))
    whole = elements(MHA, "W_K", "W_V") / elements(MLA, "W_CKV", "W_DK", "W_DV")
    reason = (
        f"Compression and key decompression have {readings[0].value:.2f} million elements, {readings[1].value:.2f} "
        "times 2^20; for keys and values together, which share the compression, the saving over MHA is "
        f"{whole:.1f} times."
    )
    return Judgement(readings, reason, "2^20", TOTAL)


def _per_token(paper: Paper, model: str, prefix: str, **others) -> tuple:
    """The cache of a token in decimal and binary units, as it is and with other readings of it."""
    cached = {"": kv(model)} | {f"{name}, ": kv(model, **given) for name, given in others.items()}
    return tuple(
        paper.reading(f"{name}{prefix}{unit}", number / size[prefix])
        for name, number in cached.items()
        for unit, size in (("B", DECIMAL), ("iB", BINARY))
    )


@claim("C027")
def _gpt3_per_token(paper: Paper) -> Judgement:
    readings = _per_token(paper, GPT3, "M")
    reason = f"The cache takes {kv(GPT3)} bytes per token: {readings[0].value:.2f} MB, or {readings[1].value:.2f} MiB."
    return Judgement(readings, reason, "MiB", KV, FIGURE)


@claim("C028")
def _r1_per_token(paper: Paper) -> Judgement:
    readings = _per_token(paper, R1, "K", **{"60 blocks": {"blocks": 60}, "RoPE key left out": {"rope": "out"}})
    reason = (
        f"The cache takes {kv(R1)} bytes per token in 61 blocks: {readings[0].value:.2f} KB, or "
        f"{readings[1].value:.2f} KiB."
    )
    return Judgement(readings, reason, "KiB", KV, FIGURE)


@claim("C089")
def _weights_favour_dp(paper: Paper) -> Judgement:
    mla = Setting.of(model=R1, accelerator="b200-paper")
    copy = exact(n_dec * attention_parameters(mla.architecture) * width_weights, mla.point)
    as_mha = exact(n_dec * attention_parameters(Architecture(MHA.name)) * width_weights, mla.point)
    capacity = mla.accelerator.M_cap * 1e9
    readings = (
        holds("a copy of R1's attention weights against an MHA of equal sizes", copy / as_mha, LOWER(copy, as_mha)),
    )
    reason = (
        f"A copy of all attention weights takes {copy / 1e9:.1f} GB, {100 * copy / capacity:.0f} % of a B200, "
        f"where an MHA of equal sizes would take {as_mha / 1e9:.1f} GB; data parallelism needs such a copy in "
        "every group."
    )
    return Judgement(readings, reason, "1", TOTAL)
