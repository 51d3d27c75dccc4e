"""Words that judge a number, chosen by the number: a sentence that uses them is true in every edition of the book."""

from math import isfinite

from analysis.ledger.criteria import NEAR, TIE, near
from analysis.render.digits import digits_of
from analysis.systems.quantities import evaluate


def against_ridge(share: float) -> str:
    """Where an intensity lies, given its share of the ridge point.

    >>> [against_ridge(share) for share in (0.8, 0.95, 1.05, 3)]
    ['below', 'near, not above,', 'just above', 'above']
    """
    if share < 1:
        return "near, not above," if near(share) else "below"
    return "just above" if near(share) else "above"


def waits_or_computes(share: float) -> str:
    """What limits a layer of this share of the ridge point.

    >>> waits_or_computes(0.8), waits_or_computes(1.3)
    ('it waits for memory', 'it computes')
    """
    return "it waits for memory" if share < 1 else "it computes"


def higher_or_lower(ratio: float, higher: str = "higher", lower: str = "lower", same: str = "the same") -> str:
    """A comparison by its ratio; equal at three digits is the same.

    >>> higher_or_lower(2), higher_or_lower(0.5, "more", "less"), higher_or_lower(1.0001)
    ('higher', 'less', 'the same')
    """
    return same if digits_of(ratio) == "1" else higher if ratio > 1 else lower


def knee(**given) -> str:
    """The batch at which routed experts reach the ridge with their activations counted, in words.

    >>> knee(model="mixtral-8x7b", accelerator="b200-paper")
    'at 1,140 requests'
    """
    batch = float(evaluate("B_MoE", **given).beside["activations counted"])
    return f"at {digits_of(batch)} requests" if batch > 0 and isfinite(batch) else "at no batch"


def span(low: float, high: float) -> str:
    """Two numbers as a range, or one where both read the same.

    >>> span(0.1, 0.25), span(15.999, 16)
    ('0.1 to 0.25', '16')
    """
    ends = dict.fromkeys(map(digits_of, (low, high)))
    return " to ".join(ends)


def or_none(number: float, text: str = "", none: str = "none") -> str:
    """A number in `text` (`{}` where it belongs), or `none` where there is no such number.

    >>> or_none(7.0, "below {} tokens"), or_none(float("nan"), none="nowhere")
    ('below 7 tokens', 'nowhere')
    """
    return (text or "{}").format(digits_of(number)) if number is not None and isfinite(number) else none


WORDS = {
    "against_ridge": against_ridge,
    "waits_or_computes": waits_or_computes,
    "higher_or_lower": higher_or_lower,
    "knee": knee,
    "or_none": or_none,
    "span": span,
    "near_within": NEAR,
    "tie_within": TIE,
}
