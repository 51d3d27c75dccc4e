"""How the arrays of a case lie in memory, and the same arrays seen as the einsum lines name their axes.

A kernel reads whole rows: the axes before the bar, then the last axes of one or more tensors side by side. Tensors
side by side make both terms of a score in one product, as kernels for latent attention do.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.derive.einsum import Tensor
from analysis.measure.cases import Case

_HEADS = {"Q": "B n_hd l | q", "K": "B n_hd L | k", "V": "B n_hd L | v", "O": "B n_hd l | o"}
LAYOUTS: dict[str, dict[str, str]] = {
    "core_attention MHA": _HEADS,
    "core_attention GQA": {
        "Q": "B n_kv deg_grp l | q",
        "K": "B n_kv L | k",
        "V": "B n_kv L | v",
        "O": "B n_kv deg_grp l | o",
    },
    "core_attention MLA as_printed": _HEADS | {"Q": "B n_hd l | q_N q_R", "K": "B n_hd L | k k_copy"},
    "core_attention MLA reordered": {"Q": "B n_hd l | q_C q_R", "K": "B L | c_KV k_R", "O": "B n_hd l | o_C"},
    "decompression MLA as_printed": {
        "C": "B L | c_KV",
        "W_K": "d_KVco n_hd | W_DK",
        "W_V": "d_KVco n_hd | W_DV",
        "K": "B L n_hd | k",
        "V": "B L n_hd | v",
    },
    "decompression MLA reordered": {
        "Q_N": "n_hd B l | q_N",
        "O_C": "n_hd B l | o_C",
        "W_K": "n_hd d_KVco | W_DK",
        "W_V": "n_hd d_KVco | W_DV",
        "Q_C": "n_hd B l | q_C",
        "O": "n_hd B l | o",
    },
    "experts": {
        "X": "n_act T_e | x",
        "W_gate": "n_act d_emb | W_gate",
        "W_up": "n_act d_emb | W_up",
        "W_down": "n_act d_MoE | W_down",
        "Y": "n_act T_e | y",
    },
    "gemm": {"X": "B l | x", "W": "d_emb | W_up", "Y": "B l | h"},
}
"""Arrays of each kind of case: axes, then the tensors whose last axes follow. Inputs and outputs alike."""

Arrays = Mapping[str, Any]


def shapes(case: Case) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Shapes of a case's input and output arrays by name; both ends of a stream for `read` and `copy`.

    >>> given, made = shapes(Case.of("gemm", "fp32", tokens=3, d_emb=4, d_FFN=5))
    >>> given, made
    ({'X': (3, 1, 4), 'W': (4, 5)}, {'Y': (3, 1, 5)})
    """
    if not case.lines:
        half = (case.row["bytes"] // (2 * _width(case)),)
        return ({"A": half, "B": half}, {}) if case.operation == "read" else ({"A": half}, {"B": half})
    found = {name: _shape(case, text) for name, text in LAYOUTS[case.kind].items()}
    made = {name for name, text in LAYOUTS[case.kind].items() if _parts(text)[0] in case.outputs}
    return (
        {name: shape for name, shape in found.items() if name not in made},
        {name: shape for name, shape in found.items() if name in made},
    )


def views(case: Case, arrays: Arrays) -> dict[str, Any]:
    """The tensors of the lines, their axes in the lines' order, as views of the arrays of numpy or PyTorch."""
    return {tensor.name: view for name, array in arrays.items() for tensor, view in _cut(case, name, array)}


def _cut(case: Case, name: str, array: Any) -> Iterator[tuple[Tensor, Any]]:
    tensors = case.inputs | case.outputs
    text, start = LAYOUTS[case.kind][name], 0
    for part in _parts(text):
        tensor = tensors[part]
        width = case.sizes[tensor.axes[-1].name]
        here = [*_axes(text), tensor.axes[-1].name]
        order = tuple(here.index(axis.name) for axis in tensor.axes)
        piece = array[..., start : start + width]
        yield tensor, piece.transpose(order) if hasattr(piece, "__array_interface__") else piece.permute(order)
        start += width


def _axes(text: str) -> list[str]:
    return text.partition("|")[0].split()


def _parts(text: str) -> list[str]:
    return text.partition("|")[2].split()


def _shape(case: Case, text: str) -> tuple[int, ...]:
    tensors = case.inputs | case.outputs
    width = sum(case.sizes[tensors[part].axes[-1].name] for part in _parts(text))
    return (*(case.sizes[axis] for axis in _axes(text)), width)


def _width(case: Case) -> int:
    return {"fp32": 4, "bf16": 2}[case.precision]
