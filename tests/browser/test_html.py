"""Every page is valid HTML, but for faults that packages write and that neither our text nor our settings reach."""

import re

import pytest

UPSTREAM = {  # rule: (what the line of the page holds, who writes it)
    "no-redundant-role": (r'<main id="main-content"', "pydata-sphinx-theme: the main element says that it is main"),
    "prefer-native-element": (
        r'<p aria-level="2" class="caption" role="heading">|<div role="list"',
        "Sphinx's captions of a toctree, sphinxcontrib-bibtex's list",
    ),
    "no-implicit-button-type": (
        r"<button class=\"(btn|sidebar)|<button onclick=",
        "sphinx-book-theme's buttons, which are in no form",
    ),
    "text-content": (
        r"<button class=\"sidebar-toggle|<button onclick=|data-bs-toggle",
        "sphinx-book-theme's buttons, named by their title alone",
    ),
    "wcag/h32": (r'<form class="bd-search', "pydata-sphinx-theme: the enter key sends the search"),
    "no-dup-id": (r'id="proof-content"', "sphinx-proof: the statements of a page share an id"),
}


@pytest.fixture(scope="module")
def findings(node, book, pages):
    return node("html.js", str(book), given=pages)


def is_upstream(finding):
    pattern, _ = UPSTREAM.get(finding["rule"], (None, None))
    return pattern is not None and re.search(pattern, finding["source"]) is not None


def test_every_page_is_valid_but_for_named_faults_of_packages(findings):
    assert not [finding for finding in findings if not is_upstream(finding)]


def test_every_named_fault_is_still_there(findings):
    assert set(UPSTREAM) == {finding["rule"] for finding in findings}, "take mended faults out of the list"
