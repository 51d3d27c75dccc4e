"""Pages speak of their edition: no chapter names a row, stand-ins are named, words that judge follow the numbers."""

import re
from functools import cache
from types import SimpleNamespace

import pytest
import yaml

from analysis.book import render
from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import paper
from analysis.evaluate.edition.reading import read_edition
from analysis.files import ROOT
from analysis.render import drafted_tables, one_page, sensitivity_tables, thesis_tables, verdict_tables
from analysis.render.page import template_functions
from tests.reader.rows import CHIP

FOLLOW = (
    *("index", "argument", "attention", "reordering", "experts", "memory", "serving", "interconnect", "skew", "pim"),
    *("onepage", "thesis", "guidelines", "verdict"),
)
LEDGER = ("verdict", "why", "verdict_number", "capacity_table", "capacity_pairs", "placement_table", "inverse_table")
PAPERS = ("summary", "ledger", "tables", "argument", "interconnect", "skew", "verdict")
BY_EDITION = (thesis_tables, verdict_tables, sensitivity_tables, drafted_tables, one_page)
WEIGHED = (*(word for each in BY_EDITION for word in each.BY_EDITION), "verdicts_table")
ALGEBRA = (
    *("equation", "both_orders", "crossing_equation", "sum_equation", "multiple_equation", "parts_equation"),
    *("proof", "flip", "limit_table", "bound_holds"),
)
OWN_SUBJECT = {"gpt-oss-20b", "gpt-oss-120b", "llama-4-maverick-chunked"}  # windows are what a section is about
ROW = re.compile(r"[\"']([a-z0-9][a-z0-9.-]*)[\"']")
GIVEN = {
    "mixture": {"model": "qwen3-235b-a22b", "accelerator": "h200-sxm5"},
    "dense": {"model": "llama-3.1-70b", "accelerator": "./chip.yml", "accelerators": ["mi325x"], "n_acc": 16},
    "bytes": {"model": "kimi-k2", "accelerator": "gb200-nvl72", "width": 1, "L": 32768, "B": 6400, "n_acc": 64},
}


class Left(str):
    """What stands for a table, a sentence or two numbers of the verdict."""

    def __getitem__(self, place):
        return 0.5


class Notes(dict):
    """Values of notebooks that did not run: a model where one is named, else a number."""

    def __missing__(self, name):
        return "gpt3-175b" if name.endswith("model") else 0.5

    def __getattr__(self, name):
        return self[name]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Render a page in an edition; what the ledger, the notebooks and the algebra say is left out."""
    folder, edition = tmp_path_factory.mktemp("editions"), {"paper": paper()}
    (folder / "chip.yml").write_text(yaml.safe_dump(CHIP | {"link": "nvlink4-h100"}))
    for name, given in GIVEN.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(given))
        edition[name] = read_edition(folder / f"{name}.yml")
    left_out = {name: lambda *given, **more: "LEFT OUT" for name in (*LEDGER, *ALGEBRA, "figure")}
    left_out |= {name: lambda *given: Left("LEFT OUT") for name in WEIGHED}

    @cache
    def rendered(page: str, name: str) -> str:
        with datasets.further(edition[name].own):
            names = template_functions({}, Notes(), edition[name]) | left_out
            return " ".join(render(ROOT / "book" / f"{page}.md", names).split())

    return rendered


@pytest.mark.parametrize("page", ["index", "pim", "memory"])
def test_a_page_is_the_same_bytes_whatever_was_rendered_before(pages, page):
    """In one process, which the real book never shares: the paper's after another's, an edition's after the paper's."""
    first = {name: pages(page, name) for name in ("paper", "dense")}
    again = {name: pages.__wrapped__(page, name) for name in ("dense", "paper")}
    assert again == first
    assert first["paper"] != first["dense"]


@pytest.mark.parametrize("page", FOLLOW)
def test_a_chapter_names_no_row(page):
    rows = {*datasets.models(), *datasets.accelerators(), *datasets.interconnects(), *datasets.scenarios()}
    template = (ROOT / "book" / f"{page}.md").read_text()
    typed = (rows - OWN_SUBJECT) & set(ROW.findall(template))
    assert not typed, "name edition.model, edition.accelerator, ... in place of a row"
    assert page == "argument" or not re.search(r"DeepSeek|GPT-3|Maverick|B200|NVLink", template), "a typed name"


@pytest.mark.parametrize("page", FOLLOW)
@pytest.mark.parametrize("name", GIVEN)
def test_a_chapter_speaks_of_the_edition(pages, page, name):
    text = pages(page, name)
    device = {"mixture": "H200 SXM5 141GB", "dense": "My chip", "bytes": "GB200"}[name]
    if page not in ("attention", "memory", "thesis"):
        assert device in text
    assert "B200 as printed" not in text
    assert not re.search(r"\bB200\b", text)


@pytest.mark.parametrize("page", ["experts", "skew", "pim", "interconnect", "serving", "verdict"])
def test_a_stand_in_for_experts_is_named_where_it_speaks(pages, page):
    assert "Llama 3.1 70B has no routed experts" in pages(page, "dense")
    assert "has no routed experts" not in pages(page, "mixture")
    assert "stand-in" not in pages(page, "paper")


@pytest.mark.parametrize("page", ["attention", "reordering", "verdict"])
def test_a_stand_in_for_latent_attention_is_named_where_it_speaks(pages, page):
    assert "Qwen3 235B-A22B has no latent attention" in pages(page, "mixture")
    assert "has no latent attention" not in pages(page, "bytes")


def test_models_that_have_all_parts_speak_for_themselves(pages):
    for page in ("reordering", "experts", "pim"):
        assert "DeepSeek" not in pages(page, "bytes"), page
    assert "DeepSeek" not in pages("experts", "mixture")


def test_what_limits_attention_follows_the_ridge(pages):
    """By hand: 2 (2 512 + 64) 128 FLOP over (512 + 64) w byte a cached token; Kimi K2 has 64 heads, its bytes are 1."""
    limit, chip = 2 * (2 * 512 + 64) * 128 / (576 * 2), CHIP["P_bf16"] * 1e3 / CHIP["BW_mem"]
    assert limit < chip
    assert "it waits for memory" in pages("index", "dense")
    kimi, gb200 = 2 * (2 * 512 + 64) * 64 / 576, 2500e3 / 8000
    assert kimi < gb200
    assert f"{100 * kimi / gb200:.0f} % of 312.5 FLOP per byte" in pages("index", "bytes")
    assert "it computes" not in pages("index", "bytes")


def test_element_widths_are_named_as_they_are(pages):
    assert "1-byte elements" in pages("attention", "bytes")
    assert "2-byte elements" not in pages("attention", "bytes")
    assert "2-byte elements" in pages("attention", "paper")


@pytest.mark.parametrize("page", PAPERS)
def test_what_weighs_the_papers_statements_says_so_in_every_other_edition(page):
    assert "{{ paper_setting(" in (ROOT / "book" / f"{page}.md").read_text()


def test_the_first_page_of_an_edition_says_what_it_was_built_from(pages):
    text = pages("index", "dense")
    assert "Edition: Llama 3.1 70B on My chip" in text
    assert "`make book EDITION=dense.yml`" in text
    assert "Edition:" not in pages("index", "paper")


def test_the_crossing_of_orders_is_put_in_words_that_follow_it():
    from analysis.render.edition_numbers import crossing_sentence

    assert "stays on the reordered side" in crossing_sentence(paper())
    short = SimpleNamespace(latent="deepseek-v3", B_each=1, L=16, device={"accelerator": "b200-sxm"})
    assert "stays on the reordered side" not in crossing_sentence(short)


def test_the_lead_of_the_device_ends_only_while_it_has_less_arithmetic():
    from analysis.render.edition_numbers import lead_ends

    assert lead_ends(paper()) == "32 FLOP per byte"
    assert lead_ends(paper(), 2250 / 256).startswith("no intensity at all")
