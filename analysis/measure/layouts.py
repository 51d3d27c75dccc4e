"""How the arrays of a case lie in memory, and the same arrays seen as the einsum lines name their axes.

A kernel reads whole rows: the axes before the bar, then the last axes of one or more tensors side by side. Tensors
side by side make both terms of a score in one product, as kernels for latent attention do.
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from analysis.derive.einsum import Tensor
from analysis.measure.cases import Case
from analysis.measured.kernel_rows import STATES

_HEADS = {"Q": "B n_hd l | q", "K": "B n_hd L | k", "V": "B n_hd L | v", "O": "B n_hd l | o"}
_STATE = {"M": "B n_v d_k | M", "O": "B n_v l | o", "M_new": "B n_v d_k | M_new"}
_SHARED = {"Q": "B n_qk l | q_t", "Keys": "B n_qk l | k_t", "decay": "B l | a"}
_DELTA = {"V": "B n_v l | v_h", "beta": "B l | b"}
_STATES = {
    "GDN": _STATE | _SHARED | _DELTA,
    "KDA": _STATE | {"Q": "B n_v l | q_h", "Keys": "B n_v l | k_h", "decay": "B n_v l | a"} | _DELTA,
    "Mamba2": _STATE | _SHARED | {"V": "B n_v l | u"},
}
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
    "index DSA": {"Q": "B l h_I | q_I", "K": "B L | k_I", "G": "B l | g_I", "J": "B l | J"},
    "index MSA": {"Q": "B l n_kv | q_I", "K": "B L | k_I", "J": "B l n_kv | J"},
    "select DSA": {"J": "B l | J", "T": "B l | T"},
    "select MSA": {"J": "B l n_kv | J", "T": "B l n_kv | T"},
    "core_attention DSA": {"Q": "B n_hd l | q_C q_R", "K": "B L_top | c_KV k_R", "T": "B l | T", "O": "B n_hd l | o_C"},
    "core_attention MSA": {
        "Q": "B n_kv deg_grp l | q",
        "K": "B n_kv L_sel | k",
        "V": "B n_kv L_sel | v",
        "T": "B n_kv l | T",
        "O": "B n_kv deg_grp l | o",
    },
    **{f"{operation} {name}": layout for operation in STATES for name, layout in _STATES.items()},
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
    parts = [(case.inputs | case.outputs)[part] for part in _parts(text)]
    sizes = {axis.name: size for axis, size in zip(parts[0].axes, case.shape(parts[0]), strict=True)}
    return (*(sizes[axis] for axis in _axes(text)), sum(case.shape(part)[-1] for part in parts))


def picks(case: Case, random: np.random.Generator) -> np.ndarray:
    """Places of rows or blocks that queries picked, none twice, in the order of a random draw; 32 bits as kernels keep.

    >>> case = Case.of("core_attention", "fp32", mechanism="DSA", B=1, L=3, l=1, L_top=5, n_hd=1, d_KVco=1, d_RoPE=1)
    >>> np.sort(picks(case, np.random.default_rng(0)))
    array([[[0, 1, 2]]], dtype=int32)
    """
    *lead, most = shapes(case)[0]["T"]
    rows = case.rows(case.inputs["T"].axes[-1])
    drawn = random.permuted(np.broadcast_to(np.arange(rows, dtype=np.int32), (prod(lead), rows)), axis=1)
    return np.ascontiguousarray(drawn[:, :most]).reshape(*lead, most)


def _width(case: Case) -> int:
    return {"fp32": 4, "bf16": 2}[case.precision]
