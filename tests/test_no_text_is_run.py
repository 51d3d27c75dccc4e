"""No text is ever run as code: read from the syntax trees of the study and of its notebooks, and its pages' scripts."""

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "analysis").rglob("*.py")) + sorted((ROOT / "book").rglob("*.ipynb"))
SCRIPTS = [path for path in sorted((ROOT / "book" / "_assets").rglob("*.js")) if "mathjax" not in path.parts]

WORDS = {  # whatever they are said of: names, attributes, arguments
    *{"eval", "exec", "__import__", "__builtins__", "breakpoint", "sympify", "parse_expr", "parse_latex", "getoutput"},
    *{"getstatusoutput", "read_pickle", "unsafe_load", "full_load", "UnsafeLoader", "FullLoader", "allow_pickle"},
    *{"__globals__", "__subclasses__", "__code__", "shell"},
}
FULL = {  # dotted, whatever they are called where they are imported
    *{"yaml.load", "yaml.load_all", "yaml.Loader", "yaml.CLoader", "os.system", "os.popen", "sympy.S", "compile"},
    *{"joblib.load", "joblib.dump", "joblib.Memory", "ctypes.CDLL", "asyncio.create_subprocess_shell"},
}
MODULES = {
    *{"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "builtins", "runpy", "imp"},
    *{"code", "codeop", "pty", "importlib", "sympy.parsing", "sympy.core.sympify"},
}
MAY = {  # import the study's own modules, by names that stand in its sources
    *((f"analysis/{name}.py", "importlib") for name in ("__init__", "derive/__init__", "book/reference", "book/page")),
    ("analysis/ledger/ledger.py", "importlib"),  # the files of its own room that judge claims
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


def dangers(code: str, name: str = "") -> list[str]:
    """What in the code could run text as code, or through a shell: uses, aliases and imports, with their lines."""
    tree = ast.parse(code)
    names = imported(tree)
    found = [f"{name} import of {full}" for full in names.values() if _forbidden(full, name)]
    return found + [f"{name}:{node.lineno} {ast.unparse(node)[:60]}" for node in ast.walk(tree) if _used(node, names)]


def _forbidden(full: str, name: str) -> bool:
    module = next((each for each in MODULES if f"{full}.".startswith(f"{each}.")), "")
    return full in FULL or full.split(".")[-1] in WORDS or bool(module and (name, module) not in MAY)


def _used(node: ast.AST, names: dict[str, str]) -> bool:
    said = {getattr(node, field, None) for field in ("id", "attr", "arg")}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):  # getattr(module, "eval")
        said.add(node.value)
    if isinstance(node, ast.Call) and dotted(node.func, names).startswith("subprocess.") and node.args:
        return isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)  # not a list of arguments
    return bool(said & WORDS) or (isinstance(node, ast.expr) and dotted(node, names) in FULL)


def test_no_text_is_run_as_code():
    """Tests may run the cells of our own notebooks."""
    assert not [found for path in SOURCES for found in dangers(code_of(path), name_of(path))]


def test_notebooks_and_scripts_are_among_the_sources():
    assert {path.suffix for path in SOURCES} == {".py", ".ipynb"}
    assert len(SCRIPTS) > 2


def test_no_page_runs_text_as_code():
    runs = re.compile(r"\beval\s*\(|\bFunction\s*\(|\bset(?:Timeout|Interval)\s*\(\s*['\"`]|\bimport\s*\(")
    assert not [name_of(path) for path in SCRIPTS if runs.search(path.read_text(encoding="utf-8"))]


def test_dangers_are_seen():
    """By a name, an alias, an attribute, an import, a text, and through a shell."""
    for code in (
        *("eval('1')", "run = eval", "from builtins import eval as read", "import builtins", "compile(t, '', 'exec')"),
        *("getattr(thing, 'eval')(t)", "frame.eval(t)", "from sympy import sympify as number", "f.__globals__['x']"),
        *("from sympy import S", "import sympy as s\ns.S(t)", "from sympy.parsing.sympy_parser import parse_expr"),
        *("import yaml as y\ny.load(f, Loader=y.CLoader)", "from yaml import load", "yaml.unsafe_load(f)"),
        *("run('ls', shell=True)", "import subprocess\nsubprocess.run(f'ls {t}')", "from subprocess import getoutput"),
        *("import os as o\no.popen(t)", "from os import system as s", "import pickle as p", "import importlib"),
        *("from pandas import read_pickle", "from joblib import load", "numpy.load(f, allow_pickle=True)"),
        "from subprocess import check_output as ask\nask('ls ' + t)",
    ):
        assert dangers(code), code


def test_what_is_harmless_passes():
    for code in ("re.compile('x')", "yaml.safe_load(f)", "import subprocess\nsubprocess.run(['ls', t])", "load(f)"):
        assert not dangers(code), code
