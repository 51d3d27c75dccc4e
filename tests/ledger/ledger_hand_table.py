"""Every judged claim of the ledger: its verdict, frozen with the reason in a few words, and our number by hand."""

from analysis.ledger.readings import DIFFERS, ERROR, NOT_TESTABLE, REPRODUCED, UNDER_A_READING
from tests.ledger.ledger_by_hand import (
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
from tests.ledger.ledger_systems_table import SYSTEMS

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
    "C009": (ERROR, "TPU v7 grew more in the same table", (2307 / 125, 2307 / 7.4 / (125 / 0.9))),
    "C010": (UNDER_A_READING, "parts since 2024, our choice", (989.5 / 4.8, 2307 / 7.4)),
    "C015": (REPRODUCED, "parameter counts", (R1 / GPT3, R1 / LLAMA4)),
    "C016": (REPRODUCED, "S in memory", 4 * 128 * 4096 / (2 * (2 * 4096 + 2 * 4096 * 128 + 2 * 128))),
    "C017": (REPRODUCED, "five queries a key", 4 * 40 * 128 * 4096 / (2 * (2 * 4096 * 8 * 128 + 2 * 40 * 128))),
    "C018": (UNDER_A_READING, "GiB", 2048 * GPT3_TOKEN / 2**30),
    "C019": (REPRODUCED, "61 blocks", 4718592 / 70272),
    "C020": (REPRODUCED, "head counted, embedding not", (R1_ACTIVE / 1e9, R1 / 1e9)),
    "C021": (ERROR, "61 blocks in Table II, C019 and C028", 196608 / 70272),
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
    "C029": (ERROR, "c_KV dropped here, inputs charged in C030 and C036", 1 / (1 / 512 + 1 / 16384)),
    "C030": (REPRODUCED, "two digits of 100", 102.4),
    "C031": (REPRODUCED, "limit", 128),
    "C032": (REPRODUCED, "limit", 512),
    "C033": (ERROR, "as C029", 1 / (1 / 512 + 1 / 16384)),
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
    "C044": (UNDER_A_READING, "fused, RoPE out, within a tenth", 128 * (512 + 512) / 512 / 281.25),
    "C045": (REPRODUCED, "one digit of about 50", 256 * 4096 * 128 * 192 * 2 / 1e9),
    "C046": (UNDER_A_READING, "RoPE out, endless context", 2 * 16384 / 512),
    "C047": (UNDER_A_READING, "largest cell in memory to L = 8192", speedup(64, 8192)),
    "C048": (UNDER_A_READING, "a cell beyond memory", speedup(256, 4096)),
    "C049": (UNDER_A_READING, "L = 4096", slowdown(4096, 4096)),
    "C050": (DIFFERS, "no cell gives it", slowdown(1, 4096)),
    "C051": (REPRODUCED, "the cache has no head axis", 8),
    "C052": (
        UNDER_A_READING,
        "a gain below 1.5, our choice",
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

# Readings that fit, of those tried, for each claim: dropping one that does not fit is tuning too.
TRIED = """
    C001 1/1, C002 1/1, C003 1/1, C004 1/1, C005 1/1, C006 0/2, C007 1/1, C008 1/1,
    C009 1/2, C010 1/3, C011 1/13, C012 9/14, C013 0/13, C014 0/14, C015 1/1, C016 4/4,
    C017 4/4, C018 1/4, C019 1/4, C020 1/2, C021 1/3, C022 2/4, C023 6/6, C024 0/1,
    C025 1/4, C026 1/4, C027 1/2, C028 1/6, C029 2/6, C030 2/6, C031 4/4, C032 4/4,
    C033 2/6, C034 2/6, C035 4/6, C036 2/6, C037 4/12, C038 0/12, C039 12/12, C040 1/1,
    C041 1/2, C042 1/4, C043 1/6, C044 1/8, C045 2/4, C046 1/6, C047 2/32, C048 5/32,
    C049 6/26, C050 0/27, C051 1/5, C052 1/6, C053 1/2, C054 1/1, C055 2/4, C056 1/2,
    C057 1/2, C058 2/4, C059 15/1728, C060 2/192, C061 16/864, C062 1/3, C063 2/6, C064 2/3,
    C065 1/2, C066 1/2, C067 1/1, C068 2/2, C069 1/7, C070 1/9, C071 0/3, C072 1/2,
    C073 1/3, C074 1/4, C075 2/10, C076 2/3, C077 4/4, C078 3/4, C079 1/2, C080 1/2,
    C081 6/8, C082 7/9, C083 3/8, C084 1/5, C085 1/2, C086 1/3, C087 0/1, C088 1/4,
    C089 1/1, S01 1/4, S02 1/10, S03 1/3, S04 0/1
"""
