"""Sentences of the thesis that follow their numbers: where something passes a flip point, or never, or everywhere."""

from collections.abc import Callable
from math import isfinite, isnan

from analysis.render.digits import digits_of, percent

PLACES = ("everywhere on its grid", "in a region", "nowhere")
NOT_HERE = "where the model fits, which it does not here"


def about(count: float) -> str:
    """Whole tokens or requests, of which three digits matter.

    >>> about(1034.8), about(75.3)
    ('1,030', '75')
    """
    return digits_of(count if count > 100 else round(count))


def beyond(flip: float | str, of: str = "context", show: Callable[[float], str] | None = None) -> str:
    """From where on something holds: `beyond 4,580 tokens of context`, `at every context` (0), `at no context` (inf).

    >>> beyond(4577), beyond(0), beyond(float("inf"))
    ('beyond 4,580 tokens of context', 'at every context', 'at no context')
    """
    return _placed(flip, f"beyond {_tokens(flip, show)} of {of}", f"at every {of}", f"at no {of}")


def below(flip: float | str, of: str = "context", show: Callable[[float], str] | None = None) -> str:
    """Up to where something holds, as `beyond`.

    >>> below(4577), below(float("inf"))
    ('below 4,580 tokens of context', 'at every context')
    """
    return _placed(flip, f"below {_tokens(flip, show)} of {of}", f"at no {of}", f"at every {of}")


def share_above(flip: float | str, of: str) -> str:
    """A share above which something holds.

    >>> share_above(0.4056, "the area").replace("\\u202f", " "), share_above(0, "the area")
    ('more than 41 % of the area', 'any share of the area')
    """
    return _placed(flip, f"more than {_percent(flip)} of {of}", f"any share of {of}", f"no share of {of}")


def accepting(flip: float | str) -> str:
    """From which acceptance of drafted tokens on something holds.

    >>> accepting(0.591), accepting("inf")
    ('above an acceptance of 0.59', 'at no acceptance')
    """
    return f"above an acceptance of {digits_of(float(flip), 2)}" if is_number(flip) else "at no acceptance"


def serving(factor: float | str) -> str:
    """A throughput over another, or that there is none.

    >>> serving(1.408), serving("nan")
    ('at 1.41 times the throughput', 'not at all, for want of memory')
    """
    if not is_number(factor):
        return "not at all, for want of memory"
    return f"at {digits_of(float(factor))} times the throughput"


def times(factor: float, more: str = "faster", less: str = "slower") -> str:
    """A factor with the word that it deserves.

    >>> times(4.0), times(0.136), times(1.0)
    ('4 times faster', '7.35 times slower', 'as fast')
    """
    if abs(factor - 1) < 5e-3:
        return "as fast" if more == "faster" else "the same"
    return f"{digits_of(max(factor, 1 / factor))} times {more if factor > 1 else less}"


def ask_first(by_model: int, compared: int) -> str:
    """What to ask first, the model or the device: that which moves more of the flip points.

    >>> ask_first(10, 11)
    'which attention and how many experts, then which device'
    """
    model, device = "which attention and how many experts", "which device"
    return f"{model}, then {device}" if 2 * by_model > compared else f"{device}, then {model}"


def standing(everywhere: int, region: int, nowhere: int) -> str:
    """A sentence on so many conclusions, that lists no group without one.

    >>> standing(0, 12, 0)
    'Each of the 12 statements holds in a region of its grid: none holds everywhere, none nowhere.'
    >>> standing(1, 11, 0)
    'Of the 12 statements, 1 holds everywhere on its grid, 11 in a region.'
    """
    total = everywhere + region + nowhere
    if region == total:
        return f"Each of the {total} statements holds in a region of its grid: none holds everywhere, none nowhere."
    (first, place), *others = [each for each in zip((everywhere, region, nowhere), PLACES, strict=True) if each[0]]
    listed = [f"{first} {'holds' if first == 1 else 'hold'} {place}", *(f"{count} {at}" for count, at in others)]
    return f"Of the {total} statements, {', '.join(listed)}."


def is_number(flip: float | str) -> bool:
    """Whether a note is a finite number: what is not travels as text in a notebook."""
    return isfinite(float(flip))


def _placed(flip: float | str, at: str, always: str, never: str) -> str:
    flip = float(flip)
    if isnan(flip):
        return NOT_HERE
    return always if flip == 0 else never if flip == float("inf") else at


def _tokens(flip: float | str, show: Callable[[float], str] | None) -> str:
    return (show or (lambda x: f"{about(x)} tokens"))(flip) if is_number(flip) else ""


def _percent(flip: float | str) -> str:
    return percent(flip) if is_number(flip) else ""


WORDS = {
    "beyond": beyond,
    "below": below,
    "share_above": share_above,
    "accepting": accepting,
    "ask_first": ask_first,
    "serving": serving,
    "times_word": times,
    "is_number": is_number,
}
