"""A reader's own rows by path: judged like ours, used like ours, and refused in one sentence."""

import pytest
import yaml

from analysis.ask.setting import Setting
from analysis.data import datasets, own_rows
from analysis.data.calibrations import Calibration
from analysis.data.dictionary import allowed_values
from analysis.data.own_rows import load
from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate
from tests.reader.rows import CHIP, LINK


@pytest.mark.parametrize("kind", ["yml", "yaml", "json", "csv"])
def test_a_row_is_the_same_in_every_kind_of_file(written, kind):
    row = datasets.accelerator(written(f"chip.{kind}", CHIP))
    assert (row.id, row.P_bf16, row.BW_mem, row.M_cap, row.tdp) == ("my-chip", 1000, 4000, 128, None)


def test_an_own_accelerator_answers_like_ours(written):
    path = written("chip.yml", CHIP)
    assert evaluate("ridge_point", accelerator=path).value == 250
    assert evaluate("attention_block_time", model="deepseek-v3", accelerator=path, B=1, L=1).value > 0


def test_an_own_row_is_our_row_where_the_cells_are_equal(written):
    ours = datasets.accelerator("b200-paper")
    cells = {name: value for name, value in ours.model_dump().items() if value is not None}
    copy = datasets.accelerator(written("copy.json", cells | {"id": "copy"}))
    assert copy.model_dump(exclude={"id"}) == ours.model_dump(exclude={"id"})


def test_a_link_by_path_lies_beside_its_accelerator(written):
    written("link.yml", LINK)
    setting = Setting.of(accelerator=written("chip.yml", CHIP | {"link": "link.yml"}))
    assert setting.link.BW_Int == 500


def test_a_changed_file_is_read_again(written):
    assert load(written("chip.yml", CHIP), "accelerators").BW_mem == 4000
    assert load(written("chip.yml", CHIP | {"BW_mem": 41000}), "accelerators").BW_mem == 41000


def test_a_refused_file_is_read_once_until_it_changes(written, monkeypatch):
    read = []
    monkeypatch.setattr(own_rows, "yaml_mapping", lambda path: read.append(path) or yaml.safe_load(path.read_text()))
    given = {"model": "deepseek-v3", "accelerator": "b200-sxm", "link": "nvlink5-b200", "n_acc": 32, "B": 64, "L": 4096}
    given |= {"group": 8, "link_between": written("slow.yml", LINK | {"BW_Int": -1})}
    for _ in range(2):
        with pytest.raises(InputError, match="column BW_Int: found"):
            evaluate("tpot", **given)
    assert len(read) == 1
    written("slow.yml", LINK | {"BW_Int": 50})
    assert evaluate("tpot", **given).value > 0
    assert len(read) == 2


def test_a_file_that_cannot_be_read_says_each_time_why(tmp_path):
    path = tmp_path / "chip.yml"
    said = []
    for make in (lambda: None, path.mkdir):
        make()
        with pytest.raises(InputError) as refusal:
            load(str(path), "accelerators")
        said.append(str(refusal.value))
    assert said[0] != said[1]


def test_an_own_row_cannot_pass_for_ours(written):
    with pytest.raises(InputError, match="already names a row"):
        datasets.accelerator(written("chip.yml", CHIP | {"id": "b200-paper"}))


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("BW_mem", -1),
        ("BW_mem", "fast"),
        ("BW_mem", float("nan")),
        ("BW_mem", 1e300),
        ("BW_mem", "4 TB/s"),
        ("BW_mem", True),
        ("BW_mem", [1, 2]),
        ("BW_mem", {"a": 1}),
        ("M_cap_unit", "TB"),
        ("id", "../../etc"),
        ("id", "a\nb"),
        ("id", ""),
        ("year", 1066),
        ("colour", "red"),
        ("BW_m\u0435m", 1),
        ("name", ""),
        ("BW_mem", 10**40),
        ("BW_mem", "__import__('os')"),
        ("known", "guessed"),
        ("vendor", None),
    ],
)
def test_cells_that_cannot_be_used_are_refused_with_their_column(written, column, cell):
    for kind in ("yml", "json"):
        with pytest.raises(InputError, match=r"allowed (is|are) ") as failure:
            load(written(f"bad.{kind}", CHIP | {column: cell}), "accelerators")
        message = str(failure.value)
        assert "\n" not in message
        assert len(message) < 1500
        assert message.isascii()


@pytest.mark.parametrize("name", ["a **b**", "$x$", "`x`", "[x](y)", "<b>", "a_b", "x|y", "\u202ex", "a{b}", "#x"])
def test_a_name_with_markup_is_refused_as_captions_print_it(written, name):
    with pytest.raises(InputError, match=r"column name: found .*, allowed are letters, digits and plain punctuation"):
        load(written("chip.json", CHIP | {"name": name}), "accelerators")


@pytest.mark.parametrize("name", ["M\u00fcller's 8 x chip (A+B), 2.0/3: \u201c1\u201d", "\u6a21\u578b-1"])
def test_a_name_in_any_script_is_plain_text(written, name):
    assert load(written("chip.json", CHIP | {"name": name}), "accelerators").name == name


def test_a_configuration_is_sent_to_its_import(written):
    with pytest.raises(InputError, match=r"found a Hugging Face configuration.*import-model"):
        datasets.model(written("config.json", {"model_type": "llama", "hidden_size": 4096}))


def test_an_id_says_what_it_may_hold(written):
    with pytest.raises(InputError, match=r"allowed is lower-case letters, digits, . and -"):
        load(written("chip.json", CHIP | {"id": "My chip"}), "accelerators")
    assert allowed_values(Calibration.model_fields["id"]) == "lower-case letters, digits, . and -"


def test_a_model_row_is_checked_across_columns(written):
    sizes = {"d_emb": 4096, "n_hd": 32, "n_kv": 5, "d_hd": 128, "d_FFN": 11008, "n_vocab": 32000, "n_ctx": 0}
    row = {"id": "mine", "name": "Mine", "year": 2026, "sizes": sizes, "tied": False, "source": "x", "locator": "y"}
    row |= {"kinds": [{"blocks": 32, "attention": "GQA", "feedforward": "dense"}], "known": "assumed"}
    for kind in ("json", "yml"):
        assert datasets.model(written(f"fine.{kind}", row | {"sizes": sizes | {"n_kv": 8}})).n_dec == 32
        with pytest.raises(InputError, match=r"kinds 1.sizes.n_kv: found 5, allowed is a divisor of n_hd"):
            datasets.model(written(f"mine.{kind}", row))
    with pytest.raises(InputError, match="found a table, but a model is a file with sizes and kinds"):
        datasets.model(written("mine.csv", {"id": "mine"}))


def test_words_that_yaml_would_turn_into_other_things_stay_words(tmp_path):
    text = yaml.safe_dump({name: cell for name, cell in CHIP.items() if name != "id"})
    path = tmp_path / "chip.yml"
    path.write_text(f"id: on\n{text}")
    assert load(str(path), "accelerators").id == "on"
    path.write_text(f"id: x\n{text}tdp: 1:30\n")
    with pytest.raises(InputError, match="tdp: found '1:30'"):
        load(str(path), "accelerators")
