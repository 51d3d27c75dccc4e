"""The verdict under other conventions, chips and links, with achieved rates, and with several query tokens a step."""

import numpy as np

from analysis.render.digits import NARROW, digits_of, percent
from analysis.render.tables import ABSENT, table
from analysis.render.words import PEOPLE
from analysis.thesis.conclusions import DEVICE_UNKNOWN
from analysis.thesis.drafted import QUERIES, SHOWN, by_acceptance, by_queries
from analysis.thesis.sensitivity import Numbers, numbers
from analysis.thesis.verdict import PLAIN, UNJUDGED, VARIANTS, Verdict, verdicts

NONE_TURNED = "No variant turns a region into all or nothing."
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


def turned() -> str:
    """The conclusions that hold everywhere or nowhere under a variant and not without it, or the other way round."""
    plain, parts = verdicts(), []
    for place, each in enumerate(plain):
        found = {name: verdicts(name)[place].holds for name in VARIANTS}
        turns = [f"{name} ({holds})" for name, holds in found.items() if holds not in (each.holds, UNJUDGED)]
        parts += [f"*{each.conclusion.statement}* under {', '.join(turns)}"] if turns else []
    return f"Other verdicts follow for {'; '.join(parts)}." if parts else NONE_TURNED


def widest() -> str:
    """The conclusion whose share of the grid a variant moves most, as a sentence."""
    plain = verdicts()
    moves = [
        (abs(each.share - before.share), before, name, each)
        for name in list(VARIANTS)[1:]
        for each, before in zip(verdicts(name), plain, strict=True)
        if each.holds != UNJUDGED and not loses_points(each, before)
    ]
    _, before, name, after = max(moves, key=lambda move: move[0])
    return (
        f"The largest move is that of *{before.conclusion.short}* under *{name}*, from {percent(before.share)} of its "
        f"grid to {percent(after.share)}."
    )


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


def worth_of_arithmetic() -> tuple[float, float]:
    """Elasticity of throughput to arithmetic by the datasheet and by measured efficiencies [1]."""
    found = {each.name: each.worth for each in numbers()}
    return found[PLAIN], found["measured"]


def case(variant: str) -> Numbers:
    """R1 at 8K with memory full in one variant, by its name."""
    return next(each for each in numbers() if each.name == variant)


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


def turned_by_queries() -> str:
    """Which verdicts become all or nothing with several query tokens, and from how many on, as a sentence."""
    found, parts = by_queries(), []
    for place, first in enumerate(found[SHOWN[0]]):
        other = [query for query in SHOWN if found[query][place].holds != first.holds]
        if other:
            parts.append(f"*{first.conclusion.statement}* ({found[other[0]][place].holds}, from {other[0]} on)")
    if not parts:
        return f"No number of query tokens up to {SHOWN[-1]} turns a region into all or nothing."
    return f"More query tokens turn {len(parts)} of {len(found[SHOWN[0]])} verdicts: {'; '.join(parts)}."


WORDS = {
    "shares_table": shares_table,
    "reasons": reasons,
    "turned": turned,
    "widest": widest,
    "worth_of_arithmetic": worth_of_arithmetic,
    "case": case,
    "sensitivity_table": sensitivity_table,
    "queries_table": queries_table,
    "acceptance_table": acceptance_table,
    "turned_by_queries": turned_by_queries,
}
