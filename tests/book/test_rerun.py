"""Reruns: one result per row, failures told with their parameters, what is current kept, an index that escapes."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from analysis.book.rerunning import rerun
from analysis.files.errors import InputError

DRAW = """
from matplotlib import pyplot
from analysis.render import show, style
style.use()
figure, axes = pyplot.subplots()
axes.plot([0, 1], [0, 1 / height])
show.show(figure, "fig-line", "A line.", f"It rises by {1 / height}.")
"""


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "line.ipynb"
    cells = [new_code_cell("height = 2.0\nname = ''", metadata={"tags": ["parameters"]}), new_code_cell(DRAW)]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture(scope="module")
def done(line, tmp_path_factory):
    """Two rows, one of which fails; then the table again with another row."""
    folder = tmp_path_factory.mktemp("reruns")
    table, out = folder / "params.csv", folder / "out"
    table.write_text('height,name\n4,"<b>&"\n0,bad\n')
    first = rerun(line, table, out, jobs=1)
    (out / "index.html").rename(out / "first.html")
    table.write_text('height,name\n5,\n4,"<b>&"\n4,"<b>&"\n')
    return first, rerun(line, table, out, jobs=2), out


@pytest.fixture(scope="module")
def index(done):
    """The index page of the first two rows."""
    return done[2] / "first.html"


def test_every_row_is_run_past_a_failure_that_is_told_with_its_parameters(done):
    good, bad = done[0]
    assert (good.failure, good.kept, good.target.is_file()) == ("", False, True)
    assert dict(bad.parameters) == {"height": 0, "name": "bad"}
    assert "ZeroDivisionError" in bad.failure
    assert not bad.target.exists()


def test_a_second_run_keeps_what_is_current_and_runs_a_row_once(done):
    assert [(dict(outcome.parameters)["height"], outcome.kept) for outcome in done[1]] == [(5, False), (4, True)]


def test_the_index_shows_a_figure_per_row_and_escapes_what_the_table_said(done):
    page = (done[2] / "index.html").read_text()
    drawn = [outcome.target.with_suffix(".svg") for outcome in done[1]]
    assert all(path.read_text().startswith("<svg") and path.name in page for path in drawn)
    assert "&lt;b&gt;&amp;" in page
    assert "<b>&" not in page
    assert 'alt="It rises by 0.25."' in page
    assert "<h2>height = 5</h2>" in page


def test_the_index_tells_failures_first_with_their_parameters(index):
    page = index.read_text()
    assert page.index('<article class="failed"><h2>height = 0 \u00b7 bad</h2>') < page.index("<article><h2>height = 4")
    assert "<strong>Failed:</strong>" in page
    assert "ZeroDivisionError" in page


def test_every_link_of_the_index_leads_somewhere(index):
    links = re.findall(r'(?:href|src)="([^"]+)"', index.read_text())
    assert len(links) == 3  # a figure, its thumbnail, its notebook
    assert all((index.parent / link).is_file() for link in links)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("colour\nred\n", "colour"),
        ("height,height\n1,2\n", "twice"),
        ("height\n", "0 rows"),
        ("height\n1,2\n", "2 cells"),
        ("", "empty"),
        ("height\n\x001\n", "NUL character"),
        ('height\n"1\n', "CSV"),
        ("height\n" + "1" * 9999, "letters"),
    ],
)
def test_a_broken_table_is_refused_before_anything_runs(line, tmp_path, table, said):
    (tmp_path / "params.csv").write_text(table)
    with pytest.raises(InputError, match=said):
        rerun(line, tmp_path / "params.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "params.csv").write_text("height\n1\n")
    for name, content in {"a.ipynb": "{}", "b.ipynb": "text", "c.ipynb": '{"nbformat": 4}'}.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match="notebook"):
            rerun(tmp_path / name, tmp_path / "params.csv", tmp_path / "out")
    with pytest.raises(InputError, match="no notebook"):
        rerun(tmp_path / "missing.ipynb", tmp_path / "params.csv", tmp_path / "out")
