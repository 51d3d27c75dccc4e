"""The ledger's rows that weigh the thesis, with the conclusions of the verdict that carry each."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analysis.ledger.findings import Finding
from analysis.ledger.ledger import ledger
from analysis.systems.canonical import paper
from analysis.thesis import guidelines
from analysis.thesis.verdict import Verdict, extent, share_of, verdicts

GUIDELINES = "S04"  # a statement without a number, which the chapter on guidelines answers
CLAIMS = ("C058", "C079", "C083", "C084", "C085", "C086", "S01", "S02", "S03", GUIDELINES)


@dataclass(frozen=True)
class Weighed:
    """A row of the ledger, and the conclusions that carry it (none where it has no number)."""

    finding: Finding
    verdicts: tuple[Verdict, ...]

    @property
    def holds(self) -> str:
        """How far all its conclusions hold, on their grids together."""
        return extent(share_of(found for verdict in self.verdicts for found in verdict.inside.values()))

    @property
    def readings(self) -> str:
        """How far it holds among the readings that the ledger judges it by."""
        return extent(float(np.mean([reading.fits for reading in self.finding.readings])))


def weighed() -> list[Weighed]:
    """Every row that weighs the thesis, judged in the paper's setting."""
    found = verdicts()
    return [
        Weighed(each, tuple(v for v in found if each.id in v.conclusion.claims))
        for each in ledger()
        if each.id in CLAIMS
    ]


def guidelines_that_flip() -> tuple[int, int]:
    """How many guidelines flip at a value in every system that they speak of, in the paper's setting, and how many
    there are."""
    edition = paper()
    systems = [guidelines.systems(edition, model) for model in edition.models]
    return sum(all(_flips(each, systems)) for each in guidelines.GUIDELINES), len(guidelines.GUIDELINES)


def _flips(guideline: guidelines.Guideline, systems: list[list]) -> Iterable[bool]:
    for each in systems:
        if not guidelines.missing(guideline, each[0]):
            yield from (flip is not None for flip in guidelines.flips(guideline, each))
