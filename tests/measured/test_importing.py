"""The importer maps every table it knows, counts what rules remove, and survives files that it cannot use."""

import os
import resource

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.data.calibrations import named
from analysis.files.errors import InputError
from analysis.measured import database
from analysis.measured.database import import_folder
from analysis.measured.judging import judged
from analysis.measured.kernel_files import as_table, load
from analysis.measured.predict import predict
from analysis.measured.validate import Compared
from analysis.measured.validity import version_key
from tests.measured.database_tables import ABOUT, EXCHANGE, GEMM, GQA, LOW_LATENCY, MLA, MOE, write

GENERATION = "h100_sxm/attention/vllm/0.24.0/generation_attention_perf"


@pytest.fixture
def imported(tmp_path):
    """Import tables (place to rows); return the report and the rows without their empty cells."""

    def run(tables: dict[str, list[dict]], **options):
        for place, rows in tables.items():
            write(tmp_path / "db", place, *rows)
        output = tmp_path / "out.parquet"
        report = import_folder(tmp_path / "db", output, **options)
        rows = [{name: cell for name, cell in row.items() if cell is not None} for row in load(output).to_pylist()]
        return report, rows

    return run


# -- mapping -------------------------------------------------------------------------------------------------------
def test_gqa_decode(imported):
    report, (row,) = imported({GENERATION: [GQA]})
    assert (report.read, report.written, report.files) == (1, 1, 1)
    wanted = {
        "operation": "core_attention",
        "mechanism": "GQA",
        "accelerator": "h100-sxm5",
        "B": 128,
        "L": 4096,
        "l": 1,
        "n_hd": 32,
        "n_kv": 8,
        "d_hd": 128,
        "precision": "bf16",
        "latency": 0.8e-3,
        "locator": GENERATION,
        "kernel": "vllm 0.24.0, default",
        "licence": "Apache-2.0",
    }
    assert {name: row[name] for name in wanted} == wanted


def test_mla_decode_and_prefill_in_both_orders(imported):
    _, rows = imported(
        {
            "h100_sxm/mla/trtllm/1.3.0rc20/generation_mla_perf": [MLA],
            "h100_sxm/mla/trtllm/1.3.0rc20/context_mla_perf": [
                MLA | {"isl": 4096, "step": 0, "batch_size": 1, "latency": 2}
            ],
            "h100_sxm/mla/sglang/0.5.14/context_mla_perf": [
                MLA | {"isl": 4096, "step": 0, "batch_size": 1, "latency": 2, "kernel_source": "flash_attention"}
            ],
        }
    )
    found = {(row["order"], row["l"], row["L"], row["causal"], row["d_KVco"]) for row in rows}
    assert found == {
        ("reordered", 1, 8192, 1, 512),
        ("as_printed", 4096, 4096, 0.5, 512),
        ("reordered", 4096, 4096, 0.5, 512),
    }


def test_experts_exchanges_and_products(imported):
    _, rows = imported(
        {
            "h100_sxm/moe/trtllm/1.3.0rc10/moe_perf": [MOE | {"moe_tp_size": 2}],
            "gb200/comm/trtllm/1.3.0rc10/trtllm_alltoall_perf": [EXCHANGE, EXCHANGE | {"op_name": "alltoall_combine"}],
            "h100_sxm/comm/sglang/0.5.6.post2/wideep_deepep_ll_perf": [LOW_LATENCY],
            "h100_sxm/gemm/trtllm/1.3.0rc10/gemm_perf": [GEMM],
        }
    )
    by = {(row["operation"], row["accelerator"]): row for row in rows}
    assert by["experts", "h100-sxm5"]["d_MoE"] == 1024
    assert by["dispatch", "gb200-nvl72"]["tokens"] == 1024
    assert by["combine", "gb200-nvl72"]["link"] == "nvlink5-nvl72"
    between = by["dispatch", "h100-sxm5"]
    assert (between["link_between"], between["group"], between["deg_EP"], between["tokens"]) == ("ib-ndr", 8, 32, 4096)
    assert (between["precision"], by["combine", "h100-sxm5"]["precision"]) == ("fp8", "bf16")
    assert by["dispatch", "h100-sxm5"]["latency"] == pytest.approx(143e-6)
    assert by["gemm", "h100-sxm5"]["width_weights"] == 1


def test_absorbed_products_are_one_row_of_two(imported):
    """Queries of 128 into 512 numbers a head, results back: twice the weights of 64 heads, read in both products."""
    pre = ABOUT | {"op_name": "mla_gen_pre", "bmm_dtype": "bfloat16", "num_tokens": 32, "num_heads": 64}
    first, other = pre | {"latency": 0.02}, pre | {"num_tokens": 64, "latency": 0.05}
    second = pre | {"op_name": "mla_gen_post", "latency": 0.03}
    report, rows = imported({"h100_sxm/mla_bmm/trtllm/1.3.0rc10/mla_bmm_perf": [second, first, other]})
    assert +report.removed == {"half of a pair": 1, "no usable number": 1}  # no results of 64 tokens
    (row,) = rows
    assert row["latency"] == pytest.approx(50e-6)
    found = predict(as_table(rows))
    assert found.flops == pytest.approx(2 * 2 * 32 * 64 * 128 * 512)
    assert found.bytes == pytest.approx(2 * 2 * (64 * 128 * 512 + 32 * 64 * (128 + 512)))
    gemm = named("published")["gemm.hopper"]
    both = Compared(as_table(rows), found)
    time = judged(both, "published").time[0]
    parts = (
        found.flops[0] / 2 / 989.4e12 / gemm.compute_efficiency,
        found.bytes[0] / 2 / 3.35e12 / gemm.memory_efficiency,
    )
    assert time == pytest.approx(2 * (gemm.floor + sum(part**gemm.sharpness for part in parts) ** (1 / gemm.sharpness)))


# -- rules ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "place", "row"),
    [
        ("other operation", GENERATION, GQA | {"window_size": 128}),
        ("other operation", GENERATION, GQA | {"beam_width": 4}),
        ("other operation", "h100_sxm/moe/trtllm/1.3.0rc10/moe_perf", MOE | {"kernel_source": "moe_nongated"}),
        (
            "other operation",
            "gb200/comm/trtllm/1.3.0rc10/trtllm_alltoall_perf",
            EXCHANGE | {"op_name": "alltoall_prepare"},
        ),
        ("other operation", "h100_sxm/mla/vllm/0.24.0/context_mla_perf", MLA | {"isl": 64, "step": 0}),
        ("skewed routing", "h100_sxm/moe/trtllm/1.3.0rc10/moe_perf", MOE | {"distribution": "power_law_1.2"}),
        ("unknown format", GENERATION, GQA | {"kv_cache_dtype": "int3"}),
        ("unknown format", "h100_sxm/moe/trtllm/1.3.0rc10/moe_perf", MOE | {"moe_dtype": "nvfp4"}),  # no FP4 on an H100
        ("known-bad kernel", "b200_sxm/attention/trtllm/1.3.0rc10/generation_attention_perf", GQA),
        ("known-bad kernel", "b200_sxm/moe/trtllm/1.3.0rc10/moe_perf", MOE | {"kernel_source": "x_min_latency"}),
        ("known-bad kernel", "b200_sxm/moe/vllm/0.24.0/moe_perf", MOE | {"kernel_source": "vllm_triton_moe"}),
        (
            "known-bad kernel",
            "h100_sxm/mla/sglang/0.5.14/generation_mla_perf",
            MLA | {"kernel_source": "fa3", "kv_cache_dtype": "fp8"},
        ),
        ("beats the data sheet", GENERATION, GQA | {"latency": 0.5}),
        ("cache-resident", GENERATION, GQA | {"batch_size": 16, "latency": 0.05}),
        ("no usable number", GENERATION, GQA | {"latency": None}),
        ("no usable number", GENERATION, GQA | {"latency": float("inf")}),
        ("no usable number", GENERATION, GQA | {"num_heads": 0}),
    ],
)
def test_a_rule_removes_its_row_and_no_other(imported, rule, place, row):
    report, rows = imported(
        {
            place: [row, row],
            "h100_sxm/attention/vllm/0.24.0/context_attention_perf": [
                {name: cell for name, cell in GQA.items() if name != "step"}
                | {"isl": 4096, "batch_size": 4, "latency": 9.0}
            ],
        }
    )
    assert len(rows) == 1
    assert {name: count for name, count in report.removed.items() if count} == {rule: 2}


def test_rows_small_enough_for_a_cache_are_kept_unless_they_beat_memory_or_are_not_wanted(imported):
    small = GQA | {"batch_size": 16}
    _, rows = imported({GENERATION: [small | {"latency": 0.1}, small | {"latency": 0.01}]})
    assert [row["latency"] for row in rows] == [pytest.approx(1e-4)]
    report, rows = imported({GENERATION: [small | {"latency": 0.1}, GQA]}, keep_resident=False)
    assert (len(rows), report.removed["cache-resident"]) == (1, 1)


def test_every_row_is_counted_once(imported):
    rows = [
        GQA,
        GQA | {"window_size": 8, "latency": 1e-9},
        GQA | {"kv_cache_dtype": "x", "window_size": 8},
        GQA | {"latency": 1e-9},
    ]
    report, _ = imported({GENERATION: rows})
    assert report.read == report.written + sum(report.removed.values()) == 4


def test_versions_are_ordered():
    ordered = ["0.5.6", "0.5.6.post2", "0.24.0", "1.3.0rc9", "1.3.0rc20", "1.3.0"]
    assert sorted(set(ordered), key=version_key) == ordered


# -- files that cannot be used -------------------------------------------------------------------------------------
def _broken(folder, kind: str) -> None:
    good = write(folder, f"h100_sxm/attention/vllm/0.25.{len(kind)}/generation_attention_perf", GQA)
    {
        "damaged": lambda: good.write_bytes(good.read_bytes()[: len(good.read_bytes()) // 2]),
        "empty": lambda: good.write_bytes(b""),
        "pointer": lambda: good.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        "missing": lambda: write(good.parent, good.stem, {k: v for k, v in GQA.items() if k != "step"}),
        "type": lambda: write(good.parent, good.stem, GQA | {"batch_size": "many"}),
        "version": lambda: good.parent.rename(good.parent.with_name("newest")),
        "system": lambda: write(folder, "h999/attention/vllm/1.0/generation_attention_perf", GQA) and good.unlink(),
        "table": lambda: good.rename(good.with_name("other_perf.parquet")),
        "depth": lambda: good.rename(folder / "loose.parquet"),
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("damaged", "damaged"),
        ("empty", "damaged"),
        ("pointer", "git lfs pull"),
        ("missing", "column 'step' is missing"),
        ("type", "another type than expected"),
        ("version", "version 'newest'"),
        ("system", "system 'h999' is unknown"),
        ("table", "this table is not read"),
        ("depth", "0 folders deep"),
    ],
)
def test_a_bad_file_costs_one_sentence_and_the_rest_is_imported(tmp_path, kind, said):
    write(tmp_path / "db", GENERATION, GQA)
    _broken(tmp_path / "db", kind)
    report = import_folder(tmp_path / "db", tmp_path / "out.parquet")
    assert report.written == 1
    (sentence,) = report.sentences
    assert said in sentence
    assert "\n" not in sentence


def test_columns_that_nothing_needs_are_ignored_and_named_once(tmp_path):
    """Whatever they hold: the second table's has another type than the first's."""
    for version, colour in (("0.24.0", 1), ("0.25.0", "red")):
        write(tmp_path / "db", f"h100_sxm/attention/vllm/{version}/generation_attention_perf", GQA | {"colour": colour})
    report = import_folder(tmp_path / "db", tmp_path / "out.parquet")
    assert (report.written, report.sentences, dict(report.ignored)) == (2, [], {"colour": 2})


def test_all_reduces_of_engines_and_of_nccl(imported):
    """1024 elements of 2 bytes among 4; other collectives, one accelerator and what no one link joins are removed."""
    row = {"num_gpus": 4, "message_size": 1024, "latency": 0.01}
    nccl = row | {"op_name": "all_reduce", "nccl_dtype": "half"}
    _, rows = imported(
        {
            "h100_sxm/comm/nccl/2.29.2/nccl_perf": [
                nccl,
                nccl | {"op_name": "all_gather"},
                nccl | {"num_gpus": 1},
                nccl | {"num_gpus": 16},
            ],
            "gb200/comm/nccl/2.29.2/nccl_perf": [nccl | {"num_gpus": 16}],
            "h100_sxm/comm/vllm/0.24.0/custom_allreduce_perf": [
                row | {"allreduce_dtype": "bfloat16", "kernel_source": "custom"}
            ],
        }
    )
    found = {(row["accelerator"], row["kernel"]): row for row in rows}
    assert len(rows) == len(found) == 3
    one = found["h100-sxm5", "vllm 0.24.0, custom"]
    assert (one["operation"], one["bytes"], one["deg_TP"], one["link"]) == ("all_reduce", 2048, 4, "nvlink4-h100")
    assert one["latency"] == pytest.approx(1e-5)
    assert found["gb200-nvl72", "nccl 2.29.2"]["deg_TP"] == 16
    assert "width_weights" not in one


@pytest.mark.parametrize("tables", [{}, {GENERATION: [GQA | {"window_size": 1}]}])
def test_nothing_usable_leaves_the_old_output_alone(tmp_path, tables):
    output = tmp_path / "out.parquet"
    output.write_bytes(b"old")
    (tmp_path / "db").mkdir()
    for place, rows in tables.items():
        write(tmp_path / "db", place, *rows)
    with pytest.raises(InputError):
        import_folder(tmp_path / "db", output)
    assert output.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.parquet"]


def test_a_file_that_breaks_off_leaves_none_of_its_rows(tmp_path, monkeypatch):

    monkeypatch.setattr(database, "BATCH", 2)
    write(tmp_path / "db", GENERATION, GQA)
    rows = [GQA] * 5
    table = pa.Table.from_pylist(rows)
    bad = table.set_column(table.column_names.index("batch_size"), "batch_size", pa.array(["1", "2", "3", "4", "many"]))
    path = tmp_path / "db" / "h100_sxm/attention/vllm/0.25.0/generation_attention_perf.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(bad, path)
    report = import_folder(tmp_path / "db", tmp_path / "out.parquet")
    assert (report.written, report.read, len(report.sentences)) == (1, 1, 1)


# -- size ----------------------------------------------------------------------------------------------------------
def test_two_hundred_thousand_rows_within_400_megabytes(tmp_path):
    count = 200_000
    generator = np.random.default_rng(0)
    columns = {name: pa.array([cell] * count) for name, cell in GQA.items()}
    columns |= {
        "batch_size": pa.array(generator.integers(128, 1024, count)),
        "latency": pa.array(generator.uniform(8, 90, count)),
    }
    path = tmp_path / "db" / f"{GENERATION}.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert import_folder(tmp_path / "db", tmp_path / "out.parquet").written == count
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


def test_what_is_no_regular_file_costs_one_sentence_and_no_wait(tmp_path):
    """A pipe nobody writes to, a folder and a link to nowhere, all named as tables; the table beside them is read."""
    write(tmp_path / "db", GENERATION, GQA)
    for number, make in enumerate((os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path))):
        folder = tmp_path / "db" / "h100_sxm" / "gemm" / "trtllm" / f"1.{number}.0"
        folder.mkdir(parents=True)
        make(folder / "gemm_perf.parquet")
    report = import_folder(tmp_path / "db", tmp_path / "out.parquet")
    assert (report.files, report.written) == (1, 1)
    (sentence,) = report.sentences
    assert sentence.startswith("h100_sxm/gemm/trtllm/1.0.0/gemm_perf and 2 more: is no regular file")


def test_memory_stays_small_however_many_rows_a_file_holds(tmp_path, monkeypatch):
    """Arrow's bytes at each of 40 batches: no more at the end than after the first ones."""
    write(tmp_path / "db", GENERATION, *[GQA] * 40_000)
    monkeypatch.setattr(database, "BATCH", 1000)
    seen, usable = [], database._usable

    def watched(*given):
        seen.append(pa.total_allocated_bytes())
        yield from usable(*given)

    monkeypatch.setattr(database, "_usable", watched)
    assert import_folder(tmp_path / "db", tmp_path / "out.parquet").written == 40_000
    assert len(seen) == 40
    assert max(seen[20:]) < 1.5 * max(seen[:10])
