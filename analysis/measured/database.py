"""Import of the public kernel database: `<system>/<operation>/<framework>/<version>/<table>.parquet`, latency in ms.

Rows are read, mapped, judged and written batch by batch, so that memory stays small; the output appears whole or not
at all. A file that cannot be used costs one sentence and nothing else.
"""

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.files.errors import InputError, choices
from analysis.files.outputs import checked_output, marked_by, parquet_mark, refuse_foreign, refuse_input, whole
from analysis.files.text import place, shown
from analysis.measured import validity
from analysis.measured.kernel_files import SCHEMA
from analysis.measured.kernel_tables import SYSTEMS, TABLES
from analysis.measured.source_cells import Cells, SourceTable, Words

BATCH = 1 << 17
VERSION = re.compile(r"\d+(\.\d+)+((rc|a|b|\.post|\.dev)\d+)*")
SOURCE = {
    "source": "ai-dynamo/aiconfigurator, copy of the reader; arXiv:2601.06288",
    "licence": "Apache-2.0",
    "note": "",
}
MADE_BY = "python -m analysis import-measurements"
LFS_POINTER = b"version https://git-lfs"


@dataclass
class Report:
    """What an import did: files used, rows read and written, rows removed by rule, files left out by reason, and
    files by each of their columns that nothing here needs.
    """

    files: int = 0
    read: int = 0
    written: int = 0
    removed: Counter = field(default_factory=Counter)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    ignored: Counter = field(default_factory=Counter)

    @property
    def sentences(self) -> list[str]:
        """One sentence for each reason why files were left out."""
        return [f"{_some(files)}: {reason}" for reason, files in self.left_out.items()]


def _some(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


class Unusable(Exception):
    """A file cannot be imported; the message is the reason, the same for all files that share it."""


def import_folder(folder: Path, output: Path, keep_resident: bool = True, replace: bool = False) -> Report:
    """Import every table under `folder` into one Parquet file of this study's columns.

    Memory-bound rows whose buffers a cache may hold are kept if they are no faster than memory, unless `keep_resident`
    is False: sources replay their buffers, but such rows grow smoothly into larger ones. Raises InputError where the
    folder is missing, holds no table, or leaves no row, and where `output` is a file that no import wrote (unless
    `replace`); `output` is then untouched.
    """
    folder, output = Path(folder), Path(output)
    if not os.path.isdir(folder):
        found = "found a file" if os.path.exists(folder) else "there is no such folder"
        raise InputError(f"{place(folder)}: {found}, allowed is the folder of a kernel database; correct the path.")
    paths = sorted(folder.rglob("*.parquet"))
    if not paths:
        raise InputError(
            f"{place(folder)}: holds no Parquet table; give a folder laid out as "
            "<system>/<operation>/<framework>/<version>/<table>.parquet."
        )
    refuse_input(checked_output(output, ".parquet"), *paths)
    refuse_foreign(output, replace, lambda path: parquet_mark(path) == MADE_BY)
    report, schema = Report(), SCHEMA.with_metadata(marked_by(MADE_BY))
    with whole(output) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for path in paths:
            _import_file(folder, path, writer, report, keep_resident)
        if not report.written:
            why = report.sentences[0] if report.sentences else "rules removed every row."
            raise InputError(f"{place(folder)}: no row of {len(paths)} files can be used; {why}")
    return report


def _import_file(folder: Path, path: Path, writer: pq.ParquetWriter, report: Report, keep_resident: bool) -> None:
    """Write the usable rows of one file; a file that breaks off leaves nothing of itself behind.

    Until its end is seen they wait on disk, as a small file may hold millions of equal rows.
    """
    counted = Report()
    with tempfile.TemporaryFile() as waiting:
        try:
            with pq.ParquetWriter(waiting, SCHEMA, compression="zstd") as own:
                for cells, table in _batches(folder, path, counted):
                    counted.read += len(cells)
                    for each in _usable(path.stem, cells, table, counted, _locator(folder, path), keep_resident):
                        own.write_table(each)
        except Unusable as sentence:
            report.left_out.setdefault(str(sentence), []).append(_locator(folder, path))
            return
        for batch in pq.ParquetFile(waiting).iter_batches(BATCH):
            counted.written += len(batch)
            writer.write_table(pa.Table.from_batches([batch]).cast(SCHEMA))
    report.files += 1
    report.read += counted.read
    report.written += counted.written
    report.removed.update(counted.removed)
    report.ignored.update(counted.ignored)


def _locator(folder: Path, path: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _batches(folder: Path, path: Path, counted: Report) -> Iterator[tuple[Cells, SourceTable]]:
    name = _locator(folder, path)
    accelerator, framework, version = _place(name)
    table = TABLES.get(path.stem)
    if table is None:
        raise Unusable(f"this table is not read, allowed are {choices(TABLES)}.")
    if not path.is_file():  # a pipe would make us wait
        raise Unusable("is no regular file; put the table itself in its place.")
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        _check_columns(names, table)
        counted.ignored.update(set(names) - table.known)
        for batch in file.iter_batches(BATCH, columns=[each for each in names if each in table.known]):
            yield Cells(batch, accelerator, framework, version), table
    except (OSError, pa.ArrowException, UnicodeError) as failure:
        raise Unusable(f"{_damage(path, failure)}.") from None


def _damage(path: Path, failure: Exception) -> str:
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            return "is a Git LFS pointer, not the table itself; run `git lfs pull` in the copy"
    return f"is damaged or holds another type than expected ({_first_line(failure)}); fetch it again"


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0][:120]


def _place(name: str) -> tuple[str, str, str]:
    """Accelerator, framework and version, from the folders that a table lies in."""
    parts = name.split("/")
    if len(parts) != 5:
        raise Unusable(f"lies {len(parts) - 1} folders deep, allowed is <system>/<operation>/<framework>/<version>/.")
    system, _, framework, version, _ = parts
    if system not in SYSTEMS:
        raise Unusable(f"system {system!r} is unknown, allowed are {choices(SYSTEMS)}.")
    if not VERSION.fullmatch(version):
        raise Unusable(f"version {version!r} is unknown, allowed are numbers such as 0.24.0 or 1.3.0rc20.")
    return SYSTEMS[system], framework.lower(), version


def _check_columns(found: list[str], table: SourceTable) -> None:
    missing = sorted(table.needed - set(found))
    if missing:
        raise Unusable(f"column {shown(missing[0])} is missing, expected are {choices(sorted(table.needed))}.")


def _usable(
    stem: str, cells: Cells, table: SourceTable, counted: Report, locator: str, keep_resident: bool
) -> Iterator[pa.Table]:
    try:
        first = validity.before_mapping(stem, cells)
        with np.errstate(all="ignore"):  # of numbers that a rule removes
            blocks = table.columns(cells)
    except (pa.ArrowException, KeyError, ValueError) as failure:
        raise Unusable(f"a column holds another type than expected ({_first_line(failure)}); fetch it again.") from None
    for block in blocks:
        gone = _removed({**first, **_merged(first, validity.of_block(block))}, counted)
        rows = assembled(block | SOURCE | {"locator": locator}, len(cells)).filter(pa.array(~gone))
        if len(rows):
            rows = rows.filter(pa.array(~_removed(validity.after_mapping(rows, keep_resident), counted)))
        yield rows


def _merged(first: dict, second: dict) -> dict:
    return {name: mask | first[name] if name in first else mask for name, mask in second.items()}


def _removed(masks: dict[str, np.ndarray], counted: Report) -> np.ndarray:
    """Rows that any rule removes, each counted under the first rule that does."""
    gone = np.zeros(len(next(iter(masks.values()))), bool)
    for rule in validity.WHY:
        if rule in masks:
            counted.removed[rule] += int((masks[rule] & ~gone).sum())
            gone |= masks[rule]
    return gone


def assembled(block: dict, count: int) -> pa.Table:
    """A table of this study's columns from arrays, `Words`, and single values that hold for all rows."""
    return pa.table([_column(field, block.get(field.name), count) for field in SCHEMA], schema=SCHEMA)


def _column(column: pa.Field, given, count: int) -> pa.Array:
    if column.type == pa.float64():
        numbers = np.broadcast_to(np.nan if given is None else np.asarray(given, float), count)
        return pa.array(numbers, mask=np.isnan(numbers))
    given = (
        given
        if isinstance(given, Words)
        else Words(np.full(count, -1 if given is None else 0), () if given is None else (given,))
    )
    indices = pa.array(given.codes, pa.int32(), mask=given.codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(given.levels, pa.string()))
