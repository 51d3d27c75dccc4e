"""A grid evaluated at once in this process, into a table in memory."""

import json
from collections import Counter

import pyarrow as pa

from analysis.sweeps.columns import evaluated, plain, told
from analysis.sweeps.cutting import tasks
from analysis.sweeps.grid import Grid
from analysis.sweeps.noting import sentences
from analysis.sweeps.output import no_setting, on_front


def in_memory(grid: Grid) -> pa.Table:
    """The points of a grid, a column per axis, quantity and flag; settings that cannot be built are left out.

    What must be said of the points stands in the schema's metadata under `notes`, as a JSON list of sentences.
    Raises InputError where none can be built.
    """
    found = [evaluated(task) for task in tasks(grid)]
    tables = [table.replace_schema_metadata(None) for table in found if table.num_columns]
    noted, skipped = zip(*map(told, found), strict=True)
    if not tables:
        raise no_setting(skipped[0])
    kept = on_front(tables, grid.front) if grid.front else tables
    whole = plain(pa.concat_tables(kept).unify_dictionaries()).combine_chunks()
    return whole.replace_schema_metadata({"notes": json.dumps(sentences(grid, sum(noted, Counter())))})
