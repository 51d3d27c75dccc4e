"""Readings of a claim and the rules that decide whether one fits: one function for each rule, whatever the claim.

A reading puts numbers to rules; whether it fits follows from them and cannot be said otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.ledger import criteria
from analysis.ledger.printed_values import PaperNumber

REPRODUCED, UNDER_A_READING, DIFFERS = "reproduced", "reproduced under a reading", "differs"
ERROR, NOT_TESTABLE, OPEN = "error in the paper", "not testable", "open"
VERDICTS = (REPRODUCED, UNDER_A_READING, DIFFERS, ERROR, NOT_TESTABLE, OPEN)


@dataclass(frozen=True)
class Rule:
    """What is asked of our number and the other one, and whence the measure: printed, shared by all rows, or chosen."""

    words: str
    measure: str
    met: Callable[[object, object], bool]

    def __call__(self, ours: object, other: object = 1.0) -> "Comparison":
        """A number of ours put to this rule."""
        return Comparison(self, ours, other)


PRINTED, SHARED, CHOSEN = "printed", "one for all rows", "chosen here for the claim"
# fmt: off
DIGITS = Rule("ours rounds to the printed digits", PRINTED, lambda ours, number: number.fits(ours))
ABOVE = Rule("ours exceeds the printed bound", PRINTED, lambda ours, bound: ours > bound)
BELOW = Rule("ours stays below the printed bound", PRINTED, lambda ours, bound: ours < bound)
AT_LEAST = Rule("ours reaches the printed bound", PRINTED, lambda ours, bound: ours >= bound)
AT_MOST = Rule("ours keeps within the printed bound", PRINTED, lambda ours, bound: ours <= bound)
SAME = Rule("both are the same", PRINTED, lambda ours, other: ours == other)
EQUAL = Rule("the two are a tie", SHARED, lambda ours, other: criteria.tie(ours / other))
HIGHER = Rule("ours is more, and no tie", SHARED, lambda ours, other: criteria.more(ours / other))
LOWER = Rule("ours is less, and no tie", SHARED, lambda ours, other: criteria.less(ours / other))
NO_MORE = Rule("ours is less or a tie", SHARED, lambda ours, other: not criteria.more(ours / other))
FALLING = Rule("ours falls at every step, and in all by more than a tie", SHARED, lambda ours, _: criteria.falls(ours))
NEAR = Rule("the two are within a tenth", SHARED, lambda ours, other: criteria.near(ours / other))
IN_BAND = Rule("the printed number lies in our band", CHOSEN, lambda band, number: band[0] <= number.value <= band[1])
CRITERION = Rule("ours stays below a number of our choice", CHOSEN, lambda ours, limit: ours < limit)
DOMINANT = Rule("ours exceeds one half", CHOSEN, lambda ours, _: ours > criteria.HALF)
# fmt: on
RULES = (
    *(DIGITS, ABOVE, BELOW, AT_LEAST, AT_MOST, SAME, EQUAL, HIGHER, LOWER, NO_MORE, FALLING, NEAR),
    *(IN_BAND, CRITERION, DOMINANT),
)


@dataclass(frozen=True)
class Comparison:
    """A number (or series, or band) of ours put to a rule, against another number."""

    rule: Rule
    ours: object
    other: object = 1.0

    @property
    def met(self) -> bool:
        """Whether it does what the rule asks."""
        return bool(self.rule.met(self.ours, self.other))


@dataclass(frozen=True)
class Reading:
    """One way to understand a claim: the number (or numbers) it gives, and what is asked of them.

    `own`: made of the paper's own printed inputs by its own rule alone, so that a misfit is the paper's.
    """

    name: str
    value: object
    tests: tuple[Comparison, ...] = ()
    own: bool = False

    @property
    def fits(self) -> bool:
        """Whether every test is met; never where there is nothing to compare with."""
        return bool(self.tests) and all(test.met for test in self.tests)

    @property
    def ours(self) -> bool:
        """Whether it hangs on a choice of ours."""
        return any(test.rule.measure == CHOSEN for test in self.tests)

    @property
    def rounded(self) -> bool:
        """Whether it is judged by the printed digits, so that a deviation makes sense."""
        return bool(self.tests) and all(test.rule is DIGITS for test in self.tests)


@dataclass(frozen=True)
class Paper:
    """What the paper prints for a claim; makes readings that are judged by the printed digits."""

    numbers: tuple[PaperNumber, ...]

    def reading(self, name: str, *values: float, own: bool = False) -> Reading:
        """A reading judged by rounding: every value must round to the number printed in its place."""
        pairs = zip(values, self.numbers, strict=True)
        value = values[0] if len(values) == 1 else values
        return Reading(name, value, tuple(DIGITS(value, number) for value, number in pairs), own)

    def band(self, name: str, low: float, high: float) -> Reading:
        """A reading that gives a band; the printed number must lie within."""
        return Reading(name, (low, high), (IN_BAND((low, high), self.numbers[0]),))


def holds(name: str, value: object, *tests: Comparison, own: bool = False) -> Reading:
    """A reading judged by rules in words instead of printed digits; without a test nothing is compared."""
    return Reading(name, value, tests, own)


def verdict_of(readings: tuple[Reading, ...]) -> str:
    """The one rule that makes verdicts of readings, the first of them the expected one.

    Nothing to compare with: not testable. The paper's own inputs by its own rule give another number: its error.
    The expected reading fits without a choice of ours: reproduced; some reading fits: under a reading; else it differs.
    """
    if not any(reading.tests for reading in readings):
        return NOT_TESTABLE
    if contradictions(readings):
        return ERROR
    if readings[0].fits and not readings[0].ours:
        return REPRODUCED
    return UNDER_A_READING if any(reading.fits for reading in readings) else DIFFERS


def contradictions(readings: tuple[Reading, ...]) -> list[Reading]:
    """The readings in which the paper's own inputs do not give its own number."""
    return [reading for reading in readings if reading.own and not reading.fits]


def chosen_of(readings: tuple[Reading, ...]) -> Reading:
    """The reading that a finding's number is taken from: what contradicts the print, else the first that fits."""
    fitting = [reading for reading in readings if reading.fits]
    return (contradictions(readings) or fitting or list(readings))[0]
