"""What others found and printed, as the book shows it: the second ledger, and works on the question of this study."""

from collections import defaultdict

from analysis.data import datasets
from analysis.data.rows import Related
from analysis.files.errors import InputError, choices
from analysis.ledger.findings import Finding, found
from analysis.ledger.ledger import by_verdict, of_others
from analysis.ledger.readings import OPEN, REPRODUCED, VERDICTS
from analysis.render.digits import NARROW, digits_of, percent
from analysis.render.ledger_tables import details, plain_text, values
from analysis.render.tables import table
from analysis.render.words import PEOPLE
from analysis.systems.quantities import evaluate

RELATIONS = {"agrees": "Agrees", "differs": "Differs", "extends": "Goes beyond", "used": "Used here"}
SHORT = {"1": "", "percent": "%", "byte": "byte"}


# -- the second ledger -------------------------------------------------------------------------------
def others_number(*verdicts: str) -> int:
    """How many numbers of others have one of these verdicts, or any at all if none is named."""
    return sum(finding.verdict in verdicts or not verdicts for finding in of_others())


def others_judged() -> int:
    """How many numbers of others have a verdict."""
    return others_number(*(each for each in VERDICTS if each != OPEN))


def others_sources() -> int:
    """How many papers, repositories and pages the judged numbers come from."""
    return len({each.claim.source.partition(" (")[0] for each in of_others() if each.verdict != OPEN})


def others_counts() -> str:
    """How many numbers of others have each verdict: those about parameters, and the rest."""
    sizes = tuple(each for each in of_others() if "parameters" in each.claim.quantity)
    rest = tuple(each for each in of_others() if each not in sizes)
    columns = [by_verdict(rest), by_verdict(sizes), by_verdict(of_others())]
    rows = [(verdict, *(column[verdict] for column in columns)) for verdict in VERDICTS if columns[-1][verdict]]
    header = ("verdict", "mechanisms and systems", "sizes of models", "all")
    return table(header, rows, "Numbers that others printed, by verdict.", "tab-others", "lrrr")


def others_table(verdict: str, *first: str) -> str:
    """Numbers of others with a verdict, those of the ids `first` first: statement, printed, ours, why."""
    place = {name: i for i, name in enumerate(first)}
    chosen = [each for each in of_others() if each.verdict == verdict]
    rows = [_line(each) for each in sorted(chosen, key=lambda each: place.get(each.id, len(place)))]
    header = ("what is said", "printed", "ours", "why")
    name = f"tab-others-{verdict.replace(' ', '-')}"
    return table(header, rows, f"Numbers of others with the verdict *{verdict}*.", name, "llll", style="ledger")


def _line(finding: Finding) -> tuple[str, str, str, str]:
    row = finding.claim
    about = f"{row.claim}: {_name(row.model)}{f' ({row.configuration})' if row.configuration else ''}"
    place = plain_text(f"{row.source}, {row.locator}")
    said = f'<span id="{row.id}"></span>**{row.id}** {plain_text(about)}. {place}'
    beside = "" if finding.deviation is None else f" ({percent(round(finding.deviation, 9) + 0.0)})"
    unit = SHORT.get(row.unit, row.unit)
    why = f"{plain_text(finding.reason)} {details(finding)}"
    return (
        said,
        f"{row.paper_value} {unit}".strip(),
        f"{values(finding.ours)}{beside if finding.verdict != REPRODUCED else ''}",
        why,
    )


def _name(model: str) -> str:
    row = datasets.models().get(model)
    return PEOPLE.get(model, row.name) if row else model


def others_open() -> str:
    """What the numbers without a verdict wait for, and how many wait for it."""
    waiting: dict[str, list[str]] = defaultdict(list)
    for finding in of_others():
        if finding.verdict == OPEN:
            missing = finding.claim.lacks or "a row of the model"
            waiting[missing].append(_name(finding.claim.model))
    rows = [(why, len(names), ", ".join(dict.fromkeys(names))) for why, names in waiting.items()]
    rows.sort(key=lambda row: -row[1])
    header = ("what the study would need", "numbers", "of")
    return table(header, rows, "Numbers of others that are not judged.", "tab-others-open", "lrl")


def others_ours(id_: str, digits: int = 3, reading: int | None = None) -> str:
    """Our number for one of others: the chosen reading's, or that of one reading by its place."""
    finding = _finding(id_)
    return digits_of(float(finding.ours if reading is None else finding.readings[reading].value), digits)


def others_most(id_: str) -> str:
    """The upper end of our first band for one of others' numbers."""
    return digits_of(float(_finding(id_).readings[0].value[1]), 3)


def others_printed(id_: str) -> str:
    """What others print, with its unit."""
    row = _finding(id_).claim
    printed = f"{int(row.paper_value):,}" if row.paper_value.isdecimal() else row.paper_value
    return f"{printed}{NARROW}{SHORT.get(row.unit, row.unit)}".rstrip(NARROW)


def others_link(id_: str) -> str:
    """A link to the number's line."""
    return f'<a href="published.html#{_finding(id_).id}">{id_}</a>'


def _finding(id_: str) -> Finding:
    if id_ not in datasets.published():
        raise InputError(f"number of others {id_!r}: there is none; the ids stand in data/published.csv.")
    return found(id_)


# -- works of others ---------------------------------------------------------------------------------
def works(question: str) -> str:
    """The works on a question, in the order of data/related.csv: citation, finding, and what stands beside it here."""
    chosen = [row for row in datasets.related().values() if row.question == question]
    if not chosen:
        known = dict.fromkeys(row.question for row in datasets.related().values())
        raise InputError(f"works: no work is on {question!r}; allowed are {choices(known)}.")
    return "\n".join(f"- {{cite:t}}`{row.id}`. {_told(row)}" for row in chosen)


def works_number(relation: str = "") -> int:
    """How many works are cited, or how many stand in a relation to this study."""
    return sum(row.relation == relation or not relation for row in datasets.related().values())


def _told(row: Related) -> str:
    here = plain_text(row.here).replace(r"\{\}", ours(row.ours)) if row.ours else plain_text(row.here)
    return f"{plain_text(row.found)} *{RELATIONS[row.relation]}.* {here}"


def ours(text: str) -> str:
    """The number that data/related.csv names, at three digits: a claim's, or a quantity's in a setting.

    >>> ours("ridge_point accelerator=h20-sxm"), ours("P145")
    ('37', '32')
    """
    name, *given = text.split()
    if name in datasets.published():
        value = found(name).ours
        return digits_of(float(max(value) if isinstance(value, tuple) else value), 3)
    return digits_of(float(evaluate(name, **dict(each.split("=", 1) for each in given)).value), 3)
