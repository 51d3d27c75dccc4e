"""Editions of the book: one mechanism for the paper's setting and a reader's own, refused or built apart."""

import json
import unicodedata
from pathlib import Path

import nbformat
import pytest
import yaml

from analysis import book, places
from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.claims import ledger as judging
from analysis.evaluate.edition.document import KEYS
from analysis.evaluate.edition.edition import paper
from analysis.evaluate.edition.notebooks import declared, parameters
from analysis.evaluate.edition.reading import read_edition
from analysis.files import BUILD, ROOT, fingerprint
from analysis.places import config_of, place_of, text_of
from analysis.render import explorer, tables
from tests.reader.rows import CHIP, LINK, SYSTEM

NOTEBOOKS = sorted((ROOT / "book" / "notebooks").glob("*.ipynb"))
OWN_DEFAULTS = {"B", "L", "deg_TP", "models", "accelerators"}  # each figure has a batch and lists that suit it
EDITIONS = {
    "mixture": {"model": "qwen3-235b-a22b", "accelerator": "h200-sxm5"},
    "dense": {"model": "llama-3.1-70b", "accelerator": "./chip.yml", "accelerators": ["mi325x"], "n_acc": 16},
    "latent": {"model": "kimi-k2", "accelerator": "gb200-nvl72", "link_between": "ib-ndr", "n_acc": 64, "L": 32768},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("editions")
    (place / "link.yml").write_text(yaml.safe_dump(LINK))
    (place / "chip.yml").write_text(yaml.safe_dump(CHIP | {"link": "./link.yml"}))
    for name, given in EDITIONS.items():
        (place / f"{name}.yml").write_text(yaml.safe_dump(given))
    return place


# -- the paper's setting is an edition -----------------------------------------------------------------
def test_the_papers_edition_is_what_notebooks_do_by_default():
    edition = paper()
    for path in NOTEBOOKS:
        assert parameters(edition, path) == {}
        for name, line in declared(path).items():
            default = yaml.safe_load(line["default"])
            if name in KEYS and name not in OWN_DEFAULTS and default not in (None, "None"):
                assert default == getattr(edition, name), f"{path.stem}: {name}"


def test_lists_of_models_begin_with_the_papers():
    lists = [declared(path)["models"]["default"] for path in NOTEBOOKS if "models" in declared(path)]
    assert lists.count(json.dumps(",".join(paper().models))) == len(lists) - 1, "all but that of the experts"


def test_without_an_edition_everything_lies_where_it_always_did():
    place = place_of(None)
    assert (place.html, place.stage, place.notebooks) == (BUILD / "html", BUILD / "stage", BUILD / "notebooks")
    assert config_of(None) == (ROOT / "_config.yml").read_bytes()


# -- an edition of a reader's own ----------------------------------------------------------------------
def test_what_is_left_out_is_the_papers_and_what_follows_follows(folder):
    edition = read_edition(folder / "mixture.yml")
    assert (edition.name, edition.title) == ("mixture", "Qwen3 235B-A22B on H200 SXM5 141GB")
    assert (edition.latent, edition.mixture, edition.link) == ("deepseek-v3", "qwen3-235b-a22b", "nvlink4-h100")
    assert edition.models == ("gpt3-175b", "llama-4-maverick", "deepseek-v3", "qwen3-235b-a22b")
    assert edition.accelerators[0] == "h200-sxm5"
    assert (edition.n_acc, edition.slo, edition.link_between) == (32, 0.05, "ib-xdr")


def test_a_model_that_cannot_speak_for_a_mechanism_has_a_stand_in(folder):
    edition = read_edition(folder / "dense.yml")
    assert (edition.model, edition.latent, edition.mixture) == ("llama-3.1-70b", "deepseek-v3", "deepseek-v3")
    with datasets.further(edition.own):
        given = {path.stem: parameters(edition, path) for path in NOTEBOOKS}
    for name in ("experts", "reordering", "diagrams"):
        assert given[name]["model"] == "deepseek-v3"
    assert given["intensity"]["model"] == "llama-3.1-70b"
    assert given["experts"]["models"] == "llama-4-maverick,deepseek-v3", "a model without experts reaches none"


def test_own_rows_count_among_ours_while_the_edition_is_built_and_only_then(folder):
    edition = read_edition(folder / "dense.yml")
    before = tables.accelerators_table()
    with datasets.further(edition.own):
        assert datasets.accelerator("my-chip").BW_mem == CHIP["BW_mem"]
        assert datasets.interconnect(datasets.accelerator("my-chip").link).BW_Int == LINK["BW_Int"]
        assert "`my-chip`" in tables.accelerators_table()
        assert "my-chip" not in datasets.shipped("accelerators")
    assert tables.accelerators_table() == before
    with pytest.raises(InputError, match="no row of"):
        datasets.accelerator("my-chip")


def test_a_system_of_ones_own_brings_the_rows_that_it_names(folder):
    (folder / "system.yml").write_text(yaml.safe_dump(SYSTEM))
    (folder / "ours.yml").write_text("scenario: ./system.yml\n")
    edition = read_edition(folder / "ours.yml")
    assert (edition.accelerator, edition.link, edition.n_acc, edition.L) == ("my-chip", "my-link", 64, 4096)
    assert {Path(path).name for path in edition.files} >= {"chip.yml", "link.yml"}


def test_the_page_rerun_shows_an_edition_that_can_be_built():
    """Followed literally: the file stands in the repository beside the row that it names; its command is printed."""
    path = ROOT / "data" / "examples" / "ours.yml"
    edition = read_edition(path)
    assert (edition.name, edition.accelerator, edition.link_between) == ("ours", "my-chip", "roce-400")
    assert {each.parent for each in edition.files} == {path.parent}
    page = (ROOT / "book" / "rerun.md").read_text()
    assert 'example("ours.yml")' in page
    assert f"make book EDITION={path.relative_to(ROOT)}\n" in page
    assert f"`_build/editions/{edition.name}/html`" in page


def test_the_explorer_opens_with_the_edition(folder, monkeypatch):
    monkeypatch.setattr(explorer, "function", lambda nested: "")  # no edition changes the functions
    monkeypatch.setattr(explorer, "forms", lambda setting: {})
    edition = read_edition(folder / "latent.yml")
    start = json.loads(explorer.script(edition).partition("study.start = ")[2].partition(";\n")[0])
    assert (start["model"], start["accelerator"], start["L"]) == ("kimi-k2", "gb200-nvl72", 32768)
    assert start["deg_TP"] * start["deg_DP"] == 64


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", EDITIONS)
def test_every_notebook_takes_what_an_edition_gives_it(folder, name, path):
    edition = read_edition(folder / f"{name}.yml")
    first, second, *_ = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    names: dict = {}
    exec(first, names)
    del names["__builtins__"]
    with datasets.further(edition.own):
        given = parameters(edition, path)
        assert set(given) <= set(names)
        exec(second, names | given)


def test_a_scenario_gives_what_other_keys_do_not(tmp_path):
    (tmp_path / "e.yml").write_text("scenario: gpt3-32-ib\nn_acc: 64\n")
    edition = read_edition(tmp_path / "e.yml")
    assert (edition.model, edition.n_acc, edition.deg_TP, edition.L) == ("gpt3-175b", 64, 8, 8192)


# -- side by side --------------------------------------------------------------------------------------
def test_two_editions_share_no_place_and_differ_in_what_they_depend_on(folder):
    editions = [None, *(read_edition(folder / f"{name}.yml") for name in EDITIONS)]
    places = [place_of(edition) for edition in editions]
    for part in ("stage", "notebooks", "html", "stamp", "config", "made"):
        assert len({getattr(place, part) for place in places}) == len(places), part
    assert len({text_of(edition) for edition in editions}) == len(editions)
    assert text_of(editions[1]) == text_of(read_edition(folder / "mixture.yml"))


def test_building_an_edition_writes_into_its_own_place_alone(folder, tmp_path, monkeypatch):
    """What stands between the notebooks and Sphinx is put into the place; the paper's book and another edition stay."""
    kept = {tmp_path / "html" / "index.html": b"paper", tmp_path / "editions" / "latent" / "html" / "index.html": b"K2"}
    for path, content in kept.items():
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    monkeypatch.setattr(places, "BUILD", tmp_path)
    monkeypatch.setattr(book, "_notebooks", lambda place, jobs, edition: [])
    monkeypatch.setattr(book, "staged", lambda executed, edition: {"index.md": edition.title.encode()})
    monkeypatch.setattr(book, "_sphinx", _copied)
    edition = read_edition(folder / "mixture.yml")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    first = book.build(edition=edition)
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert first == tmp_path / "editions" / "mixture" / "html" / "index.html"
    assert new
    assert all(path.is_relative_to(tmp_path / "editions" / "mixture") for path in new)
    assert {path: path.read_bytes() for path in kept} == kept


def _copied(place, edition) -> None:
    """In place of Sphinx: the staged pages as they are."""
    for path in place.stage.iterdir():
        (place.html / path.name).parent.mkdir(parents=True, exist_ok=True)
        (place.html / path.name).write_bytes(path.read_bytes())
    (place.html / "index.html").write_bytes(b"made")


def test_an_own_row_that_changes_makes_the_book_stale(folder):
    edition = read_edition(folder / "dense.yml")
    before = fingerprint(edition.files)
    assert {path.name for path in edition.files} == {"chip.yml", "link.yml"}
    (folder / "link.yml").write_text(yaml.safe_dump(LINK | {"BW_Int": 501}))
    assert fingerprint(edition.files) != before
    (folder / "link.yml").write_text(yaml.safe_dump(LINK))


def test_each_page_of_an_edition_says_so(folder):
    config = yaml.safe_load(config_of(read_edition(folder / "mixture.yml")))
    assert config["title"].endswith("(Qwen3 235B-A22B on H200 SXM5 141GB)")
    assert "Qwen3" in config["sphinx"]["config"]["html_theme_options"]["announcement"]


@pytest.mark.parametrize("title", ["B\u00fcro \u2013 K\u00f6ln", "Mu\u0308ller\u2019s chip"])
def test_a_title_may_be_in_any_language(tmp_path, title):
    (tmp_path / "e.yml").write_text(f"title: {title}\n")
    assert read_edition(tmp_path / "e.yml").title == unicodedata.normalize("NFC", title)


def test_the_ledger_does_not_see_an_edition(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(judging, "_found", lambda id_: seen.append("my-chip" in datasets.accelerators()))
    with datasets.further(read_edition(folder / "dense.yml").own):
        judging.ledger.__wrapped__()
        assert "my-chip" in datasets.accelerators()
    assert seen == [False] * len(datasets.claims())
