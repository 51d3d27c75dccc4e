"""The two sides of each guideline as curves, and where they cross: what the small figures of the rules draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Integer

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.einsum import Counts
from analysis.derive.statements import proof_of_attention as proofs
from analysis.derive.symbols import BW_Int, M_cap, RP_acc, T_e
from analysis.thesis import (
    balance,
    full_attention,
    guidelines,
    largest,
    queries,
    resources,
    scheduling,
    tensor_parallel,
)
from analysis.thesis.full import WIRES, batch_at_capacity, root, terms_at, throughput, total, whole_batch
from analysis.thesis.guidelines import CONTEXT, DEGREE, SKEW

DRAFTS = 2  # query tokens a step of the rule on drafts
NARROW = np.geomspace(0.5, 2.0, 9)  # bytes of a cached number


@dataclass(frozen=True)
class Sides:
    """A rule's curves over one variable: `lines` by name, `turns` where the rule turns (None: nowhere).

    `x` and `lines` are in the units that the labels name; `even` is a height at which two things are equal; `marks` are
    places on the axis of x worth a name; `before` is where a rule turns back before it turns for good; `logs` says
    which axes are logarithmic, `legend` where there is room for the lines' names.
    """

    title: str
    xlabel: str
    ylabel: str
    x: np.ndarray
    lines: dict[str, np.ndarray]
    turns: float | None = None
    even: float | None = None
    marks: tuple[tuple[str, float], ...] = ()
    before: float | None = None
    logs: tuple[bool, bool] = (True, True)
    legend: str = "best"


def for_architects(
    systems: Sequence[Setting], others: Sequence[str], links: Sequence[tuple[str, float]]
) -> list[Sides]:
    """The panels of the rules for architects that speak of the last system's model.

    `systems` are models to compare on one chip, with a second device; `others` are chips whose ridge points are drawn,
    `links` names with bandwidths [GB/s].
    """
    alone = [each.with_(accelerator_experts=None) for each in systems]
    system, chips = alone[-1], [alone[-1].with_(accelerator=each, link=None) for each in others]
    found = [bandwidth_first(system), ridge_near(system, chips), low_ridge(systems[-1], alone), memory_in_time(system)]
    return found + ([link_keeps_pace(system, links), chips_for_experts(system)] if system.model.n_moe else [])


def for_engineers(systems: Sequence[Setting], limit: float) -> list[Sides]:
    """The panels of the rules for engineers that speak of the last system's model, under a limit on a token's time [s].

    The first system's model is drawn beside it where drafts are judged.
    """
    alone = [each.with_(accelerator_experts=None) for each in systems]
    system = alone[-1]
    others = [each for each in alone[:1] if each.model.id != system.model.id]
    found = [largest_batch(system, limit), smaller_cache(system)]
    found += [data_parallel(system)] if system["n_acc"] > 1 else []
    found += [drafts(system, others)]
    return found + ([copies(system)] if system.model.n_moe and system["n_acc"] > 1 else [])


def bandwidth_first(system: Setting) -> Sides:
    """Elasticity of throughput at full memory to each rate [1] over the context [tokens]."""
    contexts = np.geomspace(1024, min(2.0**20, full_attention.longest(system)), 21)
    found = [resources.elasticities(system, float(L)) for L in contexts]
    names = {"memory bandwidth": "bandwidth", "interconnect": "link", "arithmetic": "arithmetic"}
    lines = {short: np.array([each[name] for each in found]) for name, short in names.items()}
    turns = root(lambda L: _lead(resources.elasticities(system, L), *names), contexts[0], contexts[-1])
    named, look = ("Bandwidth first", "context [tokens]", "% gained by 1 % more"), {"logs": (True, False)}
    return Sides(*named, contexts, lines, turns, legend="center right", **look)


def _lead(worth: dict[str, float], first: str, *others: str) -> float:
    return worth[first] - max(worth[each] for each in others)


def ridge_near(system: Setting, others: Sequence[Setting]) -> Sides:
    """Intensity of core attention over the context [tokens], and ridge points [FLOP/byte]."""
    contexts = np.geomspace(64, 2.0**20, 41)
    lines = {"attention": np.array([full_attention.core_intensity(system, L) for L in contexts])}
    ridges = {each["accelerator"]: float(each.point[RP_acc]) for each in others}
    lines |= {name: np.full_like(contexts, ridge) for name, ridge in ridges.items()}
    meets = [root(lambda L, r=r: full_attention.core_intensity(system, L) - r, 64, 2.0**22) for r in ridges.values()]
    turns = next((each for each in meets if each is not None), None)
    named, look = ("Ridge near intensity", "context [tokens]", "FLOP/byte"), {"logs": (True, False)}
    return Sides(*named, contexts, lines, turns, legend="lower right", **look)


def low_ridge(system: Setting, others: Sequence[Setting]) -> Sides:
    """Speed of a kernel on the second device over the chip's [1], over its intensity [FLOP/byte]."""
    x = np.geomspace(1, 1000, 61)
    kernel = Counts("any", flops=T_e, bytes=Integer(1))  # so many operations for a byte
    speed = value(proofs.device_speed(kernel), system.point | {T_e: x})
    turns = float(value(proofs.even_intensity(), system.point))
    marks = tuple((each.model.id, full_attention.core_intensity(each, CONTEXT)) for each in others)
    return Sides(
        "No low ridge", "FLOP/byte of a kernel", "speed over the chip's", x, {"device": speed}, turns, 1, marks
    )


def memory_in_time(system: Setting) -> Sides:
    """Memory of a chip that a step reads, filled with requests, within a limit of time [GB], over the limit [ms]."""
    held = float(system.point[M_cap])
    capacities = held * np.linspace(0.1, 2, 39)
    batches = batch_at_capacity(system, CONTEXT, {M_cap: capacities})
    capacities, batches = capacities[batches > 0], batches[batches > 0]
    limits = 1e3 * largest.reading(system, batches, CONTEXT)
    lines = {"read in time": capacities / 1e9, "memory": np.full_like(limits, held / 1e9)}
    turns = 1e3 * float(largest.reading(system, batch_at_capacity(system, CONTEXT), CONTEXT))
    return Sides("Memory read in time", "limit [ms a token]", "GB", limits, lines, turns, logs=(False, False))


def link_keeps_pace(system: Setting, links: Sequence[tuple[str, float]]) -> Sides:
    """Time of the routed experts at the batch from which they compute, and of the wires [ms], over the link [GB/s]."""
    alone = system.with_(accelerator_experts=None)
    rates = np.geomspace(10, 2000, 31)
    found = terms_at(alone, guidelines.experts_batch(alone), CONTEXT, {BW_Int: rates * 1e9})
    wires = 1e3 * sum(found[name] for name in WIRES)
    experts = 1e3 * found["routed_experts"] + np.zeros_like(rates)
    turns = guidelines.wires_at_ridge(system) / 1e9
    lines = {"wires": wires, "experts": experts}
    return Sides(
        "A link that keeps pace",
        "link [GB/s]",
        "ms a step",
        rates,
        lines,
        turns,
        marks=tuple(links),
        legend="lower left",
    )


def chips_for_experts(system: Setting) -> Sides:
    """Intensity of experts over that of dense layers by weights alone [1], over the number of accelerators."""
    counts = np.geomspace(1, 512, 28)
    ratio = balance.intensity_ratio(system, 2.0**14, counts, activations=False)
    turns = balance.balanced_groups(system)
    return Sides("Chips for experts", "accelerators", "experts over dense", counts, {"intensity": ratio}, turns, 1)


def largest_batch(system: Setting, limit: float) -> Sides:
    """Time of a step over the batch up to full memory [ms], and the limit [s] on it."""
    batches = _batches(system)
    steps = 1e3 * total(terms_at(system, batches, CONTEXT))
    lines = {"step": steps, "limit": np.full_like(batches, 1e3 * limit)}
    over = root(lambda B: float(total(terms_at(system, B, CONTEXT))) - limit, batches[0], batches[-1])
    turns = over or float(batches[-1])
    return Sides("The largest batch", "requests", "ms a token", batches, lines, turns, logs=(True, False))


def smaller_cache(system: Setting) -> Sides:
    """Throughput, and time of a step, at full memory over those of 2-byte caches [1], over a number's bytes."""
    found = []
    for width in (*NARROW, 2.0):
        at = system.with_(width_kv=float(width))
        batch = batch_at_capacity(at, CONTEXT)
        found.append((float(throughput(at, batch, CONTEXT)), float(total(terms_at(at, batch, CONTEXT)))))
    served, steps = np.array(found[:-1]).T / np.array(found[-1])[:, None]
    lines = {"tokens/s": served, "step": steps}
    return Sides(
        "A smaller cache", "bytes of a cached number", "over 2 bytes'", NARROW, lines, even=1, logs=(False, False)
    )


def data_parallel(system: Setting) -> Sides:
    """Time of an attention block divided by two over that of data parallelism [1], over the batch."""
    batches = _batches(system)
    alone, pairs = (tensor_parallel.attention_time(system, batches, each, CONTEXT) for each in (1, DEGREE))
    turns = tensor_parallel.even_batch(system, DEGREE, CONTEXT)[1]
    lines = {"attention": pairs / alone}
    return Sides("Data parallel", "requests", "time, pairs over one", batches, lines, turns, 1, logs=(True, False))


def drafts(system: Setting, others: Sequence[Setting]) -> Sides:
    """Throughput of two query tokens a step over one [1], over the share of drafts accepted."""
    rates = np.linspace(0, 1, 21)
    lines = {
        each.model.id: np.array([float(queries.gain(each, [DRAFTS], CONTEXT, rate)[0]) for rate in rates])
        for each in (system, *others)
    }
    turns = queries.even_acceptance(system, DRAFTS, CONTEXT)
    return Sides("Drafts", "share accepted", "tokens/s over no drafts", rates, lines, turns, 1, logs=(False, False))


def copies(system: Setting) -> Sides:
    """Throughput of the best schedule with copies of experts, and of the best without, over experts in order under
    skew [1], over the batch; turns where copies begin to serve more, and before, where they cease to."""
    batches = _batches(system, 13)
    batches[-1] *= 0.9  # a copy takes memory from requests
    found = scheduling.with_and_without(system, batches, CONTEXT, SKEW)
    lines = {"with copies": found[:, 0], "placed anew": found[:, 1]}
    before, turns = scheduling.copies_lead(system, batches, CONTEXT, SKEW)
    named = ("Copies of hot experts", "requests", "tokens/s over in order")
    return Sides(*named, batches, lines, turns, 1, before=before, logs=(True, False))


def _batches(system: Setting, points: int = 41) -> np.ndarray:
    """Batches [requests] from a four-thousandth of full memory, or from one, to full memory."""
    cap = whole_batch(system, CONTEXT)
    return np.geomspace(max(1.0, cap / 4096), cap, points)
