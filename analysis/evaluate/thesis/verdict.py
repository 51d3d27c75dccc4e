"""The verdict: what is concluded from the paper, judged by the conditions under which each conclusion holds.

A conclusion holds if it does under every condition, does not follow if under none, and else holds somewhere only. So
other models, accelerators or conventions give other verdicts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.own_rows import file_state
from analysis.evaluate.thesis import conclusions
from analysis.evaluate.thesis.conclusions import Condition
from analysis.evaluate.thesis.world import World, world

HOLDS, SOMEWHERE, NOWHERE, UNJUDGED = "holds", "holds on some only", "does not follow", "not judged here"
V1, V3, SUMMARY, OURS = "first version", "third version", "summary", "our question"


@dataclass(frozen=True)
class Conclusion:
    """A statement, who makes it, the ledger's claims on it, what its number is, its conditions and its figure."""

    name: str
    statement: str
    said: tuple[str, ...]
    claims: tuple[str, ...]
    measure: str
    conditions: Callable[[World], Iterator[Condition]]
    figure: str
    percent: bool = False


@dataclass(frozen=True)
class Verdict:
    """A conclusion with the conditions that could be checked."""

    conclusion: Conclusion
    conditions: tuple[Condition, ...]

    @property
    def holding(self) -> int:
        """Number of conditions under which it holds."""
        return sum(each.holds for each in self.conditions)

    @property
    def group(self) -> str:
        """HOLDS, SOMEWHERE, NOWHERE, or UNJUDGED where nothing could be checked."""
        return group_of(each.holds for each in self.conditions)

    def beside(self, other: "Verdict") -> tuple[str, str]:
        """The groups of this verdict and of another, by the conditions that both could check."""
        mine, theirs = ({each.where: each.holds for each in v.conditions} for v in (self, other))
        common = mine.keys() & theirs.keys()
        return group_of(mine[where] for where in common), group_of(theirs[where] for where in common)


def group_of(holding: Iterable[bool]) -> str:
    """HOLDS if all do, NOWHERE if none does, SOMEWHERE between, UNJUDGED where there is nothing to go by."""
    found = set(holding)
    return {frozenset(): UNJUDGED, frozenset({True}): HOLDS, frozenset({False}): NOWHERE}.get(
        frozenset(found), SOMEWHERE
    )


# fmt: off
CONCLUSIONS = (
    Conclusion("raises", "Reordered latent attention raises the intensity of core attention over a hundredfold",
               (V1, V3, SUMMARY), ("S01",), "times the intensity of multi-head attention", conclusions.raises,
               "fig-thesis-queries"),
    Conclusion("computes", "Latent attention is compute-bound",
               (V1, V3, SUMMARY), ("S01",), "intensity over ridge point", conclusions.computes, "fig-thesis-device"),
    Conclusion("no-longer", "Attention is no longer the bottleneck",
               (V1, V3), ("C084",), "share of core attention in a token's time, memory full", conclusions.no_longer,
               "fig-thesis-full-memory", percent=True),
    Conclusion("wires", "Interconnect and imbalance dominate at large batch",
               (V3,), ("C083",), "share of wires and waiting in a token's time, memory full", conclusions.wires,
               "fig-thesis-shares", percent=True),
    Conclusion("tunes", "Batching tunes experts to the intensity of dense layers",
               (V1, V3), ("C058",), "intensity of experts over dense layers, at any batch", conclusions.tunes,
               "fig-thesis-balance"),
    Conclusion("aligns", "Scheduling for the batch keeps experts at the dense layers' pace",
               (SUMMARY,), ("S02",), "arithmetic that experts attain over dense layers", conclusions.aligns,
               "fig-thesis-schedule"),
    Conclusion("small", "A memory device for experts suits few requests and short contexts",
               (V3,), ("C079",), "times the speed at the shortest context", conclusions.small, "fig-thesis-device"),
    Conclusion("not-needed", "Hardware specialised in attention is not needed",
               (V1, SUMMARY), ("C085", "S03"), "times the speed with core attention on such a device",
               conclusions.not_needed, "fig-thesis-device"),
    Conclusion("balanced", "Accelerators as they are balance what inference needs",
               (V1, SUMMARY), ("C086",), "throughput that the best split of the same budget gives over theirs",
               conclusions.balanced, "fig-thesis-resources"),
    Conclusion("tensor", "Tensor parallelism on reordered attention costs time",
               (OURS,), (), "change of an attention block's time, memory full", conclusions.tensor,
               "fig-thesis-tensor", percent=True),
    Conclusion("one-alone", "The gain over old models is due to one mechanism",
               (OURS,), (), "throughput of one mechanism over that of both", conclusions.one_alone,
               "fig-thesis-attribution"),
    Conclusion("drafts", "Several query tokens a step raise the throughput of latent attention",
               (OURS,), (), "throughput over one query token", conclusions.drafts, "fig-thesis-queries"),
)
# fmt: on

PLAIN = "as in the chapter"


def variants(edition: Edition) -> dict[str, dict]:
    """Other conventions, another accelerator and link, and achieved rates in place of the datasheet's, by name."""
    row, other = datasets.accelerator(edition.accelerator), edition.counterpart
    found = {
        PLAIN: {},
        "overlapped communication": {"overlap": "comm"},
        "memory book of Eq. 11": {"weights": "eq11"},
        "FP8 throughout": {"width": 1, "peak": "fp8"},
        "score matrix spilled": {"grouping": "spilled"},
        "RoPE left out": {"rope": "out"},
        other: {"accelerator": other},
        "slow link everywhere": {"link": edition.link_between},
        "measured efficiencies and floors": {"calibration": "published"},
    }
    return {name: changed for name, changed in found.items() if name and (row.P_fp8 or "peak" not in changed)}


_judged: dict[tuple, tuple[Verdict, ...]] = {}


def verdicts(edition: Edition, variant: str = PLAIN) -> tuple[Verdict, ...]:
    """Every conclusion judged in an edition under a variant; conditions without a number are left out."""
    return judged(edition, **variants(edition)[variant])


def judged(edition: Edition, **changed) -> tuple[Verdict, ...]:
    """Every conclusion judged in an edition with some parameters of its systems replaced. Raises InputError."""
    own = tuple(map(file_state, map(str, edition.files)))  # rows may change under their names
    key = repr(edition), own, repr(sorted(changed.items()))  # an edition holds a mapping and is no key itself
    if key not in _judged:
        found = world(edition, **changed)
        _judged[key] = tuple(Verdict(each, _checked(each, found)) for each in CONCLUSIONS)
    return _judged[key]


def _checked(conclusion: Conclusion, found: World) -> tuple[Condition, ...]:
    return tuple(each for each in conclusion.conditions(found) if np.isfinite(each.number))
