"""The page of a report: the system's rows, memory, limits, a token's time, plans, and the notebooks' figures."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from analysis.ask.setting import Setting
from analysis.book.page import is_tall
from analysis.book.report.drawn import Shown
from analysis.book.report.subject import System
from analysis.data.row import Row
from analysis.files.errors import InputError
from analysis.render.digits import digits_of, percent
from analysis.render.verdict_tables import extent, in_words, share_words
from analysis.render.words import named, term_words
from analysis.systems.notes_case import Case
from analysis.systems.notes_inputs import stated_widths
from analysis.systems.plan import sum_of, why_second
from analysis.systems.quantities import evaluate, quantity
from analysis.thesis.region import exists
from analysis.thesis.verdict import UNJUDGED, Verdict, judged_on

TEMPLATE = Path(__file__).with_name("page.html")
LIMITS = {  # quantity -> factor and unit to print it in
    "ridge_point": (1, "FLOP/byte"),
    "core_attention_intensity": (1, "FLOP/byte"),
    "expert_intensity": (1, "FLOP/byte"),
    "kv_bytes_per_token": (1e-3, "kB"),
    "B_cap": (1, "requests"),
    "B_RP": (1, "requests"),
    "tpot": (1e3, "ms"),
    "throughput_per_accelerator": (1, "token/s"),
}
WHOLE = ("tpot", "throughput_per_accelerator")
"""Limits that depend on all of a system: they say which widths are counted in place of stated ones, for all others."""

Limit = tuple[str, str, str, tuple[str, ...]]
ROWS = {"model": "model", "accelerator": "accelerator", "link": "link"}


def page(system: System, ran: list[Shown], apart: Mapping[str, str]) -> str:
    """The report as one HTML page; figures, data and notebooks lie beside it."""
    found, common = _apart(list(limits(system)))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        system=system,
        rows=list(rows(system)),
        limits=found,
        common=common,
        terms=list(terms(system)),
        plans=[_planned(plan) for plan in system.plans[:2]],
        why=why_second(*system.plans[:2]) if len(system.plans) > 1 else "",
        compared=len(system.plans),
        concluded=told(system.served),
        shown=ran,
        apart=_grouped(apart),
        tall=is_tall,
        command="python -m analysis report --system system.yml",
    )


def rows(system: System) -> Iterator[tuple[str, Row]]:
    """The rows that the system is made of, by what they are."""
    for name, said in ROWS.items():
        row = getattr(system.setting, name)
        if row is not None:
            yield said, row


def limits(system: System) -> Iterator[Limit]:
    """Meaning, number, unit and notes of each limit that exists for the system, at the plan's batch."""
    for name, (factor, unit) in LIMITS.items():
        try:
            answer = evaluate(name, system.served)
        except InputError:
            continue  # the model has no such part
        case = Case(quantity(name), system.served)
        said = () if name in WHOLE else tuple(stated_widths(case))
        notes = (note for note in answer.notes if note not in said)
        yield quantity(name).title, digits_of(factor * float(answer.value), 4), unit, tuple(map(named, notes))


def _apart(found: list[Limit]) -> tuple[list[Limit], list[str]]:
    """Limits with what is said of each alone, and the notes that several share."""
    said = Counter(note for *_, notes in found for note in notes)
    common = [note for note, times in said.items() if times > 1]
    return [(*cells, tuple(note for note in notes if note not in common)) for *cells, notes in found], common


def terms(system: System) -> Iterator[tuple[str, str, str, float]]:
    """Terms of a token's time under the best plan, the longest first: name, milliseconds, share, and the share [%]."""
    found, whole = system.plans[0].terms, sum_of(system.setting, system.plans[0].terms)
    for name, seconds in sorted(found.items(), key=lambda each: -each[1]):
        if seconds:
            yield (
                term_words(name, system.setting),
                digits_of(1e3 * seconds),
                percent(seconds / whole),
                100 * seconds / whole,
            )


def _grouped(apart: Mapping[str, str]) -> dict[str, str]:
    """Reasons, each with the notebooks that it keeps out."""
    titles: dict[str, list[str]] = {}
    for title, why in apart.items():
        titles.setdefault(why, []).append(title)
    return {", ".join(those): why for why, those in titles.items()}


def _planned(plan) -> dict[str, str]:
    longest = max(plan.terms, key=plan.terms.get)
    used = ", ".join(f"{name} {percent(share)}" for name, share in plan.utilisation.items())
    return {
        "degrees": ", ".join(f"{name} = {value}" for name, value in plan.degrees.items()),
        "batch": f"{plan.batch:,}",
        "rate": digits_of(plan.per_accelerator, 4),
        "time": digits_of(1e3 * plan.tpot, 4),
        "binding": plan.binding,
        "longest": term_words(longest, plan.setting),
        "used": used,
    }


# -- the book's conclusions, judged for this system ---------------------------------------------------
@dataclass(frozen=True)
class Told:
    """A conclusion about a reader's system: what it says, how far it holds there, and where, in words."""

    statement: str
    extent: str
    places: list[str]


def told(setting: Setting) -> list[Told]:
    """Every conclusion judged for a reader's system, those that speak of its model first."""
    found = [_told(each, setting) for each in judged_on(setting)]
    return sorted(found, key=lambda each: not each.places)


def _told(verdict: Verdict, setting: Setting) -> Told:
    said = verdict.conclusion
    statement = f"{said.statement}, that is: {said.criterion}"
    if not said.speaks_of(setting.model):
        (share,) = verdict.outside.values()
        own = "" if math.isnan(share) else f", where its criterion is met on {share_words(share)} of the grid"
        return Told(statement, f"It speaks of {said.subject}, not of this one{own}.", [])
    if verdict.holds == UNJUDGED:
        return Told(statement, "It cannot be judged here: what it compares has no number for this system.", [])
    there = [line.where for line in said.lines if exists(said.margin, verdict.world, setting["model"], line)]
    lines = [(line, found) for line, found in verdict.boundaries if line.where in there]
    return Told(statement, f"{extent(verdict)}.", [in_words(*each) for each in lines])
