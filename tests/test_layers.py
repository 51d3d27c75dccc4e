"""The order of the layers, and what no file of the study may do, read from the syntax trees."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "analysis").rglob("*.py"))
SUFFIXES = {".py", ".md", ".toml", ".yml", ".csv", ".cff", ".ipynb", ".sh"}
TEXTS = [
    path
    for folder in ("analysis", "book", "data", "tests", ".ci", "")
    for path in ((ROOT / folder).rglob("*") if folder else ROOT.glob("*"))
    if path.suffix in SUFFIXES or path.name in {"Makefile", "run"}
]

# A module may import from its own layer and from those before it; what is not named here is the outermost layer.
LAYERS = ("analysis.errors", "analysis.files", "analysis.derive", "analysis.evaluate", "analysis.render", "analysis")
DERIVE_MAY = {"sympy", *sys.stdlib_module_names} - {"os", "subprocess", "io", "pathlib", "csv", "json"}
SYMBOL_MAKERS = {"Symbol", "symbols", "Dummy", "Wild"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it; a relative import is written out."""
    found = set()
    package = module_of(path).split(".") if path.name == "__init__.py" else module_of(path).split(".")[:-1]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def layer(module: str) -> int:
    return next(i for i, name in enumerate(LAYERS) if within(module, name))


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]


def called(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def test_layers_are_read_from_module_names():
    found = [layer(m) for m in ("analysis.errors", "analysis.derive.einsum", "analysis.evaluate.x", "analysis.book")]
    assert found == [0, 2, 3, 5]
    assert SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_run_one_way(path):
    own = layer(module_of(path))
    later = sorted(name for name in imported(path) if within(name, "analysis") and layer(name) > own)
    assert not later, f"{name_of(path)} imports {later[0]} from a later layer"


@pytest.mark.parametrize("path", sorted((ROOT / "analysis" / "derive").rglob("*.py")), ids=name_of)
def test_derivations_know_sympy_alone(path):
    allowed = {name for name in imported(path) if within(name, "analysis.derive") or within(name, "analysis.errors")}
    others = {name.split(".")[0] for name in imported(path) - allowed}
    assert others <= DERIVE_MAY


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_symbols_are_born_in_one_file(path):
    if module_of(path) == "analysis.derive.symbols":
        return
    makers = [f"line {call.lineno}: {called(call)}" for call in calls(path) if called(call) in SYMBOL_MAKERS]
    assert not makers


def outside(path: Path) -> list[str]:
    """Relative paths in a text that would leave the repository from its folder, and absolute ones to a machine's."""
    text = path.read_text(encoding="utf-8")
    climbing = re.findall(r"(?<![\w.])(?:\.\./)+\w[\w./-]*", text)
    escaping = [found for found in climbing if not (path.parent / found).resolve().is_relative_to(ROOT)]
    return escaping + re.findall(r"(?<![\w.:/-])/(?:work|home|root|Users|mnt)/[\w./-]+", text)


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_no_file_names_a_place_outside_the_repository(path):
    assert not outside(path)
