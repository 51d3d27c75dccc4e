"""Rows of an index, a pick, attention to picked rows and states: counts by hand, refusals, and what describes them."""

import pyarrow as pa
import pytest

from analysis.data.calibrations import as_csv
from analysis.files.errors import InputError
from analysis.measured.fitting import fit_all, operation_of
from analysis.measured.kernel_files import as_table, load
from analysis.measured.predict import predict
from analysis.measured.validate import Compared, operation_words
from analysis.systems.quantities import evaluate
from tests.measured.test_predict import COMMON, H100

DSA = {"mechanism": "DSA", "B": 3, "L": 8192, "l": 1}
GDN = {"mechanism": "GDN", "B": 5, "l": 1, "n_v": 32, "n_qk": 16, "d_k": 128, "d_s": 64}
ROWS = {
    "index": DSA | {"operation": "index", "h_I": 64, "d_I": 128},
    "select": DSA | {"operation": "select", "L_top": 2048},
    "picked-core": DSA
    | {
        "operation": "core_attention",
        "n_hd": 16,
        "d_KVco": 512,
        "d_nope": 128,
        "d_RoPE": 64,
        "d_v": 128,
        "L_top": 2048,
    },
    "state": GDN | {"operation": "state_step"},
    "state-prompt": GDN | {"operation": "state_prompt", "L": 160, "l": 160, "L_cut": 64},
}


def table(*names, **more):
    return as_table([COMMON | ROWS[name] | more for name in names])


def counts(name, **more):
    found = predict(table(name, **more))
    return found.flops[0], found.bytes[0], found.time[0]


def test_an_index_by_hand():
    """64 heads score 8192 keys of 128 numbers, and a weighed sum makes one score of four bytes each."""
    flop = 3 * (2 * 64 * 8192 * 128 + 2 * 64 * 8192)
    size = 3 * (2 * (64 * 128 + 8192 * 128 + 64) + 4 * 8192)
    assert counts("index") == (flop, size, pytest.approx(size / H100["byte"]))
    many = counts("index", B=1, l=512)
    assert many[0] == 512 * flop / 3
    assert many[2] == pytest.approx(many[0] / H100["flop"])


def test_an_index_line_by_line_writes_and_reads_the_scores_of_every_head():
    """Two kernels: the scores of heads leave one and enter the other."""
    assert counts("index", grouping="layered")[1] - counts("index")[1] == 2 * 2 * 3 * 64 * 8192


def test_a_pick_by_hand():
    """Scores come in, positions leave, four bytes each; nothing is computed."""
    assert counts("select") == (0, 4 * 3 * (8192 + 2048), pytest.approx(4 * 3 * 10240 / H100["byte"]))
    assert counts("select", L=1000)[1] == 4 * 3 * 2 * 1000, "no more are picked than there are"


def test_a_picked_core_by_hand():
    """2048 of 8192 latent rows are read, whatever the context."""
    flop = 3 * 2 * 16 * 2048 * (576 + 512)
    size = 3 * (2 * (2048 * 576 + 16 * 576 + 16 * 512) + 4 * 2048)
    assert counts("picked-core")[:2] == counts("picked-core", L=65536)[:2] == (flop, size)


def test_a_step_of_a_state_by_hand():
    """Decay, what is held under the key, update, answer: 1 + 2 + 2 + 2 operations an element of the state; the state
    is read and written in four bytes.
    """
    vectors = 2 * 16 * 128 + 2 * 32 * 64 + 2 * 32
    assert counts("state")[:2] == (5 * 7 * 32 * 128 * 64, 5 * (2 * 4 * 32 * 128 * 64 + 2 * vectors))


def test_a_prompt_in_chunks_by_hand():
    """160 tokens in chunks of 64, 64 and 32: pairs within a chunk, and three products with the state a token."""
    pairs, state = 64**2 + 64**2 + 32**2, 160 * 128 * 64
    products = 2 * pairs * (128 + 64) * 2 + 3 * 2 * state  # keys by keys, queries by keys, twice values; then states
    assert counts("state-prompt")[0] == 5 * 32 * products
    vectors = 160 * (2 * 16 * 128 + 2 * 32 * 64 + 2 * 32)
    assert counts("state-prompt")[1] == 5 * (2 * 4 * 32 * 128 * 64 + 2 * vectors)


def test_each_is_described_by_an_operation_of_its_own():
    """Whatever a row times, the calibration that is fitted to it describes that stage of a model, and no other."""
    rows = table(*ROWS)
    assert operation_of(Compared(rows, predict(rows))).tolist() == list(ROWS)
    said = operation_words(rows).tolist()
    assert said[:3] == ["DSA index decode", "DSA selection decode", "DSA decode"]
    assert said[3:] == ["GDN state decode", "GDN state in chunks prefill"]


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("index", {"mechanism": "MLA"}, "mechanism.*'MLA'.*operation is index"),
        ("state", {"mechanism": "GQA"}, "mechanism.*'GQA'.*operation is state_step"),
        ("picked-core", {"mechanism": "GDN"}, "mechanism.*'GDN'.*operation is core_attention"),
        ("picked-core", {"L_top": None}, "L_top.*nothing.*operation is core_attention"),
        ("state-prompt", {"L_cut": None}, "L_cut.*nothing.*operation is state_prompt"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_row_that_says_too_little_or_what_cannot_be_is_refused(tmp_path, ending, name, wrong, said):
    from pyarrow import csv, parquet

    path = tmp_path / f"rows.{ending}"
    rows = table(name, **wrong).drop_columns(["routing", "link", "link_between", "order"])
    rows = rows.select([each for each in rows.column_names if rows[each].null_count == 0 or each in ("L_top", "L_cut")])
    {"csv": csv.write_csv, "parquet": parquet.write_table}[ending](rows, path)
    with pytest.raises(InputError, match=said if ending == "csv" else said.partition(".*")[0]):
        load(path)


def test_a_calibration_is_fitted_to_such_rows_and_a_step_takes_it(tmp_path):
    """Kernels that take 10 us and twice the roofline's time: a fit finds both, and so does a model's step."""
    shapes = [{"B": 2**power} for power in range(4, 10)]
    rows = as_table([COMMON | ROWS[name] | shape for name in ROWS for shape in shapes])
    expected = predict(rows)
    rows = rows.set_column(rows.column_names.index("latency"), "latency", pa.array(1e-5 + 2 * expected.time))
    fitted = {each.row.operation: each.row for each in fit_all(Compared(rows, predict(rows)), "mine", "a test", 2)}
    assert list(fitted) == list(ROWS)
    for name in ("select", "state"):
        assert fitted[name].floor == pytest.approx(1e-5, rel=0.01)
        assert fitted[name].memory_efficiency == pytest.approx(0.5, rel=0.01)
    path = tmp_path / "mine.csv"
    path.write_bytes(as_csv(fitted.values()))
    here = {"model": "qwen3-next-80b-a3b", "accelerator": "h100-sxm5", "B": 512, "L": 8192}
    bare, mine = (
        evaluate("tpot_terms", **here, calibration=name).value["core_attention"] for name in (None, str(path))
    )
    vectors = 2 * 16 * 128 + 2 * 32 * 128 + 2 * 32
    state = 512 * (2 * 4 * 32 * 128**2 + 2 * vectors) / 3350e9
    assert mine - bare == pytest.approx(36 * (state + 1e-5), rel=0.02)
