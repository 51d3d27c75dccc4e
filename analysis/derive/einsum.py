"""Tensors, einsum lines and kernels: the small algebra from which every count of the study follows.

A mechanism is written as lines with named axes, for example

    S[B n_hd l L] = q[B l n_hd d_hd] k[B L n_hd d_hd]

- An axis on the right that is missing on the left is summed: the line costs two FLOPs (multiply, add) per
  point of its axes, else one.
- Lines with the same tensor on the left add into it. Element-wise steps (softmax, the gate of a
  feed-forward layer, norms) are not written and not counted.
- A kernel is a group of lines run together. It moves the tensors that cross its boundary (used but not
  made inside, or made but not used), each once. How lines are grouped is all that fusion means here.
- The l x L plane of score pairs holds `causal * l * L` points, whoever owns it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Add, Expr, Integer, Mul, Symbol

from analysis.derive.symbols import BY_NAME, L, causal, l, width_activations, width_experts, width_kv, width_weights

WIDTHS = {"weights": width_weights, "experts": width_experts, "kv": width_kv, "activations": width_activations}
WEIGHTS = ("weights", "experts")  # kinds of tensors that are weights
_TENSOR = re.compile(r"(\w+)\[([^\]]*)\]")


def _points(axes: Iterable[Symbol]) -> Expr:
    axes = tuple(axes)
    pairs = (causal,) if l in axes and L in axes else ()
    return Mul(*axes, *pairs)


@dataclass(frozen=True)
class Tensor:
    """A named array with symbolic axes; `kind` (weights, experts, kv, activations) chooses its element width."""

    name: str
    axes: tuple[Symbol, ...]
    kind: str = "activations"

    @property
    def elements(self) -> Expr:
        """Number of elements [1]: the product of the axes, the causal share of the l x L plane counted."""
        return _points(self.axes)

    @property
    def bytes(self) -> Expr:
        """Size [byte]: elements times the width of this tensor's kind."""
        return self.elements * WIDTHS[self.kind]

    def __str__(self) -> str:
        return f"{self.name}[{' '.join(axis.name for axis in self.axes)}]"


@dataclass(frozen=True)
class Einsum:
    """One line: a tensor as the sum over products of one or two others."""

    made: Tensor
    used: tuple[Tensor, ...]

    @property
    def axes(self) -> frozenset[Symbol]:
        """All axes that the line runs over."""
        return frozenset(axis for tensor in (self.made, *self.used) for axis in tensor.axes)

    @property
    def summed(self) -> frozenset[Symbol]:
        """Axes of the operands that are missing in the result."""
        return self.axes - set(self.made.axes)

    @property
    def flops(self) -> Expr:
        """Operations [FLOP]: product of the axes, times 2 if an axis is summed.

        >>> summed, gated = lines("y[B d_MoE] = x[B d_emb] W_up[d_emb d_MoE]; h[B d_MoE] = y[B d_MoE] g[B d_MoE]")
        >>> summed.flops, gated.flops
        (2*B*d_MoE*d_emb, B*d_MoE)
        """
        return _points(self.axes) * (2 if self.summed else 1)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The result and the operands."""
        return (self.made, *self.used)

    def __str__(self) -> str:
        return f"{self.made} = {' '.join(map(str, self.used))}"


@dataclass(frozen=True)
class Kernel:
    """Lines run together; tensors named in `spilled` are charged `passes` times although made and used inside."""

    name: str
    lines: tuple[Einsum, ...]
    spilled: tuple[str, ...] = ()
    passes: Expr = Integer(1)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the kernel by name."""
        return {tensor.name: tensor for line in self.lines for tensor in line.tensors}

    @property
    def boundary(self) -> tuple[Tensor, ...]:
        """Tensors that cross the kernel's boundary: used or made inside, not both.

        >>> fused = Kernel("core", lines("S[l L] = q[l d_hd] k[L d_hd]; o[l d_hd] = S[l L] v[L d_hd]"))
        >>> sorted(tensor.name for tensor in fused.boundary)
        ['k', 'o', 'q', 'v']
        """
        made = {line.made.name for line in self.lines}
        used = {tensor.name for line in self.lines for tensor in line.used}
        return tuple(self.tensors[name] for name in sorted(made ^ used))

    @property
    def flops(self) -> Expr:
        """Operations of the kernel [FLOP]."""
        return Add(*(line.flops for line in self.lines))

    @property
    def bytes(self) -> Expr:
        """Bytes between the kernel and memory [byte]: the boundary once, spilled tensors `passes` times."""
        spilled = (self.tensors[name].bytes * self.passes for name in self.spilled)
        return Add(*(tensor.bytes for tensor in self.boundary)) + Add(*spilled)

    @property
    def intensity(self) -> Expr:
        """Arithmetic intensity ArI [FLOP/byte]."""
        return self.flops / self.bytes

    def at(self, substitution: dict[Symbol, Expr]) -> "Counts":
        """The kernel's counts after axes were replaced, all in one step."""
        return Counts(self.name, self.flops.xreplace(substitution), self.bytes.xreplace(substitution))


@dataclass(frozen=True)
class Counts:
    """FLOPs and bytes of a kernel once its axes have been replaced (parallelism, phase, structure)."""

    name: str
    flops: Expr
    bytes: Expr

    @property
    def intensity(self) -> Expr:
        """Arithmetic intensity ArI [FLOP/byte]."""
        return self.flops / self.bytes


def tensor(text: str, cache: Iterable[str] = ()) -> Tensor:
    """Read `name[axis axis]`; names that begin with `W_` or `w_` are weights, names in `cache` are KV entries.

    Raises ValueError for an axis that `symbols.py` does not know.
    """
    text = text.strip()
    match = _TENSOR.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is not a tensor: write name[axis axis], for example q[B l n_hd d_hd]")
    name, axes = match[1], match[2].split()
    unknown = [axis for axis in axes if axis not in BY_NAME]
    if unknown:
        raise ValueError(f"axis '{unknown[0]}' of '{text}' is no symbol: axes are born in analysis/derive/symbols.py")
    kind = "kv" if name in set(cache) else "weights" if name[:2] in ("W_", "w_") else "activations"
    return Tensor(name, tuple(BY_NAME[axis] for axis in axes), kind)


def tensors(text: str, cache: Iterable[str] = ()) -> tuple[Tensor, ...]:
    """Read several tensors from one text."""
    return tuple(tensor(match[0], cache) for match in _TENSOR.finditer(text))


def lines(text: str, cache: Iterable[str] = ()) -> tuple[Einsum, ...]:
    """Read einsum lines, one per row of text (or separated by `;`).

    Raises ValueError for a row that is no einsum line.
    """
    rows = [row.strip() for row in re.split(r"[;\n]", text) if row.strip()]
    return tuple(_line(row, cache) for row in rows)


def _line(row: str, cache: Iterable[str]) -> Einsum:
    left, _, right = row.partition("=")
    used = tensors(right, cache)
    if not used or _TENSOR.sub("", right).strip():
        raise ValueError(f"'{row}' is not an einsum line: write made[axes] = used[axes] used[axes]")
    made = tensor(left, cache)
    stray = set(made.axes) - {axis for operand in used for axis in operand.axes}
    if stray:
        raise ValueError(f"'{row}' makes axis {min(map(str, stray))} from nothing: no operand has it")
    return Einsum(made, used)


def of_kind(given: tuple[Einsum, ...], old: str, new: str) -> tuple[Einsum, ...]:
    """The lines with tensors of the kind `old` as tensors of the kind `new`, which have another width.

    >>> weighed = of_kind(lines("y[B d_MoE] = x[B d_emb] W_up[d_emb d_MoE]"), "weights", "experts")
    >>> weighed[0].used[1].bytes
    d_MoE*d_emb*width_experts
    """

    def other(tensor: Tensor) -> Tensor:
        return replace(tensor, kind=new) if tensor.kind == old else tensor

    return tuple(Einsum(other(line.made), tuple(map(other, line.used))) for line in given)


def without_axis(given: tuple[Einsum, ...], axis: Symbol) -> tuple[Einsum, ...]:
    """Leave out the lines that run over `axis`."""
    return tuple(line for line in given if axis not in line.axes)


def renamed(given: tuple[Einsum, ...], new: dict[str, Tensor]) -> tuple[Einsum, ...]:
    """Replace operands by other tensors, by name."""
    return tuple(replace(line, used=tuple(new.get(t.name, t) for t in line.used)) for line in given)


def layered(name: str, given: tuple[Einsum, ...]) -> tuple[Kernel, ...]:
    """One kernel per line, named after the stage and the tensor made; equal names are numbered."""
    names = [f"{name}: {line.made.name}" for line in given]
    return tuple(
        Kernel(label if names.count(label) == 1 else f"{label} ({names[:i].count(label) + 1})", (line,))
        for i, (label, line) in enumerate(zip(names, given, strict=True))
    )
