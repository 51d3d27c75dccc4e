"""A report on a reader's own system: what it says, what it leaves out and why, and what it refuses to write over."""

import itertools
import json
import re
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from click.testing import CliRunner

from analysis.ask.setting import Setting
from analysis.book.report import drawn, making
from analysis.book.report.sheet import told
from analysis.book.report.subject import from_folder, system_in, system_of
from analysis.cli import commands_report
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.huggingface.model_files import import_model
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate
from analysis.thesis.verdict import judged_on, verdicts
from tests.huggingface.configurations import PUBLISHED

CHOSEN = ("memory", "experts")
GIVEN = {"model": "llama-3.1-8b", "accelerator": "./chip.yml", "link": "nvlink5-b200", "n_acc": 4, "L": 4096}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report by two notebooks, of which one does not apply: the model has no experts."""
    home = tmp_path_factory.mktemp("mine")
    (home / "chip.yml").write_text((ROOT / "data/examples/chip.yml").read_text().replace("link.yml", "nvlink5-b200"))
    (home / "mine.yml").write_text(yaml.safe_dump(GIVEN))
    system = system_of(system_in(home / "mine.yml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn, "notebooks", lambda: [drawn.NOTEBOOKS / f"{name}.ipynb" for name in CHOSEN])
        page = making.report(system, home / "out", 1)
    return SimpleNamespace(system=system, page=page, soup=BeautifulSoup(page.read_text(), "html.parser"), home=home)


def test_the_page_speaks_of_the_readers_system(made):
    text = " ".join(made.soup.get_text(" ").split())
    best = made.system.plans[0]
    assert made.soup.h1.text == "Llama 3.1 8B on 4 x My chip"
    assert f"{best.batch:,} requests at once" in text
    assert evaluate("tpot", made.system.served).value == pytest.approx(best.tpot, rel=1e-9)
    assert f"a token every {1e3 * best.tpot:.4g} ms" in text


def test_terms_are_shares_of_the_time_of_a_token(made):
    table = made.soup.find("h2", string="Where a token's time goes").find_next("table")
    cells = [[cell.text for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    assert sum(float(row[1].split()[0]) for row in cells) == pytest.approx(1e3 * made.system.plans[0].tpot, rel=0.01)
    assert cells[0][0] == "core attention"


def test_a_notebook_that_does_not_apply_says_why(made):
    assert "has no routed experts" in made.soup.find("h2", string="What does not apply").find_next("ul").text
    assert [head.text for head in made.soup.find_all("h3")] == ["Memory"]


def test_files_of_the_page_are_there_and_carry_the_readers_numbers(made):
    links = {link.get("href") or link.get("src") for link in made.soup.find_all(["a", "img"])}
    assert len(links) > 5
    assert all((made.page.parent / link).is_file() for link in links)
    notebook = nbformat.read(made.page.parent / "notebooks" / "memory.ipynb", as_version=4)
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert not re.search(r"(src|href)=.(https?:)?//", made.page.read_text()), "the page needs no network"


def test_the_system_file_asks_for_the_same_report(made):
    again = system_of(system_in(made.page.parent / "system.yml"))
    assert again.setting.echo == made.system.setting.echo


def test_a_scenario_is_a_system(tmp_path):
    found = system_of(from_folder({"scenario": "r1-32"}, tmp_path))
    assert (found.setting.model.id, found.setting["n_acc"], found.setting["L"]) == ("deepseek-v3", 32, 8192)


# -- read as its reader does ------------------------------------------------------------------------
FP8 = PUBLISHED["glm-4.5-air"] | {"quantization_config": {"quant_method": "fp8"}, "num_nextn_predict_layers": 1}
READERS = {
    "dense": {"model": "llama-3.1-70b", "accelerator": "mi325x", "n_acc": 1, "width": 1, "slo": 0.2},
    "windowed": {"model": "gpt-oss-20b", "accelerator": "h100-sxm5", "n_acc": 2, "windows": "full", "L": 4096},
    "latent": {"model": "deepseek-v2-lite", "accelerator": "mi325x", "n_acc": 4},
    "imported": {"accelerator": "h200-sxm5", "n_acc": 8, "format": "served"},
}


@pytest.fixture(scope="module", params=READERS)
def read(request, tmp_path_factory):
    """A page with one notebook of figures, as text: its system, the whole, and each section by its heading."""
    home, given = tmp_path_factory.mktemp(request.param), dict(READERS[request.param])
    if request.param == "imported":
        (home / "config.json").write_text(json.dumps(FP8))
        given["model"] = str(home / "mine.yml")
        import_model(home / "config.json", given["model"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn, "notebooks", lambda: [drawn.NOTEBOOKS / f"{each}.ipynb" for each in ("intensity", "skew")])
        page = making.report(system_of(given), home / "out", 1)
    soup = BeautifulSoup(page.read_text(), "html.parser")
    soup.style.decompose()
    parts = {head.text: _until_next(head) for head in soup.find_all("h2")}
    return SimpleNamespace(kind=request.param, text=" ".join(soup.body.get_text(" ").split()), parts=parts)


def _until_next(head) -> str:
    found = itertools.takewhile(lambda each: each.name != "h2", head.find_next_siblings())
    return " ".join(" ".join(each.get_text(" ") for each in found).split())


def test_no_sentence_of_a_page_misfits_its_model(read):
    assert not re.findall(r"\bnan\b|\binf\b|\bNone\b|\b1 requests|\b1 accelerators|; choose |_ffn|\{|\[\]", read.text)
    judged = read.parts["What the book concludes, judged here"]
    assert "NVLink" not in judged
    assert "InfiniBand" not in judged
    assert ("expert" in read.parts["Where a token's time goes"]) == (read.kind != "dense")
    assert ("deg_EP" in read.parts["How to serve it"]) == (read.kind != "dense")
    assert judged.count("It speaks of models with") == {"dense": 12, "latent": 0}.get(read.kind, 9)
    assert judged.count("It holds ") == {"dense": 0, "latent": 11}.get(read.kind, 3)
    assert judged.count("It cannot be judged here") == (read.kind == "latent")


def test_what_a_figure_was_drawn_with_stands_under_it(read):
    shown = read.parts["What the notebooks show"]
    assert ("width_weights=1" in shown) == (read.kind == "imported")
    assert shown.count("Drawn without windows=full") == (2 if read.kind == "windowed" else 0)
    assert read.text.count("omits what its file has") == (read.kind == "imported")


def test_what_a_model_is_published_in_is_said_once_of_a_whole_step_and_in_names(read):
    limits = read.parts["What limits it"]
    assert limits.count("is published with") == (read.kind == "windowed")
    assert not re.findall(rf"(?<![=\w-])(?:{'|'.join(datasets.accelerators())})(?![\w-])", limits)


def test_the_ridge_point_of_a_reader_is_that_of_its_heads_by_hand():
    """16 heads of 512 + 64 and 512 over 576 cached elements, against 8K tokens, two bytes each."""
    setting = system_of(READERS["latent"]).served
    (computes,) = [each for each in told(setting) if "compute-bound" in each.statement]
    flops, moved = 2 * 16 * (576 + 512) * 8192, 2 * (576 * 8192 + 16 * (576 + 512))
    assert computes.places == [
        f"At 8K, by the ridge point of the accelerator: below a ridge point of {flops / moved:.3g} FLOP/byte"
    ]


@pytest.mark.parametrize("name", ["no-longer", "wires", "tensor", "not-needed", "drafts"])
def test_the_book_s_own_system_as_a_reader_s_is_judged_as_in_the_book(name):
    here = next(each for each in judged_on(Setting.of(**paper().system())) if each.conclusion.name == name)
    book = next(each for each in verdicts() if each.conclusion.name == name)
    known = [(line.axis.name, line.place, found) for line, found in book.boundaries]
    assert len(here.boundaries) > 1
    assert all((line.axis.name, line.place, found) in known for line, found in here.boundaries)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["accelerator=b200-sxm"], "needed: model=, n_acc="),
        (["model=deepseek-v3", "accelerator=b200-sxm", "n_acc=32", "B=64"], "a plan chooses B and deg_DP itself"),
        (["model=deepseek-v3", "accelerator=b200-sxm", "n_acc=1"], "give more accelerators"),
        (["model=nobody", "accelerator=b200-sxm", "n_acc=8"], "nobody"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_a_sentence(arguments, says, tmp_path):
    done = CliRunner().invoke(commands_report.report, [*arguments, "-o", str(tmp_path / "out")])
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path, made):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other things than a report"):
        making.checked(tmp_path)
    assert making.checked(tmp_path, replace=True) == tmp_path
    assert making.checked(made.page.parent) == made.page.parent
    with pytest.raises(InputError, match="found the file to read in it"):
        making.checked(made.page.parent, made.page.parent / "system.yml", replace=True)
