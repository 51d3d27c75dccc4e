"""What helps readers find their way: folds, the list of results, the glossary."""

import re
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.core import publish_doctree
from docutils.utils import new_document

from analysis.book.cards import name_cells
from analysis.book.citing.citing_words import block, words
from analysis.book.reading_aids import keep_units, link_terms
from analysis.derive.attention import MECHANISMS
from analysis.derive.symbols import BY_NAME, MEANINGS
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render import equations, glossary_tables, tables

ENTRY = {
    "label": "eq-a",
    "kind": "equation",
    "place": "a.html#equation-eq-a",
    "statement": "a is b",
    "python": "pkg.a",
    "call": "a('<x>')",
    "unit": "byte",
    "paper": "",
    "assumptions": {"order": "reordered"},
    "latex": "a &= b < c",
    "sympy": "a = b",
    "bibtex": "@misc{a}",
}


# -- folds -------------------------------------------------------------------------------------------
def test_a_fold_escapes_what_it_shows_and_leaves_out_what_is_not_there():
    page = BeautifulSoup(
        block(ENTRY, {"a.html#equation-eq-a": "#equation-eq-a", "pkg.a": "api.html#pkg.a"}.get), "html.parser"
    )
    assert [term.text for term in page.find_all("dt")] == ["Permalink", "Python", "Unit", "Assumes"]
    assert [text.text for text in page.find_all("pre")] == ["@misc{a}", "a &= b < c"]
    assert page.find("a", href="api.html#pkg.a").text == "pkg.a"
    assert "a('<x>')" in page.text
    assert not page.find("x")


# -- the list of results -----------------------------------------------------------------------------
def test_the_list_of_results_follows_the_book():
    second = ENTRY | {"label": "eq-b", "place": "ridge.html#equation-eq-b", "statement": "b is c"}
    first = ENTRY | {"label": "eq-c", "place": "ridge.html#equation-eq-c", "statement": "c is d"}
    elsewhere = ENTRY | {"label": "tab-z", "kind": "table", "place": "attention.html#tab-z"}
    pages = {"ridge.md": "# Ridge\n:label: eq-c\n:label: eq-b\n", "attention.md": "# Attention\n:name: tab-z\n"}
    found = words([second, first, elsewhere], pages)
    text = found["results_list"]()
    assert re.findall(r"`((?:eq|tab)-\w)`\)", text) == ["eq-c", "eq-b", "tab-z"]
    assert "## [Ridge](/ridge.md)" in text
    assert "- {eq}`eq-c` (`eq-c`): C is d" in text
    assert found["results_count"]("equation") == "2"
    with pytest.raises(InputError, match="there is no such kind; allowed are proposition, equation"):
        found["results_count"]("lemma")
    with pytest.raises(InputError, match=r"cite_result\('eq-q'\): the book has no such label"):
        found["cite_result"]("eq-q")


# -- symbols and the glossary ------------------------------------------------------------------------
def test_a_symbol_in_a_sentence_leads_to_its_row():
    rows = tables.symbols_table()
    for name in BY_NAME:
        assert f'href="notation.html#symbol-{name}"' in equations.symbol(name)
        assert rows.count(f'id="symbol-{name}"') == 1


def test_the_glossary_names_hugging_faces_keys_as_the_importer_reads_them():
    importer = "".join(path.read_text() for path in (ROOT / "analysis" / "huggingface").glob("*.py"))
    families = re.findall(r"\w+", (ROOT / "data" / "families.yml").read_text())
    text = glossary_tables.symbols_elsewhere()
    for about in MEANINGS.values():
        assert not about.hugging_face or f'"{about.hugging_face}"' in importer or about.hugging_face in families, about
        assert not about.hugging_face or f"`{about.hugging_face}`" in text


REPORTED_CACHE = {  # DeepSeek-V2, Table 1: elements of a token in one of l layers, a product of factors each
    "MHA": [("n_{h}", "d_{h}"), ("n_{h}", "d_{h}")],
    "GQA": [("n_{g}", "d_{h}"), ("n_{g}", "d_{h}")],
    "MLA": [("d_{c}",), ("d_{h}^{R}",)],
}
REPORTED_SHAPES = {  # DeepSeek-V2, Secs 2.1.1 to 2.1.3: rows and columns of each matrix
    "W^{DQ}": ("d_{c}'", "d"),
    "W^{UQ}": ("d_{h}", "n_{h}", "d_{c}'"),
    "W^{QR}": ("d_{h}^{R}", "n_{h}", "d_{c}'"),
    "W^{DKV}": ("d_{c}", "d"),
    "W^{KR}": ("d_{h}^{R}", "d"),
    "W^{UK}": ("d_{h}", "n_{h}", "d_{c}"),
    "W^{UV}": ("d_{h}", "n_{h}", "d_{c}"),
    "W^{O}": ("d", "d_{h}", "n_{h}"),
}


def theirs(tensor):
    """A tensor's axes in DeepSeek's symbols, without those of requests and tokens."""
    return tuple(sorted(MEANINGS[axis].deepseek for axis in tensor.axes if axis.name not in ("B", "L", "l")))


@pytest.mark.parametrize("name", REPORTED_CACHE)
def test_deepseeks_symbols_give_the_cache_that_its_report_prints(name):
    kept = sorted(theirs(tensor) for tensor in MECHANISMS[name].cache)
    assert kept == sorted(tuple(sorted(factors)) for factors in REPORTED_CACHE[name])


def test_deepseeks_matrices_have_the_shapes_that_its_report_prints():
    lines = [line for stage in MECHANISMS["MLA"].stages("reordered").values() for line in stage]
    weights = {tensor.name: tensor for line in lines for tensor in line.used if tensor.kind == "weights"}
    found = {matrix: theirs(weights[name]) for name, (_, _, matrix, _) in glossary_tables.WEIGHTS.items()}
    assert found == {matrix: tuple(sorted(axes)) for matrix, axes in REPORTED_SHAPES.items()}


def test_deepseeks_symbols_of_experts_and_layers_are_those_of_its_report():
    """DeepSeek-V2, Sec. 2.2: N_r routed and N_s shared experts, K_r activated, in D groups; Sec. 2.1.1: l layers."""
    symbols = {name: MEANINGS[BY_NAME[name]].deepseek for name in ("n_e", "n_shared", "n_k", "deg_EP", "n_dec")}
    assert list(symbols.values()) == ["N_{r}", "N_{s}", "K_{r}", "D", "l"]


def test_the_glossary_has_every_weight_of_latent_attention_once():
    stages = MECHANISMS["MLA"].stages("reordered").values()
    weights = {
        tensor.name for stage in stages for line in stage for tensor in line.used if tensor.name.startswith("W_")
    }
    assert set(glossary_tables.WEIGHTS) == weights


def test_every_term_of_the_glossary_is_in_order_and_once():
    text = (ROOT / "book" / "glossary.md").read_text().partition("{glossary}")[2].partition("```")[0]
    terms = re.findall(r"^(\S.*)$", text, flags=re.M)
    assert terms == sorted(terms, key=str.lower)
    assert len(terms) == len(set(terms)) > 25
    assert set(re.findall(r"\{term\}`(.+?)`", text)) <= set(terms)


# -- links to the glossary -----------------------------------------------------------------------------
class Terms:
    """As much of Sphinx as `link_terms` asks for: a glossary of two terms, and addresses."""

    def __init__(self):
        places = {("term", name): ("glossary", f"term-{name.replace(' ', '-')}") for name in ("batch", "KV cache")}
        self.env = SimpleNamespace(get_domain=lambda name: SimpleNamespace(objects=places))
        self.builder = SimpleNamespace(get_relative_uri=lambda page, document: f"{document}.html")


def linked(page, *parts):
    """The links that a page of these parts gets: what is shown, and where it leads."""
    document = new_document("page")
    document.extend(parts)
    link_terms(Terms(), document, page)
    return [(link.astext(), link["refuri"]) for link in document.findall(nodes.reference)], document.astext()


def test_no_line_breaks_between_a_number_and_its_unit_but_in_code():
    code = nodes.literal("", "M_cap=9.21 GB")
    document = new_document("page")
    document += nodes.paragraph(
        "", "", nodes.Text("It holds 9.21 GB, 5 B200 at 800 Gb/s, 18.5 million in 3 steps: "), code
    )
    document += nodes.table("", nodes.entry("", nodes.paragraph("", "8 FLOP/byte, 4–6 %, 5%, a%20b, 1%20")))
    keep_units(None, document)
    shown, listed = (
        "It holds 9.21~GB, 5 B200 at 800~Gb/s, 18.5~million in 3 steps: M_cap=9.21 GB",
        "8~FLOP/byte, 4–+6~%, 5~%, a%20b, 1%20",
    )
    assert document.astext().translate({0x202F: "~", 0x2060: "+"}).split("\n\n") == [shown, listed]


def test_the_first_use_of_a_term_in_a_chapter_leads_to_the_glossary():
    text = "Batching: batches fill the KV cache."
    links, shown = linked("memory", nodes.paragraph("", text), nodes.paragraph("", "The batch, the KV cache."))
    assert links == [("batches", "glossary.html#term-batch"), ("KV cache", "glossary.html#term-KV-cache")]
    assert shown.partition("\n")[0] == text


def test_headings_links_and_tables_stay_as_they_are():
    inside = nodes.table("", nodes.paragraph("", "a batch"))
    link = nodes.paragraph("", "", nodes.reference("", "a batch", refuri="x"))
    assert linked("memory", nodes.title("", "The batch"), inside, link)[0] == [("a batch", "x")]
    assert linked("notebooks/memory", nodes.paragraph("", "a batch"))[0] == []


WORDY = """
=====  =====  ===========
claim  ours   why
=====  =====  ===========
C001   138.9  {}
C002   153    as above
=====  =====  ===========
"""


@pytest.mark.parametrize(("letters", "cards"), [(20, False), (85, True)])
def test_a_table_of_words_names_its_cells_and_one_of_numbers_does_not(letters, cards):
    ruled = WORDY.replace("===========", "=" * letters).format("x" * letters)
    tree = publish_doctree(ruled)
    name_cells(None, tree, "page")
    table = next(tree.findall(nodes.table))
    cells = [each.get("column") for each in table.findall(nodes.entry)]
    head = [None] * 3
    assert cells == (head + [None, "ours", "why"] * 2 if cards else head * 3)
    assert ("cards" in table["classes"]) is cards


def test_a_card_leaves_out_what_a_row_does_not_say():
    tree = publish_doctree(WORDY.format("x" * 11).replace("as above", "–" + "x" * 85).replace("153 ", "–   "))
    name_cells(None, tree, "page")
    absent = [each.astext() for each in tree.findall(nodes.entry) if "absent" in each["classes"]]
    assert absent == ["–"]
