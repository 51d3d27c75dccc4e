"""The ledger's claims about serving systems: verdict, the reason in a few words, our number by hand."""

import numpy as np

from analysis.ledger.readings import DIFFERS, NOT_TESTABLE, REPRODUCED, UNDER_A_READING
from tests.ledger.ledger_by_hand import (
    GPT3,
    GPT3_TOKEN,
    LLAMA4,
    LLAMA4_TOKEN,
    R1,
    R1_ATTENTION,
    R1_BESIDE_ROUTED,
    R1_TOKEN,
    gated,
)
from tests.ledger.ledger_systems_by_hand import (
    ALONE,
    CONTIGUOUS,
    EMB,
    GB192,
    GIB180,
    GIB192,
    INFINIBAND,
    LLAMA4_ATTENTION,
    LLAMA4_ROUTED,
    NVLINK,
    R1_ACTIVATIONS,
    R1_EXPERT,
    R1_ROUTED,
    RANDOM,
    SLOW,
    STEPS,
    chosen,
    gpt3,
    gpt3_cap,
    llama4,
    llama4_cap,
    one_over_eight,
    packed,
    r1,
    r1_cap,
    r1_cap_with,
    r1_time,
    replicated_imbalance,
    shuffled_ratios,
)

PIM = {"peak": 256e12, "memory": 32e12}
R1_CAP = r1_cap(8192)
R1_PER_GPU = (r1_cap(16384) / 32, r1_cap(16384, 256) / 256)


def doublings(L):
    """Gains in R1's throughput at B_cap from twice the arithmetic, bandwidth, memory, wires."""
    B = r1_cap(L)
    twice = (64 * GB192 - 2 * (32 * R1_BESIDE_ROUTED + R1_ROUTED)) / (R1_TOKEN * L + R1_ACTIVATIONS)
    times = [r1_time(B, L, **more) for more in ({"peak": 2 * 2250e12}, {"memory": 2 * 8e12}, {"wire": 2 * NVLINK})]
    return (*(r1_time(B, L) / each for each in times), twice / r1_time(twice, L) / (B / r1_time(B, L)))


def once(parameters, token, activations):
    """Requests of 8192 tokens that fit 32 accelerators beside one copy of all weights."""
    return (32 * GB192 - 2 * parameters) // (token * 8192 + activations)


def over_dense(B):
    """Experts' intensity over that of the dense layer, experts placed by load at s = 0.2."""
    return gated(packed(chosen(0.2), 32) * B * 8 / 256, 2048) / gated(B / 32, 18432)


def steps_time(rate, latency):
    """Dispatch [us] of the busiest accelerator in 95 % of routing steps drawn another way."""
    return tuple(np.quantile(STEPS, [0.025, 0.975]) * 7168 * 2 / rate * 1e6 + latency)


def skew_share(L):
    """Percent of TPOT at B_cap in wires and waiting, at the mean imbalance of random placements."""
    B = r1_cap(L)
    even, found = r1(B, L), r1(B, L, gamma=RANDOM)
    return 100 * (found["wires"] + found["experts"] - even["experts"]) / sum(found.values())


def core_on_pim(L):
    """R1's TPOT at B_cap over that with core attention on the memory device."""
    return r1_time(r1_cap(L), L) / r1_time(r1_cap(L), L, core=PIM)


def core_share(L, **more):
    """Percent of R1's TPOT at B_cap in core attention."""
    found = r1(r1_cap(L), L, **more)
    return 100 * found["core"] / sum(found.values())


def copied(B):
    """Tokens of an expert's slot on the busiest accelerator: 256 experts and 32 copies, placed by load."""
    return replicated_imbalance() * B * 8 / (256 + 32)


def flips():
    """Context at which memory holds 9000 requests, GB/s at which wires take the experts' time, tokens, accelerators."""
    free = 32 * GB192 - 2 * (32 * R1_BESIDE_ROUTED + R1_ROUTED)
    found = r1(9000, 2048)
    return (free / 9000 - R1_ACTIVATIONS) / R1_TOKEN, 900 * found["wires"] / found["experts"], 256 / 8, 256 / 8


R1_CORE = 4096 * 128 * 1088 / (576 * 4096 + 128 * 1088)
GPT3_CORE = 4 * 128 * 4096 / (2 * (2 * 4096 * 128 + 2 * 128))

# claim: verdict, the reason for it in a word or two, our number by hand (and a tolerance, where both are random)
SYSTEMS = {
    "C011": (UNDER_A_READING, "largest powers of two at L = 4096", gpt3(128, 4096) / r1_time(8192, 4096) * 8192 / 128),
    "C012": (
        REPRODUCED,
        "one digit",
        llama4(llama4_cap(32768), 32768) / r1_time(r1_cap(32768), 32768) * r1_cap(32768) / llama4_cap(32768),
    ),
    "C013": (DIFFERS, "higher at B_cap", 100 * (1 - r1_time(r1_cap(32768), 32768) / gpt3(gpt3_cap(32768), 32768))),
    "C014": (DIFFERS, "higher at B_cap", 100 * (1 - r1_time(r1_cap(32768), 32768) / llama4(llama4_cap(32768), 32768))),
    "C023": (REPRODUCED, "every book", (llama4_cap(8192, "eq11") / 32, r1_cap(8192, book="eq11") / 32)),
    "C059": (
        UNDER_A_READING,
        "180 GiB, 60 blocks, multiples of 32",
        32
        * (
            (32 * GIB180 - 2 * (32 * 60 * R1_ATTENTION + 57 * 256 * R1_EXPERT))
            // (60 * 1152 * 8192 + R1_ACTIVATIONS)
            // 32
        ),
    ),
    "C060": (
        UNDER_A_READING,
        "180 GiB, FFN in every group",
        4 * ((8 * GIB180 - 2 * 96 * 12 * 12288**2) / (GPT3_TOKEN * 8192)),
    ),
    "C061": (
        UNDER_A_READING,
        "multiples of 4, attention once",
        4 * ((32 * GB192 - 2 * (48 * LLAMA4_ATTENTION + LLAMA4_ROUTED)) // (LLAMA4_TOKEN * 8192 + 2 * 4 * 5120) // 4),
    ),
    "C062": (UNDER_A_READING, "of the printed batches", (7360 / 124, 7360 / 3328)),
    "C063": (
        UNDER_A_READING,
        "weights once",
        (
            once(R1, R1_TOKEN, R1_ACTIVATIONS) / 9000,
            once(GPT3, GPT3_TOKEN, 0) / 1125,
            once(LLAMA4, LLAMA4_TOKEN, 36 * 5120) / 36000,
        ),
    ),
    "C064": (
        UNDER_A_READING,
        "not before every expert is read",
        2 * (32 * 61 * R1_ATTENTION + R1_ROUTED) / (32 * 8e12) * 1e3,
    ),
    "C065": (
        REPRODUCED,
        "both books",
        tuple(
            r1_cap_with(R1_ATTENTION, R1_ROUTED, 576, R1_ACTIVATIONS / 2) / each
            for each in (
                r1_cap_with(R1_ATTENTION, 61 * 3 * EMB * 18432, 576, R1_ACTIVATIONS / 2),
                r1_cap_with(4 * EMB * 16384, R1_ROUTED, 2 * 16384, 2 * EMB + 2 * 16384),
                r1_cap_with(2 * EMB * (16384 + 1024), R1_ROUTED, 2 * 1024, 2 * EMB + 2 * 16384),
            )
        ),
    ),
    "C069": (UNDER_A_READING, "evenly random routing", steps_time(NVLINK, 0.8), 0.015),
    "C070": (UNDER_A_READING, "evenly random routing", steps_time(INFINIBAND, 0.13), 0.015),
    "C071": (NOT_TESTABLE, "no value printed", 17.65 - (151.8 - 17.65) / 8),
    "C073": (REPRODUCED, "a tie", one_over_eight(NVLINK, 2048, 281.25, 281.25)),
    "C074": (REPRODUCED, "at own B_cap", one_over_eight(SLOW, 16384, *R1_PER_GPU)),
    "C075": (UNDER_A_READING, "some random placements", shuffled_ratios()),
    "C076": (UNDER_A_READING, "a tie at B_RP, more below", one_over_eight(NVLINK, 2048, 128, 128)),
    "C077": (
        REPRODUCED,
        "every placement",
        tuple(
            r1_time(281.25 * n, 2048, n) / r1_time(281.25 * n, 2048, n, gamma=gamma)
            for n, gamma in ((32, CONTIGUOUS), (256, ALONE))
        ),
    ),
    "C078": (REPRODUCED, "weights' bytes alone", 256 / 8),
    "C079": (
        UNDER_A_READING,
        "at equal batch",
        tuple(r1_time(64, L) / r1_time(64, L, experts=PIM) for L in (1024, 131072)),
    ),
    "C081": (UNDER_A_READING, "192 GiB", r1_cap(8192, capacity=GIB192, weight=1, book="eq11")),
    "C083": (UNDER_A_READING, "under skew or on InfiniBand", (skew_share(1024), skew_share(4096))),
    "C084": (
        UNDER_A_READING,
        "large batches on InfiniBand",
        tuple(core_share(L, wire=INFINIBAND) for L in (1024, 4096)),
    ),
    "C085": (
        REPRODUCED,
        "reordered MLA computes",
        (4, 4, r1(R1_CAP, 8192)["core"] / r1(R1_CAP, 8192, core=PIM)["core"]),
    ),
    "C086": (UNDER_A_READING, "no gain above 1.5, our choice", max(max(doublings(L)) for L in (2048, 8192, 65536))),
    "C087": (NOT_TESTABLE, "no error printed", "none"),
    "C088": (
        UNDER_A_READING,
        "at 300 GB/s alone",
        (one_over_eight(SLOW, 2048, 281.25, 281.25), one_over_eight(SLOW, 16384, *R1_PER_GPU)),
    ),
    "S01": (UNDER_A_READING, "parts before 2024", (R1_CORE / GPT3_CORE, R1_CORE / (459 / 2.765))),
    "S02": (UNDER_A_READING, "placed by load, mild skew", (over_dense(9000), over_dense(1024))),
    "S03": (REPRODUCED, "ridge 8", core_on_pim(1024)),
    "S04": (NOT_TESTABLE, "no number", flips()),
}
