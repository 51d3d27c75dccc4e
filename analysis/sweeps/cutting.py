"""A grid cut into blocks small enough for the caches of a core, in one fixed order."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from math import prod

from analysis.sweeps.grid import Front, Grid

BLOCK_POINTS = 2**18
TASK_BLOCKS = 64


@dataclass(frozen=True)
class Block:
    """One setting and a box of its array axes."""

    values: dict[str, object]
    arrays: dict[str, tuple]


@dataclass(frozen=True)
class Task:
    """Some blocks in order, and all that a worker must know to evaluate them."""

    number: int
    blocks: tuple[Block, ...]
    fixed: dict[str, object]
    quantities: tuple[str, ...]
    constraints: tuple[str, ...]
    flags: tuple[str, ...]
    front: Front | None
    columns: dict[str, str]  # axis to int, float or text

    @property
    def points(self) -> int:
        """Points of the grid in this task."""
        return sum(prod(map(len, block.arrays.values())) for block in self.blocks)


def boxes(lengths: list[int], most: int = BLOCK_POINTS) -> Iterator[tuple[slice, ...]]:
    """Cut a box of these lengths into boxes of at most `most` points, the last axis whole as long as it fits.

    >>> [tuple((s.start, s.stop) for s in box) for box in boxes([3, 4], most=8)]
    [((0, 2), (0, 4)), ((2, 3), (0, 4))]
    """
    if not lengths:
        yield ()
        return
    length, inner = lengths[0], prod(lengths[1:])
    step = max(1, most // inner)
    for start in range(0, length, step):
        outer = slice(start, min(start + step, length))
        if inner <= most:
            yield (outer, *(slice(0, each) for each in lengths[1:]))
        else:
            yield from ((outer, *rest) for rest in boxes(lengths[1:], most))


def _blocks(grid: Grid) -> Iterator[Block]:
    names, arrays = list(grid.discrete), grid.arrays
    for values in product(*grid.discrete.values()):
        for box in boxes([len(each) for each in arrays.values()]):
            cut = {name: each[part] for (name, each), part in zip(arrays.items(), box, strict=True)}
            yield Block(dict(zip(names, values, strict=True)), cut)


def _per_task(grid: Grid) -> int:
    first = next(boxes([len(each) for each in grid.arrays.values()]))
    return max(1, min(TASK_BLOCKS, BLOCK_POINTS // max(1, prod(part.stop - part.start for part in first))))


def number_of_tasks(grid: Grid) -> int:
    """How many tasks `tasks` yields."""
    per_setting = sum(1 for _ in boxes([len(each) for each in grid.arrays.values()]))
    return -(-grid.combinations * per_setting // _per_task(grid))


def tasks(grid: Grid) -> Iterator[Task]:
    """The whole grid as tasks, in one fixed order, made one by one."""
    blocks, size, number = _blocks(grid), _per_task(grid), 0
    columns = {name: _kind(values) for name, values in grid.axes.items()}
    while taken := tuple(islice(blocks, size)):
        yield Task(number, taken, grid.fixed, grid.quantities, grid.constraints, grid.flags, grid.front, columns)
        number += 1


def _kind(values: tuple) -> str:
    if any(isinstance(value, str) for value in values):
        return "text"
    return "int" if all(isinstance(value, int) for value in values) else "float"
