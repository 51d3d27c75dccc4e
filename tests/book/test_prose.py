"""How converted pages read: short sentences, every figure announced, names in the place of ids."""

import re

from analysis.book import head_values
from analysis.book.typed import CODE, FORM, MATH
from analysis.data import datasets
from analysis.files.whole import ROOT

PAGES = {path.stem: head_values.parsed(path.read_text()) for path in sorted((ROOT / "book").rglob("*.md"))}
CONVERTED = {name: page.text for name, page in PAGES.items() if page}
IDS = {*datasets.models(), *datasets.accelerators(), *datasets.interconnects()}
NO_SENTENCE = re.compile(r"^(?:#|\||:|%|`{3,}|\{(?:show|again|block)\}|\s*<|\* -|\s+- ).*$", flags=re.M)
END = re.compile(r"(?<!Eq\.)(?<!Eqs\.)(?<=[.?!:])\s+|\n\n")


def sentences(text):
    plain = NO_SENTENCE.sub("\n", CODE.sub("X", text))
    return [each.split() for each in END.split(plain) if len(each.split()) > 2]


def running(text):
    """The text without code, formulas, roles and what is no prose."""
    for pattern in (CODE, MATH, FORM):
        text = pattern.sub(" ", text)
    return text


def test_sentences_are_short_on_average():
    for name in CONVERTED:
        lengths = [len(each) for each in sentences(CONVERTED[name])]
        assert sum(lengths) < 25 * len(lengths) or not lengths, name  # pages of tables, or of signatures alone


def test_a_figure_is_announced_before_it_is_shown():
    for name in CONVERTED:
        text = CONVERTED[name]
        for found in re.finditer(r"^\{show\}`([\w-]+)`$", text, flags=re.M):
            assert f"{{numref}}`{found[1]}`" in text[: found.start()], f"{found[1]} is not announced"


def test_prose_names_rows_as_people_do():
    ids = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(IDS)))})(?![\w-])")
    assert ids.findall("of deepseek-v3 on a b200-sxm") == ["deepseek-v3", "b200-sxm"]
    for name in CONVERTED:
        assert not ids.findall(running(CONVERTED[name])), name
