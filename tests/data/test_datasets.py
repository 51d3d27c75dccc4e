"""The data files hold what the study needs, in SI units, and rows are found by id and alias."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.points import row_point
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.data.cells import Printed
from analysis.derive.symbols import BY_NAME, BW_Int, BW_mem, M_cap, P_acc, d_hd, deg_grp, n_kv
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.systems.plan import plans
from analysis.systems.quantities import evaluate

MODELS = datasets.models()


# -- what the study needs to be there ----------------------------------------------------------------------------
def test_the_papers_models_and_enough_others_of_every_kind():
    assert {"gpt3-175b", "llama-4-maverick", "deepseek-v3"} <= set(MODELS)
    assert len(MODELS) >= 15
    kinds = {(row.attention, row.n_moe > 0) for row in MODELS.values()}
    assert kinds >= {("MHA", False), ("MHA", True), ("GQA", False), ("GQA", True), ("MLA", True), ("MLA_direct", True)}


def test_table_1_as_printed():
    printed = {
        "v100-paper": (125, 900, 32, 138.89),
        "a100-paper": (312, 2039, 80, 153.02),
        "h200-paper": (989.5, 4800, 141, 206.15),
        "b200-paper": (2250, 8000, 192, 281.25),
        "tpu-v5p-paper": (459, 2765, 95, 166),
        "tpu-v7-paper": (2307, 7400, 192, 320.42),
        "mi325x-paper": (1307.4, 6000, 256, 217.9),
    }
    rows = {name: row for name, row in datasets.accelerators().items() if row.RP_printed}
    assert {n: (r.P_bf16, r.BW_mem, r.M_cap, r.RP_printed) for n, r in rows.items()} == printed


def test_pim_row_has_ridge_8_and_four_times_the_bandwidth():
    pim, b200 = datasets.accelerator("pim-paper"), datasets.accelerator("b200-paper")
    assert pim.BW_mem == 4 * b200.BW_mem
    assert 1000 * pim.P_bf16 / pim.BW_mem == 8


def test_at_least_fifteen_shipped_accelerators():
    parts = [row for name, row in datasets.accelerators().items() if not name.endswith("-paper")]
    shipped = [row for row in parts if row.known != "announced"]
    assert len(shipped) >= 15
    assert all(row.P_bf16 and row.BW_mem for row in shipped)


BUSES = {  # bits, and Gbit/s of each: memory as its makers build it
    "gh200-96gb": (6 * 1024, 5.2),
    "gh200-144gb": (6 * 1024, 6.4),
    "mi350x": (8 * 1024, 8),
    "rubin-vr200": (8 * 2048, 10.8),
    "tpu-8t": (6 * 1024, 8.5),
    "tpu-8i": (8 * 1024, 8.4),
    "rtx-pro-6000-ws": (512, 28),
    "b60": (192, 19),
}


@pytest.mark.parametrize(("name", "bus"), BUSES.items())
def test_memory_bandwidth_is_width_of_the_bus_times_its_rate(name, bus):
    """A slip between GB and Gbit, or a memory of another generation, is out by far more than 3 %."""
    bits, each = bus
    assert datasets.accelerator(name).BW_mem == pytest.approx(bits * each / 8, rel=0.03)


UNITS = {  # operations of one unit in a clock at 16 bit (two a multiply-add), units, GHz: dense, accumulated in FP32
    "rtx-pro-6000-ws": (1024, 188, 2.617),
    "rtx-pro-6000-bse": (1024, 188, 2.43),
    "rtx-5090": (512, 170, 2.407),
    "rtx-4090": (512, 128, 2.52),
    "h100-sxm5": (4096, 132, 1.83),
    "gh200-96gb": (4096, 132, 1.83),
    "gh200-144gb": (4096, 132, 1.83),
    "mi355x": (4096, 256, 2.4),
    "mi350x": (4096, 256, 2.2),
    "b60": (2048, 20, 2.4),
}


@pytest.mark.parametrize(("name", "units"), UNITS.items())
def test_a_dense_rate_is_units_times_their_operations_times_clock(name, units):
    """A sparse rate, or one that accumulates in FP16, is twice as much."""
    operations, count, clock = units
    assert datasets.accelerator(name).P_bf16 == pytest.approx(operations * count * clock / 1000, rel=0.01)


def test_rows_of_2026_agree_with_totals_of_racks_and_pods():
    """72 parts give 2.5 EFLOP/s of dense FP4, 1.6 PB/s, 20.7 TB and 260 TB/s of links; 9600 chips give 121 EFLOP/s."""
    rubin, link = datasets.accelerator("rubin-vr200"), datasets.interconnect("nvlink6-rubin")
    assert [72 * each for each in (rubin.P_fp4, rubin.BW_mem, rubin.M_cap, link.BW_Int_two_way)] == pytest.approx(
        [2.5e6, 1.6e6, 20.7e3, 260e3], rel=0.015
    )
    assert 9600 * datasets.accelerator("tpu-8t").P_fp4 == pytest.approx(121e6, rel=0.01)
    assert 8 * datasets.interconnect("ici-8t").BW_Int_two_way == 19_200  # Gbit/s
    assert datasets.interconnect("ici-8t").BW_Int == 2 * datasets.interconnect("ici-v7").BW_Int


def test_what_is_only_announced_says_so():
    rows = [*datasets.accelerators().values(), *datasets.interconnects().values()]
    announced = {row.id for row in rows if row.known == "announced"}
    assert announced == {"rubin-vr200", "tpu-8t", "tpu-8i", "nvlink6-rubin", "ici-8t"}
    assert all("as announced" in row.name for row in rows if row.id in announced)


def test_two_way_bandwidth_is_twice_one_way():
    for row in datasets.interconnects().values():
        assert row.BW_Int_two_way == pytest.approx(2 * row.BW_Int), row.id


def test_claims_are_complete():
    assert len(datasets.claims()) == 93
    assert {f"C{n:03d}" for n in range(1, 90)} | {f"S{n:02d}" for n in range(1, 5)} == set(datasets.claims())


def test_scenarios_use_table_4():
    rows = [datasets.scenario(name) for name in ("gpt3-32", "llama4-32", "r1-32")]
    assert [(row.deg_TP, row.deg_DP, row.n_acc) for row in rows] == [(8, 4, 32), (8, 4, 32), (1, 32, 32)]


# -- points --------------------------------------------------------------------------------------------------------
def test_points_are_in_si_units():
    point = row_point(datasets.accelerator("h100-sxm5"))
    assert point == {P_acc: 989_400_000_000_000, BW_mem: 3_350_000_000_000, M_cap: 80 * 2**30}
    assert row_point(datasets.interconnect("ib-xdr"))[BW_Int] == 100_000_000_000


MIB, GIB = 2**20, 2**30
MEMORY = {  # bytes: what nvidia-smi or rocm-smi prints, or whole GiB on the data sheet, whichever is more
    "a100-sxm4-40gb": 40960 * MIB,
    "a100-sxm4-80gb": 81920 * MIB,
    "h100-sxm5": 80 * GIB,
    "h200-sxm5": 143771 * MIB,
    "h20-sxm": 97871 * MIB,
    "h800-sxm5": 80 * GIB,
    "b200-sxm": 183359 * MIB,
    "gb200-nvl72": 189471 * MIB,
    "b300-sxm": 275040 * MIB,
    "gb300-nvl72": 284208 * MIB,
    "gh200-96gb": 97871 * MIB,
    "gh200-144gb": 146831 * MIB,
    "rtx-pro-6000-ws": 97887 * MIB,
    "mi350x": 288 * GIB,
    "b60": 24 * GIB,
    "tpu-8i": 288 * 10**9,
    "rtx-3090": 24 * GIB,
    "rtx-4090": 24 * GIB,
    "rtx-5090": 32 * GIB,
    "l40s": 46068 * MIB,
    "mi300x": 192 * GIB,
    "mi355x": 288 * GIB,
    "b200-paper": 192 * 10**9,
    "h200-paper": 141 * 10**9,
}


@pytest.mark.parametrize(("name", "memory"), MEMORY.items())
def test_memory_is_what_a_driver_reports_where_that_is_more(name, memory):
    row = datasets.accelerator(name)
    assert row_point(row, "bf16" if row.P_bf16 else "fp4")[M_cap] == memory


def test_the_two_figures_of_memory_are_of_one_part():
    """A driver keeps up to 2 % for itself, and a data sheet rounds by up to a GiB read as GB: more would be a slip."""
    rows = [row for row in datasets.accelerators().values() if row.M_driver is not None]
    assert len(rows) >= 15
    assert not any(row.id.endswith("-paper") for row in rows)
    for row in rows:
        assert "driver: " in row.source
        assert 0.98 * row.M_cap * 1e9 <= row.M_driver <= 1.01 * row.M_cap * GIB


@pytest.mark.parametrize(("unit", "size"), [("GB", 10**9), ("GiB", GIB)])
def test_a_unit_that_is_asked_for_reads_the_data_sheet(unit, size):
    assert Setting.of(accelerator="b200-sxm", capacity_unit=unit).point[M_cap] == 180 * size
    assert Setting.of(accelerator="b200-sxm", memory_share=0.9).point[M_cap] == 0.9 * 183359 * MIB


def test_a_usable_share_of_memory_limits_the_batch():
    """llama-3.1-8b on an H100 of which an engine takes 0.9: weights of 16.06 GB, requests of 8192 tokens at 128 KiB."""
    given = {"model": "llama-3.1-8b", "accelerator": "h100-sxm5", "L": 8192, "activation": "none", "rounding": "none"}
    room = {share: (share * 80 * GIB - 16_060_522_496) / (8192 * 131_072) for share in (1, 0.9)}
    for share, batch in room.items():
        assert evaluate("B_cap", **given, memory_share=share).value == pytest.approx(batch, rel=1e-12)
    assert room[0.9] == pytest.approx(57.04, rel=1e-4)
    best = plans(Setting.of(model="llama-3.1-8b", accelerator="h100-sxm5", L=8192, memory_share=0.9))[0]
    assert best.batch == 57
    assert best.utilisation["memory capacity"] <= 1


@pytest.mark.parametrize(("name", "ridge"), [("rtx-3090", 71e3 / 936), ("rtx-4090", 165.2e3 / 1008), ("rtx-5090", 117)])
def test_consumer_cards_serve_alone_and_over_a_bus(name, ridge):
    assert evaluate("ridge_point", accelerator=name).value == pytest.approx(ridge, rel=1e-3)
    step = {"model": "llama-3.1-8b", "accelerator": name, "B": 1, "L": 1024}
    assert 1 < evaluate("tpot", **step, n_acc=2, deg_TP=2).value * 1e3 < evaluate("tpot", **step).value * 1e3 < 20


def test_one_accelerator_waits_for_no_wires():
    """qwen3-8b on one trainium2, whose link is not known: 7.57e9 weights and 147,456 bytes a token at 2.9 TB/s."""
    step = {"model": "qwen3-8b", "accelerator": "trainium2", "B": 1, "L": 1024}
    found = evaluate("tpot", **step).value
    read = 2 * (8_190_735_360 - 151_936 * 4096 - 36 * (2 * 4096 + 2 * 128) - 4096) + 147_456 * 1024
    assert read / 2.9e12 < found < 1.01 * read / 2.9e12  # and activations
    with pytest.raises(InputError, match="link= is needed"):
        evaluate("tpot", **step, n_acc=2)


def test_peak_is_chosen_and_refused_where_absent():
    assert row_point(datasets.accelerator("b200-paper"), peak="fp8")[P_acc] == 4500 * 10**12
    with pytest.raises(InputError, match=r"peak=fp4: accelerator h200-sxm5 .* allowed are bf16, fp8"):
        row_point(datasets.accelerator("h200-sxm5"), peak="fp4")


def test_model_point_has_groups_and_leaves_out_empty_cells():
    maverick = row_point(datasets.model("llama-4-maverick"))
    assert maverick[deg_grp] == 5
    r1 = row_point(datasets.model("deepseek-r1"))
    assert not {n_kv, deg_grp} & set(r1)
    assert r1[d_hd] == 128
    assert all(symbol in BY_NAME.values() for symbol in r1)


@given(number=st.integers(1, 9999), decimals=st.integers(0, 2), suffix=st.sampled_from("MBT"))
def test_printed_numbers_keep_their_last_digit(number, decimals, suffix):
    text = f"{number / 10**decimals:.{decimals}f}{suffix}"
    read = Printed.parse(text)
    assert read == pytest.approx(number * read.step)
    assert str(read) == text
    assert read.agrees_with(read + 0.99 * read.step)
    assert not read.agrees_with(read + 1.01 * read.step)


# -- look-ups ------------------------------------------------------------------------------------------------------
def test_aliases_name_the_same_row():
    assert datasets.model("deepseek-r1") is datasets.model("deepseek-v3")


@pytest.mark.parametrize(
    ("find", "name", "close", "listing"),
    [
        (datasets.model, "deepseek-v33", "deepseek-v3", "python -m analysis models"),
        (datasets.accelerator, "H200", "h200-paper", "python -m analysis accelerators"),
        (datasets.interconnect, "ib_xdr", "ib-xdr", "python -m analysis interconnects"),
        (datasets.model, "qqqq", "no row", "python -m analysis models"),
    ],
)
def test_an_unknown_id_is_refused_with_close_matches(find, name, close, listing):
    with pytest.raises(InputError) as refusal:
        find(name)
    assert all(part in str(refusal.value) for part in (close, listing, name))


def test_an_answer_reads_few_models():
    asked = 'evaluate("tpot", model="deepseek-v3", accelerator="b200-paper", n_acc=32, B=64, L=4096).told'
    count = "from analysis.data.table import load_file; print(load_file.cache_info().currsize)"
    code = f"from analysis.systems.quantities import evaluate; {asked}; {count}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 2  # its own, and one to try whether the model matters
