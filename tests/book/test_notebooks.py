"""Every notebook runs with its defaults and with another model and accelerator, refuses what it cannot use, and is kept
as calls: parameters first, no stored output, no formula."""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest

from analysis.ask.asked import asked
from analysis.ask.notebook import annotated, declared
from analysis.ask.parameters import LISTS, PARAMETERS
from analysis.book.executed import collect
from analysis.book.notebooks import run
from analysis.files.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "book" / "notebooks"
EVERY = sorted(FOLDER.glob("*.ipynb"))
OF_ONE_NOTEBOOK = {"systems", "acceptances", "skews", "area", "power", "price", "file"}
DEFAULT_FIGURES = {
    "intensity": {"fig-roofline", "fig-intensity-batch"},
    "memory": {"fig-parameters", "fig-memory", "fig-cache-per-token"},
    "reordering": {
        "fig-reordering-speedup",
        "fig-reordering-shares",
        "fig-reordering-crossing",
        "fig-reordering-prefill",
        "fig-reordering-tp",
    },
    "experts": {"fig-expert-intensity", "fig-experts-reached", "fig-batch-ridge"},
    "diagrams": {"fig-decoder-block", "fig-mla-flow", "fig-mla-flow-tp"},
}
OTHERS = {
    "intensity": {
        "model": "mixtral-8x7b",
        "accelerator": "data/examples/chip.yml",
        "models": "olmoe-1b-7b",
        "accelerators": "data/examples/chip.yml,h200-sxm5",
        "batches": "32,1024",
    },
    "memory": {"models": "llama-3.1-70b"},
    "reordering": {
        "model": "deepseek-v2-lite",
        "accelerator": "h200-sxm5",
        "batches": "32,1024",
        "contexts": "1024,8192",
        "queries": "1,64,4096",
        "degrees": "1,8,64",
        "batches_tp": "64",
    },
    "experts": {"model": "olmoe-1b-7b", "accelerator": "h200-sxm5", "batches": "1,1024", "models": "mixtral-8x7b"},
    "diagrams": {"model": "mixtral-8x7b", "accelerator": "h200-sxm5", "degrees": "2,4", "grouping": "layered"},
}


@pytest.fixture(scope="module")
def defaults() -> dict:
    """Where the book has them, so that what is current is run once for both, and for both test processes."""
    return {path.stem: path for path in run([FOLDER / f"{name}.ipynb" for name in DEFAULT_FIGURES])}


@pytest.mark.parametrize("name", DEFAULT_FIGURES)
def test_defaults_show_the_figures_with_texts_and_numbers(defaults, name):
    figures, _ = collect([defaults[name]])
    assert set(figures) == DEFAULT_FIGURES[name]
    for _, shown in figures.values():
        assert shown.svg.startswith("<svg")
        assert shown.csv.count("\n") > 1
        assert len(shown.caption) > 40
        assert len(shown.alt) > 40


def test_labels_and_notes_are_unique_over_notebooks_and_right(defaults):
    figures, notes = collect(defaults.values())
    assert len(figures) == sum(map(len, DEFAULT_FIGURES.values()))
    assert notes["experts_B_MoE"] == 9000
    assert notes["share_as_printed_decompression"] == pytest.approx(0.59, abs=0.005)
    assert notes["crossing_flops"] == pytest.approx(163.84)


@pytest.mark.parametrize("name", OTHERS)
def test_another_model_and_accelerator(name, tmp_path):
    figures, _ = collect(run([FOLDER / f"{name}.ipynb"], OTHERS[name], tmp_path))
    assert set(figures) == DEFAULT_FIGURES[name]
    if "model" in OTHERS[name]:
        row_name = {"mixtral-8x7b": "Mixtral", "deepseek-v2-lite": "V2-Lite", "olmoe-1b-7b": "OLMoE"}
        assert any(row_name[OTHERS[name]["model"]] in shown.caption for _, shown in figures.values())


def _parameters(path: Path) -> dict:
    names: dict = {}
    exec(_code(path)[0].source, names)
    return {name: given for name, given in names.items() if name != "__builtins__"}


def _question(name: str, **given) -> None:
    """Run a notebook's parameters cell, some values replaced, and the cell that checks them, as papermill would."""
    path = FOLDER / f"{name}.ipynb"
    names = _parameters(path) | given
    exec(_code(path)[1].source, names)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("intensity", {"model": "deepsek-v3"}, "model=deepsek-v3.*deepseek-v3"),
        ("intensity", {"accelerator": "h201"}, "accelerator=h201.*h200"),
        ("intensity", {"phase": "encode"}, "phase=encode.*decode, prefill"),
        ("intensity", {"batchs": "1"}, "batchs=1.*did you mean batches"),
        ("intensity", {"deg_TP": 3, "n_acc": 33}, "deg_TP=3.*divide"),
        ("memory", {"tokens": -1}, "tokens.*whole number"),
        ("memory", {"modles": "gpt3-175b"}, "modles.*did you mean models"),
        ("reordering", {"model": "llama-3.1-70b"}, "one contraction order.*deepseek-v3"),
        ("reordering", {"contexts": "1024,-5"}, "contexts.*whole number"),
        ("experts", {"model": "llama-3.1-70b"}, "no routed experts"),
        ("experts", {"accelerators": "b200-sxm"}, "accelerators=b200-sxm.*did you mean accelerator"),
    ],
)
def test_wrong_parameters_end_in_one_sentence(name, given, said):
    with pytest.raises(InputError, match=said) as caught:
        _question(name, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_list_is_refused_wherever_a_notebook_declares_one_number(path):
    single = [name for name, kind in _parameters(path)["__annotations__"].items() if kind in (int, float)]
    for name in {*single, "alpha"} & {*PARAMETERS} & {*_parameters(path)}:
        for given in ([1, 1], (1, 1), "1,1"):
            with pytest.raises(InputError) as caught:
                _question(path.stem, **{name: given})
            assert f"{name}: this notebook takes one value each, found a list; run once" in str(caught.value)


def test_raw_papermill_ends_a_misspelt_parameter_in_the_sentence(tmp_path, monkeypatch):
    papermill = pytest.importorskip("papermill")
    from traitlets.config import Config

    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    short = Path(os.path.relpath(tmp_path)) if len(str(tmp_path)) > 80 else tmp_path
    sockets = Config(KernelManager={"transport": "ipc", "ip": f"{short}/s"})
    with pytest.raises(papermill.PapermillExecutionError, match="did you mean model") as caught:
        papermill.execute_notebook(
            str(FOLDER / "memory.ipynb"),
            str(tmp_path / "out.ipynb"),
            {"modle": "gpt3-175b"},
            kernel_name="python3",
            progress_bar=False,
            config=sockets,
            cwd=str(FOLDER.parents[1]),
        )
    assert caught.value.ename == "InputError"


# -- how notebooks are kept ------------------------------------------------------------------------
def _code(path: Path) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_notebooks_are_stripped_and_stable(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert not [cell for cell in _code(path) if cell.outputs or cell.execution_count]
    assert notebook.cells[0].cell_type == "markdown"
    assert _code(path)[0].metadata.tags == ["parameters"]


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_parameters_are_annotated_and_explained(path):
    for line in _code(path)[0].source.splitlines():
        name, _, comment = line.partition("  # ")
        assert isinstance(ast.parse(name).body[0], ast.AnnAssign)
        assert len(comment) > 5


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_every_parameter_is_known_and_typed_once(path):
    assert {*declared(path)} <= {*PARAMETERS, *LISTS, *OF_ONE_NOTEBOOK}
    assert re.search(r"\basked\w*\(globals\(\)\)", _code(path)[1].source)


def test_what_a_cell_annotates_is_found_in_every_python():
    late = {"__annotate__": lambda form: {"B": int}, "B": 64}  # Python 3.14 keeps them so
    assert annotated(late) == annotated({"__annotations__": {"B": int}}) == {"B": int}
    assert annotated({}) == {}
    assert asked(late | {"__annotations__": None}).base["B"] == 64


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_cells_are_calls_without_functions_or_formulas(path):
    refused = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.BinOp, ast.For, ast.While, ast.comprehension)
    for cell in _code(path)[1:]:
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, refused)]
