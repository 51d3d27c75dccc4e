"""The ledger: every claim of the paper with our number, a verdict, and the readings under which it holds.

A claim's function enumerates readings (units, blocks, grouping, RoPE, ...), the first of them the one that the paper
states or else the study's defaults. A statement in words speaks of the whole range that it names, so that a reading
covers the range or a part that can be named beforehand, and no single cell of it. The verdict follows from the readings
by the one rule of `readings.verdict_of`.
"""

from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path

from analysis.data import datasets
from analysis.ledger.findings import Finding, found
from analysis.ledger.readings import VERDICTS

for _file in sorted(Path(__file__).parent.glob("claims_*.py")):
    import_module(f"analysis.ledger.{_file.stem}")  # registers the functions that judge its claims


@cache
def ledger() -> tuple[Finding, ...]:
    """Every claim of data/claims.csv in its order, judged; one without a function has the verdict `open`."""
    return tuple(found(id_) for id_ in datasets.claims())


@cache
def of_others() -> tuple[Finding, ...]:
    """Every number of data/published.csv in its order, judged by the same rules; `open` says what the study lacks."""
    return tuple(found(id_) for id_ in datasets.published())


def weighing(*weights: str) -> tuple[Finding, ...]:
    """The findings on claims of these weights (`carries`, `supports`, `arithmetic`); all if none is named."""
    return tuple(finding for finding in ledger() if not weights or finding.claim.weight in weights)


def counts(*weights: str) -> dict[str, int]:
    """How many claims (of these weights, or of any) have each verdict, in the order of `VERDICTS`."""
    return by_verdict(weighing(*weights))


def by_verdict(findings: tuple[Finding, ...]) -> dict[str, int]:
    """How many findings have each verdict, in the order of `VERDICTS`."""
    found = Counter(finding.verdict for finding in findings)
    return {verdict: found[verdict] for verdict in VERDICTS}
