"""A machine that its owner measured: rows of one file beside the roofline of the machine's own best rates."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from analysis.ask.asked import asked
from analysis.ask.numbers import value
from analysis.data.datasets import DATA
from analysis.derive.roofline import ridge_point
from analysis.derive.symbols import BW_mem, P_acc
from analysis.files.documents import json_mapping
from analysis.files.errors import InputError, choices
from analysis.measured.kernel_files import FOLDER, load
from analysis.measured.kernel_rows import MECHANISMS
from analysis.measured.predict import numbers, own_roofs, predict
from analysis.measured.validate import Compared

SHIPPED = FOLDER / "own_cpu.csv"
"""The run that the study ships."""


@dataclass(frozen=True)
class OwnMachine:
    """Rows beside predictions; best rate of products [FLOP/s] and of reads [byte/s]; the machine's record."""

    name: str
    compared: Compared
    arithmetic: float
    traffic: float
    record: dict

    @property
    def title(self) -> str:
        """The machine in words: its device or processor, and the cores used."""
        device = self.record.get("device") or self.record.get("processor") or self.name
        return f"{device}, {self.record['cores']} cores" if "cores" in self.record else str(device)

    @property
    def ridge(self) -> float:
        """Ridge point of the measured rates [FLOP/byte]."""
        return float(value(ridge_point(), {P_acc: self.arithmetic, BW_mem: self.traffic}))


def own_machine(file: str | Path = "") -> OwnMachine:
    """Read a file that `measure` wrote; without one, the run that the study ships.

    Raises InputError for a file that is missing or broken, holds several machines, or lacks gemm or read rows.
    """
    path = _found(file)
    table = load(path)
    machines = sorted(set(table["accelerator"].to_pylist()))
    if len(machines) > 1:
        raise InputError(f"{path.name}: found rows of {choices(machines)}, allowed is one machine; give each its file.")
    roofs = own_roofs(table)
    if not roofs:
        raise InputError(f"{path.name}: found no roof, needed are rows of gemm and read; let `measure` write the file.")
    point = roofs[machines[0]]
    compared = Compared(table, predict(table, roofs))
    return OwnMachine(machines[0], compared, float(point[P_acc]), float(point[BW_mem]), _record(path))


def asked_machine(names: dict) -> OwnMachine:
    """The machine of a notebook's one parameter, `file`: `asked_machine(globals())`. Raises InputError."""
    return own_machine(asked(names).own["file"])


def _found(file: str | Path) -> Path:
    here = Path(file or SHIPPED)
    return here if here.is_absolute() or os.path.isfile(here) else DATA.parent / here


def _record(path: Path) -> dict:
    beside = path.with_suffix(".json")
    return json_mapping(beside) if os.path.isfile(beside) else {}


def texts(table: pa.Table, name: str) -> np.ndarray:
    """A text column cell by cell, None where empty."""
    return np.array(table[name].to_pylist(), dtype=object)


# -- the two orders ------------------------------------------------------------------------------------------------
def order_times(machine: OwnMachine) -> list[dict]:
    """Decode with MLA in both orders, core and decompression together: one entry per shape that has both.

    Keys: n_hd, B, L, and per order the measured and the predicted time [s]. Sorted by heads and context.
    """
    table = machine.compared.table
    several = [name for name, each in MECHANISMS.items() if len(each.orders) > 1]
    latent = np.isin(texts(table, "mechanism").astype(str), several)
    shapes = list(zip(*(numbers(table, name) for name in ("n_hd", "B", "L")), strict=True))
    found = []
    for shape in sorted({shapes[i] for i in np.flatnonzero(latent)}):
        rows = np.array([latent[i] and shapes[i] == shape for i in range(len(table))])
        times = _times(machine.compared.rows(rows))
        if times:
            found.append(dict(zip(("n_hd", "B", "L"), shape, strict=True)) | times)
    return found


def _times(rows: Compared) -> dict | None:
    """Sum of the fastest core and the fastest decompression in each order; None where one of the four is missing."""
    order, operation = texts(rows.table, "order"), texts(rows.table, "operation")
    times = {}
    for name in ("as_printed", "reordered"):
        parts = [np.flatnonzero((order == name) & (operation == part)) for part in ("core_attention", "decompression")]
        if not all(len(part) for part in parts):
            return None
        best = [part[np.argmin(rows.latency[part])] for part in parts]
        times[f"measured_{name}"] = float(rows.latency[best].sum())
        times[f"predicted_{name}"] = float(rows.prediction.time[best].sum())
    return times
