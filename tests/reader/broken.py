"""What a reader may give wrong, by kind, and every command that a file or a folder can be given to."""

from importlib import import_module

import analysis.cli.main as command_line
from analysis.files import exits
from analysis.files.whole import ROOT

NOTEBOOK = str(ROOT / "book" / "notebooks" / "memory.ipynb")
SYSTEM = ("model=deepseek-v3", "accelerator=b200-sxm", "link=nvlink5-b200", "n_acc=32", "B=1", "L=1")

CONTENTS = {  # what readers hand over by mistake, and what would make a careless program hang
    "empty": b"",
    "blank": b" \n\t\n",
    "binary": bytes(range(256)),
    "not-utf-8": "id: caf\u00e9".encode("latin-1"),
    "utf-16": "id: x".encode("utf-16"),
    "bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "cycle": b"a: &a [*a]\n",
    "apply": b"!!python/object/apply:os.system ['touch pwned']\n",
    "twice": b"id: a\nid: b\n",
    "list": b"- a\n- b\n",
    "scalar": b"42\n",
    "documents": b"id: a\n---\nid: b\n",
    "deep": b"[\n" * 3000,
    "key": b"? [a]\n: b\n",
    "json-nan": b'{"hidden_size": NaN, "model_type": "llama"}',
    "json-twice": b'{"id": 1, "id": 2}',
    "json-cut": b'{"id": ',
    "json-long": b'{"a": ' + b"9" * 10000 + b"}",
    "quote": b'a,b\n"1,2\n',
    "only-header": b"id,name\n",
    "ragged": b"id,name\n1,2,3\n",
    "wide-cell": b"id,name\n" + b"x" * 200_000 + b",1\n",
    "parquet-cut": b"PAR1" + bytes(100) + b"PAR1",
    "lfs-pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
}
SUFFIXES = (".yml", ".json", ".csv", ".ipynb", ".parquet")

NAMES = {  # a name, or what the folder of a test holds under it
    "missing": "missing{}",
    "folder": "folder{}",
    "pipe": "pipe{}",
    "not-utf-8": "\udcff{}",
    "line-feed": "a\nb{}",
    "below-a-file": "file/x{}",
}


def _module(name: str):
    """A module that is a command, or the one that a package runs as a command."""
    module = import_module(name)
    return import_module(f"{name}.__main__") if hasattr(module, "__path__") else module


def run(*arguments) -> int:
    """Run a command as typed after `python -m`, in this process; returns its exit code."""
    module, *rest = map(str, arguments)
    if module == "analysis":
        return command_line.run(rest)
    return exits.run(_module(module).main, f"python -m {module}", rest)


def readers(path) -> dict[str, tuple[str, ...]]:
    """Every command that reads a file or a folder, given `path`; the words say in which place."""
    path = str(path)
    return {
        "import-model": ("analysis", "import-model", path),
        "sweep": ("analysis", "sweep", path, "-o", "out.parquet"),
        "rerun, table": ("analysis", "rerun", NOTEBOOK, path, "-o", "out"),
        "rerun, notebook": ("analysis", "rerun", path, path, "-o", "out"),
        "evaluate, model": ("analysis", "evaluate", "parameters", f"model={path}"),
        "evaluate, accelerator": ("analysis", "evaluate", "ridge_point", f"accelerator={path}"),
        "evaluate, link": ("analysis", "evaluate", "tpot", *_without("link"), f"link={path}"),
        "evaluate, link_between": ("analysis", "evaluate", "tpot", *SYSTEM, "group=8", f"link_between={path}"),
        "evaluate, experts": ("analysis", "evaluate", "tpot", *SYSTEM, f"accelerator_experts={path}"),
        "evaluate, scenario": ("analysis", "evaluate", "tpot", f"scenario={path}", "B=1", "L=1"),
        "evaluate, calibration": ("analysis", "evaluate", "tpot", *SYSTEM, f"calibration={path}"),
        "plan": ("analysis", "plan", *_without("model", "B"), f"model={path}"),
        "design": ("analysis", "design", *_without("model", "B"), "slo=0.05", f"model={path}"),
        "design, accelerator": ("analysis", "design", *_without("accelerator", "B"), "slo=0.05", f"accelerator={path}"),
        "report": ("analysis", "report", "--system", path, "-o", "out"),
        "validate": ("analysis", "validate", path),
        "validate, calibration": ("analysis", "validate", "--calibration", path),
        "deployments": ("analysis", "deployments", path),
        "calibrate": ("analysis", "calibrate", path, "-o", "out.csv"),
        "import-measurements": ("analysis", "import-measurements", path, "-o", "out.parquet"),
        "notebooks": ("analysis.book.notebooks", path, "--output", "out"),
    }


def _without(*names: str) -> list[str]:
    return [each for each in SYSTEM if each.partition("=")[0] not in names]


def writers(output) -> dict[str, tuple[str, ...]]:
    """Every command that writes what a reader names, given inputs that are fine (see `prepared`) and `output`."""
    output = str(output)
    return {
        "import-model": ("analysis", "import-model", "config.json", "-o", output),
        "sweep": ("analysis", "sweep", "grid.yml", "-o", output, "--jobs", "1"),
        "measure": ("analysis", "measure", "--quick", "-o", output),
        "calibrate": ("analysis", "calibrate", "-o", output),
        "import-measurements": ("analysis", "import-measurements", "database", "-o", output),
        "rerun": ("analysis", "rerun", NOTEBOOK, "table.csv", "-o", output, "--jobs", "1"),
        "notebooks": ("analysis.book.notebooks", NOTEBOOK, "--output", output),
        "report": ("analysis", "report", *_without("B"), "-o", output),
        "book": ("analysis.book", "--output", output),
    }


ENDINGS = {  # of an output; none: it is a folder
    "import-model": ".yml",
    "sweep": ".parquet",
    "measure": ".csv",
    "calibrate": ".csv",
    "import-measurements": ".parquet",
    "rerun": "",
    "notebooks": "",
    "report": "",
    "book": "",
}

OPTIONS = (  # every command with arguments of its own that it cannot take
    ("analysis", "evaluate"),
    ("analysis", "evaluate", "tpot", "--yaml"),
    ("analysis", "plan", "model=deepseek-v3"),
    ("analysis", "plan", *_without("B"), "deg_TP=3"),
    ("analysis", "plan", *_without("B"), "L=nan"),
    ("analysis", "plan", *_without("B"), "deg_TP"),
    ("analysis", "design", "model=deepseek-v3"),
    ("analysis", "design", *SYSTEM, "slo=0.05"),
    ("analysis", "claims", "--ledger", "mine"),
    *(("analysis", name, "x") for name in ("claims", "propositions", "verdicts", "models", "accelerators")),
    *(("analysis", name, "x") for name in ("interconnects", "scenarios")),
    *(("analysis", name, "--jsn") for name in ("quantities", "parameters", "claims")),
    *(("analysis", "sweep", "grid.yml", "-o", "o.csv", "--jobs", jobs) for jobs in ("0", "-1", "nan", "1e9", "9" * 99)),
    ("analysis", "sweep", "grid.yml"),
    ("analysis", "report", "model=deepseek-v3"),
    ("analysis", "report", *_without("B"), "--jobs", "0", "-o", "out"),
    ("analysis", "rerun", "only.ipynb"),
    ("analysis", "rerun", NOTEBOOK, "table.csv", "--jobs", "two"),
    ("analysis", "import-model"),
    ("analysis", "import-model", "config.json", "--year", "1"),
    ("analysis", "measure", "--device", "abacus"),
    ("analysis", "measure", "-o", "out.txt"),
    ("analysis", "validate", "--worst", "101"),
    ("analysis", "validate", "--leave-out", "kernel"),
    ("analysis", "validate", "--calibration", "mine"),
    ("analysis", "deployments", "--calibration", "mine"),
    ("analysis", "calibrate"),
    ("analysis", "calibrate", "-o", "out.csv", "--seed", "-1"),
    ("analysis", "calibrate", "-o", "out.csv", "--name", "../x"),
    ("analysis", "import-measurements", "-o", "out.parquet"),
    ("analysis.book", "--jobs", "0"),
    ("analysis.book", "my.yml"),
    ("analysis.tools.pdf", "--jobs", "x"),
    ("analysis.book.notebooks",),
    ("analysis.book.notebooks", NOTEBOOK, "-p", "L"),
    ("analysis.book.notebooks", NOTEBOOK, "-p", "colour", "red"),
    ("analysis.tools.bench", "--most"),
    ("analysis.tools.bench_sweep",),
    ("analysis.tools.readme", "now"),
    ("analysis.tools.reproducible", "--jobs", "0"),
)
