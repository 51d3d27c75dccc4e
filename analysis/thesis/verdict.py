"""The verdict: the region of a stated grid in which each conclusion from the paper holds, and its boundaries.

A conclusion's share is that of the grid's points that exist, for the models that it speaks of; boundaries are solved
along one axis, the others as in the canonical setting: R1 on 32 of the paper's B200 at 8K, one fast link, memory full,
even routing. All of it speaks of the paper's setting.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

import numpy as np

from analysis.ask.degrees import divides_system
from analysis.ask.setting import Setting
from analysis.thesis.conclusions import CONCLUSIONS, COUNT, NVLINK, Conclusion
from analysis.thesis.margins import OLD
from analysis.thesis.region import Line, Stretch, grid, stretches
from analysis.thesis.world import FAST, HOME, World, world, world_of

EVERYWHERE, REGION, NOWHERE, UNJUDGED = "everywhere", "in a region", "nowhere", "not judged"


@dataclass(frozen=True)
class Verdict:
    """A conclusion judged in a world: its margin over the grid, for each model that it speaks of and each other."""

    conclusion: Conclusion
    world: World

    @cached_property
    def inside(self) -> dict[str, np.ndarray]:
        """The margin over the grid for each compared model that it speaks of, by id."""
        return {model: self._margin(model) for model in self._models(True)}

    @cached_property
    def outside(self) -> dict[str, float]:
        """Share of the same grid on which it would hold for each other model [1]; nan where it says nothing of it."""
        return {model: share_of([self._margin(model)]) for model in self._models(False)}

    @cached_property
    def opposite(self) -> list[str]:
        """The models outside for which it is the other way round at its home: at 8K, memory full, as its first line."""
        place, models = self.conclusion.lines[0].place | {"context": HOME["context"]}, self._models(False)
        latent, *others = (float(self.conclusion.margin(self.world, model, place)) for model in (self._latent, *models))
        return [model for model, margin in zip(models, others, strict=True) if margin * latent < 0]

    @property
    def _latent(self) -> str:
        return next(iter(self.world.systems))

    def _models(self, inside: bool) -> list[str]:
        said = self.conclusion.speaks_of
        return [name for name, system in self.world.systems.items() if said(system.model) is inside]

    def _margin(self, model: str) -> np.ndarray:
        return grid(self.conclusion.margin, self.world, model, self.conclusion.axes)

    @property
    def points(self) -> int:
        """Points of the grid that exist."""
        return int(sum(np.isfinite(found).sum() for found in self.inside.values()))

    @property
    def share(self) -> float:
        """Share of the points on which it holds [1]; nan where none exists."""
        return share_of(self.inside.values())

    @property
    def holds(self) -> str:
        """EVERYWHERE, REGION or NOWHERE on the grid; UNJUDGED where no point of it exists."""
        return extent(self.share)

    @cached_property
    def boundaries(self) -> tuple[tuple[Line, tuple[Stretch, ...]], ...]:
        """The stretches of each line on which it holds, for the latent model."""
        said = self.conclusion
        return tuple((line, stretches(said.margin, self.world, self._latent, line)) for line in said.lines)


def share_of(found: Iterable[np.ndarray]) -> float:
    """Share of finite margins above 0 [1]; nan where there is none."""
    every = np.concatenate([each.ravel() for each in found])
    every = every[np.isfinite(every)]
    return float(np.mean(every > 0)) if len(every) else float("nan")


def extent(share: float) -> str:
    """How far a share of a grid reaches.

    >>> extent(1.0), extent(0.999), extent(0.0), extent(float("nan"))
    ('everywhere', 'in a region', 'nowhere', 'not judged')
    """
    return UNJUDGED if np.isnan(share) else {1.0: EVERYWHERE, 0.0: NOWHERE}.get(share, REGION)


def judged_on(setting: Setting) -> tuple[Verdict, ...]:
    """Every conclusion judged for a reader's system, on its own accelerators and network. Raises InputError.

    Axes and lines of other accelerators and links fall away, and degrees that it cannot be divided by; contexts,
    batches, skew and so on stay.
    """
    found = world_of(setting, *OLD.values())
    return tuple(Verdict(_on_own(each, setting), found) for each in CONCLUSIONS)


def _on_own(said: Conclusion, setting: Setting) -> Conclusion:
    there = partial(_exists, setting)
    axes = [replace(each, values=tuple(at for at in each.values if there(each.name, at))) for each in said.axes]
    named = [(line, {line.axis.name: 0} | line.place) for line in said.lines]
    lines = [
        replace(line, where=_told(line, setting)) for line, place in named if all(there(*at) for at in place.items())
    ]
    return replace(said, axes=tuple(each for each in axes if each.name != "chip"), lines=tuple(lines))


def _exists(setting: Setting, name: str, at) -> bool:
    """Whether a place of the paper's is one that a reader's system has."""
    if name == "degree":
        return at == 1 or divides_system(at, setting)
    wired = name != "bandwidth" or setting["n_acc"] > 1
    return wired and name != "chip" and (name != "link" or at == FAST)


def _told(line: Line, setting: Setting) -> str:
    network, count = "its own network", f"{setting['n_acc']} accelerators"
    if setting["n_acc"] == 1:
        network = count = "one accelerator"
    return line.where.replace(NVLINK, network).replace(COUNT, count)


PLAIN = "as in the chapter"
VARIANTS: dict[str, dict] = {
    PLAIN: {},
    "wires hidden": {"overlap": "comm"},
    "Eq. 11": {"weights": "eq11"},
    "FP8": {"width": 1, "peak": "fp8"},
    "spilled": {"grouping": "spilled"},
    "no RoPE": {"rope": "out"},
    "shipped": {"chips": "shipped"},
    "slow link": {"links": "slow"},
    "measured": {"calibration": "published"},
    "90 % memory": {"memory_share": 0.9},
}
"""Other conventions, chips as their makers ship them, a slow link, and achieved rates, by a short name."""


def verdicts(variant: str = PLAIN) -> tuple[Verdict, ...]:
    """Every conclusion judged under a variant."""
    return judged(**VARIANTS[variant])


@cache
def judged(**changed) -> tuple[Verdict, ...]:
    """Every conclusion judged in the paper's setting with some of its parameters replaced; a reader's own rows are set
    aside meanwhile. Raises InputError."""
    found = world(**changed)
    return tuple(Verdict(each, found) for each in CONCLUSIONS)
