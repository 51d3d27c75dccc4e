"""Roofs of the devices that measurements name: data-sheet rates as points."""

from sympy import Symbol

from analysis.ask.points import row_point
from analysis.data import datasets
from analysis.derive.symbols import BW_Int, BW_mem, P_acc
from analysis.files.errors import InputError

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
