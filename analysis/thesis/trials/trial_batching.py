"""Balance, elasticities and schedules on trial in the whole model."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from sympy import Symbol

from analysis.derive import roofline
from analysis.derive.block import feedforward_stages
from analysis.derive.decoder import block_counts
from analysis.derive.parallel import tokens_per_expert
from analysis.derive.serving import COMMUNICATION, System
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    BW_out,
    Gamma_acc,
    Gamma_imb,
    P_acc,
    T_e,
    alpha,
    deg_EP,
    l,
    n_acc,
    n_act,
    n_e,
    n_group,
    n_k,
    width_activations,
    width_kv,
)
from analysis.thesis.trials.random_systems import Systems, between, drawn
from analysis.thesis.trials.search import Sample, loosened, sample

COUNT = 3000
MIXTURES = ("deepseek-v3", "qwen3-30b-a3b", "llama-4-maverick", "mixtral-8x7b")
EVERY = (*MIXTURES, "gpt3-175b", "gpt-oss-120b")
NEAR, SMALL = 1e-7, 1e-12  # relative difference of two roads; share of experts unreached that counts as none
FALL = 1e-6  # relative change of a rate from which an elasticity is taken


def balance(rng: Generator) -> Iterator[Sample]:
    """Routed experts against the projections of attention, at two batches."""
    for model in MIXTURES:
        loose = loosened(rng, COUNT, ("weights", "reached", "even"))
        drawing = drawn(rng, model, COUNT)
        width = np.where(loose["weights"], drawing[width_activations], 0)
        tokens = between(rng, 20, 2000, COUNT) * np.where(loose["reached"], 1 / 200, 2)
        batch = tokens / drawing.of(tokens_per_expert() / B)
        first = drawing.with_({width_activations: width, width_kv: 0 * width, B: batch})
        gamma = np.where(loose["even"], between(rng, 1, 4, COUNT), 1)
        second = first.with_({B: batch * between(rng, 1.5, 100, COUNT), Gamma_imb: gamma, Gamma_acc: gamma})
        yield _balanced(first, second)


def _balanced(first: Systems, second: Systems) -> Sample:
    ratios = [
        _intensity(each, "routed_experts") / _intensity(each, "attention_projections") for each in (first, second)
    ]
    missed = (1 - first[n_k] / first[n_e]) ** first.of(B * l * deg_EP / n_acc)
    change = ratios[0] / ratios[1]
    holds = {
        "weights": first[width_activations] == 0,
        "reached": missed < SMALL,
        "even": first[Gamma_acc] == second[Gamma_acc],
    }
    shown = {"few": ratios[0], "many": ratios[1], "reached": 1 - missed, "batch": first[B], "more": second[B]}
    return sample(first, np.abs(change - 1) < NEAR, holds, far=np.abs(np.log(change)), **shown)


def _intensity(systems: Systems, term: str) -> np.ndarray:
    work, read = systems.counted(term)
    return work / read


def elasticity(rng: Generator) -> Iterator[Sample]:
    """Elasticities of the whole model's throughput to its rates, by small changes up and down."""
    for model in EVERY:
        loose = loosened(rng, COUNT, ("batch", "serial", "rates"))
        drawing = drawn(rng, model, COUNT)
        late = between(rng, 1e-6, 1e-4, COUNT) * rng.integers(0, 2, COUNT)
        group = np.maximum(1, drawing[n_acc] / 2.0 ** rng.integers(0, 4, COUNT))
        slow = drawing[BW_Int] * between(rng, 1 / 32, 1, COUNT)
        systems = drawing.with_({alpha: late, n_group: group, BW_out: slow})
        follows = np.where(loose["batch"], rng.uniform(0.1, 1, COUNT), 0)  # how the batch follows the memory bandwidth
        yield _worth(systems, follows, loose["serial"], loose["rates"])


def _worth(systems: Systems, follows: np.ndarray, hidden: np.ndarray, left_out: np.ndarray) -> Sample:
    def step(of: Systems) -> np.ndarray:
        return np.where(hidden, of.tpot(System("two", overlap="comm")), of.tpot(System("two")))

    def rate(symbol: Symbol, change: float) -> np.ndarray:
        faster = {symbol: systems[symbol] * (1 + change)}
        batch = systems[B] * (1 + change) ** (follows if symbol is BW_mem else 0)
        return batch / step(systems.with_(faster | {B: batch}))

    rates = (P_acc, BW_mem, BW_Int, BW_out)
    worth = {each: (rate(each, FALL) - rate(each, -FALL)) / (2 * FALL) / rate(each, 0) for each in rates}
    links = worth[BW_Int] + np.where(left_out, 0, worth[BW_out])
    whole, taken = worth[P_acc] + worth[BW_mem] + links, step(systems)
    prompt = systems.with_({alpha: 0 * follows})
    wires = sum(prompt.terms_of(name, System("two")) for name in COMMUNICATION) / taken
    claim = (np.abs(whole - step(prompt) / taken) < 1e-4) & (np.abs(links - wires) < 1e-4)
    alone = worth[BW_out] == 0
    holds = {"batch": follows == 0, "serial": ~hidden, "rates": ~left_out | alone}
    far = np.abs(whole - step(prompt) / taken) + np.abs(links - wires)
    return sample(systems, claim, holds, far=far, whole=whole, wires=wires, worth=links)


EXPERTS, GROUP = 32, 8  # experts of a block and accelerators that share them, in every drawn schedule


def schedule(rng: Generator) -> Iterator[Sample]:
    """Whole steps under two placements of experts of random popularity."""
    for model in MIXTURES:
        loose = loosened(rng, COUNT, ("degree", "step"))
        drawing = drawn(rng, model, COUNT)
        count = np.maximum(GROUP, drawing[n_acc])
        more = {n_acc: count, n_e: np.full(COUNT, float(EXPERTS)), deg_EP: np.full(COUNT, float(GROUP))}
        systems = drawing.with_(more)
        systems = systems.with_({B: systems[B] * between(rng, 1, 64, COUNT)})
        alone = {deg_EP: np.where(loose["degree"], 1.0, GROUP), B: systems[B] * np.where(loose["step"], 8, 1)}
        yield _scheduled(rng, systems, systems.with_(alone))


def _popularity(rng: Generator, systems: Systems) -> np.ndarray:
    """Chance that a token visits each expert [points, experts], Zipf with a random exponent, in random order."""
    ranks = rng.permuted(np.tile(np.arange(1, EXPERTS + 1), (len(systems.real), 1)), axis=1)
    weights = ranks ** -rng.uniform(0, 1.5, (len(systems.real), 1))
    return np.minimum(1, weights / weights.sum(axis=1, keepdims=True) * systems[n_k][:, None])


def _scheduled(rng: Generator, systems: Systems, other: Systems) -> Sample:
    popular = _popularity(rng, systems)
    better = np.where(rng.random((len(popular), 1)) < 0.5, rng.permuted(popular, axis=1), _dealt(popular))
    placed = [popular, better]
    (before, busy, most), (after, _, _) = (
        _step(each, chance) for each, chance in zip((systems, other), placed, strict=True)
    )
    gain = other[B] / systems[B] * before / after
    tokens, spanning = (other.of(tokens_per_expert(), {deg_EP: each}) for each in (other[deg_EP], other[n_acc]))
    bound = np.maximum(busy, most)
    claim = (gain <= bound * (1 + NEAR)) & (tokens <= spanning)
    holds = {"degree": other[deg_EP] == systems[deg_EP], "step": other[B] == systems[B]}
    shown = {"gain": gain, "bound": bound, "tokens": busy, "reached": most, "degree": other[deg_EP]}
    return sample(systems, claim, holds, far=gain / bound, **shown)


def _dealt(popular: np.ndarray) -> np.ndarray:
    """Experts dealt out by popularity, to and fro, so that accelerators work nearly alike."""
    rounds = -np.sort(-popular, axis=1).reshape(len(popular), -1, GROUP)
    rounds[:, 1::2] = rounds[:, 1::2, ::-1]
    return rounds.swapaxes(1, 2).reshape(popular.shape)


def _step(systems: Systems, chance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """TPOT [s] of a placement, and the busiest accelerator over the mean [1]: of tokens, and of experts reached."""
    degree = systems[deg_EP].astype(int)
    group = systems.of(B * l * deg_EP / n_acc)
    reached = _per_accelerator(1 - (1 - chance) ** group[:, None], degree)
    tokens = _per_accelerator(chance * group[:, None], degree)
    each = feedforward_stages(systems.architecture)["routed"]
    on_each = [systems.with_({n_act: reached[place], T_e: tokens[place] / reached[place]}) for place in range(GROUP)]
    times = [sum(every.of(roofline.time(kernel)) for kernel in each) for every in on_each]
    last = np.max(times, axis=0) * systems.of(block_counts(systems.architecture)["routed"])
    busy, most = (found.max(axis=0) / found.mean(axis=0) for found in (tokens, reached))
    even = systems.with_({Gamma_acc: busy})
    return even.tpot() - even.terms_of("routed_experts") + last, busy, most


def _per_accelerator(of_experts: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """Sums over the experts of each accelerator [accelerators, points]; one that holds all stands for every other."""
    apart = of_experts.reshape(len(degree), GROUP, -1).sum(axis=2).T
    return np.where(degree == 1, of_experts.sum(axis=1), apart)
