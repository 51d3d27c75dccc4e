"""What the pages on citing print: the list of results, examples of citations, the fields of derivations.json."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
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
        for chapter in part["chapters"]:
            yield from (each["file"] for each in (chapter, *chapter.get("sections", ())) if "file" in each)


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
