"""What moves the flip points of the guidelines (i): the model, or the accelerator."""

from dataclasses import dataclass

import numpy as np

from analysis.ask.setting import Setting
from analysis.thesis import guidelines


@dataclass(frozen=True)
class Spread:
    """How far a guideline's flip point moves [1]: the largest over the smallest, over models on one accelerator and
    over accelerators for one model, the median of each; `models` is nan where it speaks of one model only."""

    guideline: guidelines.Guideline
    models: float
    accelerators: float


def spreads(found: dict[str, list[Setting]]) -> list[Spread]:
    """The spread of every guideline that speaks of a model; `found` holds each model's systems, on the same
    accelerators."""
    numbers = {each: _numbers(each, found) for each in guidelines.GUIDELINES}
    return [Spread(each, _median(flips), _median(flips.T)) for each, flips in numbers.items() if len(flips)]


def _numbers(guideline: guidelines.Guideline, found: dict[str, list[Setting]]) -> np.ndarray:
    """Flip points [model, accelerator] of the models that it speaks of; nan where there is none."""
    spoken_of = [systems for systems in found.values() if not guidelines.missing(guideline, systems[0])]
    return np.array([guidelines.flips(guideline, systems) for systems in spoken_of], dtype=float)


def _median(numbers: np.ndarray) -> float:
    """The median over columns of the largest over the smallest number in each; nan where no column has two."""
    ratios = [
        each.max() / each.min() for each in (column[np.isfinite(column)] for column in numbers.T) if each.size > 1
    ]
    return float(np.median(ratios)) if ratios else float("nan")
