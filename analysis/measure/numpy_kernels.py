"""The CPU by numpy: matrix products of its BLAS, one per einsum line, in float32.

Attention runs all requests of a line together, so scores go to memory between lines: the `layered` grouping, that of
the paper's Table III. The two terms of an MLA score are one product over joined rows. Outputs are allocated once.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import gcd

import numpy as np

from analysis.measure.backend import Kernel, Run, scale
from analysis.measure.cases import Case
from analysis.measure.clock import wall_time
from analysis.measure.layouts import Arrays, shapes
from analysis.measure.machine import threads

ROW = 8192
"""Entries of a row in which a stream is read."""


@dataclass
class NumpyBackend:
    """numpy on the CPU. `room` bounds the bytes of a case, `blas` names the library behind its products."""

    room: float
    blas: str
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    unsupported: tuple[type[Exception], ...] = ()

    def allocate(self, case: Case) -> dict[str, np.ndarray]:
        return {name: self._random(name, shape) for name, shape in shapes(case)[0].items()}

    def _random(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        entries = self.random.random(shape, dtype=np.float32)
        entries -= np.float32(0.25)  # a mean other than zero keeps long sums away from cancelling
        entries *= np.float32(scale(name, shape))
        return entries

    def kernels(self, case: Case) -> list[Kernel]:
        made = {name: np.zeros(shape, np.float32) for name, shape in shapes(case)[1].items()}
        grouping = "fused" if case.operation in ("gemm", "read", "copy") else "layered"
        return [
            Kernel(f"numpy {np.__version__} {name}, {self.blas}", grouping, partial(setup, made=made))
            for name, setup in KERNELS[case.operation].items()
        ]

    def once(self, run: Run) -> float:
        return wall_time(run)

    def as_float64(self, array) -> np.ndarray:
        return np.asarray(array, dtype=np.float64)

    def release(self) -> None:
        """Nothing to do: numpy frees what no name holds."""


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


def experts(given: Arrays, made: Arrays) -> Run:
    """Gate, up and down products of each expert over its tokens."""
    X, W_gate, W_up, W_down = (given[name] for name in ("X", "W_gate", "W_up", "W_down"))
    h, gate = (np.empty((*X.shape[:-1], W_up.shape[-1]), X.dtype) for _ in range(2))

    def run() -> Arrays:
        np.matmul(X, W_gate, out=gate)
        np.matmul(X, W_up, out=h)
        np.multiply(h, gate, out=h)
        np.negative(gate, out=gate)
        np.exp(gate, out=gate)
        np.divide(h, np.add(gate, 1, out=gate), out=h)
        np.matmul(h, W_down, out=made["Y"])
        return made

    return run


def gemm(given: Arrays, made: Arrays) -> Run:
    """One matrix product."""
    X, Y = given["X"][:, 0], made["Y"][:, 0]

    def run() -> Arrays:
        np.matmul(X, given["W"], out=Y)
        return made

    return run


def read_dot(given: Arrays, made: Arrays) -> Run:
    """Two streams read once, by a scalar product: BLAS spreads it over its threads, unlike numpy's own sums."""
    return lambda: {"dot": np.dot(given["A"], given["B"])}


def read_rows(given: Arrays, made: Arrays) -> Run:
    """Two streams read one after the other, as the rows of matrices that a vector of ones multiplies."""
    matrices = [array.reshape(-1, gcd(len(array), ROW)) for array in (given["A"], given["B"])]
    ones = np.ones(len(matrices[0]), np.float32)
    return lambda: {"sum": sum((ones @ matrix).sum(dtype=np.float64) for matrix in matrices)}


def copy(given: Arrays, made: Arrays) -> Run:
    """One stream read, one written, in as many parts as BLAS has threads, each by a thread of its own."""
    parts = threads()
    pool = ThreadPoolExecutor(parts)
    ends, starts = (np.array_split(array, parts) for array in (made["B"], given["A"]))

    def run() -> Arrays:
        list(pool.map(np.copyto, ends, starts))
        return made

    return run


KERNELS: dict[str, dict[str, Callable[[Arrays, Arrays], Run]]] = {
    "core_attention": {"matmul": core_attention},
    "decompression": {"matmul": decompression},
    "experts": {"matmul": experts},
    "gemm": {"matmul": gemm},
    "read": {"dot": read_dot, "matmul with a vector": read_rows},
    "copy": {"copyto": copy},
}
"""Ways to run each operation, by the numpy function that does the work."""
