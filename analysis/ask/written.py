"""A closed form as the numpy function that sympy writes for it; apart, as numbers of kept forms do without sympy."""

from collections.abc import Callable
from functools import reduce

import numpy as np
from sympy import Expr, Function, Max, Min, Symbol, lambdify
from sympy.printing.numpy import NumPyPrinter


def _over(operation):
    """Max and Min over any mix of numbers and arrays; sympy's own would stack them and so copy."""
    return lambda values, axis=0: reduce(operation, values)


_FUNCTIONS = {"amax": _over(np.maximum), "amin": _over(np.minimum)}
_PRINTED = {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True}


def written(expression: Expr, symbols: tuple[Symbol, ...]) -> Callable:
    """The numpy function that sympy writes for an expression of these symbols."""
    # a printer of its own, as sympy would import all of numpy for it; no docstring, as it would print the expression
    printer = NumPyPrinter({**_PRINTED, "user_functions": {name: name for name in _FUNCTIONS}})
    return lambdify(symbols, _settled(expression), _FUNCTIONS, printer=printer, cse=True, docstring_limit=0)


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
