"""An independent road: run a line by nested Python loops, counting each multiplication, addition and element."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from sympy import Symbol

from analysis.derive.einsum import Einsum
from analysis.derive.symbols import L, l

Element = tuple[str, tuple[int, ...]]
Visible = dict[Symbol, Callable[[int, int], bool]]


@dataclass
class Tally:
    """What loops did: operations, and the elements that they read and wrote."""

    multiplications: int = 0
    additions: int = 0
    read: set[Element] = field(default_factory=set)
    written: set[Element] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)

    @property
    def operations(self) -> int:
        return self.multiplications + self.additions

    @property
    def crossing(self) -> list[str]:
        """Name of the tensor of each element that came from outside or stays there."""
        return [name for name, _ in self.read ^ self.written] + [name for name in self.inside if name in self.kept]

    @property
    def inside(self) -> list[str]:
        """Name of the tensor of each element that was made and used here."""
        return [name for name, _ in self.read & self.written]


def visible_pairs(sizes: dict) -> int:
    """Score pairs under a causal mask in which the last query sees the whole context."""
    return sum(1 for i in range(int(sizes[l])) for j in range(int(sizes[L])) if j <= i + sizes[L] - sizes[l])


def _visits(axes: tuple, sizes: dict, visible: Visible) -> Iterator[dict]:
    for index in product(*(range(int(sizes[axis])) for axis in axes)):
        at = dict(zip(axes, index, strict=True))
        if all(seen(at[l], at[axis]) for axis, seen in visible.items() if l in at and axis in at):
            yield at


def run(
    given: Iterable[Einsum],
    sizes: dict,
    arrays: dict | None = None,
    causal: bool = False,
    visible: Visible | None = None,
) -> Tally:
    """Run lines in their order; with `arrays`, results are added to them.

    `visible` says by axis which rows a query may see, by their places on `l` and on that axis.
    """
    tally = Tally()
    mask = {L: lambda query, key: key <= query + sizes[L] - sizes[l]} if causal else {}
    for line in given:
        _run_line(line, sizes, tally, arrays, visible or mask)
    return tally


def _run_line(line: Einsum, sizes: dict, tally: Tally, arrays: dict | None, visible: Visible) -> None:
    loop_axes = list(line.made.axes)
    loop_axes += [axis for t in line.used for axis in t.axes if axis not in loop_axes]
    accumulates = len(set(loop_axes)) > len(line.made.axes) or line.sign == "+="
    if arrays is not None:
        shape = [int(sizes[axis]) for axis in line.made.axes]
        arrays.setdefault(line.made.name, np.zeros(shape, dtype=int))
    for at in _visits(tuple(dict.fromkeys(loop_axes)), sizes, visible):
        where = {t.name: tuple(at[axis] for axis in t.axes) for t in line.tensors}
        tally.read |= {(t.name, where[t.name]) for t in line.used}
        tally.written.add((line.made.name, where[line.made.name]))
        tally.kept |= {line.made.name} if line.made.kind in ("kv", "state", "past") else set()
        if line.sign != "<-":
            tally.multiplications += len(line.used) - 1
            tally.additions += accumulates
        if arrays is not None:
            term = 1
            for operand in line.used:
                term *= arrays[operand.name][where[operand.name]]
            arrays[line.made.name][where[line.made.name]] += term
