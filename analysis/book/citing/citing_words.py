"""What the book prints on citing: the list of results, examples, fields, and the fold under each labelled result."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import yaml

from analysis.book.citing.code import CITATION, examined_bibtex, study_bibtex
from analysis.book.citing.entries import FIELDS
from analysis.book.citing.labels import KINDS
from analysis.files.errors import InputError, choices

REFERENCES = {"equation": "eq", "figure": "numref", "table": "numref", "proposition": "prf:ref"}
PLURALS = {"proposition": "Propositions", "equation": "Equations", "table": "Tables", "figure": "Figures"}
TITLE = re.compile(r"^# (.+)$", flags=re.M)


def words(entries: Sequence[Mapping], pages: Mapping[str, str]) -> dict[str, Any]:
    """The names that the pages on citing use, once every other page is known."""
    known = {entry["label"]: entry for entry in entries}
    return {
        "results_list": partial(results_list, entries, pages),
        "results_count": partial(results_count, entries),
        "cite_result": partial(cite_result, known),
        "cite_study": lambda: _code(study_bibtex()),
        "cite_examined": lambda: _code(examined_bibtex()),
        "fields_list": fields_list,
    }


def results_list(entries: Sequence[Mapping], pages: Mapping[str, str]) -> str:
    """Every proposition, equation, table and figure in a line, by chapter in the order of the book."""
    parts = []
    for page in _order():
        text = pages.get(f"{page}.md", "")
        own = [entry for entry in entries if entry["place"].partition("#")[0] == f"{page}.html"]
        own.sort(key=lambda entry: text.find(f": {entry['label']}\n"))  # as they follow one another on the page
        listed = [line for kind in PLURALS for line in _listed(kind, own)]
        if listed:
            parts += [f"## [{TITLE.search(text)[1]}](/{page}.md)", *listed]
    return "\n\n".join(parts)


def results_count(entries: Sequence[Mapping], kind: str) -> str:
    """How many results of a kind the book has, as text. Raises InputError for an unknown kind."""
    if kind not in KINDS.values():
        raise InputError(f"results_count({kind!r}): there is no such kind; allowed are {choices(KINDS.values())}.")
    return str(sum(entry["kind"] == kind for entry in entries))


def _order() -> Iterable[str]:
    """Pages in the order of the table of contents."""
    contents = yaml.safe_load((CITATION.parent / "book" / "_toc.yml").read_text(encoding="utf-8"))
    yield contents["root"]
    for part in contents["parts"]:
        yield from _under(part["chapters"])


def _under(chapters: Iterable[Mapping]) -> Iterator[str]:
    for each in chapters:
        yield each["file"]
        yield from _under(each.get("sections", ()))


def _listed(kind: str, entries: Iterable[Mapping]) -> list[str]:
    lines = [
        f"- {{{REFERENCES[kind]}}}`{entry['label']}` (`{entry['label']}`): {_line(entry)}"
        for entry in entries
        if entry["kind"] == kind
    ]
    return [f"**{PLURALS[kind]}**", "\n".join(lines)] if lines else []


def _line(entry: Mapping) -> str:
    text = entry.get("title") or entry["statement"]
    return text[:1].upper() + text[1:]


def cite_result(known: Mapping[str, Mapping], label: str) -> str:
    """The BibTeX entry of a result, as a block of code. Raises InputError for an unknown label."""
    if label not in known:
        raise InputError(f"cite_result({label!r}): the book has no such label; allowed are {choices(known)}.")
    return _code(known[label]["bibtex"])


def _code(text: str) -> str:
    return f"```bibtex\n{text}\n```"


def fields_list() -> str:
    """The fields of an entry of derivations.json."""
    lines = [f"| `{name}` | {meaning} |" for name, meaning in FIELDS.items()]
    return "\n".join(["| field | holds |", "|:---|:---|", *lines])


# -- the fold under a result, as HTML that needs no script -------------------------------------------
COPIED = {"bibtex": "BibTeX", "latex": "LaTeX"}
"""Texts to copy, by field of an entry. The page's script puts a button beside each."""


def block(entry: Mapping, link: Callable[[str], str]) -> str:
    """The fold of one entry of the derivations; `link` gives the address of a place, of a name, or nothing.

    >>> entry = {"label": "tab-a", "kind": "table", "place": "a.html#tab-a", "python": "", "bibtex": "@misc{a}"}
    >>> print(block(entry, lambda place: "#tab-a"))
    <details class="cite" data-label="tab-a">
    <summary>Cite <span class="cite-kind">this table, </span><code>tab-a</code></summary>
    <dl>
    <dt>Permalink</dt><dd><a class="cite-link" href="#tab-a">a.html#tab-a</a></dd>
    </dl>
    <div class="cite-text"><p>BibTeX</p><pre tabindex="0">@misc{a}</pre></div>
    </details>
    """
    lines = [
        f'<details class="cite" data-label="{entry["label"]}">',
        f'<summary>Cite <span class="cite-kind">this {entry["kind"]}, </span><code>{entry["label"]}</code></summary>',
        "<dl>",
        *(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in _facts(entry, link) if value),
        "</dl>",
        *(_text(title, entry[name]) for name, title in COPIED.items() if entry.get(name)),
        "</details>",
    ]
    return "\n".join(lines)


def _facts(entry: Mapping, link: Callable[[str], str]) -> list[tuple[str, str]]:
    place = entry["place"]
    return [
        ("Permalink", f'<a class="cite-link" href="{escape(link(place))}">{escape(place)}</a>'),
        ("Python", _name(entry.get("python", ""), entry.get("call", ""), link)),
        ("Unit", escape(entry.get("unit", ""))),
        ("In the paper", escape(entry.get("paper", ""))),
        ("Assumes", _assumed(entry.get("assumptions", {}))),
        ("Proof", _linked(entry.get("proof", ""), link)),
    ]


def _name(name: str, call: str, link: Callable[[str], str]) -> str:
    """An importable name, linked to its reference where the book has one, with the call that gives the result."""
    if not name:
        return ""
    shown = f"<code>{escape(name)}</code>"
    address = link(name)
    linked = f'<a href="{escape(address)}">{shown}</a>' if address else shown
    return f"{linked}: <code>{escape(call)}</code>" if call else linked


def _linked(label: str, link: Callable[[str], str]) -> str:
    return f'<a href="{escape(link(label))}"><code>{escape(label)}</code></a>' if label else ""


def _assumed(assumptions: Mapping[str, object]) -> str:
    return ", ".join(f"<code>{escape(f'{name}={value}')}</code>" for name, value in assumptions.items())


def _text(title: str, text: str) -> str:
    return f'<div class="cite-text"><p>{title}</p><pre tabindex="0">{escape(text, quote=False)}</pre></div>'
