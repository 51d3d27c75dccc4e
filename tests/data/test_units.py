"""Slips of units in a reader's own rows and parameters are refused, with the unit and what was probably meant."""

from types import SimpleNamespace

import pytest

from analysis.ask import widths
from analysis.ask.reading import read
from analysis.data import datasets
from analysis.data.rows import FILES
from analysis.data.units import MEASURES, RANGES, TO_SI
from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate
from tests.reader.rows import CHIP, LINK

CHIPS = {
    ("BW_mem", 5): "the unit is GB/s: write 5000",
    ("BW_mem", 5e12): "the unit is GB/s: write 5000",
    ("P_bf16", 2.25e15): "the unit is TFLOP/s: write 2250",
    ("P_fp8", 1e-3): "the unit is TFLOP/s: write 1",
    ("M_cap", 192e9): "the unit is GB: write 192",
    ("M_driver", 81559): "the unit is byte: write 8.552080998e+10",
    ("tdp", 0.7): "the unit is W: write 700",
    ("BW_mem", 0): "the unit is GB/s; correct this cell",
}
LINKS = {
    ("BW_Int", 900e9): "the unit is GB/s: write 900",
    ("BW_Int", 0.9): "the unit is GB/s: write 900",
    ("latency", 8e-7): "the unit is us: write 0.8",
}
TYPED = {
    ("BW_Int", "900"): "the unit is byte/s: write 9e+11",
    ("BW_Int", "1e-300"): "the unit is byte/s.",
    ("slo", "1e17"): "the unit is s.",
    ("slo", "50000"): "the unit is s: write 50",
    ("alpha", "5"): "the unit is s: write 5e-06",
    ("width", "1e-300"): "the unit is byte.",
    ("width_experts", "32"): "the unit is byte: write 4",
    ("width_kv", "16"): "the unit is byte: write 2",
}


@pytest.mark.parametrize(("file", "row", "cell"), [
    *(("accelerators", CHIP, cell) for cell in CHIPS),
    *(("interconnects", LINK, cell) for cell in LINKS),
])  # fmt: skip
def test_a_slip_of_units_in_an_own_row_is_refused_with_the_unit(written, file, row, cell):
    column, number = cell
    with pytest.raises(InputError, match=f"column {column}: found .*, allowed is ") as caught:
        datasets.find(file, written("own.yml", row | {column: number}))
    assert (CHIPS | LINKS)[cell] in str(caught.value)


@pytest.mark.parametrize(("file", "row", "changes", "column"), [
    ("accelerators", CHIP, {"P_bf16": CHIP["P_bf16"] / 1000}, "P_bf16"),  # PFLOP/s
    ("accelerators", CHIP, {"P_fp8": CHIP["P_bf16"] / 500}, "P_fp8"),
    ("accelerators", CHIP, {"BW_mem": CHIP["BW_mem"] * 1000}, "P_bf16"),  # MB/s
    ("accelerators", CHIP, {"M_driver": int(CHIP["M_cap"] * 1e6)}, "M_driver"),  # kB
    ("accelerators", CHIP, {"M_driver": int(CHIP["M_cap"] * 1e9), "M_cap": CHIP["M_cap"] / 1000}, "M_driver"),  # TB
    ("interconnects", LINK, {"BW_Int": 900, "BW_Int_two_way": 1.8}, "BW_Int_two_way"),  # TB/s
    ("interconnects", LINK, {"BW_Int": 900, "BW_Int_two_way": 14400}, "BW_Int_two_way"),  # Gbit/s
])  # fmt: skip
def test_a_slip_of_a_thousand_shows_beside_the_other_columns(written, file, row, changes, column):
    """Each number alone is that of some part that was built, a small one or a large one."""
    with pytest.raises(InputError, match=rf"column {column}: found .*, allowed is (about|no less|one to|[0-9.]+ to) "):
        datasets.find(file, written("own.yml", row | changes))


@pytest.mark.parametrize(("name", "text"), TYPED)
def test_a_slip_of_units_in_a_parameter_is_refused_with_the_unit(name, text):
    with pytest.raises(InputError, match=f"^{name}={text}: .* allowed is ") as caught:
        read(name, text)
    assert str(caught.value).endswith(TYPED[name, text]) or TYPED[name, text] in str(caught.value)


def test_both_ends_of_every_range_of_a_parameter_are_held():
    for name, (_, (low, high), _) in MEASURES.items():
        assert (read(name, low), read(name, high)) == (low, high)
        for beyond in (low * 0.999, high * 1.001):
            with pytest.raises(InputError, match="the unit is"):
                read(name, beyond)


def test_every_measure_of_a_part_has_a_range_that_our_rows_lie_well_within():
    """A column with a unit that is not counted in pieces has a range; ours stay a factor of 2 from its ends."""
    for file in ("accelerators", "interconnects"):
        fields = FILES[file].model_fields
        units = {name: (each.json_schema_extra or {}).get("unit") for name, each in fields.items()}
        measured = {name for name, unit in units.items() if unit not in ("", "1")}
        assert measured == RANGES.keys() & fields.keys()
        for row in getattr(datasets, file)().values():
            for name in measured:
                cell, (low, high) = getattr(row, name), RANGES[name]
                assert cell is None or 2 * low <= cell <= high / 2, (row.id, name)
    assert RANGES["BW_mem"][1] * TO_SI["GB/s"] < 1e18


@pytest.mark.parametrize("given", [{"slo": 1e-9}, {"slo": 1e17}])
def test_no_search_runs_to_its_end(given):
    with pytest.raises(InputError, match="the unit is s"):
        evaluate("B_SLO", model="deepseek-v3", accelerator="b200-sxm", n_acc=32, L=8192, **given)


# -- widths of published files -------------------------------------------------------------------
ROW = SimpleNamespace(format="", id="mine", width_weights=2, width_experts=0.53125, width_kv=1)


def of(row=ROW, **given) -> dict[str, float]:
    """Widths in a setting of a row that states those of its published files."""

    class Asked(dict):
        model, given = row, {}

    asked = Asked(dict.fromkeys(("width_weights", "width_experts", "width_kv", "width_activations")))
    asked |= {"width": 2, "format": "served"} | given
    asked.given = given
    return {name.removeprefix("width_"): width for name, width in widths.widths(asked).items()}


def test_published_widths_are_taken_where_asked_for_and_not_overridden():
    assert of() == {"weights": 2, "experts": 0.53125, "kv": 1, "activations": 2}
    assert of(format="bf16") == {"weights": 2, "experts": 2, "kv": 2, "activations": 2}
    assert of(width_kv=0.5) == {"weights": 2, "experts": 0.53125, "kv": 0.5, "activations": 2}
    assert of(width_weights=1) == {"weights": 1, "experts": 1, "kv": 1, "activations": 2}
    assert of(width=1) == dict.fromkeys(("weights", "experts", "kv", "activations"), 1)
    assert of(width=1, width_experts=0.5)["experts"] == 0.5


def test_a_row_that_states_no_width_has_no_served_format():
    with pytest.raises(InputError, match="states no width of its published files"):
        of(SimpleNamespace(format="", id="mine"))
