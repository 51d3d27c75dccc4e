"""The ledger: every claim of the paper with our number, a verdict, and the readings under which it holds.

A claim's function enumerates readings (units, blocks, grouping, RoPE, ...), the first of them the one that the paper
states or else the study's defaults. The verdict follows from which readings round to the printed digits.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from analysis.evaluate import datasets
from analysis.evaluate.claims.printed import PaperNumber, printed

REPRODUCED, UNDER_A_READING, DIFFERS = "reproduced", "reproduced under a reading", "differs"
ERROR, NOT_TESTABLE, OPEN = "error in the paper", "not testable", "open"
VERDICTS = (REPRODUCED, UNDER_A_READING, DIFFERS, ERROR, NOT_TESTABLE, OPEN)
# The files claims/*.py that hold claims.
MODULES = (
    "devices",
    "memory",
    "table3",
    "intensity",
    "attention",
    "latency",
    "experts",
    "capacity",
    "serving",
    "network",
    "scaling",
    "routing",
    "pim",
    "bottleneck",
    "thesis",
)
TESTS = "tests/test_ledger.py::test_our_number_by_hand"


@dataclass(frozen=True)
class Reading:
    """One way to understand a claim: the number (or numbers) it gives, and whether they fit what is printed."""

    name: str
    value: object
    fits: bool
    rounded: bool = False  # judged by rounding to the printed digits, so that a deviation makes sense


@dataclass(frozen=True)
class Paper:
    """What the paper prints for a claim; makes readings that are judged by the printed digits."""

    numbers: tuple[PaperNumber, ...]

    def reading(self, name: str, *values: float) -> Reading:
        """A reading judged by rounding: every value must round to the number printed in its place."""
        pairs = zip(values, self.numbers, strict=True)
        return Reading(name, _one(values), all(number.fits(value) for value, number in pairs), rounded=True)


def holds(name: str, value: object, fits: bool) -> Reading:
    """A reading judged by a stated criterion instead of printed digits."""
    return Reading(name, value, bool(fits))


@dataclass(frozen=True)
class Judgement:
    """What a claim's function finds: readings (the first is the expected one) and a sentence with computed numbers.

    `contradicted`: the paper's own printed inputs, or another of its rows, give a different number.
    `testable`: False where the paper prints nothing to compare with.
    """

    readings: tuple[Reading, ...]
    reason: str
    unit: str = "1"
    equation: str = ""
    figure: str = ""
    contradicted: bool = False
    testable: bool = True

    @property
    def verdict(self) -> str:
        """The verdict; see the module's docstring."""
        if not self.testable:
            return NOT_TESTABLE
        if self.readings[0].fits:
            return REPRODUCED
        if self.contradicted:
            return ERROR
        return UNDER_A_READING if any(reading.fits for reading in self.readings) else DIFFERS

    @property
    def chosen(self) -> Reading:
        """The reading that the finding's number is taken from: the first that fits, if the verdict rests on it."""
        fitting = [reading for reading in self.readings if reading.fits and not self.contradicted]
        return (fitting or self.readings)[0]


@dataclass(frozen=True)
class Finding:
    """One row of the ledger: `ours` under `reading` against `paper` as printed, and how they compare."""

    id: str
    paper: str
    verdict: str
    reason: str
    ours: object = None
    unit: str = "1"
    deviation: float | None = None
    reading: str = ""
    readings: tuple[Reading, ...] = field(default=())
    equation: str = ""
    figure: str = ""
    test: str = ""

    @property
    def claim(self):
        """The claim's row: statement, version and place in the paper."""
        return datasets.claims()[self.id]

    @property
    def fitting(self) -> int:
        """How many of the readings fit what is printed."""
        return sum(reading.fits for reading in self.readings)


_CLAIMS: dict[str, tuple[Callable[[Paper], Judgement], int | None]] = {}


def claim(id_: str, significant: int | None = None):
    """Register the function that judges a claim; `significant` as in `read_numbers`."""

    def register(function: Callable[[Paper], Judgement]):
        if id_ in _CLAIMS:
            raise ValueError(f"{id_} is judged twice")
        _CLAIMS[id_] = (function, significant)
        return function

    return register


def _one(values: tuple) -> object:
    return values[0] if len(values) == 1 else values


def _deviation(reading: Reading, numbers: tuple[PaperNumber, ...]) -> float | None:
    """The largest relative deviation [1] among a reading's numbers; None for a criterion in words."""
    values = reading.value if isinstance(reading.value, tuple) else (reading.value,)
    if not reading.rounded:
        return None
    return max((number.deviation(value) for value, number in zip(values, numbers, strict=True)), key=abs)


def _found(id_: str) -> Finding:
    text = datasets.claims()[id_].paper_value
    if id_ not in _CLAIMS:
        return Finding(id_, text, OPEN, "Not judged yet.")
    function, significant = _CLAIMS[id_]
    numbers = printed(id_, significant)
    judged = function(Paper(numbers))
    chosen = judged.chosen
    return Finding(
        id_,
        text,
        judged.verdict,
        judged.reason,
        chosen.value,
        judged.unit,
        _deviation(chosen, numbers),
        chosen.name,
        judged.readings,
        judged.equation,
        judged.figure,
        f"{TESTS}[{id_}]",
    )


@cache
def ledger() -> tuple[Finding, ...]:
    """Every claim of data/claims.csv in its order, judged; claims without a function yet have the verdict "
    "`open`.

    An edition's own rows of data are none of the paper's and are set aside meanwhile.
    """
    for name in MODULES:
        import_module(f"analysis.evaluate.claims.{name}")
    return tuple(_found(id_) for id_ in datasets.claims())


def counts() -> dict[str, int]:
    """How many claims have each verdict, in the order of `VERDICTS`."""
    found = Counter(finding.verdict for finding in ledger())
    return {verdict: found[verdict] for verdict in VERDICTS}
