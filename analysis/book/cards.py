"""Tables of words, which a phone shows as cards: each cell under the name of its column, none a word wide, and none
that holds nothing."""

from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator

from analysis.render.tables import ABSENT

COLUMNS, LETTERS = 3, 90
"""Columns from which, and letters of the longest cells together beyond which, a table does not fit a phone."""


def name_cells(_app: Sphinx, doctree: nodes.document, _page: str) -> None:
    """Mark tables of words, and give each of their cells but a row's first the name of its column."""
    for table in doctree.findall(nodes.table):
        head = next(table.findall(nodes.thead), None)
        names = [entry.astext() for entry in head.findall(nodes.entry)] if head else []
        rows = [row for body in table.findall(nodes.tbody) for row in body.findall(nodes.row)]
        if len(names) < COLUMNS or _across(rows) <= LETTERS:
            continue
        table["classes"].append("cards")
        for row in rows:
            for name, entry in zip(names[1:], row[1:], strict=True):
                entry["column"] = " ".join(name.split())
                entry["classes"] += ["absent"] * (entry.astext() == ABSENT)


def _across(rows: list[nodes.row]) -> int:
    """Letters of the longest cell of each column, together."""
    return sum(max(len(entry.astext()) for entry in column) for column in zip(*rows, strict=False))


def write_cell(translator: SphinxTranslator, node: nodes.entry) -> None:
    """Open a cell as the theme does, with its column as `data-column`, which the style sheet prints before it."""
    begin = len(translator.body)
    type(translator).visit_entry(translator, node)
    if "column" in node:
        name = escape(node["column"], quote=True)
        translator.body[begin] = translator.body[begin].replace(">", f' data-column="{name}">', 1)
