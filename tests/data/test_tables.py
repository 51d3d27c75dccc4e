"""A wrong table is refused with one sentence that names the cell; the data dictionary covers every column."""

import json

import pytest
import yaml

from analysis.data import datasets
from analysis.data.dictionary import allowed_values, dictionary
from analysis.data.kind_of_block import KindOfBlock
from analysis.data.model_row import Model
from analysis.data.rows import FILES, Accelerator, Interconnect, home
from analysis.data.table import checked_row, load_folder, load_table
from analysis.files.documents import yaml_mapping
from analysis.files.errors import InputError

MODELS = datasets.models()
LINK = {"id": "a", "name": "A", "source": "s", "locator": "t", "known": "published", "kind": "host", "BW_Int": "5"}
HEADER = list(Interconnect.model_fields)


def table(tmp_path, *records, header=HEADER, encoding="utf-8"):
    lines = [",".join(header)] + [",".join(record.get(name, "") for name in header) for record in records]
    path = tmp_path / "interconnects.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_a_good_table_loads(tmp_path):
    assert load_table(table(tmp_path, LINK), Interconnect)["a"].BW_Int == 5


@pytest.mark.parametrize(
    ("column", "found", "said"),
    [
        ("BW_Int", "-5", "found '-5', allowed is number >= 1 <= 100000; the unit is GB/s; "),
        ("BW_Int", "0", "found '0', allowed is number >= 1 <= 100000"),
        ("BW_Int", "nan", "found 'nan', allowed is number >= 1 <= 100000"),
        ("BW_Int", "inf", "found 'inf', allowed is number >= 1 <= 100000"),
        ("BW_Int", "fast", "found 'fast', allowed is number >= 1 <= 100000"),
        ("BW_Int", "", "found nothing, allowed is number >= 1 <= 100000"),
        ("domain", "7.5", "found '7.5', allowed is integer >= 1"),
        ("kind", "magic", "found 'magic', allowed is scale-up, scale-out, torus, host"),
        ("source", " ", "column source: found nothing"),
        ("known", "rumoured", "allowed is exact, published, measured, derived, assumed"),
        ("id", "A b", "column id: found 'A b'"),
    ],
)
def test_a_bad_cell_is_named(tmp_path, column, found, said):
    with pytest.raises(InputError) as refusal:
        load_table(table(tmp_path, {**LINK, column: found}), Interconnect)
    message = str(refusal.value)
    assert message.startswith(f"interconnects.csv line 2 (id {found if column == 'id' else 'a'}), column {column}: ")
    assert said in message
    assert message.endswith("correct this cell.")


def test_bad_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"line 3, column id: found 'a' a second time"):
        load_table(table(tmp_path, LINK, LINK), Interconnect)
    with pytest.raises(InputError, match="column 'colour' is unknown"):
        load_table(table(tmp_path, LINK | {"colour": "red"}, header=[*HEADER, "colour"]), Interconnect)
    with pytest.raises(InputError, match="column kind: found nothing"):
        load_table(table(tmp_path, LINK, header=[n for n in HEADER if n != "kind"]), Interconnect)
    with pytest.raises(InputError, match="not UTF-8"):
        load_table(table(tmp_path, {**LINK, "note": "é"}, encoding="latin-1"), Interconnect)
    with pytest.raises(InputError, match="found 12 cells, allowed are 11"):
        load_table(table(tmp_path, {**LINK, "note": "one, two"}), Interconnect)
    (tmp_path / "interconnects.csv").write_text("")
    with pytest.raises(InputError, match="empty file"):
        load_table(tmp_path / "interconnects.csv", Interconnect)
    with pytest.raises(InputError, match="no readable file"):
        load_table(tmp_path / "absent.csv", Interconnect)


def record_of(row):
    """A row back as the text of its cells."""
    words = {name: " ".join(value) if isinstance(value, tuple) else value for name, value in dict(row).items()}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")
        for name, value in words.items()
    }


@pytest.mark.parametrize("file", sorted(set(FILES) - {"models"}))
def test_every_row_survives_being_written_out(file):
    for row in datasets.shipped(file).values():
        assert checked_row(type(row), record_of(row), "copy") == row


def model_file(row):
    """A model back as the text of its file."""
    cells = {name: value for name, value in row.model_dump().items() if value not in (None, "", ())}
    cells["kinds"] = [{n: v for n, v in kind.items() if v not in (None, "", (), {}, False)} for kind in cells["kinds"]]
    printed = {name: str(value) for name, value in cells.items() if name.startswith("published_")}
    return cells | printed


def test_every_model_survives_being_written_out(tmp_path):
    for row in MODELS.values():
        path = tmp_path / f"{row.id}.yml"
        path.write_text(yaml.safe_dump(json.loads(json.dumps(model_file(row)))))
        assert checked_row(Model, yaml_mapping(path), "copy") == row


def changed(row, change):
    """The file of a model with cells replaced; a change of sizes, or of a kind by its place, is made inside them."""
    cells = json.loads(json.dumps(model_file(row)))
    for name, value in change.items():
        if name == "sizes":
            cells["sizes"] = {each: size for each, size in (cells["sizes"] | value).items() if size is not None}
        elif isinstance(name, int):
            kind = cells["kinds"][name] | value
            cells["kinds"][name] = {each: cell for each, cell in kind.items() if cell is not None}
        else:
            cells[name] = value
    return cells


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "deepseek-v3",
            {"sizes": {"d_KVco": None}},
            "column kinds 1.sizes.d_KVco: found nothing, allowed is a value, because attention is MLA",
        ),
        ("deepseek-v3", {"sizes": {"n_k": 300}}, "column kinds 2.sizes.n_k: found 300, allowed is at most n_e (256)"),
        (
            "deepseek-v3",
            {"sizes": {"d_FFN": None}},
            "kinds 1.sizes.d_FFN: found nothing, allowed is a value, because feedforward is dense",
        ),
        ("llama-3.1-8b", {"sizes": {"n_kv": 7}}, "sizes.n_kv: found 7, allowed is a divisor of n_hd (32)"),
        ("llama-2-7b", {"sizes": {"n_kv": 8}}, "sizes.n_kv: found 8, allowed is n_hd (32) for MHA"),
        ("llama-2-7b", {"sizes": {"n_heads": 8}}, "column sizes.n_heads: found 8, allowed is a size by its symbol"),
        ("llama-2-7b", {"sizes": {"n_hd": 0}}, "column sizes.n_hd: found 0, allowed is integer >= 1"),
        ("llama-2-7b", {"sizes": {"n_hd": 10**15}}, "column sizes.n_hd: found 1000000000000000"),
        ("llama-2-7b", {"sizes": {"n_vocab": None}}, "column sizes.n_vocab: found nothing"),
        ("llama-2-7b", {0: {"attention": "XQA"}}, "column kinds 1.attention: found 'XQA', allowed is MHA, GQA, MLA"),
        ("llama-2-7b", {0: {"blocks": 0}}, "column kinds 1.blocks: found 0, allowed is integer >= 1"),
        ("llama-2-7b", {0: {"heads": 3}}, "column 'kinds 1.heads' is unknown, allowed are blocks, attention"),
        ("llama-2-7b", {0: {"attention": None, "feedforward": None}}, "kinds 1.attention: found nothing"),
        ("llama-2-7b", {0: {"attention": None}}, "column kinds: found 'none with attention'"),
        ("llama-2-7b", {0: {"borrows": True}}, "kinds 1.borrows: found 'true', allowed is a kind of"),
        ("llama-2-7b", {"kinds": []}, "column kinds: found"),
        ("llama-2-7b", {"vectors": "norms halos"}, "column vectors: found 'halos', allowed is norms, norm_biases"),
        ("llama-2-7b", {"exact_source": ""}, "column exact_source: found nothing"),
        ("llama-2-7b", {"tied": "yes"}, "column tied: found 'yes', allowed is true, false"),
        ("llama-2-7b", {"published_total": "7e9"}, "column published_total: found '7e9', allowed is as 46.7B, 1T"),
        ("llama-2-7b", {"n_layers": "32"}, "column 'n_layers' is unknown"),
        (
            "gpt-oss-20b",
            {"sizes": {"L_win": None}},
            "column kinds 2.sizes.L_win: found nothing, allowed is a value, because window is sliding",
        ),
        ("gpt-oss-20b", {1: {"window": "wide"}}, "column kinds 2.window: found 'wide', allowed is sliding, chunked"),
        ("gpt-oss-20b", {1: {"window": None}}, "column sizes.L_win: found 128, allowed is no value, because no kind"),
        (
            "gpt-oss-20b",
            {1: {"window": None, "sizes": {"n_kv": 4}}},
            "column kinds 2.name: found 'GQA', allowed is a name of its own, as another kind of it attends otherwise",
        ),
        ("kimi-linear-48b-a3b", {"sizes": {"d_dec": None}}, "sizes.d_dec: found nothing"),
        ("minimax-m3", {1: {"vectors": "halos"}}, "column kinds 2.vectors: found 'halos'"),
        ("nemotron-3-nano", {2: {"window": "sliding"}}, "column kinds 3.window: found 'sliding', allowed is no value"),
        (
            "glm-5.2",
            {"kinds": [{"blocks": 3, "attention": "DSA_shared", "feedforward": "dense"}]},
            "kinds 1.attention: found 'DSA_shared', allowed is a kind of attention beside one that picks the rows",
        ),
        (
            "deepseek-v3.2",
            {"sizes": {"L_top": 10**7}},
            "1.sizes.L_top: found 10000000, allowed is picks of at most context_max (163840) tokens, here 10000000",
        ),
        ("minimax-m3", {"sizes": {"n_top": 10**5}}, "kinds 2.sizes.n_top: found 100000, allowed is picks of at most"),
        ("deepseek-v4-flash", {0: {"sizes": {"L_str": 0, "n_pool": 8, "n_role": 2}}}, "L_str: found 0, allowed is"),
        (
            "deepseek-v4.1-flash",
            {"sizes": {"L_str": 1}, "kinds": [{"blocks": 2, "attention": "CSA_indexed", "feedforward": "experts"}]},
            "allowed is a kind of attention beside one that stores the rows that it reads",
        ),
    ],
)
def test_columns_that_disagree_are_named(name, change, said):
    with pytest.raises(InputError) as refusal:
        checked_row(Model, changed(MODELS[name], change), "mine.yml")
    assert said in str(refusal.value)
    assert str(refusal.value).startswith(f"mine.yml (id {name})")


def test_the_folder_of_models_and_its_order_agree(tmp_path):
    text = (datasets.DATA / "models" / "llama-2-7b.yml").read_text()
    (tmp_path / "ORDER").write_text("llama-2-7b\n")
    with pytest.raises(InputError, match="ORDER: found 'llama-2-7b', allowed are names of files beside it"):
        load_folder(tmp_path, Model)
    (tmp_path / "llama-2-7b.yml").write_text(text)
    (tmp_path / "a.yml").write_text(text.replace("id: llama-2-7b", "id: a"))
    assert list(load_folder(tmp_path, Model)) == ["llama-2-7b", "a"]
    (tmp_path / "b.yml").write_text(text)
    with pytest.raises(InputError, match="column id: found 'llama-2-7b', allowed is b"):
        load_folder(tmp_path, Model)


def test_a_scenario_with_wrong_degrees_is_refused():
    record = record_of(datasets.scenario("r1-32")) | {"deg_TP": "4"}
    with pytest.raises(InputError, match=r"column deg_DP: found 32, allowed is n_acc / deg_TP \(32 / 4\)"):
        checked_row(FILES["scenarios"], record, "here")


# -- the dictionary ------------------------------------------------------------------------------------------------
def test_every_column_has_a_meaning_and_every_quantity_a_unit():
    entries = dictionary()
    nested = {("models", f"kinds: {name}") for name in KindOfBlock.model_fields}
    assert {(entry.file, entry.column) for entry in entries} == nested | {
        (home(file), name) for file, row_class in FILES.items() for name in row_class.model_fields
    }
    assert all(entry.meaning and entry.allowed for entry in entries)
    assert all(entry.unit for entry in entries if entry.type in ("integer", "number") and entry.column != "year")


def test_headers_of_shipped_files_are_the_dictionary():
    for file, row_class in FILES.items() - {("models", Model)}:
        header = (datasets.DATA / f"{file}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        assert set(header) == set(row_class.model_fields)


def test_allowed_values_are_read_off_the_class():
    assert allowed_values(Accelerator.model_fields["year"]) == "integer >= 2015 <= 2035"
    assert allowed_values(Accelerator.model_fields["M_cap_unit"]) == "GB, GiB"
