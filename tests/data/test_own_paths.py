"""Rows by path wherever a row is named: lists of notebooks, links of links, whole systems, calibrations."""

from pathlib import Path

import pytest
import yaml

from analysis.ask.asked import asked
from analysis.ask.own_names import located, own_files
from analysis.ask.setting import Setting
from analysis.cli.library_tables import table
from analysis.data import datasets
from analysis.data.calibrations import as_csv, calibrations
from analysis.derive.symbols import deg_DP, n_acc
from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate
from analysis.thesis.kinds import kinds
from tests.reader.rows import CHIP, LINK, SYSTEM, declaring

EXAMPLES = datasets.DATA / "examples"


def test_a_reference_is_an_id_or_a_path_with_or_without_a_dot(written, tmp_path):
    written("link.yml", LINK)
    for number, link in enumerate(("link.yml", "./link.yml", f"../{tmp_path.name}/link.yml")):
        chip = written(f"chip{number}.yml", CHIP | {"link": link, "id": f"chip-{number}"})
        assert Setting.of(accelerator=chip).link.BW_Int == 500
    for link in ("nvlink9", "./missing.yml"):
        with pytest.raises(InputError, match=r"chip.yml.*column link: .*(nvlink9|missing.yml)"):
            datasets.accelerator(written("chip.yml", CHIP | {"link": link}))


def test_a_system_by_path_gives_what_its_parameters_give(written):
    chip, link = written("chip.yml", CHIP), written("link.yml", LINK)
    system = written("system.yml", SYSTEM)
    apart = {"model": "deepseek-v3", "accelerator": chip, "link": link, "n_acc": 64, "deg_EP": 32, "L": 4096}
    assert evaluate("tpot", scenario=system, B=64).value == evaluate("tpot", B=64, **apart).value
    assert (
        evaluate("tpot", scenario=system, B=64, n_acc=32).value == evaluate("tpot", B=64, **apart | {"n_acc": 32}).value
    )
    assert Setting.of(scenario=system, link=None).link is None
    with pytest.raises(InputError, match="deg_DP"):
        Setting.of(scenario=written("bad.yml", SYSTEM | {"deg_DP": 32}))


@pytest.mark.parametrize("name", datasets.scenarios())
def test_the_papers_systems_are_scenarios(name):
    row, setting = datasets.scenario(name), Setting.of(scenario=name)
    assert setting.point[n_acc] == row.n_acc
    assert setting.point[deg_DP] == row.deg_DP
    assert setting.model.id == row.model
    assert (setting.link.id, setting.two_levels) == (row.link, row.link_between is not None)


def test_a_calibration_by_path_is_the_shipped_one_where_the_cells_are_equal(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(as_csv(calibrations().values()))
    given = {"scenario": "r1-32", "B": 64}
    assert (
        evaluate("tpot", calibration=str(path), **given).value
        == evaluate("tpot", calibration="published", **given).value
    )
    path.write_text("id\nx\n")
    with pytest.raises(InputError, match=r"mine.csv"):
        evaluate("tpot", calibration=str(path), **given)


def test_lists_of_a_notebook_take_paths_beside_ids(written):
    chip = written("chip.yml", CHIP)
    names = {"model": "deepseek-r1", "models": "deepseek-v3, llama-2-7b", "accelerators": f"{chip},b200-sxm"}
    question = asked(declaring(*names) | names)
    assert [each.accelerator.id for each in question.settings("accelerators")] == ["my-chip", "b200-sxm"]
    assert [each.model.id for each in question.compared("models")] == ["deepseek-v3", "llama-2-7b"]
    with pytest.raises(InputError, match=r"accelerators .*my-chip.yml: found no readable file"):
        asked(declaring("accelerators") | {"accelerators": chip.replace("chip", "my-chip")})


def test_a_path_works_in_a_list_wherever_a_name_does(written, tmp_path):
    """As text and as a list, read from where it was typed; its file is told, so that a change is noticed."""
    chip = written("chip.yml", CHIP)
    model = written("model.yml", _cells("llama-2-7b"))
    for given in ("deepseek-v3,./model.yml", ["deepseek-v3", "./model.yml"], ("deepseek-v3", "./model.yml")):
        names = {"models": located("models", given, tmp_path), "accelerator": chip}
        question = asked(declaring(*names) | names)
        assert [each.model.id for each in question.compared("models")] == ["deepseek-v3", "own-model"]
        assert own_files("models", names["models"]) == [Path(model)]
        (own,) = [each for each in kinds(_served(chip), question["models"], 1024) if each.setting["model"] == model]
        assert own.setting.model.attention == "MHA"
    found = table("kv_bytes_per_token", over={"model": ["llama-2-7b", model]})
    assert len({*found["kv_bytes_per_token"].to_pylist()}) == 1


def _cells(model: str) -> dict:
    """The file of a shipped model, under another id and without what was published of it."""
    found = yaml.safe_load((datasets.DATA / "models" / f"{model}.yml").read_text())
    own = {name: cell for name, cell in found.items() if not name.startswith(("published", "exact", "aliases"))}
    return own | {"id": "own-model"}


def _served(chip: str) -> Setting:
    return Setting.of(accelerator=chip, link="nvlink5-b200", n_acc=8, accelerator_experts="pim-paper")


def test_paths_are_read_from_where_they_were_typed(tmp_path):
    assert located("models", "gpt3-175b, ./a.yml", tmp_path) == f"gpt3-175b,{tmp_path}/a.yml"
    assert located("model", "a/b.csv", tmp_path) == f"{tmp_path}/a/b.csv"
    assert located("link", "/x.yml", tmp_path) == "/x.yml"
    assert located("order", "./x.yml", tmp_path) == "./x.yml"


def test_every_file_that_a_row_is_made_of_is_known(written, tmp_path):
    written("chip.yml", CHIP | {"link": "link.yml"})
    written("link.yml", LINK)
    found = own_files("scenario", written("system.yml", SYSTEM))
    assert {path.name for path in found} == {"system.yml", "chip.yml", "link.yml"}
    assert own_files("model", "deepseek-v3") == own_files("model", str(tmp_path / "missing.yml")) == []


@pytest.mark.parametrize(
    "file", sorted(path.name for path in EXAMPLES.glob("*.yml") if path.stem not in ("grid", "ours"))
)
def test_the_examples_are_rows(file):
    kind = {"chip.yml": "accelerators", "link.yml": "interconnects", "system.yml": "scenarios"}[file]
    assert datasets.find(kind, str(EXAMPLES / file)).id.startswith("my-")
