"""What pages name must exist, and a mistake is told with its page and line."""

import json
import math
import os
import re

import pytest

from analysis.book.page import template_functions
from analysis.book.staging import OUTLINE, render
from analysis.files.errors import InputError
from analysis.files.whole import ROOT, fingerprint, mirror, write
from analysis.render.show import ShownFigure, note, show, shown
from analysis.render.style import use

DRAWN = {"fig-line": ("line", "analysis.render.figures.lines.line_figure")}
FIGURES = {"fig-line": ("line", ShownFigure("fig-line", "A line.", "It\nrises.", "<svg/>", "x\n1\n"))}


def rendered(folder, text, head="  top: notes.top\n"):
    page = folder / "page.md"
    page.write_text(f"---\nvalues:\n{head}---\n{text}")
    return render(page, template_functions(FIGURES, {"top": 3.5}, drawn=DRAWN))


def test_a_page_gets_numbers_and_figures(tmp_path):
    text = rendered(tmp_path, "Top: {v}`top` {#id}\n\n{show}`fig-line`\n")
    assert text.startswith("Top: 3.5 {#id}\n\n::::{figure} /figures/fig-line.svg\n:name: fig-line\n:alt: It rises.\n")
    assert "{doc}`line </notebooks/line>`" in text
    assert "drawn by {py:func}`line_figure <analysis.render.figures.lines.line_figure>`" in text
    assert "[numbers](/figures/fig-line.csv)" in text


@pytest.mark.parametrize(
    ("head", "text", "message"),
    [
        ("  top: nots.top\n", "{v}`top`", "line 3: the value top fails: 'nots' is undefined"),
        ("  top: notes.tpo\n", "{v}`top`", "line 3: the value top fails: 'dict object' has no attribute 'tpo'"),
        ("  top: figure()\n", "{v}`top`", "line 3: the value top fails: TypeError: "),
        ("  top: notes.top +\n", "{v}`top`", "line 3: the value top fails: "),
        ("  top: notes.top\n", "{v}`top`\n\n{show}`fig-lime`\n", "line 7: {show}`fig-lime`: no notebook shows "),
        ("  top: notes.top\n", "{v}`top`\n{{ notes.top }}\n", "line 6: found '{{'; name the value in the head"),
    ],
)
def test_a_mistake_is_told_with_page_and_line(tmp_path, head, text, message):
    with pytest.raises(InputError) as caught:
        rendered(tmp_path, text, head)
    assert str(caught.value).startswith(f"{os.path.relpath(tmp_path / 'page.md', ROOT)}, {message}")


PAGE = """(sec-a)=
# Title {#top}
A sentence.
:::{figure} /a.svg
:name: fig-a
A caption.
:::
It says {cite}`paper`.
"""


def test_what_other_pages_show_of_a_page_is_its_outline():
    """Sphinx writes the other pages anew where one of these changes; it keeps them where only a sentence does."""
    outline = OUTLINE.findall(PAGE)
    assert OUTLINE.findall(PAGE.replace("A sentence", "Another one")) == outline
    for seen in ("sec-a", "Title", "#top", "{figure}", "/a.svg", "fig-a", "paper"):
        assert OUTLINE.findall(PAGE.replace(seen, "other", 1)) != outline, seen


def test_a_file_that_does_not_change_is_not_written(tmp_path):
    target = tmp_path / "a" / "b.txt"
    assert [write(target, b"1"), write(target, b"1"), write(target, b"2")] == [True, False, True]
    assert target.read_bytes() == b"2"
    assert [path.name for path in target.parent.iterdir()] == ["b.txt"]


def test_a_mirrored_folder_holds_nothing_else(tmp_path):
    mirror(tmp_path, {"a.md": b"1", "old/b.md": b"2"})
    assert mirror(tmp_path, {"a.md": b"1", "c.md": b"3"}) == 2
    assert sorted(path.name for path in tmp_path.rglob("*.md")) == ["a.md", "c.md"]


def test_a_fingerprint_tells_names_contents_and_order_apart(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"x")
    two.write_bytes(b"y")
    states = [fingerprint([one]), fingerprint([one], "p"), fingerprint([one, two]), fingerprint([two]), fingerprint([])]
    assert len(set(states)) == len(states)


def test_notes_keep_infinity_which_json_lacks(monkeypatch):
    displayed = []

    def display(data, raw, metadata):
        displayed.append({"data": data, "metadata": metadata})

    monkeypatch.setattr("analysis.render.show.display", display)
    note(flip=math.inf, degree=2.5, name="inf")
    written = json.dumps(displayed, allow_nan=False)
    assert list(shown(json.loads(written))) == [{"flip": math.inf, "degree": 2.5, "name": "inf"}]


def test_show_and_note_refuse_what_the_book_cannot_use():
    from matplotlib import pyplot

    use()
    figure, _ = pyplot.subplots()
    with pytest.raises(InputError, match="alt of the figure 'fig-x' is empty"):
        show(figure, "fig-x", "A figure.", " ")
    with pytest.raises(InputError, match=r"columns of unequal length, \{'x': 1, 'y': 2\}"):
        show(figure, "fig-x", "A figure.", "A figure.", data={"x": [1], "y": [1, 2]})
    with pytest.raises(InputError, match="note: points is a list"):
        note(points=[1, 2])
    pyplot.close(figure)


def test_an_equation_that_is_typed_by_number_is_said_to_be_the_papers():
    """The book's own come by their labels; a bare `Eq. 13` would read as one of these."""
    for page in sorted(path.name for path in (ROOT / "book").glob("*.md")):
        text = " ".join((ROOT / "book" / page).read_text().split())
        assert not re.findall(r"(?<!paper's )(?<!\*)\bEqs?\. \d+\b(?! of the paper)", text), page
