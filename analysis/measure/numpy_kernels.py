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

from analysis.measure import numpy_attention
from analysis.measure.backend import Kernel, Run, entries
from analysis.measure.cases import Case
from analysis.measure.clock import wall_time
from analysis.measure.layouts import Arrays, picks, shapes
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
        given = {name: self._random(name, shape) for name, shape in shapes(case)[0].items() if name != "T"}
        return given | ({"T": picks(case, self.random)} if "T" in case.inputs else {})

    def _random(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        low, high = entries(name, shape)
        found = self.random.random(shape, dtype=np.float32)
        found *= np.float32(high - low)
        found += np.float32(low)
        return found

    def kernels(self, case: Case) -> list[Kernel]:
        made = {name: np.zeros(shape, _type(name)) for name, shape in shapes(case)[1].items()}
        grouping = "fused" if case.operation in ("gemm", "read", "copy") else "layered"
        return [
            Kernel(f"numpy {np.__version__} {name}, {self.blas}", grouping, partial(setup, made=made, **_blocks(case)))
            for name, setup in KERNELS[case.operation].items()
        ]

    def once(self, run: Run) -> float:
        return wall_time(run)

    def as_float64(self, array) -> np.ndarray:
        return np.asarray(array, dtype=np.float64)

    def release(self) -> None:
        """Nothing to do: numpy frees what no name holds."""


def _type(name: str) -> type:
    return np.int32 if name == "T" else np.float32


def _blocks(case: Case) -> dict[str, int]:
    """What a kernel must know of its case beside its arrays: tokens of a block that is picked, or of a chunk."""
    blocks = {"wide": case.sizes["L_blk"]} if "L_sel" in case.sizes else {}
    return blocks | ({"cut": case.sizes["L_cut"]} if case.operation == "state_prompt" else {})


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


KERNELS: dict[str, dict[str, Callable[..., Run]]] = numpy_attention.KERNELS | {
    "experts": {"matmul": experts},
    "gemm": {"matmul": gemm},
    "read": {"dot": read_dot, "matmul with a vector": read_rows},
    "copy": {"copyto": copy},
}
"""Ways to run each operation, by the numpy function that does the work."""
