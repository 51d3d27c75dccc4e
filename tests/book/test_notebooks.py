"""Notebooks draw another model and accelerator, refuse what they cannot use, and are kept as calls: parameters first,
no stored output, no formula. What their defaults show is looked at in tests/render/test_figures.py.
"""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest

from analysis.ask.asked import asked
from analysis.ask.notebook import annotated, declared
from analysis.ask.parameters import LISTS, PARAMETERS
from analysis.files.errors import InputError
from tests.notebooks import ELSEWHERE, EVERY, FOLDER, code, executed

OF_ONE_NOTEBOOK = {"systems", "acceptances", "skews", "area", "power", "price", "file"}
MODELS = {  # of another kind than the notebook's own; tests/test_extension.py draws a latent one with experts by all
    "intensity": {"model": "mixtral-8x7b", "models": "olmoe-1b-7b"},
    "reordering": {"model": "deepseek-v2-lite"},
    "experts": {"model": "olmoe-1b-7b", "models": "mixtral-8x7b"},
    "diagrams": {"model": "mixtral-8x7b"},
    "serving": {"models": "mixtral-8x7b,llama-3.1-405b"},
    "interconnect": {"model": "qwen3-235b-a22b"},
    "skew": {"model": "llama-4-maverick"},
    "pim": {"model": "qwen3-235b-a22b"},
    "measured": {"model": "mixtral-8x7b", "accelerators": "h200-sxm5,h100-sxm5"},
    "thesis_map": {"model": "gpt3-175b"},
    "thesis_device": {"models": "llama-3.1-70b,kimi-k2"},
    "thesis_tensor": {"model": "kimi-k2"},
    "thesis_attribution": {"model": "deepseek-v2", "accelerator": "h200-sxm5"},
}
NAMED = {"intensity": "Mixtral", "reordering": "V2-Lite", "experts": "OLMoE", "diagrams": "Mixtral"}
SERVING = ("serving", "interconnect", "skew", "pim")


@pytest.mark.parametrize("name", MODELS)
def test_another_model_and_accelerator(name):
    more = {"accelerator": "h200-sxm5"} if name in SERVING else {}
    figures, _ = executed(name, **ELSEWHERE.get(name, {}) | MODELS[name] | more)
    assert NAMED.get(name, "") in " ".join(each["caption"] for each in figures.values())
    for each in figures.values() if more else ():
        assert "h200-sxm5" in each["caption"]
        assert "DeepSeek" not in each["caption"] + each["alt"]


def _question(name: str, **given) -> None:
    """Run a notebook's parameters cell, some values replaced, and the cell that checks them, as papermill would."""
    executed(name, cells=2, **given)


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
        ("serving", {"models": "gpt3-175b,gtp3"}, "gtp3: no row of data/models"),
        ("serving", {"deg_TP": "8,8"}, "2 degrees for 3 models"),
        ("serving", {"acelerator": "x"}, "acelerator=x: this notebook has no parameter .* did you mean accelerator"),
        ("interconnect", {"model": "gpt3-175b"}, "has no routed experts"),
        ("interconnect", {"systems": 1}, "systems=1: .* whole number from 2"),
        ("skew", {"model": "llama-3.1-70b"}, "has no routed experts"),
        ("pim", {"model": "llama-3.1-70b"}, "has no routed experts"),
        ("pim", {"accelerator_experts": "pmi"}, "pmi: no row of data/accelerators.csv"),
        ("thesis_resources", {"price": "1,1,1,1"}, "price=.*add up to 1"),
        ("thesis_schedule", {"skews": "-1"}, "skews=-1: allowed are numbers from 0 to 1"),
        ("thesis_balance", {"modle": "x"}, "did you mean model"),
        ("thesis_queries", {"acceptances": "1.5"}, "acceptances=1.5"),
        ("thesis_attribution", {"model": "gpt3-175b"}, "needs latent attention"),
        ("thesis_full_memory", {"models": "gtp3"}, "models.*gtp3"),
    ],
)
def test_wrong_parameters_end_in_one_sentence(name, given, said):
    with pytest.raises(InputError, match=said) as caught:
        _question(name, **given)
    assert "\n" not in str(caught.value)


def test_a_list_is_refused_wherever_a_notebook_declares_one_number():
    for name in EVERY:
        names: dict = {}
        exec(code(name)[0].source, names)
        single = [each for each, kind in names["__annotations__"].items() if kind in (int, float)]
        for each in {*single, "alpha"} & {*PARAMETERS} & {*names}:
            for given in ([1, 1], (1, 1), "1,1"):
                with pytest.raises(InputError) as caught:
                    _question(name, **{each: given})
                assert f"{each}: this notebook takes one value each, found a list; run once" in str(caught.value), name


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
def test_notebooks_are_stripped_and_stable():
    for name in EVERY:
        notebook = nbformat.read(FOLDER / f"{name}.ipynb", 4)
        nbformat.validate(notebook)
        assert notebook.metadata.kernelspec.name == "python3", name
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells), name
        assert not [cell for cell in code(name) if cell.outputs or cell.execution_count], name
        assert notebook.cells[0].cell_type == "markdown", name
        assert code(name)[0].metadata.tags == ["parameters"], name


def test_parameters_are_annotated_and_explained():
    for name in EVERY:
        for line in code(name)[0].source.splitlines():
            given, _, comment = line.partition("  # ")
            assert isinstance(ast.parse(given).body[0], ast.AnnAssign), name
            assert len(comment) > 5, name


def test_every_parameter_is_known_and_typed_once():
    for name in EVERY:
        assert {*declared(FOLDER / f"{name}.ipynb")} <= {*PARAMETERS, *LISTS, *OF_ONE_NOTEBOOK}, name
        assert re.search(r"\basked\w*\(globals\(\)\)", code(name)[1].source), name


def test_what_a_cell_annotates_is_found_in_every_python():
    late = {"__annotate__": lambda form: {"B": int}, "B": 64}  # Python 3.14 keeps them so
    assert annotated(late) == annotated({"__annotations__": {"B": int}}) == {"B": int}
    assert annotated({}) == {}
    assert asked(late | {"__annotations__": None}).base["B"] == 64


def test_cells_are_calls_without_functions_or_formulas():
    refused = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.BinOp, ast.For, ast.While, ast.comprehension)
    for name in EVERY:
        for cell in code(name)[1:]:
            assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, refused)], name
