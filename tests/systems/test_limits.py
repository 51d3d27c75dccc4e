"""Properties of TPOT and of the batch limits, over random batches, contexts and devices."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import serving
from analysis.derive.symbols import BY_NAME
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.quantities import evaluate

from .systems import SYSTEMS, at, form, number, point

ROUNDING = 1e-12  # a sum of terms in floats may fall by this much where the sum of reals does not
names = st.sampled_from(sorted(SYSTEMS))
orders = st.sampled_from(["as_printed", "reordered"])
batches = st.integers(1, 10**6)
contexts = st.integers(1, 10**6)
degrees = st.sampled_from([1, 2, 4, 8])


# -- TPOT grows ----------------------------------------------------------------------------------
@given(names, orders, degrees, st.lists(batches, min_size=2, max_size=20, unique=True), contexts)
def test_tpot_never_falls_with_batch(name, order, deg_TP, given_batches, context):
    times = value(form(name, order=order), point(name, deg_TP, B=np.array(sorted(given_batches), float), L=context))
    assert np.all(np.diff(times) >= -ROUNDING * times[:-1])


@given(names, orders, degrees, batches, st.lists(contexts, min_size=2, max_size=20, unique=True))
def test_tpot_rises_with_context(name, order, deg_TP, batch, given_contexts):
    times = value(form(name, order=order), point(name, deg_TP, B=batch, L=np.array(sorted(given_contexts), float)))
    assert np.all(np.diff(times) >= -ROUNDING * times[:-1])
    assert times[-1] > times[0]


@given(batches, contexts, st.lists(st.floats(1, 8), min_size=2, max_size=6, unique=True))
def test_tpot_never_falls_with_imbalance(batch, context, gammas):
    times = value(form("r1"), point("r1", B=batch, L=context, Gamma_acc=np.array(sorted(gammas))))
    assert np.all(np.diff(times) >= -ROUNDING * times[:-1])


@cache
def terms_of(name):
    setting = at(name)
    return serving.tpot_terms(setting.architecture, setting.conventions)


@given(names, batches, contexts)
def test_terms_sum_to_tpot(name, batch, context):
    here = point(name, B=batch, L=context)
    total = sum(number(term, here) for term in terms_of(name).values())
    assert total == pytest.approx(number(form(name), here), rel=1e-12)


@pytest.mark.parametrize("name", SYSTEMS)
def test_throughput_is_batch_over_tpot(name):
    step = {"B": [1, 64, 1024, 10**6], "L": [1, 2048, 10**6, 8192]}
    tpot, system_wide, each = (
        evaluate(quantity, at(name, **step)).value for quantity in ("tpot", "throughput", "throughput_per_accelerator")
    )
    assert system_wide == pytest.approx(np.array(step["B"]) / tpot, rel=1e-12)
    assert each == pytest.approx(np.array(step["B"]) / tpot / 32, rel=1e-12)


# -- units ---------------------------------------------------------------------------------------
RATES = ("P_acc", "BW_mem", "BW_Int", "BW_out", "P_exp", "BW_exp")
SHAPES = ({}, {"group": 8, "link_between": "ib-xdr"}, {"accelerator_experts": "pim-paper"}, {"overlap": "comm"})


@given(names, st.sampled_from(range(len(SHAPES))), batches, contexts, st.floats(0.01, 100))
def test_k_times_faster_devices_take_a_kth_of_the_time(name, shape, batch, context, k):
    """Without latency every term is a count over a rate."""
    setting = at(name, **SHAPES[shape])
    here = setting.point | {BY_NAME["B"]: batch, BY_NAME["L"]: context}
    faster = here | {BY_NAME[rate]: here[BY_NAME[rate]] * k for rate in RATES if BY_NAME[rate] in here}
    tpot = form(name, **SHAPES[shape])
    assert number(tpot, faster) == pytest.approx(number(tpot, here) / k, rel=1e-9)


@given(names, batches, contexts, st.sampled_from([0.5, 2, 4]))
def test_wider_elements_on_wider_buses_cost_the_same(name, batch, context, k):
    here = point(name, B=batch, L=context)
    widths = ("width_weights", "width_kv", "width_activations", "BW_mem", "BW_Int")
    wider = here | {BY_NAME[each]: here[BY_NAME[each]] * k for each in widths}
    assert number(form(name), wider) == pytest.approx(number(form(name), here), rel=1e-12)


# -- batch limits --------------------------------------------------------------------------------
@settings(max_examples=30)
@given(names, contexts, st.floats(1e-4, 10))
def test_B_SLO_is_the_last_batch_in_time(name, context, slo):
    batch = evaluate("B_SLO", at(name, L=context, slo=slo)).value
    assert batch == int(batch) >= 0
    if batch:
        assert number(form(name), point(name, B=batch, L=context)) <= slo
    assert number(form(name), point(name, B=batch + 1, L=context)) > slo


def test_B_SLO_takes_lists():
    slos = [1e-4, 0.01, 0.02, 0.05]
    together = evaluate("B_SLO", at("r1", L=2048, slo=slos)).value
    assert list(together) == [evaluate("B_SLO", at("r1", L=2048, slo=slo)).value for slo in slos]
    assert together[0] == 0
    assert np.all(np.diff(together) > 0)


def test_B_SLO_beyond_its_first_guess():
    batch = evaluate("B_SLO", at("r1", L=1, slo=1e4)).value
    assert number(form("r1"), point("r1", B=batch + 1, L=1)) > 1e4


def test_no_batch_is_negative_and_no_end_of_a_search_an_answer(monkeypatch):
    """Weights alone take longer than 1 us, so no batch meets it; a search up to 1000 ends before a batch is late."""
    none = evaluate("B_SLO", at("r1", L=8192, slo=1e-6))
    assert none.value == 0
    assert set(none.beside.values()) == {0}
    assert evaluate("B_SLO", at("r1", L=8192, slo=0.05)).value > 1000
    monkeypatch.setattr(system, "LARGEST_BATCH", 1000)
    for slo in (0.05, np.array([1e-6, 0.05])):
        with pytest.raises(InputError, match=r"every batch up to 1e\+03 requests meets it; give a smaller slo"):
            evaluate("B_SLO", at("r1", L=8192, slo=slo))


@given(names, contexts, st.floats(0.001, 10))
def test_B_SLO_of_the_bound_inverts_it(name, context, slo):
    batch = number(form(name, "B_SLO_eq12"), point(name, L=context, SLO=slo))
    if batch > 0:
        assert number(form(name, "tpot_eq12"), point(name, B=batch, L=context)) == pytest.approx(slo, rel=1e-9)


@pytest.mark.parametrize("slo", [0.001, 0.05])
def test_B_SLO_of_the_bound_inverts_it_where_requests_share_activations(slo):
    """Lightning attention of MiniMax-M1 has one decay a head for the whole batch: bytes bend with it."""
    here = Setting.of(model="minimax-m1", accelerator="b200-sxm", n_acc=32, L=4096, slo=slo)
    batch = evaluate("B_SLO", here.with_(B=1)).beside["by Eq. 12"]
    bound = system.tpot_eq12(here)
    if batch:
        assert value(bound, here.point | {BY_NAME["B"]: batch}) == pytest.approx(slo, rel=1e-9)
    else:
        assert value(bound, here.with_(B=1).point) > slo


def test_the_bound_admits_more_than_the_full_tpot():
    answer = evaluate("B_SLO", at("gpt3", L=2048, slo=0.05, weights="eq11"))
    assert answer.beside["by Eq. 12"] > answer.value > 0


# -- Eq. 10 --------------------------------------------------------------------------------------
def test_printed_eq10():
    """B_attn = RP deg_DP and B_MoE = RP n_e / n_k on the printed ridge of B200, 281.25."""
    found = {name: evaluate(name, at("r1")).value for name in ("B_attn", "B_MoE", "B_RP")}
    assert found == {"B_attn": 281.25 * 32, "B_MoE": 281.25 * 256 / 8, "B_RP": 281.25 * 32}
    assert evaluate("B_RP", at("gpt3")).value == evaluate("B_attn", at("gpt3")).value == 281.25 * 4
    assert evaluate("B_RP", at("llama4")).value == 281.25 * 128


@pytest.mark.parametrize(
    ("model", "heads", "groups"), [("mixtral-8x7b", 32, 8), ("qwen2.5-72b", 64, 8), ("gpt3-175b", 96, 96)]
)
@pytest.mark.parametrize("degree", [3, 6, 8, 16, 24])
def test_heads_are_divided_whole_whatever_their_number_is_written_as(model, heads, groups, degree):
    """A closed form may hold the query heads as key-value heads times heads of a group."""
    whole = heads % degree == 0 and (groups % degree == 0 or degree % groups == 0)
    given = {"model": model, "accelerator": "b200-sxm", "link": "nvlink5-b200", "L": 4096, "B": 48, "n_acc": 48}
    given |= {"deg_TP": degree} | ({"deg_EP": 8} if model == "mixtral-8x7b" else {})
    for name in ("tpot", "throughput", "B_cap"):
        if whole:
            assert evaluate(name, **given).value > 0
        else:
            with pytest.raises(InputError, match="heads of the model"):
                evaluate(name, **given)
