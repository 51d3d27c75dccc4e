"""An index beside its picks, a state beside a cache, and wires behind experts, on trial in whole models."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from sympy import Add, Expr, Integer

from analysis.derive import mechanisms
from analysis.derive.block import Kind, attention_stages, over_blocks
from analysis.derive.statements.of_mechanisms import KEY, ROW, index_border, row_bytes, work_of_a_byte
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    Gamma_acc,
    L,
    P_acc,
    alpha,
    d_I,
    d_KVco,
    d_RoPE,
    deg_EP,
    l,
    width_activations,
    width_scores,
)
from analysis.thesis.trials.random_systems import Systems, between, drawn
from analysis.thesis.trials.search import Sample, loosened, sample

COUNT = 2500  # points of a draw
NEAR = 1e-9  # relative difference of two roads to a number, from rounding alone
INDEXED = ("deepseek-v3.2", "glm-5.2")
STATES = ("qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "nemotron-3-nano", "minimax-m1")
EXPERTS = ("deepseek-v3", "qwen3-30b-a3b", "nemotron-3-nano", "nemotron-3-super")


# -- an index beside the rows that it picks --------------------------------------------------------
def index_traffic(rng: Generator) -> Iterator[Sample]:
    """Index keys and picked rows of whole models, with indices of their own and shared ones."""
    for model in INDEXED:
        loose = loosened(rng, COUNT, ("narrow", "apart"))
        drawing = drawn(rng, model, COUNT).with_({l: rng.choice((1.0, 2.0, 4.0, 8.0), COUNT)})
        row = drawing[d_KVco] + drawing[d_RoPE]
        key = np.where(loose["narrow"], row * between(rng, 1, 8, COUNT), np.minimum(drawing[d_I], row))
        yield _of_index(drawing.with_({d_I: np.round(key)}), loose["apart"])


def _of_index(systems: Systems, alike: np.ndarray) -> Sample:
    index, (picks, shared) = _moved(systems, "index"), (_moved(systems, "core", each) for each in (None, {l: 1.0}))
    ratio = index / np.where(alike, shared, picks)
    border, wide = systems.of(index_border()), systems.of(KEY / ROW)
    attending = systems.architecture.attending
    indexed = [kind for kind in attending if attention_stages(kind.mechanism, systems.conventions).get("index")]
    holds = {"own": len(indexed) == len(attending), "narrow": wide <= 1, "apart": ~alike | (systems[l] == 1)}
    counts = {
        name: systems.of(Add(*(kind.blocks for kind in kinds)))
        for name, kinds in {"indexed": indexed, "blocks": attending}.items()
    }
    near = np.abs(systems[L] / border - 1) < NEAR
    shown = {"ratio": ratio, "border": border, "wide": wide, "L": systems[L], "query": systems[l]} | counts
    return sample(systems, (ratio > 1) == (systems[L] > border), holds, ~near, far=np.abs(np.log(ratio)), **shown)


def _moved(systems: Systems, stage: str, more: dict | None = None) -> np.ndarray:
    """Bytes of what requests keep that a stage moves in all blocks [byte]: its kernels, all else weighing nothing."""

    def of_block(kind: Kind):
        kernels = attention_stages(kind.mechanism, systems.conventions).get(stage, ())
        return Add(*(kernel.bytes for kernel in kernels)).xreplace(kind.axes())

    weightless = {width_activations: 0.0, width_scores: 0.0}
    return systems.of(over_blocks(systems.architecture, of_block), weightless | (more or {}))


# -- a state beside a cache ------------------------------------------------------------------------
def state_traffic(rng: Generator) -> Iterator[Sample]:
    """One block of either kind of models that have both."""
    for model in STATES:
        loose = loosened(rng, COUNT, ("once", "rows"))
        queries = np.where(loose["once"], rng.integers(2, 9, COUNT), 1).astype(float)
        window = np.where(loose["rows"], np.round(between(rng, 64, 4096, COUNT)), np.inf)
        yield _of_state(drawn(rng, model, COUNT).with_({l: queries}), window)


def _of_state(systems: Systems, window: np.ndarray) -> Sample:
    kinds = systems.architecture.attending
    state = next(kind for kind in kinds if kind.mechanism.states)
    caching = next(kind for kind in kinds if kind.mechanism.cache)
    one = state.axes() | {l: Integer(1)}
    stored = systems.of(mechanisms.stored(state.mechanism).xreplace(one)) / systems[B]
    moved = systems.of(mechanisms.touched(state.mechanism).xreplace(state.axes())) / systems[B]
    row = systems.of(row_bytes(caching.mechanism).xreplace(caching.axes()))
    rows, border = np.minimum(systems[L], window), 2 * stored / row
    claim = ((moved < rows * row) == (systems[L] > border)) & ((stored < rows * row) == (systems[L] > border / 2))
    near = (np.abs(systems[L] / border - 1) < NEAR) | (np.abs(2 * systems[L] / border - 1) < NEAR)
    holds = {"once": systems[l] == 1, "rows": window >= systems[L]}
    ratio = moved / (rows * row)
    shown = {"ratio": ratio, "border": border, "L": systems[L], "query": systems[l], "window": rows}
    return sample(systems, claim, holds, ~near, far=np.abs(np.log(ratio)), **shown)


# -- wires behind experts --------------------------------------------------------------------------
def wires_hidden(rng: Generator) -> Iterator[Sample]:
    """Exchanges and routed experts of whole models, near the border between both."""
    for model in EXPERTS:
        loose = loosened(rng, COUNT, ("computes", "latency"))
        drawing = drawn(rng, model, COUNT)
        drawing = drawing.with_({B: drawing[B] * 64, Gamma_acc: between(rng, 1, 4, COUNT)})
        work, read = drawing.counted("routed_experts")
        busy = work / read * drawing[BW_mem] * between(rng, 1 / 16, 1, COUNT)
        rate = np.where(loose["computes"], drawing[P_acc], np.minimum(drawing[P_acc], busy))
        link = rate / drawing.of(_work(drawing)) * between(rng, 0.25, 4, COUNT)
        late = np.where(loose["latency"], between(rng, 1e-6, 1e-3, COUNT), 0)
        yield _of_wires(drawing.with_({P_acc: rate, BW_Int: link, alpha: late}))


def _work(systems: Systems) -> Expr:
    halves = (kind.feedforward for kind in systems.architecture.kinds if kind.feedforward)
    experts = next(half for half in halves if half.experts)
    return work_of_a_byte(experts.form, experts.latent)


def _of_wires(systems: Systems) -> Sample:
    exchange = systems.terms_of("dispatch") + systems.terms_of("combine")
    experts = systems.terms_of("routed_experts")
    work, read = systems.counted("routed_experts")
    wire, even = systems[P_acc] / systems[BW_Int], systems.of(_work(systems))
    ratio = exchange / experts
    computes = work / systems[P_acc] >= read / systems[BW_mem] * (1 - NEAR)
    holds = {"computes": computes, "latency": systems[alpha] == 0}
    near = np.abs(wire / even - 1) < 1e-6
    shown = {"ratio": ratio, "wire": wire, "even": even, "far": np.abs(np.log(np.maximum(ratio, NEAR)))}
    return sample(systems, (ratio <= 1) == (wire <= even), holds, ~near & (systems[deg_EP] > 1), **shown)
