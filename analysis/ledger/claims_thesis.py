"""The summary's four statements (S01 to S04), as far as the system equations carry them."""

from analysis.ask.gammas import imbalance
from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import roofline
from analysis.derive.capacity import B_cap
from analysis.derive.symbols import B, BW_Int, BW_mem, Gamma_imb, deg_EP, n_acc
from analysis.ledger.claims_intensity import GPT3 as GPT3_MODEL
from analysis.ledger.claims_intensity import core
from analysis.ledger.claims_pim import PIM, flip
from analysis.ledger.criteria import HUNDRED, WIDER
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.paper_systems import B_RP, GPT3, R1, WIRES, cap, core_time, scenario, terms, throughput, total
from analysis.ledger.readings import ABOVE, NEAR, NO_MORE, Paper, Reading, holds
from analysis.systems.layers import layers, numbers, swept
from analysis.systems.quantities import evaluate, quantity

INTENSITY = quantity("core_attention_intensity").label
SKEWS, BATCHES = (0.2, 0.4, 0.6, 0.8), (1024.0, 9000.0)  # the paper's Fig. 12; the larger batch is B_RP
WHOLE = "r1-256-900-l2048"
MEMORY_DEVICE = scenario(PIM)["accelerator_experts"]
CONTEXTS = (8192.0, 1024.0, 65536.0, 1048576.0)


@claim("S01")
def _compute_intensive(paper: Paper) -> Judgement:
    ratio, intensity = core() / core(GPT3_MODEL), core()
    rows = [row for row in datasets.accelerators().values() if row.P_bf16 and row.id != MEMORY_DEVICE]
    ridges = {row.id: evaluate("ridge_point", accelerator=row.id).value for row in rows}
    table = [row for row in rows if row.RP_printed]

    def reading(name: str, parts: list) -> Reading:
        shares = [intensity / ridges[row.id] for row in parts]
        return holds(
            f"{name} (ratio to MHA, least intensity over ridge)",
            (ratio, min(shares)),
            ABOVE(ratio, HUNDRED),
            *(ABOVE(share, 1) for share in shares),
        )

    readings = (
        reading("B200, the paper's system", [row for row in table if row.id == "b200-paper"]),
        reading("all of Table I", table),
        reading("Table I, parts since 2024", [row for row in table if row.year >= 2024]),
        reading("Table I, parts before 2024", [row for row in table if row.year < 2024]),
    )
    in_table = [intensity > ridges[row.id] for row in table]
    past = sum(intensity > ridge for ridge in ridges.values())
    reason = (
        f"Fused core attention of R1 has {ratio:.0f} times GPT-3's intensity (B = 128, L = 4096); its {intensity:.1f} "
        f"FLOP/byte exceed the ridge of {sum(in_table)} of {len(in_table)} accelerators of Table "
        f"I and of {past} of {len(ridges)} in the data, but are {readings[0].value[1]:.2f} of a B200's, where it still "
        "waits for memory."
    )
    return Judgement(readings, reason, "1", INTENSITY, "fig-roofline")


def expert_over_dense(system: str, batch: float, placement: str | None, s: float = 0.0) -> float:
    """Intensity of the busiest accelerator's experts over that of the dense layer [1], under Zipf skew if placed.

    Copies of experts spread an accelerator's tokens over its further slots.
    """
    setting = scenario(system, s=s, placement=placement) if placement else scenario(system)
    busiest = imbalance(setting) if placement else 1.0
    experts = setting.model.n_e
    slots = experts + setting["n_acc"] if placement == "replicated" else experts
    point = swept(setting, B=batch * busiest * experts / slots) | {Gamma_imb: 1}
    routed = float(value(roofline.expert().intensity.xreplace({deg_EP: n_acc}), point))
    dense = numbers(layers(setting)["dense"], setting.point | {B: batch})["intensity"]
    return routed / float(dense)


@claim("S02")
def _aligned(paper: Paper) -> Judgement:
    names = {"replicated": "copies of hot experts", "lpt": "longest processing time first"}
    span = f"B = {BATCHES[0]:g} and {BATCHES[1]:g}"

    def reading(placement: str, skews: tuple[float, ...]) -> Reading:
        found = [expert_over_dense(R1, batch, placement, s) for s in skews for batch in BATCHES]
        where = f"s = {skews[0]}" + (f" to {skews[-1]}" if len(skews) > 1 else "")
        ends = (min(found), max(found))
        return holds(f"{names[placement]}, {where}, {span}: experts over dense layer", ends, *map(NEAR, found))

    ranges = (SKEWS, *((s,) for s in SKEWS))
    readings = tuple(reading(placement, skews) for skews in ranges for placement in names)
    rates = {
        placement: throughput(scenario(R1, s=SKEWS[-1], placement=placement), B_RP(R1), 2048)
        for placement in ("contiguous", "lpt", "replicated")
    }
    row = scenario(R1).model
    gains = [rates[placement] / rates["contiguous"] for placement in ("lpt", "replicated")]
    reason = (
        f"At s = {SKEWS[-1]} placing by load gives {gains[0]:.2f} times the throughput of contiguous experts and "
        f"copies of hot ones {gains[1]:.2f} times (B_RP, L = 2048); from s = {SKEWS[0]} to {SKEWS[-1]} copies keep "
        f"experts at {readings[0].value[0]:.2f} to {readings[0].value[1]:.2f} of the dense layer's intensity, placing "
        f"by load at {readings[1].value[0]:.2f} to {readings[1].value[1]:.2f}; without skew a static placement has it "
        f"within a tenth where accelerators number n_e / n_k = {row.n_e / row.n_k:g}, while 256 of them are "
        f"{expert_over_dense(WHOLE, 8 * BATCHES[0], None):.2f} times apart."
    )
    return Judgement(readings, reason, "1", quantity("expert_intensity").label, "fig-thesis-schedule")


def gain_of_device(name: str, L: float, **rates: float) -> float:
    """TPOT at B_cap over that with core attention on another device [1]; `rates` are that device's, in SI units."""
    setting, batch = scenario(name), cap(name, L)
    plain, device = terms(setting, batch, L), Setting.of(accelerator=MEMORY_DEVICE)
    moved = terms(setting, batch, L, **rates)["core_attention"] if rates else core_time(setting, batch, L, device)
    return float(total(plain) / (total(plain) - plain["core_attention"] + moved))


@claim("S03")
def _not_needed(paper: Paper) -> Judgement:
    wider = scenario(PIM).point[BW_mem] * WIDER
    per_context = [gain_of_device(R1, L) for L in CONTEXTS]
    found = {
        "R1, memory device, L = 1K to 1M (the largest)": per_context,
        "R1, four times the bandwidth and a B200's arithmetic, L = 8K": [gain_of_device(R1, CONTEXTS[0], BW_mem=wider)],
        "GPT-3, memory device, L = 8K": [gain_of_device(GPT3, CONTEXTS[0])],
    }
    readings = tuple(
        holds(f"{name}: TPOT gain from it for core attention", max(gains), *map(NO_MORE, gains))
        for name, gains in found.items()
    )
    setting = scenario(R1).with_(B=cap(R1, CONTEXTS[0]), L=CONTEXTS[0])
    even = evaluate("core_attention_intensity", setting).value / WIDER
    reason = (
        f"Core attention on a device of ridge 8 and four times the bandwidth brings R1 to {min(per_context):.2f} to "
        f"{max(per_context):.2f} times its speed (L = 1K to 1M, B_cap), GPT-3 to {readings[-1].value:.2f}; a device as "
        f"wide with a ridge above {even:.1f} would help R1 too at 8K, {readings[-2].value:.2f} times with B200 "
        "arithmetic."
    )
    return Judgement(readings, reason, "1", quantity("tpot").label, "fig-thesis-device")


def context_at_ridge() -> float:
    """Context [tokens] at which R1's memory on 32 accelerators holds just B_RP requests; 1 / B_cap is linear in L."""
    setting = scenario(R1)
    form = B_cap(setting.architecture, setting.conventions)
    at_0, at_1 = (1 / float(value(form, swept(setting, L=L))) for L in (0.0, 1.0))
    return (1 / B_RP(R1) - at_0) / (at_1 - at_0)


def bandwidth_at_experts() -> float:
    """Interconnect bandwidth [byte/s] at which the wires take as long as the routed experts at B_RP."""
    setting = scenario(R1)
    found = terms(setting, B_RP(R1), 2048.0)
    return float(setting.point[BW_Int] * total(found, *WIRES) / found["routed_experts"])


@claim("S04")
def _guidelines(paper: Paper) -> Judgement:
    row = scenario(R1).model
    flips = (context_at_ridge(), bandwidth_at_experts() / 1e9, flip(False) * row.n_k / row.n_e, row.n_e / row.n_k)
    reason = (
        f"The statement is not a number; in R1 on 32 B200 memory limits the batch before the ridge does beyond "
        f"L = {flips[0]:.0f}, wires outlast experts at B_RP below {flips[1]:.0f} GB/s, a memory device speeds experts "
        f"up below {flips[2]:g} tokens each, and B_attn exceeds B_MoE beyond {flips[3]:g} data-parallel accelerators."
    )
    readings = (holds("context, GB/s, tokens per expert, accelerators at which a choice flips", flips),)
    return Judgement(readings, reason, "1", quantity("tpot_terms").label, "fig-thesis-resources")
