"""Is a kernel's result right? The einsum lines themselves are run in float64 on part of the same arrays.

The part keeps every axis whole that some line sums over or picks from, and of each other axis the first and last
entry, so that the reference stays small while any entry's whole sum is checked.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from analysis.derive.einsum import Tensor
from analysis.derive.spans import SPANS
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
    parts = {name: as_float64(_part(case, tensor, view)) for name, tensor, view in _named(case, case.outputs, made)}
    expected, found = (comparable(case, kept, each) for each in (reference(case, kept), parts))
    return max(_difference(found[name], expected[name]) for name in case.outputs)


def agrees(case: Case, difference: float) -> bool:
    """Whether a difference is one of rounding at the case's precision; nan is not."""
    return difference <= TOLERANCE[case.precision]


def reference(case: Case, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the lines make of the arrays: softmax on scores; the gate applied where the lines leave it out.

    Of a prompt in chunks, what the lines of a step make of its tokens one after another.
    """
    if case.operation == "state_prompt":
        return _token_by_token(case, arrays)
    if case.operation != "experts":
        return execute(case.lines, arrays, _steps(case), moves(case, arrays))
    gate, up = (_alone(case.lines[i], arrays)["h"] for i in (0, 1))
    return _alone(case.lines[2], dict(arrays) | {"h": silu(gate) * up})


def _steps(case: Case) -> dict[str, Callable]:
    """Element-wise steps that the lines leave out: softmax; an index that weighs its heads takes positive scores."""
    found = {"S": softmax} if case.operation == "core_attention" else {}
    return found | ({"Z": lambda Z: np.maximum(Z, 0)} if "g_I" in case.inputs else {})


def moves(case: Case, arrays: Mapping[str, np.ndarray]) -> dict[str, Callable]:
    """What lines that move rows mean: picks of the highest scores, gathered rows, and a state's vectors and values."""
    wide = case.sizes.get("L_blk", 1)

    def gathered(kept: np.ndarray, picks: np.ndarray) -> np.ndarray:  # [B rows ... d], [B l ... picks]
        places = (picks[..., None].astype(int) * wide + np.arange(wide)).reshape(*picks.shape[:-1], -1)
        if kept.ndim == 3:
            return of_requests(kept, places)
        heads = range(kept.shape[2])
        return np.stack([of_requests(kept[:, :, head], places[:, :, head]) for head in heads], axis=3)

    def of_requests(kept: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.stack([rows[chosen] for rows, chosen in zip(kept, places, strict=True)])

    def repeated(vectors: np.ndarray) -> np.ndarray:
        return np.repeat(vectors, arrays["M"].shape[1] // vectors.shape[2], axis=2)

    return {
        "J": lambda Z: Z.reshape(*Z.shape[:-1], -1, wide).max(axis=-1),
        "T": lambda J: np.argsort(-J, axis=-1)[..., : case.sizes[case.outputs["T"].axes[-1].name]],
        **dict.fromkeys(("c_T", "r_T", "k_T", "v_T"), gathered),
        **dict.fromkeys(("q_h", "k_h"), repeated),
        "u": lambda v, held, b: b[..., None] * (v - held),
        "M_new": lambda N: N[:, -1],
    }


def _token_by_token(case: Case, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    lines, state, answers = case.of_a_token.lines, arrays["M"], []
    for token in range(case.sizes["l"]):
        own = {name: array[:, token : token + 1] for name, array in arrays.items() if name != "M"} | {"M": state}
        made = execute(lines, own, None, moves(case, arrays))
        state = made["M_new"]
        answers.append(made["o"])
    return {"o": np.concatenate(answers, axis=1), "M_new": state}


def comparable(case: Case, given: Mapping[str, np.ndarray], made: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Results that may be compared entry by entry: of picks, whose order is free, the scores in falling order.

    nan where a pick lies outside.
    """
    if case.operation != "select":
        return dict(made)
    scores, places = given["J"], made["T"].astype(int)
    found = np.take_along_axis(scores, np.clip(places, 0, scores.shape[-1] - 1), axis=-1)
    return {"T": -np.sort(-np.where((places >= 0) & (places < scores.shape[-1]), found, np.nan), axis=-1)}


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
    whole = {axis for line in case.lines for axis in (line.axes & set(SPANS) if line.sign == "<-" else line.summed)}
    sizes = zip(tensor.axes, case.shape(tensor), strict=True)
    return view[tuple(slice(None) if axis in whole else slice(None, None, max(1, size - 1)) for axis, size in sizes)]


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
