"""From parts to one table: Parquet or CSV, a data dictionary beside it, and a list of settings that do not exist."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from analysis.ask.parameters import COUNT, NUMBER, PARAMETERS
from analysis.derive.symbols import BY_NAME, MEANINGS
from analysis.files.errors import InputError
from analysis.files.outputs import csv_header, marked_by, parquet_mark, write_whole
from analysis.files.text import place
from analysis.sweeps.columns import MADE_BY, plain, writer
from analysis.sweeps.front import front_mask
from analysis.sweeps.grid import Front, Grid
from analysis.sweeps.noting import sentences
from analysis.systems.quantities import quantity

SUFFIXES = (".parquet", ".csv")
COLUMNS = ["column", "role", "unit", "meaning", "value"]
"""Columns of a dictionary."""
NOT_SYMBOLS = {"slo": "s", "width": "byte"}  # units of parameters that are no symbols, where they have one
MEANING_OF_FLAGS = {"fits_memory": "whether B is at most B_cap", "meets_slo": "whether tpot is at most slo"}


def write_beside(out: Path, grid: Grid, counts: Counter, skipped: list[dict]) -> None:
    """Put a table's dictionary beside it, and the list of settings that do not exist, if there are any."""
    notes = [_entry("", "note", "", sentence) for sentence in sentences(grid, counts)]
    _beside(out, "dictionary", dictionary(grid) + notes)
    _beside(out, "skipped", skipped)


def join(parts: Iterable[Path], target: Path, suffix: str, front: Front | None) -> int:
    """Write the parts, in order and one at a time, into one file; return how many rows it has.

    Raises InputError for a part that cannot be read back.
    """
    tables = map(_read, parts)
    return (_to_csv if suffix == ".csv" else _to_parquet)(on_front(tables, front) if front else tables, target)


def no_setting(skipped: list[dict]) -> InputError:
    """What is said of a grid that has no point."""
    return InputError(f"no setting of this grid exists, the first because: {skipped[0]['reason']}")


def refuse_other_folder(out: Path) -> None:
    """Raise InputError for a folder that holds other things than the parts of a table: all in it would go."""
    if out.is_dir() and (other := _no_part(out)):
        raise InputError(
            f"{place(out)}: found a folder that holds other things than a sweep's parts ({place(other.name)}), allowed "
            "is a free name, an empty folder or an older table of this kind; choose another output (-o)."
        )


def _no_part(folder: Path) -> Path | None:
    """The first in a folder that is no part of a sweep's table."""
    for path in sorted(folder.iterdir()):
        try:
            if parquet_mark(path) != MADE_BY:
                return path
        except (OSError, ValueError):
            return path
    return None


def written_here(out: Path) -> Callable[[Path], bool]:
    """Tells whether a file at the place of a table, its dictionary or its list of skipped settings is a sweep's."""

    def ours(path: Path) -> bool:
        if path.suffix == ".parquet":
            return parquet_mark(path) == MADE_BY
        header = csv_header(path)
        if path == beside(out, "dictionary"):
            return header == COLUMNS
        if path == beside(out, "skipped"):
            return header[-1:] == ["reason"] and set(header[:-1]) <= set(PARAMETERS)
        return bool(header) and set(header) <= _explained(beside(out, "dictionary"))

    return ours


def refuse_shared(out: Path, grid: Grid) -> None:
    """Raise InputError where a table of the same name and another ending has a dictionary that would be replaced."""
    told, text = beside(out, "dictionary"), _as_text(dictionary(grid))  # notes may follow it
    for other in (out.with_name(out.stem + suffix) for suffix in (*SUFFIXES, "") if suffix != out.suffix):
        there = other.is_file() if other.suffix else other.is_dir() and any(other.iterdir()) and not _no_part(other)
        if there and told.is_file() and not told.read_bytes().startswith(text):
            raise InputError(
                f"{place(out)}: found {place(told)}, which explains {place(other)}, allowed is another name; choose "
                "another output (-o), or replace it (--force)."
            )


def _explained(path: Path) -> set[str]:
    """The columns that a dictionary explains; none where there is none."""
    if not path.is_file() or csv_header(path) != COLUMNS:
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {entry["column"] for entry in csv.DictReader(file) if entry["role"] != "note"}


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path).replace_schema_metadata(None)
    except (OSError, pa.ArrowException):
        raise InputError(f"{place(path)}: cannot be read back; choose another place for the output.") from None


def on_front(tables: Iterable[pa.Table], front: Front) -> Iterator[pa.Table]:
    """The front over the whole grid: every block has left its own front only, so this is small."""
    whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    by = [_codes(whole[name]) for name in front.by]
    yield whole.filter(pa.array(front_mask(whole[front.cost], whole[front.gain], by)))


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    whole = column.combine_chunks()
    return (whole.indices if pa.types.is_dictionary(whole.type) else whole).to_numpy(zero_copy_only=False)


def _to_parquet(tables: Iterable[pa.Table], place: Path) -> int:
    return _written(tables, lambda schema: writer(place, schema.with_metadata(marked_by(MADE_BY))))


def _to_csv(tables: Iterable[pa.Table], place: Path) -> int:
    return _written(map(plain, tables), lambda schema: pa_csv.CSVWriter(place, schema))


def _written(tables: Iterable[pa.Table], open_writer: Callable) -> int:
    """Write tables of one schema, at least one; return how many rows they have."""
    tables = iter(tables)
    first = next(tables)
    with open_writer(first.schema) as file:
        return sum(file.write_table(table) or table.num_rows for table in chain((first,), tables))


# -- what stands beside the table ------------------------------------------------------------------
def dictionary(grid: Grid) -> list[dict[str, object]]:
    """Every column with unit and meaning, every parameter that was held fixed, and what left rows out."""
    axes = [_entry(name, "axis", _unit(name), PARAMETERS[name].meaning) for name in grid.axes]
    flags = [_entry(name, "flag", "", MEANING_OF_FLAGS[name]) for name in grid.flags]
    fixed = [_entry(name, "fixed", _unit(name), PARAMETERS[name].meaning, value) for name, value in grid.fixed.items()]
    rules = [_entry(name, "constraint", "", MEANING_OF_FLAGS[name]) for name in grid.constraints]
    found = [quantity(name) for name in grid.quantities]
    answers = [_entry(each.name, "quantity", each.unit, f"{each.title} (equation {each.label})") for each in found]
    return axes + answers + flags + fixed + rules + ([_front(grid.front)] if grid.front else [])


def _front(front: Front) -> dict[str, object]:
    within = f", within equal {', '.join(front.by)}" if front.by else ""
    meaning = f"only points that no other beats: highest {front.gain} at lowest {front.cost}{within}"
    return _entry(front.gain, "front", "", meaning)


def notes_beside(out: Path) -> tuple[str, ...]:
    """The notes that stand in a table's dictionary."""
    with beside(out, "dictionary").open(newline="", encoding="utf-8") as file:
        return tuple(entry["meaning"] for entry in csv.DictReader(file) if entry["role"] == "note")


def _entry(column: str, role: str, unit: str, meaning: str, value: object = "") -> dict[str, object]:
    return dict(zip(COLUMNS, (column, role, unit, meaning, value), strict=True))


def _unit(name: str) -> str:
    symbol = MEANINGS.get(BY_NAME.get(name))
    if symbol:
        return symbol.unit
    return NOT_SYMBOLS.get(name, "1") if PARAMETERS[name].kind in (COUNT, NUMBER) else ""


def beside(out: Path, what: str) -> Path:
    """Where a table's dictionary (or list of skipped settings) stands."""
    return out.with_name(f"{out.stem}.{what}.csv")


def _beside(out: Path, what: str, rows: list[dict]) -> None:
    if not rows:
        beside(out, what).unlink(missing_ok=True)
        return
    write_whole(beside(out, what), _as_text(rows))


def _as_text(rows: list[dict]) -> bytes:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()
