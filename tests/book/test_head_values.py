"""Named values of a page's head: what they put into the text, and how each mistake is told."""

import os

import pytest

from analysis.book import head_values
from analysis.book.staging import render
from analysis.book.typed import first_typed
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render.by_hand import by_hand
from analysis.render.digits import percent

PAGES = sorted((ROOT / "book").rglob("*.md"))
NAMES = {
    "percent": percent,
    "notes": {"core": 3.0, "step": 4.0},
    "lines": lambda: "| a |\n|---|",
    "symbol": "<{}>".format,
    "figure": lambda label, again: f"{'again' if again else 'once'} {label}",
}


def rendered(folder, head, text, more=""):
    page = folder / "page.md"
    page.write_text(f"---\n{more}values:\n{head}---\n{text}")
    return render(page, NAMES)


def test_values_stand_in_sentences_blocks_and_formulas(tmp_path):
    head = """  part_of_step: notes.core / notes.step
  attention: percent(part_of_step)
  side: "'less' if part_of_step < 0.5 else 'more'"
  table: lines()
  requests: 4096
"""
    text = "A {v}`attention`, {v}`side` of {v}`requests` {sym}`B`: {v}`part_of_step`, ${v}`requests` x$.\n"
    text += "- {v}`side`\n  {block}`table`\n{show}`fig-a`\n"
    assert rendered(tmp_path, head, text) == (
        "A 75\N{NARROW NO-BREAK SPACE}%, more of 4,096 <B>: 0.75, $4,096 x$.\n- more\n  | a |\n  |---|\nonce fig-a\n"
    )


def test_other_lines_of_the_head_stay(tmp_path):
    assert rendered(tmp_path, "  a: 1\n", "{v}`a`\n", "html: x\n") == "---\nhtml: x\n---\n1\n"


@pytest.mark.parametrize(
    ("head", "text", "message"),
    [
        ("  a: 1\n", "{v}`a`\n\n{v}`aa`\n", "line 7: {v}`aa`: the head has no such value; close to it is a; add it"),
        ("  a: 1\n  b: 2\n", "{v}`a`\n", "line 4: nothing uses the value b; take it away"),
        ("  a: 1\n  b: a\n", "none\n", "line 4: nothing uses the value b"),
        ("  a: b\n  b: 1\n", "{v}`a`\n", "line 3: the value a uses b, which stands below; move it up"),
        ("  a: 1\n  a: 2\n", "{v}`a`\n", "line 4: the value a is given twice"),
        ("  a: notes.tpo\n", "{v}`a`\n", "line 3: the value a fails: 'dict object' has no attribute 'tpo'"),
        ("  a: nots\n", "{v}`a`\n", "line 3: the value a fails: 'nots' is undefined"),
        ("  a: percent()\n", "{v}`a`\n", "line 3: the value a fails: TypeError: "),
        ("  a: 1 +\n", "{v}`a`\n", "line 3: the value a fails: "),
        ("  percent: 1\n", "{v}`percent`\n", "line 3: the value percent bears the name of a function"),
        ("  a: [1]\n", "{v}`a`\n", "line 3: the value a is no expression"),
        ("  a: 'x: y\n", "{v}`a`\n", "the head is no YAML"),
        ("  a: notes\n", "{v}`a`\n", "line 5: {v}`a`: it is a dict, allowed are text and numbers"),
        ("  a: lines()\n", "{v}`a`\n", "line 5: {v}`a` has several lines; write {block}`a`"),
        ("  a: lines()\n", "So {block}`a`\n", "line 5: {block}`a` stands in a line with other text"),
        ("  a: 1\n", "{v}`a` {{ a }}\n", "line 5: found '{{'"),
        ("  a: 1\n", "{% if x %}{v}`a`\n", "line 5: found '{%'"),
        ("  a: 1\n", "{v}`a`\n\nOf 256 experts\n", "line 7: types the number 256"),
    ],
)
def test_a_mistake_is_told_with_page_line_and_name(tmp_path, head, text, message):
    with pytest.raises(InputError) as caught:
        rendered(tmp_path, head, text)
    assert str(caught.value).startswith(os.path.relpath(tmp_path / "page.md", ROOT))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["8 experts", "a 2-byte element", "0.5 of it", "| 1,024 |", "$x = 241.8$", "$n = 4096$"]
)
def test_a_typed_number_is_found(text):
    assert first_typed(text)


@pytest.mark.parametrize(
    "text",
    [
        "the paper's Eqs. 10, 11 and 13, Table I and Section 4",
        "In 2025, R1 and Llama 4 Maverick 17B-128E on B200, GPT-3 at FP8 and C075",
        "`L=8192`, {numref}`fig-2`, [a link](page-12.md)",
        "```sh\nstudy L=8192\n```\n",
        ":name: tab-12\n(sec-12)=\n1. First\n",
        "$2 L n_k + l^2$",
    ],
)
def test_names_years_code_and_coefficients_are_no_typed_numbers(text):
    assert first_typed(text) is None


def test_a_line_by_hand_takes_its_parts_together():
    assert by_hand("+", (1, "a"), (2, "b")).split("= ")[1] == "3$\n~~~"
    assert by_hand("/", (7, "a"), (2, "b"), unit="times").split("= ")[1] == "3.5\\ \\text{times}$\n~~~"
    assert by_hand("×", (3, "a"), (4e9, "b", "4 GB"), unit="byte", shown="GB").split("= ")[1] == "12\\ \\text{GB}$\n~~~"
    assert r"\underbrace{\text{4 GB}}_{\text{b}}" in by_hand("×", (3, "a"), (4e9, "b", "4 GB"), unit="byte", shown="GB")
    with pytest.raises(InputError, match="no sign of arithmetic"):
        by_hand("-", (1, "a"), (2, "b"))


def test_no_page_holds_a_templates_mark():
    assert not [page.name for page in PAGES if head_values.MARKS.search(head_values.parsed(page.read_text()).text)]
