"""The order of the rooms, and what no file of the study may do, read from the syntax trees."""

import ast
import graphlib
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from analysis.derive.attention import MECHANISMS
from tests.conftest import PLACES
from tests.mutants.packages import PACKAGES

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "analysis").rglob("*.py"))
SUFFIXES = {".py", ".md", ".toml", ".yml", ".csv", ".cff", ".ipynb", ".sh"}
TEXTS = [
    path
    for folder in ("analysis", "book", "data", "tests", ".ci", "")
    for path in ((ROOT / folder).rglob("*") if folder else ROOT.glob("*"))
    if path.suffix in SUFFIXES or path.name in {"Makefile", "run"}
]

# A module may import from its own room and from those before it, at its top or later.
ROOMS = (
    *("files", "derive", "data", "routing", "ask", "systems", "measured", "huggingface", "sweeps"),
    *("ledger", "thesis", "measure", "render", "book", "cli", "tools"),
)
SAME_MEANING = {"__main__"}  # two commands
SAME_SUBJECT = {  # a file of figures that does not draw the other file of its name, and what both mean by it
    "machine": "the reader's own: its record, and its timed kernels",
    "reordering": "of contractions: the proposition, and what it buys",
    "roofline": "times under it, and layers drawn under it",
    "serving": "a step's time by terms, and that time over batch and context",
}
LOOKED_AT = {  # the reference prints the help of every command: it looks at the finished house from outside
    "analysis.book.reference": {
        "analysis.cli.main",
        "analysis.tools.pdf",
        "analysis.tools.bench",
        "analysis.book.build",
    }
}
DERIVE_MAY = {"sympy", *sys.stdlib_module_names} - {"os", "subprocess", "io", "pathlib", "csv", "json"}
SYMBOL_MAKERS = {"Symbol", "symbols", "Dummy", "Wild"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it; a relative import is written out."""
    found = set()
    package = module_of(path).split(".") if path.name == "__init__.py" else module_of(path).split(".")[:-1]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    return found


@cache
def named(path: Path) -> set[str]:
    """Modules that a file imports by names in its text: `book.page` in full, or all under a beginning."""
    if not any(within(name, "importlib") and "metadata" not in name for name in imported(path)):
        return set()
    known = {module_of(each) for each in SOURCES} - {"analysis"}
    texts = {node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    begun = {beginning(node, module_of(path)) for node in nodes(path) if isinstance(node, ast.JoinedStr)}
    below = {name for name in known for prefix in begun if prefix.count(".") > 1 and name.startswith(prefix)}
    return (known & (texts | {f"analysis.{text}" for text in texts}) | below) - {module_of(path)}


def beginning(text: ast.JoinedStr, module: str) -> str:
    """What an f-string begins with, as far as it is known without running it."""
    found = ""
    for part in text.values:
        if isinstance(part, ast.Constant):
            found += part.value
        elif ast.unparse(part.value) == "__name__":
            found += module
        else:
            break
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def room(module: str) -> int:
    """Place in the order; `analysis` itself and its command come last."""
    return ROOMS.index(module.split(".")[1]) if module.count(".") and "__main__" not in module else len(ROOMS)


def modules() -> dict[str, set[str]]:
    """The modules that each module imports."""
    known = {module_of(path) for path in SOURCES}
    longest = lambda name: next((n for n in (name, name.rpartition(".")[0]) if n in known), "")  # noqa: E731
    return {
        module_of(path): {longest(name) for name in imported(path) | by_name(path)} - {"", module_of(path)}
        for path in SOURCES
    }


def by_name(path: Path) -> set[str]:
    """What counts against the order of what a file imports by name."""
    return named(path) - LOOKED_AT.get(module_of(path), set())


def called(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def test_every_folder_is_a_room_and_nothing_lies_outside():
    folders = {path.name for path in (ROOT / "analysis").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(ROOMS)
    assert {path.name for path in (ROOT / "analysis").glob("*.*")} == {"__init__.py", "__main__.py"}
    assert [room(m) for m in ("analysis.files.errors", "analysis.cli.main", "analysis.__main__")] == [0, 14, 16]


def test_imports_run_one_way():
    pairs = [
        (path, name) for path in SOURCES for name in sorted(imported(path) | by_name(path)) if within(name, "analysis")
    ]
    later = [(path, name) for path, name in pairs if room(name) > room(module_of(path))]
    assert not [f"{name_of(path)} imports {name} from a later room" for path, name in later]


def test_what_is_imported_by_name_is_seen():
    """In full, as a beginning, and as the room's own; what the reference looks at is nothing that it need not."""
    seen = {module_of(path): named(path) for path in SOURCES if named(path)}
    assert {"analysis.render.prose", "analysis.ledger.criteria"} <= seen["analysis.book.page"]
    assert {"analysis.ledger.claims_pim", "analysis.ledger.claims_routing"} <= seen["analysis.ledger.ledger"]
    assert {"analysis.derive.symbols", "analysis.derive.serving"} <= seen["analysis.derive"]
    assert {"analysis.sweeps.running", "analysis.cli.library"} <= seen["analysis"]
    assert all(names <= seen[module] for module, names in LOOKED_AT.items())


def test_no_module_imports_itself_by_way_of_others():
    assert len(list(graphlib.TopologicalSorter(modules()).static_order())) == len(SOURCES)
    with pytest.raises(graphlib.CycleError):
        list(
            graphlib.TopologicalSorter(
                modules() | {"analysis.derive.symbols": {"analysis.derive.einsum"}}
            ).static_order()
        )


def test_a_file_is_named_after_one_thing():
    """A file of figures may bear the name of the file that it draws and imports, or one that means the same to both."""
    places, drawn = {}, {}
    for path in SOURCES:
        if path.name != "__init__.py":
            (drawn if path.parent.name == "figures" else places).setdefault(path.stem, []).append(path)
    twice = {stem: found for stem, found in places.items() if len(found) > 1}
    assert set(twice) == SAME_MEANING
    shared = {stem: (path, places[stem]) for stem, (path,) in drawn.items() if stem in places}
    drawing = {
        stem
        for stem, (path, others) in shared.items()
        if any(within(name, module_of(other)) for name in imported(path) for other in others)
    }
    assert shared.keys() - drawing == SAME_SUBJECT.keys()


def late(path: Path) -> list[str]:
    """Imports inside functions that do not say why: each where it begins, or all of them in the file's first words."""
    text = path.read_text(encoding="utf-8")
    if "imported late" in (ast.get_docstring(ast.parse(text)) or ""):
        return []
    lines = text.splitlines()
    inside = {
        node.lineno
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return [f"{name_of(path)}:{n}" for n in sorted(inside) if n - 1 not in inside and "  # " not in lines[n - 1]]


def test_an_import_inside_a_function_says_why():
    assert not [found for path in SOURCES for found in late(path)]


def test_derivations_know_sympy_alone():
    def may(name: str) -> bool:
        return name.split(".")[0] in DERIVE_MAY or any(
            within(name, each) for each in ("analysis.derive", "analysis.files.errors")
        )

    derivations = [path for path in SOURCES if within(module_of(path), "analysis.derive")]
    assert len(derivations) > 20
    assert not [f"{name_of(path)}: {name}" for path in derivations for name in imported(path) if not may(name)]


def test_symbols_are_born_in_one_file():
    made = {
        f"{name_of(path)}:{node.lineno} {called(node)}"
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Call) and called(node) in SYMBOL_MAKERS
    }
    assert made
    assert {each.partition(":")[0] for each in made} == {"analysis/derive/symbols.py"}


def test_mechanisms_are_named_in_one_file():
    """Others ask a mechanism for its name, whether it is latent, or which order suits a phase."""
    said = [
        f"{name_of(path)}:{node.lineno} {node.value}"
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in MECHANISMS
    ]
    assert said
    assert {each.partition(":")[0] for each in said} == {"analysis/derive/attention.py"}


def outside(path: Path) -> list[str]:
    """Relative paths in a text that would leave the repository from its folder, and absolute ones to a machine's."""
    text = path.read_text(encoding="utf-8")
    climbing = re.findall(r"(?<![\w.])(?:\.\./)+\w[\w./-]*", text)
    escaping = [found for found in climbing if not (path.parent / found).resolve().is_relative_to(ROOT)]
    return escaping + re.findall(r"(?<![\w.:/-])/(?:work|home|root|Users|mnt)/[\w./-]+", text)


def test_no_file_names_a_place_outside_the_repository():
    assert not {name_of(path): found for path in TEXTS if (found := outside(path))}


@pytest.mark.parametrize("package", PACKAGES)
def test_mutants_are_made_of_files_that_exist_and_every_test_named_for_them_does(package):
    asked = PACKAGES[package]
    assert not [path for path in (*asked.files, *asked.every_test) if not (ROOT / path).exists()]
    mutated = [name_of(path) for path in SOURCES if name_of(path).startswith(asked.files)]
    assert not [subject for subject in asked.subjects if not any(name.startswith(subject) for name in mutated)]


def test_files_that_take_longest_exist():
    assert not [name for name in PLACES if not (ROOT / "tests" / f"{name}.py").is_file()]
