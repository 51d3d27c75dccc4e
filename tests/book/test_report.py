"""A report on a reader's own system: what it says, what it leaves out and why, and what it refuses to write over."""

import re
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from click.testing import CliRunner

from analysis.book.report import drawn, making
from analysis.book.report.subject import from_folder, system_in, system_of
from analysis.cli import commands_report
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.systems.quantities import evaluate

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
        page = making.report(system, home / "out", 2)
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
