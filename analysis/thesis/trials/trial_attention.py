"""Full memory, the device, tensor parallelism and query tokens on trial in the whole model."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from analysis.derive import capacity, speculation
from analysis.derive.block import attention_stages, bytes_moved
from analysis.derive.parallel import sharded
from analysis.derive.serving import System
from analysis.derive.statements.of_attention import most_moved
from analysis.derive.statements.proof_of_attention import free_memory
from analysis.derive.symbols import (
    B,
    BW_exp,
    BW_mem,
    L,
    L_win,
    P_acc,
    P_exp,
    acceptance,
    alpha,
    deg_DP,
    deg_TP,
    l,
    n_acc,
    n_hd,
    width_activations,
)
from analysis.thesis.tensor_parallel import attention_form
from analysis.thesis.trials.random_systems import Systems, between, drawn
from analysis.thesis.trials.search import Sample, loosened, sample

COUNT = 2500  # points of a draw
NEAR = 1e-9  # relative difference of two roads to a number, from rounding alone
ALIKE = ("deepseek-v3", "gpt3-175b", "llama-3.1-405b", "qwen3-30b-a3b")
MIXED, WINDOWED = "gpt-oss-120b", "mistral-7b-v0.1"  # windows in half of the blocks, and in all


def full_memory(rng: Generator) -> Iterator[Sample]:
    """Core attention of whole models whose memory is full."""
    for model, order in (*((each, None) for each in (*ALIKE, MIXED, WINDOWED)), ("deepseek-v3", "as_printed")):
        loose = loosened(rng, COUNT, ("full",))["full"]
        query = rng.choice((1.0, 2.0, 4.0, 8.0), COUNT)
        drawing = drawn(rng, model, COUNT, order=order).with_({l: query})
        room = drawing.of(capacity.B_cap(drawing.architecture, drawing.conventions))
        systems = drawing.with_({B: room * np.where(loose, rng.uniform(0.05, 1, COUNT), 1)})
        yield _of_full_memory(systems, systems[B] == room, room >= 1)


def _of_full_memory(systems: Systems, full: np.ndarray, fits: np.ndarray) -> Sample:
    architecture, conventions = systems.architecture, systems.conventions
    taken = systems.terms_of("core_attention")
    work, moved = systems.counted("core_attention")
    per_request = systems.of(capacity.request_bytes(architecture, conventions))
    phi = moved / (systems[B] * per_request / systems[n_acc])
    reading = systems.of(free_memory(architecture)) / systems[BW_mem]
    said = reading * phi * np.maximum(1, work / moved * systems[BW_mem] / systems[P_acc])
    cached = systems.of(capacity.request_bytes(architecture, conventions, activations=False)) / per_request
    rows = np.minimum(systems[L], systems[L_win]) if architecture.windowed else systems[L]
    most = systems.of(most_moved(), {L: rows})
    claim = np.isclose(taken, said, rtol=NEAR, atol=0) & (phi <= most) & (phi >= cached * (1 - NEAR))
    holds = {"full": full, "alike": not (architecture.windowed and architecture.full), "read": _reads(systems)}
    far = np.abs(np.log(taken / said)) + np.maximum(0, np.log(phi / most))
    shown = {"phi": phi, "ratio": taken / said, "L": systems[L], "batch": systems[B], "far": far}
    return sample(systems, claim, holds, fits, **shown)


def _reads(systems: Systems) -> np.ndarray:
    """Whether the core reads the stored rows, no decompressed copy of them and none that a window has dropped."""
    decompressed = systems.architecture.mechanism.latent and systems.conventions.order == "as_printed"
    return (systems[l] == 1) | (not systems.architecture.windowed) if not decompressed else 0 * systems[l] > 1


def device(rng: Generator) -> Iterator[Sample]:
    """Routed experts and core attention, each as one kernel, on another device."""
    for model, term in (("qwen3-30b-a3b", "routed_experts"), ("deepseek-v3", "routed_experts"), *_CORES):
        systems, loose = drawn(rng, model, COUNT), loosened(rng, COUNT, ("wider", "slower"))
        wide, slow = (between(rng, 1 / 64, 1, COUNT) for _ in range(2))
        slow = np.where(rng.random(COUNT) < 0.1, 1, slow)
        rates = {
            BW_exp: np.where(loose["wider"], systems[BW_exp], systems[BW_mem] / wide),
            P_exp: np.where(loose["slower"], systems[P_exp], systems[P_acc] * slow),
        }
        yield _on_device(systems.with_(rates), term)


_CORES = tuple((model, "core_attention") for model in ALIKE)


def _on_device(systems: Systems, term: str) -> Sample:
    there = systems.with_({P_acc: systems[P_exp], BW_mem: systems[BW_exp]})
    moved = systems.terms_of(term, System(expert_device=True)) if term == "routed_experts" else there.terms_of(term)
    speed = systems.terms_of(term) / moved
    work, read = systems.counted(term)
    even = systems[P_exp] / systems[BW_mem]
    near = np.abs(work / read / even - 1) < NEAR
    holds = {"wider": systems[BW_exp] > systems[BW_mem], "slower": systems[P_exp] <= systems[P_acc]}
    ratios = {"even": even, "arithmetic": systems[P_exp] / systems[P_acc], "width": systems[BW_exp] / systems[BW_mem]}
    shown = {"speed": speed, "intensity": work / read, "far": np.abs(np.log(speed))}
    return sample(systems, (speed > 1 + NEAR) == (work / read < even), holds, ~near, **shown, **ratios)


def tensor(rng: Generator) -> Iterator[Sample]:
    """Attention blocks with and without tensor parallelism on the same accelerators."""
    for model in ALIKE:
        drawing, loose = drawn(rng, model, COUNT), loosened(rng, COUNT, ("equal",))["equal"]
        degree = np.minimum(2.0 ** rng.integers(1, 4, COUNT), drawing[n_hd])
        systems = drawing.with_({deg_TP: degree, deg_DP: drawing[deg_DP], n_acc: degree * drawing[deg_DP]})
        alone = systems.with_({deg_TP: np.ones(COUNT), deg_DP: systems[n_acc]})
        other = np.where(loose, between(rng, 0.25, 4, COUNT), 1)
        yield _divided(systems.with_({B: systems[B] * other}), alone, rng.random(COUNT))


def _divided(systems: Systems, alone: Systems, share: np.ndarray) -> Sample:
    kept = bytes_moved(attention_stages(systems.architecture.mechanism, systems.conventions)["core"]).xreplace(
        sharded()
    )
    (work, _), (before, _) = systems.counted("core_attention"), alone.counted("core_attention")
    cache, cached = (each.of(kept, {width_activations: 0 * share}) for each in (systems, alone))
    block = attention_form(systems.architecture, systems.conventions)

    def pays(of: np.ndarray | float) -> np.ndarray:
        return systems.of(block, {B: systems[B] * of}) < alone.of(block, {B: alone[B] * of}) * (1 - NEAR)

    claim = np.isclose(work, before) & np.isclose(cache, cached * systems[deg_TP]) & (pays(share) | ~pays(1))
    holds = {"latent": systems.architecture.mechanism.latent, "equal": systems[B] == alone[B]}
    far = np.abs(np.log(work / before)) + np.abs(np.log(cache / cached / systems[deg_TP]))
    shown = {"work": work / before, "cache": cache / cached, "degree": systems[deg_TP], "far": far}
    return sample(systems, claim, holds, **shown)


def queries(rng: Generator) -> Iterator[Sample]:
    """Whole steps and their core attention with several query tokens against one."""
    for model in (*ALIKE, MIXED):
        drawing, loose = drawn(rng, model, COUNT), loosened(rng, COUNT, ("computes", "batch", "latency", "free"))
        lower = np.where(loose["computes"], 1, between(rng, 1, 2.0**9, COUNT))
        late = np.where(loose["latency"], between(rng, 1e-6, 1e-3, COUNT), 0)
        one = drawing.with_({P_acc: drawing[P_acc] / lower, alpha: late})
        several = {l: rng.integers(2, 9, COUNT).astype(float), acceptance: rng.uniform(0.05, 0.99, COUNT)}
        batch = one[B] * np.where(loose["batch"], rng.uniform(0.1, 1, COUNT), 1)
        yield _drafted(one, one.with_(several | {B: batch}), np.where(loose["free"], rng.random(COUNT), 0))


def _drafted(one: Systems, several: Systems, drafting: np.ndarray) -> Sample:
    """`drafting`: time of a draft token over that of a step with one query token [1]."""
    E, query = several.of(speculation.closed_tokens()), several[l]
    before, step = one.tpot(), several.tpot()
    gain = E * several[B] / one[B] * before / (step + drafting * (query - 1) * before)
    core = E * several[B] / one[B] * one.terms_of("core_attention") / several.terms_of("core_attention")
    busy = 1 - (1 - one.with_({BW_mem: one[BW_mem] * (1 + 1e-6)}).tpot() / before) / 1e-6
    most = E / (1 + busy * (query - 1))
    computes = one.counted("core_attention")[0] / one[P_acc] >= one.terms_of("core_attention") * (1 - NEAR)
    claim = (gain >= E / query * (1 - NEAR)) & (gain <= most * (1 + 1e-4)) & np.isclose(core, E / query)
    holds = {"computes": computes, "batch": several[B] == one[B], "latency": one[alpha] == 0, "free": drafting == 0}
    far = (
        np.abs(np.log(core * query / E)) + np.maximum(0, np.log(gain / most)) + np.maximum(0, np.log(E / query / gain))
    )
    shown = {"gain": gain, "core": core, "least": E / query, "most": most, "busy": busy, "query": query, "far": far}
    return sample(one, claim, holds, **shown)
