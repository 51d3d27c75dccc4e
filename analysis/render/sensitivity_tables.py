"""The verdict under other conventions, chips and links, with achieved rates, and with several query tokens a step."""

import numpy as np

from analysis.files.errors import InputError
from analysis.render.digits import NARROW, digits_of
from analysis.render.tables import ABSENT, table
from analysis.render.verdict_tables import along, named
from analysis.render.words import PEOPLE
from analysis.thesis.conclusions import DEVICE_UNKNOWN
from analysis.thesis.sensitivity import QUERIES, SHOWN, by_acceptance, by_queries, numbers
from analysis.thesis.verdict import PLAIN, UNJUDGED, VARIANTS, Verdict, verdicts

SAME, FEWER = "=", "\N{DAGGER}"


def shares_table() -> str:
    """Share of the grid [%] on which each conclusion holds under every variant."""
    found = {name: verdicts(name) for name in VARIANTS}
    rows = [
        (plain.conclusion.short, *(cell(found[name][place], plain, name) for name in VARIANTS))
        for place, plain in enumerate(found[PLAIN])
    ]
    caption = (
        f"Share of its grid [%] on which each conclusion holds under other conventions, chips and links; `{SAME}`: the "
        f"variant cannot enter; `{FEWER}`: on fewer points; `{ABSENT}`: on none."
    )
    header = ("conclusion", "plain", *list(VARIANTS)[1:])
    return table(header, rows, caption, "tab-thesis-groups", "l" + "r" * len(VARIANTS))


def cell(verdict: Verdict, plain: Verdict, variant: str) -> str | None:
    """A share in whole per cent; SAME where the variant cannot enter; nothing where no point exists."""
    if verdict.holds == UNJUDGED:
        return None
    if variant in plain.conclusion.blind:
        return SAME
    share = f"{100 * verdict.share:.0f}"
    return f"{share}{FEWER}" if loses_points(verdict, plain) else share


def border(name: str, place: int = 0, variant: str = PLAIN) -> float:
    """Where along one of its lines a conclusion begins or ceases to hold under a variant, SI units; raises InputError
    where there is no such place, or a second.

    >>> from analysis.render.digits import digits_of
    >>> digits_of(border("no-longer"))
    '1,830'
    """
    return borders(name, place, 1, variant)[0]


def borders(name: str, place: int, count: int, variant: str = PLAIN) -> list[float]:
    """All places along a line at which a conclusion begins or ceases to hold, rising; raises InputError where there are
    not so many, as a sentence that names them would not be true."""
    line, found = named(name, variant).boundaries[place]
    ends = [end for stretch in found for end in (stretch.low, stretch.high) if end is not None]
    if len(ends) != count:
        raise InputError(f"border: {name} holds {line.where} {along(line, found)}; say that instead.")
    return ends


def loses_points(verdict: Verdict, plain: Verdict) -> bool:
    """Whether a variant leaves a tenth of the points or more without a number, as a device's precision does."""
    common = sum(
        int((np.isfinite(before) & np.isfinite(verdict.inside[model])).sum()) for model, before in plain.inside.items()
    )
    return common < 0.9 * plain.points


def reasons() -> str:
    """Why variants cannot enter some conclusions, or have no number there, one line a reason."""
    found: dict[str, dict[str, list[str]]] = {}
    for each in verdicts():
        for variant, reason in each.conclusion.blind.items():
            found.setdefault(reason, {}).setdefault(each.conclusion.short, []).append(variant)
    return "\n".join(
        f"- {_capital(reason)}: {'; '.join(f'*{name}* ({_listed(given)})' for name, given in where.items())}."
        for reason, where in sorted(found.items(), key=lambda item: item[0] == DEVICE_UNKNOWN)
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def sensitivity_table() -> str:
    """The numbers that most of the verdicts rest on, in every variant."""
    header = ("variant", "step [ms]", "core", "wires", "core leads from", "TP 8 pays below", "worth of arithmetic")
    rows = [
        (
            each.name,
            digits_of(1e3 * each.step),
            _tenths(each.core_share),
            _tenths(each.wires_share),
            each.context and digits_of(each.context),
            each.requests and digits_of(each.requests),
            digits_of(each.worth, 2),
        )
        for each in numbers()
    ]
    caption = (
        "R1 on 32 of the paper's B200 at 8K on NVLink, memory full: time of a step, shares of it that core attention "
        "and wires take, the context [tokens] from which core attention is the largest term, the batch [requests] at "
        "1K below which tensor parallelism of 8 shortens attention, the elasticity of throughput to arithmetic."
    )
    return table(header, rows, caption, "tab-thesis-sensitivity", "l" + "r" * 6)


def _tenths(share: float) -> str:
    return f"{100 * share:.1f}{NARROW}%"


# -- several query tokens a step ---------------------------------------------------------------------
def queries_table() -> str:
    """Share of its grid on which each conclusion holds with 1, 2, 4 and 8 query tokens a step."""
    found = by_queries()
    rows = [
        (first.conclusion.short, *(f"{100 * found[query][place].share:.0f}" for query in SHOWN))
        for place, first in enumerate(found[SHOWN[0]])
    ]
    caption = (
        "Share of its grid [%] on which each conclusion holds with several query tokens a step, whatever share of "
        "drafts is accepted."
    )
    header = ("conclusion, by query tokens", *map(str, SHOWN))
    return table(header, rows, caption, "tab-thesis-queries", "l" + "r" * len(SHOWN))


def acceptance_table() -> str:
    """What serves most at each acceptance rate, per model."""
    found = by_acceptance()
    models = list(found[0].queries)
    rows = [
        (f"{each.acceptance:g}", *(_best(each.queries[model], each.gains[model]) for model in models)) for each in found
    ]
    caption = (
        f"Query tokens a step, of up to {QUERIES[-1]}, that serve most at 8K with memory full, and throughput over "
        "one, where each draft is accepted with this probability once those before it were; making drafts is not "
        "charged."
    )
    header = ("acceptance", *(PEOPLE[model] for model in models))
    return table(header, rows, caption, "tab-thesis-acceptance", "r" * (1 + len(models)))


def _best(query: int, gain: float) -> str | None:
    return None if gain != gain else f"{query} ({digits_of(gain)})"
