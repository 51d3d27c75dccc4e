"""The summary of the ledger: verdicts with their claims, and what stands behind each that is not simply reproduced."""

from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.ledger.findings import Finding
from analysis.ledger.ledger import counts, ledger, weighing
from analysis.ledger.readings import REPRODUCED, UNDER_A_READING
from analysis.render.ledger_tables import BEYOND_ARITHMETIC, findings_with, link, plain_text
from analysis.render.tables import table

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
    return table(header, rows, "The claims that carry the conclusion.", "tab-carrying", "llll", style="ledger")


def _step(finding: Finding) -> int:
    return next(i for i, step in enumerate(STEPS) if finding.claim.bears.startswith(step))


def verdict_list(verdict: str) -> str:
    """The claims with a verdict, one line each: statement, reading where one is needed, and a link."""
    return "\n".join(f"- {_line(finding)}" for finding in findings_with(verdict)) or f"No claim is marked *{verdict}*."


def _line(finding: Finding) -> str:
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
    return f"{link(_finding(id_))} ({_finding(id_).verdict})"


def why(id_: str) -> str:
    """The sentence behind a claim's verdict. Raises InputError for an unknown claim."""
    return plain_text(_finding(id_).reason)


def claims_of(version: str) -> int:
    """How many claims data/claims.csv takes from a version of the paper (`v1`, `v3`, `both`, `summary`)."""
    return sum(claim.version == version for claim in datasets.claims().values())


def _finding(id_: str) -> Finding:
    found = next((finding for finding in ledger() if finding.id == id_), None)
    if found is None:
        raise InputError(f"claim {id_!r}: there is no such claim; the ids stand in data/claims.csv.")
    return found


NAMES = {
    "summary_table": summary_table,
    "carrying_table": carrying_table,
    "verdict_list": verdict_list,
    "verdict": verdict,
    "why": why,
    "claims_of": claims_of,
}
