"""Claims about what limits a system that serves large batches (C083, C084, C086, C087)."""

from dataclasses import dataclass

import numpy as np

from analysis.ask.gammas import random_imbalance
from analysis.ask.numbers import value
from analysis.derive.capacity import B_cap, weights_stored
from analysis.derive.symbols import BW_Int, BW_mem, M_cap, P_acc, n_acc
from analysis.ledger.criteria import HALF, WORTHWHILE
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.paper_systems import (
    B_RP,
    CONTEXTS,
    GPT3,
    LLAMA4,
    R1,
    WIRES,
    cap,
    caps,
    core_time,
    scenario,
    terms,
    total,
)
from analysis.ledger.readings import CRITERION, DOMINANT, LOWER, Paper, Reading, holds
from analysis.systems.layers import swept
from analysis.systems.quantities import quantity

LABEL, FIGURE = quantity("tpot_terms").label, "fig-thesis-full-memory"
LINKS = {"nvlink5-b200": "NVLink", "ib-xdr": "InfiniBand"}
SKEWS = (0, 0.8)
L8K = 8192.0


def waiting(s: float) -> float:
    """Load of the busiest of 32 accelerators over the mean [1], on average over random placements."""
    return max(1.0, random_imbalance(scenario(R1, s=s)).mean)


def waiting_share(link: str, s: float) -> np.ndarray:
    """Share of TPOT [%] at B_cap over `CONTEXTS` that the wires take and the wait for the busiest accelerator.

    Under skew experts are placed at random: times are those at the mean imbalance over placements.
    """
    even = terms(scenario(R1, link=link), caps(R1), CONTEXTS)
    found = terms(scenario(R1, link=link, Gamma_imb=waiting(s)), caps(R1), CONTEXTS)
    wait = found["routed_experts"] - even["routed_experts"]
    return 100 * (total(found, *WIRES) + wait) / total(found)


EVERY = "L = 1K to 1M at B_cap"


def large_batches() -> tuple[np.ndarray, str]:
    """The contexts at which memory holds a batch that reaches the ridge, as a mask over `CONTEXTS` and in words."""
    large = caps(R1) >= B_RP(R1)
    return large, f"large batches, at least B_RP: L = 1K to {CONTEXTS[large][-1] / 1024:g}K at B_cap"


@claim("C083")
def _interconnect(paper: Paper) -> Judgement:
    found = {(link, s): waiting_share(link, s) for link in LINKS for s in SKEWS}
    large, last = large_batches()

    def reading(link: str, s: float, some: np.ndarray, where: str) -> Reading:
        shares = found[link, s][some]
        ends = (float(shares[0]), float(shares[-1]))
        return holds(f"{LINKS[link]}, s = {s:g}, {where}", ends, *map(DOMINANT, shares / 100))

    readings = (*(reading(*key, large, last) for key in found), *(reading(*key, CONTEXTS > 0, EVERY) for key in found))
    fitting = {key: int(np.sum(shares > 100 * HALF)) for key, shares in found.items()}
    nvlink, infiniband = (found[link, 0] for link in LINKS)
    skewed, load = found["nvlink5-b200", SKEWS[-1]], random_imbalance(scenario(R1, s=SKEWS[-1]))
    reason = (
        f"Without skew and with memory full the wires take {nvlink[0]:.0f} % of a step at 1K tokens, {nvlink[3]:.0f} % "
        f"at 8K and {nvlink[-1]:.1f} % at 1M on NVLink. On InfiniBand it is {infiniband[0]:.0f}, {infiniband[3]:.0f} "
        f"and {infiniband[-1]:.1f} %. With s = {SKEWS[-1]} and experts at random places the busiest accelerator has "
        f"{load.mean:.2f} ± {load.error:.2f} times the mean load. Wires and waiting then take {skewed[0]:.0f} % at 1K "
        f"and {skewed[3]:.0f} % at 8K on NVLink. They exceed half, our word for dominant, in {sum(fitting.values())} "
        f"of {len(found) * len(CONTEXTS)} cells, {fitting['nvlink5-b200', 0]} of them on NVLink without skew."
    )
    return Judgement(readings, reason, "%", LABEL, FIGURE)


def core_share(name: str, batches: np.ndarray, link: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Share of core attention in TPOT [%] over `CONTEXTS`; its time over the largest other term's, wires as one [1]."""
    found = terms(scenario(name, link=link) if link else scenario(name), batches, CONTEXTS)
    others = [found[term] for term in found if term not in (*WIRES, "core_attention")] + [total(found, *WIRES)]
    core = found["core_attention"]
    return 100 * core / total(found), core / np.max(others, axis=0)


def full_cache_time(name: str) -> float:
    """Time [s] of reading all memory that weights leave free: core attention at B_cap while it waits for memory."""
    setting = scenario(name)
    free = M_cap - weights_stored(setting.architecture) / n_acc
    return float(value(free / BW_mem, setting.point))


def core_at_cap(name: str) -> float:
    """Time [s] of core attention in all blocks at B_cap and L = 8192."""
    setting = scenario(name)
    return float(core_time(setting, cap(name, L8K), L8K, setting))


@claim("C084")
def _attention_no_longer(paper: Paper) -> Judgement:
    found = {link: core_share(R1, caps(R1), link) for link in LINKS}
    large, last = large_batches()

    def reading(name: str, share: np.ndarray, over_others: np.ndarray) -> Reading:
        return holds(f"{name}: below another term", (float(share.min()), float(share.max())), *map(LOWER, over_others))

    whole = tuple(reading(f"{LINKS[link]}, {EVERY}", *each) for link, each in found.items())
    lesser = core_share(R1, np.minimum(caps(R1), B_RP(R1)))
    readings = (
        *whole,
        reading("NVLink, L = 1K to 1M at the lesser of B_RP and B_cap", *lesser),
        *(reading(f"{LINKS[link]}, {last}", share[large], over[large]) for link, (share, over) in found.items()),
    )
    below = [sum(test.met for test in each.tests) for each in whole]
    others = {name: float(core_share(name, caps(name))[0][3]) for name in (GPT3, LLAMA4)}
    times = {name: (full_cache_time(name) * 1e3, core_at_cap(name) * 1e3) for name in (GPT3, LLAMA4, R1)}
    share, slow = (each[0] for each in found.values())
    reason = (
        f"With memory full core attention takes {share[3]:.0f} % of R1's step at 8K tokens ({share[0]:.0f} % at 1K, "
        f"{share[-1]:.0f} % at 1M), more than anything else. It takes {others[GPT3]:.0f} % in GPT-3 and "
        f"{others[LLAMA4]:.0f} % in Llama 4. A full memory must be read: that takes {times[R1][0]:.1f} ms in R1, whose "
        f"core takes {times[R1][1]:.1f} ms, and {times[GPT3][0]:.1f} and {times[LLAMA4][0]:.1f} ms in the others. "
        f"Another term is larger at the shortest contexts, {below[0]} of {len(CONTEXTS)} on NVLink and {below[1]} on "
        f"InfiniBand; there core attention takes {slow[0]:.0f} to {slow[large][-1]:.0f} % at large batches."
    )
    return Judgement(readings, reason, "%", LABEL, FIGURE)


@dataclass(frozen=True)
class Doubling:
    """Throughput at B_cap [1] with one resource doubled, over that without, at one context."""

    L: float
    arithmetic: float
    memory_bandwidth: float
    capacity: float
    interconnect: float

    @property
    def gains(self) -> tuple[float, ...]:
        """The four gains."""
        return self.arithmetic, self.memory_bandwidth, self.capacity, self.interconnect


def doubled(L: float, name: str = R1) -> Doubling:
    """What doubling each of an accelerator's four resources gives a scenario's model on 32 of them."""
    setting = scenario(name)
    twice = {symbol: {symbol.name: 2 * setting.point[symbol]} for symbol in (P_acc, BW_mem, BW_Int)}
    batch, larger = cap(name, L), _cap_at_twice(L, name)
    plain = batch / total(terms(setting, batch, L))
    gain = {symbol: batch / total(terms(setting, batch, L, **more)) / plain for symbol, more in twice.items()}
    gain[M_cap] = larger / total(terms(setting, larger, L)) / plain
    return Doubling(L, *(float(gain[symbol]) for symbol in (P_acc, BW_mem, M_cap, BW_Int)))


def _cap_at_twice(L: float, name: str) -> float:
    """B_cap [requests] of a scenario with twice the memory on each accelerator; not rounded."""
    setting = scenario(name)
    form = B_cap(setting.architecture, setting.conventions)
    return float(value(form, swept(setting, L=L) | {M_cap: 2 * setting.point[M_cap]}))


@claim("C086")
def _balanced(paper: Paper) -> Judgement:
    found = [doubled(L) for L in (8192.0, 2048.0, 65536.0)]
    others = {"GPT-3": doubled(L8K, GPT3), "Llama 4": doubled(L8K, LLAMA4)}
    named = {"R1, L = 2K, 8K and 64K": found} | {f"{name}, L = 8K": [each] for name, each in others.items()}

    def reading(name: str, cases: list[Doubling]) -> Reading:
        most = max(max(each.gains) for each in cases)
        return holds(f"{name}, B_cap: no doubling gives {WORTHWHILE} times", most, CRITERION(most, WORTHWHILE))

    readings = tuple(reading(*each) for each in named.items())
    gains, widest = found[0].gains, {name: each.memory_bandwidth for name, each in others.items()}
    reason = (
        f"At 8K tokens twice the arithmetic gives {gains[0]:.2f} times the throughput, twice the memory bandwidth "
        f"{gains[1]:.2f}, twice the capacity {gains[2]:.2f} and twice the interconnect {gains[3]:.2f}. At 64K it is "
        f"{found[2].gains[0]:.2f}, {found[2].gains[1]:.2f}, {found[2].gains[2]:.2f} and {found[2].gains[3]:.2f}. For "
        f"GPT-3 and Llama 4 twice the memory bandwidth gives {widest['GPT-3']:.2f} and {widest['Llama 4']:.2f}. That "
        f"balance means less than {WORTHWHILE} is our choice."
    )
    return Judgement(readings, reason, "1", quantity("throughput").label, "fig-thesis-resources")


@claim("C087")
def _validated(paper: Paper) -> Judgement:
    return Judgement(
        (holds("no error printed", "none"),),
        "The simulator is said to have been checked against DeepEP and a DGX H100, but no error is printed, so there "
        "is nothing to compare with.",
    )
