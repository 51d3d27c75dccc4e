"""Pages as writers write them: named values in the head, roles in the text, and plain MyST for Sphinx out of both.

    ---
    values:
      part_of_step: notes.core / notes.tpot
      attention: percent(part_of_step)
      side: "'less' if part_of_step < 0.5 else 'more'"
    ---
    Attention takes {v}`attention` of a token's time, {v}`side` than half.

A value is an expression in the names of `analysis.book.page`, and may use values above it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

import jinja2
import yaml
from jinja2.meta import find_undeclared_variables

from analysis.book.typed import first_typed
from analysis.files.errors import InputError, near
from analysis.render.digits import digits_of, whole

HEAD = re.compile(r"\A---\n(.*?)^---\n", flags=re.M | re.S)
KEY = "values"
ROLE = re.compile(r"\{(v|block|show|again|sym)\}`([^`\n]+)`")
ALONE = ("block", "show", "again")
"""Roles that stand on a line of their own."""
NAME_IT = "name the value in the head and put it by {v}`name`."
MARKS = re.compile(r"\{\{|\{%")
ENVIRONMENT = jinja2.Environment(undefined=jinja2.StrictUndefined)


class PageError(Exception):
    """A sentence on one line of a page, counted from 1."""

    def __init__(self, line: int, sentence: str):
        super().__init__(sentence)
        self.line = line


@dataclass(frozen=True)
class Page:
    """A page taken apart: expressions and lines by name, the head's other lines, the text, the lines above it."""

    values: Mapping[str, str]
    lines: Mapping[str, int]
    rest: str
    text: str
    start: int


def parsed(source: str) -> Page:
    """The page, with or without a head and values in it. Raises PageError for a head that cannot be read."""
    head = HEAD.match(source)
    if not head:
        return Page({}, {}, "", source, 0)
    try:
        node = yaml.compose(head[1], yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise PageError(line, f"the head is no YAML: {error.problem}; put the expression between quotes.") from error
    entry = next((pair for pair in getattr(node, "value", ()) if pair[0].value == KEY), None)
    if entry is None:
        return Page({}, {}, head[1], source[head.end() :], head[0].count("\n"))
    key, mapping = entry
    values, lines = _entries(mapping)
    kept = head[1].splitlines(keepends=True)
    del kept[key.start_mark.line : mapping.end_mark.line + (mapping.end_mark.column > 0)]
    return Page(values, lines, "".join(kept), source[head.end() :], head[0].count("\n"))


def _entries(mapping: yaml.Node) -> tuple[dict[str, str], dict[str, int]]:
    values, lines = {}, {}
    for name, value in mapping.value if isinstance(mapping, yaml.MappingNode) else ():
        line = name.start_mark.line + 2  # below the line of dashes, from 1
        if name.value in values:
            raise PageError(line, f"the value {name.value} is given twice; rename one.")
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
            raise PageError(line, f"the value {name.value} is no expression; write one line of text.")
        values[name.value], lines[name.value] = value.value, line
    return values, lines


def resolved(page: Page, names: Mapping[str, Any]) -> str:
    """The page as plain MyST, `names` known to its expressions.

    Raises PageError for a name that the head lacks, one used above its own line, one that nothing uses, an expression
    that fails, a template's mark, and a typed number that a value could give.
    """
    _refuse_typed(page)
    found = _evaluated(page, names)
    text = ROLE.sub(lambda match: _put(match, page, found, names), page.text)
    return (f"---\n{page.rest}---\n" if page.rest.strip() else "") + text


def _refuse_typed(page: Page) -> None:
    mark = MARKS.search(page.text)
    if mark:
        raise PageError(_line(page, mark.start()), f"found {mark[0]!r}; {NAME_IT}")
    typed = first_typed(page.text)
    if typed:
        place, number = typed
        raise PageError(_line(page, place), f"types the number {number}; {NAME_IT}")


def _evaluated(page: Page, names: Mapping[str, Any]) -> dict[str, Any]:
    used = {match[2] for match in ROLE.finditer(page.text) if match[1] in ("v", "block")}
    found: dict[str, Any] = {}
    needs = {}
    for name, expression in page.values.items():
        if name in names:
            raise PageError(page.lines[name], f"the value {name} bears the name of a function of the pages; rename it.")
        try:
            needs[name] = find_undeclared_variables(ENVIRONMENT.parse(f"{{{{ {expression} }}}}"))
            late = next((each for each in page.values if each in needs[name] and each not in found), "")
            if late:
                raise PageError(page.lines[name], f"the value {name} uses {late}, which stands below; move it up.")
            found[name] = ENVIRONMENT.compile_expression(expression, undefined_to_none=False)(**names, **found)
            str(found[name])  # what is undefined says so here
        except PageError:
            raise
        except Exception as error:  # whatever a function raises is the page's error
            kind = "" if isinstance(error, InputError | jinja2.TemplateError) else f"{type(error).__name__}: "
            raise PageError(page.lines[name], f"the value {name} fails: {kind}{error}") from error
    for name in reversed(page.values):
        if name not in used:
            raise PageError(page.lines[name], f"nothing uses the value {name}; take it away.")
        used |= needs[name]
    return found


def _put(match: re.Match, page: Page, found: Mapping[str, Any], names: Mapping[str, Callable]) -> str:
    role, name = match.groups()
    line = _line(page, match.start())
    if role in ("v", "block") and name not in found:
        raise PageError(line, f"{match[0]}: the head has no such value; {near(name, found)}add it under {KEY}.")
    before = page.text[: match.start()].rpartition("\n")[2]
    after = page.text[match.end() :].partition("\n")[0]
    if role in ALONE and (before.strip() or after.strip()):
        raise PageError(line, f"{match[0]} stands in a line with other text; give it a line of its own.")
    try:
        text = _text(role, name, found, names)
    except InputError as error:
        raise PageError(line, f"{match[0]}: {error}") from error
    if role not in ALONE and "\n" in text:
        raise PageError(line, f"{match[0]} has several lines; write {{block}}`{name}` on a line of its own.")
    return indent(text, before).removeprefix(before) if role in ALONE else text


def _text(role: str, name: str, found: Mapping[str, Any], names: Mapping[str, Callable]) -> str:
    if role == "sym":
        return names["symbol"](name)
    if role in ("show", "again"):
        return names["figure"](name, role == "again")
    return shown(found[name])


def shown(value: Any) -> str:
    """A value as a sentence shows it: text as it is, whole numbers in full, others at three digits.

    >>> shown("MLA"), shown(8192), shown(0.61372)
    ('MLA', '8,192', '0.614')
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"it is a {type(value).__name__}, allowed are text and numbers; choose what to show.")
    if isinstance(value, str):
        return str(value)
    return whole(value) if float(value).is_integer() else digits_of(value)


def _line(page: Page, place: int) -> int:
    return page.start + page.text.count("\n", 0, place) + 1
