"""Sphinx's part of the reading aids: a fold under each labelled result, links to the glossary and to the code.

`_config.yml` names this module as an extension. It reads `_assets/derivations.json`, which `analysis.book` has staged.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from docutils import nodes
from pydantic import BaseModel
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxTranslator

from analysis.book.cards import name_cells, write_cell
from analysis.book.citing.citing_words import block
from analysis.book.citing.entries import GENERATED
from analysis.book.footing import foot
from analysis.book.reference import code_of
from analysis.render.digits import NARROW, UNITS
from analysis.sweeps.workers import cpu_count

SCRIPT, STYLE, SCORER = "reading/cite.js", "reading/cite.css", "_assets/reading/search.js"
LABELLED = (nodes.math_block, nodes.figure, nodes.table)
NO_CHAPTERS = re.compile(r"(glossary|references|results|reference|data)$|notebooks/|reference/")
NO_TEXT = (nodes.table, nodes.figure, nodes.title, nodes.reference, nodes.footnote, nodes.citation)


# -- folds -------------------------------------------------------------------------------------------
class cite_block(nodes.General, nodes.Element):
    """HTML that neither the search nor the printed book takes in."""


def _write(translator: SphinxTranslator, node: cite_block) -> None:
    translator.body.append(node["html"] + "\n")
    raise nodes.SkipNode


def _skip(_translator: SphinxTranslator, _node: cite_block) -> None:
    raise nodes.SkipNode


def _read(app: Sphinx) -> None:
    """Entries by the id of their node, of the kinds that have a fold."""
    path = Path(app.srcdir, GENERATED)
    found = json.loads(path.read_text(encoding="utf-8"))["results"] if path.is_file() else []
    app.env.study_entries = found
    app.env.study_results = {entry["place"].partition("#")[2]: entry for entry in found if entry["kind"] != "section"}


def _add_folds(app: Sphinx, doctree: nodes.document, page: str) -> None:
    results = app.env.study_results
    for node in list(doctree.findall(_is_result)):
        entry = next((results[name] for name in node["ids"] if name in results), None)
        if entry and entry["place"].partition("#")[0] == f"{page}.html":
            place = node.parent.index(node) + 1
            node.parent.insert(place, cite_block(html=block(entry, linker(app, page))))


def _is_result(node: nodes.Node) -> bool:
    return isinstance(node, LABELLED) or type(node).__name__ == "proposition_node"


def linker(app: Sphinx, page: str) -> Callable[[str], str]:
    """What finds addresses, from a page, of labels, places in the book and documented Python names."""
    places = {entry["label"]: entry["place"] for entry in app.env.study_results.values()}
    documented = app.env.get_domain("py").objects

    def link(name: str) -> str:
        """The address, from `page`, of a place in the book, of a label, or of a documented Python name; else none."""
        if name in documented:
            return _address(app, page, documented[name].docname, documented[name].node_id)
        file, hit, anchor = places.get(name, name).partition("#")
        return _address(app, page, file.removesuffix(".html"), anchor) if hit else ""

    return link


def _address(app: Sphinx, page: str, document: str, anchor: str) -> str:
    return f"{app.builder.get_relative_uri(page, document)}#{anchor}"


# -- the glossary ------------------------------------------------------------------------------------
def spelling(term: str) -> str:
    """A pattern for a term in running text: one or several, at a sentence's beginning too unless it has capitals.

    >>> [bool(re.search(spelling("batch"), text)) for text in ("Batches fill", "the batch", "batching", "rebatch")]
    [True, True, False, False]
    >>> [bool(re.search(spelling("MoE"), text)) for text in ("an MoE", "moe")]
    [True, False]
    """
    first = term[0] if term != term.lower() else f"[{term[0].upper()}{term[0]}]"
    return rf"\b{first}{re.escape(term[1:])}(?:e?s)?\b(?![-/])"


def link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Make the first use of each term on a chapter's page a link to its meaning, in paragraphs by themselves."""
    if NO_CHAPTERS.match(page):
        return
    terms = {name: place for (kind, name), place in app.env.get_domain("std").objects.items() if kind == "term"}
    for text in list(_running(doctree)):
        parts, end = [], 0
        shown = text.astext()
        for start, stop, name in _uses(shown, terms):
            address = _address(app, page, *terms.pop(name))
            link = nodes.reference("", shown[start:stop], internal=True, refuri=address, classes=["term"])
            parts += [nodes.Text(shown[end:start]), link]
            end = stop
        if parts:
            place = text.parent.index(text)
            text.parent[place : place + 1] = [*parts, nodes.Text(shown[end:])]


def _uses(text: str, terms: Iterator[str]) -> list[tuple[int, int, str]]:
    """The first use of each term in a text, longer terms first: "KV cache" before what may stand in it."""
    found: list[tuple[int, int, str]] = []
    for name in sorted(terms, key=len, reverse=True):
        use = re.search(spelling(name), text)
        if use and not any(use.start() < stop and start < use.end() for start, stop, _ in found):
            found.append((*use.span(), name))
    return sorted(found)


def _running(doctree: nodes.document) -> Iterator[nodes.Text]:
    for paragraph in doctree.findall(nodes.paragraph):
        above = paragraph.parent
        while above is not None and not isinstance(above, NO_TEXT):
            above = above.parent
        if above is None:
            yield from (child for child in paragraph if isinstance(child, nodes.Text))


# -- numbers and their units ---------------------------------------------------------------------------
BEFORE_UNIT = re.compile(
    rf"(?<=\d)(?: (?=(?:{'|'.join(map(re.escape, UNITS))})(?![\w/-]))|(?=%(?![0-9A-Fa-f]{{2}})))"  # %20 is an address
)
RANGE = re.compile(r"(?<=\d)\N{EN DASH}(?=\d)")
PRINTED = (nodes.FixedTextElement, nodes.literal, nodes.math, nodes.raw)


def keep_units(_app: Sphinx, doctree: nodes.document, _page: str = "") -> None:
    """Let no line break between a number and its unit, or in a span of numbers, whoever wrote them."""
    for text in list(doctree.findall(nodes.Text)):
        kept = RANGE.sub("\N{EN DASH}\N{WORD JOINER}", BEFORE_UNIT.sub(NARROW, text))
        if kept != text and not isinstance(text.parent, PRINTED):
            text.parent.replace(text, nodes.Text(kept))


# -- the foot ----------------------------------------------------------------------------------------
def _add_foot(app: Sphinx, page: str, _template: str, context: dict, _doctree: nodes.document | None) -> None:
    entries = [entry for entry in app.env.study_entries if entry["place"].partition("#")[0] == f"{page}.html"]
    context["theme_extra_footer"] = foot(page, entries, linker(app, page), "../" * page.count("/"))


def _print_alone(_app: Sphinx, _page: str, _template: str, context: dict, _doctree: nodes.document | None) -> None:
    """Of the theme's downloads the printed page stays: sources are not copied into the site (`html_copy_source`)."""
    for group in context.get("header_buttons", ()):
        if group.get("label") == "download-buttons":
            group["buttons"] = [each for each in group["buttons"] if each["label"] == "download-pdf-button"]


# -- the search --------------------------------------------------------------------------------------
def _score(app: Sphinx, config: Config) -> None:
    config.html_search_scorer = str(Path(app.srcdir, SCORER))  # from wherever Sphinx is called


# -- code --------------------------------------------------------------------------------------------
def _link_code(_app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Beside each documented object, a link to its module's text, which the book holds as it is."""
    for signature in doctree.findall(addnodes.desc_signature):
        address = f"{'../' * page.count('/')}_static/{code_of(signature['module'])}"
        signature += nodes.reference("", "[source]", refuri=address, classes=["viewcode-link"])


def _write_at_once(app: Sphinx, _environment: BuildEnvironment) -> None:
    """Write pages on all cores, once they are read: reading stays in order, and nothing written depends on an order."""
    app.parallel = cpu_count()


def _columns(_app: Sphinx, _kind: str, _name: str, documented, *_signature) -> tuple[str, str] | None:
    """A row's columns by name: what pydantic's signature says hangs on whether a row was read before."""
    if isinstance(documented, type) and issubclass(documented, BaseModel):
        return f"(*, {', '.join(documented.model_fields)})", ""
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the fold's node, its script and style, and what runs when."""
    skipped = (_skip, None)
    app.add_node(cite_block, html=(_write, None), latex=skipped, text=skipped, man=skipped, texinfo=skipped)
    app.add_node(nodes.entry, override=True, html=(write_cell, None))
    app.add_js_file(SCRIPT, loading_method="defer")
    app.add_css_file(STYLE)
    app.connect("config-inited", _score)
    app.connect("autodoc-process-signature", _columns)
    app.connect("builder-inited", _read)
    app.connect("env-updated", _write_at_once)
    for aid in (_add_folds, link_terms, keep_units, _link_code, name_cells):
        app.connect("doctree-resolved", aid)
    app.connect("html-page-context", _add_foot)
    app.connect("html-page-context", _print_alone, priority=502)  # the theme adds its buttons at 501
    return {"parallel_read_safe": True, "parallel_write_safe": True}
