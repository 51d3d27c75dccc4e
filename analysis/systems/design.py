"""What a balanced machine is worth and how far the accelerators of the data are from it, by precision."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sympy import Expr, Symbol

from analysis.ask.forms import derived
from analysis.ask.numbers import value
from analysis.ask.points import memory_bytes, peak_rate, row_point
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.data.rows import Accelerator
from analysis.derive.symbols import B, BW_Int, BW_mem, M_cap, P_acc, deg_DP, n_acc
from analysis.files.errors import InputError
from analysis.systems import notes, system
from analysis.systems.balanced import RESOURCES, Point, balanced, batch_at, busy, checked, evaluated, wires, work
from analysis.systems.canonical import paper
from analysis.systems.quantities import quantity

PRECISIONS = {"bf16": 2, "fp8": 1, "fp4": 0.5}
"""A peak, and bytes of every element in a machine built for it."""
WIDTHS = ("peak", "format", "width", "width_weights", "width_experts", "width_kv", "width_activations")
PERCENT = 0.01
STEP = 1e-6  # of a rate, for a slope: far above rounding, far below what a term moves by


@dataclass(frozen=True)
class Worth:
    """What 1 % of a resource changes in tokens/s [1]: gained by more of it, lost by less; as tried on the whole model,
    and by its derivative."""

    gained: float
    lost: float
    gained_form: float
    lost_form: float


@dataclass(frozen=True)
class Distance:
    """An accelerator beside the balanced machine of its own memory bandwidth: that machine's batch [requests] (nan if
    none meets the time limit), and what the accelerator has of each resource over it [1]; None where not known."""

    row: Accelerator
    batch: float
    has: dict[str, float | None]


@dataclass(frozen=True)
class Design:
    """A balanced machine in a setting: its point [SI], that of an endless batch, and a reader's own accelerator."""

    setting: Setting
    machine: Point
    endless: Point
    own: Accelerator | None = None

    @property
    def busy(self) -> dict[str, float]:
        """Share of a step in which each rate is in use, and of memory that is full [1]."""
        return busy(self.setting, self.machine)

    @property
    def tpot(self) -> float:
        """TPOT [s] of the whole model on the machine."""
        return float(value(derived(system.tpot, self.setting), evaluated(self.setting, self.machine)))

    @property
    def notes(self) -> list[str]:
        """What must be said of the model and the setting."""
        whole = max(1, round(float(self.machine[B] / self.setting.point[deg_DP]))) * self.setting.point[deg_DP]
        return list(notes.notes(quantity("tpot"), self.setting.with_(B=int(whole))))


def designs(setting: Setting) -> tuple[list[Design], list[str]]:
    """A design for each precision, or for the one that the setting speaks of, and notes on what sets their size.

    The size is the batch if B= is given, else the memory bandwidth of accelerator=, else of the canonical setting's.
    Raises InputError where no batch meets the time limit.
    """
    setting, said, own = checked(setting), [], None
    if "B" not in setting.given:
        name = setting.given.get("accelerator", paper().accelerator)
        row = datasets.accelerator(name)
        own = None if row.id in datasets.accelerators() else row
        link = setting.given.get("link") or ("accelerator" in setting.given and row.link) or None
        bandwidth = float(_bandwidth(row))
        setting = setting.with_(accelerator=None, link=link)
        said.append(f"sized by the memory bandwidth of accelerator={row.id}, {bandwidth / 1e9:g} GB/s.")
    else:
        bandwidth = None
    if any(name in setting.given for name in WIDTHS):
        return [_design(setting, bandwidth, own)], said
    return [_design(setting.with_(peak=peak, width=width), bandwidth, own) for peak, width in PRECISIONS.items()], said


def _bandwidth(row: Accelerator):
    return row_point(row, next(peak for peak in PRECISIONS if getattr(row, f"P_{peak}")))[BW_mem]


def _design(setting: Setting, bandwidth: float | None, own: Accelerator | None) -> Design:
    batch = float(setting["B"] if bandwidth is None else batch_at(setting, bandwidth))
    machine = balanced(setting, batch)
    if not all(np.isfinite(float(each)) for each in machine.values()):
        where = f"slo={setting['slo']:g} with width={setting['width']:g} and n_acc={setting['n_acc']}"
        raise InputError(
            f"{where}: no batch meets it, as weights and latencies alone take longer; give more accelerators, a larger "
            "slo, or more memory bandwidth by accelerator=."
        )
    return Design(setting, machine, balanced(setting, system.LARGEST_BATCH), own)


# -- what a resource is worth ----------------------------------------------------------------------
def worth(design: Design) -> dict[str, Worth]:
    """Worth of 1 % of each resource at the largest batch that memory and the time limit admit.

    More of a rate shortens a token; memory, full already, keeps the batch. More memory gains nothing: the time limit
    binds. Less of a rate breaks the time limit, so that the batch must shrink, to nothing where weights alone
    take too long; less memory holds a smaller batch.
    """
    setting, machine = design.setting, design.machine
    point = evaluated(setting, machine)
    eta, plain, found = _of_tpot(setting, B, point), served(setting, point), {}
    for name, symbols in RESOURCES.items():
        had = [each for each in symbols if each in machine]
        more, less = (
            served(setting, point | {each: point[each] * (1 + change) for each in had}) / plain - 1
            for change in (PERCENT, -PERCENT)
        )
        gains = -sum(_of_tpot(setting, each, point) for each in had if each != M_cap and np.isfinite(point[each]))
        memory = _slope(derived(system.B_cap, setting), M_cap, point) / machine[B]
        losses = (1 - eta) * memory if name == "capacity" else gains / eta
        found[name] = Worth(more, -less, PERCENT * gains, PERCENT * losses)
    return found


def _of_tpot(setting: Setting, symbol: Symbol, point: Point) -> float:
    """Per cent by which TPOT rises with each per cent of a symbol [1], by the derivatives of its parts."""
    parts = [derived(each, setting) for each in (work, wires)]
    times = [float(value(each, point)) for each in parts]
    if setting["overlap"] == "comm":
        parts, times = [parts[times.index(max(times))]], [max(times)]
    return sum(_slope(each, symbol, point) for each in parts) / sum(times)


def _slope(form: Expr, symbol: Symbol, point: Point) -> float:
    """A form's derivative times the symbol, in the form's own unit; where terms are equal, the mean of both sides."""
    ends = (float(value(form, point | {symbol: point[symbol] * (1 + side * STEP)})) for side in (1, -1))
    return (next(ends) - next(ends)) / (2 * STEP)


def served(setting: Setting, point: Point) -> float:
    """Tokens/s and accelerator at the largest batch that memory and the time limit admit, not rounded."""
    form = derived(system.tpot, setting)
    low, high = 0.0, float(value(derived(system.B_cap, setting), point))
    if value(form, point | {B: high}) <= setting["slo"] * (1 + 1e-12):
        low = high
    for _ in range(50 if low < high else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if value(form, point | {B: middle}) <= setting["slo"] else (low, middle)
    return low / float(value(form, point | {B: low})) / float(point[n_acc]) if low else 0.0


# -- how far the accelerators of the data are from it ----------------------------------------------
def distances(design: Design) -> Iterator[Distance]:
    """Every accelerator with the setting's peak beside the balanced machine of its own memory bandwidth, the reader's
    own first."""
    setting, peak = design.setting, design.setting["peak"]
    parts = (design.own, *datasets.accelerators().values())
    rows = [row for row in parts if row is not None and getattr(row, f"P_{peak}")]
    batches = batch_at(setting, np.array([float(_bandwidth(row)) for row in rows]))
    wanted = balanced(setting, batches)
    for place, row in enumerate(rows):
        link = row_point(datasets.interconnect(row.link))[BW_Int] if row.link else None
        has = {P_acc: peak_rate(row, peak), M_cap: memory_bytes(row) * setting["memory_share"], BW_Int: link}
        yield Distance(row, float(batches[place]), {
            name: _over(has[symbols[0]], wanted[symbols[0]][place])
            for name, symbols in RESOURCES.items()
            if symbols[0] in has
        })  # fmt: skip


def _over(has, wants) -> float | None:
    return float(has / wants) if has is not None and wants > 0 else None
