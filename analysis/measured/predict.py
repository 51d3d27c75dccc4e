"""Predicted time of measured rows: each row's kernels come from the derivation, its roofs from the data sheets.

Rows of one kind (operation, mechanism, order, grouping, devices, precision, routing) share one closed form and are
evaluated together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sympy import Expr, Integer, Symbol

from analysis.ask.numbers import value
from analysis.ask.widths import WIDE
from analysis.data.calibrations import exponents_of
from analysis.derive import communication, roofline
from analysis.derive.block import Conventions, Kind, attention_stages, bytes_moved, flops, grouped
from analysis.derive.einsum import Kernel
from analysis.derive.feedforward import PLAIN_FFN, ROUTED_EXPERTS
from analysis.derive.parallel import sharded
from analysis.derive.symbols import (
    BY_NAME,
    B,
    BW_Int,
    BW_mem,
    BW_out,
    Gamma_acc,
    P_acc,
    T_e,
    alpha,
    d_emb,
    deg_grp,
    deg_TP,
    l,
    n_acc,
    n_act,
    n_group,
    n_hd,
    n_k,
    n_kv,
    width_activations,
    width_kv,
    width_weights,
)
from analysis.measured import kernel_rows
from analysis.measured.devices import device_point, link_point
from analysis.measured.kernel_rows import MECHANISMS, PRECISIONS, SHAPE
from analysis.systems.timing import BESIDE, GATHERED, HALF, beside

KIND = ("operation", "mechanism", "order", "grouping", "accelerator", "precision", "routing", "link", "link_between")
EXCHANGES = ("dispatch", "combine", "all_reduce")
STAGES = kernel_rows.STAGES | {"experts": "routed", "gemm": "projections"}
"""Stages of a block that operations time."""

_WIDTHS = (width_weights, width_kv, width_activations)


@dataclass(frozen=True)
class Prediction:
    """What the derivation expects of each row: counts, and roofline times in s; arrays of one entry per row.

    `bytes` are those between the accelerator and its memory; `wire_bytes` those that cross the busiest link end.
    `token`, `between`, `handed`, `exponents` and `byte` are what calibrated models charge besides, no part of `time`
    (`analysis.systems.timing.Beside`).
    """

    flops: np.ndarray
    bytes: np.ndarray
    wire_bytes: np.ndarray
    compute: np.ndarray
    memory: np.ndarray
    wire: np.ndarray
    time: np.ndarray
    token: np.ndarray
    between: np.ndarray
    handed: np.ndarray
    exponents: np.ndarray
    byte: np.ndarray

    @property
    def intensity(self) -> np.ndarray:
        """Arithmetic intensity [FLOP/byte], nan for operations that only move bytes."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.flops > 0, self.flops / self.bytes, np.nan)


def numbers(table: pa.Table, name: str) -> np.ndarray:
    """A numeric column, nan where empty."""
    return table[name].to_numpy(zero_copy_only=False).astype(float)


def words(table: pa.Table, name: str) -> np.ndarray:
    """A text column as an array of strings, None where empty."""
    return table[name].cast(pa.string()).to_numpy(zero_copy_only=False)  # a dictionary column would fill empty cells


def kinds(table: pa.Table, columns: tuple[str, ...] = KIND) -> Iterator[tuple[dict, np.ndarray]]:
    """Rows that agree in all `columns`: what they agree on, and their indices."""
    code = np.zeros(len(table), dtype=np.int64)
    levels = []
    for name in columns:
        column = table[name].combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        found = [*column.dictionary.to_pylist(), None]
        each = column.indices.fill_null(len(found) - 1).to_numpy(zero_copy_only=False)
        code = code * len(found) + each
        levels.append(found)
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(inverse))[:-1]) if len(first) else []
    for row, part in zip(first, parts, strict=True):
        yield {name: table[name][int(row)].as_py() for name in columns}, part


def predict(table: pa.Table, roofs: Mapping[str, Mapping] | None = None) -> Prediction:
    """Counts and roofline times of every row of a measurement table.

    `roofs` gives P_acc and BW_mem (as a point) for machines that accelerators.csv does not know, by name. Raises
    InputError for a device that is not known.
    """
    found = {name: np.zeros(len(table)) for name in Prediction.__dataclass_fields__}
    for kind, part in kinds(table):
        rows = table.take(pa.array(part)) if len(part) < len(table) else table
        for name, numbers_of in _predicted(kind, rows, roofs or {}).items():
            found[name][part] = numbers_of
    return Prediction(**found)


def _predicted(kind: dict, rows: pa.Table, roofs: Mapping) -> dict:
    point = shape_point(kind, rows)
    if kind["operation"] in EXCHANGES:
        return _exchange(kind, rows, point)
    point |= roofs.get(kind["accelerator"]) or device_point(kind["accelerator"], kind["precision"])
    if kind["operation"] in ("read", "copy"):
        return _moved(numbers(rows, "bytes"), point)
    kernels = kernels_of(kind)
    count, size = value(flops(kernels), point), value(bytes_moved(kernels), point)
    time = value(sum((roofline.time(kernel) for kernel in kernels), Integer(0)), point)
    return {
        "flops": count,
        "bytes": size,
        "compute": count / point[P_acc],
        "memory": size / point[BW_mem],
        "time": time,
    } | _beside(kind, kernels, point)


def stage_of(kind: Mapping) -> str:
    """The stage under whose name timings of a kind of row are asked for; empty where it is none of a block's.

    >>> [stage_of({"operation": "core_attention", "mechanism": name}) for name in ("MLA", "DSA")]
    ['core', 'picked core']
    """
    return Kind(Integer(1), MECHANISMS.get(kind["mechanism"])).timed(STAGES.get(kind["operation"], ""))


def _beside(kind: Mapping, kernels: tuple[Kernel, ...], point: Mapping) -> dict:
    """What calibrated models charge besides. Experts are handed the rows of their whole group, as no dispatch
    parted it.
    """
    rate = exponents_of(kind["accelerator"])
    charged = [beside(kernel, stage_of(kind), exponents=rate) for kernel in kernels]
    forms = {name: sum((getattr(each, name) for each in charged), Integer(0)) for name in BESIDE}
    if kind["operation"] == "experts":
        forms["handed"] = HALF * B * n_k * d_emb / (BW_mem * GATHERED) ** 0.5
    return {name: value(form, point) for name, form in forms.items()}


def _moved(size: np.ndarray, point: Mapping) -> dict:
    return {"bytes": size, "memory": size / point[BW_mem], "time": size / point[BW_mem]}


def _exchange(kind: dict, rows: pa.Table, point: dict) -> dict:
    point |= link_point(kind["link"], BW_Int)
    if kind["operation"] == "all_reduce":
        size = numbers(rows, "bytes") * 2 * (point[deg_TP] - 1) / point[deg_TP]  # of a ring, as in all_reduce_time
        return {"wire_bytes": size, "wire": size / point[BW_Int], "time": size / point[BW_Int]}
    if kind["link_between"]:
        point |= link_point(kind["link_between"], BW_out) | {n_group: numbers(rows, "group")}
    time = value(exchange_form(kind), point)
    return {"wire_bytes": value(communication.dispatched_bytes(), point), "wire": time, "time": time}


def exchange_form(kind: Mapping) -> Expr:
    """Closed form of one dispatch or combine [s]: Eq. 13's half, on two levels where the row names two links."""
    return communication.dispatch_time("two" if kind["link_between"] else "one")


def kernels_of(kind: Mapping) -> tuple[Kernel, ...]:
    """The derivation's kernels for a kind of row."""
    if kind["operation"] == "experts":
        return grouped("routed", ROUTED_EXPERTS, kind["grouping"])
    if kind["operation"] == "gemm":
        return (Kernel("gemm", PLAIN_FFN[:1]),)
    stage = STAGES[kind["operation"]]
    in_chunks = kind["operation"] == "state_prompt"
    conventions = Conventions(kind["order"] or "as_printed", kind["grouping"], prompt=in_chunks)
    return attention_stages(MECHANISMS[kind["mechanism"]], conventions)[stage]


def shape_point(kind: Mapping, rows: pa.Table) -> dict:
    """Symbols to arrays for the rows of one kind: their shape, widths, and what follows from tokens and routing."""
    point = {BY_NAME[name]: numbers(rows, name) for name in SHAPE if rows[name].null_count < len(rows)}
    for width in _WIDTHS:
        given = numbers(rows, width.name)
        point[width] = np.where(np.isnan(given), PRECISIONS[kind["precision"]], given)
    point |= {BY_NAME[name]: width for name, width in WIDE.items()}
    if n_kv in point and n_hd in point:
        point[deg_grp] = point[n_hd] / point[n_kv]
    return point | (_tokens(kind, rows, point) if rows["tokens"].null_count == 0 else {})


def _tokens(kind: Mapping, rows: pa.Table, point: Mapping) -> dict:
    """Tokens as requests of one token each, of a group that is the whole system."""
    system = {B: numbers(rows, "tokens"), l: np.ones(len(rows)), alpha: 0.0, Gamma_acc: 1.0}
    if BY_NAME["deg_EP"] in point:
        system[n_acc] = point[BY_NAME["deg_EP"]]
    if kind["operation"] != "experts":
        return system
    if kind["routing"] == "uniform":
        return system | {symbol: value(sharded()[symbol], point | system) for symbol in (n_act, T_e)}
    return system | _balanced(point | system)


def _balanced(point: Mapping) -> dict:
    """Experts reached and tokens of each on the busiest accelerator when copies are dealt out one by one."""
    e, k, EP = (point[BY_NAME[name]] for name in ("n_e", "n_k", "deg_EP"))
    copies = np.ceil(point[B] * k / EP)
    reached = np.minimum(e / EP, copies)
    return {n_act: reached, T_e: copies / reached}


def own_roofs(table: pa.Table) -> dict[str, dict[Symbol, float]]:
    """Best measured arithmetic and read rate of each machine that a table times with both `gemm` and `read`.

    For machines that have no data sheet here; the rates are those of the rows, by the counts of the derivation.
    """
    machine, operation, latency = words(table, "accelerator"), words(table, "operation"), numbers(table, "latency")
    unit = {name: {P_acc: 1.0, BW_mem: 1.0} for name in set(machine)}
    counts = predict(table, unit)
    found = {}
    for name in sorted(unit):
        rates = [
            _best(kind[(machine == name) & (operation == what)])
            for what, kind in (("gemm", counts.flops / latency), ("read", counts.bytes / latency))
        ]
        if all(rates):
            found[name] = {P_acc: rates[0], BW_mem: rates[1]}
    return found


def _best(rates: np.ndarray) -> float:
    return float(rates.max()) if len(rates) else 0.0
