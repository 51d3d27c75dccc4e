"""A calibration replaces the roofline's times and nothing else; numbers read from the data file by hand."""

import csv

import pytest

from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.systems.quantities import evaluate

with (ROOT / "data" / "calibrations.csv").open(newline="") as file:
    ROWS = {row["id"]: row for row in csv.DictReader(file)}
HERE = {"model": "deepseek-v3", "accelerator": "h100-sxm5", "n_acc": 32, "B": 1024, "L": 4096}


def _row(name: str) -> dict[str, float]:
    names = ("floor", "memory_efficiency", "compute_efficiency", "sharpness")
    return {key: float(ROWS[f"published.{name}"][key]) for key in names if ROWS[f"published.{name}"][key]}


def test_core_attention_by_hand():
    """61 blocks; 32 requests of 128 heads per accelerator against 576 cached elements a token."""
    fit = _row("latent-attention")
    flops = 2 * 32 * 128 * 4096 * (576 + 512)
    moved = 2 * 32 * (4096 * 576 + 128 * (576 + 512))
    compute, memory = flops / 989.4e12 / fit["compute_efficiency"], moved / 3.35e12 / fit["memory_efficiency"]
    p = fit["sharpness"]
    expected = 61 * (fit["floor"] + (compute**p + memory**p) ** (1 / p))
    assert evaluate("tpot_terms", **HERE, calibration="published").value["core_attention"] == pytest.approx(expected)


def test_wires_by_hand():
    fit = _row("exchange")
    sent = 1024 * 8 / 32 * 7168 * 2 / 450e9
    found = evaluate("tpot_terms", **HERE, calibration="published").value
    assert found["dispatch"] == found["combine"] == pytest.approx(58 * (fit["floor"] + sent / fit["memory_efficiency"]))


def test_terms_without_measurements_keep_the_roofline():
    bare, fitted = (evaluate("tpot_terms", **HERE, **more).value for more in ({}, {"calibration": "published"}))
    for name in ("attention_projections", "shared_expert", "router", "output_head"):
        assert fitted[name] == bare[name] > 0
    for name in ("core_attention", "routed_experts", "dispatch"):
        assert fitted[name] > bare[name]


def test_nothing_travels_on_one_accelerator():
    alone = evaluate("tpot_terms", **HERE | {"n_acc": 1}, calibration="published").value
    assert alone["dispatch"] == alone["combine"] == alone["all_reduce"] == 0


def test_unknown_calibration_is_refused():
    with pytest.raises(InputError, match=r"calibration=nope.*published"):
        evaluate("tpot", **HERE, calibration="nope")
