"""From closed form to number: compiled once, evaluated over arrays."""

import inspect
from collections.abc import Mapping
from functools import lru_cache, reduce
from math import prod

import numpy as np
from sympy import Expr, Symbol, lambdify, nsimplify

from analysis.ask import folding
from analysis.ask.programs import Program, read
from analysis.derive.symbols import MEANINGS
from analysis.files.errors import InputError

Point = Mapping[Symbol, "int | float | np.ndarray"]


def _over(operation):
    """Max and Min over any mix of numbers and arrays; sympy's own would stack them and so copy."""
    return lambda values, axis=0: reduce(operation, values)


_FUNCTIONS = [{"amax": _over(np.maximum), "amin": _over(np.minimum)}, "numpy"]


@lru_cache(maxsize=4096)
def compiled(expression: Expr) -> tuple:
    """The expression as a numpy function and the symbols that it takes, in order."""
    symbols = tuple(sorted(expression.free_symbols, key=str))
    return lambdify(symbols, expression, modules=_FUNCTIONS, cse=True), symbols


@lru_cache(maxsize=4096)
def program(expression: Expr) -> Program | None:
    """The compiled expression as data; None where it does more than arithmetic."""
    return read(inspect.getsource(compiled(expression)[0]))


def value(expression: Expr, point: Point):
    """Evaluate a closed form at a point (SI units); arrays of equal shape are taken element by element.

    Raises InputError for a symbol that the point does not give.

    >>> from analysis.derive.symbols import B, L
    >>> value(2 * B * L, {B: np.array([1.0, 2.0]), L: 3})
    array([ 6., 12.])
    """
    function, symbols = compiled(expression)
    missing = [symbol for symbol in symbols if symbol not in point]
    if missing:
        wanted = "; ".join(f"{s.name}= ({MEANINGS[s].text})" for s in missing)
        raise InputError(f"not enough is given to compute a number: add {wanted}.")
    numbers = [_number(point[symbol]) for symbol in symbols]
    shapes = {each.shape for each in numbers if isinstance(each, np.ndarray)}
    with np.errstate(all="ignore"):  # what is not finite is refused where it would be an answer
        if len(shapes) == 1 and prod(*shapes) >= folding.BLOCK and program(expression):
            return folding.folded(program(expression), numbers)
        return function(*numbers)


def _number(given):
    """Floats throughout: products of sizes overflow 64-bit integers in arrays, and floats are what numpy is fast at."""
    return np.asarray(given, dtype=float) if isinstance(given, np.ndarray) else float(given)


def exact(expression: Expr, point: Point):
    """Evaluate a closed form exactly (integers stay integers), for one point without arrays.

    >>> from analysis.derive.symbols import n_dec
    >>> exact(n_dec**70, {n_dec: 2})
    1180591620717411303424
    """
    numbers = {s: nsimplify(point[s]) for s in expression.free_symbols if s in point}
    found = expression.xreplace(numbers)
    return int(found) if found.is_integer else float(found)
