"""Guidelines for co-design (i): inequalities with the value at which each flips, per model and accelerator."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.derive import roofline
from analysis.derive.symbols import BW_Int
from analysis.evaluate import datasets
from analysis.evaluate.asked import fitting
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.numbers import value
from analysis.evaluate.quantities import evaluate
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import attention, attribution, balance, parallel, queries
from analysis.evaluate.thesis.arrangement import static
from analysis.evaluate.thesis.full import WIRES, terms_at
from analysis.evaluate.thesis.scheduling import waiting_batch

CONTEXT, SKEW, DEGREE = 8192.0, 0.8, 2  # context [tokens], Zipf exponent, degree of tensor parallelism that rows name
MORE = 2  # times the edition's accelerators, so that each model fits each device at some degree
ARCHITECT, ENGINEER = "architect", "engineer"


@dataclass(frozen=True)
class Guideline:
    """An inequality in words, for whom it is, the unit of its flip point, how it is computed, and its figure.

    `needs`: what a model must have for the row to speak of it, `experts`, `latent` attention or both.
    """

    name: str
    rule: str
    reader: str
    unit: str
    flip: Callable[[Setting], float | None]
    figure: str
    needs: tuple[str, ...] = ()


def systems(edition: Edition, model: str) -> list[Setting]:
    """A model on each of the edition's accelerators, in twice the edition's number, at the degree it has there."""
    device = {"n_acc": MORE * edition.n_acc, "width": edition.width, "peak": edition.peak}
    rows = (datasets.accelerator(each) for each in accelerators(edition))
    return [
        fitting(
            Setting.of(
                model=model,
                accelerator=row.id,
                link=row.link or edition.link,
                deg_TP=edition.degree(model),
                accelerator_experts=edition.accelerator_experts,
                **device,
            )
        )
        for row in rows
    ]


def accelerators(edition: Edition) -> list[str]:
    """The edition's accelerator and those that it is compared with."""
    return list(dict.fromkeys((edition.accelerator, *edition.accelerators)))


def _alone(system: Setting) -> Setting:
    return system.with_(accelerator_experts=None)


def ridge_of_attention(system: Setting) -> float:
    """Ridge point [FLOP/byte] above which core attention waits for memory at `CONTEXT`."""
    return float(evaluate("core_attention_intensity", _alone(system).with_(L=CONTEXT, B=1024)).value)


def wires_at_ridge(system: Setting) -> float | None:
    """Interconnect bandwidth [byte/s] below which wires take longer than the routed experts at B_RP."""
    system = _alone(system)
    found = terms_at(system, experts_batch(system), CONTEXT)
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
    return attention.even_batch(system) * system.model.n_k / system.model.n_e


def tensor_batch(system: Setting) -> float | None:
    """Batch [requests] below which tensor parallelism shortens an attention block."""
    return parallel.even_batch(_alone(system), DEGREE, CONTEXT)[1]


# fmt: off
GUIDELINES = (
    Guideline("ridge", "Core attention computes rather than waits where the ridge point lies below",
              ARCHITECT, "FLOP/byte", ridge_of_attention, "fig-thesis-device"),
    Guideline("half", "Core attention takes over half of a token's time at full memory beyond a context of",
              ENGINEER, "tokens", lambda s: attention.context_of_share(_alone(s)), "fig-thesis-full-memory"),
    Guideline("capacity", "Memory holds fewer requests than bring weights to the ridge point beyond a context of",
              ARCHITECT, "tokens", attention.ridge_context, "fig-thesis-resources"),
    Guideline("tensor", f"Tensor parallelism of degree {DEGREE} shortens attention below a batch of",
              ENGINEER, "requests", tensor_batch, "fig-thesis-tensor"),
    Guideline("queries", "Drafted tokens cost little while query tokens a step stay below",
              ENGINEER, "tokens", queries.query_tokens_at_ridge, "fig-thesis-queries"),
    Guideline("acceptance", "Two query tokens a step pay where drafts are accepted with a probability above",
              ENGINEER, "1", lambda s: queries.even_acceptance(_alone(s), 2, CONTEXT), "fig-thesis-queries"),
    Guideline("experts", "Experts compute from a batch of",
              ENGINEER, "requests", experts_batch, "fig-thesis-balance", ("experts",)),
    Guideline("groups", "Experts are more intense than dense layers above a number of data-parallel accelerators of",
              ENGINEER, "accelerators", balance.balanced_groups, "fig-thesis-balance", ("experts",)),
    Guideline("device", "A device of low ridge runs experts faster below tokens per expert of",
              ARCHITECT, "tokens", device_tokens, "fig-thesis-device", ("experts",)),
    Guideline("schedule", f"Skew (Zipf {SKEW:g}) costs experts arithmetic unless scheduled, from a batch of",
              ENGINEER, "requests", scheduling_batch, "fig-thesis-schedule", ("experts",)),
    Guideline("wires", "Wires outlast experts at the ridge point below an interconnect of",
              ARCHITECT, "GB/s", wires_at_ridge, "fig-thesis-full-memory", ("experts",)),
    Guideline("dense", "A dense layer of equal weights makes latent attention keep its cache twice below a memory of",
              ARCHITECT, "GB", lambda s: attribution.even_capacity(s, "total"), "fig-thesis-attribution",
              ("experts", "latent")),
)
# fmt: on


def speaks_of(guideline: Guideline, system: Setting) -> bool:
    """Whether a guideline says anything about a model."""
    has = {"experts": bool(system.model.n_moe), "latent": system.model.attention == "MLA"}
    return all(has[need] for need in guideline.needs)


def flips(guideline: Guideline, found: list[Setting]) -> list[float | None]:
    """The flip point in each system, in the guideline's unit; None where the inequality never flips."""
    scale = 1e9 if guideline.unit.startswith("GB") else 1.0
    numbers = [guideline.flip(system) for system in found]
    return [None if each is None or not np.isfinite(each) or each <= 0 else each / scale for each in numbers]
