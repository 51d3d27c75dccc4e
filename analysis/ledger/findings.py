"""A claim judged: what its function finds, the registry of those functions, and the row of the ledger it becomes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

from analysis.data import datasets
from analysis.data.rows import Published
from analysis.ledger.printed_values import PaperNumber, printed
from analysis.ledger.readings import OPEN, Paper, Reading, chosen_of, verdict_of

TESTS = {"P": "tests/ledger/test_published.py"}
OF_THE_PAPER = "tests/ledger/test_ledger.py"


@dataclass(frozen=True)
class Judgement:
    """What a claim's function finds: readings (the first is the expected one) and a sentence with computed numbers."""

    readings: tuple[Reading, ...]
    reason: str
    unit: str = "1"
    equation: str = ""
    figure: str = ""

    @property
    def verdict(self) -> str:
        """The verdict, by `verdict_of`."""
        return verdict_of(self.readings)

    @property
    def chosen(self) -> Reading:
        """The reading that the finding's number is taken from."""
        return chosen_of(self.readings)


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
        """The claim's row: statement, and where it stands."""
        return datasets.claimed(self.id)

    @property
    def rules(self) -> tuple[str, ...]:
        """What is asked of the chosen reading, in words."""
        chosen = chosen_of(self.readings).tests if self.readings else ()
        return tuple(dict.fromkeys(each.rule.words for each in chosen))

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


def claims(*ids: str):
    """Register a function that judges several claims alike, each by its id, given as `id_`."""

    def register(function: Callable[..., Judgement]):
        for id_ in ids:
            claim(id_)(partial(function, id_=id_))
        return function

    return register


def _deviation(reading: Reading, numbers: tuple[PaperNumber, ...]) -> float | None:
    """The largest relative deviation [1] among a reading's numbers; None for a criterion in words."""
    values = reading.value if isinstance(reading.value, tuple) else (reading.value,)
    if not reading.rounded:
        return None
    return max((number.deviation(value) for value, number in zip(values, numbers, strict=True)), key=abs)


def waits_for(id_: str) -> str:
    """Why a claim without a function is open: what the study lacks, as far as its row says."""
    row = datasets.claimed(id_)
    if lacks := getattr(row, "lacks", ""):
        return f"The study lacks {lacks}."
    unknown = isinstance(row, Published) and row.model not in datasets.models()
    return f"data/models has no row of {row.model}." if unknown else "Not judged yet."


@cache
def found(id_: str) -> Finding:
    """A claim, judged, whether or not the others are. Raises KeyError for an unknown one."""
    text = datasets.claimed(id_).paper_value
    if id_ not in _CLAIMS:
        return Finding(id_, text, OPEN, waits_for(id_))
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
        f"{TESTS.get(id_[0], OF_THE_PAPER)}::test_our_number_by_hand[{id_}]",
    )
