"""A grid evaluated at once in this process, into a table in memory."""

import pyarrow as pa

from analysis.errors import InputError
from analysis.evaluate.sweep.cutting import tasks
from analysis.evaluate.sweep.grid import Grid
from analysis.sweeping.output import on_front
from analysis.sweeping.tables import evaluated, plain


def in_memory(grid: Grid) -> pa.Table:
    """The points of a grid, a column per axis, quantity and flag; settings that cannot be built are left out.

    Raises InputError where none can be built.
    """
    found = [evaluated(task) for task in tasks(grid)]
    tables = [table for table, _ in found if table.num_columns]
    if not tables:
        raise InputError(f"no setting of this grid exists, the first because: {found[0][1][0]['reason']}")
    kept = on_front(tables, grid.front) if grid.front else tables
    return plain(pa.concat_tables(kept).unify_dictionaries()).combine_chunks()
