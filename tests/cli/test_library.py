"""`from analysis import ...`: what it offers, and that the tutorial shows what its cells give."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from typing import get_args

import nbformat
import numpy as np
import pytest

import analysis
from analysis import InputError, answer, figure, import_model, number, plan, quantities, table
from analysis.book.executed import as_page
from analysis.book.notebooks import run
from analysis.book.reference import _modules
from analysis.cli.library_tables import _homes
from analysis.cli.main import run as command_line
from analysis.files.whole import ROOT

CONFIG = ROOT / "data" / "examples" / "config.json"


def test_importing_the_package_imports_nothing_else():
    loaded = "import sys, analysis; print([name for name in sys.modules if name.split('.')[0] in ('numpy', 'sympy')])"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_number_waits_for_nothing_that_draws():
    loaded = "import sys; from analysis import number, plan; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "numpy" in done.stdout.split()
    assert not {"matplotlib", "IPython", "nbformat", "pyarrow", "scipy", "pandas"} & set(done.stdout.split())


def test_every_name_is_there_explained_and_no_module():
    for name in analysis.__all__:
        assert getattr(analysis, name).__doc__
        assert callable(getattr(analysis, name))
    assert set(analysis.__all__) <= set(dir(analysis))
    with pytest.raises(AttributeError, match=r"it offers .*number"):
        _ = analysis.numbre


def test_numbers_are_those_of_the_command_line(capsys):
    given = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "B": 64, "L": 4096}
    command_line(["evaluate", "tpot", *(f"{name}={value}" for name, value in given.items()), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert number("tpot", **given) == told["value"]
    assert answer("tpot", **given).unit == told["unit"]
    assert "tpot" in quantities()


def test_a_loop_over_numbers_prints_and_derives_nothing(monkeypatch):
    given = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "L": 4096}
    told = answer("tpot", B=64, **given)
    monkeypatch.delattr("analysis.systems.quantities.simple")
    monkeypatch.delattr("analysis.derive.serving.tpot")
    assert number("tpot", B=64, **given) == told.value != number("tpot", B=96, **given)
    with pytest.raises(NameError):
        _ = told.closed_form


def test_the_form_that_is_told_is_the_closed_form_as_text():
    found = answer("tpot", model="deepseek-v3", accelerator="b200-sxm", n_acc=32, deg_TP=32, B=64, L=4096)
    assert found.told["closed_form"] == str(found.closed_form)
    single = answer("tpot", model="deepseek-v3", accelerator="b200-sxm", B=64, L=4096)  # n_acc and degrees are 1
    assert single.told["closed_form"] == str(single.closed_form) != str(found.closed_form)
    assert "n_acc" in str(found.closed_form)
    assert "n_acc" not in str(single.closed_form)


def test_a_table_holds_what_numbers_say():
    over = {"model": ["deepseek-v3", "llama-2-7b"], "L": np.array([2048, 4096]), "B": range(1, 3), "deg_TP": (1, 3)}
    found = table("tpot", over, accelerator="b200-sxm", n_acc=32, link="nvlink5-b200").to_pylist()
    assert len(found) == 8
    for row in found:
        given = {name: row[name] for name in over}
        assert row["tpot"] == pytest.approx(
            number("tpot", accelerator="b200-sxm", n_acc=32, link="nvlink5-b200", **given), rel=1e-12
        )


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"B": range(1, 5000), "L": range(1, 5000)}, "in memory"),
        ({"BB": [1]}, "no parameter"),
        ({"deg_TP": [3]}, "TP=3"),
    ],
)
def test_a_table_that_cannot_be_is_refused(over, said):
    with pytest.raises(InputError, match=said):
        table("tpot", over, **{"scenario": "r1-32", "B": 1, "L": 1} | dict.fromkeys(over.keys() - {"BB"}))


def test_every_figure_of_the_book_has_a_notebook():
    labels = (ROOT / "tests" / "book" / "labels.txt").read_text().split()
    assert {label for label in labels if label.startswith("fig-")} <= set(_homes())
    with pytest.raises(InputError, match=r"fig-none.*allowed are .*fig-roofline"):
        figure("fig-none")


def test_an_imported_model_is_used_by_its_path(tmp_path):
    mine = import_model(CONFIG, tmp_path / "mine.yml")
    assert mine.row.id == "mine"
    assert "KV bytes per token = 46,080" in str(mine)
    assert number("kv_bytes_per_token", model=tmp_path / "mine.yml") == 40 * (512 + 64) * 2
    (tmp_path / "mine.yml").write_text("mine since")
    with pytest.raises(InputError, match="found another file there"):
        import_model(CONFIG, tmp_path / "mine.yml")


@pytest.fixture(scope="module")
def tutorial():
    return run([ROOT / "book" / "tutorial.ipynb"])[0]


def test_the_tutorial_shows_what_its_cells_give(tutorial, tmp_path):
    cells = {cell.source: cell.outputs for cell in nbformat.read(tutorial, as_version=4).cells if "outputs" in cell}
    said = {source: "".join(o.get("text", "") or o["data"]["text/plain"] for o in out) for source, out in cells.items()}
    model, chip = tmp_path / "mine.yml", ROOT / "data" / "examples" / "chip.yml"
    assert said[next(source for source in said if "import_model(" in source)] == f"{import_model(CONFIG, model)}\n"
    best = plan(model=model, accelerator=chip, n_acc=32, L=8192, slo=0.05)[0]
    assert any(str((best.degrees, best.batch, best.binding)) == text for text in said.values())
    tpot = number("tpot", model=model, accelerator=chip, n_acc=32, B=2048, L=8192)
    assert f"(46080, {tpot})" in said.values()
    drawn = next(text for source, text in said.items() if "fig-roofline" in source)
    assert f"ridge of {number('ridge_point', accelerator=chip)}" in drawn
    assert any(text.startswith("deg_TP=3: must divide") for text in said.values())


def test_the_tutorials_figure_has_a_text_for_those_who_do_not_see_it(tutorial):
    cells = nbformat.reads(as_page(tutorial, "figures").decode(), as_version=4).cells
    texts = [cell.metadata["mystnb"]["image"]["alt"] for cell in cells if "mystnb" in cell.metadata]
    assert ["Log-log roofline" in text for text in texts] == [True]


SCRIPT = """
import os
print("once")
from analysis import sweep
for folder in ("a", "b"):
    os.mkdir(folder)
    os.chdir(folder)
    done = sweep({"quantities": "tpot", "with": {"model": "llama-2-7b", "accelerator": "b200-sxm", "L": 64},
                  "over": {"B": range(1, 300001), "deg_TP": [1]}}, "out.parquet", jobs=2, progress=False)
    print(done.rows)
"""


def test_a_plain_script_may_use_workers_wherever_it_goes(tmp_path):
    """Workers neither run it again, nor write where it was before."""
    (tmp_path / "mine.py").write_text(SCRIPT)
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("once\n300000\n300000\n", "")


def test_the_tutorial_needs_no_names_but_its_own():
    """What its first cells import is all that its cells use, so that they make a script."""
    cells = nbformat.read(ROOT / "book" / "tutorial.ipynb", as_version=4).cells
    tree = ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = {each.asname or each.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for each in n.names}
    assert used <= stored | imported | {"print", "refusal"}


def listed() -> set[str]:
    """Modules that the reference shows."""
    pages = [ROOT / "book" / "reference.md", *(ROOT / "book" / "reference").glob("*.md")]
    calls = [call for page in pages for call in re.findall(r"\breference\((.*?)\)", page.read_text(), re.DOTALL)]
    return {each for call in calls for name in re.findall(r'"([^"]+)"', call) for each in _modules(name)}


@pytest.mark.parametrize("name", analysis.__all__)
def test_the_reference_shows_every_name_and_what_it_returns(name):
    offered = getattr(analysis, name)
    assert offered.__module__ in listed()
    returned = inspect.signature(offered).return_annotation if not isinstance(offered, type) else None
    for part in (returned, *get_args(returned)):
        if isinstance(part, type) and part.__module__.startswith("analysis"):
            assert part.__module__ in listed(), part


@pytest.mark.parametrize("name", [["tpot"], 3, None, ("tpot", "B_cap")])
def test_what_is_no_name_of_a_quantity_is_refused_in_a_sentence(name):
    with pytest.raises(InputError, match=r"there is no quantity of this name; allowed is one name; .* lists all"):
        number(name, model="deepseek-v3")
