"""Claims about a low-ridge memory device for experts and for attention (C078, C079, C085)."""

import numpy as np

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import roofline
from analysis.derive.symbols import BW_mem, P_exp, RP_acc, deg_EP, n_acc
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.paper_systems import (
    CONTEXTS,
    GPT3,
    LLAMA4,
    R1,
    accelerators,
    cap,
    caps,
    core_time,
    scenario,
    terms,
    total,
)
from analysis.ledger.readings import FALLING, HIGHER, LOWER, Paper, Reading, holds
from analysis.systems.quantities import quantity

PIM, FIGURE = "r1-32-pim", "fig-pim-gain"
LOW = (64.0, 32.0, 128.0, 256.0, 512.0)  # requests of the system that count as a low batch: below the flip


def flip(activations: bool) -> float:
    """Batch [requests] at which experts take equal time on both devices.

    One waits for memory where the other computes, so it is the batch at which an expert's intensity equals the memory
    device's arithmetic over the accelerator's bandwidth.
    """
    point = scenario(PIM).point
    form = roofline.B_MoE(activations).xreplace({deg_EP: n_acc})
    return float(value(form, point | {RP_acc: point[P_exp] / point[BW_mem]}))


def gain(batch, L) -> np.ndarray:
    """TPOT with all layers on the accelerator over TPOT with the experts on the memory device [1]."""
    plain, with_pim = (total(terms(scenario(name), batch, L)) for name in (R1, PIM))
    return plain / with_pim


@claim("C078")
def _below_32(paper: Paper) -> Judgement:
    setting = scenario(PIM)
    row = setting.model
    tokens = {kept: flip(kept) * row.n_k / row.n_e for kept in (False, True)}
    readings = (
        paper.reading("tokens per expert, weights' bytes alone", tokens[False]),
        paper.reading("tokens per expert, activation bytes counted", tokens[True]),
        paper.reading("tokens per GPU, 32 GPUs", flip(False) / accelerators(setting)),
        paper.reading("tokens per GPU, 256 GPUs", flip(False) / 256),
    )
    low, high = (float(gain(batch, 2048.0)) for batch in (512.0, 2048.0))
    reason = (
        f"Both devices take equal time at {tokens[False]:g} tokens per expert ({tokens[True]:.2f} with activations); "
        f"that is as many per GPU only where GPUs number n_e / n_k = {row.n_e / row.n_k:g}, with 256 it is "
        f"{readings[3].value:g}; at L = 2048 TPOT gains {low:.2f} times at 16 tokens per GPU and {high:.2f} at 64."
    )
    return Judgement(readings, reason, "tokens", quantity("B_MoE").label, FIGURE)


@claim("C079")
def _low_batch_and_context(paper: Paper) -> Judgement:
    some = CONTEXTS <= 131072
    full = gain(caps(R1), CONTEXTS)[some]
    equal = [gain(np.full_like(CONTEXTS, batch), CONTEXTS)[some] for batch in LOW]

    def reading(name: str, *series: np.ndarray) -> Reading:
        """Every series falls with the context and begins above a tie; the numbers shown are the first one's ends."""
        asked = [test for gains in series for test in (FALLING(gains), HIGHER(gains[0]))]
        return holds(name, (float(series[0][0]), float(series[0][-1])), *asked)

    low = reading(f"every batch from {min(LOW):g} to {max(LOW):g}, L = 1K to 128K (at {LOW[0]:g})", *equal)
    readings = (reading("each context at its own B_cap, L = 1K to 128K", full), low)
    first = CONTEXTS[np.argmax(full > 1)]
    reason = (
        f"At two requests per GPU the gain falls from {low.value[0]:.2f} at L = 1K to "
        f"{low.value[1]:.2f} at 128K; but memory leaves only "
        f"{cap(R1, 131072) / accelerators(scenario(R1)):.1f} requests per GPU there, so at B_cap it rises from "
        f"{readings[0].value[0]:.2f} to {readings[0].value[1]:.2f} and exceeds 1 from L = {first / 1024:g}K on."
    )
    return Judgement(readings, reason, "1", quantity("tpot").label, "fig-thesis-device")


def speed_on_pim(setting: Setting, batch: float, L: float) -> float:
    """How many times faster core attention runs on the memory device [1]."""
    device = Setting.of(accelerator=scenario(PIM)["accelerator_experts"])
    return float(core_time(setting, batch, L, setting) / core_time(setting, batch, L, device))


@claim("C085")
def _specialised_hardware(paper: Paper) -> Judgement:
    L = 8192.0

    def speeds(**given) -> tuple[float, ...]:
        return tuple(
            speed_on_pim(scenario(name, **(given if name == R1 else {})), cap(name, L), L)
            for name in (GPT3, LLAMA4, R1)
        )

    found = {"MLA reordered": speeds(), "MLA as printed": speeds(order="as_printed")}
    readings = tuple(
        holds(f"{name}: core attention of GPT-3, Llama 4 and R1", each, LOWER(each[2]), *map(HIGHER, each[:2]))
        for name, each in found.items()
    )
    mha, gqa, mla = found["MLA reordered"]
    reason = (
        f"On the memory device core attention runs {mha:.2f} times as fast for GPT-3's MHA and {gqa:.2f} times for "
        f"Llama 4's GQA, but {mla:.3f} times for R1's reordered MLA (L = 8192, B_cap); without reordering MLA would "
        f"gain {readings[1].value[2]:.2f} times as well."
    )
    return Judgement(readings, reason, "1", quantity("core_attention_intensity").label, "fig-thesis-device")
