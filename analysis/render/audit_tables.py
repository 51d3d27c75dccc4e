"""Tables that enumerate readings: of the memory book, of expert placement, and of the two printed exchange times."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from analysis.ask.setting import Setting
from analysis.ledger import capacity_readings, claims_network, claims_routing
from analysis.ledger.claims_capacity import CLAIMS, every_reading, giving
from analysis.ledger.imbalance_readings import AuditRow
from analysis.ledger.imbalance_readings import audit as placements
from analysis.ledger.paper_systems import scenario
from analysis.ledger.printed_values import printed
from analysis.render.digits import digits_of, whole
from analysis.render.tables import code, table
from analysis.render.words import named
from analysis.systems.quantities import evaluate

SEARCHED = 4096  # batches up to which Eq. 12's bound is compared with the full time


def _printed(claim: str) -> float:
    return printed(claim)[0].value


def _name(claim: str) -> str:
    return scenario(CLAIMS[claim]).model.name


def capacity_table() -> str:
    """Printed batches against every reading of the memory book: as stated, smallest, largest, and how many fit."""
    rows = []
    for claim, system in CLAIMS.items():
        found = list(every_reading(system).values())
        fitting = f"{found.count(int(_printed(claim))):,} of {len(found):,}"
        numbers = (_printed(claim), found[0], min(found), max(found))
        rows.append((f"{_name(claim)} ({code(claim)})", *map(whole, numbers), fitting))
    header = ("model", "printed", "as stated", "least", "most", "readings that fit")
    caption = (
        "Largest batch at L = 8192 on 32 B200 under every reading of capacity (192 or 180, GB or GiB), blocks, weights "
        "and their replicas, activations and rounding, as far as it makes a difference to the model."
    )
    return table(header, rows, caption, "tab-capacity-readings", "lrrrrr")


def capacity_pairs() -> str:
    """How many readings of the memory book give two printed batches at once, or all three."""
    groups = [*combinations(CLAIMS, 2), tuple(CLAIMS)]
    found = {group: giving(*group) for group in groups}
    rows = [("; ".join(map(_name, group)), len(books) or "none", _common(books)) for group, books in found.items()]
    caption = f"Readings, of {len(capacity_readings.books()):,}, that give several printed batches at once."
    header = ("printed batches of", "readings", "what these have in common")
    return table(header, rows, caption, "tab-capacity-pairs", "lrl")


def _common(books: list[capacity_readings.Book]) -> str:
    """The choices that all of these readings share, in words."""
    if not books:
        return ""
    choices = [str(book).split(", ") for book in books]
    return ", ".join(choice for choice in choices[0] if all(choice in each for each in choices))


PLACED = {
    "contiguous": "in order of popularity",
    "strided": "dealt out in turn",
    "shuffled": "at random",
    "lpt": "by load, heaviest first",
    "replicated": "with copies of popular ones",
}
DRAWN = {"without": "all different", "with": "drawn one by one"}
"""What the values of `placement` and `draws` are called in a table."""


def placement_table() -> str:
    """Imbalance of a small and a large system under every placement and way of drawing, and their ratio."""
    rows = [_placed(row) for row in placements(s=claims_routing.SKEWS[-1], seeds=claims_routing.SEEDS)]
    header = ("experts lie", "a token's experts", "32 accelerators", "256 accelerators", "ratio", "band")
    caption = (
        f"Maximum of expected loads over their mean at s = {claims_routing.SKEWS[-1]}; the paper prints a ratio of "
        f"{_printed('C075'):g}. At random: mean and 95 % band over {claims_routing.SEEDS} placements. "
        "Copies: one more slot per accelerator."
    )
    return table(header, rows, caption, "tab-placements", "llrrrr")


def random_ratio() -> float:
    """Mean over random placements of what a large system's imbalance is over a small one's [1]."""
    return next(
        row.ratio
        for row in placements(s=claims_routing.SKEWS[-1], seeds=claims_routing.SEEDS)
        if (row.placement, row.draws) == ("shuffled", "without")
    )


def _placed(row: AuditRow) -> tuple:
    numbers = (f"{number:.2f}" for number in (row.gamma_small, row.gamma_large, row.ratio))
    band = f"{row.low:.2f}\N{EN DASH}{row.high:.2f}" if row.high > row.low else ""
    return (PLACED[row.placement], DRAWN[row.draws], *numbers, band)


def inverse_table() -> str:
    """The two printed exchange times solved for tokens per accelerator and latency, under every assumption."""
    links = (claims_network.NVLINK, claims_network.INFINIBAND)
    shared = claims_network.common_alpha()
    solved = [
        (
            f"one latency for both links, both times given ({code('C069')}, {code('C070')})",
            shared,
            "nothing, both are used",
        )
    ]
    for link, other in (links, links[::-1]):
        solved.append(
            (f"{named(link)} alone, with its row's latency", claims_network.own_alpha(link), _foretold(link, other))
        )
    for link in links:
        needed = claims_network.Inverse(claims_network.TOKENS, claims_network.needed_alpha(link))
        solved.append((f"{named(link)} alone, {claims_network.TOKENS} tokens", needed, "nothing, its own is used"))
    rows = [(name, f"{found.tokens:.1f}", f"{found.alpha * 1e6:.2f}", check) for name, found, check in solved]
    header = ("assumption", "tokens per accelerator", "latency (µs)", "what it foretells")
    return table(header, rows, "Tokens and latency that the printed times imply.", "tab-exchange-inverse", "lrrl")


def _foretold(link: str, other: str) -> str:
    time, paper = claims_network.foretold(other, link), _printed(claims_network.TIMES[other])
    return f"{digits_of(time, 4)} µs on {named(other)}, printed {paper:g}"


def bound_holds_from(system: Mapping[str, object], weights: str = "eq11", L: int | None = None) -> int:
    """Least batch [requests] from which Eq. 12 stays below the full time per output token.

    `system` are parameters of a setting with model, accelerator, link and degrees; L [tokens] adds a context.
    """
    batches = np.arange(1, SEARCHED + 1)
    setting = Setting.of(**{**system, "weights": weights, "B": batches, "L": L or system.get("L")})
    above = evaluate("tpot_eq12", setting).value > evaluate("tpot", setting).value
    return int(batches[above].max(initial=0)) + 1


def stated_tokens() -> int:
    """Tokens per accelerator that the paper states with its two times."""
    return claims_network.TOKENS


def copies() -> dict[str, float]:
    """Copies sent to an accelerator in one exchange: as stated, as the printed time means, and by random routing."""
    picked, link = scenario(claims_network.R1).model.n_k, claims_network.NVLINK
    random = claims_network.random_copies()._asdict()
    return random | {
        "stated": claims_network.TOKENS * picked,
        "printed": claims_network.own_alpha(link).tokens * picked,
    }
