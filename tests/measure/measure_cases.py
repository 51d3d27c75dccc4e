"""Tiny cases of every operation that `measure` times."""

from analysis.measure.cases import Case, attention, experts, gemm, of_mechanism

LATENT = {"d_KVco": 16, "d_nope": 6, "d_RoPE": 4, "d_v": 5}


def beside(precision: str) -> list[Case]:
    """Tiny cases of what picks rows or keeps a state; a prompt ends within a chunk."""
    index = {"B": 3, "L": 12, "h_I": 3, "d_I": 5, "n_kv": 2, "L_blk": 3, "L_top": 4, "n_top": 2}
    rows = index | LATENT | {"n_hd": 4, "d_hd": 8}
    state = {"B": 2, "n_v": 6, "d_k": 5, "d_s": 4}
    picking = [of_mechanism("index", name, precision, **index | {"l": 2}) for name in ("DSA", "MSA")]
    picking += [of_mechanism("select", name, precision, **index | {"l": 2}) for name in ("DSA", "MSA")]
    picking += [of_mechanism("core_attention", name, precision, **rows) for name in ("DSA", "MSA")]
    states = [("GDN", {"n_qk": 3}), ("KDA", {}), ("Mamba2", {"n_qk": 2})]
    steps = [of_mechanism("state_step", name, precision, **state | more) for name, more in states]
    prompt = {"L": 10, "l": 10, "L_cut": 4}
    return (
        picking
        + steps
        + [of_mechanism("state_prompt", name, precision, **state | more | prompt) for name, more in states]
    )


def small_cases() -> list[Case]:
    shape = {"B": 3, "L": 12, "n_hd": 4}
    return [
        *attention("MHA", "fp32", shape | {"d_hd": 8}),
        *attention("GQA", "fp32", shape | {"n_kv": 2, "d_hd": 8}),
        *attention("MLA", "fp32", shape | LATENT),
        *beside("fp32"),
        experts("fp32", 3, 2, {"d_emb": 10, "d_MoE": 7}),
        gemm("fp32", 5, 6, 7),
        Case.of("read", "fp32", bytes=8000),
        Case.of("copy", "fp32", bytes=8000),
    ]
