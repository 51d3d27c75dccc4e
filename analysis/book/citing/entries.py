"""Every labelled result of the book in one machine-readable file, `_static/derivations.json`.

Labels, statements and LaTeX are read from the pages as they are staged; closed forms are those that the pages'
functions printed, as sympy's `srepr`, which `sympy.sympify` reads back.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from analysis.ask.parameters import PARAMETERS
from analysis.ask.setting import Setting
from analysis.book.citing.closed_forms import assumptions, bracketed_forms, general_forms, printed_forms
from analysis.book.citing.code import bibtex, version
from analysis.book.citing.labels import labelled
from analysis.book.citing.sources import EQUATIONS, PAPER, PROPOSITIONS, Source
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.render.equations import WHOLE_SYSTEM, equation
from analysis.render.printed import Origin
from analysis.systems.quantities import all_quantities
from analysis.systems.quantity import Quantity

GENERATED = "_assets/derivations.json"
FIELDS = {
    "label": "permanent name of the result",
    "kind": "equation, proposition, table, figure or section",
    "statement": "what it says, in a line",
    "place": "page and anchor in the built book",
    "source": "file of the repository that holds its text",
    "version": "version of the study",
    "bibtex": "entry to cite it with",
    "python": "importable name of the object behind it; for a page's table, the function that prints it",
    "call": "the object with its arguments, as the page calls it",
    "paper": "where the examined paper has it; empty where it is ours",
    "unit": "SI unit of the forms, one for each where they differ",
    "assumptions": "conventions that shape the forms; every symbol is positive",
    "latex": "the equation as printed on its page",
    "forms": "closed forms as printed: `of` whom or why, `left` side, `latex`, sympy's `srepr`, `unit`",
    "general": "a quantity's forms with every degree of parallelism, for each mechanism and order",
    "sympy": "the printed forms as Python text",
    "in_words": "how the number is found where there is no closed form",
    "title": "name of a proposition",
    "proof": "label of the equation that proves a proposition; empty where its page proves it in words",
    "caption": "caption of a figure or table; `statement` is its first sentence",
    "alt": "a figure in words",
    "notebook": "page of the notebook that made a figure",
    "data": "the numbers behind a figure, as CSV",
}
"""Fields of an entry; the page on citing prints this table."""
SOURCES = "analysis/book/citing/sources.py"
MANY = 20  # entries from which on a mapping is the notebooks' notes, which no reader retypes


def generated_files(results: Sequence[Mapping]) -> dict[str, bytes]:
    """The file of derivations: name in the staged book, to content."""
    found = {"version": version(), "fields": FIELDS, "results": results}
    return {GENERATED: json.dumps(found, indent=1, ensure_ascii=False).encode()}


def of_page(name: str, text: str, origins: Mapping[str, Origin], drawn: Mapping[str, tuple[str, str]]) -> list[dict]:
    """An entry per label of a staged page: what it says, where it is, what computes it.

    `origins` says what printed each label, `drawn` maps a figure to its notebook and the function that draws it.
    """
    found = [entry | {"source": f"book/{name}", "version": version()} for entry in labelled(name, text)]
    return [entry | _behind(entry["label"], entry, origins.get(entry["label"]), drawn) for entry in found]


def joined(results: Iterable[Mapping]) -> list[dict]:
    """The entries of all pages, sorted by label, propositions with their proofs, each with its citation: `FIELDS`."""
    found = {entry["label"]: dict(entry) for entry in results}
    for label, entry in found.items():
        if entry["kind"] == "proposition":
            entry |= _proved(label, entry, found)
        if entry["kind"] != "section":
            entry["bibtex"] = bibtex(label, entry.get("title") or entry["statement"])
    return [found[label] for label in sorted(found)]


def _behind(label: str, entry: dict, origin: Origin | None, drawn: Mapping[str, tuple[str, str]]) -> dict:
    """What computes an equation, table or figure."""
    if entry["kind"] == "figure" and label in drawn:
        return _drawn(label, *drawn[label])
    if entry["kind"] == "table":
        return {"python": "", "call": ""} | (_called(origin) if origin else {})
    if entry["kind"] != "equation":
        return {}
    rows = origin.rows if origin else ()
    if label in _quantities():
        quantity = _quantities()[label]
        return _computed(quantity, origin) | printed_forms(label, rows, quantity.unit)
    if label not in EQUATIONS:
        raise InputError(f"{entry['source']}: nothing says what derives {label}; add it to {SOURCES}.")
    return _described(EQUATIONS[label]) | printed_forms(label, rows)


@cache
def _quantities() -> dict[str, Quantity]:
    return {quantity.label: quantity for quantity in all_quantities()}


def _drawn(label: str, notebook: str, function: str) -> dict:
    data = f"figures/{label}.csv"
    folder = hashlib.md5(data.encode(), usedforsecurity=False).hexdigest()  # as Sphinx names a download's folder
    return {"python": function, "notebook": f"notebooks/{notebook}.html", "data": f"_downloads/{folder}/{label}.csv"}


def _called(origin: Origin) -> dict:
    function = getattr(origin.function, "func", origin.function)  # what every page fills in is no part of the call
    if "<locals>" in function.__qualname__:
        return {}
    shown = [_written(each) for each in origin.arguments]
    shown += [f"{name}={_written(each)}" for name, each in origin.given.items()]
    return {
        "python": f"{function.__module__}.{function.__qualname__}",
        "call": f"{function.__name__}({', '.join(shown)})",
    }


def _written(argument: object) -> str:
    """An argument as a page's head has it: `notes` are the numbers of all notebooks, hundreds of them."""
    return "notes" if isinstance(argument, Mapping) and len(argument) > MANY else repr(argument)


def _described(source: Source) -> dict:
    return {
        "statement": source.statement,
        "python": source.python,
        "paper": source.paper,
        "assumptions": dict(source.assumptions),
    }


def _proved(label: str, entry: dict, found: Mapping[str, dict]) -> dict:
    """What stands behind a proposition: the lines of its proof, or what its page proves in words."""
    proof = found.get(label.replace("prop-", "eq-", 1))
    texts = {"title": entry["statement"], "statement": entry.pop("text"), "proof": ""}
    if proof is None:
        return _described(PROPOSITIONS[label]) | texts | {"unit": "1", "forms": bracketed_forms()}
    kept = ("python", "paper", "assumptions", "latex", "forms", "unit", "sympy")
    return {name: proof[name] for name in kept if name in proof} | texts | {"proof": proof["label"]}


def _computed(quantity: Quantity, origin: Origin | None) -> dict:
    given = dict(origin.given) if origin else {}
    anyone = {"model": next(row.id for row in datasets.models().values() if row.n_moe)}  # no form names its model
    setting = Setting.of(**anyone | {name: value for name, value in given.items() if name in PARAMETERS})
    general = list(general_forms(quantity))
    divided = origin and origin.function is equation and any(f"'{one}'" in str(general) for one in WHOLE_SYSTEM)
    degrees = {"degrees": "1 where they do not stand in a form"} if divided else {}
    return {
        "statement": quantity.title,
        "python": "analysis.systems.quantities.quantity",
        "call": f"quantity({quantity.name!r})",
        "paper": PAPER.get(quantity.name, ""),
        "assumptions": assumptions(quantity, setting, given) | degrees,
        **({"in_words": quantity.closed_form} if quantity.closed_form else {}),
        "general": general,
    }
