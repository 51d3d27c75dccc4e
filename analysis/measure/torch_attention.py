"""Kernels of attention by PyTorch, which is imported late: when one is set up, never with this module."""

from typing import Any

from analysis.measure import state_kernels
from analysis.measure.backend import Run
from analysis.measure.cases import Case
from analysis.measure.layouts import Arrays, shapes


def fused(given: Arrays, case: Case, backend: str) -> Run:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention as attend

    Q, K, V, shape = _attended(given, case)
    chosen = getattr(SDPBackend, backend)

    def run() -> Arrays:
        with sdpa_kernel(chosen):
            return {"O": attend(Q, K, V, scale=1.0).reshape(shape)}

    return run


def layered(given: Arrays, case: Case) -> Run:
    Q, K, V, shape = _attended(given, case)
    return lambda: {"O": ((Q @ K.mT).softmax(dim=-1) @ V).reshape(shape)}


def _attended(given: Arrays, case: Case) -> tuple[Any, Any, Any, tuple[int, ...]]:
    """Queries, keys and values with the axes batch, heads, rows, entries, and the shape of the context.

    Queries that share keys are rows of one head: those of a group, or all heads of the reordered latent.
    """
    K, V = given["K"], given.get("V")
    if V is None:
        K = K.unsqueeze(1)
        V = K[..., : case.sizes["d_KVco"]]
    Q = given["Q"].reshape(*K.shape[:2], -1, K.shape[-1])
    return Q, K, V, (*given["Q"].shape[:-1], V.shape[-1])


def picked(given: Arrays, case: Case) -> Run:
    """Rows gathered into arrays of their own, block by block, and attention to these."""
    import torch

    T, wide = given["T"].flatten(0, -2), case.sizes.get("L_blk", 1)
    flat = {name: given[name].reshape(-1, wide * given[name].shape[-1]) for name in given.keys() & {"K", "V"}}
    starts = torch.arange(len(T), device=T.device, dtype=T.dtype)[:, None] * (len(flat["K"]) // len(T))

    def run() -> Arrays:
        places = (T + starts).flatten()
        rows = {
            name: torch.index_select(array, 0, places).reshape(*given[name].shape[:-2], -1, given[name].shape[-1])
            for name, array in flat.items()
        }
        return layered({"Q": given["Q"], **rows}, case)()

    return run


def index(given: Arrays, case: Case) -> Run:
    """Scores of all heads as one product; positive ones weighed by head, or the largest of each block."""
    Q, K = given["Q"], given["K"].mT

    def scores() -> Any:
        return (Q.flatten(1, 2) @ K).reshape(*Q.shape[:-1], -1)

    if "G" in given:
        return lambda: {"J": (given["G"].unsqueeze(2) @ scores().relu_()).squeeze(2).float()}
    return lambda: {"J": scores().unflatten(-1, (-1, case.sizes["L_blk"])).amax(-1).float()}


def select(given: Arrays, case: Case) -> Run:
    """The places of the highest scores, in any order."""
    (made,) = shapes(case)[1].values()
    return lambda: {"T": given["J"].topk(made[-1], sorted=False).indices.int()}


def state_step(given: Arrays, case: Case) -> Run:
    import torch

    return state_kernels.step(torch, given)


def state_prompt(given: Arrays, case: Case) -> Run:
    import torch

    return state_kernels.prompt(torch, given, case.sizes["L_cut"])


def decompression(given: Arrays, case: Case) -> Run:
    return _decompressed(given) if "C" in given else _absorbed(given)


def _decompressed(given: Arrays) -> Run:
    C, heads = given["C"], given["W_K"].shape[1]
    flat = {name: given[f"W_{name}"].flatten(1) for name in "KV"}
    return lambda: {name: (C @ W).unflatten(-1, (heads, -1)) for name, W in flat.items()}


def _absorbed(given: Arrays) -> Run:
    Q_N, O_C = (given[name].flatten(1, 2) for name in ("Q_N", "O_C"))
    W_K, W_V = given["W_K"].mT, given["W_V"]
    return lambda: {"Q_C": (Q_N @ W_K).unsqueeze(2), "O": (O_C @ W_V).unsqueeze(2)}


OF_MECHANISM = {
    "decompression": ("matmul", decompression),
    "index": ("matmul", index),
    "select": ("topk", select),
    "state_step": ("matmul", state_step),
    "state_prompt": ("matmul and inv", state_prompt),
}
"""Operations of a mechanism beside its core: name of the kernel in PyTorch, and how it is set up."""
