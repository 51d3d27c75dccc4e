"""Which files a package of mutants is, which tests must kill them, and which of those speak of which file."""

from dataclasses import dataclass, field

THESIS, DERIVE, SERVING = "tests/thesis/test_", "tests/derive/test_", "tests/systems/test_"


@dataclass(frozen=True)
class Package:
    """Files or folders that are mutated; tests of every one of them; and tests of one subject, by the file's path."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    subjects: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def own_tests(self, path: str) -> tuple[str, ...]:
        """The file's own examples, and the tests of the longest subject that its path begins with."""
        known = [subject for subject in self.subjects if path.startswith(subject)]
        return path, *(self.subjects[max(known, key=len)] if known else ())

    @property
    def every_test(self) -> tuple[str, ...]:
        """All tests that any mutant is tried with."""
        return tuple(dict.fromkeys((*self.tests, *(each for own in self.subjects.values() for each in own))))


def of(place: str, *names: str) -> tuple[str, ...]:
    """Paths of test files."""
    return tuple(f"{place}{name}.py" for name in names)


def subjects(folder: str, place: str, **tests: str) -> dict[str, tuple[str, ...]]:
    """Tests of each module of a folder, their names parted by spaces."""
    return {f"{folder}/{module}": of(place, *names.split()) for module, names in tests.items()}


LEDGER = ("tests/ledger/test_ledger_rules.py", "tests/ledger/test_ledger.py", "tests/ledger/test_ledger_systems.py")
COUNTED = ("tests/derive", "tests/systems", *of(THESIS, "certificates", "proofs", "propositions"))
PACKAGES = {
    "statements": Package(
        files=("analysis/thesis", "analysis/ledger/ledger.py", "analysis/ledger/findings.py",
               "analysis/ledger/readings.py", "analysis/ledger/criteria.py", "analysis/render/verdict_tables.py",
               "analysis/render/sensitivity_tables.py"),
        tests=("tests/thesis", *LEDGER),
    ),
    "derive": Package(
        files=("analysis/derive",),
        tests=(*of(SERVING, "capacity", "terms"), *of(DERIVE, "printed", "experts", "flow", "bytes"), *COUNTED),
        subjects=subjects("analysis/derive", DERIVE, einsum="einsum_text execute", flow="flow",
                          reordering="printed reordering", decoder="printed_sizes", roofline="printed_sizes identities",
                          parallel="experts parallel")
        | subjects("analysis/derive", SERVING, communication="wires calibration",
                   capacity="capacity bounds", serving="terms wires limits")
        | subjects("analysis/derive", THESIS, speculation="queries")
        | subjects("analysis/derive/statements", THESIS, proof_of_attention="proofs attention",
                   proof_of_attribution="attribution thresholds", proof_of_balance="balance schedule",
                   of_="certificates propositions", proof_of_tensor="parallel proofs", proof_of_queries="queries",
                   proposition="propositions", steps="proofs"),
    ),
}  # fmt: skip
