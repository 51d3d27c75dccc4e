"""Calibrations by name: rows of data/calibrations.csv, or of a file that `calibrate` wrote."""

import csv
import io
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from analysis.data.cells import split_words
from analysis.data.datasets import DATA
from analysis.data.own_rows import file_state, is_path
from analysis.data.row import Count, Id, Name, Rate, Row, column
from analysis.data.table import checked_row, load_table
from analysis.files.documents import csv_records
from analysis.files.errors import InputError, choices
from analysis.files.text import place, shown

ROOFS = ("floor", "memory_efficiency", "compute_efficiency", "sharpness")
_RAMPED = (*ROOFS, "ramp", "reach", "passes")
WIRES = ("floor", "memory_efficiency")  # an exchange computes nothing: its link's efficiency stands in for the memory's
OPERATIONS: dict[str, tuple[str, ...]] = {
    "attention": (*ROOFS, "tile", "lost", "reach"),
    "latent-attention": _RAMPED,
    "attention-prefill": _RAMPED,
    "latent-prefill": (*_RAMPED, "tile"),
    "latent-prefill-reordered": (*ROOFS, "passes"),
    "experts": (*ROOFS, "passes", "gathers"),
    "gemm": ROOFS,
    "gemm-fp8": ROOFS,
    "index": ROOFS,
    "select": ("floor", "memory_efficiency", "sharpness"),
    "picked-core": ROOFS,
    "state": ROOFS,
    "state-prompt": ROOFS,
    "exchange": WIRES,
    "all-reduce": (*WIRES, "ramp", "reach"),
}
"""Operations that a calibration describes, and the parameters of each."""

OWN_ALONE = {"latent-attention": ("passes",), "latent-prefill": ("tile",)}
"""Parameters that belong to the kernels of one architecture: fitted on one, they make the other's errors larger."""

HARD = 12.0
FIRM: dict[str, dict[str, float]] = {"latent-attention": {"sharpness": HARD}, "select": {"sharpness": HARD}}
"""Parameters that no fit is asked for. Products of MLA decode run while the cache is read, so that it takes the longer
of both; a soft corner, fitted where few heads never compute, makes many heads slower than they are. A pick of rows
counts no arithmetic, so that it has no corner.
"""

FITTED_WIDTH = 2
"""Bytes of a cached element in every attention row that was fitted."""

FP8_CACHE_FACTOR = (1.0, 2.0)
FP8_CACHE = (
    "no row that was fitted reads a narrower cache, so its factor is not identified: 1 is used, as if half of the "
    "bytes took half of the time, and it may be up to 2, where reading takes as long as in BF16."
)


def pooled(operation: str) -> tuple[str, ...]:
    """Parameters of the row that all architectures share.

    >>> pooled("attention")
    ('floor', 'memory_efficiency', 'compute_efficiency', 'sharpness', 'tile', 'lost', 'reach')
    """
    return tuple(name for name in OPERATIONS[operation] if name not in OWN_ALONE.get(operation, ()))


PARAMETERS = tuple(dict.fromkeys(name for names in OPERATIONS.values() for name in names))
ARCHITECTURES = {
    "hopper": ("h100-sxm5", "h200-sxm5", "h800-sxm5", "h20-sxm", "gh200-96gb", "gh200-144gb", "h200-paper"),
    "blackwell": ("b200-sxm", "b300-sxm", "gb200-nvl72", "gb300-nvl72", "b200-paper"),
}
"""Accelerators that run the same kernels. Blackwell is the data-centre part: others lack its tensor memory."""

EXPONENTS = 4.2e12
"""Exponentials that an accelerator computes each second: its multiprocessors (132 of an H100, 148 of a B200) times 16 a
clock at 1.7 to 2 GHz. Tensor cores became twice as fast from Hopper to Blackwell, these units did not."""

ULTRA = ("b300-sxm", "gb300-nvl72")
"""Blackwell Ultra: twice as many exponentials a clock, which is what it was made for. NVIDIA measured 10.0e12 a second
on a GB300 against 4.9e12 on a GB200 ("Making Softmax More Efficient with NVIDIA Blackwell Ultra"). No row here tells.
"""

Share = Annotated[float, Field(gt=0, le=1)]
OpenWords = Annotated[tuple[str, ...], BeforeValidator(split_words)]


class Calibration(BaseModel):
    """A fitted model of one kind of operation; intervals are 95 %, by resampling shape groups."""

    model_config = Row.model_config

    id: Id = column("name of the calibration and operation, joined by a dot")
    calibration: Id = column("name to give as calibration=")
    operation: Literal[tuple(OPERATIONS)] = column("operation whose kernels it describes")
    architecture: Literal[tuple(ARCHITECTURES)] | None = column(
        "architecture whose kernels it describes; empty: all accelerators that have no row of their own", default=None
    )
    accelerators: OpenWords = column("accelerators whose rows were fitted")
    floor: Rate = column("launch floor", "s")
    floor_low: Rate = column(unit="s")
    floor_high: Rate = column(unit="s")
    memory_efficiency: Share = column("share of memory (exchange: link) bandwidth", "1")
    memory_efficiency_low: Share = column(unit="1")
    memory_efficiency_high: Share = column(unit="1")
    compute_efficiency: Share | None = column("share of the arithmetic peak", "1", None)
    compute_efficiency_low: Share | None = column(unit="1", default=None)
    compute_efficiency_high: Share | None = column(unit="1", default=None)
    sharpness: Rate | None = column("exponent that combines both: 1 adds them, infinity takes the larger", "1", None)
    sharpness_low: Rate | None = column(unit="1", default=None)
    sharpness_high: Rate | None = column(unit="1", default=None)
    tile: Rate | None = column("tokens of a request whose keys and values attention reads at least", "tokens", None)
    tile_low: Rate | None = column(unit="tokens", default=None)
    tile_high: Rate | None = column(unit="tokens", default=None)
    ramp: Rate | None = column("time lost at most until full rates are reached", "s", None)
    ramp_low: Rate | None = column(unit="s", default=None)
    ramp_high: Rate | None = column(unit="s", default=None)
    lost: Rate | None = column("bytes that take as long, at the memory's peak rate, as is lost at most", "byte", None)
    lost_low: Rate | None = column(unit="byte", default=None)
    lost_high: Rate | None = column(unit="byte", default=None)
    reach: Rate | None = column("time at attained rates at which half of that is lost", "s", None)
    reach_low: Rate | None = column(unit="s", default=None)
    reach_high: Rate | None = column(unit="s", default=None)
    passes: Rate | None = column(
        "times that what its parts pass on travels, at the geometric mean of memory bandwidth and 1 TB/s", "1", None
    )
    passes_low: Rate | None = column(unit="1", default=None)
    passes_high: Rate | None = column(unit="1", default=None)
    gathers: Rate | None = column("the same for the rows that experts are handed", "1", None)
    gathers_low: Rate | None = column(unit="1", default=None)
    gathers_high: Rate | None = column(unit="1", default=None)
    open: OpenWords = column("parameters that the rows cannot identify", default=())
    rows_fitted: Count = column("rows that were fitted", "1")
    rows_tested: Count = column("rows held out", "1")
    error: Rate = column("median absolute relative error on held-out rows", "1")
    error_apart: Rate | None = column(
        "the same on a device that was left out, by a fit to the others; empty: rows of one device alone", "1", None
    )
    error_roofline: Rate = column("the same of the bare roofline", "1")
    error_constant: Rate = column("the same of the roofline over one efficiency", "1")
    source: Name = column("measurement files that were fitted")
    seed: Annotated[int, Field(ge=0)] = column("seed of the split and of the intervals", "1")

    @property
    def parameters(self) -> dict[str, float]:
        """The fitted parameters by name, those that exist."""
        return {name: getattr(self, name) for name in PARAMETERS if getattr(self, name) is not None}

    def error_on(self, architecture: str | None) -> float:
        """Median error to expect [1] on accelerators of an architecture: of one that no row describes, as when a device
        was left out.
        """
        return self.error if architecture or self.error_apart is None else self.error_apart

    @property
    def key(self) -> str:
        """Operation, and architecture where it describes one alone."""
        return ".".join(filter(None, (self.operation, self.architecture)))


@cache
def calibrations() -> dict[str, Calibration]:
    """Every fitted model by id, in the order of data/calibrations.csv. Raises InputError where the file is wrong."""
    return load_table(DATA / "calibrations.csv", Calibration)


def named(name: str) -> dict[str, Calibration]:
    """The models of one calibration by key; `name` may be a file that `calibrate` wrote. Raises InputError."""
    if is_path(name):
        return _own(Path(name), file_state(name))
    rows = {row.key: row for row in calibrations().values() if row.calibration == name}
    if not rows:
        known = choices(dict.fromkeys(row.calibration for row in calibrations().values()))
        raise InputError(
            f"calibration={place(name)}: data/calibrations.csv has no such calibration; allowed are {known}."
        )
    return rows


def architecture_of(accelerator: str | None) -> str | None:
    """The architecture of an accelerator of data/accelerators.csv, None where no row is fitted to its kind.

    >>> architecture_of("h200-sxm5"), architecture_of("mi300x")
    ('hopper', None)
    """
    return next((name for name, members in ARCHITECTURES.items() if accelerator in members), None)


def exponents_of(accelerator: str | None) -> float:
    """Exponentials that an accelerator of data/accelerators.csv computes each second.

    >>> exponents_of("gb300-nvl72") / exponents_of("gb200-nvl72")
    2.0
    """
    return EXPONENTS * (2 if accelerator in ULTRA else 1)


def chosen(rows: dict[str, Calibration], architecture: str | None) -> dict[str, Calibration]:
    """The model of each operation for accelerators of an architecture: its own where there is one, else the pooled."""
    pooled = {row.operation: row for row in rows.values() if row.architecture is None}
    own = {row.operation: row for row in rows.values() if row.architecture and row.architecture == architecture}
    return pooled | own


@lru_cache(maxsize=16)
def _own(path: Path, state) -> dict[str, Calibration]:
    if path.suffix.lower() != ".csv":
        raise InputError(
            f"{place(path)}: found the ending {shown(path.suffix)}, allowed is .csv; "
            "give a file that `calibrate` wrote."
        )
    records = csv_records(path)
    rows = [checked_row(Calibration, record, f"{place(path)} row {number}") for number, record in enumerate(records, 1)]
    if len({row.calibration for row in rows}) != 1 or len({row.key for row in rows}) < len(rows):
        raise InputError(
            f"{place(path)}: found no row, rows of several calibrations or an operation twice, "
            "allowed are the rows of one calibration; keep those of one."
        )
    return {row.key: row for row in rows}


def as_csv(rows: Iterable[Calibration]) -> bytes:
    """Calibration rows as the text of data/calibrations.csv."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Calibration.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(cell) for key, cell in row.model_dump().items()} for row in rows)
    return text.getvalue().encode()


def _cell(cell):
    return " ".join(cell) if isinstance(cell, tuple) else "" if cell is None else cell
