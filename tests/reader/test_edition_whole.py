"""A whole edition read as its reader would: a system so small that models, contexts and batches do not fit it."""

import csv
import io
import re
from math import isfinite

import pytest
import yaml

from analysis.book import render
from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import paper
from analysis.evaluate.edition.reading import read_edition
from analysis.files import ROOT
from analysis.render import show
from analysis.render.page import template_functions
from tests.reader.rows import CHIP
from tests.reader.whole import NOTEBOOKS, exported

PAGES = ("thesis", "guidelines")
RUN = [path for path in NOTEBOOKS if path.stem.startswith("thesis_") or path.stem == "intensity"]
NO_NUMBER = re.compile(r"\b(?:nan|inf|zoo|None|oo)\b|∞|\[\]")
SAME_TWICE = re.compile(r"\b(\d[\d.,]*) to \1\b(?![.,]?\d)")
LEDGER = ("verdict", "verdicts_table")  # the same in every edition, and slow


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Pages, figures and notes of the edition."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "chip.yml").write_text(yaml.safe_dump(CHIP | {"M_cap": 96, "link": "nvlink4-h100"}))
    (folder / "small.yml").write_text("model: llama-3.1-8b\naccelerator: chip.yml\nn_acc: 8\nL: 2048\n")
    edition = read_edition(folder / "small.yml")
    with pytest.MonkeyPatch.context() as patch, datasets.further(edition.own):
        patch.setattr(show, "_svg", lambda figure: "")
        figures, notes = exported(edition, RUN)
        names = template_functions(figures, notes, edition) | dict.fromkeys(LEDGER, lambda *given: "")
        pages = {page: render(ROOT / "book" / f"{page}.md", names) for page in PAGES}
        yield edition, pages, figures, notes, names["banner"]()


def prose(text: str) -> str:
    """A page without mathematics, on one line."""
    return " ".join(re.sub(r"```\{math\}.*?```|\$[^$]*\$", " ", text, flags=re.S).split())


def test_models_that_do_not_fit_are_left_out_and_named(small):
    edition, _, _, _, banner = small
    assert edition.models == ("gpt3-175b", "llama-3.1-8b")
    assert edition.left_out == ("llama-4-maverick", "deepseek-v3")
    assert "not compared: Llama 4 Maverick 17B-128E and DeepSeek-V3 and R1 of the paper" in banner
    assert all(edition.fits(model) for model in (*edition.models, edition.latent, edition.mixture))
    assert not any(edition.fits(model) for model in edition.left_out)


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_holds_a_number_that_is_none(small, page):
    text = prose(small[1][page])
    assert not (found := NO_NUMBER.search(text)), text[max(0, found.start() - 120) : found.end() + 40]


@pytest.mark.parametrize("page", PAGES)
def test_no_range_has_equal_ends(small, page):
    own = "\n".join(line for line in small[1][page].splitlines() if not line.startswith((":alt:", "Throughput", "|")))
    assert not (found := SAME_TWICE.search(own)), found


@pytest.mark.parametrize("page", PAGES)
def test_only_models_of_the_edition_are_spoken_of(small, page):
    """The note on the paper's setting speaks of others, and the table of every kind of attention."""
    edition, pages = small[:2]
    text = re.sub(r":::\{admonition\} The paper's setting.*?:::", "", pages[page], flags=re.S)
    allowed = {*edition.models, edition.latent, edition.mixture}
    for row in datasets.shipped("models").values():
        if row.id not in allowed and f"`{row.id}`" in text:
            assert (page, row.attention) == ("thesis", "MLA_direct"), row.id
    assert "DeepSeek-V3" not in text


def test_every_figure_has_points_and_texts_without_nothing(small):
    for label, (_, figure) in small[2].items():
        rows = list(csv.reader(io.StringIO(figure.csv)))[1:]
        assert any(_finite(cell) for row in rows for cell in row), label
        for text in (figure.caption, figure.alt):
            assert not NO_NUMBER.search(text), (label, text)


def _finite(cell: str) -> bool:
    try:
        return isfinite(float(cell)) and float(cell) != 0
    except ValueError:
        return False


def test_no_caption_reads_latent_attention_as_printed_where_it_is_drawn_reordered(small):
    edition, _, figures = small[:3]
    for label, (_, figure) in figures.items():
        if "order=as_printed" in figure.caption:
            assert edition.latent not in figure.alt, label


def test_schedules_are_tried_at_batches_that_fit(small):
    edition, _, figures, notes = small[:4]
    assert notes["thesis_schedule_tried"] > 0
    batches = {float(row["B"]) for row in csv.DictReader(io.StringIO(figures["fig-thesis-schedule"][1].csv))}
    assert len(batches) >= 3
    assert max(batches) <= edition.capacity(edition.mixture, edition.L)


def test_the_interaction_is_less_than_1_on_the_side_that_the_page_names(small):
    _, pages, figures, notes, _ = small
    ends = re.findall(r"([\d.]+) to ([\d.]+) \(active\)", figures["fig-thesis-attribution"][1].alt)[-1]
    first, last = map(float, ends)
    side = re.search(r"It is less than 1 (below|beyond|at no|at every)", prose(pages["thesis"]))[1]
    assert side == {(1, 0): "below", (0, 1): "beyond"}.get((first < 1, last < 1), side)
    assert notes["thesis_active_rises"] in (True, False)


def test_the_paper_has_all_its_models():
    assert paper().left_out == ()
    assert all(paper().fits(model) for model in paper().models)
