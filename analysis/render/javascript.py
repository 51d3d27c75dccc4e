"""Closed forms as JavaScript: the browser computes from the expressions that Python computes from.

Symbols keep their names, which are JavaScript identifiers as they are Python ones; numbers are doubles in both.
"""

from collections.abc import Iterable, Mapping

from sympy import Expr, Symbol, cse, jscode, numbered_symbols

Nested = Expr | list["Nested"] | dict[str, "Nested"]


def function(results: Nested) -> str:
    """Source of a JavaScript function from a point (an object, symbol to number) to results of the same shape.

    Subexpressions that repeat are computed once.

    >>> from analysis.derive.symbols import B, L
    >>> print(function({"work": 2 * B * L, "parts": [B, L**2]}))
    function (point) {
      const { B, L } = point;
      return { work: 2*B*L, parts: [B, Math.pow(L, 2)] };
    }
    """
    expressions = list(_flat(results))
    symbols = sorted({symbol.name for each in expressions for symbol in each.free_symbols})
    shared, reduced = cse(expressions, symbols=_temporaries(expressions), order="none")
    lines = [f"const {{ {', '.join(symbols)} }} = point;"] if symbols else []
    lines += [f"const {name} = {jscode(part)};" for name, part in shared]
    lines.append(f"return {_shaped(results, iter(reduced))};")
    return "function (point) {\n" + "".join(f"  {line}\n" for line in lines) + "}"


def _temporaries(expressions: Iterable[Expr]) -> Iterable[Symbol]:
    return numbered_symbols("x", exclude=[symbol for each in expressions for symbol in each.free_symbols])


def _flat(results: Nested) -> Iterable[Expr]:
    if isinstance(results, Mapping):
        results = list(results.values())
    if isinstance(results, list):
        for each in results:
            yield from _flat(each)
    else:
        yield results


def _shaped(results: Nested, reduced: Iterable[Expr]) -> str:
    """The results' shape as a JavaScript literal, filled from `reduced` in the order of `_flat`."""
    if isinstance(results, Mapping):
        return "{ " + ", ".join(f"{name}: {_shaped(each, reduced)}" for name, each in results.items()) + " }"
    if isinstance(results, list):
        return "[" + ", ".join(_shaped(each, reduced) for each in results) + "]"
    return jscode(next(reduced))
