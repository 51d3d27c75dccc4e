"""Labels that others may have cited stay, and the file of derivations says what the equations say."""

import importlib
import re
import tomllib

import nbformat
import numpy as np
import pytest
import yaml
from sympy import MatrixSymbol, lambdify, sympify

from analysis.book.citing import entries
from analysis.book.citing.code import version
from analysis.book.citing.labels import drawing_functions, labelled
from analysis.book.citing.sources import PAPER
from analysis.derive.statements.propositions import PROPOSITIONS
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render import style
from analysis.render.equations import equation
from analysis.render.printed import Origin
from analysis.systems.quantities import all_quantities

FROZEN = (ROOT / "tests" / "book" / "labels.txt").read_text().split()
SOURCES = "".join(
    path.read_text()
    for folder, kind in (("book", "*.md"), ("analysis/render", "*.py"), ("analysis/book", "*.py"))
    for path in sorted((ROOT / folder).rglob(kind))
)
NAMED = dict.fromkeys(re.findall(r"\b(?:eq|fig|tab|prop|sec)-[\w-]+", SOURCES))
MADE = tuple(re.findall(r"\b((?:eq|fig|tab)-[\w-]*-)\{", SOURCES))  # an f-string's beginning


@pytest.fixture(scope="module")
def found():
    figure = (
        "::::{figure} /figures/fig-a.svg\n:name: fig-a\n:alt: It rises.\n\nA line: it rises. (Computed by x.)\n::::\n"
    )
    table = ":::{table} Rows of *x*.\n:name: tab-a\n\n| a |\n:::\n"
    proposition = "```{prf:proposition} Both are one\n:label: prop-reordering\n\nThen\n\n$$\na = b,\n$$\n```\n"
    page = "\n\n".join([equation("ridge_point"), figure, table, proposition])
    drawn = {"fig-a": ("lines", "analysis.render.figures.lines.line")}
    return {entry["label"]: entry for entry in entries.joined(entries.of_page("a.md", page, {}, drawn))}


def test_labels_may_be_added_but_never_removed():
    """tests/book/labels.txt is the list of labels that were published: add new ones there, take none away."""
    quantities = {quantity.label for quantity in all_quantities()}
    stated = {proposition.label for proposition in PROPOSITIONS.values()}
    missing = [label for label in FROZEN if label not in quantities | stated and label not in NAMED]
    assert [label for label in missing if not label.startswith(MADE)] == []


def test_the_list_of_labels_is_sorted_and_without_repetition():
    assert sorted(set(FROZEN)) == FROZEN
    assert {quantity.label for quantity in all_quantities()} <= set(FROZEN)


def test_every_quantity_has_its_place_in_the_paper():
    assert set(PAPER) == {quantity.name for quantity in all_quantities()}


def test_entries_say_what_and_where(found):
    assert found["eq-ridge-point"]["place"] == "a.html#equation-eq-ridge-point"
    assert found["eq-ridge-point"]["paper"] == "Table I"
    assert r"\frac" in found["eq-ridge-point"]["latex"]
    assert found["tab-a"]["statement"] == "Rows of *x*"


def test_a_figure_says_who_drew_it_from_what(found):
    figure = found["fig-a"]
    assert (figure["statement"], figure["caption"]) == ("A line: it rises", "A line: it rises.")
    assert figure["alt"] == "It rises."
    assert (figure["notebook"], figure["python"]) == ("notebooks/lines.html", "analysis.render.figures.lines.line")
    assert figure["data"].endswith("/fig-a.csv")


def test_a_call_names_the_notebooks_notes_and_does_not_list_them():
    """A page gives all notes to `trust_table(notes)`: its fold is no place for hundreds of numbers."""
    origin = Origin(style.use, ({f"number_{n}": n for n in range(300)}, "R1"), {"sizes": {"L": 8192}})
    assert entries._called(origin)["call"] == "use(notes, 'R1', sizes={'L': 8192})"


def test_a_proposition_without_a_labelled_proof_has_the_formulas_of_its_text(found):
    entry = found["prop-reordering"]
    assert (entry["title"], entry["latex"], entry["proof"]) == ("Both are one", "a = b", "")
    assert entry["paper"] == "Eqs 7 and 8"


def test_the_forms_of_both_orders_are_those_of_the_proposition(found):
    """Read back, they simplify to the same product, and on random arrays they are what numpy makes of the lines."""
    forms = [(form["left"], sympify(form["srepr"])) for form in found["prop-reordering"]["forms"]]
    sizes = {"l": 2, "L": 5, "d_nope": 3, "d_v": 3, "d_KVco": 4, "d_RoPE": 2}
    shapes = {"q_N": "l d_nope", "q_R": "l d_RoPE", "k_R": "L d_RoPE", "c_KV": "L d_KVco", "A": "l L"}
    shapes |= {"W_DK": "d_KVco d_nope", "W_DV": "d_KVco d_v"}
    random = np.random.default_rng(1)
    given = {name: random.normal(size=[sizes[axis] for axis in axes.split()]) for name, axes in shapes.items()}
    wanted = {
        "S": given["q_N"] @ (given["c_KV"] @ given["W_DK"]).T + given["q_R"] @ given["k_R"].T,
        "o": given["A"] @ (given["c_KV"] @ given["W_DV"]),
    }
    assert [left for left, _ in forms] == ["S", "o", "S", "o"]
    for left, form in forms:
        names = sorted(form.atoms(MatrixSymbol), key=str)
        assert np.allclose(lambdify(names, form)(*(given[each.name] for each in names)), wanted[left])
    for name in ("S", "o"):
        first, second = (form.doit() for left, form in forms if left == name)
        assert first == second
        assert {each.name for each in first.free_symbols} <= {*sizes, *shapes}


def test_every_figure_of_a_notebook_names_the_function_that_draws_it():
    for path in sorted((ROOT / "book" / "notebooks").glob("*.ipynb")):
        drawn = drawing_functions(path)
        assert set(drawn) == set(re.findall(r'\\"(fig-[\w-]+)\\"', path.read_text())), path.name
        for dotted in drawn.values():
            module, _, name = dotted.rpartition(".")
            assert callable(getattr(importlib.import_module(module), name))


def test_a_figure_from_nowhere_is_refused(tmp_path):
    cell = nbformat.v4.new_code_cell("figure = here()\nshow(figure, 'fig-a')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    with pytest.raises(InputError, match=r"a.ipynb: the figure 'fig-a' is not what a function imported there returns"):
        drawing_functions(tmp_path / "a.ipynb")


def test_an_equation_that_nothing_derives_is_refused():
    with pytest.raises(InputError, match=r"nothing says what derives eq-x; add it to analysis/book/citing"):
        entries.of_page("a.md", "```{math}\n:label: eq-x\nx\n```\n", {}, {})


def test_a_label_of_no_known_kind_is_refused():
    with pytest.raises(InputError, match="label 'thing-x' begins with none of prop, eq"):
        list(labelled("a.md", "```{math}\n:label: thing-x\nx\n```\n"))


# -- CITATION.cff --------------------------------------------------------------------------------------
def test_the_citation_file_follows_its_schema():
    """What version 1.2.0 of the Citation File Format asks for, and the paper among the references."""
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "type", "version", "date-released", "license"} <= set(about)
    assert about["cff-version"] == "1.2.0"
    assert about["type"] in {"software", "dataset"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(about["date-released"]))
    for entry in [about, *about["references"]]:
        for author in entry["authors"]:
            assert "name" in author or {"family-names", "given-names"} <= set(author), author
    (paper,) = about["references"]
    assert {"authors", "title", "type"} <= set(paper)
    assert paper["type"] == "article"
    assert paper["url"].endswith("2507.15465")


def test_the_citation_file_gives_the_version_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert version() == project["version"]
