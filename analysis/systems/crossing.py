"""The query length at which both contraction orders cost the same: in FLOPs, in bytes, in time on an accelerator.

Each order's time is a sum of kernels, each the larger of two lines in l. Between the lengths at which a kernel
changes from memory to arithmetic (its turn), the regime is constant and the difference of the orders is a line too.
So every crossing is found by its sign at both ends of such an interval, and named by the closed form of its regime.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sympy import Expr

from analysis.ask.built import architecture
from analysis.ask.numbers import Point, value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import reordering
from analysis.derive.einsum import Counts
from analysis.derive.parallel import sharded
from analysis.derive.roofline import time
from analysis.derive.symbols import BW_mem, L, P_acc, l
from analysis.files.errors import InputError


@dataclass(frozen=True)
class Crossing:
    """A query length [tokens] of equal cost; `regimes` tells per order which kernels arithmetic limits."""

    length: float
    closed_form: Expr
    regimes: dict[str, dict[str, bool]]


def needs_two_orders(setting: Setting) -> None:
    """Refuse models whose attention knows one contraction order."""
    row = setting.model
    if len(setting.architecture.mechanism.orders) < 2:
        latent = [row.id for row in datasets.models().values() if len(architecture(row).mechanism.orders) > 1]
        raise InputError(
            f"model={row.id}: its attention ({row.attention}) has one contraction order, so nothing can be compared; "
            f"choose a model with latent attention: {', '.join(latent)}."
        )


def _orders(setting: Setting) -> dict[str, tuple[Counts, ...]]:
    needs_two_orders(setting)
    orders = reordering.both_orders(setting.architecture.mechanism, setting.conventions)
    return {order: tuple(kernel.at(sharded()) for kernel in kernels) for order, kernels in orders.items()}


def order_times(setting: Setting, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Time of decompression (or absorbed products) and core [s] in each order, over query lengths.

    Raises InputError for a model with one order, and for a setting without accelerator, B or L.
    """
    point = setting.point | {l: lengths}
    return {order: sum(value(time(kernel), point) for kernel in kernels) for order, kernels in _orders(setting).items()}


def crossing_in_flops(setting: Setting) -> float:
    """Query length [tokens] below which reordering needs fewer FLOPs. Raises InputError."""
    needs_two_orders(setting)
    return _at(reordering.crossing_in_flops(setting.architecture.mechanism, setting.conventions), setting.point)


def crossing_in_bytes(setting: Setting) -> float:
    """Query length [tokens] below which reordering moves fewer bytes. Raises InputError."""
    needs_two_orders(setting)
    return _at(reordering.crossing_in_bytes(setting.architecture.mechanism, setting.conventions), setting.point)


def _at(form: Expr, point: Point) -> float:
    return float(value(form.xreplace(sharded()), point))


def crossings_in_time(setting: Setting) -> list[Crossing]:
    """Every query length in (0, L] at which both orders take equal time on the setting's accelerator, rising.

    Raises InputError for a model with one order, and for a setting without accelerator, B or L.
    """
    orders = _orders(setting)
    edges = _edges([kernel for kernels in orders.values() for kernel in kernels], setting.point)
    first, second = order_times(setting, edges).values()
    return [
        _crossing(setting, orders, (low + high) / 2)
        for (low, high), (start, end) in zip(pairwise(edges), pairwise(first - second), strict=True)
        if start * end < 0 or end == 0
    ]


def _edges(kernels: Iterable[Counts], point: Point) -> np.ndarray:
    """Query lengths from 0 to L, and between them those at which a kernel turns from one limit to the other."""
    longest = float(point[L])
    turns = {turn for kernel in kernels for turn in _turns(kernel, point) if 0 < turn < longest}
    return np.array([0.0, *sorted(turns), longest])


def _lead(kernel: Counts, point: Point, length: float) -> float:
    """Seconds by which a kernel's arithmetic outlasts its traffic at one query length; a line in it."""
    return float(value(kernel.flops / P_acc - kernel.bytes / BW_mem, {**point, l: length}))


def _turns(kernel: Counts, point: Point) -> list[float]:
    intercept = _lead(kernel, point, 0)
    slope = _lead(kernel, point, 1) - intercept
    return [-intercept / slope] if slope else []


def _crossing(setting: Setting, orders: dict[str, tuple[Counts, ...]], inside: float) -> Crossing:
    """The crossing in the interval around `inside`, from the closed form of the regime that holds there."""
    regimes = {
        order: {kernel.name: _lead(kernel, setting.point, inside) > 0 for kernel in kernels}
        for order, kernels in orders.items()
    }
    form = reordering.crossing_in_time(setting.architecture.mechanism, *regimes.values(), setting.conventions)
    return Crossing(_at(form, setting.point), form, regimes)
