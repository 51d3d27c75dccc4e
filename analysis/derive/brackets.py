"""Both contraction orders of one head as matrix products: how their einsum lines bracket the same chain.

Of each tensor the axes of requests and heads are left out, so that two remain. Softmax stands between scores and
context; what it returns is the matrix A here, equal in both orders because the scores are.
"""

from collections.abc import Iterable, Mapping

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from analysis.derive.attention import Mechanism
from analysis.derive.einsum import Einsum, Tensor
from analysis.derive.symbols import B, L, l, n_hd

WEIGHTS_OF_SCORES = MatrixSymbol("A", l, L)


def scores_and_context(mechanism: Mechanism, order: str) -> dict[str, MatrixExpr]:
    """The scores S and the context o of one head, as the lines of an order bracket them.

    >>> from analysis.derive.attention import MLA
    >>> as_printed, reordered = (scores_and_context(MLA, order) for order in MLA.orders)
    >>> as_printed["o"], reordered["o"]
    (A*(c_KV*W_DV), (A*c_KV)*W_DV)
    >>> [(as_printed[name].doit() - reordered[name].doit()).doit() for name in ("S", "o")]
    [0, 0]
    """
    stages = mechanism.stages(order, rope_key="shared")
    lines = (*stages["decompression"], *stages["core"])
    return {"S": _made("S", lines, {}), "o": _made("o", lines, {"S": WEIGHTS_OF_SCORES})}


def _made(name: str, lines: Iterable[Einsum], known: Mapping[str, MatrixExpr]) -> MatrixExpr:
    """What the lines make of a tensor: a sum over the lines that add into it."""
    products = [_product(line, lines, known) for line in lines if line.made.name == name]
    return products[0] if len(products) == 1 else MatAdd(*products)


def _product(line: Einsum, lines: Iterable[Einsum], known: Mapping[str, MatrixExpr]) -> MatrixExpr:
    row, column = _axes(line.made)
    left, right = line.used if row in _axes(line.used[0]) else reversed(line.used)
    first, second = (_matrix(each, lines, known) for each in (left, right))
    first = first if _axes(left)[0] == row else Transpose(first)
    second = second if _axes(right)[1] == column else Transpose(second)
    return MatMul(first, second, evaluate=False)


def _matrix(tensor: Tensor, lines: Iterable[Einsum], known: Mapping[str, MatrixExpr]) -> MatrixExpr:
    if tensor.name in known:
        return known[tensor.name]
    if any(line.made.name == tensor.name for line in lines):
        return _made(tensor.name, lines, known)
    return MatrixSymbol(tensor.name, *_axes(tensor))


def _axes(tensor: Tensor) -> tuple[Symbol, ...]:
    return tuple(axis for axis in tensor.axes if axis not in (B, n_hd))
