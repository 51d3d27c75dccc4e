"""Tiny cases of every operation that `measure` times."""

from analysis.measure.cases import Case, attention, experts, gemm

LATENT = {"d_KVco": 16, "d_nope": 6, "d_RoPE": 4, "d_v": 5}


def small_cases() -> list[Case]:
    shape = {"B": 3, "L": 12, "n_hd": 4}
    return [
        *attention("MHA", "fp32", shape | {"d_hd": 8}),
        *attention("GQA", "fp32", shape | {"n_kv": 2, "d_hd": 8}),
        *attention("MLA", "fp32", shape | LATENT),
        experts("fp32", 3, 2, {"d_emb": 10, "d_MoE": 7}),
        gemm("fp32", 5, 6, 7),
        Case.of("read", "fp32", bytes=8000),
        Case.of("copy", "fp32", bytes=8000),
    ]
