"""Every judged claim of the ledger: its verdict, frozen with the reason in a few words, and our number by hand."""

from ledger_by_hand import (
    GPT3,
    GPT3_TOKEN,
    LLAMA4,
    LLAMA4_TOKEN,
    R1,
    R1_ACTIVE,
    R1_ATTENTION,
    R1_TOKEN,
    gated,
    share,
    slowdown,
    speedup,
    tp_speed,
)
from ledger_systems_table import SYSTEMS

from analysis.evaluate.claims.ledger import DIFFERS, ERROR, NOT_TESTABLE, REPRODUCED, UNDER_A_READING

BATCHES = (64, 128, 256, 512, 1024, 2048, 4096)

# claim: verdict, the reason for it in a word or two, our number by hand
HAND = {
    "C001": (REPRODUCED, "printed inputs", 125 / 0.9),
    "C002": (REPRODUCED, "printed inputs", 312 / 2.039),
    "C003": (REPRODUCED, "printed inputs", 989.5 / 4.8),
    "C004": (REPRODUCED, "printed inputs", 2250 / 8),
    "C005": (REPRODUCED, "printed inputs", 459 / 2.765),
    "C006": (ERROR, "needs 7200 GB/s, prints 7400", 2307 / 7.4),
    "C007": (REPRODUCED, "printed inputs", 1307.4 / 6),
    "C008": (REPRODUCED, "printed inputs", (2250 / 125, 2.25 / 8 / (0.125 / 0.9))),
    "C009": (UNDER_A_READING, "TPU v7 grew more, from another maker", (18, 2.025)),
    "C010": (REPRODUCED, "parts since 2024", (989.5 / 4.8, 2307 / 7.4)),
    "C015": (REPRODUCED, "parameter counts", (R1 / GPT3, R1 / LLAMA4)),
    "C016": (REPRODUCED, "S in memory", 4 * 128 * 4096 / (2 * (2 * 4096 + 2 * 4096 * 128 + 2 * 128))),
    "C017": (REPRODUCED, "five queries a key", 4 * 40 * 128 * 4096 / (2 * (2 * 4096 * 8 * 128 + 2 * 40 * 128))),
    "C018": (UNDER_A_READING, "GiB", 2048 * GPT3_TOKEN / 2**30),
    "C019": (REPRODUCED, "61 blocks", 4718592 / 70272),
    "C020": (REPRODUCED, "head counted, embedding not", (R1_ACTIVE / 1e9, R1 / 1e9)),
    "C021": (UNDER_A_READING, "60 blocks, against C019 and C028", 196608 / (60 * 1152)),
    "C022": (REPRODUCED, "whole model", LLAMA4_TOKEN * 1.4 / R1_TOKEN),
    "C024": (
        NOT_TESTABLE,
        "no value printed",
        tuple(
            (2 * held + 8e6 * token) / 1e12
            for held, token in ((GPT3, GPT3_TOKEN), (LLAMA4, LLAMA4_TOKEN), (R1, R1_TOKEN))
        ),
    ),
    "C025": (UNDER_A_READING, "binary millions, keys alone", 7168 * 16384 / 2**20),
    "C026": (UNDER_A_READING, "binary millions, keys alone", 512 * (7168 + 16384) / 2**20),
    "C027": (UNDER_A_READING, "MiB", GPT3_TOKEN / 2**20),
    "C028": (UNDER_A_READING, "KiB", 61 * 576 * 2 / 1024),
    "C029": (UNDER_A_READING, "c_KV not charged", 512),
    "C030": (REPRODUCED, "two digits of 100", 102.4),
    "C031": (REPRODUCED, "limit", 128),
    "C032": (REPRODUCED, "limit", 512),
    "C033": (UNDER_A_READING, "c_KV not charged", 512),
    "C034": (ERROR, "q_N dropped here, charged in the prefill row", 102.4),
    "C035": (REPRODUCED, "limit", 128 / 129),
    "C036": (REPRODUCED, "two digits of 100", 102.4),
    "C037": (REPRODUCED, "fused, RoPE in", share("decompression")),
    "C038": (DIFFERS, "rounds to 41", share("core")),
    "C039": (REPRODUCED, "every reading", share("decompression", "core")),
    "C040": (REPRODUCED, "exact", "L"),
    "C041": (UNDER_A_READING, "RoPE out", 512 / 128),
    "C042": (UNDER_A_READING, "keys alone, RoPE out", 16384 / 512),
    "C043": (UNDER_A_READING, "RoPE out", (102.4, 2 * 2 * 128 * 512 / (2 * (512 + 128)))),
    "C044": (REPRODUCED, "fused", 128 * (576 + 512) / 576 / 281.25),
    "C045": (REPRODUCED, "one digit of about 50", 256 * 4096 * 128 * 192 * 2 / 1e9),
    "C046": (UNDER_A_READING, "RoPE out, endless context", 2 * 16384 / 512),
    "C047": (UNDER_A_READING, "largest cell in memory to L = 8192", speedup(64, 8192)),
    "C048": (UNDER_A_READING, "a cell beyond memory", speedup(256, 4096)),
    "C049": (UNDER_A_READING, "L = 4096", slowdown(4096, 4096)),
    "C050": (DIFFERS, "no cell gives it", slowdown(1, 4096)),
    "C051": (REPRODUCED, "the cache has no head axis", 8),
    "C052": (
        REPRODUCED,
        "slower than data parallelism",
        (min(tp_speed(B) for B in BATCHES), max(tp_speed(B) for B in BATCHES)),
    ),
    "C053": (REPRODUCED, "Eq. 10", 281.25 * 256 / 8),
    "C054": (REPRODUCED, "Eq. 10", 281.25 * 32),
    "C055": (REPRODUCED, "both are equal at 32", 9000),
    "C056": (REPRODUCED, "one EP group", (9000,)),
    "C057": (REPRODUCED, "weights' bytes alone", 9000 * 8 / 256),
    "C058": (UNDER_A_READING, "within a tenth", gated(281.25, 2048) / gated(281.25, 18432)),
    "C066": (ERROR, "8 experts cannot be chosen 256 times", (256, 8)),
    "C067": (REPRODUCED, "heads", 40 / 8),
    "C068": (REPRODUCED, "configuration", (8, 16, 5)),
    "C072": (REPRODUCED, "both directions", 2 * 900 / 1000),
    "C080": (REPRODUCED, "FP8 weights and arithmetic", (2, 1)),
    "C082": (
        REPRODUCED,
        "fused",
        (4096 * 128 * 1088 / (576 * 4096 + 128 * 1088)) / (4 * 128 * 4096 / (2 * (2 * 4096 * 128 + 2 * 128))),
    ),
    "C089": (REPRODUCED, "less than an MHA", R1_ATTENTION / (4 * 7168 * 16384)),
}
HAND |= SYSTEMS
