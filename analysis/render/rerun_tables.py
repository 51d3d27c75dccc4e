"""What a reader can rerun, read from the notebooks themselves."""

import json
from pathlib import Path

from analysis.ask.notebook import declared
from analysis.data.datasets import DATA
from analysis.files.whole import ROOT
from analysis.render.tables import code, table

KINDS = {".yml": "yaml", ".csv": "text", ".json": "json"}
NOTEBOOKS = ROOT / "book" / "notebooks"


def notebooks_table() -> str:
    """Every notebook: a link, the question it asks, its parameters."""
    rows = [_notebook_line(path.stem) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    return table(("notebook", "question", "parameters"), rows, "Notebooks and their parameters.", "tab-notebooks")


def _notebook_line(name: str) -> tuple:
    first, *_ = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    question = " ".join("".join(first["source"]).splitlines()[1:])
    names = declared(NOTEBOOKS / f"{name}.ipynb")
    return (f"{{doc}}`{name} </notebooks/{name}>`", question, ", ".join(map(code, names)))


def example(name: str) -> str:
    """A file of data/examples as a block of code, as it stands there."""
    text = (DATA / "examples" / name).read_text(encoding="utf-8")
    return f"```{KINDS[Path(name).suffix]}\n{text.rstrip()}\n```"


NAMES = {"notebooks_table": notebooks_table, "example": example}
