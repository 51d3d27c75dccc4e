"""A wrong table is refused with one sentence that names the cell; the data dictionary covers every column."""

import pytest

from analysis.data import datasets
from analysis.data.dictionary import allowed_values, dictionary
from analysis.data.model_row import Model
from analysis.data.rows import FILES, Accelerator, Interconnect
from analysis.data.table import checked_row, load_table
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


@pytest.mark.parametrize("file", FILES)
def test_every_row_survives_being_written_out(file):
    for row in datasets.shipped(file).values():
        assert checked_row(type(row), record_of(row), "copy") == row


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("deepseek-v3", {"d_KVco": ""}, "column d_KVco: found nothing, allowed is a value, because attention is MLA"),
        ("deepseek-v3", {"n_k": "300"}, "column n_k: found 300, allowed is at most n_e (256)"),
        ("deepseek-v3", {"n_moe": "62"}, "column n_moe: found 62, allowed is at most n_dec (61)"),
        ("deepseek-v3", {"d_FFN": ""}, "column d_FFN: found nothing, allowed is a value, because some"),
        ("llama-3.1-8b", {"n_kv": "7"}, "column n_kv: found 7, allowed is a divisor of n_hd (32)"),
        ("llama-2-7b", {"n_kv": "8"}, "column n_kv: found 8, allowed is n_hd (32) for MHA"),
        ("llama-2-7b", {"attention": "XQA"}, "column attention: found 'XQA', allowed is MHA, GQA, MLA"),
        ("llama-2-7b", {"vectors": "norms halos"}, "column vectors: found 'halos', allowed is norms, norm_biases"),
        ("llama-2-7b", {"exact_source": ""}, "column exact_source: found nothing"),
        ("llama-2-7b", {"tied": "yes"}, "column tied: found 'yes', allowed is true, false"),
        ("llama-2-7b", {"published_total": "7e9"}, "column published_total: found '7e9', allowed is as 46.7B, 1T"),
        ("llama-2-7b", {"n_layers": "32"}, "column 'n_layers' is unknown"),
        ("gpt-oss-20b", {"n_win": "25"}, "column n_win: found 25, allowed is at most n_dec (24)"),
        ("gpt-oss-20b", {"L_win": ""}, "column L_win: found nothing, allowed is a value, because some blocks are w"),
        ("gpt-oss-20b", {"window": "wide"}, "column window: found 'wide', allowed is sliding, chunked"),
        ("gpt-oss-20b", {"n_win": "0"}, "column n_win: found 0, allowed is a number from 1, because L_win or window"),
    ],
)
def test_columns_that_disagree_are_named(name, change, said):
    with pytest.raises(InputError) as refusal:
        checked_row(Model, record_of(MODELS[name]) | change, "mine.csv line 2")
    assert said in str(refusal.value)
    assert str(refusal.value).startswith(f"mine.csv line 2 (id {name})")


def test_a_scenario_with_wrong_degrees_is_refused():
    record = record_of(datasets.scenario("r1-32")) | {"deg_TP": "4"}
    with pytest.raises(InputError, match=r"column deg_DP: found 32, allowed is n_acc / deg_TP \(32 / 4\)"):
        checked_row(FILES["scenarios"], record, "here")


# -- the dictionary ------------------------------------------------------------------------------------------------
def test_every_column_has_a_meaning_and_every_quantity_a_unit():
    entries = dictionary()
    assert {(entry.file, entry.column) for entry in entries} == {
        (f"{file}.csv", name) for file, row_class in FILES.items() for name in row_class.model_fields
    }
    assert all(entry.meaning and entry.allowed for entry in entries)
    assert all(entry.unit for entry in entries if entry.type in ("integer", "number") and entry.column != "year")


def test_headers_of_shipped_files_are_the_dictionary():
    for file, row_class in FILES.items():
        header = (datasets.DATA / f"{file}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        assert set(header) == set(row_class.model_fields)


def test_allowed_values_are_read_off_the_class():
    assert allowed_values(Accelerator.model_fields["year"]) == "integer >= 2015 <= 2035"
    assert allowed_values(Accelerator.model_fields["M_cap_unit"]) == "GB, GiB"
