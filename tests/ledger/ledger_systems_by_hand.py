"""Serving systems by hand for the ledger's tests: sizes, memory books and roofline times typed as numbers.

No formula of `analysis` is used. Accelerators are B200 as printed; `gamma` is the load of the busiest over the mean.
"""

from functools import cache
from math import floor

import numpy as np

from tests.ledger.ledger_by_hand import (
    BANDWIDTH,
    EMB,
    GPT3_TOKEN,
    LLAMA4_TOKEN,
    PEAK,
    R1_ATTENTION,
    R1_BESIDE_ROUTED,
    R1_EXPERT,
    R1_TOKEN,
    parts,
    product,
)

GB192, GB180, GIB192, GIB180 = 192e9, 180e9, 192 * 2**30, 180 * 2**30
NVLINK, SLOW, INFINIBAND = 900e9, 300e9, 100e9
R1_ROUTED = 58 * 256 * R1_EXPERT
R1_ACTIVATIONS = 2 * (7168 + 1536 + 16384 + 8192 + 65536 + 65536 + 16384 + 7168)
LLAMA4_ATTENTION, LLAMA4_EXPERT = 2 * 5120 * 5120 + 2 * 5120 * 1024, 3 * 5120 * 8192
LLAMA4_ROUTED = 24 * 128 * LLAMA4_EXPERT


# -- memory ----------------------------------------------------------------------------------------
def r1_cap(L: float, n: int = 32, capacity: float = GB192, weight: float = 2, book: str = "built") -> int:
    """Requests that fit n accelerators beside R1."""
    once = 61 * R1_ATTENTION if book == "eq11" else R1_BESIDE_ROUTED
    return floor((n * capacity - weight * (n * once + R1_ROUTED)) / (R1_TOKEN * L + R1_ACTIVATIONS))


def gpt3_cap(L: float, book: str = "built") -> int:
    """Requests that fit 32 accelerators beside GPT-3, TP8 DP4."""
    if book == "eq11":
        return floor((32 * GB192 - 2 * 96 * (4 * 4 + 8) * 12288**2) / (GPT3_TOKEN * L + 2 * 4 * 12288))
    biases = 2 * 12288 + 2 * 12288 + 36 * 128 + 12288 + 6144 + 12288
    shard = 96 * (4 * 12288 * 1536 + 2 * 12288 * 6144 + biases) + 2 * 12288 + (50257 / 8 + 2048) * 12288
    return floor((32 * GB192 - 2 * 32 * shard) / (GPT3_TOKEN * L + 2 * (2 * 8 + 2) * 12288))


def llama4_cap(L: float, book: str = "built") -> int:
    """Requests that fit 32 accelerators beside Llama 4 Maverick, TP8 DP4 EP32."""
    if book == "eq11":
        return floor((32 * GB192 - 2 * (4 * 48 * LLAMA4_ATTENTION + LLAMA4_ROUTED)) / (LLAMA4_TOKEN * L + 2 * 4 * 5120))
    shard = 48 * LLAMA4_ATTENTION / 8 + 24 * 3 * 5120 * (16384 + 8192) / 8 + LLAMA4_ROUTED / 32
    shard += 48 * 2 * 5120 + 5120 + 24 * 5120 * 128 + 2 * 202048 / 8 * 5120
    return floor((32 * GB192 - 2 * 32 * shard) / (LLAMA4_TOKEN * L + 2 * (2 * 8 + 2) * 5120))


def r1_cap_with(attention: int, feedforward: int, cached: int, activations: int, L: float = 8192) -> float:
    """Requests beside an R1 with other parts in its 61 blocks: attention in every group, feed-forward weights once."""
    return (32 * GB192 - 2 * (32 * 61 * attention + feedforward)) / (2 * (61 * cached * L + activations))


# -- time ------------------------------------------------------------------------------------------
def roof(*kernels, peak=PEAK, memory=BANDWIDTH):
    """Seconds of kernels, each (FLOPs, bytes), one after another."""
    return sum(max(flops / peak, moved / memory) for flops, moved in kernels)


def ffn(rows, width, hidden, matrices=3):
    """A fused feed-forward layer."""
    return 2 * matrices * rows * width * hidden, 2 * (2 * rows * width + matrices * width * hidden)


def r1(B, L, n=32, wire=NVLINK, gamma=1.0, experts=None, core=None, **device):
    """Terms of R1's TPOT [s], TP1; `experts` and `core` are rates of another device that runs them."""
    b, here = B / n, gamma * B * 8 / n
    attention = parts(b, L, reordered=True)
    reached = 256 / n * (1 - (248 / 256) ** B)
    routed = 6 * here * EMB * 2048, 2 * (2 * here * EMB + reached * 3 * EMB * 2048)
    travel = 58 * here * EMB * 2 / wire
    return {
        "projections": 61 * roof(*attention["projections"], *attention["output"], **device),
        "absorbed": 61 * roof(*attention["decompression"], **device),
        "core": 61 * roof(*attention["core"], **(core or device)),
        "dense": 3 * roof(ffn(b, EMB, 18432), **device),
        "experts": 58 * roof(routed, **(experts or device)),
        "shared": 58 * roof(ffn(b, EMB, 2048), **device),
        "router": 58 * roof(product(b, EMB, 256), **device),
        "head": roof(product(b, EMB, 129280), **device),
        "wires": 2 * travel,
    }


def gpt3(B, L):
    """GPT-3's TPOT [s] on TP8 DP4, ring all-reduces included."""
    b = B / 4
    core = 4 * b * 12 * L * 128, 2 * (2 * b * 12 * 128 + 2 * b * L * 12 * 128)
    block = roof(*3 * [product(b, 12288, 1536)], product(b, 1536, 12288), core, ffn(b, 12288, 6144, 2))
    return 96 * block + roof(product(b, 12288, 50257 / 8)) + 96 * 2 * 2 * 7 / 8 * 2 * b * 12288 / NVLINK


def llama4(B, L):
    """Llama 4's TPOT [s] on TP8 DP4 EP32."""
    b, here, reached = B / 4, B / 32, 4 * (1 - (127 / 128) ** B)
    core = 4 * b * 5 * L * 128, 2 * (2 * b * 5 * 128 + 2 * b * L * 128)
    attention = roof(product(b, 5120, 640), *2 * [product(b, 5120, 128)], product(b, 640, 5120), core)
    experts = 6 * here * 5120 * 8192, 2 * (2 * here * 5120 + reached * 3 * 5120 * 8192)
    dense, routed = ffn(b, 5120, 2048), roof(experts, ffn(b, 5120, 1024), product(b, 5120, 128))
    wires = 24 * 2 * here * 5120 * 2 / NVLINK + (48 + 24 + 24) * 2 * 7 / 8 * 2 * b * 5120 / NVLINK
    return 48 * attention + 24 * (roof(dense) + routed) + roof(product(b, 5120, 25256)) + wires


def r1_time(*given, **more) -> float:
    """R1's TPOT [s]."""
    return sum(r1(*given, **more).values())


def one_over_eight(wire, L, small, large) -> float:
    """Throughput of 256 accelerators over that of 8 x 32, at requests per accelerator."""
    return large / small * r1_time(32 * small, L) / r1_time(256 * large, L, 256, wire)


# -- routing ---------------------------------------------------------------------------------------
@cache
def chosen(s=0.8, experts=256, draws=8) -> np.ndarray:
    """Probability that each expert is among 8 draws without replacement: its clock rings before the eighth other one.

    The trapezoid rule in the logarithm of time, and the count of rung clocks before and behind each of them.
    """
    rates = np.arange(1, experts + 1) ** -s
    rates /= rates.sum()
    step = 0.125
    times = np.exp(np.arange(-25, 6, step))
    clocks = 1 - np.exp(-np.outer(rates, times))
    before, behind = (list(_counted(each, draws)) for each in (clocks, clocks[::-1]))
    both = zip(before, behind[::-1], strict=True)
    fewer = [sum(each * after[: draws - n].sum(axis=0) for n, each in enumerate(first)) for first, after in both]
    return np.sum(rates[:, None] * (1 - clocks) * fewer * times, axis=1) * step


def _counted(clocks, draws):
    """Before each clock in turn: the probability that 0, 1, ... of those before it have rung."""
    counts = np.zeros((draws, clocks.shape[1]))
    counts[0] = 1
    for rung in clocks:
        yield counts.copy()
        counts[1:] = counts[1:] * (1 - rung) + counts[:-1] * rung
        counts[0] *= 1 - rung


CHOSEN = chosen()
CONTIGUOUS, ALONE = CHOSEN[:8].sum() * 32 / 8, CHOSEN[0] * 256 / 8


def shuffled(seed: int) -> float:
    """Busiest of 32 accelerators over the mean, experts placed in the order of a seeded permutation."""
    return np.bincount(np.random.default_rng(seed).permutation(256) // 8, weights=CHOSEN).max() * 32 / 8


RANDOM = float(np.mean([shuffled(seed) for seed in range(200)]))


def packed(load, accelerators: int) -> float:
    """Busiest accelerator over the mean: hottest experts first, each where least is, equally many on all."""
    loads, room = np.zeros(accelerators), np.full(accelerators, len(load) // accelerators)
    for each in sorted(load, reverse=True):
        a = int(np.argmin(np.where(room > 0, loads, np.inf)))
        loads[a], room[a] = loads[a] + each, room[a] - 1
    return loads.max() * accelerators / sum(load)


def arrivals(steps: int, n: int = 32, tokens: int = 128) -> np.ndarray:
    """Copies that reach the busiest accelerator from others in each step, 8 of 256 experts a token: any 8 numbers
    below 256, drawn again where two are equal."""
    rng = np.random.default_rng(15)
    picks = rng.integers(256, size=(steps * n * tokens, 8), dtype=np.uint8)
    bad = np.arange(len(picks))
    while len(bad := bad[(np.diff(np.sort(picks[bad], axis=1)) == 0).any(axis=1)]):
        picks[bad] = rng.integers(256, size=(len(bad), 8), dtype=np.uint8)
    there = (picks // 8).reshape(steps, n, tokens * 8)
    pairs = (np.arange(steps)[:, None, None] * n + np.arange(n)[:, None]) * n + there
    sent = np.bincount(pairs.ravel(), minlength=steps * n * n).reshape(steps, n, n)
    return (sent.sum(axis=1) - sent.diagonal(axis1=1, axis2=2)).max(axis=1)


STEPS = arrivals(200)


def shuffled_ratios(seeds: int = 100) -> tuple[float, float]:
    """The 2.5 and 97.5 per cent quantiles of 256 accelerators' imbalance over that of 32."""
    return tuple(np.quantile([ALONE / shuffled(seed) for seed in range(seeds)], [0.025, 0.975]))


def replicated_imbalance(copies: int = 32, accelerators: int = 32) -> float:
    """Busiest accelerator over the mean: a further slot each for the hottest, slots placed heaviest first."""
    counts = [1] * len(CHOSEN)
    for _ in range(copies):
        counts[max(range(len(CHOSEN)), key=lambda i: CHOSEN[i] / counts[i])] += 1
    slots = sorted((CHOSEN[i] / counts[i] for i in range(len(CHOSEN)) for _ in range(counts[i])), reverse=True)
    loads, room = [0.0] * accelerators, [len(slots) // accelerators] * accelerators
    for slot in slots:
        a = min((a for a in range(accelerators) if room[a]), key=lambda a: loads[a])
        loads[a], room[a] = loads[a] + slot, room[a] - 1
    return max(loads) * accelerators / 8
