"""Models after the paper in words and as a table: what each keeps, touches, and where a token waits for it."""

from functools import cache

from analysis.data import datasets
from analysis.render.digits import digits_of, percent, with_unit
from analysis.render.tables import table
from analysis.render.words import person
from analysis.thesis import after
from analysis.thesis.after import Carried
from analysis.thesis.region import Stretch

SHORT, LONG = 8192, 131072
"""Contexts [tokens] of the table's columns; both are among those that are looked at."""


@cache
def _all() -> dict[str, Carried]:
    return {each.setting.model.id: each for each in after.carried()}


def after_model(model: str) -> Carried:
    """One of the models that the argument is carried to, on the book's system."""
    return _all()[model]


def leads(model: str) -> str:
    """The contexts at which attention to what is kept takes most of a token's time, memory full."""
    return spans(after_model(model).leads)


def spans(found: tuple[Stretch, ...]) -> str:
    """Stretches of contexts in words.

    >>> spans((Stretch(1465.7, 10402.0),)), spans((Stretch(1826.0, None),)), spans(()), spans((Stretch(None, None),))
    ('between 1,470 and 10,400 tokens', 'beyond 1,830 tokens', 'at no context', 'at every context')
    """
    return " and ".join(map(_span, found)) or "at no context"


def _span(found: Stretch) -> str:
    if found.low is None:
        return "at every context" if found.high is None else f"below {digits_of(found.high)} tokens"
    if found.high is None:
        return f"beyond {digits_of(found.low)} tokens"
    return f"between {digits_of(found.low)} and {digits_of(found.high)} tokens"


def share_at(model: str, context: int) -> float:
    """Share of attention to what is kept in a token's time at full memory [1], at one of the contexts looked at."""
    found = after_model(model)
    place = found.contexts.tolist().index(context)
    return float(found.attention[place])


def touched_at(model: str, context: int) -> float:
    """Bytes touched over bytes kept [1], at one of the contexts looked at."""
    found = after_model(model)
    return float(found.phi[found.contexts.tolist().index(context)])


def after_table() -> str:
    """One row a model: attention, bytes that a request keeps, phi, share of a step, and where attention leads."""
    rows = []
    for model, each in _all().items():
        kept = with_unit(float(each.kept[each.contexts.tolist().index(LONG)]), "byte", "GB")
        phis = (digits_of(touched_at(model, context), 2) for context in (SHORT, LONG))
        shares = (percent(share_at(model, context)) for context in (SHORT, LONG))
        rows.append((person(model), mechanisms(model), kept, *phis, *shares, leads(model)))
    header = ("model", "attention", "a request keeps", "φ at 8K", "φ at 128K", "share at 8K", "share at 128K", "leads")
    caption = (
        "What a request keeps at 128K tokens, what a step touches of it (φ), the share of attention to it in a token's "
        "time with memory full, and the contexts at which it is the largest part: 32 B200, NVLink, BF16."
    )
    return table(header, rows, caption, "tab-after", "llrrrrrl")


def mechanisms(model: str) -> str:
    """The mechanisms of a model's blocks, each once, as its row names them.

    >>> mechanisms("qwen3-next-80b-a3b")
    'GQA gated, GDN'
    """
    names = (kind.attention for kind in datasets.model(model).kinds if kind.attention)
    return ", ".join(dict.fromkeys(name.replace("_", " ") for name in names))


def wires_table() -> str:
    """One row a model: the work of a byte, and the link at which wires hide behind experts that compute."""
    rows = []
    for model, each in _all().items():
        arithmetic, work = each.wires
        link = each.setting.accelerator.P_bf16 * 1e12 / work
        hidden = "yes" if arithmetic <= work else "no"
        rows.append((person(model), digits_of(work, 4), with_unit(link, "byte/s", "GB/s"), hidden))
    header = ("model", "FLOP per byte exchanged", "link of B200 that suffices", "NVLink hides behind experts")
    caption = (
        "Operations of routed experts for each byte exchanged, and the one-way bandwidth from which exchanges "
        "take no longer than experts that compute, on B200 in BF16."
    )
    return table(header, rows, caption, "tab-after-wires", "lrrl")


WORDS = {
    "after_table": after_table,
    "after_model": after_model,
    "leads": leads,
    "share_at": share_at,
    "touched_at": touched_at,
    "wires_table": wires_table,
}
