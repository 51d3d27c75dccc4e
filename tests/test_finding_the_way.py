"""What helps readers find their way: folds, the list of results, the glossary, previews."""

import re

import pytest
from bs4 import BeautifulSoup

from analysis.derive.attention import MECHANISMS
from analysis.derive.symbols import BY_NAME, MEANINGS
from analysis.errors import InputError
from analysis.files import ROOT
from analysis.render import equations, glossary_tables, previews, tables
from analysis.render.citing.block import block
from analysis.render.citing.words import words

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
PAGE = """<article>
<div class="math" id="equation-eq-a"><span class="eqno">(1)<a class="headerlink" href="#x">#</a></span>\\[a\\]</div>
<table id="tab-a"><caption>Rows.<a class="headerlink" href="#x">#</a></caption>{rows}</table>
<figure id="fig-a"><img alt="It rises." src="_images/a.svg">
<figcaption>A line. (Computed by <a href="b">b</a>.)</figcaption></figure>
<div class="proof" id="prop-a"><p onclick="x()">Let <a href="#c">it</a> be.</p><script>x()</script></div></article>"""


# -- folds -------------------------------------------------------------------------------------------
def test_a_fold_escapes_what_it_shows_and_leaves_out_what_is_not_there():
    page = BeautifulSoup(
        block(ENTRY, {"a.html#equation-eq-a": "#equation-eq-a", "pkg.a": "api.html#pkg.a"}.get), "html.parser"
    )
    assert [term.text for term in page.find_all("dt")] == ["Permalink", "Python", "Unit", "Assumes"]
    assert [text.text for text in page.find_all("pre")] == ["@misc{a}", "a &= b < c", "a = b"]
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
    assert re.findall(r"`((?:eq|tab)-\w)`\)", text) == ["tab-z", "eq-c", "eq-b"]
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
    importer = "".join(path.read_text() for path in (ROOT / "analysis" / "evaluate" / "huggingface").glob("*.py"))
    text = glossary_tables.symbols_elsewhere()
    for about in MEANINGS.values():
        assert not about.hugging_face or f'"{about.hugging_face}"' in importer, about
        assert not about.hugging_face or f"`{about.hugging_face}`" in text


def test_deepseeks_symbols_give_the_cache_that_its_report_prints():
    """DeepSeek-V2, Table 1: per token MLA keeps (d_c + d_h^R) l elements, GQA 2 n_g d_h l, MHA 2 n_h d_h l."""
    theirs = {symbol.name: about.deepseek for symbol, about in MEANINGS.items()}
    assert [theirs[name] for name in ("d_KVco", "d_RoPE", "n_dec")] == ["d_{c}", "d_{h}^{R}", "l"]
    assert [theirs[name] for name in ("n_kv", "d_hd", "n_hd")] == ["n_{g}", "d_{h}", "n_{h}"]
    assert [theirs[name] for name in ("n_e", "n_k", "n_shared")] == ["N_{r}", "K_{r}", "N_{s}"]


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


# -- previews ----------------------------------------------------------------------------------------
@pytest.fixture
def shown(tmp_path):
    rows = "".join(f"<tr><td>{i}</td></tr>" for i in range(9))
    (tmp_path / "a.html").write_text(PAGE.replace("{rows}", rows))
    symbols = '<td>\\(n\\)</td><td><span id="symbol-n"></span><code>n</code></td><td>heads (Table II)</td><td>1</td>'
    (tmp_path / "notation.html").write_text(f"<table><tr>{symbols}</tr></table>")
    entries = [{"place": f"a.html#{a}", "kind": k} for a, k in (("equation-eq-a", "equation"), ("tab-a", "table"))]
    entries += [{"place": f"a.html#{a}", "kind": k} for a, k in (("fig-a", "figure"), ("prop-a", "proposition"))]
    return previews.previews(tmp_path, entries)


def test_previews_hold_nothing_that_can_be_followed_or_run(shown):
    text = "".join(shown.values())
    assert not re.search(r"<a\b|<script|\bid=|onclick|headerlink", text)
    assert shown["a.html#prop-a"] == '<div class="proof"><p>Let it be.</p></div>'


def test_a_preview_is_short(shown):
    assert shown["a.html#tab-a"].count("<tr>") == previews.ROWS
    assert shown["a.html#tab-a"].endswith("<p>and 3 more rows</p>")
    assert shown["a.html#fig-a"] == '<img src="_images/a.svg" alt=""><p>A line.</p>'
    assert r"\[a\]" in shown["a.html#equation-eq-a"]
    assert "(1)" not in shown["a.html#equation-eq-a"]


def test_a_symbols_preview_is_its_row_as_a_sentence(shown):
    assert shown["notation.html#symbol-n"] == "<p>\\(n\\) (<span></span><code>n</code>): heads (Table II), in 1</p>"
