"""Cells of a batch of source rows, as arrays: numbers, and words as codes into their levels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Words:
    """A text column as codes into its levels; code -1 is an empty cell."""

    codes: np.ndarray
    levels: tuple[str, ...]

    def mapped(self, mapping: Callable[[str], object], missing=np.nan, dtype=float) -> np.ndarray:
        """Each cell's word through `mapping`, which may return None for a word that it does not know."""
        found = [mapping(word) for word in self.levels]
        return np.array([missing if each is None else each for each in found] + [missing], dtype=dtype)[self.codes]


class Cells:
    """Columns of a batch of source rows, with the folder names that say where it comes from."""

    def __init__(self, batch: pa.RecordBatch, accelerator: str, framework: str, version: str):
        self.batch, self.accelerator, self.framework, self.version = batch, accelerator, framework, version

    def __len__(self) -> int:
        return self.batch.num_rows

    def has(self, name: str) -> bool:
        """Whether the table has this column."""
        return name in self.batch.schema.names

    def number(self, name: str, absent: float = np.nan) -> np.ndarray:
        """A numeric column, nan where empty; `absent` where the table does not have it. Raises ArrowException."""
        if not self.has(name):
            return np.full(len(self), absent)
        return self.batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)

    def text(self, name: str) -> Words:
        """A text column. Raises ArrowException where it holds something else."""
        column = self.batch.column(name)
        plain = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column.cast(pa.string()))
        codes = plain.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return Words(codes, tuple(str(word) for word in plain.dictionary.to_pylist()))


@dataclass(frozen=True)
class SourceTable:
    """A table of the database: columns that must be there, columns that may be, and how they become study rows."""

    needed: frozenset[str]
    known: frozenset[str]
    columns: Callable[[Cells], list[dict]]
