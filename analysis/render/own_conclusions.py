"""The conclusions of the book judged for a reader's own system, in words."""

import math
from dataclasses import dataclass

from analysis.ask.setting import Setting
from analysis.render.verdict_tables import extent, in_words, share_words
from analysis.thesis.region import exists
from analysis.thesis.verdict import UNJUDGED, Verdict, judged_on


@dataclass(frozen=True)
class Told:
    """A conclusion about a reader's system: what it says, how far it holds there, and where, in words."""

    statement: str
    extent: str
    places: list[str]


def told(setting: Setting) -> list[Told]:
    """Every conclusion judged for a reader's system, those that speak of its model first."""
    found = [_told(each, setting) for each in judged_on(setting)]
    return sorted(found, key=lambda each: not each.places)


def _told(verdict: Verdict, setting: Setting) -> Told:
    said = verdict.conclusion
    statement = f"{said.statement}, that is: {said.criterion}"
    if not said.speaks_of(setting.model):
        (share,) = verdict.outside.values()
        own = "" if math.isnan(share) else f", where its criterion is met on {share_words(share)} of the grid"
        return Told(statement, f"It speaks of {said.subject}, not of this one{own}.", [])
    if verdict.holds == UNJUDGED:
        return Told(statement, "It cannot be judged here: what it compares has no number for this system.", [])
    there = [line.where for line in said.lines if exists(said.margin, verdict.world, setting["model"], line)]
    lines = [(line, found) for line, found in verdict.boundaries if line.where in there]
    return Told(statement, f"{extent(verdict)}.", [in_words(*each) for each in lines])
