"""Claims about the arithmetic intensity of core attention (C016, C017, C043, C044, C051, C082)."""

from sympy import Expr, Integer, cancel

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import attention_stages, intensity
from analysis.derive.parallel import sharded
from analysis.derive.reordering import limits
from analysis.derive.symbols import B, L, causal, deg_DP, deg_grp, deg_TP, n_acc
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.readings import ABOVE, NEAR, SAME, Paper, holds
from analysis.systems.quantities import evaluate, quantity

INTENSITY = quantity("core_attention_intensity").label
FIGURE = "fig-intensity-batch"
R1, GPT3, LLAMA4, B200 = "deepseek-v3", "gpt3-175b", "llama-4-maverick", "b200-paper"
ACCOUNTS = {
    "fused": {"grouping": "fused"},
    "S charged once": {"grouping": "spilled", "S_passes": 1},
    "S written and read": {"grouping": "spilled", "S_passes": 2},
    "layer by layer": {"grouping": "layered"},
}
READINGS = {
    f"{name}, RoPE {rope}": {**account, "rope": rope} for name, account in ACCOUNTS.items() for rope in ("in", "out")
}


def core(model: str = R1, **given) -> float:
    """Arithmetic intensity of core attention in decode [FLOP/byte], at 128 requests of 4096 tokens unless given."""
    return evaluate("core_attention_intensity", model=model, **{"B": 128, "L": 4096, **given}).value


def limit_of_core(**given) -> Expr:
    """The same for endless context, as a function of the degree of tensor parallelism, one DP group."""
    setting = Setting.of(model=R1, **given)
    kernels = attention_stages(setting.architecture.mechanism, setting.conventions)["core"]
    one_group = {n_acc: deg_TP, deg_DP: Integer(1)}
    known = {s: Integer(v) for s, v in setting.point.items() if isinstance(v, int) and s not in (deg_TP, *one_group)}
    ratio = intensity(kernels).xreplace(sharded()).xreplace(one_group).xreplace({**known, causal: Integer(1)})
    return limits(cancel(ratio), [B, L])


def core_limit(degree: int = 1, **given) -> float:
    """`limit_of_core` at one degree [FLOP/byte]."""
    return float(value(limit_of_core(**given), {deg_TP: degree}))


@claim("C016")
def _mha(paper: Paper) -> Judgement:
    readings = tuple(
        paper.reading(f"{name}, B = {batch}", core(GPT3, B=batch, **ACCOUNTS[name]))
        for name in ("layer by layer", "fused")
        for batch in (1, 4096)
    )
    one, many = (f"{each.value:.3f}" for each in readings[:2])
    reason = (
        f"GPT-3's core attention does {one} FLOP/byte with 1 request and {'as much' if one == many else many} with "
        "4096, scores written to memory."
    )
    return Judgement(readings, reason, "FLOP/byte", INTENSITY, FIGURE)


@claim("C017")
def _gqa(paper: Paper) -> Judgement:
    ridge = evaluate("ridge_point", accelerator=B200).value
    readings = tuple(paper.reading(name, core(LLAMA4, **account)) for name, account in ACCOUNTS.items())
    queries = Setting.of(model=LLAMA4).point[deg_grp]
    reason = (
        f"{queries} queries share a cached key and value, which gives {readings[0].value:.2f} FLOP/byte, "
        f"{ridge / readings[0].value:.0f} times below the ridge of a B200."
    )
    return Judgement(readings, reason, "FLOP/byte", INTENSITY, FIGURE)


@claim("C043", significant=2)
def _two_accounts(paper: Paper) -> Judgement:
    readings = tuple(
        paper.reading(
            f"layer by layer, then {name}, RoPE {rope}",
            core_limit(rope=rope, **ACCOUNTS["layer by layer"]),
            core_limit(rope=rope, **ACCOUNTS[name]),
        )
        for rope in ("in", "out")
        for name in ("S charged once", "S written and read", "fused")
    )
    inside, outside, fused = readings[0].value, readings[3].value, readings[2].value[1]
    reason = (
        f"To two digits both numbers appear with RoPE left out ({outside[0]:.1f}, and {outside[1]:.1f} with one "
        f"read of the cache and S charged once); with RoPE they are {inside[0]:.1f} and {inside[1]:.1f}, and "
        f"{fused:.1f} if S never leaves the chip."
    )
    return Judgement(readings, reason, "FLOP/byte", INTENSITY, FIGURE)


@claim("C044")
def _near_the_ridge(paper: Paper) -> Judgement:
    ridge = evaluate("ridge_point", accelerator=B200).value
    shares = {name: core_limit(**given) / ridge for name, given in READINGS.items()}
    readings = tuple(holds(name, share, NEAR(share)) for name, share in shares.items())
    reason = (
        f"Fused, core attention reaches {readings[0].value:.2f} of a B200's ridge with RoPE and "
        f"{readings[1].value:.2f} without, layer by layer {readings[-2].value:.2f}; near is within a tenth."
    )
    return Judgement(readings, reason, "1", INTENSITY, FIGURE)


@claim("C051")
def _tensor_parallel(paper: Paper) -> Judgement:
    degree = 8
    endless = {name: core_limit(1, **account) / core_limit(degree, **account) for name, account in ACCOUNTS.items()}
    at_4096 = core() / core(n_acc=degree, deg_TP=degree)
    readings = (
        *(holds(f"{name}, endless context", ratio, SAME(round(ratio, 9), degree)) for name, ratio in endless.items()),
        holds("fused, 4096 tokens", at_4096, SAME(round(at_4096, 9), degree)),
    )
    reason = (
        f"The latent cache has no head axis, so TP{degree} cuts fused core attention's intensity by "
        f"{endless['fused']:g} for endless context and by {at_4096:.2f} at 4096 tokens; with S in memory, layer by "
        f"layer, by {endless['layer by layer']:.2f}."
    )
    return Judgement(readings, reason, "1", INTENSITY, "fig-reordering-tp")


@claim("C082")
def _above_mha(paper: Paper) -> Judgement:
    (threshold,) = paper.numbers
    ratios = {name: core(**given) / core(GPT3, **given) for name, given in READINGS.items()}
    against_gqa = core() / core(LLAMA4)
    readings = (
        *(holds(f"{name}, against GPT-3", ratio, ABOVE(ratio, threshold.value)) for name, ratio in ratios.items()),
        holds("fused, RoPE in, against Llama 4 (GQA)", against_gqa, ABOVE(against_gqa, threshold.value)),
    )
    reason = (
        f"Fused, R1's core attention does {readings[0].value:.0f} times the FLOPs per byte of GPT-3's, layer by "
        f"layer {ratios['layer by layer, RoPE in']:.0f} times, and {against_gqa:.0f} times those of Llama 4's GQA."
    )
    return Judgement(readings, reason, "1", INTENSITY, FIGURE)
