"""The runner refuses what a notebook does not declare, reruns only what changed, and gives the same bytes again."""

import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from analysis.book.executed import as_page, collect
from analysis.book.notebooks import refuse_unknown, run
from analysis.files.errors import InputError

PARAMETERS = "height: float = 2.0  # of the line"
FIGURE = """
from matplotlib import pyplot
from analysis.render import show, style
style.use()
figure, axes = pyplot.subplots()
axes.plot([0, 1], [0, height])
"""
SHOW = """show.show(figure, "fig-line", "A line.", "It rises.", data={"x": [0, 1], "y": [0, height]})"""
NOTE = "show.note(top=height, name='line')"


def notebook(path, *sources):
    cells = [new_markdown_cell("# A line"), new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return notebook(tmp_path_factory.mktemp("source") / "line.ipynb", FIGURE, SHOW, NOTE)


@pytest.fixture(scope="module")
def executed(line, tmp_path_factory):
    return run([line], {"height": 3.5}, tmp_path_factory.mktemp("out"))


def test_figures_and_notes_reach_the_book(executed):
    figures, notes = collect(executed)
    name, shown = figures["fig-line"]
    assert (name, shown.caption, shown.alt) == ("line", "A line.", "It rises.")
    assert shown.csv == "x,y\n0,0\n1,3.5\n"
    assert shown.svg.startswith("<svg")
    assert notes == {"top": 3.5, "name": "line"}


def outputs(notebook):
    return [output.data for cell in notebook.cells for output in cell.get("outputs", [])]


def test_only_what_is_shown_is_displayed(executed):
    shown = outputs(nbformat.read(executed[0], as_version=4))
    assert [key for data in shown for key in data if key.startswith("image")] == ["image/svg+xml"]


def test_a_page_of_the_book_shows_the_books_own_file_and_says_what_it_shows(executed):
    shown = outputs(nbformat.reads(as_page(executed[0], "figures").decode(), as_version=4))
    assert not [key for data in shown for key in data if key.startswith("image")]
    assert "![It rises.](/figures/fig-line.svg)" in [data.get("text/markdown") for data in shown]


def test_a_page_shows_no_numbers_that_are_for_sentences(executed):
    page = nbformat.reads(as_page(executed[0], "figures").decode(), as_version=4)
    assert "top = 3.5" in str(outputs(nbformat.read(executed[0], as_version=4)))
    assert "top = 3.5" not in str(outputs(page))
    assert "fig-line" in str(outputs(page))


def test_warm_kernels_share_nothing_and_give_the_bytes_of_a_cold_one(line, executed, tmp_path):
    """A worker that runs several notebooks forks their kernels from one process; one that runs one starts it cold."""
    sets = "import matplotlib, analysis; matplotlib.rcParams['lines.linewidth'] = 9; analysis.left = height"
    asks = "import matplotlib, analysis; print(matplotlib.rcParams['lines.linewidth'], hasattr(analysis, 'left'))"
    sources = [notebook(tmp_path / f"{name}.ipynb", text) for name, text in (("a", sets), ("b", asks))]
    _, asked, again = run([*sources, line], {"height": 3.5}, tmp_path / "out", jobs=1)
    assert nbformat.read(asked, as_version=4).cells[-1].outputs[0].text == "1.5 False\n"
    assert again.read_bytes() == executed[0].read_bytes()


def test_results_carry_no_path_and_no_time(line, executed):
    text = executed[0].read_text()
    assert str(line.parent) not in text
    assert "start_time" not in text
    assert "duration" not in text


def test_a_current_result_is_kept_and_a_stale_one_replaced(line, executed, tmp_path, monkeypatch):
    shutil.copytree(executed[0].parent, tmp_path, dirs_exist_ok=True)
    with monkeypatch.context() as patch:
        patch.setattr("analysis.book.notebooks.run_apart", None)
        (first,) = run([line], {"height": 3.5}, tmp_path)
    run([line], {"height": 9.0}, tmp_path)
    assert collect([first])[1]["top"] == 9.0


def test_several_notebooks_run_at_once(tmp_path):
    sources = [notebook(tmp_path / f"n{number}.ipynb", f"print({number} * height)") for number in range(2)]
    for number, path in enumerate(run(sources, None, tmp_path / "out", jobs=2)):
        assert nbformat.read(path, as_version=4).cells[-1].outputs[0].text == f"{number * 2.0}\n"


def test_unknown_parameter_is_refused_with_the_known_ones(line):
    with pytest.raises(InputError, match=r"line\.ipynb: unknown parameter 'heigth'; it takes: height"):
        refuse_unknown(line, {"heigth": 1})


def test_missing_notebook_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"there is no notebook .*nowhere\.ipynb; book/notebooks holds: "):
        run([tmp_path / "nowhere.ipynb"])


def test_a_failing_cell_is_reported_in_one_line(tmp_path):
    source = notebook(tmp_path / "bad.ipynb", "1 + 1", "raise ValueError('first line\\nlast line')")
    with pytest.raises(InputError) as caught:
        run([source], None, tmp_path / "out")
    assert str(caught.value) == f"{source}, code cell 3: ValueError: last line"
    assert not (tmp_path / "out" / "bad.ipynb").exists()


def test_two_figures_of_one_label_are_refused(executed, tmp_path):
    twin = tmp_path / "twin.ipynb"
    twin.write_bytes(executed[0].read_bytes())
    with pytest.raises(InputError, match=r"twin\.ipynb: 'fig-line' is already exported by line\.ipynb"):
        collect([*executed, twin])
