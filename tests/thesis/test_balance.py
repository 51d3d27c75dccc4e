"""Propositions (b) and (e): by algebra, by enumeration, and against the full model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import simplify

from analysis.derive import serving
from analysis.derive.symbols import B, BW_Int, BW_mem, L, P_acc, deg_DP
from analysis.derive.thesis import balance as proofs
from analysis.errors import InputError
from analysis.evaluate.numbers import value
from analysis.evaluate.thesis import balance, resources
from analysis.evaluate.thesis.asking import numbers

from . import points

R1 = points.setting("deepseek-v3")


def test_the_batch_cancels_in_the_ratio():
    ratio = proofs.expert_intensity() / proofs.dense_intensity()
    assert not simplify(ratio).has(B)
    assert simplify(ratio.xreplace({deg_DP: proofs.balanced_groups()})) == 1


@pytest.mark.parametrize("model", balance.moe_models())
def test_every_model_balances_at_its_number_of_groups_and_at_no_other(model):
    system = R1.with_(model=model, deg_EP=1, n_acc=1)
    groups = balance.balanced_groups(system)
    ratios = [balance.intensity_ratio(system, 4096.0, groups * off, activations=False) for off in (0.9, 1, 1.1)]
    assert ratios[0] < 1 < ratios[2]
    assert ratios[1] == pytest.approx(1)


def test_activations_leave_one_batch_of_balance_at_most():
    point = R1.point | {deg_DP: 40.0}
    even = float(value(proofs.balanced_batch(), point))
    form = proofs.expert_intensity(True) / proofs.dense_intensity(True)
    low, high = (float(value(form, point | {B: abs(even) * off})) for off in (0.5, 2.0))
    assert (low - 1) * (high - 1) < 0 if even > 0 else (low - 1) * (high - 1) > 0


# -- resources -------------------------------------------------------------------------------------
def test_elasticities_to_the_rates_add_up_to_one_in_the_full_model():
    system = points.setting("deepseek-v3", "h200-sxm5", 64)
    form = serving.tpot(system.architecture, system.conventions)
    point = system.point | {L: 8192.0, B: 4000.0}
    plain, step = float(value(form, point)), 1e-6
    found = [
        -(float(value(form, point | {rate: point[rate] * (1 + step)})) / plain - 1) / step
        for rate in (P_acc, BW_mem, BW_Int)
    ]
    assert sum(found) == pytest.approx(1, abs=1e-4)
    assert simplify(proofs.elasticity_proof()[-1].form) == 1


@pytest.mark.parametrize("model", points.SYSTEMS)
def test_elasticities_tell_the_sign_and_size_of_a_small_change(model):
    system = points.setting(model)
    worth = resources.elasticities(system, 8192.0)
    plain = float(resources.rate(system, np.ones(4), 8192.0))
    for place, name in enumerate(resources.RESOURCES):
        more = float(resources.rate(system, np.where(np.arange(4) == place, 1.01, 1.0), 8192.0))
        assert np.log(more / plain) / np.log(1.01) == pytest.approx(worth[name], abs=0.02)


@given(st.lists(st.floats(0.2, 5), min_size=4, max_size=4))
def test_no_split_of_the_budget_beats_the_best(raw):
    factors = np.array(raw) / (np.array(raw) @ np.array(resources.COSTS))
    best = resources.best_split(R1, 8192.0, points=9)
    rate = float(resources.rate(R1, factors, 8192.0)) / float(resources.rate(R1, np.ones(4), 8192.0))
    assert not rate > best.gain * 1.005
    assert np.dot(list(best.factors.values()), resources.COSTS) == pytest.approx(1)


def test_wrong_shares_end_in_one_sentence():
    with pytest.raises(InputError, match="add up to 1"):
        resources.best_split(R1, 8192.0, (0.5, 0.5, 0.5, 0.5))
    with pytest.raises(InputError, match="acceptances=abc"):
        numbers("acceptances", "abc")
