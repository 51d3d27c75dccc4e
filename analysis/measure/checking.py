"""Is a kernel's result right? The einsum lines themselves are run in float64 on part of the same arrays.

The part keeps every axis that some line sums over whole, and of each other axis the first and last entry, so that the
reference stays small while any entry's whole sum is checked.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from analysis.derive.einsum import Tensor
from analysis.measure.cases import Case
from analysis.measure.execute import execute, softmax
from analysis.measure.layouts import Arrays, views

TOLERANCE = {"fp32": 1e-4, "bf16": 2e-2}
"""Largest error allowed, as a share of the reference's largest entry."""

AsFloat64 = Callable[[Any], np.ndarray]


def error(case: Case, given: Arrays, made: Arrays, as_float64: AsFloat64) -> float:
    """Largest difference between a kernel's result and the reference, over the reference's largest entry [1].

    nan where the kernel made one.
    """
    if not case.lines:
        return _stream_error(case, given, made, as_float64)
    kept = {name: as_float64(_part(case, tensor, view)) for name, tensor, view in _named(case, case.inputs, given)}
    expected = reference(case, kept)
    found = {name: as_float64(_part(case, tensor, view)) for name, tensor, view in _named(case, case.outputs, made)}
    return max(_difference(found[name], expected[name]) for name in case.outputs)


def agrees(case: Case, difference: float) -> bool:
    """Whether a difference is one of rounding at the case's precision; nan is not."""
    return difference <= TOLERANCE[case.precision]


def reference(case: Case, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the lines make of the arrays: softmax on scores; the gate applied where the lines leave it out."""
    if case.operation != "experts":
        scores = {"S": softmax} if case.operation == "core_attention" else {}
        return execute(case.lines, arrays, scores)
    gate, up = (_alone(case.lines[i], arrays)["h"] for i in (0, 1))
    return _alone(case.lines[2], dict(arrays) | {"h": silu(gate) * up})


def silu(gate: np.ndarray) -> np.ndarray:
    """The gate's activation, x / (1 + exp(-x)).

    >>> silu(np.array([0.0]))
    array([0.])
    """
    return gate / (1 + np.exp(-gate))


def _alone(line, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return execute([line], {tensor.name: arrays[tensor.name] for tensor in line.used})


def _named(case: Case, tensors: Mapping[str, Tensor], arrays: Arrays) -> list[tuple[str, Tensor, Any]]:
    return [(name, tensors[name], view) for name, view in views(case, arrays).items()]


def _part(case: Case, tensor: Tensor, view: Any) -> Any:
    summed = {axis for line in case.lines for axis in line.summed}
    sizes = zip(tensor.axes, case.shape(tensor), strict=True)
    return view[tuple(slice(None) if axis in summed else slice(None, None, max(1, size - 1)) for axis, size in sizes)]


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _stream_error(case: Case, given: Arrays, made: Arrays, as_float64: AsFloat64) -> float:
    if case.operation == "copy":
        return _difference(as_float64(made["B"][::97]), as_float64(given["A"][::97]))
    (name, found), *_ = made.items()
    parts = (map(as_float64, chunk) for chunk in _chunks(given["A"], given["B"]))
    expected = sum(float(a @ b) if name == "dot" else float(a.sum() + b.sum()) for a, b in parts)
    return _difference(as_float64(found), np.array(expected))


def _chunks(*arrays: Any, length: int = 2**22) -> Iterator[list]:
    return ([array[i : i + length] for array in arrays] for i in range(0, len(arrays[0]), length))
