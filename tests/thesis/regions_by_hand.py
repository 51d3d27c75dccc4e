"""Margins of the verdict by hand: R1, and once Maverick, on the chips of Table I, all sizes typed as numbers.

Steps of R1 are those of the ledger's tests, where no formula of `analysis` is used.
"""

import math

import numpy as np

from tests.ledger.ledger_by_hand import EMB, LLAMA4, LLAMA4_TOKEN, R1_BESIDE_ROUTED, R1_TOKEN, parts, product
from tests.ledger.ledger_systems_by_hand import (
    LLAMA4_ROUTED,
    R1_ACTIVATIONS,
    R1_ROUTED,
    chosen,
    ffn,
    r1,
    roof,
    shuffled,
)

EMB4 = 5120
CONTEXTS, SHARES = [256 * 2**power for power in range(13)], [0, 0.25, 0.5, 0.75, 1]
CHIPS = {  # Table I: FLOP/s, byte/s, byte, and one way on the link that it comes with [byte/s]
    "V100": (125e12, 900e9, 32e9, 150e9),
    "A100": (312e12, 2039e9, 80e9, 300e9),
    "H200": (989.5e12, 4800e9, 141e9, 450e9),
    "B200": (2250e12, 8000e9, 192e9, 900e9),
    "TPU v5p": (459e12, 2765e9, 95e9, 600e9),
    "TPU v7": (2307e12, 7400e9, 192e9, 600e9),
    "MI325X": (1307.4e12, 6000e9, 256e9, 448e9),
}
B200, IB = CHIPS["B200"], 100e9
PIM, WIDE = {"peak": 256e12, "memory": 32e12}, {"peak": 2250e12, "memory": 32e12}


def random_placement(skew: float) -> float:
    """Busiest of 32 accelerators over the mean load, the mean over 200 seeded orders of the experts."""
    if skew == 0.8:
        return float(np.mean([shuffled(seed) for seed in range(200)]))
    loads = chosen(skew)
    orders = [np.random.default_rng(seed).permutation(256) // 8 for seed in range(200)]
    return float(np.mean([np.bincount(order, weights=loads).max() for order in orders])) * 32 / 8


GAMMA = {0: 1.0, 0.4: random_placement(0.4), 0.8: random_placement(0.8)}


def wire(link: str, own: float) -> float:
    """One-way rate at which an exchange travels [byte/s]: a quarter of the copies stays in a group of 8 of 32."""
    return {"fast": own, "groups": min(own / 0.25, IB / 0.75), "slow": IB}[link]


def cap(L: float, memory: float = B200[2], n: float = 32) -> float:
    """Requests that n accelerators hold beside R1, not rounded."""
    return (n * memory - 2 * (n * R1_BESIDE_ROUTED + R1_ROUTED)) / (R1_TOKEN * L + R1_ACTIVATIONS)


def batch(L: float, share: float, memory: float = B200[2], n: float = 32) -> float:
    """Requests at a share of the way, in the logarithm, from one an accelerator to full memory; nan if not as many."""
    return n * (cap(L, memory, n) / n) ** share if cap(L, memory, n) >= n else math.nan


def step(L, share, link="fast", skew=0, chip="B200", B=None, **more) -> dict[str, float]:
    """R1's terms on 32 of a chip [s]."""
    peak, bandwidth, memory, own = CHIPS[chip]
    rates = {"peak": peak, "memory": bandwidth}
    return r1(B or batch(L, share, memory), L, wire=wire(link, own), gamma=GAMMA[skew], **rates, **more)


def no_longer(*place, **more) -> float:
    terms = step(*place, **more)
    attention = {"projections": terms.pop("projections"), "absorbed": terms.pop("absorbed")}
    core = terms.pop("core")
    return (max(*terms.values(), *attention.values()) - core) / (core + sum(attention.values()) + sum(terms.values()))


def wires(L, share, link="fast", skew=0, chip="B200", **more) -> float:
    even, terms = step(L, share, link, 0, chip, **more), step(L, share, link, skew, chip, **more)
    return (terms["wires"] + terms["experts"] - even["experts"]) / sum(terms.values()) - 0.5


def not_needed(L, share, link, device) -> float:
    plain, moved = step(L, share, link), step(L, share, link, core=device)
    return 1.005 - sum(plain.values()) / sum(moved.values())


def block(B, L, degree, link, chip) -> float:
    """An MLA block on `degree` accelerators a group, with its all-reduce of one vector a token [s]."""
    peak, bandwidth, _, own = CHIPS[chip]
    kernels = [each for stage in parts(B * degree / 32, L, True, heads=128 // degree).values() for each in stage]
    ring = 2 * (degree - 1) / degree * B * degree / 32 * EMB * 2 / (IB if link == "slow" else own)
    return roof(*kernels, peak=peak, memory=bandwidth) + ring


def tensor(L, share, link, chip, degree) -> float:
    B = batch(L, share, CHIPS[chip][2])
    return block(B, L, degree, link, chip) / block(B, L, 1, link, chip) - 1


def small(L, share, link, kept) -> float:
    B = batch(L, share)
    later = (B if cap(2 * L) >= B and cap(2 * L) >= 32 else math.nan) if kept == "requests" else batch(2 * L, share)

    def gain(L, B):
        plain, moved = (step(L, 1, link, B=B, experts=each) for each in (None, PIM))
        return sum(plain.values()) / sum(moved.values())

    here = gain(L, B)
    return min(here - 1, 1 - gain(2 * L, later) / here) if not math.isnan(later) else math.nan


def computes(L, chip, degree) -> float:
    heads, (peak, bandwidth, *_) = 128 / degree, CHIPS[chip]
    return 2 * heads * 1088 * L / (2 * (576 * L + heads * 1088)) / (peak / bandwidth) - 1


def raises(L, against, grouping, degree) -> float:
    """Core attention of one request and block, MLA over MHA (96 heads alike) or GQA (5 heads a cache)."""
    h, layered = 128 / degree, grouping == "layered"
    latent = 2 * h * 1088 * L / (2 * (576 * L + h * 1088 + layered * (512 + 3 * h) * L))
    q = {"MHA": 1, "GQA": 5}[against]
    old = 4 * q * 128 * L / (2 * (2 * 128 * L + 2 * q * 128 + layered * 2 * q * L))
    return latent / old / 100 - 1


def tunes(L, share, count, layer) -> float:
    """R1's experts on `count` accelerators over a dense layer of one of them."""
    B = batch(L, share, n=count)
    here, reached = B * 8 / count, 256 / count * (1 - (248 / 256) ** B)
    routed = 6 * here * EMB * 2048 / (2 * (2 * here * EMB + reached * 3 * EMB * 2048))
    dense = ffn(B / count, EMB, 18432) if layer == "dense" else product(B / count, 128 * 128, EMB)
    return 0.1 - abs(routed / (dense[0] / dense[1]) - 1)


def llama4_tunes(L, share, count) -> float:
    """Maverick's experts, one of 128 a token, over its dense layers; each accelerator with a whole attention."""
    kept, routed = LLAMA4 - LLAMA4_ROUTED, 3 * EMB4 * 8192
    most = (count * B200[2] - 2 * (count * kept + LLAMA4_ROUTED)) / (LLAMA4_TOKEN * L + 2 * 4 * EMB4)
    if most < count or count > 128:
        return math.nan
    B = count * (most / count) ** share
    reached = 128 / count * (1 - (127 / 128) ** B)
    experts = 2 * routed * B / count / (2 * (2 * B / count * EMB4 + reached * routed))
    dense = ffn(B / count, EMB4, 16384)
    return 0.1 - abs(experts / (dense[0] / dense[1]) - 1)


def slower(terms: dict[str, float], rate: float) -> float:
    """Wires at another rate than NVLink's 900 GB/s, less everything else [s]."""
    return terms["wires"] * 900e9 / rate - sum(terms.values()) + terms["wires"]
