"""Calibration recovers planted parameters, keeps shapes together, says what it cannot know; the shipped one applies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import calibrations
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import attention_stages
from analysis.files.errors import InputError
from analysis.measured import calibration, fitting
from analysis.measured.calibration import Parts
from analysis.measured.validate import compare
from analysis.systems import timing

PLANTED = {"floor": 1.2e-5, "memory_efficiency": 0.83, "compute_efficiency": 0.61, "sharpness": 2.5}


def planted(compute_share: float = 1.0, noise: float = 0.01) -> Parts:
    """Rows of 40 shape groups whose times follow the planted parameters up to a little noise."""
    generator = np.random.default_rng(1)
    memory = 10 ** generator.uniform(-6.5, -2.5, 400)
    compute = compute_share * memory * 10 ** generator.uniform(-1, 1, 400)
    measured = timing.calibrated(compute, memory, **PLANTED) * np.exp(noise * generator.standard_normal(400))
    return Parts(compute, memory, measured, np.arange(400) % 40)


def test_planted_parameters_are_found():
    found = calibration.fit(planted())
    assert found == {name: pytest.approx(number, rel=0.1) for name, number in PLANTED.items()}


def test_intervals_hold_what_was_planted_and_nothing_is_open():
    parts = planted()
    spans = calibration.intervals(parts, repeats=30)
    assert all(0.97 * low <= PLANTED[name] <= 1.03 * high for name, (low, high) in spans.items())
    assert calibration.unidentified(parts, calibration.fit(parts)) == []


def test_rows_that_never_compute_leave_compute_efficiency_and_sharpness_open():
    parts = planted(compute_share=1e-4)
    assert set(calibration.unidentified(parts, calibration.fit(parts))) == {"compute_efficiency", "sharpness"}


def test_exchanges_have_a_floor_and_a_link_efficiency_alone():
    base = planted()
    measured = PLANTED["floor"] + base.memory / 0.7
    found = calibration.fit(Parts(np.zeros(400), base.memory, measured, base.group))
    assert found == {
        "floor": pytest.approx(PLANTED["floor"], rel=0.01),
        "memory_efficiency": pytest.approx(0.7, rel=0.01),
    }


@given(st.integers(0, 1000))
def test_groups_stay_on_one_side_of_the_split(seed):
    parts = planted()
    train, test = calibration.split(parts, seed)
    assert not set(parts.group[train]) & set(parts.group[test])
    assert len(train) + len(test) == 400
    assert len(set(parts.group[test])) == 12


def test_a_split_is_repeatable_and_depends_on_its_seed():
    parts = planted()
    assert np.array_equal(calibration.split(parts, 3)[1], calibration.split(parts, 3)[1])
    assert not np.array_equal(calibration.split(parts, 3)[1], calibration.split(parts, 4)[1])


def test_many_rows_are_thinned_by_whole_groups():
    parts = planted()
    few = calibration.thinned(parts, most=100)
    assert 90 <= len(few.measured) <= 110
    assert all(np.sum(few.group == group) == 10 for group in set(few.group))


@given(st.floats(1e-7, 1e-2), st.floats(1e-7, 1e-2), st.floats(1, 12))
def test_smooth_maximum_lies_between_the_larger_and_the_sum(compute, memory, sharpness):
    time = timing.calibrated(compute, memory, sharpness=sharpness)
    assert max(compute, memory) * (1 - 1e-12) <= time <= (compute + memory) * (1 + 1e-12)


def test_without_parameters_it_is_the_roofline():
    assert timing.calibrated(3.0, 4.0) == 4.0
    parts = planted()
    assert calibration.constant_efficiency(
        Parts(parts.compute, parts.memory, 2 * np.maximum(parts.compute, parts.memory), parts.group)
    )["memory_efficiency"] == pytest.approx(0.5)


# -- what is shipped -----------------------------------------------------------------------------------------------
def test_shipped_fits_are_those_of_the_shipped_rows():
    fitted = fitting.fit_all(compare(), "published", "data/measurements", repeats=2)
    shipped = calibrations.named("published")
    assert (
        {each.row.operation for each in fitted}
        == set(shipped)
        == {"attention", "latent-attention", "experts", "exchange"}
    )
    for each in fitted:
        known = shipped[each.row.operation]
        assert each.row.error == pytest.approx(known.error, rel=0.02)
        assert each.row.open == known.open
        for name in set(each.row.parameters) - set(known.open):
            assert each.row.parameters[name] == pytest.approx(known.parameters[name], rel=0.02)


def test_calibration_beats_both_baselines_on_rows_that_it_has_not_seen():
    for row in calibrations.named("published").values():
        assert row.error < row.error_constant < row.error_roofline


def test_intervals_enclose_the_fit():
    for row in calibrations.named("published").values():
        for name, number in row.parameters.items():
            assert getattr(row, f"{name}_low") <= number * 1.001
            assert number <= getattr(row, f"{name}_high") * 1.001


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"calibration=mine: .* allowed are published"):
        calibrations.named("mine")


def test_kernel_time_as_a_closed_form():
    setting = Setting.of(model="deepseek-v3", accelerator="h100-sxm5", B=128, L=8192)
    (kernel,) = attention_stages(MECHANISMS["MLA"], setting.conventions)["core"]
    rows = calibrations.named("published")
    model = rows["latent-attention"]
    compute = value(kernel.flops, setting.point) / 989.4e12
    memory = value(kernel.bytes, setting.point) / 3350e9
    wanted = timing.calibrated(compute, memory, **model.parameters)
    fitted = timing.kernel_time(kernel, rows, "core", latent=True)
    assert float(value(fitted, setting.point)) == pytest.approx(wanted)
    bare = timing.kernel_time(kernel, rows, "projections")
    assert float(value(bare, setting.point)) == pytest.approx(max(compute, memory))
