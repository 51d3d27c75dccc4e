"""Decompression and absorbed products: no fit sees them alone, so a row of them is judged by what a step is charged."""

import numpy as np
import pyarrow as pa
from sympy import Integer

from analysis.ask.numbers import value
from analysis.data.calibrations import Calibration
from analysis.derive.block import Architecture, Conventions
from analysis.derive.parallel import WHOLE
from analysis.derive.symbols import BW_mem, P_acc
from analysis.measured.devices import PEAK
from analysis.measured.predict import kernels_of, kinds, shape_point, words
from analysis.measured.validate import Compared
from analysis.systems.launches import launches
from analysis.systems.timing import Step, kernel_time


def are_products(table: pa.Table) -> np.ndarray:
    """Which rows are such products."""
    return words(table, "operation") == "decompression"


def as_in_a_step(compared: Compared, rows: dict[str, Calibration]) -> np.ndarray:
    """Times [s] of such rows as a step is charged: those of matrix products by `rows`, a launch for each tensor that
    they multiply.
    """
    time = np.zeros(len(compared.table))
    for kind, part in kinds(compared.table):
        order = kind["order"] or "as_printed"
        step = Step(None, False, order, PEAK.get(kind["precision"], ""), WHOLE, ())
        charged = launches(Architecture(kind["mechanism"]), Conventions(order, kind["grouping"]))
        each = (kernel_time(kernel, rows, "decompression", step, charged) for kernel in kernels_of(kind))
        alike = compared.rows(part)
        counts = alike.prediction
        roofs = {P_acc: counts.flops / counts.compute, BW_mem: counts.bytes / counts.memory}
        time[part] = value(sum(each, Integer(0)), shape_point(kind, alike.table) | roofs)
    return time
