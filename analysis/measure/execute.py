"""Run einsum lines on numpy arrays: the text from which costs are derived also computes.

This is how the tests show that two contraction orders give equal values, and what measurements time.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from sympy import Symbol

from analysis.derive.einsum import Einsum, Tensor
from analysis.derive.spans import SPANS
from analysis.files.errors import InputError, choices

Arrays = Mapping[str, np.ndarray]
Step = Callable[[np.ndarray], np.ndarray]
Move = Callable[..., np.ndarray]


def execute(
    given: Iterable[Einsum],
    arrays: Arrays,
    elementwise: Mapping[str, Step] | None = None,
    moves: Mapping[str, Move] | None = None,
) -> dict:
    """Every tensor that the lines make, and those given, as numpy arrays by name.

    `arrays` holds the tensors that no line makes, shaped as their axes say. Lines may stand in any order: a tensor
    is made once the operands of all its lines are known, as the sum over these lines (so S of MLA gets both terms).
    `elementwise` holds, by tensor, the step that the lines leave out (softmax of S), applied once to the whole sum.
    The two lines into `h` of a gated feed-forward layer are summed as well, as only their costs are meant.
    `moves` says, by tensor, what a line with `<-` makes of its operands, in their order; without an entry it moves its
    one operand as it is. Of such a line the rows of operands may be more than their axis says, as it may pick.

    Raises InputError for a tensor that is missing or given and made, for sizes that disagree, and for a line that
    moves one does not know how.

    >>> from analysis.derive.einsum import lines
    >>> given = lines("o[l d_v] = S[l L] v[L d_v]; S[l L] = q[l d_hd] k[L d_hd]")
    >>> execute(given, {"q": np.ones((1, 2)), "k": np.ones((3, 2)), "v": np.eye(3)}, {"S": softmax})["o"].round(3)
    array([[0.333, 0.333, 0.333]])
    """
    steps, given = dict(elementwise or {}), tuple(given)
    makers = _makers(given)
    axis_sizes(given, arrays)
    _refuse_unknown_names(makers, arrays, steps)
    found = {name: np.asarray(array) for name, array in arrays.items()}
    while makers:
        for name in _ready(makers, found):
            total = sum(_made(line, found, moves or {}) for line in makers.pop(name))
            found[name] = steps[name](total) if name in steps else total
    return found


def softmax(scores: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, which is the context L in every score tensor; -inf marks hidden pairs.

    >>> softmax(np.array([0.0, 0.0, -np.inf]))
    array([0.5, 0.5, 0. ])
    """
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def inputs(given: Iterable[Einsum]) -> dict[str, Tensor]:
    """The tensors that the lines use and none of them makes, by name: what `execute` must be given.

    >>> from analysis.derive.einsum import lines
    >>> [str(tensor) for tensor in inputs(lines("y[B d_v] = x[B d_hd] W_V[d_hd d_v]; z[B] = y[B d_v]")).values()]
    ['x[B d_hd]', 'W_V[d_hd d_v]']
    """
    given = tuple(given)
    made = {line.made.name for line in given}
    return {tensor.name: tensor for line in given for tensor in line.used if tensor.name not in made}


def axis_sizes(given: Iterable[Einsum], arrays: Arrays) -> dict[Symbol, int]:
    """Size of each axis of the given arrays; raises InputError where two arrays disagree on one."""
    sizes: dict[Symbol, int] = {}
    given = tuple(given)
    moved = {tensor.name for line in given if line.sign == "<-" for tensor in line.used}
    for tensor in inputs(given).values():
        shape = np.shape(arrays[tensor.name]) if tensor.name in arrays else None
        if shape is None:
            continue
        if len(shape) != len(tensor.axes):
            raise InputError(f"array of {tensor} has {len(shape)} axes, not {len(tensor.axes)}: give one size per axis")
        for axis, size in zip(tensor.axes, shape, strict=True):
            if tensor.name in moved and axis in SPANS:
                continue
            if sizes.setdefault(axis, size) != size:
                raise InputError(
                    f"axis {axis} has size {size} in {tensor} but {sizes[axis]} in an array before it: make them equal"
                )
    return sizes


def _makers(given: Iterable[Einsum]) -> dict[str, list[Einsum]]:
    makers: dict[str, list[Einsum]] = {}
    for line in given:
        makers.setdefault(line.made.name, []).append(line)
    return makers


def _refuse_unknown_names(makers: Mapping[str, list[Einsum]], arrays: Arrays, steps: Mapping[str, Step]) -> None:
    twice = sorted(set(arrays) & set(makers))
    if twice:
        raise InputError(f"tensor {twice[0]} is given and also made by '{makers[twice[0]][0]}': give only one of them")
    unmade = sorted(set(steps) - set(makers))
    if unmade:
        raise InputError(f"no line makes {unmade[0]}, so its element-wise step has no place: use {choices(makers)}")


def _ready(makers: Mapping[str, list[Einsum]], found: Arrays) -> list[str]:
    missing = {name: {t.name for line in group for t in line.used} - set(found) for name, group in makers.items()}
    ready = [name for name, absent in missing.items() if not absent]
    if not ready:
        name, absent = next(iter(missing.items()))
        raise InputError(f"making {name} needs {choices(sorted(absent))}, neither given nor made before: give it")
    return ready


def _made(line: Einsum, found: Arrays, moves: Mapping[str, Move]) -> np.ndarray:
    if line.sign != "<-":
        return _contract(line, found)
    if line.made.name in moves:
        return moves[line.made.name](*(found[tensor.name] for tensor in line.used))
    if len(line.used) == 1 and set(line.used[0].axes) == set(line.made.axes):
        return _contract(line, found)
    raise InputError(f"'{line}' moves or picks, and it is not said how: give moves={{{line.made.name!r}: function}}")


def _contract(line: Einsum, found: Arrays) -> np.ndarray:
    # einsum's form with numbered axes has no lack of letters, and needs no text
    number = {axis: i for i, axis in enumerate(sorted(line.axes, key=str))}
    operands = [part for t in line.used for part in (found[t.name], [number[axis] for axis in t.axes])]
    return np.einsum(*operands, [number[axis] for axis in line.made.axes], optimize=True)
