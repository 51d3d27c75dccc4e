"""One run over a sweep: set up, check, time, and say what was left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from time import perf_counter

from analysis.files.errors import shown
from analysis.measure.backend import Backend, Kernel
from analysis.measure.cases import Case, fitting, in_turns
from analysis.measure.checking import agrees, error
from analysis.measure.clock import timed
from analysis.measure.layouts import Arrays


@dataclass
class Measured:
    """Rows of the measurement file, and what made none.

    `too_large` counts cells that do not fit, `too_late` holds the kinds of those that the time limit cut off; `not_run`
    counts pairs of cell and kernel that the device refused, with the first reason of each kernel in `missing`; `wrong`
    says which results differed from the reference.
    """

    rows: list[dict] = field(default_factory=list)
    too_large: int = 0
    too_late: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    not_run: int = 0
    wrong: list[str] = field(default_factory=list)


def measure(
    cases: list[Case], backend: Backend, accelerator: str, budget: float, limit: float = inf, progress=iter
) -> Measured:
    """Time every case that fits into the backend's room with every kernel that can run it.

    `budget` [s] is spent on repeats of each kernel; no case begins after `limit` [s], and kinds take turns, so that
    none is cut off whole; `progress` wraps the cases in a bar.
    A kernel whose result differs from the float64 reference by more than rounding is not timed.
    """
    fit, too_large = fitting(cases, backend.room)
    kept = in_turns(fit)
    found = Measured(too_large=too_large)
    start = perf_counter()
    for case in progress(kept):
        if perf_counter() - start > limit:
            found.too_late.append(case.kind)
            continue
        _measure_case(case, backend, accelerator, budget, found)
        backend.release()
    return found


def _measure_case(case: Case, backend: Backend, accelerator: str, budget: float, found: Measured) -> None:
    try:
        given = backend.allocate(case)
    except backend.unsupported:
        found.too_large += 1
        return
    for kernel in backend.kernels(case):
        try:
            row = _row(case, kernel, given, backend, budget, found)
        except backend.unsupported as reason:
            found.not_run += 1
            found.missing.setdefault(kernel.name, shown(reason, longest=160))
            continue
        if row:
            found.rows.append({**case.row, "accelerator": accelerator, "precision": case.precision, **row})


def _row(case: Case, kernel: Kernel, given: Arrays, backend: Backend, budget: float, found: Measured) -> dict | None:
    run = kernel.prepare(given)
    difference = error(case, given, run(), backend.as_float64)
    if not agrees(case, difference):
        found.wrong.append(f"{case.title}: {kernel.name} is off by {difference:.2g} of the largest entry")
        return None
    timing = timed(lambda: backend.once(run), budget)
    return {
        "grouping": kernel.grouping,
        "latency": timing.latency,
        "spread": timing.spread,
        "kernel": kernel.name,
        "note": f"{timing.repeats} repeats; off by {difference:.1g} from float64",
    }


def sources(rows: Iterable[dict], command: str) -> list[dict]:
    """Rows with the columns that say where they come from."""
    about = {"source": "this study", "locator": command, "licence": "as the study"}
    return [row | about for row in rows]
