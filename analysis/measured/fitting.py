"""Fitting calibrations: which rows are fitted together, and what a fit says of itself."""

from dataclasses import dataclass

import numpy as np

from analysis.data.calibrations import Calibration
from analysis.derive.attention import MECHANISMS
from analysis.measured import calibration
from analysis.measured.calibration import Parts
from analysis.measured.predict import words
from analysis.measured.validate import Compared

FITTED = {  # what is fitted together: operations and mechanisms of its rows (none: operations without one)
    "attention": (("core_attention",), tuple(name for name, each in MECHANISMS.items() if not each.latent)),
    "latent-attention": (("core_attention",), tuple(name for name, each in MECHANISMS.items() if each.latent)),
    "experts": (("experts",), ()),
    "exchange": (("dispatch", "combine"), ()),
    "gemm": (("gemm",), ()),
}
FEWEST_GROUPS = 5
PUBLISHED = "published"
REPEATS, QUICK = 200, 5


@dataclass(frozen=True)
class Fitted:
    """A calibration row with the rows that it was tested on."""

    row: Calibration
    tested: Parts


def fit_all(compared: Compared, name: str, source: str, repeats: int = REPEATS, seed: int = 0) -> list[Fitted]:
    """Fit every kind of operation that the rows hold enough of, pooled over their accelerators."""
    found = []
    for kind, members in FITTED.items():
        chosen = _members(compared, *members)
        parts = calibration.thinned(calibration.parts_of(compared, chosen), seed)
        if len(np.unique(parts.group)) >= FEWEST_GROUPS:
            accelerators = tuple(dict.fromkeys(map(str, compared.accelerator[chosen])))
            found.append(_fitted(parts, kind, name, accelerators, source, repeats, seed))
    return found


def fit_published(compared: Compared, seed: int = 0, repeats: int = QUICK) -> list[Fitted]:
    """The published rows fitted again under another seed; few repeats, as a figure shows no intervals."""
    return fit_all(compared, PUBLISHED, "data/measurements", repeats, seed)


def _members(compared: Compared, operations: tuple, mechanisms: tuple) -> np.ndarray:
    found = np.isin(words(compared.table, "operation").astype(str), operations)
    return found & np.isin(words(compared.table, "mechanism").astype(str), mechanisms) if mechanisms else found


def _fitted(parts: Parts, kind: str, name: str, accelerators: tuple, source: str, repeats: int, seed: int) -> Fitted:
    train, test = calibration.split(parts, seed)
    fitted, tested = parts.rows(train), parts.rows(test)
    best = calibration.fit(fitted)
    spans = calibration.intervals(fitted, repeats, seed)
    bounds = {f"{key}_{side}": span[i] for key, span in spans.items() for i, side in enumerate(("low", "high"))}
    errors = {
        "error": calibration.typical_error(tested, best),
        "error_roofline": calibration.typical_error(tested, {}),
        "error_constant": calibration.typical_error(tested, calibration.constant_efficiency(fitted)),
    }
    numbers = {key: float(f"{number:.4g}") for key, number in (best | bounds | errors).items()}
    row = Calibration(
        id=f"{name}.{kind}",
        calibration=name,
        operation=kind,
        accelerators=accelerators,
        source=source,
        seed=seed,
        open=tuple(calibration.unidentified(fitted, best)),
        rows_fitted=len(train),
        rows_tested=len(test),
        **numbers,
    )
    return Fitted(row, tested)
