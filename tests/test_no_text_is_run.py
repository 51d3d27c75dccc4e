"""No text is ever run as code: read from the syntax trees of the study and of its notebooks, and its pages' scripts."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "analysis").rglob("*.py")) + sorted((ROOT / "book").rglob("*.ipynb"))
SCRIPTS = [path for path in sorted((ROOT / "book" / "_assets").rglob("*.js")) if "mathjax" not in path.parts]

NAMES = {"eval", "exec", "compile", "__import__", "__builtins__", "breakpoint"}
ATTRIBUTES = {
    *{"eval", "exec", "sympify", "parse_expr", "parse_latex", "getoutput", "getstatusoutput", "read_pickle"},
    *{"unsafe_load", "full_load", "UnsafeLoader", "FullLoader", "allow_pickle", "__import__", "__builtins__"},
    *{"__globals__", "__subclasses__", "__code__"},
}
FULL = {  # dotted, whatever they are called where they are imported
    *{"yaml.load", "yaml.load_all", "yaml.Loader", "yaml.CLoader", "os.system", "os.popen", "sympy.S", "sympy.sympify"},
    *{"joblib.load", "joblib.dump", "joblib.Memory", "pandas.eval", "ctypes.CDLL", "asyncio.create_subprocess_shell"},
}
MODULES = {
    *{"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "builtins", "runpy", "imp"},
    *{"code", "codeop", "pty", "importlib", "sympy.parsing", "sympy.core.sympify"},
}
MAY = {  # import the study's own modules, by names that stand in its sources
    *((f"analysis/{name}.py", "importlib") for name in ("__init__", "derive/__init__", "book/reference")),
    ("analysis/ask/kept_forms.py", "importlib"),  # asks which version of sympy is installed
    # joblib runs calls; its files, which are pickles, stay forbidden
    *((f"analysis/{name}.py", "joblib") for name in ("sweeps/workers", "tools/bench_sweep")),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imported(tree: ast.Module) -> dict[str, str]:
    """Name in the file to the dotted name that it stands for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                found[each.asname or each.name.split(".")[0]] = each.name if each.asname else each.name.split(".")[0]
                found[f"import {each.name}"] = each.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """`y.load` as `yaml.load` where yaml is imported as y; empty for what is no chain of names."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return f"{before}.{node.attr}" if before else ""
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def begins(name: str, modules: set[str]) -> str:
    return next((module for module in modules if name == module or name.startswith(f"{module}.")), "")


def dangers(code: str, name: str = "") -> list[str]:
    """What in the code could run text as code, or through a shell: uses, aliases and imports, with their lines."""
    tree = ast.parse(code)
    names = imported(tree)
    found = [f"{name} import of {full}" for full in names.values() if _forbidden_import(full, name)]
    for node in ast.walk(tree):
        if _is_danger(node, names):
            found.append(f"{name}:{node.lineno} {ast.unparse(node)[:60]}")
    return found


def _forbidden_import(full: str, name: str) -> bool:
    module = begins(full, MODULES)
    return full in FULL or full.split(".")[-1] in ATTRIBUTES | NAMES or bool(module and (name, module) not in MAY)


def _is_danger(node: ast.AST, names: dict[str, str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in NAMES
    if isinstance(node, ast.Attribute):
        return node.attr in ATTRIBUTES or dotted(node, names) in FULL
    if isinstance(node, ast.Constant):  # getattr(module, "eval"), vars(module)["eval"], env={"shell": ...}
        return node.value in (ATTRIBUTES | NAMES) - {"compile"}
    return isinstance(node, ast.Call) and (_through_a_shell(node, names) or _unpickles(node))


def _through_a_shell(call: ast.Call, names: dict[str, str]) -> bool:
    """A shell asked for, or a process given as one text; lists of arguments are fine."""
    if any(each.arg == "shell" and getattr(each.value, "value", True) is not False for each in call.keywords):
        return True
    starts = begins(dotted(call.func, names), {"subprocess"}) and call.args
    return bool(starts) and isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)


def _unpickles(call: ast.Call) -> bool:
    return any(each.arg == "allow_pickle" and getattr(each.value, "value", True) is not False for each in call.keywords)


def test_no_text_is_run_as_code():
    """Tests may run the cells of our own notebooks."""
    assert not [found for path in SOURCES for found in dangers(code_of(path), name_of(path))]


def test_notebooks_and_scripts_are_among_the_sources():
    assert {path.suffix for path in SOURCES} == {".py", ".ipynb"}
    assert len(SCRIPTS) > 2


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_no_page_runs_text_as_code(path):
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"\beval\s*\(|\bFunction\s*\(|\bset(?:Timeout|Interval)\s*\(\s*['\"`]|\bimport\s*\(", text)


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "run = eval\nrun(t)",
        "from builtins import eval as read",
        "import builtins",
        "getattr(thing, 'eval')(t)",
        "vars(thing)['exec'](t)",
        "frame.eval(t)",
        "sympy.sympify(t)",
        "from sympy import sympify as number",
        "from sympy import S\nS(t)",
        "import sympy as s\ns.S(t)",
        "from sympy.parsing.sympy_parser import parse_expr",
        "yaml.load(f)",
        "import yaml as y\ny.load(f, Loader=y.CLoader)",
        "from yaml import load",
        "yaml.unsafe_load(f)",
        "run('ls', shell=True)",
        "run('ls', shell=wanted)",
        "import subprocess\nsubprocess.run(f'ls {t}')",
        "from subprocess import check_output as ask\nask('ls ' + t)",
        "from subprocess import getoutput",
        "os.system('ls')",
        "import os as o\no.popen(t)",
        "from os import system as s",
        "import pickle as p",
        "from pandas import read_pickle",
        "from joblib import load",
        "numpy.load(f, allow_pickle=True)",
        "importlib.import_module(t)\nimport importlib",
        "f.__globals__['x']",
    ],
)
def test_dangers_are_seen(code):
    assert dangers(code)


@pytest.mark.parametrize(
    "code", ["re.compile('x')", "yaml.safe_load(f)", "subprocess.run(['ls', t])", "run(['ls'], shell=False)", "load(f)"]
)
def test_what_is_harmless_passes(code):
    assert not dangers(code)
