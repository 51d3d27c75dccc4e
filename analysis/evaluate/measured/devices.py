"""Roofs of the devices that measurements name: data-sheet rates as points."""

import numpy as np
import pyarrow as pa
from sympy import Symbol

from analysis.derive.symbols import BW_Int, BW_mem, P_acc
from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.points import row_point

PEAK = {"bf16": "bf16", "fp16": "bf16", "fp8": "fp8", "fp4": "fp4"}
"""Which peak of an accelerator's row a number format runs at."""


def device_point(name: str, precision: str) -> dict[Symbol, float]:
    """P_acc [FLOP/s] and BW_mem [byte/s] of an accelerator's data sheet.

    Raises InputError for an accelerator or precision that accelerators.csv does not hold.

    >>> device_point("h100-sxm5", "bf16")[BW_mem]
    3350000000000
    """
    if precision not in PEAK:
        raise InputError(
            f"precision={precision}: accelerators.csv holds no such rate, allowed are {', '.join(PEAK)}; "
            "give the machine's own roofs by measuring gemm and read."
        )
    point = row_point(datasets.accelerator(name), PEAK[precision])
    return {P_acc: point[P_acc], BW_mem: point[BW_mem]}


def link_point(name: str, symbol: Symbol = BW_Int) -> dict[Symbol, float]:
    """Bandwidth of a link in one direction [byte/s], as the value of `symbol`. Raises InputError for an unknown
    link.
    """
    return {symbol: row_point(datasets.interconnect(name))[BW_Int]}


def own_roofs(table: pa.Table) -> dict[str, dict[Symbol, float]]:
    """Best measured arithmetic and read rate of each machine that a table times with both `gemm` and `read`.

    For machines that have no data sheet here; the rates are those of the rows, by the counts of the derivation.
    """
    from analysis.evaluate.measured.predict import numbers, predict, words

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
