"""Claims about experts, batch thresholds and Table IV (C053 to C058, C066 to C068, C080)."""

from sympy import Integer

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import parallel, roofline
from analysis.derive.attention import MLA
from analysis.derive.block import Conventions, attention_stages
from analysis.derive.reordering import limits
from analysis.derive.symbols import B, deg_EP, n_acc
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.readings import NEAR, SAME, Paper, holds
from analysis.systems.layers import layers, numbers
from analysis.systems.quantities import evaluate, quantity

R1, LLAMA4, B200, SYSTEM = "deepseek-v3", "llama-4-maverick", "b200-paper", 32
LABELS = {
    name: quantity(name).label for name in ("B_attn", "B_MoE", "B_RP", "expert_intensity", "parameters", "ridge_point")
}
FIGURE, BATCHES = "fig-expert-intensity", "fig-batch-ridge"


def batch(name: str, accelerators: int = SYSTEM, **given) -> float:
    """B_attn, B_MoE or B_RP of R1 on B200s [requests]."""
    return evaluate(name, model=R1, accelerator=B200, n_acc=accelerators, **given).value


@claim("C053")
def _B_MoE(paper: Paper) -> Judgement:
    answer = evaluate("B_MoE", model=R1, accelerator=B200, n_acc=SYSTEM)
    exact_knee = answer.beside["activations counted"]
    readings = (
        paper.reading("weights' bytes alone, as in Eq. 10", answer.value, own=True),
        paper.reading("activation bytes counted too", exact_knee),
    )
    reason = (
        f"With the weights' bytes alone experts reach the ridge at {answer.value:.0f} requests; with activation "
        f"bytes the knee lies at {exact_knee:.0f}."
    )
    return Judgement(readings, reason, "requests", LABELS["B_MoE"], FIGURE)


@claim("C054")
def _B_attn(paper: Paper) -> Judgement:
    ours = batch("B_attn")
    absorbed = attention_stages(MLA, Conventions("reordered"))["decompression"][0]
    most = value(limits(absorbed.intensity, [B]), Setting.of(model=R1).point)
    ridge = evaluate("ridge_point", accelerator=B200).value
    reason = (
        f"Dense projections reach the ridge at {ours:.0f} requests over {SYSTEM} groups; the absorbed per-head "
        f"products never do, their intensity stays below {most:.1f} FLOP/byte at any batch against a ridge of "
        f"{ridge:.2f}."
    )
    return Judgement(
        (paper.reading("dense projections, weights' bytes alone", ours, own=True),),
        reason,
        "requests",
        LABELS["B_attn"],
        BATCHES,
    )


@claim("C055")
def _B_RP(paper: Paper) -> Judgement:
    readings = tuple(
        paper.reading(f"{count} accelerators, data-parallel attention", batch("B_RP", count))
        for count in (32, 16, 64, 128)
    )
    row = datasets.model(R1)
    both, more = (batch("B_attn"), batch("B_MoE")), (batch("B_attn", 16), batch("B_MoE", 16))
    reason = (
        f"At {SYSTEM} accelerators B_attn and B_MoE are {both[0]:.0f} and {both[1]:.0f}, so the maximum is either; "
        f"with 16 they are {more[0]:.0f} and {more[1]:.0f}, and B_RP = B_attn holds only from "
        f"{row.n_e / row.n_k:g} groups on."
    )
    return Judgement(readings, reason, "requests", LABELS["B_RP"], BATCHES)


@claim("C056")
def _independent(paper: Paper) -> Judgement:
    counts = (8, 16, 32, 64, 128, 256)
    found = {batch("B_MoE", count) for count in counts}
    tokens = parallel.tokens_per_expert()
    group_of_32 = [value(tokens, Setting.of(model=R1, B=9000, n_acc=count, deg_EP=32).point) for count in (32, 256)]
    readings = (
        holds("one EP group spans the system", tuple(sorted(found)), SAME(len(found), 1)),
        holds(
            "EP groups of 32 in 256 accelerators, times the batch", group_of_32[0] / group_of_32[1], SAME(*group_of_32)
        ),
    )
    reason = (
        f"B_MoE is {min(found):.0f} for {counts[0]} to {counts[-1]} accelerators as long as one group of experts "
        f"spans them; eight groups of 32 would need {readings[1].value:g} times the batch."
    )
    return Judgement(readings, reason, "requests", LABELS["B_MoE"], BATCHES)


@claim("C057")
def _expert_intensity(paper: Paper) -> Judgement:
    setting = Setting.of(model=R1, B=9000, n_acc=SYSTEM)
    answer = evaluate("expert_intensity", setting)
    tokens = float(value(parallel.tokens_per_expert(), setting.point))
    bare = answer.beside["weights only"]
    symbolic = (roofline.weights_only(roofline.expert()) / parallel.tokens_per_expert()).xreplace({deg_EP: n_acc})
    readings = (
        holds("weights' bytes alone", bare, SAME(bare, tokens)),
        holds("activation bytes counted", answer.value, SAME(answer.value, tokens)),
    )
    reason = (
        f"With the weights' bytes alone the intensity is {symbolic} times the tokens per expert, {bare:g} "
        f"FLOP/byte at B = 9000 and two bytes; activation bytes lower it to {answer.value:.1f}."
    )
    return Judgement(readings, reason, "FLOP/byte", LABELS["expert_intensity"], FIGURE)


POOLS = (8, 16, 32, 64, 128, 256)


def _over_dense(accelerators: int) -> float:
    """Intensity of R1's routed experts over its dense layers at that pool's own B_RP [1]."""
    setting = Setting.of(model=R1, accelerator=B200, B=batch("B_RP", accelerators), L=4096, n_acc=accelerators)
    found = layers(setting)
    routed, dense = (float(numbers(found[name], setting.point)["intensity"]) for name in ("routed", "dense"))
    return routed / dense


@claim("C058")
def _tuned_to_dense(paper: Paper) -> Judgement:
    setting = Setting.of(model=R1, accelerator=B200, B=batch("B_RP"), L=4096, n_acc=SYSTEM)
    found = {name: float(numbers(layer, setting.point)["intensity"]) for name, layer in layers(setting).items()}
    ratio = {name: found["routed"] / found[name] for name in ("dense", "output", "projections")}
    most = float(
        value(limits(roofline.expert().intensity.xreplace({deg_EP: Integer(1), n_acc: Integer(1)}), [B]), setting.point)
    )
    pools = tuple(_over_dense(accelerators) for accelerators in POOLS)
    readings = (
        holds(f"whatever the pool, {POOLS[0]} to {POOLS[-1]} accelerators", pools, *map(NEAR, pools)),
        *(
            holds(f"{SYSTEM} accelerators, routed experts over {name}, activations counted", each, NEAR(each))
            for name, each in ratio.items()
        ),
    )
    reason = (
        f"At {setting['B']:.0f} requests experts do {found['routed']:.0f} FLOP/byte, dense feed-forward layers "
        f"{found['dense']:.0f} and projections {found['projections']:.0f}. A larger batch raises experts, up to "
        f"{most:.0f}, and dense layers with them: by the bytes of weights alone the batch leaves their ratio as it is. "
        f"Both are even with {setting.model.n_e / setting.model.n_k:g} data-parallel groups. From {POOLS[0]} to "
        f"{POOLS[-1]} accelerators, each at its own B_RP, the ratio runs from {min(pools):.2f} to {max(pools):.2f}."
    )
    return Judgement(readings, reason, "1", LABELS["expert_intensity"], "fig-thesis-balance")


@claim("C066")
def _headings(paper: Paper) -> Judgement:
    row = datasets.model(R1)
    under_n_e, under_n_k = printed_pair = tuple(number.value for number in paper.numbers)
    readings = (
        holds("n_e and n_k under their headings", (row.n_e, row.n_k), SAME((row.n_e, row.n_k), printed_pair), own=True),
        holds("headings exchanged", (row.n_k, row.n_e), SAME((row.n_k, row.n_e), printed_pair)),
    )
    reason = (
        f"Table IV prints {under_n_e:g} experts with {under_n_k:g} chosen per token, which cannot be; Table II and "
        f"the model have {row.n_e} and {row.n_k}, so the two headings are exchanged."
    )
    return Judgement(readings, reason, "1", LABELS["parameters"])


@claim("C067")
def _group_size(paper: Paper) -> Judgement:
    row = datasets.model(LLAMA4)
    readings = (paper.reading("query heads per key-value head", row.n_hd / row.n_kv),)
    return Judgement(
        readings,
        f"{row.n_hd} query heads over {row.n_kv} key-value heads.",
        "1",
        quantity("core_attention_intensity").label,
    )


@claim("C068")
def _llama4_widths(paper: Paper) -> Judgement:
    row = datasets.model(LLAMA4)
    sizes = row.d_MoE, row.d_FFN, row.d_emb
    readings = tuple(paper.reading(f"K = {worth}", *(size / worth for size in sizes)) for worth in (1024, 1000))
    reason = f"The configuration has d_MoE {sizes[0]}, d_FFN {sizes[1]} and d_emb {sizes[2]}, whole multiples of 1024."
    return Judgement(readings, reason, "1024", LABELS["parameters"])


@claim("C080")
def _fp8(paper: Paper) -> Judgement:
    def against_bf16(**given) -> tuple[float, float]:
        ridge = [evaluate("ridge_point", accelerator=B200, **more).value for more in ({}, {"peak": given["peak"]})]
        return ridge[1] / ridge[0], batch("B_RP", **given) / batch("B_RP")

    both, weights = against_bf16(peak="fp8", width=1), against_bf16(peak="bf16", width_weights=1)
    readings = (
        holds("FP8 weights and arithmetic (ridge, B_RP)", both, SAME(both, (2, 1))),
        holds("FP8 weights, BF16 arithmetic (ridge, B_RP)", weights, SAME(weights, (2, 1))),
    )
    reason = (
        f"FP8 arithmetic lifts the ridge {both[0]:g} times while half the bytes lift the intensity as much, so "
        f"B_RP changes by {both[1]:g}; FP8 weights under BF16 arithmetic leave the ridge at {weights[0]:g} and "
        f"bring B_RP to {weights[1]:g} of what it was."
    )
    return Judgement(readings, reason, "1", LABELS["B_RP"], BATCHES)
