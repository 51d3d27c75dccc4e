"""Propositions (b) and (e): by algebra, by enumeration, and against the full model."""

from functools import cache, partial
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import simplify

from analysis.ask.numbers import value
from analysis.derive import serving
from analysis.derive.statements import proof_of_balance as proofs
from analysis.derive.symbols import B, BW_Int, BW_mem, L, P_acc, deg_DP, deg_EP, n_acc, width_activations
from analysis.files.errors import InputError
from analysis.render import thesis_tables
from analysis.systems.arrangements import with_models
from analysis.systems.canonical import paper
from analysis.thesis import balance, margins, resources
from analysis.thesis.asking import numbers
from analysis.thesis.full import batch_at_capacity, passing, terms_at, throughput
from analysis.thesis.world import world

from . import points

R1 = points.setting("deepseek-v3")
RIDGE = 2250 / 8  # tokens at which a layer of 2-byte weights computes


def test_the_batch_cancels_in_the_ratio():
    ratio = proofs.expert_intensity() / proofs.dense_intensity()
    assert not simplify(ratio).has(B)
    assert simplify(ratio.xreplace({deg_DP: proofs.balanced_groups()})) == 1


def test_every_model_balances_at_its_number_of_groups_and_at_no_other():
    for model in balance.moe_models():
        system = R1.with_(model=model, deg_EP=1, n_acc=1)
        groups = balance.balanced_groups(system)
        ratios = [balance.intensity_ratio(system, 4096.0, groups * off, activations=False) for off in (0.9, 1, 1.1)]
        assert ratios[0] < 1 < ratios[2], model
        assert ratios[1] == pytest.approx(1), model


def test_activations_count_unless_they_are_left_out():
    plain, kept, left = (balance.intensity_ratio(R1, 4096.0, [32.0], *asked)[0] for asked in ((), (True,), (False,)))
    assert plain == kept
    assert left == pytest.approx(1)  # 32 groups balance R1's 256 experts of which a token visits 8
    assert abs(kept - left) > 0.01


def test_activations_leave_one_batch_of_balance_at_most():
    point = R1.point | {deg_DP: 40.0}
    even = float(value(proofs.balanced_batch(), point))
    form = proofs.expert_intensity(True) / proofs.dense_intensity(True)
    low, high = (float(value(form, point | {B: abs(even) * off})) for off in (0.5, 2.0))
    assert (low - 1) * (high - 1) < 0 if even > 0 else (low - 1) * (high - 1) > 0


@settings(max_examples=20)
@given(st.sampled_from((8, 16, 32, 64, 128)), st.floats(512, 8192), st.floats(1.2, 4))
def test_experts_and_dense_layers_of_the_whole_model_keep_step_at_the_balanced_number_only(groups, batch, more):
    """Weights' bytes alone: the ratio of the two terms stays as the batch grows where they balance; all reached."""
    system = R1.with_(n_acc=groups, deg_EP=groups)
    forms = serving.tpot_terms(system.architecture, system.conventions)
    ratios = []
    for each in (batch, batch * more):
        point = system.point | {L: 1024.0, B: each, width_activations: 1e-9}
        ratios.append(float(value(forms["routed_experts"], point)) / float(value(forms["dense_ffn"], point)))
    reads = batch * more / groups < RIDGE and batch * more / 32 < RIDGE
    computes = batch / groups > RIDGE and batch / 32 > RIDGE
    steady = groups == balance.balanced_groups(R1) or reads or computes
    assert (ratios[0] == pytest.approx(ratios[1], rel=1e-5)) == steady


def test_throughput_is_that_of_one_request_or_more_and_of_one_accelerator():
    batches = np.array([0.99, 1.0, 64.0])
    found = throughput(R1, batches, 8192.0)
    assert np.isnan(found[0])
    times = [points.time(R1, 8192.0, each) for each in batches[1:]]
    assert found[1:] == pytest.approx(batches[1:] / times / 32)
    halved = throughput(R1, batches, 8192.0, {n_acc: 64.0, deg_DP: 64.0, deg_EP: 64.0})
    assert halved[2] == pytest.approx(64 / points.time(R1.with_(n_acc=64), 8192.0, 64.0) / 64)


# -- resources -------------------------------------------------------------------------------------
COSTS = resources.BUDGETS["area"]
GROUPS = {"link_between": "ib-xdr", "group": 8}


@settings(max_examples=20)
@given(points.settings, points.contexts, st.floats(0.05, 1))
def test_elasticities_to_the_rates_add_up_to_one_and_wires_to_their_share_in_the_whole_model(system, context, share):
    batch = share * points.full(system, context)[0]
    assume(batch >= 1)
    form = serving.tpot(system.architecture, system.conventions)
    point = system.point | {L: context, B: batch}
    plain, step = float(value(form, point)), 1e-6

    def elasticity(rate) -> float:
        up, down = (float(value(form, point | {rate: point[rate] * (1 + change)})) for change in (step, -step))
        return (down - up) / (2 * step) / plain

    found = {rate: elasticity(rate) for rate in (P_acc, BW_mem, BW_Int)}
    assert sum(found.values()) == pytest.approx(1, abs=1e-4)
    terms = points.full(system, context, batch)[1]
    wires = sum(terms[name] for name in serving.COMMUNICATION)
    assert found[BW_Int] == pytest.approx(wires / plain, abs=1e-4)


def test_the_proof_ends_in_one():
    assert simplify(proofs.elasticity_proof()[-1].form) == 1


@settings(max_examples=40)
@given(points.settings, points.contexts, st.booleans(), st.sampled_from((0.0, 1e-6, 1e-5)))
def test_elasticities_to_all_rates_add_up_to_one_less_the_share_of_latency(system, context, two, alpha):
    """Throughput is homogeneous in the rates, those of both levels of network; latencies, a time each, are not."""
    system = system.with_(alpha=alpha, **(GROUPS if two else {}))
    batch = float(batch_at_capacity(system, context))
    assume(batch >= 1)
    worth = resources.elasticities(system, context)
    terms = terms_at(system, batch, context)
    without = terms_at(system.with_(alpha=0), batch, context)
    wires = sum(float(terms[name] - without[name]) for name in serving.COMMUNICATION)
    rates = sum(number for name, number in worth.items() if name != "capacity")
    assert ("link between groups" in worth) == two
    assert rates == pytest.approx(1 - wires / float(sum(terms.values())), abs=1e-6)


def test_wires_between_groups_are_worth_their_share_of_time_by_hand():
    """R1 at 8K and full memory: 24 of 32 copies leave the group, and take longer than those inside."""
    system = R1.with_(**GROUPS)
    batch, terms = points.full(system, 8192.0)
    wires = 2 * 58 * batch * 8 * 7168 * 2 / 32 * 24 / 32 / 100e9
    worth = resources.elasticities(system, 8192.0)
    assert worth["link between groups"] == pytest.approx(wires / sum(terms.values()), abs=1e-6)
    assert worth["link between groups"] == pytest.approx(0.444, abs=0.001)
    assert worth["interconnect"] == pytest.approx(0, abs=1e-6)
    assert worth["memory bandwidth"] == pytest.approx(0.556, abs=0.001)


def test_a_second_device_has_rates_of_its_own_and_the_sum_stays_one():
    worth = resources.elasticities(R1.with_(accelerator_experts="pim-paper"), 8192.0)
    assert sum(number for name, number in worth.items() if name != "capacity") == pytest.approx(1, abs=1e-6)
    assert worth["memory bandwidth for experts"] + worth["arithmetic for experts"] > 0.01


@pytest.mark.parametrize("model", points.SYSTEMS)
@pytest.mark.parametrize("more", [{}, GROUPS], ids=["one level", "two"])
def test_elasticities_tell_the_sign_and_size_of_a_small_change(model, more):
    """What a resource buys is every link at once: the sum of what each is worth."""
    system = points.setting(model, **more)
    worth = resources.elasticities(system, 8192.0)
    worth["interconnect"] += worth.pop("link between groups", 0)
    plain = float(resources.rate(system, np.ones(4), 8192.0))
    for place, name in enumerate(resources.RESOURCES):
        more = float(resources.rate(system, np.where(np.arange(4) == place, 1.01, 1.0), 8192.0))
        assert np.log(more / plain) / np.log(1.01) == pytest.approx(worth[name], abs=0.02)


@settings(max_examples=20)
@given(points.settings, st.sampled_from(("memory bandwidth", "capacity")), st.floats(0.2, 0.6))
def test_worth_passes_a_value_at_its_context(system, resource, worth):
    flip = resources.even_context(system, resource, worth)
    assume(0 < flip < np.inf)
    below, above = (resources.elasticities(system, flip * off)[resource] for off in (0.98, 1.02))
    assert below < worth < above


def test_where_a_function_is_above_nothing():
    ends = {(1, 1): 0.0, (-1, -1): np.inf, (0, 0): np.inf, (-1, 3): 4.0, (np.nan, 1): np.nan, (1, np.nan): np.nan}
    for (low, high), found in ends.items():
        slope = (high - low) / 4  # on a logarithmic axis from 2^1 to 2^5, so that -1 to 3 is above 0 from 2^2 on
        line = partial(lambda low, slope, x: low + slope * (np.log2(x) - 1), low, slope)
        assert passing(line, 2.0, 32.0) == pytest.approx(found, nan_ok=True)


@pytest.mark.parametrize(("end", "off", "beyond"), [(256.0, 2e-3, 0), (2.0**20, -0.02, np.inf)])
def test_worth_is_sought_from_256_to_1m_tokens_and_no_further(end, off, beyond):
    """Worth of memory bandwidth rises with the context here: it has a root just inside an end, and none outside."""
    system = points.setting("gpt3-175b", n_acc=512)
    for place, found in ((end * (1 + off), end * (1 + off)), (end * (1 - off), beyond)):
        worth = resources.elasticities(system, place)["memory bandwidth"]
        assert resources.even_context(system, worth=worth) == pytest.approx(found, rel=1e-3)
    half = resources.elasticities(system, resources.even_context(system))["memory bandwidth"]
    assert half == pytest.approx(0.5, abs=1e-6)


@settings(max_examples=30)
@given(st.lists(st.floats(0.2, 5), min_size=4, max_size=4), st.sampled_from(list(resources.BUDGETS)))
def test_no_split_of_a_budget_beats_the_best_and_none_of_these_is_better_for_all(raw, budget):
    costs = resources.BUDGETS[budget]
    factors = np.array(raw) / (np.array(raw) @ np.array(costs))
    best = best_split(budget)
    assert not resources.gain(R1, factors, 8192.0) > best.gain * 1.0001
    assert np.dot(list(best.factors.values()), costs) == pytest.approx(1)
    systems = [points.setting(model) for model in points.SYSTEMS]
    shared = for_all(budget)
    least = [min(resources.gain(system, each, 8192.0) for system in systems) for each in (factors, shared)]
    assert not least[0] > least[1] * 1.02
    assert shared @ costs == pytest.approx(1)


@cache
def best_split(budget: str) -> resources.Split:
    return resources.best_split(R1, 8192.0, resources.BUDGETS[budget])


@cache
def for_all(budget: str) -> np.ndarray:
    systems = [points.setting(model) for model in points.SYSTEMS]
    return resources.for_all(systems, 8192.0, resources.BUDGETS[budget])


@settings(max_examples=20)
@given(points.settings, points.contexts, st.sampled_from(list(resources.BUDGETS)))
def test_the_specialised_device_loses_above_its_share_of_cost(system, context, budget):
    flip = resources.even_share(system, "pim-paper", context, resources.BUDGETS[budget])
    assume(1e-3 < flip < 0.99)
    for off, wins in ((-1e-3, True), (1e-3, False)):
        made = resources.specialised(system, "pim-paper", resources.shifted(resources.BUDGETS[budget], flip + off))
        assert (np.nan_to_num(resources.gain(system, made, context)) > 1) == wins


@pytest.mark.parametrize("model", ["gpt3-175b", "llama-4-maverick"])
def test_models_of_old_attention_have_such_a_share(model):
    assert 0 < resources.even_share(points.setting(model), "pim-paper", 8192.0, COSTS) < 1


def test_the_specialised_device_costs_what_the_reference_costs_and_keeps_the_memory_devices_ratio():
    factors = resources.specialised(R1, "pim-paper", COSTS)
    assert factors @ COSTS == pytest.approx(1)
    assert factors[1] / factors[0] == pytest.approx(32000 / 8000 / (256 / 2250))
    assert resources.even_share(R1, "pim-paper", 8192.0, COSTS) == 0


@pytest.mark.parametrize("costs", [(0.05, 0.05, 0.05, 0.85), (0.85, 0.05, 0.05, 0.05), *resources.BUDGETS.values()])
def test_the_best_split_is_that_of_a_dense_random_search_and_of_other_grids(costs):
    """The optimum of the first lies beyond four times the reference's shares, where the first grid ends."""
    system = points.setting("gpt3-175b")
    draws = np.random.default_rng(7).dirichlet(np.full(4, 0.7), 40000) / np.array(costs)
    sought = np.nanmax(resources.rate(system, tuple(draws.T), 8192.0)) / resources.rate(system, np.ones(4), 8192.0)
    found = resources.best_split(system, 8192.0, costs).gain
    assert sought * 0.9999 < found < sought * 1.03
    assert found == pytest.approx(resources.best_split(system, 8192.0, costs, points=17).gain, rel=1e-3)


def test_one_question_has_one_number_the_best_split_of_an_area_on_every_page():
    """GPT-3 at its degree in Table IV, 8: the chapter's sentence, its table, and the verdict's margin."""
    (setting,) = with_models(points.setting("gpt3-175b", deg_TP=None), ["gpt3-175b"], 8192.0)
    chapter = resources.best_split(setting, 8192.0, resources.BUDGETS["area"]).gain
    assert setting["deg_TP"] == 8
    assert chapter == pytest.approx(2.441, abs=0.001)
    margin = margins.balanced(world(), "gpt3-175b", {"context": 8192.0, "link": "fast", "budget": "area"})
    assert 1.25 - float(margin) == pytest.approx(chapter, rel=1e-3)
    table = next(row for row in thesis_tables.devices_table(paper()).splitlines() if "best for GPT-3" in row)
    assert "2.44" in table


def test_shares_are_varied_over_every_division_that_adds_up():
    grid = resources.share_grid()
    whole = {tuple(each) for each in grid.round(9).tolist()}
    brute = {
        (a, b, c, round(1 - a - b - c, 9))
        for a, b, c in product((0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65), repeat=3)
        if 0.04 < 1 - a - b - c < 0.66
    }
    assert whole == brute
    assert resources.checked_costs(grid[0]).tolist() == grid[0].tolist()


def test_the_spread_over_shares_holds_the_assumed_ones():
    """A budget that goes to what waits already leaves little to gain; one that goes to idle links leaves most."""
    for model, far, waits in (
        ("gpt3-175b", 7.0, (0.05, 0.65, 0.25, 0.05)),
        ("deepseek-v3", 2.0, (0.05, 0.55, 0.35, 0.05)),
    ):
        system = points.setting(model)
        least, most = resources.over_shares(system, 8192.0)
        assumed = resources.gains_over_shares(system, 8192.0, resources.BUDGETS.values())
        assert 1 <= least < assumed.min() < assumed.max() < most
        assert most > far
        ends = (resources.best_split(system, 8192.0, each).gain for each in (waits, (0.05, 0.05, 0.25, 0.65)))
        assert [least, most] == pytest.approx(list(ends))


def test_wrong_shares_end_in_one_sentence():
    with pytest.raises(InputError, match=r"power=.*add up to 1"):
        resources.checked_costs((0.5, 0.5, 0.5, 0.5), "power")
    for costs in ((1.2, -0.2, 0.5, -0.5), (0.5, 0.5, 0.0, 0.0), (0.5, 0.3, 0.2)):
        with pytest.raises(InputError, match="four positive numbers"):
            resources.checked_costs(costs)
    with pytest.raises(InputError, match="acceptances=abc"):
        numbers("acceptances", "abc")
