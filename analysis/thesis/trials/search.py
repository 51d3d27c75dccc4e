"""The search for counterexamples: random points of the whole model, hypotheses and claim as arrays of truth values."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from analysis.thesis.trials.random_systems import Systems

Truth = np.ndarray
Shown = Mapping[str, float | str]
POINTS, ROUNDS, SEED = 10_000, 12, 20507  # points inside the hypotheses, draws of a sample at most


@dataclass(frozen=True)
class Sample:
    """Random points: whether the proposition speaks of them, what holds there, and numbers to tell of them."""

    spoken: Truth
    holds: Mapping[str, Truth]
    claim: Truth
    shown: Mapping[str, np.ndarray | str]
    real: Truth

    def inside(self, but: str = "") -> Truth:
        """Where the proposition speaks and every hypothesis holds; one of them dropped if it is named."""
        return self.spoken & np.logical_and.reduce([truth for name, truth in self.holds.items() if name != but])

    def point(self, where: Truth) -> Shown | None:
        """One of these points, of a model's own sizes if there is any; None if there are none.

        The middle one by `far`, how far the claim is missed, so that it is no extreme.
        """
        real = where & self.real
        found = np.flatnonzero(real if real.any() else where)
        if not len(found):
            return None
        middle = found[np.argsort(self.shown["far"][found])[len(found) // 2]]
        return {name: _one(values, middle) for name, values in self.shown.items() if name != "far"}


def _one(values: np.ndarray | str, place: int) -> float | str:
    return values if isinstance(values, str) else float(values[place])


@dataclass
class Trial:
    """What a search found: points tried inside the hypotheses, a counterexample there if any, one for each dropped."""

    points: int = 0
    counterexample: Shown | None = None
    dropped: dict[str, Shown | None] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        """Take another sample in; points that were found stay."""
        inside = sample.inside()
        self.points += int(inside.sum())
        self.counterexample = self.counterexample or sample.point(inside & ~sample.claim)
        for name, holds in sample.holds.items():
            outside = sample.inside(name) & ~holds & ~sample.claim
            self.dropped[name] = self.dropped.get(name) or sample.point(outside)


Draw = Callable[[Generator], Iterable[Sample]]


def search(draw: Draw, points: int = POINTS) -> Trial:
    """Draw samples until so many points lie inside the hypotheses; seeded, so that it finds the same again."""
    rng, trial = np.random.default_rng(SEED), Trial()
    for _ in range(ROUNDS):
        for sample in draw(rng):
            trial.add(sample)
        if trial.points >= points and all(trial.dropped.values()):
            break
    return trial


def loosened(rng: Generator, count: int, names: Iterable[str]) -> dict[str, Truth]:
    """Where points are drawn without regard to a hypothesis: half of them for none, the others for one each."""
    names = list(names)
    which = np.where(rng.random(count) < 0.5, -1, rng.integers(len(names), size=count))
    return {name: which == place for place, name in enumerate(names)}


def sample(systems: Systems, claim: Truth, holds: Mapping[str, Truth | bool], spoken: Truth | bool = True, **shown):
    """A sample of systems; truth that is the same everywhere may be one value."""
    every = np.ones(systems.real.shape, dtype=bool)
    held = {name: every & truth for name, truth in holds.items()}
    return Sample(every & spoken, held, every & claim, {"model": systems.model} | shown, systems.real)
