"""Try every mutant of a session, in a process that has imported the libraries once and is forked for each.

    python tests/mutants/try_all.py statements session.sqlite   (in the copy that run.py makes)

Each file of tests first runs alone, to see which functions it calls and how long it takes. A mutant is then tried with
the files that call its function, those of its own subject first and then the quickest first, until one fails.
"""

import ast
import difflib
import hashlib
import importlib
import multiprocessing
import os
import pickle
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult
from packages import PACKAGES, Package

LIBRARIES = "numpy sympy scipy.optimize hypothesis pydantic yaml click jinja2 tabulate matplotlib.pyplot bs4 joblib"
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "--doctest-modules")
PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
Function = tuple[str, str, int]  # its file, its name, its first line
MODULE = compile("", "", "exec").co_firstlineno


@dataclass(frozen=True)
class Trial:
    """What running files found: the first that failed, what was printed, the functions called, processor time [s]."""

    failed: str | None
    printed: str
    called: frozenset[Function]
    seconds: float


def run_files(files: Iterable[str], traced: bool, pipe) -> None:
    """In a forked process: run files of tests one by one until one fails, and send the trial."""
    called, root, begun = set(), f"{Path.cwd()}/", time.process_time()

    def note(frame, event, arg):
        called.add(frame.f_code)

    sys.dont_write_bytecode = not traced
    with tempfile.TemporaryFile("w+") as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        if traced:
            threading.settrace(note)
            sys.settrace(note)
        failed = next((file for file in files if pytest.main([*OPTIONS, file]) not in PASSED), None)
        sys.settrace(None)
        sys.stdout.flush()
        printed.seek(0)
        functions = ((each.co_filename.removeprefix(root), each.co_name, each.co_firstlineno) for each in called)
        own = frozenset(each for each in functions if each[0].startswith("analysis/"))
        pipe.send(Trial(failed, printed.read()[-3000:], own, time.process_time() - begun))


def tried(files: Iterable[str], seconds: float, traced: bool = False) -> Trial | None:
    """A trial in a process of its own; None where it took longer than it may."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=run_files, args=(files, traced, there))
    process.start()
    there.close()
    try:
        return here.recv() if here.poll(seconds) else None
    except EOFError:
        return Trial("the interpreter", "it died", frozenset(), 0.0)
    finally:
        process.kill()
        process.join()


def files_of(tests: Iterable[str]) -> list[str]:
    """Files of tests, folders as what they hold."""
    found = [sorted(map(str, Path(each).rglob("test_*.py"))) if Path(each).is_dir() else [each] for each in tests]
    return list(dict.fromkeys(file for each in found for file in each))


def enclosing(path: str, line: int) -> Function:
    """The function whose body holds a line, else the module itself."""
    functions = [
        node
        for node in ast.walk(ast.parse(Path(path).read_text()))
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno <= line <= node.end_lineno
    ]
    if not functions:
        return path, "<module>", MODULE
    inner = max(functions, key=lambda node: node.lineno)
    return path, inner.name, min([inner.lineno, *(each.lineno for each in inner.decorator_list)])


def baseline(package: Package, paths: Iterable[str], kept: Path) -> dict[str, Trial]:
    """Every file of tests run alone on the unmutated tree, which none may fail; kept until it or the study changes."""
    study = b"".join(path.read_bytes() for path in sorted(Path("analysis").rglob("*.py")))
    before, found = pickle.loads(kept.read_bytes()) if kept.exists() else {}, {}
    for file in files_of((*package.every_test, *paths)):
        key = hashlib.sha256(study + Path(file).read_bytes()).hexdigest()
        trial = before.get(key) or tried([file], 1800.0, traced=True)
        if trial is None or trial.failed:
            sys.exit(f"{trial and trial.printed}\nerror: {file} fails on the unmutated tree; mend it first.")
        found[file] = before[key] = trial
        kept.write_bytes(pickle.dumps(before))
    return found


def telling(package: Package, path: str, line: int, known: dict[str, Trial]) -> list[str]:
    """The files of tests that can kill a mutant of this line, in the order in which they are tried."""
    function = enclosing(path, line)
    own = files_of(package.own_tests(path))
    can = [file for file in known if function in known[file].called]
    return sorted(can, key=lambda file: (file not in own, known[file].seconds))


def outcome(package: Package, mutation, known: dict[str, Trial]) -> WorkResult:
    """One mutant tried."""
    path = mutation.module_path
    files = telling(package, str(path), mutation.start_pos[0], known)
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    with use_mutation(path, operator, mutation.occurrence) as (before, after):
        trial = tried(files, 120 + 20 * sum(known[file].seconds for file in files))
    survived = trial is not None and trial.failed is None
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), n=1, lineterm="")
    return WorkResult(
        WorkerOutcome.NORMAL,
        "timeout" if trial is None else trial.failed or "",
        TestOutcome.SURVIVED if survived else TestOutcome.KILLED,
        "\n".join(diff),
    )


def main(name: str, session: str) -> None:
    """Run the files of tests alone, then every mutant that has no result yet; each result is told at once."""
    package = PACKAGES[name]
    for library in LIBRARIES.split():
        importlib.import_module(library)
    with use_db(session) as database:
        waiting = list(database.pending_work_items)
        paths = {str(item.mutations[0].module_path) for item in waiting}
        known = baseline(package, paths, Path(session).with_suffix(".calls"))
        for item in waiting:
            (mutation,) = item.mutations
            result = outcome(package, mutation, known)
            database.set_result(item.job_id, result)
            print(result.test_outcome.value, mutation.module_path, "by", result.output or "nothing", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
