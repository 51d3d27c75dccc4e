"""The verdict in words and tables, of the paper's setting: where each conclusion holds, its grid, the ledger's rows."""

import math
from collections.abc import Callable, Sequence

from analysis.ledger.ledger import ledger
from analysis.render.digits import PREFIXES, digits_of, percent, whole
from analysis.render.ledger_tables import link
from analysis.render.tables import table
from analysis.render.thesis_words import about
from analysis.render.words import PEOPLE
from analysis.thesis.conclusions import SUMMARY, V1, V3, size
from analysis.thesis.region import Axis, Line, Stretch
from analysis.thesis.resources import BUDGETS
from analysis.thesis.verdict import EVERYWHERE, NOWHERE, PLAIN, REGION, Verdict, verdicts
from analysis.thesis.weighed import Weighed, guidelines_that_flip, weighed
from analysis.thesis.world import HOME, PRINTED

LEAD = {EVERYWHERE: "It holds everywhere on its grid", NOWHERE: "It holds nowhere on its grid"}


AXES: dict[str, tuple[str, Callable[[float], str], str, str]] = {
    "context": ("context", about, "", " tokens of context"),
    "requests": ("batch", about, "", " requests"),
    "ridge": ("ridge point", digits_of, "a ridge point of ", " FLOP/byte"),
    "bandwidth": ("bandwidth", lambda rate: digits_of(rate / PREFIXES["G"]), "", " GB/s"),
    "count": ("number of accelerators", digits_of, "", " accelerators"),
    "acceptance": ("acceptance", lambda rate: digits_of(rate, 2), "an acceptance of ", ""),
}
"""Of an axis that boundaries are solved along: its name, how a number on it is written, what stands around it."""


BATCHES = {0.0: "least", 0.25: "1/4", 0.5: "1/2", 0.75: "3/4", 1.0: "full"}
"""Shares of the way, in the logarithm, from one request a data-parallel group to full memory."""


def named(name: str, variant: str = PLAIN) -> Verdict:
    """The verdict on one conclusion, by name, in the paper's setting or a variant of it."""
    return next(each for each in verdicts(variant) if each.conclusion.name == name)


def elsewhere(name: str, model: str) -> str:
    """Share of the same grid on which a conclusion would hold for a model that it does not speak of."""
    return share_words(named(name).outside[model])


def stated_by(name: str) -> str:
    """Who states a conclusion, and the ledger's rows on it."""
    said = named(name).conclusion
    rows = [link(each) for each in ledger() if each.id in said.claims]
    return f"*Stated by*: {', '.join((*said.said, *rows))}"


def holds_on(name: str, variant: str = PLAIN) -> str:
    """Share of its grid on which a conclusion holds."""
    return share_words(named(name, variant).share)


def versions_table() -> str:
    """What each version of the paper and the summary conclude, with the share of its grid on which each holds."""
    said = [(each.conclusion.said, f"{each.conclusion.statement} ({share_words(each.share)})") for each in verdicts()]
    rows = [(who, "; ".join(text for by, text in said if who in by)) for who in (V1, V3, SUMMARY)]
    caption = "What the two versions of the paper and the summary conclude, and on what share of its grid each holds."
    return table(("stated in", "statements"), rows, caption, "tab-thesis-versions", "ll")


def extent(verdict: Verdict) -> str:
    """How far a conclusion holds on its grid, in words."""
    return f"It holds on {share_words(verdict.share)} of its grid" if verdict.holds == REGION else LEAD[verdict.holds]


def places(verdict: Verdict) -> list[str]:
    """Where along each of its lines a conclusion holds, for the latent model."""
    return [in_words(*each) for each in verdict.boundaries]


def in_words(line: Line, found: Sequence[Stretch]) -> str:
    """A line, and where along it a conclusion holds."""
    return f"{line.where[0].upper()}{line.where[1:]}: {along(line, found)}"


def sentence(verdict: Verdict) -> str:
    """Where a conclusion holds: its share of the grid, each line of R1, and what other models give on the grid."""
    parts = [f"{extent(verdict)}.", *(f"{each}." for each in places(verdict)), outside(verdict)]
    return " ".join(filter(None, parts))


def along(line: Line, found: Sequence[Stretch]) -> str:
    """Where on a line a conclusion holds.

    >>> line = Line(Axis("context", "context", (1.0, 9.0)), {}, "")
    >>> along(line, [Stretch(2.0, 5.0)]), along(line, [Stretch(None, 5.0)])
    ('between 2 and 5 tokens of context', 'below 5 tokens of context')
    >>> along(line, [Stretch(2.0, None)]), along(line, []), along(line, [Stretch(None, None)])
    ('beyond 2 tokens of context', 'at no context', 'at every context')
    """
    return stretch_words(found, *AXES[line.axis.name])


def stretch_words(found: Sequence[Stretch], axis: str, show: Callable[[float], str], before: str, after: str) -> str:
    """Stretches of an axis in words: how a number on it is written, and what stands around it, as in `AXES`."""
    return " and ".join(_stretch(each, axis, show, before, after) for each in found) or f"at no {axis}"


def _stretch(found: Stretch, axis: str, show: Callable[[float], str], before: str, after: str) -> str:
    if found.low is None and axis == "batch" and (found.high or 2) < 2:
        return "with a single request"
    if found.low is None:
        return f"at every {axis}" if found.high is None else f"below {before}{show(found.high)}{after}"
    if found.high is None:
        return f"beyond {before}{show(found.low)}{after}"
    return f"between {before}{show(found.low)} and {show(found.high)}{after}"


def opposite(found: Sequence[Stretch]) -> list[Stretch]:
    """Where on a line a conclusion does not hold, by where it does.

    >>> opposite([Stretch(None, 5.0)]), opposite([Stretch(None, None)]), opposite([])
    ([Stretch(low=5.0, high=None)], [], [Stretch(low=None, high=None)])
    """
    ends = [None, *(end for each in found for end in (each.low, each.high)), None]
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    first, last = pairs[0] == (None, None) and len(pairs) > 1, pairs[-1] == (None, None) and len(pairs) > 1
    return [Stretch(*pair) for pair in pairs[1 if first else 0 : -1 if last else None]]


def outside(verdict: Verdict) -> str:
    """What the same grid gives for the models that a conclusion does not speak of; nothing where none has a number."""
    found = {model: share for model, share in verdict.outside.items() if not math.isnan(share)}
    if not found:
        return ""
    listed = ", ".join(f"{PEOPLE[model]} {share_words(share)}" for model, share in found.items())
    contrary = " and ".join(PEOPLE[model] for model in verdict.opposite)
    give = "gives" if len(verdict.opposite) == 1 else "give"
    at_home = f" With memory full at {size(HOME['context'])}, {contrary} {give} the opposite." if contrary else ""
    return f"Outside its subject, on the same grid: {listed}.{at_home}"


def share_words(share: float) -> str:
    """A share in whole per cent, that never calls a part nothing or all.

    >>> share_words(0.757), share_words(0.001), share_words(0.999), share_words(1.0)
    ('76\\u202f%', 'under 1\\u202f%', 'over 99\\u202f%', '100\\u202f%')
    """
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"under {percent(0.01)}" if share < 0.5 else f"over {percent(0.99)}"
    return percent(round(share, 2))


def grid_table() -> str:
    """The grid on which each conclusion is judged: subject, axes with their values, points that exist."""
    rows = [
        (said.short, said.subject, "; ".join(map(_axis, said.axes)), whole(each.points))
        for each in verdicts()
        for said in [each.conclusion]
    ]
    caption = "The grid of each conclusion: what it speaks of, its axes, and how many points memory leaves."
    return table(("conclusion", "speaks of", "axes", "points"), rows, caption, "tab-thesis-grid", "lllr")


def _axis(axis: Axis) -> str:
    if axis.name == "chip":
        return f"the {len(PRINTED)} chips of Table I"
    if axis.name == "context":
        return f"{len(axis.values)} contexts, {size(axis.values[0])} to {size(axis.values[-1])}"
    if axis.name == "batch":
        return "batches: " + ", ".join(BATCHES[share] for share in axis.values)
    if axis.name == "budget":
        others = len(axis.values) - len(BUDGETS)
        return f"budgets: {', '.join(BUDGETS)}, and {others} other divisions"
    return f"{axis.title}: {', '.join(each if isinstance(each, str) else f'{each:g}' for each in axis.values)}"


def verdicts_table() -> str:
    """The claims that weigh the thesis: their verdicts in the ledger and in this chapter, and the reasons."""
    rows = [
        (f"{link(each.finding)} {each.finding.claim.claim}", each.finding.verdict, _here(each), each.finding.reason)
        for each in weighed()
    ]
    header = ("statement", "in the ledger", "in this chapter", "why")
    caption = "The claims that weigh the thesis, with the share of the grid on which each conclusion of theirs holds."
    return table(header, rows, caption, "tab-thesis-verdicts")


def _here(each: Weighed) -> str:
    if not each.verdicts:
        able, all_ = guidelines_that_flip()
        speaks = "guidelines flip at a value in every system that they speak of"
        return f"{able} of {all_} {speaks} ({{numref}}`tab-guidelines`)"
    return f"{each.holds} ({', '.join(share_words(verdict.share) for verdict in each.verdicts)})"


def failing(name: str, place: int) -> str:
    """Where along one line of a conclusion it does not hold."""
    line, found = named(name).boundaries[place]
    return along(line, opposite(found))


def answer() -> str:
    """Whether a token still waits for attention most, as a sentence."""
    return (
        f"With R1's memory full, a token waits for core attention most {failing('no-longer', 0)} on NVLink, and "
        f"{failing('no-longer', 2)} on InfiniBand alone."
    )
