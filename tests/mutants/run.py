"""Mutation test on a seeded sample: `make mutants` (about a quarter of a minute per mutant).

    python tests/mutants/run.py --package statements --size 60 --seed 0

Prints the share of mutants killed with its 95 % Wilson interval, and the survivors as diffs. Strings, symbols and
the arguments of @dataclass are not mutated. `PACKAGES` says which files a package is, and which tests must kill it.
"""

import json
import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "_build" / "mutants"
COPIED = ("analysis", "tests", "data", "pyproject.toml")
CONFIG = "tests/mutants/cosmic-ray.toml"
PACKAGES = {  # name -> files or folders that are mutated, tests that are run
    "derive": (("analysis/derive",), ("tests/serving/test_terms.py", "tests/serving/test_capacity.py", "tests/derive",
                                      "tests/serving", "tests/thesis/test_proofs.py",
                                      "tests/thesis/test_propositions.py")),
    "statements": (("analysis/evaluate/thesis", "analysis/evaluate/claims/ledger.py", "analysis/evaluate/criteria.py",
                    "analysis/render/verdict_tables.py", "analysis/render/sensitivity_tables.py"),
                   ("tests/thesis", "tests/test_ledger.py", "tests/test_ledger_systems.py")),
}  # fmt: skip


def copy_tree(package: str) -> Path:
    """A fresh copy of what the tests need, one for each package; cosmic-ray edits the source in place."""
    tree = PLACE / package
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tree / name)
    return tree


def configure(tree: Path, package: str) -> None:
    """Write into the copy's configuration which files are mutated and which tests are run."""
    files, tests = PACKAGES[package]
    config = tree / CONFIG
    text = config.read_text().replace('"{files}"', json.dumps(files)).replace("{tests}", " ".join(tests))
    config.write_text(text)


def run(tree: Path, *command: str) -> str:
    """Run a command of cosmic-ray in the copy, with this interpreter's packages and cosmic-ray's own."""
    paths = {"PYTHONPATH": f"{tree}{os.pathsep}{PLACE / 'site'}", "PYTHONDONTWRITEBYTECODE": "1"}
    paths["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=tree, env=os.environ | paths, text=True, stdout=subprocess.PIPE
    )
    if done.returncode:
        sys.exit(f"error: {' '.join(command)} ended with code {done.returncode}.")
    return done.stdout


def keep_sample(session: Path, tree: Path, size: int, seed: int) -> tuple[int, int]:
    """Drop all mutants but a seeded sample of those that the filters left; return how many there were and are."""
    with sqlite3.connect(session) as db:
        made = db.execute(
            "select module_path, start_pos_row, start_pos_col, operator_name, occurrence, job_id from mutation_specs "
            "where job_id not in (select job_id from work_results)"
        )
        left = sorted(row for row in made if not _metadata(tree / row[0], row[1]))
        kept = {row[-1] for row in random.Random(seed).sample(left, min(size, len(left)))}
        dropped = [(job,) for (job,) in db.execute("select job_id from work_items") if job not in kept]
        for table in ("work_results", "mutation_specs", "work_items"):
            db.executemany(f"delete from {table} where job_id = ?", dropped)
    return len(left), len(kept)


def _metadata(path: Path, row: int) -> bool:
    return path.read_text().splitlines()[row - 1].lstrip().startswith(("@dataclass", "@cache"))


def wilson(killed: int, tried: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share."""
    middle = (killed + z * z / 2) / (tried + z * z)
    half = z * math.sqrt(killed * (tried - killed) / tried + z * z / 4) / (tried + z * z)
    return middle - half, middle + half


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--package", default="derive", show_default=True, type=click.Choice([*PACKAGES]), help="What to mutate.")
@click.option("--size", default=100, show_default=True, type=click.IntRange(1), help="Mutants to try.")
@click.option("--seed", default=0, show_default=True, help="Which sample.")
def main(package: str, size: int, seed: int) -> None:
    """Try a sample of mutants and print what survived."""
    tree, session = copy_tree(package), PLACE / f"{package}.sqlite"
    configure(tree, package)
    session.unlink(missing_ok=True)
    run(tree, "cosmic_ray.cli", "init", CONFIG, str(session))
    run(tree, "cosmic_ray.tools.filters.operators_filter", str(session), CONFIG)
    made, kept = keep_sample(session, tree, size, seed)
    click.echo(f"trying {kept} of {made} mutants")
    run(tree, "cosmic_ray.cli", "exec", CONFIG, str(session))
    click.echo(report(session))
    click.echo(run(tree, "cosmic_ray.tools.report", str(session), "--show-diff", "--surviving-only"))


def report(session: Path) -> str:
    """The share killed, with its interval."""
    with sqlite3.connect(session) as db:
        outcomes = [str(outcome) for (outcome,) in db.execute("select test_outcome from work_results")]
    killed = sum("SURVIVED" not in outcome.upper() for outcome in outcomes)
    low, high = wilson(killed, len(outcomes))
    return f"killed {killed} of {len(outcomes)}: {killed / len(outcomes):.0%} (95 %: {low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
