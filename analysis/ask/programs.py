"""A closed form as data: arithmetic in order, over numbers or arrays, run by a table of operations.

It is read from the source of the function that sympy writes for numpy, so that both do the same in the same order.
"""

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "negative": operator.neg,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "floor": np.floor,
    "ceil": np.ceil,
    "abs": np.abs,
}


@dataclass(frozen=True)
class Program:
    """Places hold the inputs, then numbers, then what each step makes of places before it; `result` is one of them."""

    inputs: tuple[str, ...]
    numbers: tuple[float, ...]
    steps: tuple[tuple[str, tuple[int, ...]], ...]
    result: int

    def __call__(self, *arguments):
        """The result for these inputs.

        >>> read("def f(x, y):\\n    z = 2*x\\n    return z + z*y**(-1.0)")(3.0, 4.0)
        7.5
        """
        found = [*arguments, *self.numbers]
        for operation, places, done in self._prepared:
            found.append(operation(*[found[place] for place in places]))
            for place in done:
                found[place] = None  # an array's memory is free for the next
        return found[self.result]

    @cached_property
    def _prepared(self) -> tuple[tuple[Callable, tuple[int, ...], tuple[int, ...]], ...]:
        """Each step's operation and places, and those of them that no later step needs."""
        last = {place: step for step, (_, places) in enumerate(self.steps) for place in places}
        last[self.result] = len(self.steps)
        return tuple(
            (OPERATIONS[name], places, tuple({place for place in places if last[place] == step}))
            for step, (name, places) in enumerate(self.steps)
        )

    def along(self, name: str, *arguments) -> Callable:
        """The program as a function of one input; what does not depend on it is computed now, once.

        >>> at = read("def f(x, y):\\n    return x**2 + y").along("y", 3.0, None)
        >>> at(1.0), at(2.0)
        (10.0, 11.0)
        """
        found, moving, later = [*arguments, *self.numbers], {self.inputs.index(name)}, []
        for operation, places, _ in self._prepared:
            if moving.isdisjoint(places):
                found.append(operation(*[found[place] for place in places]))
            else:
                later.append((len(found), operation, places))
                moving.add(len(found))
                found.append(None)
        needed = {self.result, *(place for _, _, places in later for place in places)}
        fixed = [each if place in needed else None for place, each in enumerate(found)]

        def at(given):
            found = fixed.copy()
            found[self.inputs.index(name)] = given
            for place, operation, places in later:
                found[place] = operation(*[found[each] for each in places])
            return found[self.result]

        return at

    @property
    def data(self) -> list:
        """The program as JSON holds it; `of` reads it back."""
        return [self.inputs, self.numbers, self.steps, self.result]

    @classmethod
    def of(cls, data: list) -> "Program":
        """The program of its `data`."""
        inputs, numbers, steps, result = data
        return cls(tuple(inputs), tuple(numbers), tuple((name, tuple(places)) for name, places in steps), result)


class Several:
    """Programs as one, each of their steps done once; every result is to the last bit what its own program gives.

    >>> both = Several([read("def f(x, y):\\n    return x*y + 1"), read("def f(x, y):\\n    return x*y - 1")])
    >>> both.inputs, both(3.0, 4.0)
    (('x', 'y'), [13.0, 11.0])
    """

    def __init__(self, programs: Sequence[Program]):
        self.inputs = tuple(dict.fromkeys(name for each in programs for name in each.inputs))
        self.numbers = tuple({(type(n), n): n for each in programs for n in each.numbers}.values())
        first = [*self.inputs, *((type(n), n) for n in self.numbers)]
        places: dict[object, int] = {key: place for place, key in enumerate(first)}
        self.results = [self._put(places, each) for each in programs]
        self.steps = [(OPERATIONS[key[0]], key[1]) for key in list(places)[len(first) :]]

    @staticmethod
    def _put(places: dict[object, int], program: Program) -> int:
        """Where the result of a program stands among all steps, once those that are new have a place."""
        found = [places[key] for key in (*program.inputs, *((type(n), n) for n in program.numbers))]
        for name, used in program.steps:
            found.append(places.setdefault((name, tuple(found[place] for place in used)), len(places)))
        return found[program.result]

    def __call__(self, *arguments) -> list:
        found = [*arguments, *self.numbers]
        for operation, used in self.steps:
            found.append(operation(*[found[place] for place in used]))
        return [found[place] for place in self.results]


class _Unknown(Exception):
    """An operation that the table does not have."""


def read(source: str) -> Program | None:
    """The program of a function's source: assignments and a return; None where it does what the table does not have."""
    function = ast.parse(source).body[0]
    reader = _Reader([argument.arg for argument in function.args.args], function)
    try:
        for line in function.body:
            if isinstance(line, ast.Assign):
                reader.places[line.targets[0].id] = reader.place(line.value)
        return reader.program(reader.place(function.body[-1].value))
    except _Unknown:
        return None


class _Reader:
    """Steps so far; what is computed twice has one place."""

    def __init__(self, inputs: Sequence[str], function: ast.FunctionDef):
        self.inputs = tuple(inputs)
        self.numbers = tuple(dict.fromkeys(n.value for n in ast.walk(function) if _is_number(n)))
        self.places: dict[object, int] = {name: place for place, name in enumerate(inputs)}
        self.constants = {number: len(inputs) + place for place, number in enumerate(self.numbers)}
        self.steps: dict[tuple[str, tuple[int, ...]], int] = {}

    def program(self, result: int) -> Program:
        return Program(self.inputs, self.numbers, tuple(self.steps), result)

    def place(self, node: ast.expr) -> int:
        """Where a node's value stands. Raises _Unknown."""
        match node:
            case ast.Name(name) if name in self.places:
                return self.places[name]
            case ast.Constant(number) if _is_number(node):
                return self.constants[number]
            case ast.BinOp(left, sign, right) if type(sign) in SIGNS:
                return self._step(SIGNS[type(sign)], self.place(left), self.place(right))
            case ast.UnaryOp(ast.USub(), value):
                return self._step("negative", self.place(value))
            case ast.Call(ast.Name("reduce"), [ast.Name(name), ast.List([first, *others])]) if name in OPERATIONS:
                found = self.place(first)
                for other in others:
                    found = self._step(name, found, self.place(other))
                return found
            case ast.Call(ast.Name(name), arguments, []) if name in OPERATIONS:
                return self._step(name, *map(self.place, arguments))
        raise _Unknown

    def _step(self, name: str, *places: int) -> int:
        return self.steps.setdefault((name, places), len(self.inputs) + len(self.numbers) + len(self.steps))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)
