"""Measure the speeds that the README quotes, and name the machine: `make bench`.

    python -m analysis.tools.bench --all --readme

Each time is the best of a few runs: what the code costs, not what else the machine was doing.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path

import click
import numpy as np
from sympy import Expr
from tabulate import tabulate

from analysis.ask.numbers import Point, compiled, value
from analysis.ask.setting import Setting
from analysis.cli.library import number, plan
from analysis.data.datasets import accelerators, models
from analysis.derive.symbols import B, BW_Int, L
from analysis.files import exits
from analysis.files.errors import InputError
from analysis.files.whole import BUILD, ROOT
from analysis.files.whole import notebooks as every_notebook
from analysis.systems.quantities import quantity
from analysis.tools import readme
from analysis.tools.reproducible import copy_sources

POINTS = 10**6
MOST_BATCH, MOST_CONTEXT, SLOW_LINK, FAST_LINK = 2**17, 2**17, 1e11, 9e11
SETTING = {
    "model": "deepseek-v3",
    "accelerator": "b200-paper",
    "link": "nvlink5-b200",
    "n_acc": 32,
    "B": 1024,
    "L": 4096,
}


@dataclass(frozen=True)
class Timing:
    """What was run, what it took, and what the study allows itself, both in `unit`."""

    what: str
    took: float
    target: float
    unit: str = "s"
    at: str = "at most"  # what the target is: at most, or at least


def best(action: Callable[[], object], repeats: int) -> float:
    """Shortest wall-clock time of several runs [s]."""
    return min(_once(action) for _ in range(repeats))


def _once(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def scattered(seed: int = 0) -> Point:
    """A million triples of batch, context and link bandwidth: no axis repeats, so nothing can be shared."""
    random = np.random.default_rng(seed)
    return {
        B: random.integers(1, MOST_BATCH, POINTS),
        L: random.integers(1, MOST_CONTEXT, POINTS),
        BW_Int: random.uniform(SLOW_LINK, FAST_LINK, POINTS),
    }


def grid() -> Point:
    """The same count of points as a grid of batches, contexts and links, as the figures sweep them."""
    side = round(POINTS ** (1 / 3))
    sizes = (np.geomspace(1, most, side) for most in (MOST_BATCH, MOST_CONTEXT))
    axes = (*sizes, np.linspace(SLOW_LINK, FAST_LINK, side))
    return dict(zip((B, L, BW_Int), np.ix_(*axes), strict=True))


def _closed_form(name: str) -> tuple[Expr, Point]:
    """A quantity's closed form, compiled, and its point."""
    setting = Setting.of(**SETTING)
    form = quantity(name).expression(setting)
    compiled(form)
    return form, setting.point


def formulas() -> Iterator[Timing]:
    """Closed forms over a million points, on one core."""
    yield _over(scattered(), "core_attention_intensity", "one closed form, 10^6 scattered points", 0.01)
    yield _over(scattered(), "tpot", "full TPOT, 10^6 scattered points (B, L, link)", 0.03)
    yield _over(grid(), "tpot", "full TPOT, grid of 10^6 points (B, L, link)", 0.03)


def _over(points: Point, name: str, what: str, target: float) -> Timing:
    form, given = _closed_form(name)
    return Timing(what, best(lambda: value(form, given | points), 10), target)


def in_process() -> Iterator[Timing]:
    """Calls as a notebook makes them, once the first has derived what they need."""
    batches = count(MOST_BATCH)
    again = best(lambda: number("tpot", **SETTING | {"B": next(batches)}), 100)
    yield Timing("one number, another batch each time", 1e3 * again, 0.3, "ms")
    system = {name: given for name, given in SETTING.items() if name != "B"} | {"slo": 0.05}
    for many in (32, 65536):
        again = best(lambda many=many: plan(**system | {"n_acc": many}), 10)
        yield Timing(f"plan of {many} accelerators", 1e3 * again, 30, "ms")
    yield Timing("plans of every model on every accelerator", best(_every_plan, 1), 5)


def _every_plan() -> None:
    for model, accelerator in product(models(), accelerators()):
        with suppress(InputError):  # where nothing fits, or the accelerator comes with no link
            plan(model=model, accelerator=accelerator, n_acc=32, L=8192, slo=0.05)


def _python(*arguments: str, cwd: str | Path = ROOT) -> str:
    environment = os.environ | {"PYTHONPATH": str(cwd)}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"python {' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def command_line() -> Iterator[Timing]:
    """Commands as a reader types them, the start of Python counted."""
    assigned = [f"{name}={given}" for name, given in SETTING.items()]
    asked, batches = [each for each in assigned if not each.startswith("B=")], count(int(time.time()))
    seconds = best(lambda: _python("-m", "analysis", "evaluate", "tpot", *asked, f"B={next(batches)}", "--json"), 3)
    yield Timing("evaluate on the command line, a batch never asked for", seconds, 0.4)
    seconds = best(lambda: _python("-m", "analysis", "evaluate", "tpot", *assigned, "--json"), 3)
    yield Timing("evaluate on the command line, asked before", seconds, 0.4)
    seconds = best(lambda: _python("-c", "from analysis import number"), 3)
    yield Timing("from analysis import number", seconds, 0.5)
    seconds = best(lambda: _python("-m", "analysis", "plan", *asked, "slo=0.05"), 3)
    yield Timing("plan on the command line", seconds, 5)
    yield Timing("the published configurations imported from a folder", best(_import_all, 3), 10)


def _import_all() -> None:
    with tempfile.TemporaryDirectory() as empty:
        _python("-m", "analysis", "import-model", str(ROOT / "tests" / "huggingface" / "configs"), "-o", empty)


def notebooks() -> Iterator[Timing]:
    """Every notebook run anew, the runner and the kernel started for each."""
    for path in every_notebook():
        yield Timing(f"notebook {path.stem} run anew", best(lambda path=path: _rerun(path), 1), 12)


def _rerun(path: Path) -> None:
    with tempfile.TemporaryDirectory() as empty:
        _python("-m", "analysis.book.notebooks", str(path), "--output", empty)


def swept() -> Iterator[Timing]:
    """A grid of 10^8 points swept on all cores into one Parquet file: time, rate, and memory of all processes."""
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD / "bench") as place:  # a gigabyte, which /tmp may not hold
        said = json.loads(_python("-m", "analysis.tools.bench_sweep", place))
    yield Timing("sweep of 10^8 points into Parquet", said["seconds"], 300)
    yield Timing("its rate", said["points"] / said["seconds"], 3e5, "points/s", "at least")
    yield Timing("its memory, all processes together", said["bytes"] / 1e9, 2, "GB")


def book() -> Iterator[Timing]:
    """The book built in a copy of the tree from nothing, and again with nothing changed."""
    with tempfile.TemporaryDirectory() as place:
        copy_sources(Path(place))
        yield Timing(
            "book from nothing, packages installed", best(lambda: _python("-m", "analysis.book", cwd=place), 1), 240
        )
        yield Timing("book, nothing changed", best(lambda: _python("-m", "analysis.book", cwd=place), 2), 15)


def tests() -> Iterator[Timing]:
    """The tests, on two cores."""
    yield Timing("tests", best(lambda: _python("-m", "pytest", "-q", "-n", "2", "tests"), 1), 360)


def machine() -> str:
    """The machine in words: processor, cores that this process may use, system, versions that matter."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    return f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}, {versions}"


def _processor() -> str:
    """The processor's name where Linux tells it; platform.processor() is empty there."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def table(timings: list[Timing]) -> str:
    """Timings as a Markdown table, the machine below it."""
    rows = [(each.what, f"{each.took:.3g} {each.unit}", f"{each.at} {each.target:g} {each.unit}") for each in timings]
    shown = tabulate(rows, headers=("what", "measured", "target"), tablefmt="github", disable_numparse=True)
    return f"{shown}\n\nMeasured on: {machine()}.\n"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--all", "everything", is_flag=True, help="Also time a large sweep, the book and the tests (minutes).")
@click.option("--readme", "in_readme", is_flag=True, help="Also write the table into README.md.")
def main(everything: bool, in_readme: bool) -> None:
    """Measure, and print a Markdown table."""
    parts = [formulas, in_process, command_line, notebooks] + ([swept, book, tests] if everything else [])
    shown = table([timing for part in parts for timing in part()])
    click.echo(shown, nl=False)
    if in_readme:
        readme.update("speed", shown.strip())


if __name__ == "__main__":
    sys.exit(exits.run(main, "python -m analysis.tools.bench"))
