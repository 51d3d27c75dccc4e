"""Text for others to paste: a result's closed forms as Python over sympy, and its BibTeX entry."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from textwrap import shorten

import yaml
from sympy.core.function import Application
from sympy.printing.str import sstr

from analysis.book.citing.labels import kind_of
from analysis.files.whole import ROOT
from analysis.render.printed import Row

CITATION = ROOT / "CITATION.cff"
UPRIGHT = re.compile(r"\\mathrm\{(\w+)\}")


@cache
def study() -> Mapping:
    """CITATION.cff: who wrote the study, its title, version and date."""
    return yaml.safe_load(CITATION.read_text(encoding="utf-8"))


def version() -> str:
    """The study's version."""
    return str(study()["version"])


def bibtex(label: str, statement: str) -> str:
    """A BibTeX entry for a result of the study: authors, title, year; version, label and statement as its note."""
    about = study()
    named = f"Version {about['version']}, {kind_of(label)} \\texttt{{{label}}}"
    note = f"{named}: {_short(statement)}. Examines arXiv:{_examined()['url'].rpartition('/')[2]}"
    return _entry(f"study-{label}", {**_described(about), "note": note})


def study_bibtex() -> str:
    """The BibTeX entry of the study as a whole."""
    about = study()
    note = f"Version {about['version']}. Examines arXiv:{_examined()['url'].rpartition('/')[2]}"
    return _entry("study", {**_described(about), "note": note})


def examined_bibtex() -> str:
    """The BibTeX entry of the paper that the study examines, as `book/references.bib` has it."""
    text = (CITATION.parent / "book" / "references.bib").read_text(encoding="utf-8")
    number = _examined()["url"].rpartition("/")[2]
    return next(entry.strip() for entry in re.split(r"\n(?=@)", text) if number in entry)


def _examined() -> Mapping:
    return study()["references"][0]


def _described(about: Mapping) -> dict[str, str]:
    authors = " and ".join(f"{{{author['name']}}}" for author in about["authors"])
    return {"author": authors, "title": _escaped(about["title"]), "year": str(about["date-released"])[:4]}


def _entry(key: str, fields: Mapping[str, str]) -> str:
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{key},\n{lines}\n}}"


def _short(text: str) -> str:
    """Prose without MyST marks, cut at a word where it is long, and safe in TeX."""
    return _escaped(shorten(text, 120, placeholder=" ..."))


def _escaped(text: str) -> str:
    words = re.sub(r"[`*{}\\$^~]", "", text).rstrip(". ")
    return re.sub(r"([%&#_])", r"\\\1", words)


def python(label: str, rows: Iterable[Row]) -> str:
    """The closed forms of an equation as Python: symbols, then an assignment for each row, its remark above it.

    >>> from analysis.derive.symbols import B, L
    >>> print(python("eq-work", [("F", 2 * B * L, "MHA")]))
    from sympy import var
    <BLANKLINE>
    var("B L", positive=True)
    # F, MHA
    work = 2*B*L
    """
    rows = list(rows)
    forms = [form for _, form, _ in rows]
    functions = {type(part).__name__ for form in forms for part in form.atoms(Application)}
    functions |= {name for name in ("sqrt",) if any(name in sstr(form) for form in forms)}
    names = sorted({symbol.name for form in forms for symbol in form.free_symbols})
    lines = [f"from sympy import {', '.join(sorted(functions | {'var'}))}", ""]
    lines += [f'var("{" ".join(names)}", positive=True)'] if names else []
    for name, (left, form, remark) in zip(_names(label, rows), rows, strict=True):
        said = ", ".join(filter(None, [UPRIGHT.sub(r"\1", left), remark]))
        lines += [f"# {said}", f"{name} = {sstr(form)}"]
    return "\n".join(lines)


def _names(label: str, rows: list[Row]) -> list[str]:
    """A Python name for each row, from the label, and a number where there are several."""
    stem = label.partition("-")[2].replace("-", "_")
    return [stem if len(rows) == 1 else f"{stem}_{i}" for i in range(1, len(rows) + 1)]
