"""Measurement files: what is shipped, what is refused and how, and that CSV and Parquet say the same."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.data import datasets
from analysis.derive import attention, sparse
from analysis.files.errors import InputError
from analysis.measured import kernel_files, kernel_rows
from analysis.measured.kernel_rows import Measurement

GQA = (kernel_files.FOLDER / "gqa_decode.csv").read_text(encoding="utf-8").splitlines()


def _file(tmp_path, *lines: str, name: str = "rows.csv"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _with(column: str, cell: str) -> list[str]:
    """The header and first row of a shipped file, one cell replaced."""
    header, row = csv.reader(GQA[:2])
    row[header.index(column)] = cell
    return [",".join(header), ",".join(f'"{each}"' for each in row)]


def test_shipped_rows_are_complete_and_name_known_devices():
    table = kernel_files.published()
    assert len(table) == 481
    assert set(table["accelerator"].to_pylist()) <= set(datasets.accelerators())
    links = {*table["link"].to_pylist(), *table["link_between"].to_pylist()} - {None}
    assert links <= set(datasets.interconnects())
    for name in ("source", "locator", "licence", "kernel"):
        assert table[name].null_count == 0


def test_rows_to_fit_are_more_of_the_same_source_and_repeat_none_that_is_quoted():
    """Products 448, decode 136 and 170, prefill 120 and 105, experts 245, all-reduces 144."""
    table = kernel_files.fitted()
    more = table.slice(481).to_pylist()
    assert len(table) == 481 + 448 + 136 + 170 + 120 + 105 + 245 + 144
    assert {row["accelerator"] for row in more} == {"h100-sxm5", "b200-sxm"}
    assert {(row["source"], row["licence"]) for row in more} == {
        ("ai-dynamo/aiconfigurator@095f58a5; arXiv:2601.06288", "Apache-2.0")
    }
    place = ("latency", "note", "locator", "source")
    shapes = [
        tuple(cell for name, cell in row.items() if name not in place and (name != "kernel" or row["deg_TP"]))
        for row in table.to_pylist()
    ]
    assert len(set(shapes)) == len(shapes)


def test_no_row_claims_to_be_measured_here():
    assert not [source for source in kernel_files.published()["source"].to_pylist() if "this study" in source]


def test_rates_and_deployments_refer_to_rows():
    assert {row.accelerator for row in kernel_files.achieved_rates().values()} <= set(datasets.accelerators())
    for row in kernel_files.deployments().values():
        assert datasets.model(row.model).n_e
        assert {row.link, row.link_between} <= set(datasets.interconnects())


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("latency", "0", r"rows.csv line 2.*latency.*'0'"),
        ("latency", "nan", r"latency.*'nan'"),
        ("B", "-1", r"column B: found '-1', allowed is integer >= 1"),
        ("n_kv", "64", r"n_kv.*found 64, allowed is at most n_hd = "),
        ("l", "4096", r"column l: found 4096, allowed is at most L = "),
        ("operation", "sing", r"operation.*'sing'.*core_attention"),
        ("precision", "bf17", r"precision.*bf16"),
        ("n_kv", "", r"n_kv.*nothing.*operation is core_attention"),
        ("mechanism", "MLA", r"d_nope.*nothing"),
        ("source", "", r"source.*nothing"),
    ],
)
def test_a_wrong_cell_is_one_sentence(tmp_path, column, cell, said):
    with pytest.raises(InputError, match=said) as caught:
        kernel_files.load(_file(tmp_path, *_with(column, cell)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([GQA[0].replace("latency", "latnecy"), GQA[1]], "column 'latnecy' is unknown"),
        ([GQA[0]], "no row"),
        (["operation,accelerator"], "column 'source' is missing"),
        ([GQA[0], GQA[1] + ",surplus"], "line 2: found more cells"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, lines, said):
    with pytest.raises(InputError, match=said):
        kernel_files.load(_file(tmp_path, *lines))


# -- Parquet -------------------------------------------------------------------------------------------------------
def test_parquet_gives_the_rows_that_csv_gives(tmp_path):
    table = kernel_files.load(kernel_files.FOLDER / "experts.csv")
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    assert kernel_files.load(path).to_pylist() == table.to_pylist()


def test_parquet_may_leave_out_optional_columns(tmp_path):
    table = kernel_files.load(kernel_files.FOLDER / "gqa_decode.csv").drop_columns(["spread", "d_MoE"])
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    assert kernel_files.load(path)["d_MoE"].null_count == len(table)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("latency", pa.array([-1.0, 1.0]), r"column latency: found -1.0"),
        ("operation", pa.array(["sing", "core_attention"]), r"column operation: found 'sing'"),
        ("n_kv", pa.array([None, 8.0]), r"column n_kv: found an empty cell where operation is core_attention"),
        ("n_kv", pa.array([8.0, 640.0]), r"column n_kv: found 640, allowed is at most n_hd = 32"),
        ("kernel", pa.array([None, "k"]), r"column kernel: found an empty cell"),
        ("latency", pa.array(["fast", "slow"]), r"another type"),
    ],
)
def test_wrong_parquet_columns_are_one_sentence(tmp_path, column, values, said):
    table = kernel_files.load(_file(tmp_path, *GQA[:3]))
    table = table.set_column(table.column_names.index(column), column, values)
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    with pytest.raises(InputError, match=said):
        kernel_files.load(path)


def test_the_schema_is_the_row_class():
    assert kernel_files.SCHEMA.names == list(Measurement.model_fields)


def test_a_cell_too_large_for_csv_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "large.csv"
    path.write_text(f"{'x' * 200_000}\n")
    with pytest.raises(InputError, match=r"large\.csv: found what is no CSV"):
        kernel_files.load(path)


@pytest.mark.parametrize(
    ("mechanism", "stage", "columns"),
    [
        (attention.MHA, "core", {"n_hd", "d_hd"}),
        (attention.GQA, "core", {"n_hd", "n_kv", "d_hd"}),
        (attention.MLA, "core", {"n_hd", "d_nope", "d_RoPE", "d_v", "d_KVco"}),
        (attention.MLA, "decompression", {"n_hd", "d_nope", "d_v", "d_KVco"}),
        (sparse.GLA, "core", {"n_hd", "n_kv", "d_RoPE", "d_KVco"}),
        (sparse.GTA, "core", {"n_hd", "n_kv", "d_hd", "d_nope", "d_RoPE"}),
    ],
)
def test_a_row_needs_the_sizes_of_its_own_mechanism(mechanism, stage, columns):
    """Two mechanisms with a latent or a shared rotary key have other sizes than MLA."""
    assert set(kernel_rows.sizes(mechanism, stage)) == columns
