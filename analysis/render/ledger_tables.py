"""The ledger as tables: what the paper says, what we get, the verdict, the reason, every reading; and its summary."""

import re
from html import escape
from textwrap import wrap

from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.ledger.findings import Finding
from analysis.ledger.ledger import by_verdict, counts, ledger, weighing
from analysis.ledger.ledger import found as judged
from analysis.ledger.readings import REPRODUCED, RULES, UNDER_A_READING, VERDICTS, Reading
from analysis.render.digits import MINUS, digits_of, percent
from analysis.render.tables import table

INDENT = " " * 6
LISTED = 24  # readings spelt out under a claim; of longer enumerations, those that fit come first


BEYOND_ARITHMETIC = ("carries", "supports")
WEIGHTS = {"all": (), "beyond arithmetic": BEYOND_ARITHMETIC, "carrying the conclusion": ("carries",)}


def verdict_counts() -> str:
    """How many claims carry each verdict: all of them, those that are not mere arithmetic, and those that carry."""
    columns = [counts(*weights) for weights in WEIGHTS.values()]
    rows = [(verdict, *(column[verdict] for column in columns)) for verdict in VERDICTS if columns[0][verdict]]
    rows.append(("all", *(sum(column.values()) for column in columns)))
    return table(("verdict", *WEIGHTS), rows, "Claims by verdict and by weight.", "tab-verdicts", "lrrr")


def rules_table() -> str:
    """Every rule that judges readings, where its measure comes from, and how many claims are put to it."""
    used = {rule: sum(_asked(finding, rule) for finding in ledger()) for rule in RULES}
    rows = [(rule.words, rule.measure, number) for rule, number in used.items()]
    header = ("what is asked", "measure", "claims")
    return table(header, rows, "The rules, and the claims that each is put to.", "tab-rules", "llr")


def _asked(finding: Finding, rule) -> bool:
    return any(test.rule is rule for reading in finding.readings for test in reading.tests)


def claim_lines(findings: tuple[Finding, ...], width: int) -> list[str]:
    """Claims for a terminal: verdict, numbers at five digits, and the reason, no line longer than `width`."""
    lines = [line for finding in findings for line in _block(finding, width)]
    found = ", ".join(f"{number} {verdict}" for verdict, number in by_verdict(findings).items() if number)
    return [*lines, *wrap(f"{len(findings)} claims: {found}. All digits: --json.", width)]


def _block(finding: Finding, width: int) -> list[str]:
    numbers = () if finding.ours is None else _each(finding.ours)
    ours = ", ".join(each if isinstance(each, str) else digits_of(float(each), 5) for each in numbers) or "none"
    head = f"{finding.id}  {finding.verdict}; printed {finding.paper or 'no number'}; ours {ours}".replace(MINUS, "-")
    return [
        *wrap(head, width, subsequent_indent=INDENT),
        *wrap(finding.reason, width, initial_indent=INDENT, subsequent_indent=INDENT),
    ]


def plain_text(text: str) -> str:
    """Text that MyST prints as it stands: signs that would be read as markup are escaped.

    >>> plain_text("2*d_dec")
    '2\\\\*d\\\\_dec'
    """
    return re.sub(r"([*_<>$`\[\]{}])", r"\\\1", text)


def verdict_number(*verdicts: str, beyond_arithmetic: bool = False) -> int:
    """Number of claims with one of these verdicts, or with any if none is named; without mere arithmetic if asked."""
    found = weighing(*(BEYOND_ARITHMETIC if beyond_arithmetic else ()))
    return sum(finding.verdict in verdicts or not verdicts for finding in found)


def findings_with(verdict: str) -> list[Finding]:
    """The findings with a verdict, in the order of the claims."""
    return [finding for finding in ledger() if finding.verdict == verdict]


def ledger_table(verdict: str) -> str:
    """Every claim with this verdict: statement, printed value, ours with its deviation, reason; or a sentence."""
    rows = [_line(finding) for finding in findings_with(verdict)]
    if not rows:
        return f"No claim is marked *{verdict}*."
    header = ("claim", "printed", "ours", "why")
    name = f"tab-ledger-{verdict.replace(' ', '-')}"
    return table(header, rows, f"Claims with the verdict *{verdict}*.", name, "llll", style="ledger")


def _line(finding: Finding) -> tuple:
    claim = finding.claim
    place = claim.location if claim.version in ("both", "summary") else f"{claim.location}, {claim.version}"
    statement = f'<span id="{claim.id}"></span>**{claim.id}** {plain_text(claim.claim)} ({plain_text(place)})'
    exact = finding.verdict == REPRODUCED or finding.deviation is None
    ours = values(finding.ours) + ("" if exact else f" ({percent(round(finding.deviation, 9) + 0.0)})")
    return (statement, plain_text(finding.paper), ours, _reason(finding))


def link(finding: Finding) -> str:
    """A link to the claim's line in the ledger."""
    return f'<a href="ledger.html#{finding.id}">{finding.id}</a>'


def values(given) -> str:
    """One number of a finding or several, as text."""
    return ", ".join(map(_plain, _each(given)))


def _each(given) -> tuple | list:
    return given if isinstance(given, tuple | list) else (given,)


def _plain(given) -> str:
    if given is None or isinstance(given, str | bool):
        return plain_text({None: "", True: "yes", False: "no"}.get(given, given))
    return digits_of(float(given), 5)


def _reason(finding: Finding) -> str:
    equation = f"{{eq}}`{finding.equation}`" if finding.equation else ""
    figure = f"{{numref}}`{finding.figure}`" if finding.figure else ""
    where = ", ".join(filter(None, [equation, figure]))
    return " ".join(filter(None, [plain_text(finding.reason), f"({where})" if where else "", details(finding)]))


def details(finding: Finding) -> str:
    """Readings tried and the test, folded; the table's cells are one line, so this is HTML around inline text."""
    readings = sorted(finding.readings, key=lambda reading: not reading.fits) if _long(finding) else finding.readings
    shown = [_reading(each) for each in readings[:LISTED]]
    if _long(finding):
        shown.append(f"and {len(readings) - LISTED:,} more")
    items = "".join(f"<li>{line}</li>" for line in shown)
    file, _, case = finding.test.partition("::")
    asked = f"Asked: {plain_text('; '.join(finding.rules))}. " if finding.rules else ""
    test = f"Test: <code>{escape(file)}</code>, <code>{escape(case)}</code>" if file else ""
    return f"<details><summary>{_summary(finding)}</summary><ul>{items}</ul>{asked}{test}</details>"


def _long(finding: Finding) -> bool:
    return len(finding.readings) > LISTED


def _summary(finding: Finding) -> str:
    count = len(finding.readings)
    return f"{count:,} readings, {finding.fitting} fit" if count > 1 else "reading and test"


def _reading(reading: Reading) -> str:
    shown = values(reading.value)
    return f"{'✓' if reading.fits else '✗'} {plain_text(reading.name)}{f': {shown}' if shown else ''}"


# -- the summary -------------------------------------------------------------------------------------
STEPS = ("premise", "first step", "second step", "conclusion")  # as `bears` in data/claims.csv begins


def summary_table() -> str:
    """Every verdict, its number of claims, of those that are not mere arithmetic, and a link to each of them."""
    beyond = counts(*BEYOND_ARITHMETIC)
    rows = [
        (verdict, count, beyond[verdict], ", ".join(map(link, findings_with(verdict))))
        for verdict, count in counts().items()
        if count
    ]
    header = ("verdict", "claims", "beyond arithmetic", "which")
    return table(header, rows, "The ledger in one table.", "tab-summary", "lrrl")


def carrying_table() -> str:
    """The claims that carry the conclusion, each with what rests on it, its verdict and the reason."""
    rows = [
        (f"{link(each)} {plain_text(each.claim.claim)}", plain_text(each.claim.bears), each.verdict, why(each.id))
        for each in sorted(weighing("carries"), key=_step)
    ]
    header = ("claim", "what rests on it", "verdict", "why")
    return table(header, rows, "The claims that carry the conclusion.", "tab-carrying", "llll", style="ledger carrying")


def _step(finding: Finding) -> int:
    return next(i for i, step in enumerate(STEPS) if finding.claim.bears.startswith(step))


def verdict_list(verdict: str) -> str:
    """The claims with a verdict, one line each: statement, reading where one is needed, and a link."""
    return "\n".join(f"- {_said(finding)}" for finding in findings_with(verdict)) or f"No claim is marked *{verdict}*."


def _said(finding: Finding) -> str:
    printed = f" (printed: {plain_text(finding.paper)})" if finding.paper else ""
    return f"{link(finding)}. {plain_text(finding.claim.claim)}{printed}.{_under(finding)}"


def _under(finding: Finding) -> str:
    if finding.verdict == REPRODUCED:
        return ""
    if finding.verdict == UNDER_A_READING:
        return f" Holds for: {plain_text(finding.reading)}."
    return f" {plain_text(finding.reason)}"


def verdict(id_: str) -> str:
    """A claim as a link, with its verdict in words. Raises InputError for an unknown claim."""
    return f"{link(_finding(id_))}: {_finding(id_).verdict}"


def why(id_: str) -> str:
    """The sentence behind a claim's verdict. Raises InputError for an unknown claim."""
    return plain_text(_finding(id_).reason)


def claims_of(version: str) -> int:
    """How many claims data/claims.csv takes from a version of the paper (`v1`, `v3`, `both`, `summary`)."""
    return sum(claim.version == version for claim in datasets.claims().values())


def _finding(id_: str) -> Finding:
    if id_ not in datasets.claims():
        raise InputError(f"claim {id_!r}: there is no such claim; the ids stand in data/claims.csv.")
    return judged(id_)
