"""The data files hold what the study needs, in SI units, and rows are found by id and alias."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.derive.symbols import BY_NAME, BW_Int, BW_mem, M_cap, P_acc, d_hd, deg_grp, n_kv
from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.cells import Printed
from analysis.evaluate.points import row_point

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
    shipped = [row for name, row in datasets.accelerators().items() if not name.endswith("-paper")]
    assert len(shipped) >= 15
    assert all(row.P_bf16 and row.BW_mem for row in shipped)


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
