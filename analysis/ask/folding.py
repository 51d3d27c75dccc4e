"""A program over long arrays: what does not vary becomes numbers, like terms are added up, blocks fit the cache.

Values are traced as sums: monomial to coefficient, where a monomial is powers of atoms (arrays that were given, or what
an operation makes of other sums). Results agree with those of the program to rounding.
"""

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from math import log

import numpy as np

from analysis.ask.programs import OPERATIONS, Program

BLOCK = 2**15
"""Points of a block: a dozen arrays of it fit a processor's caches. Fewer points are not worth folding a form for."""
ONE = ()
Monomial = tuple[tuple[int, float], ...]
Sum = dict[Monomial, float]


class Trace:
    """Sums that a program computes, and the atoms in them: (operation, sums), those of inputs without sums."""

    def __init__(self, program: Program, arguments: Sequence):
        self.atoms: list[tuple] = []
        self.known: dict[tuple, int] = {}
        self.inputs: dict[int, np.ndarray] = {}
        found: list[Sum] = []
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                self.inputs[len(self.atoms)] = np.ascontiguousarray(argument, dtype=float)
                found.append(self._atom("input", len(self.atoms)))
            else:
                found.append(_number(argument))
        self.positive = {atom for atom, given in self.inputs.items() if np.min(given, initial=0) >= 0}
        found += map(_number, program.numbers)
        for name, places in program.steps:
            found.append(self._made(name, *(found[place] for place in places)))
        self.result = found[program.result]

    def _atom(self, name: str, *sums) -> Sum:
        key = (name, *(tuple(each.items()) if isinstance(each, dict) else each for each in sums))
        if key not in self.known:
            self.known[key] = len(self.atoms)
            self.atoms.append((name, *sums))
        return {((self.known[key], 1),): 1.0}

    def _made(self, name: str, *sums: Sum) -> Sum:
        if all(map(_is_number, sums)):
            return _number(OPERATIONS[name](*(each.get(ONE, 0.0) for each in sums)))
        return getattr(self, _NAMED[name])(*sums) if name in _NAMED else self._atom(name, *sums)

    def _plus(self, one: Sum, other: Sum, sign: float = 1.0) -> Sum:
        found = dict(one)
        for monomial, coefficient in other.items():
            found[monomial] = found.get(monomial, 0.0) + sign * coefficient
        return {monomial: coefficient for monomial, coefficient in found.items() if coefficient}

    def _minus(self, one: Sum, other: Sum) -> Sum:
        return self._plus(one, other, -1.0)

    def _negative(self, one: Sum) -> Sum:
        return {monomial: -coefficient for monomial, coefficient in one.items()}

    def _times(self, one: Sum, other: Sum) -> Sum:
        if _is_number(one):
            return self._scaled(other, one.get(ONE, 0.0))
        if _is_number(other):
            return self._scaled(one, other.get(ONE, 0.0))
        (m, c), (n, d) = self._single(one), self._single(other)
        powers = Counter(dict(m))
        powers.update(dict(n))
        return {tuple(sorted((atom, power) for atom, power in powers.items() if power)): c * d}

    def _scaled(self, found: Sum, by: float) -> Sum:
        """A sum times a number, which goes into a maximum: there it scales what is numbers already."""
        scaled: Sum = {}
        for monomial, coefficient in found.items():
            name, *sums = self.atoms[monomial[0][0]] if monomial else ("",)
            factor = coefficient * by
            if name == "maximum" and len(monomial) == 1 and monomial[0][1] == 1 and factor > 0:
                scaled = self._plus(scaled, self._atom(name, *(self._scaled(each, factor) for each in sums)))
            else:
                scaled = self._plus(scaled, {monomial: factor})
        return scaled

    def _single(self, found: Sum) -> tuple[Monomial, float]:
        """A sum as one monomial and its coefficient: an atom of its own where it has more terms."""
        return next(iter(found.items() if len(found) == 1 else self._atom("sum", found).items()))

    def _over(self, one: Sum, other: Sum) -> Sum:
        return self._times(one, self._power(other, {ONE: -1.0}))

    def _power(self, base: Sum, exponent: Sum) -> Sum:
        if not _is_number(exponent):
            if _is_number(base) and base.get(ONE, 0) > 0:
                return self._atom("exp", self._times({ONE: log(base[ONE])}, exponent))
            return self._atom("**", base, exponent)
        power, (monomial, coefficient) = exponent.get(ONE, 0.0), self._single(base)
        if coefficient < 0:
            monomial, coefficient = next(iter(self._atom("sum", base).items()))
        return {tuple((atom, each * power) for atom, each in monomial): coefficient**power}

    def _maximum(self, one: Sum, other: Sum) -> Sum:
        """The larger of two sums, what both hold taken out of it: max(b + cx, dx) = cx + max(b, (d - c) x).

        Nothing is lost by it where one of them has no negative term, as the larger is no less than what is taken out.
        """
        shared: Sum = {}
        if self._positive(one) or self._positive(other):
            shared = {m: min(c, other[m]) for m, c in one.items() if 0 < c < np.inf and 0 < other.get(m, 0) < np.inf}
        one, other = self._minus(one, shared), self._minus(other, shared)
        larger = next((a for a, b in ((one, other), (other, one)) if not b and self._positive(a)), None)
        return self._plus(shared, self._atom("maximum", one, other) if larger is None else larger)

    def _positive(self, found: Sum) -> bool:
        """Whether no term of a sum is negative, as far as it is known."""
        return all(c >= 0 and all(self._atom_is_positive(atom) for atom, _ in m) for m, c in found.items())

    def _atom_is_positive(self, atom: int) -> bool:
        name, *sums = self.atoms[atom]
        if name == "input":
            return atom in self.positive
        return name == "exp" or (name == "maximum" and any(map(self._positive, sums)))


_NAMED = {
    "+": "_plus",
    "-": "_minus",
    "*": "_times",
    "/": "_over",
    "**": "_power",
    "negative": "_negative",
    "maximum": "_maximum",
}


def _is_number(found: Sum) -> bool:
    return not found or list(found) == [ONE]


def _number(given) -> Sum:
    return {ONE: float(given)} if given else {}


class Tape:
    """The result of a trace as operations on registers: inputs first, then what each operation makes.

    An operand is a register (int) or a number (float). What is needed twice is computed once.
    """

    def __init__(self, trace: Trace):
        self.trace, self.made = trace, {}
        self.inputs = list(trace.inputs.values())
        self.registers = {atom: place for place, atom in enumerate(trace.inputs)}
        self.operations: list[tuple] = []
        self.result = self._sum(trace.result)

    def _sum(self, found: Sum):
        terms = [self._make(np.multiply, self._monomial(m), c) for m, c in found.items() if m]
        if ONE in found:
            terms.append(found[ONE])
        return reduce(lambda one, other: self._make(np.add, one, other), terms) if terms else 0.0

    def _monomial(self, monomial: Monomial):
        *before, (atom, power) = monomial
        base = self._atom(atom)
        if before and power == -1:
            return self._make(np.divide, self._monomial(tuple(before)), base)
        raised = {1: lambda: base, -1: lambda: self._make(np.divide, 1.0, base)}.get(
            power, lambda: self._make(np.power, base, float(power))
        )()
        return self._make(np.multiply, self._monomial(tuple(before)), raised) if before else raised

    def _atom(self, atom: int):
        if atom not in self.registers:
            name, *sums = self.trace.atoms[atom]
            operands = [self._sum(each) for each in sums]
            self.registers[atom] = operands[0] if name == "sum" else self._make(_UFUNCS[name], *operands)
        return self.registers[atom]

    def _make(self, operation: np.ufunc, *operands):
        if operation is np.multiply and operands[1] == 1.0 and isinstance(operands[1], float):
            return operands[0]
        key = (operation, *((type(each), each) for each in operands))
        if key not in self.made:
            self.made[key] = len(self.inputs) + len(self.operations)
            self.operations.append((operation, operands))
        return self.made[key]

    def run(self) -> np.ndarray:
        """The result over all points, a block after the other."""
        slots, count = self._slots()
        size, shape = self.inputs[0].size, self.inputs[0].shape
        flat = [each.reshape(-1) for each in self.inputs]
        found, room = np.empty(size), np.empty((count, BLOCK))
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            registers = [each[start:stop] for each in flat]
            for (operation, operands), slot in zip(self.operations, slots, strict=True):
                taken = (registers[each] if type(each) is int else each for each in operands)
                registers.append(operation(*taken, out=room[slot, : stop - start]))
            found[start:stop] = registers[self.result] if type(self.result) is int else self.result
        return found.reshape(shape)

    def _slots(self) -> tuple[list[int], int]:
        """Where each operation's result is kept while it is needed, and how many such places there are."""
        last = {each: place for place, (_, operands) in enumerate(self.operations) for each in operands}
        last[self.result] = len(self.operations)
        free, slots, count = [], [], 0
        for place, (_, operands) in enumerate(self.operations):
            own = {each for each in operands if type(each) is int and each >= len(self.inputs) and last[each] == place}
            free += [slots[each - len(self.inputs)] for each in own]
            count += not free
            slots.append(free.pop() if free else count - 1)
        return slots, count


_UFUNCS = {"**": np.power, **{name: made for name, made in OPERATIONS.items() if isinstance(made, np.ufunc)}}


def folded(program: Program, arguments: Sequence) -> np.ndarray:
    """What the program makes of numbers, and of arrays of one shape."""
    return Tape(Trace(program, arguments)).run()
