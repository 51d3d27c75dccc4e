"""From closed form to number: compiled once, evaluated over arrays.

Sympy, and what needs it, is imported late: numbers of kept forms do without.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from analysis import derive
from analysis.ask import folding
from analysis.ask.programs import Program, Several, read
from analysis.files.errors import InputError
from analysis.files.kept import MISSING, kept, look

if TYPE_CHECKING:  # numbers of kept forms do without
    from sympy import Expr, Symbol

Point = Mapping["Symbol", "int | float | np.ndarray"]
MAKERS = ("analysis/ask/numbers.py", "analysis/ask/programs.py", "analysis/ask/written.py")


@lru_cache(maxsize=4096)
def compiled(expression: "Expr") -> tuple[Callable, tuple["Symbol", ...]]:
    """The expression as a function of numbers and arrays, and the symbols that it takes, in order.

    A program, where the expression is arithmetic: making one takes as long as deriving the expression, so it is kept.
    """
    symbols = tuple(sorted(expression.free_symbols, key=str))
    made = kept(_key(digest(expression)), lambda: _data(_written(expression, symbols)), *MAKERS)
    return (_written(expression, symbols) if made is None else Program.of(made)), symbols


def _written(expression: "Expr", symbols: tuple["Symbol", ...]) -> Callable:
    from analysis.ask.written import written

    return written(expression, symbols)


def program(digest: str) -> Program | None:
    """The program of an expression that was compiled before, by its digest; None where none is kept."""
    made = look(_key(digest), *MAKERS)
    return None if made is MISSING or made is None else Program.of(made)


def _key(digest: str) -> str:
    return f"program {digest}"


@lru_cache(maxsize=4096)
def digest(expression: "Expr") -> str:
    """What tells an expression from all others."""
    import sympy

    return sha256(f"{sympy.__version__} {sympy.srepr(expression)}".encode()).hexdigest()


def _data(function: Callable) -> list | None:
    import inspect

    found = read(inspect.getsource(function))
    return None if found is None else found.data


def value(expression: "Expr", point: Point):
    """Evaluate a closed form at a point (SI units); arrays of equal shape are taken element by element.

    Raises InputError for a symbol that the point does not give.

    >>> from analysis.derive.symbols import B, L
    >>> value(2 * B * L, {B: np.array([1.0, 2.0]), L: 3})
    array([ 6., 12.])
    """
    function, symbols = compiled(expression)
    refuse_missing(symbol.name for symbol in symbols if symbol not in point)
    return run(function, [point[symbol] for symbol in symbols])


def run(function: Callable, given: list):
    """What a function makes of numbers and arrays; long arrays go through it folded."""
    numbers = [number(each) for each in given]
    shapes = {each.shape for each in numbers if isinstance(each, np.ndarray)}
    with np.errstate(all="ignore"):  # what is not finite is refused where it would be an answer
        if len(shapes) == 1 and prod(*shapes) >= folding.BLOCK and isinstance(function, Program):
            return folding.folded(function, numbers)
        return function(*numbers)


def values(forms: Mapping[str, "Expr"], point: Point) -> dict[str, object]:
    """`value` of several forms by name, to the last bit; what they have in common is computed once.

    Raises InputError as `value`.

    >>> from analysis.derive.symbols import B, L
    >>> values({"sum": B + L, "product": B * L}, {B: 2, L: 3})
    {'sum': 5.0, 'product': 6.0}
    """
    programs, symbols = _together(tuple(forms.values()))
    refuse_missing(symbol.name for symbol in symbols if symbol not in point)
    found = run_together(programs, [point[symbol] for symbol in symbols])
    return dict(zip(forms, found or (value(form, point) for form in forms.values()), strict=True))


@lru_cache(maxsize=256)
def _together(forms: tuple["Expr", ...]) -> tuple[Several | None, tuple["Symbol", ...]]:
    """The programs of forms as one, None where a form has no program, and the symbols that it takes."""
    made = [compiled(form) for form in forms]
    symbols = tuple(dict.fromkeys(symbol for _, each in made for symbol in each))
    return several([function for function, _ in made]), symbols


def several(functions: list[Callable]) -> Several | None:
    """Functions as one program; None where one of them is no program."""
    return Several(functions) if all(isinstance(each, Program) for each in functions) else None


def run_together(programs: Several | None, given: list) -> list | None:
    """What programs make of numbers and arrays; None where they are none, or arrays so long that they are folded."""
    numbers = [number(each) for each in given]
    if programs is None or any(isinstance(each, np.ndarray) and each.size >= folding.BLOCK for each in numbers):
        return None
    with np.errstate(all="ignore"):
        return programs(*numbers)


def refuse_missing(names: Iterable[str]) -> None:
    """Raise InputError that names the symbols without a number, if there are any."""
    if missing := list(names):
        meanings, by_name = derive.symbols.MEANINGS, derive.symbols.BY_NAME
        wanted = "; ".join(f"{name}= ({meanings[by_name[name]].text})" for name in missing)
        raise InputError(f"not enough is given to compute a number: add {wanted}.")


def number(given):
    """Floats throughout: products of sizes overflow 64-bit integers in arrays, and floats are what numpy is fast at."""
    return np.asarray(given, dtype=float) if isinstance(given, np.ndarray) else float(given)


def exact(expression: "Expr", point: Point):
    """Evaluate a closed form exactly (integers stay integers), for one point without arrays.

    >>> from analysis.derive.symbols import n_dec
    >>> exact(n_dec**70, {n_dec: 2})
    1180591620717411303424
    """
    from sympy import nsimplify

    numbers = {s: nsimplify(point[s]) for s in expression.free_symbols if s in point}
    found = expression.xreplace(numbers)
    return int(found) if found.is_integer else float(found)
