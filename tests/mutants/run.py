"""Mutation test on a seeded sample: `make mutants PACKAGE=statements SIZE=60 SEED=1` (some seconds a mutant).

    python tests/mutants/run.py --package statements --size 60 --seed 0

Prints the share of mutants killed with its 95 % Wilson interval, and the survivors as diffs. Strings, symbols, the
arguments of @dataclass and what only remembers a result (@cache, @lru_cache) are not mutated. `PACKAGES` (packages.py)
says which files a package is and which tests must kill it; try_all.py tries them.
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
from packages import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "_build" / "mutants"
LEFT_OUT = ("_build", ".git", ".venv", "__pycache__", ".*_cache")
CONFIG = "tests/mutants/cosmic-ray.toml"


def copy_tree(package: str) -> Path:
    """A fresh copy of the repository, one for each package; cosmic-ray edits the source in place."""
    tree = PLACE / package
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return tree


def configure(tree: Path, package: str) -> None:
    """Write into the copy which files are mutated."""
    config = tree / CONFIG
    config.write_text(config.read_text().replace('"{files}"', json.dumps(PACKAGES[package].files)))


def environment(tree: Path) -> dict[str, str]:
    """This interpreter's packages and cosmic-ray's own, the copy before both."""
    paths = {"PYTHONPATH": f"{tree}{os.pathsep}{PLACE / 'site'}", "OPENBLAS_NUM_THREADS": "1"}
    paths["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | paths


def run(tree: Path, *command: str) -> str:
    """Run Python in the copy."""
    done = subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment(tree), text=True, stdout=subprocess.PIPE
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
    return path.read_text().splitlines()[row - 1].lstrip().startswith(("@dataclass", "@cache", "@lru_cache"))


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
    run(tree, "-m", "cosmic_ray.cli", "init", CONFIG, str(session))
    run(tree, "-m", "cosmic_ray.tools.filters.operators_filter", str(session), CONFIG)
    made, kept = keep_sample(session, tree, size, seed)
    click.echo(f"trying {kept} of {made} mutants")
    run(tree, "tests/mutants/try_all.py", package, str(session))
    click.echo(report(session))
    click.echo(run(tree, "-m", "cosmic_ray.tools.report", str(session), "--show-diff", "--surviving-only"))


def report(session: Path) -> str:
    """The share killed, with its interval; a mutant that ran out of time is no survivor, but look at it by hand."""
    with sqlite3.connect(session) as db:
        found = db.execute("select test_outcome, output from work_results").fetchall()
    outcomes, late = [str(outcome) for outcome, _ in found], sum(output == "timeout" for _, output in found)
    killed = sum("SURVIVED" not in outcome.upper() for outcome in outcomes)
    low, high = wilson(killed, len(outcomes))
    share = f"{killed / len(outcomes):.0%} (95 %: {low:.0%} to {high:.0%})"
    return f"killed {killed} of {len(outcomes)}: {share}; {late} by time"


if __name__ == "__main__":
    main()
