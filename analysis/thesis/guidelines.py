"""Guidelines for co-design (i): inequalities with the value at which each flips, per model and accelerator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.ask.asked import fitting
from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import roofline
from analysis.derive.attention import MLA
from analysis.derive.symbols import BW_Int, BW_mem, M_cap, P_acc, RP_acc
from analysis.systems.canonical import Edition
from analysis.systems.quantities import evaluate
from analysis.thesis import attribution, balance, full_attention, queries, tensor_parallel
from analysis.thesis.arrangement import static
from analysis.thesis.full import WIRES, terms_at
from analysis.thesis.scheduling import waiting_batch

CONTEXT, SKEW, DEGREE = 8192.0, 0.8, 2  # context [tokens], Zipf exponent, degree of tensor parallelism that rows name
MORE = 2  # times the edition's accelerators, so that each model fits each device at some degree
ARCHITECT, ENGINEER = "architect", "engineer"


@dataclass(frozen=True)
class Guideline:
    """An inequality in words, for whom it is, the unit of its flip point, how it is computed, and its figure.

    `short` names the flip point. `needs`: what a model must have for the row to speak of it, `experts`, `latent`
    attention or both. `own`: what an accelerator itself has of it, where the inequality holds below the flip point.
    """

    name: str
    short: str
    rule: str
    reader: str
    unit: str
    flip: Callable[[Setting], float | None]
    figure: str
    needs: tuple[str, ...] = ()
    own: Callable[[Setting], float] | None = None


def systems(edition: Edition, model: str) -> list[Setting]:
    """A model on each of the edition's accelerators, in twice the edition's number, at the degree that suits them."""
    device = {"width": edition.width, "peak": edition.peak, "accelerator_experts": edition.accelerator_experts}
    base = Setting.of(model=model, link=edition.link, n_acc=edition.n_acc, deg_TP=degree(edition, model), **device)
    return on_accelerators(base, accelerators(edition))


def degree(edition: Edition, model: str) -> int:
    """Degree of tensor parallelism of a model on as many accelerators as the guidelines speak of."""
    return replace(edition, n_acc=MORE * edition.n_acc).degree(model)


def on_accelerators(setting: Setting, names: Sequence[str]) -> list[Setting]:
    """A setting on each accelerator, with the link that it comes with, in `MORE` times the setting's number."""
    links = {name: datasets.accelerator(name).link or setting["link"] for name in names}
    count = MORE * setting["n_acc"]
    return [fitting(setting.with_(accelerator=name, link=links[name], n_acc=count, deg_EP=None)) for name in names]


def accelerators(edition: Edition) -> list[str]:
    """The edition's accelerator and those that it is compared with."""
    return list(dict.fromkeys((edition.accelerator, *edition.accelerators)))


def _alone(system: Setting) -> Setting:
    return system.with_(accelerator_experts=None)


def ridge_of_attention(system: Setting) -> float:
    """Ridge point [FLOP/byte] above which core attention waits for memory at `CONTEXT`."""
    return float(evaluate("core_attention_intensity", _alone(system).with_(L=CONTEXT, B=1024)).value)


def wires_at_ridge(system: Setting, arithmetic: float = 1.0, bandwidth: float = 1.0) -> float:
    """Interconnect bandwidth [byte/s] below which wires take longer than the routed experts at B_RP.

    On an accelerator with so many times the arithmetic and the memory bandwidth.
    """
    system = _alone(system)
    rates = {P_acc: arithmetic * system.point[P_acc], BW_mem: bandwidth * system.point[BW_mem]}
    found = terms_at(system, experts_batch(system) * arithmetic / bandwidth, CONTEXT, rates)
    wires = sum(float(found[name]) for name in WIRES)
    return float(system.point[BW_Int]) * wires / float(found["routed_experts"])


def experts_batch(system: Setting) -> float:
    """Batch [requests] from which experts compute, weights' bytes alone."""
    return float(value(roofline.B_MoE(), system.point))


def scheduling_batch(system: Setting) -> float:
    """Batch [requests] from which the busiest expert computes where experts are placed in order under `SKEW`."""
    row = system.model
    return waiting_batch(system, static(row.n_e, row.n_k, SKEW, system["n_acc"]).imbalance)


def device_tokens(system: Setting) -> float:
    """Tokens per expert below which the memory device runs experts faster, activations counted."""
    return full_attention.even_batch(system) * system.model.n_k / system.model.n_e


def tensor_batch(system: Setting) -> float | None:
    """Batch [requests] below which tensor parallelism shortens an attention block."""
    return tensor_parallel.even_batch(_alone(system), DEGREE, CONTEXT)[1]


# fmt: off
GUIDELINES = (
    Guideline("ridge", "ridge point of core attention",
              "Core attention computes rather than waits where the ridge point lies below",
              ARCHITECT, "FLOP/byte", ridge_of_attention, "fig-thesis-device",
              own=lambda s: float(s.point[RP_acc])),
    Guideline("half", "context at which attention takes half",
              "Core attention takes over half of a token's time at full memory beyond a context of",
              ENGINEER, "tokens", lambda s: full_attention.context_of_share(_alone(s)), "fig-thesis-full-memory"),
    Guideline("capacity", "context of the ridge batch",
              "Memory holds too few requests to bring weights to the ridge point beyond a context of",
              ARCHITECT, "tokens", full_attention.ridge_context, "fig-thesis-resources"),
    Guideline("tensor", "batch of tensor parallelism",
              f"Tensor parallelism of degree {DEGREE} shortens attention below a batch of",
              ENGINEER, "requests", tensor_batch, "fig-thesis-tensor"),
    Guideline("queries", "query tokens at the ridge",
              "Drafted tokens cost core attention little while query tokens a step stay below",
              ENGINEER, "tokens", queries.query_tokens_at_ridge, "fig-thesis-queries"),
    Guideline("acceptance", "acceptance of two query tokens",
              "Two query tokens a step pay where drafts are accepted with a probability above",
              ENGINEER, "1", lambda s: queries.even_acceptance(_alone(s), 2, CONTEXT), "fig-thesis-queries"),
    Guideline("experts", "batch at which experts compute",
              "Experts compute, by the bytes of their weights alone, from a batch of",
              ENGINEER, "requests", experts_batch, "fig-thesis-balance", ("experts",)),
    Guideline("groups", "accelerators that balance experts",
              "Experts are more intense than dense layers above a data-parallel degree of",
              ENGINEER, "accelerators", balance.balanced_groups, "fig-thesis-balance", ("experts",)),
    Guideline("device", "tokens per expert on a device",
              "A device of low ridge runs experts faster below a load of each expert of",
              ARCHITECT, "tokens", device_tokens, "fig-thesis-device", ("experts",)),
    Guideline("schedule", "batch at which skew costs arithmetic",
              f"Skew (Zipf {SKEW:g}) costs experts arithmetic unless scheduled, from a batch of",
              ENGINEER, "requests", scheduling_batch, "fig-thesis-schedule", ("experts",)),
    Guideline("wires", "interconnect that keeps pace",
              "Wires outlast experts at the ridge point below an interconnect of",
              ARCHITECT, "GB/s", wires_at_ridge, "fig-thesis-full-memory", ("experts",),
              own=lambda s: float(s.point[BW_Int])),
    Guideline("dense", "memory that holds a dense layer twice",
              "A dense layer of equal weights makes latent attention keep its cache twice below a memory of",
              ARCHITECT, "GB", lambda s: attribution.even_capacity(s, "total"), "fig-thesis-attribution",
              ("experts", "latent"), own=lambda s: float(s.point[M_cap])),
)
# fmt: on


def missing(guideline: Guideline, system: Setting) -> str:
    """What a model lacks for a guideline to speak of it, in words; empty if nothing."""
    has = {"experts": bool(system.model.n_moe), "latent": system.architecture.mechanism.cache == MLA.cache}
    words = {"experts": "no experts", "latent": "no MLA"}
    return next((words[need] for need in guideline.needs if not has[need]), "")


def flips(guideline: Guideline, found: list[Setting]) -> list[float | None]:
    """The flip point in each system, in the guideline's unit; None where the inequality never flips."""
    numbers = [guideline.flip(system) for system in found]
    scale = _scale(guideline)
    return [None if each is None or not np.isfinite(each) or each <= 0 else each / scale for each in numbers]


def holds(guideline: Guideline, system: Setting, flip: float | None) -> bool | None:
    """Whether an accelerator itself is on the side where the inequality holds; None where that is no matter of it."""
    if guideline.own is None or flip is None:
        return None
    return guideline.own(system) / _scale(guideline) < flip


def _scale(guideline: Guideline) -> float:
    return 1e9 if guideline.unit.startswith("GB") else 1.0
