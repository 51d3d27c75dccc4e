"""Tensors, einsum lines and kernels: the small algebra from which every count of the study follows.

A mechanism is written as lines with named axes, for example

    S[B n_hd l L] = q[B l n_hd d_hd] k[B L n_hd d_hd]

- `=` makes a tensor. An axis on the right that is missing on the left is summed: the line costs two FLOPs
  (multiply, add) per point of its axes, else one.
- `+=` adds into what other lines make: two FLOPs per point even without a sum, as in a rank-one update.
- `<-` moves, picks or pools, and counts no arithmetic.
- Lines with the same tensor on the left add into it. Element-wise steps (softmax, the gate of a
  feed-forward layer, norms) are not written and not counted.
- A kernel is a group of lines run together. It moves the tensors that cross its boundary (used but not
  made inside, or made but not used), each once. What is kept (a cache row, a recurrent state) leaves even if
  it is used inside. How lines are grouped is all that fusion means here.
- A line cannot change a tensor in place: what it reads and what it writes have two names, and both count.
- An axis of rows has three sizes (`spans.py`): what memory stores, what a kernel moves, and the pairs that a line
  works over where `l` meets it. The l x L plane of score pairs holds `causal * l * L` points, whoever owns it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from sympy import Add, Expr, Integer, Mul, Symbol

from analysis.derive.spans import SPANS
from analysis.derive.symbols import (
    BY_NAME,
    l,
    width_activations,
    width_experts,
    width_index,
    width_kv,
    width_latent,
    width_rope_key,
    width_scores,
    width_state,
    width_weights,
)

WIDTHS = {
    "weights": width_weights,
    "experts": width_experts,
    "kv": width_kv,
    "latent": width_latent,
    "rope_key": width_rope_key,
    "index_key": width_index,
    "state": width_state,
    "past": width_activations,
    "scores": width_scores,
    "activations": width_activations,
}
WEIGHTS = ("weights", "experts")  # kinds of tensors that are weights
CACHED = ("kv", "latent", "rope_key", "index_key")  # kinds of tensors of which a token keeps a row
STATES = ("state", "past")  # kinds of tensors of which a request keeps one, whatever its context
KEPT = (*CACHED, *STATES)  # kinds of tensors that a request keeps between steps
_TENSOR = re.compile(r"(\w+)\[([^\]]*)\]")
_SIGN = re.compile(r"<-|\+=|=")


SCORES = "S"  # the tensor whose elements a softmax exponentiates


def _points(axes: Iterable[Symbol]) -> Expr:
    axes = tuple(axes)
    met = l in axes
    rows = [(SPANS[axis].worked / l if met else SPANS[axis].touched) if axis in SPANS else axis for axis in axes]
    return Mul(*rows)


def _stored(axes: Iterable[Symbol]) -> Expr:
    return Mul(*(SPANS[axis].stored if axis in SPANS else axis for axis in axes))


@dataclass(frozen=True)
class Tensor:
    """A named array with symbolic axes; `kind` (a key of `WIDTHS`) chooses its element width."""

    name: str
    axes: tuple[Symbol, ...]
    kind: str = "activations"

    @property
    def elements(self) -> Expr:
        """Elements that a step moves [1]: the product of the axes, of rows those touched, or worked on where l is."""
        return _points(self.axes)

    @property
    def bytes(self) -> Expr:
        """Bytes that a step moves [byte]: elements times the width of this tensor's kind."""
        return self.elements * WIDTHS[self.kind]

    @property
    def stored(self) -> Expr:
        """Bytes that memory holds [byte]: of rows those stored."""
        return _stored(self.axes) * WIDTHS[self.kind]

    def over(self, old: Symbol, new: Symbol) -> "Tensor":
        """The tensor with another axis in the place of one."""
        return replace(self, axes=tuple(new if axis == old else axis for axis in self.axes))

    def __str__(self) -> str:
        return f"{self.name}[{' '.join(axis.name for axis in self.axes)}]"


@dataclass(frozen=True)
class Einsum:
    """One line: a tensor made as the sum over products of others (`=`), added into (`+=`), or moved (`<-`)."""

    made: Tensor
    used: tuple[Tensor, ...]
    sign: str = "="

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
        """Operations [FLOP]: product of the axes, times 2 if an axis is summed or the line adds; none if it moves.

        >>> summed, gated = lines("y[B d_MoE] = x[B d_emb] W_up[d_emb d_MoE]; h[B d_MoE] = y[B d_MoE] g[B d_MoE]")
        >>> summed.flops, gated.flops
        (2*B*d_MoE*d_emb, B*d_MoE)
        """
        if self.sign == "<-":
            return Integer(0)
        adds = bool(self.summed) or self.sign == "+="
        return _points(self.axes) * (len(self.used) - 1 + adds)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The result and the operands."""
        return (self.made, *self.used)

    def __str__(self) -> str:
        return f"{self.made} {self.sign} {' '.join(map(str, self.used))}"


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

    @cached_property
    def boundary(self) -> tuple[Tensor, ...]:
        """Tensors that cross the kernel's boundary: used or made inside, not both, unless a request keeps them.

        >>> fused = Kernel("core", lines("S[l L] = q[l d_hd] k[L d_hd]; o[l d_hd] = S[l L] v[L d_hd]"))
        >>> sorted(tensor.name for tensor in fused.boundary)
        ['k', 'o', 'q', 'v']
        """
        made = {line.made.name for line in self.lines}
        used = {tensor.name for line in self.lines for tensor in line.used}
        kept = {name for name in made & used if self.tensors[name].kind in KEPT}
        return tuple(self.tensors[name] for name in sorted((made ^ used) | kept))

    @cached_property
    def flops(self) -> Expr:
        """Operations of the kernel [FLOP]."""
        return Add(*(line.flops for line in self.lines))

    @cached_property
    def bytes(self) -> Expr:
        """Bytes between the kernel and memory [byte]: the boundary once, spilled tensors `passes` times."""
        spilled = (self.tensors[name].bytes * self.passes for name in self.spilled)
        return Add(*(tensor.bytes for tensor in self.boundary)) + Add(*spilled)

    @property
    def exponents(self) -> Expr:
        """Exponentials of the softmax [1], which are counted in no FLOP: one for each score that the kernel makes."""
        made = {line.made.name: line.made.elements for line in self.lines}
        return made.get(SCORES, Integer(0))

    @property
    def intensity(self) -> Expr:
        """Arithmetic intensity ArI [FLOP/byte]."""
        return self.flops / self.bytes

    def at(self, substitution: dict[Symbol, Expr]) -> "Counts":
        """The kernel's counts after axes were replaced, all in one step."""
        given = frozenset(substitution.items())
        counted = (_replaced(each, given) for each in (self.flops, self.bytes, self.exponents))
        return Counts(self.name, *counted)


@dataclass(frozen=True)
class Counts:
    """FLOPs, bytes and exponentials of a kernel once its axes have been replaced (parallelism, phase, structure)."""

    name: str
    flops: Expr
    bytes: Expr
    exponents: Expr = Integer(0)

    @property
    def intensity(self) -> Expr:
        """Arithmetic intensity ArI [FLOP/byte]."""
        return self.flops / self.bytes


Kinds = Iterable[str] | Mapping[str, str]


def tensor(text: str, cache: Kinds = ()) -> Tensor:
    """Read `name[axis axis]`; names that begin with `W_` or `w_` are weights, names in `cache` are KV entries.

    `cache` may also map names to kinds of their own.
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
    kinds = cache if isinstance(cache, Mapping) else dict.fromkeys(cache, "kv")
    kind = kinds.get(name, "weights" if name[:2] in ("W_", "w_") else "activations")
    return Tensor(name, tuple(BY_NAME[axis] for axis in axes), kind)


def tensors(text: str, cache: Kinds = ()) -> tuple[Tensor, ...]:
    """Read several tensors from one text."""
    return tuple(tensor(match[0], cache) for match in _TENSOR.finditer(text))


def lines(text: str, cache: Kinds = ()) -> tuple[Einsum, ...]:
    """Read einsum lines, one per row of text (or separated by `;`).

    Raises ValueError for a row that is no einsum line, or that changes a tensor in place.

    >>> [line.flops for line in lines("M[d_hd d_v] += k[d_hd] u[d_v]; j[l] <- S[l L]")]
    [2*d_hd*d_v, 0]
    """
    rows = [row.strip() for row in re.split(r"[;\n]", text) if row.strip()]
    return tuple(_line(row, cache) for row in rows)


def _line(row: str, cache: Kinds) -> Einsum:
    found = _SIGN.search(row)
    sign = found[0] if found else "="
    left, _, right = row.partition(sign)
    used = tensors(right, cache)
    if not used or _TENSOR.sub("", right).strip():
        raise ValueError(f"'{row}' is not an einsum line: write made[axes] = used[axes] used[axes], or += or <-")
    made = tensor(left, cache)
    if made.name in {operand.name for operand in used}:
        raise ValueError(
            f"'{row}' changes {made.name} in place, which would hide what is read and written: give the result a name "
            f"of its own, for example {made.name}_new"
        )
    stray = set(made.axes) - {axis for operand in used for axis in operand.axes}
    if stray and sign != "<-":
        raise ValueError(f"'{row}' makes axis {min(map(str, stray))} from nothing: no operand has it")
    return Einsum(made, used, sign)


def of_kind(given: tuple[Einsum, ...], old: str, new: str) -> tuple[Einsum, ...]:
    """The lines with tensors of the kind `old` as tensors of the kind `new`, which have another width.

    >>> weighed = of_kind(lines("y[B d_MoE] = x[B d_emb] W_up[d_emb d_MoE]"), "weights", "experts")
    >>> weighed[0].used[1].bytes
    d_MoE*d_emb*width_experts
    """

    def other(tensor: Tensor) -> Tensor:
        return replace(tensor, kind=new) if tensor.kind == old else tensor

    return tuple(replace(line, made=other(line.made), used=tuple(map(other, line.used))) for line in given)


def without_axis(given: tuple[Einsum, ...], axis: Symbol) -> tuple[Einsum, ...]:
    """Leave out the lines that run over `axis`."""
    return tuple(line for line in given if axis not in line.axes)


def renamed(given: tuple[Einsum, ...], new: dict[str, Tensor]) -> tuple[Einsum, ...]:
    """Replace operands by other tensors, by name."""
    return tuple(replace(line, used=tuple(new.get(t.name, t) for t in line.used)) for line in given)


def over(given: tuple[Einsum, ...], old: Symbol, new: Symbol) -> tuple[Einsum, ...]:
    """The lines with another axis in the place of one: the same contraction over rows of another span.

    >>> from analysis.derive.symbols import L, L_win
    >>> print(*over(lines("o[l d_v] = S[l L] v[L d_v]"), L, L_win))
    o[l d_v] = S[l L_win] v[L_win d_v]
    """
    moved = ((line, tuple(t.over(old, new) for t in line.tensors)) for line in given)
    return tuple(replace(line, made=made, used=tuple(used)) for line, (made, *used) in moved)


def layered(name: str, given: tuple[Einsum, ...]) -> tuple[Kernel, ...]:
    """One kernel per line, named after the stage and the tensor made; equal names are numbered."""
    names = [f"{name}: {line.made.name}" for line in given]
    return tuple(
        Kernel(label if names.count(label) == 1 else f"{label} ({names[:i].count(label) + 1})", (line,))
        for i, (label, line) in enumerate(zip(names, given, strict=True))
    )


@lru_cache(maxsize=2**14)
def _replaced(form: Expr, substitution: frozenset[tuple[Symbol, Expr]]) -> Expr:
    """A count with axes replaced; kept, as models share mechanisms and kinds of block share kernels."""
    return form.xreplace(dict(substitution))
