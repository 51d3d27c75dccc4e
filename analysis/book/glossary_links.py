"""The first use of a glossary's term in a chapter leads to the glossary: found in the text, marked in no chapter.

Part of `analysis.book.reading_aids`, the Sphinx extension of the book. Headings, tables, captions, code and what is
a link or emphasised already stay as they are; so do pages that are no chapters.
"""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx

GLOSSARY = "glossary"
NO_CHAPTERS = (GLOSSARY, "references", "results", "reference", "data")
FOLDERS = ("notebooks/", "reference/")
ELSEWHERE = (nodes.table, nodes.figure, nodes.title, nodes.reference, nodes.footnote, nodes.citation)


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
    """Make the first use of each term on a chapter's page a link to its meaning."""
    if page in NO_CHAPTERS or page.startswith(FOLDERS):
        return
    places = {name: place for (kind, name), place in app.env.get_domain("std").objects.items() if kind == "term"}
    waiting = {name: re.compile(spelling(name)) for name in sorted(places, key=len, reverse=True)}
    for text in list(_running(doctree)):
        found = [(match, name) for name, pattern in waiting.items() if (match := pattern.search(text.astext()))]
        links = {}
        for match, name in found:  # longer terms first: "KV cache" before what may stand in it
            if not any(match.start() < other.end() and other.start() < match.end() for other, _ in links.values()):
                links[match.start()] = (match, name)
        for _, name in links.values():
            del waiting[name]
        if links:
            _replace(text, [links[at] for at in sorted(links)], lambda name: _address(app, page, places[name]))


def _running(doctree: nodes.document) -> Iterator[nodes.Text]:
    """Texts that stand in paragraphs by themselves."""
    for paragraph in doctree.findall(nodes.paragraph):
        if not any(isinstance(above, ELSEWHERE) for above in _ancestors(paragraph)):
            yield from (child for child in paragraph if isinstance(child, nodes.Text))


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _address(app: Sphinx, page: str, place: tuple[str, str]) -> str:
    document, anchor = place
    return f"{app.builder.get_relative_uri(page, document)}#{anchor}"


def _replace(text: nodes.Text, links: list, address) -> None:
    shown, parts, end = text.astext(), [], 0
    for match, name in links:
        link = nodes.reference("", match[0], internal=True, refuri=address(name), classes=["term"])
        parts += [nodes.Text(shown[end : match.start()]), link]
        end = match.end()
    parent = text.parent
    place = parent.index(text)
    parent[place : place + 1] = [*parts, nodes.Text(shown[end:])]
