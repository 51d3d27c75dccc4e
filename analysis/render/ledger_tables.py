"""The ledger as tables: what the paper says, what we get, the verdict and the reason."""

import re

from analysis.evaluate.claims.ledger import REPRODUCED, Finding, counts, ledger
from analysis.render.digits import digits_of, percent
from analysis.render.tables import code, table


def verdict_counts() -> str:
    """How many claims carry each verdict."""
    rows = [*counts().items(), ("all", len(ledger()))]
    return table(("verdict", "claims"), rows, "Claims by verdict.", "tab-verdicts", "lr")


def plain_text(text: str) -> str:
    """Text that MyST prints as it stands: signs that would be read as markup are escaped.

    >>> plain_text("2*d_dec")
    '2\\\\*d\\\\_dec'
    """
    return re.sub(r"([*_<>$`\[\]{}])", r"\\\1", text)


def verdict_number(*verdicts: str) -> int:
    """Number of claims with one of these verdicts; of all claims if none is named."""
    return sum(finding.verdict in verdicts or not verdicts for finding in ledger())


def ledger_table(verdict: str) -> str:
    """Every claim with this verdict: statement, printed value, ours with its deviation, reason; or a sentence."""
    rows = [_line(finding) for finding in ledger() if finding.verdict == verdict]
    if not rows:
        return f"No claim is marked *{verdict}*."
    header = ("claim", "printed", "ours", "why")
    name = f"tab-ledger-{verdict.replace(' ', '-')}"
    return table(header, rows, f"Claims with the verdict *{verdict}*.", name, "lrrl")


def _line(finding: Finding) -> tuple:
    claim = finding.claim
    place = claim.location if claim.version in ("both", "summary") else f"{claim.location}, {claim.version}"
    statement = f"{code(finding.id)} {plain_text(claim.claim)} ({plain_text(place)})"
    exact = finding.verdict == REPRODUCED or finding.deviation is None
    ours = _ours(finding) if exact else f"{_ours(finding)} ({percent(finding.deviation)})"
    return (statement, plain_text(finding.paper), ours, _reason(finding))


def _ours(finding: Finding) -> str:
    return ", ".join(
        _plain(each) for each in (finding.ours if isinstance(finding.ours, tuple | list) else [finding.ours])
    )


def _plain(given) -> str:
    if given is None or isinstance(given, str | bool):
        return plain_text({None: "", True: "yes", False: "no"}.get(given, given))
    return digits_of(float(given), 5)


def _reason(finding: Finding) -> str:
    count = len(finding.readings)
    reading = f"Reading: {finding.reading}; {finding.fitting} of {count} fit." if count > 1 else ""
    equation = f"{{eq}}`{finding.equation}`" if finding.equation else ""
    figure = f"{{numref}}`{finding.figure}`" if finding.figure else ""
    return " ".join(filter(None, [plain_text(finding.reason), plain_text(reading), equation, figure]))
