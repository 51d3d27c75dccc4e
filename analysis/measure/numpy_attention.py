"""Kernels of attention by numpy: matrix products of its BLAS, one per einsum line, all requests of a line together.

Scores and gathered rows go to memory between lines. Outputs are allocated once.
"""

import numpy as np

from analysis.measure import state_kernels
from analysis.measure.backend import Run
from analysis.measure.layouts import Arrays


def index(given: Arrays, made: Arrays) -> Run:
    """Scores of all heads as one product; positive ones weighed by head, or the largest of each block."""
    Q, K, J = given["Q"], given["K"].mT, made["J"]
    rows = Q.reshape(len(Q), -1, Q.shape[-1])
    Z = np.empty((*rows.shape[:2], K.shape[-1]), Q.dtype)

    def weighed() -> Arrays:
        np.matmul(rows, K, out=Z)
        np.maximum(Z, 0, out=Z)
        np.matmul(given["G"][..., None, :], Z.reshape(*Q.shape[:-1], -1), out=J[..., None, :])
        return made

    def largest() -> Arrays:
        np.matmul(rows, K, out=Z)
        np.max(Z.reshape(*J.shape, -1), axis=-1, out=J)
        return made

    return weighed if "G" in given else largest


def select(given: Arrays, made: Arrays) -> Run:
    """The places of the highest scores, in any order."""
    J, T = given["J"], made["T"]

    def run() -> Arrays:
        T[...] = np.argpartition(J, -T.shape[-1], axis=-1)[..., -T.shape[-1] :]
        return made

    return run


def attention(given: Arrays, made: Arrays, wide: int = 1) -> Run:
    """Attention to all rows, or to those that one query token picked, gathered before."""
    return picked(given, made, wide) if "T" in given else core_attention(given, made)


def picked(given: Arrays, made: Arrays, wide: int) -> Run:
    """Rows gathered `wide` at a time into arrays of their own, and attention to these."""
    T = given["T"].reshape(-1, given["T"].shape[-1])
    gathered, moved = {}, []
    for name in sorted(given.keys() & {"K", "V"}):
        rows = given[name]
        flat = rows.reshape(-1, wide * rows.shape[-1])
        target = np.empty((*T.shape, flat.shape[-1]), rows.dtype)
        gathered[name] = target.reshape(*rows.shape[:-2], -1, rows.shape[-1])
        moved.append((flat, target))
    starts = np.arange(len(T), dtype=np.int32)[:, None] * (len(flat) // len(T))
    attend = core_attention({"Q": given["Q"], **gathered}, made)

    def run() -> Arrays:
        places = T + starts
        for flat, target in moved:
            np.take(flat, places, axis=0, out=target, mode="clip")
        return attend()

    return run


def state_step(given: Arrays, made: Arrays) -> Run:
    """One token of a recurrent state."""
    return state_kernels.step(np, given)


def state_prompt(given: Arrays, made: Arrays, cut: int) -> Run:
    """A prompt of a recurrent state, in chunks."""
    return state_kernels.prompt(np, given, cut)


def core_attention(given: Arrays, made: Arrays) -> Run:
    """Scores, softmax and context; queries that share keys are the rows of one product."""
    K, O = given["K"], made["O"]
    Q = given["Q"].reshape(*K.shape[:-2], -1, K.shape[-1])
    V = given.get("V", K[..., : O.shape[-1]])
    context = O.reshape(*Q.shape[:-1], O.shape[-1])
    S = np.empty((*Q.shape[:-1], K.shape[-2]), K.dtype)

    def run() -> Arrays:
        np.matmul(Q, K.mT, out=S)
        np.subtract(S, S.max(axis=-1, keepdims=True), out=S)
        np.exp(S, out=S)
        np.matmul(S, V, out=context)
        np.divide(context, S.sum(axis=-1, keepdims=True), out=context)  # fewer entries than S has
        return made

    return run


def decompression(given: Arrays, made: Arrays) -> Run:
    """Keys and values from the latent, or the two absorbed products head by head."""
    return _decompressed(given, made) if "C" in given else _absorbed(given, made)


def _decompressed(given: Arrays, made: Arrays) -> Run:
    C = given["C"].reshape(-1, given["C"].shape[-1])
    pairs = [(given[f"W_{name}"].reshape(C.shape[-1], -1), made[name].reshape(len(C), -1)) for name in "KV"]

    def run() -> Arrays:
        for W, out in pairs:
            np.matmul(C, W, out=out)
        return made

    return run


def _absorbed(given: Arrays, made: Arrays) -> Run:
    def flat(array):
        return array.reshape(len(array), -1, array.shape[-1])

    Q_N, O_C, Q_C, O = flat(given["Q_N"]), flat(given["O_C"]), flat(made["Q_C"]), flat(made["O"])

    def run() -> Arrays:
        np.matmul(Q_N, given["W_K"].mT, out=Q_C)
        np.matmul(O_C, given["W_V"], out=O)
        return made

    return run


KERNELS = {
    "core_attention": {"matmul": attention},
    "decompression": {"matmul": decompression},
    "index": {"matmul": index},
    "select": {"argpartition": select},
    "state_step": {"matmul": state_step},
    "state_prompt": {"matmul and inv": state_prompt},
}
"""Ways to run each operation, by the numpy function that does the work."""
