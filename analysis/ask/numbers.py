"""From closed form to number: compiled once, evaluated over arrays."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from math import prod

import numpy as np
import sympy
from sympy import Expr, Function, Max, Min, Symbol, lambdify, nsimplify, srepr

from analysis.ask import folding
from analysis.ask.programs import Program, Several, read
from analysis.derive.symbols import MEANINGS
from analysis.files.errors import InputError
from analysis.files.kept import kept

Point = Mapping[Symbol, "int | float | np.ndarray"]


def _over(operation):
    """Max and Min over any mix of numbers and arrays; sympy's own would stack them and so copy."""
    return lambda values, axis=0: reduce(operation, values)


_FUNCTIONS = [{"amax": _over(np.maximum), "amin": _over(np.minimum)}, "numpy"]


@lru_cache(maxsize=4096)
def compiled(expression: Expr) -> tuple[Callable, tuple[Symbol, ...]]:
    """The expression as a function of numbers and arrays, and the symbols that it takes, in order.

    A program, where the expression is arithmetic: making one takes as long as deriving the expression, so it is kept.
    """
    symbols = tuple(sorted(expression.free_symbols, key=str))
    makers = ("analysis/ask/numbers.py", "analysis/ask/programs.py")
    made = kept(f"{sympy.__version__} {srepr(expression)}", lambda: _data(written(expression, symbols)), *makers)
    return (written(expression, symbols) if made is None else Program.of(made)), symbols


def written(expression: Expr, symbols: tuple[Symbol, ...]) -> Callable:
    """The numpy function that sympy writes for an expression of these symbols."""
    return lambdify(symbols, _settled(expression), modules=_FUNCTIONS, cse=True)


class _Largest(Function):
    """Max that is as it stands: sympy's own compares its arguments whenever a search for common parts rebuilds it."""

    def _numpycode(self, printer) -> str:
        return printer._print_Max(self)


class _Least(Function):
    """Min likewise."""

    def _numpycode(self, printer) -> str:
        return printer._print_Min(self)


def _settled(form: Expr) -> Expr:
    """A form whose Max and Min are compared no more."""
    if not form.has(Max, Min):
        return form
    parts = [_settled(each) for each in form.args]
    return {Max: _Largest, Min: _Least}.get(form.func, form.func)(*parts)


def _data(function: Callable) -> list | None:
    found = read(inspect.getsource(function))
    return None if found is None else found.data


def value(expression: Expr, point: Point):
    """Evaluate a closed form at a point (SI units); arrays of equal shape are taken element by element.

    Raises InputError for a symbol that the point does not give.

    >>> from analysis.derive.symbols import B, L
    >>> value(2 * B * L, {B: np.array([1.0, 2.0]), L: 3})
    array([ 6., 12.])
    """
    function, symbols = compiled(expression)
    _refuse_missing(symbols, point)
    numbers = [_number(point[symbol]) for symbol in symbols]
    shapes = {each.shape for each in numbers if isinstance(each, np.ndarray)}
    with np.errstate(all="ignore"):  # what is not finite is refused where it would be an answer
        if len(shapes) == 1 and prod(*shapes) >= folding.BLOCK and isinstance(function, Program):
            return folding.folded(function, numbers)
        return function(*numbers)


def values(forms: Mapping[str, Expr], point: Point) -> dict[str, object]:
    """`value` of several forms by name, to the last bit; what they have in common is computed once.

    Raises InputError as `value`.

    >>> from analysis.derive.symbols import B, L
    >>> values({"sum": B + L, "product": B * L}, {B: 2, L: 3})
    {'sum': 5.0, 'product': 6.0}
    """
    several, symbols = _together(tuple(forms.values()))
    _refuse_missing(symbols, point)
    numbers = [_number(point[symbol]) for symbol in symbols]
    if several is None or any(isinstance(each, np.ndarray) and each.size >= folding.BLOCK for each in numbers):
        return {name: value(form, point) for name, form in forms.items()}
    with np.errstate(all="ignore"):
        return dict(zip(forms, several(*numbers), strict=True))


@lru_cache(maxsize=256)
def _together(forms: tuple[Expr, ...]) -> tuple[Several | None, tuple[Symbol, ...]]:
    """The programs of forms as one, None where a form has no program, and the symbols that it takes."""
    made = [compiled(form) for form in forms]
    symbols = tuple(dict.fromkeys(symbol for _, each in made for symbol in each))
    whole = all(isinstance(program, Program) for program, _ in made)
    return Several([program for program, _ in made]) if whole else None, symbols


def along(expression: Expr, point: Point, symbol: Symbol) -> Callable:
    """A closed form at a point as a function of one of its symbols, for searches: what stays is computed once.

    Raises InputError as `value`.

    >>> from analysis.derive.symbols import B, L
    >>> along(2 * B * L, {L: 3}, B)(np.array([1.0, 2.0]))
    array([ 6., 12.])
    """
    function, symbols = compiled(expression)
    if symbol not in symbols or not isinstance(function, Program):
        return lambda given: value(expression, point | {symbol: given})
    _refuse_missing(symbols, point | {symbol: None})
    at = function.along(symbol.name, *(None if each == symbol else _number(point[each]) for each in symbols))
    return lambda given: at(_number(given))


def _refuse_missing(symbols: tuple[Symbol, ...], point: Point) -> None:
    missing = [symbol for symbol in symbols if symbol not in point]
    if missing:
        wanted = "; ".join(f"{s.name}= ({MEANINGS[s].text})" for s in missing)
        raise InputError(f"not enough is given to compute a number: add {wanted}.")


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
