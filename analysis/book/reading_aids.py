"""Sphinx's part of the reading aids: a fold under each labelled result, and links to the glossary.

`_config.yml` names this module as an extension. It reads `_assets/derivations.json`, which `analysis.book` has staged.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator

from analysis.book.citing.entries import GENERATED
from analysis.book.citing.fold import KINDS, block
from analysis.book.glossary_links import link_terms

SCRIPT, STYLE = "reading/cite.js", "reading/cite.css"
LABELLED = (nodes.math_block, nodes.figure, nodes.table)


class cite_block(nodes.General, nodes.Element):
    """HTML that neither the search nor the printed book takes in."""


def _write(translator: SphinxTranslator, node: cite_block) -> None:
    translator.body.append(node["html"] + "\n")
    raise nodes.SkipNode


def _skip(_translator: SphinxTranslator, _node: cite_block) -> None:
    raise nodes.SkipNode


def _results(app: Sphinx) -> dict[str, dict]:
    """Entries by the id of their node, of the kinds that have a fold."""
    path = Path(app.srcdir, GENERATED)
    found = json.loads(path.read_text(encoding="utf-8"))["results"] if path.is_file() else []
    return {entry["place"].partition("#")[2]: entry for entry in found if entry["kind"] in KINDS}


def _read(app: Sphinx) -> None:
    app.env.study_results = _results(app)


def _add_folds(app: Sphinx, doctree: nodes.document, page: str) -> None:
    results = app.env.study_results
    for node in list(doctree.findall(_is_result)):
        entry = next((results[name] for name in node["ids"] if name in results), None)
        if entry and entry["place"].partition("#")[0] == f"{page}.html":
            place = node.parent.index(node) + 1
            node.parent.insert(place, cite_block(html=block(entry, _linker(app, page))))


def _is_result(node: nodes.Node) -> bool:
    return isinstance(node, LABELLED) or type(node).__name__ == "proposition_node"


def _linker(app: Sphinx, page: str):
    places = {entry["label"]: entry["place"] for entry in app.env.study_results.values()}
    documented = app.env.get_domain("py").objects

    def link(name: str) -> str:
        """The address, from `page`, of a place in the book, of a label, or of a documented Python name; else none."""
        if name in documented:
            entry = documented[name]
            return f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"
        file, hit, anchor = places.get(name, name).partition("#")
        return f"{app.builder.get_relative_uri(page, file.removesuffix('.html'))}#{anchor}" if hit else ""

    return link


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the fold's node, its script and style, and what runs when."""
    skipped = (_skip, None)
    app.add_node(cite_block, html=(_write, None), latex=skipped, text=skipped, man=skipped, texinfo=skipped)
    app.add_js_file(SCRIPT, loading_method="defer")
    app.add_css_file(STYLE)
    app.connect("builder-inited", _read)
    app.connect("doctree-resolved", _add_folds)
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
