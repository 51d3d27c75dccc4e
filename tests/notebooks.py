"""The book's notebooks, run cell by cell in this process as papermill would run them."""

import re
import warnings

import nbformat
import pytest

from analysis.files.whole import ROOT
from analysis.render import show

FOLDER = ROOT / "book" / "notebooks"
EVERY = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
ELSEWHERE = {  # other accelerators, links, sizes and grids than a notebook's own
    "intensity": {
        "accelerator": "data/examples/chip.yml", "accelerators": "data/examples/chip.yml,h200-sxm5",
        "batches": "32,1024",
    },
    "reordering": {
        "accelerator": "h200-sxm5", "batches": "32,1024", "contexts": "1024,8192",
        "queries": "1,64,4096", "degrees": "1,8,64", "batches_tp": "64",
    },
    "experts": {"accelerator": "h200-sxm5", "batches": "1,1024"},
    "diagrams": {"accelerator": "h200-sxm5", "degrees": "2,4", "grouping": "layered"},
    "serving": {"batches": "64,65536", "contexts": "2048"},
    "interconnect": {"link_between": "ib-ndr", "batches": "64,4096"},
    "skew": {"s": "0,1", "placement": "strided"},
    "pim": {"batches": "64,4096", "contexts": "2048,65536"},
    "thesis_map": {"accelerator": "mi325x", "link_between": "ib-ndr", "L": 4096, "n_acc": 8},
    "thesis_guidelines": {"accelerator": "mi325x", "accelerators": "h200-sxm5"},
    "thesis_full_memory": {"accelerators": "mi325x", "contexts": "1024,16384"},
    "thesis_balance": {"accelerator": "mi325x", "n_acc": 64},
    "thesis_device": {"accelerator": "mi325x", "contexts": "1024,16384"},
    "thesis_tensor": {"accelerator": "h200-sxm5", "degrees": "2,4"},
    "thesis_resources": {"accelerator": "mi325x", "n_acc": 8},
    "thesis_queries": {"accelerator": "h200-sxm5", "acceptances": "0.5"},
    "thesis_schedule": {"accelerator": "mi325x", "batches": "64,1024", "skews": "0.8"},
    "design": {"accelerators": "mi325x", "contexts": "1024,16384", "n_acc": 64, "slo": 0.1},
}  # fmt: skip
WITHOUT_NOTES = {"after", "drawings"}


def code(name: str) -> list:
    """The code cells of a notebook."""
    return [cell for cell in nbformat.read(FOLDER / f"{name}.ipynb", 4).cells if cell.cell_type == "code"]


def labels(name: str) -> set[str]:
    """Labels that a notebook gives to its figures; each has one place in the book (tests/book/test_page.py)."""
    return {label for cell in code(name) for label in re.findall(r'"(fig-[\w-]+)"', cell.source)}


def executed(name: str, cells: int | None = None, drawn: list | None = None, **given) -> tuple[dict, dict]:
    """Figures (label to data about it) and notes of a notebook, or of its first `cells`, some parameters replaced.

    Figures go as SVG, or into `drawn`.
    """
    outputs, names = [], {}
    first, *rest = code(name)[:cells]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.chdir(ROOT)
        patch.setattr(show, "display", lambda data, raw, metadata=None: outputs.append((data, metadata or {})))
        if drawn is not None:
            patch.setattr(show, "_svg", lambda figure: drawn.append(figure) or "<svg")
        exec(first.source, names)
        names |= given
        for cell in rest:
            exec(cell.source, names)
    told = [about[show.KEY] | {"svg": data.get(show.SVG, "")} for data, about in outputs if show.KEY in about]
    figures = [each for each in told if "label" in each]
    notes = {key: value for each in told if "notes" in each for key, value in each["notes"].items()}
    assert {each["label"] for each in figures} == labels(name) or cells
    for each in figures:
        assert len(each["caption"]) > 40
        assert len(each["alt"]) > 40
        assert each["csv"].count("\n") > 1
        assert each["svg"].startswith("<svg")
    assert bool(notes) == (name not in WITHOUT_NOTES) or cells
    return {each["label"]: each for each in figures}, notes
