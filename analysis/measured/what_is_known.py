"""What must be said beside errors: others' constants, formats that nothing timed, units that cannot be."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from analysis.data.calibrations import FITTED_WIDTH, FP8_CACHE, Calibration, architecture_of, named
from analysis.measured.devices import PEAK
from analysis.measured.fitting import SOURCE, operation_of
from analysis.measured.predict import words
from analysis.measured.validate import to_fit

STRAY = 100
"""Times off its prediction at which a median row speaks of a wrong unit rather than of a kernel."""

UNTIMED = "no row that was fitted computes in it, its own rates are not identified."
NARROW = f"caches of less than {FITTED_WIDTH} bytes: {FP8_CACHE}"


@cache
def _fitted_formats() -> frozenset[tuple[str, str]]:
    """Operations of the shipped rows with the number formats that they compute in."""
    return frozenset(zip(operation_of(to_fit()), words(to_fit().table, "precision"), strict=True))


def pooled(operation: str, accelerator: str, rows: Mapping[str, Calibration]) -> Iterator[str]:
    """Whether other accelerators' rows stand in for one of an accelerator's own architecture."""
    own = {row.architecture for row in rows.values() if row.operation == operation} - {None}
    if own and architecture_of(accelerator) not in own:
        yield f"{operation} on {accelerator}: no row of its architecture, the pooled one is used."


def of_row(model: Calibration, formats: Iterable[str]) -> Iterator[str]:
    """What a fitted model leaves open, and formats that none of its rows computes in."""
    if model.open:
        yield f"{model.key}: the rows that were fitted leave open {', '.join(model.open)}."
    for each in dict.fromkeys(formats):
        if model.source == SOURCE and (model.operation, PEAK.get(each, each)) not in _fitted_formats():
            yield f"{model.operation} in {each}: {UNTIMED}"


def stray(median: float, rows: str, column: str) -> Iterator[str]:
    """Whether the median of predicted over measured times of some rows [1] is so far from one that they must be in
    another unit than seconds; nan tells nothing.
    """
    if median < 1 / STRAY or median > STRAY:
        yield f"half of {rows} are more than {STRAY} times off what is predicted: {column} is in s, not in ms or us."


def of_runs(runs: list, calibration: str | None) -> Iterator[str]:
    """The same of deployments: the operations that a step of theirs is made of."""
    if calibration is None:
        return
    rows = named(calibration)
    operations = dict.fromkeys(row.operation for row in rows.values())
    for accelerator in dict.fromkeys(run.accelerator for run in runs):
        if missing := [name for name in operations if any(pooled(name, accelerator, rows))]:
            yield f"{accelerator}: no row of its architecture describes {', '.join(missing)}; pooled ones are used."
    for each in dict.fromkeys(run.precision for run in runs):
        if each in PEAK and each not in {fitted for _, fitted in _fitted_formats()}:
            yield f"weights in {each}: {UNTIMED}"
