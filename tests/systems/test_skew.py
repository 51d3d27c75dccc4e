"""Skewed routing on its way into TPOT: what `s` and the placement give, and what that costs."""

import numpy as np
import pytest

from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate

from . import longhand
from .systems import SYSTEMS, at

STEP = {"B": 1024, "L": 2048}


def terms(**more):
    return evaluate("tpot_terms", at("r1", **STEP, **more)).value


def imbalance(**more):
    return evaluate("load_imbalance", at("r1", **more)).value


def zipf_by_hand(s, experts=256):
    weights = [1 / rank**s for rank in range(1, experts + 1)]
    return [weight / sum(weights) for weight in weights]


CONTIGUOUS = 32 * sum(zipf_by_hand(0.8)[:8])  # experts 0 to 7 on the first of 32 accelerators
STRIDED = 32 * sum(zipf_by_hand(0.8)[::32])  # experts 0, 32, 64 ... on it


@pytest.mark.parametrize(("placement", "gamma"), [("contiguous", CONTIGUOUS), ("strided", STRIDED)])
def test_imbalance_by_hand(placement, gamma):
    """Drawn with replacement, an expert's share is its popularity."""
    assert imbalance(s=0.8, draws="with", placement=placement) == pytest.approx(gamma, rel=1e-12)


@pytest.mark.parametrize(("placement", "gamma"), [("contiguous", CONTIGUOUS), ("strided", STRIDED)])
def test_imbalance_reaches_the_wires(placement, gamma):
    even, skewed = terms(), terms(s=0.8, draws="with", placement=placement)
    for term in ("dispatch", "combine"):
        assert skewed[term] == pytest.approx(gamma * even[term], rel=1e-12)
    one = evaluate("all_to_all_time", at("r1", B=1024, s=0.8, draws="with", placement=placement)).value
    assert 58 * one == pytest.approx(skewed["dispatch"], rel=1e-12)


@pytest.mark.parametrize("batch", [256, 1024, 65536])
def test_imbalance_reaches_the_busiest_experts(batch):
    """The busiest accelerator computes gamma times the tokens; how many experts are read stays that of even routing."""
    found = evaluate("tpot_terms", at("r1", B=batch, L=2048, s=0.8, draws="with")).value
    assert found["routed_experts"] == pytest.approx(longhand.r1_experts(batch, CONTIGUOUS), rel=1e-12)


def test_other_terms_do_not_feel_the_skew():
    even, skewed = terms(), terms(s=0.8)
    changed = {term for term in even if even[term] != skewed[term]}
    assert changed == {"routed_experts", "dispatch", "combine"}


def test_a_given_gamma_takes_the_place_of_routing():
    by_routing, given = terms(s=0.8, draws="with"), terms(Gamma_imb=CONTIGUOUS)
    assert given == pytest.approx(by_routing, rel=1e-12)
    assert terms(s=0.8, Gamma_imb=1) == terms()


def test_the_busiest_expert_is_worse_than_the_busiest_accelerator():
    """Expert intensity follows the expert's own gamma: 256 times the popularity of expert 0."""
    even, skewed = (
        evaluate("expert_intensity", at("r1", **STEP, **more)).beside["weights only"]
        for more in ({}, {"s": 0.8, "draws": "with"})
    )
    assert skewed == pytest.approx(256 * zipf_by_hand(0.8)[0] * even, rel=1e-12)
    assert 256 * zipf_by_hand(0.8)[0] > CONTIGUOUS


# -- the quantity --------------------------------------------------------------------------------
def test_even_routing_has_no_imbalance():
    for placement in ("contiguous", "strided", "shuffled", "lpt"):
        assert imbalance(s=0, placement=placement) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("draws", ["without", "with"])
@pytest.mark.parametrize("placement", ["contiguous", "strided", "shuffled", "lpt", "replicated"])
def test_imbalance_grows_with_skew(placement, draws):
    skews = [0.2, 0.4, 0.6, 0.8]
    found = imbalance(s=skews, placement=placement, draws=draws)
    assert found.shape == (4,)
    assert np.all(found >= 1 - 1e-12)
    assert placement == "replicated" or found[-1] > found[0]  # copies can balance a strong skew better than a weak one
    assert list(found) == [imbalance(s=s, placement=placement, draws=draws) for s in skews]


def test_careful_placement_helps():
    contiguous, strided, lpt, replicated = (
        imbalance(s=0.8, placement=placement) for placement in ("contiguous", "strided", "lpt", "replicated")
    )
    assert contiguous > strided > lpt >= replicated >= 1


def test_imbalance_is_that_of_one_group_of_experts():
    """deg_EP = 8 spreads 256 experts over 8 accelerators, whatever n_acc is."""
    assert imbalance(s=0.8, deg_EP=8) == imbalance(s=0.8, n_acc=8, deg_EP=8) < imbalance(s=0.8)
    assert imbalance(s=0.8, deg_EP=8, draws="with") == pytest.approx(8 * sum(zipf_by_hand(0.8)[:32]), rel=1e-12)


def test_a_batch_adds_the_expected_maximum():
    """Luck adds to skew: the expected maximum lies above the maximum of expectations, less so in large batches."""
    alone, small, large = (
        evaluate("load_imbalance", at("r1", s=0.4, placement="strided", **more))
        for more in ({}, {"B": 64}, {"B": 2048})
    )
    assert alone.beside == {}
    assert alone.value == small.value == large.value
    means = [answer.beside["expected maximum at B"] for answer in (small, large)]
    assert means[0] > means[1] > alone.value
    assert small.beside["95 % band, low"] <= means[0] <= small.beside["95 % band, high"]


def test_expected_maximum_is_that_of_one_group_of_experts():
    quarter, alone = ({"n_acc": 32, "B": 1024}, {"n_acc": 8, "B": 256})
    first, second = (evaluate("load_imbalance", at("r1", s=0.4, deg_EP=8, **more)) for more in (quarter, alone))
    assert first.beside == second.beside


def test_a_batch_too_large_to_simulate_is_refused():
    with pytest.raises(InputError, match="B="):
        evaluate("load_imbalance", at("r1", s=0.4, B=10**17))


def test_the_seed_decides_the_simulation():
    first, again, other = (
        evaluate("load_imbalance", at("r1", s=0.4, B=64, seed=seed)).beside["expected maximum at B"]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_tpot_over_a_list_of_skews():
    times = evaluate("tpot", at("r1", **STEP, s=[0, 0.4, 0.8])).value
    assert times.shape == (3,)
    assert times[0] == pytest.approx(evaluate("tpot", at("r1", **STEP)).value, rel=1e-9)
    assert np.all(np.diff(times) > 0)


# -- refusals ------------------------------------------------------------------------------------
@pytest.mark.parametrize("quantity", ["load_imbalance", "tpot"])
def test_a_dense_model_has_no_skew(quantity):
    with pytest.raises(InputError, match="no routed experts"):
        evaluate(quantity, at("gpt3", **STEP, s=0.8))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"s": 0.8, "n_acc": [32, 64], "deg_EP": None}, "one value each"),
        ({"s": [0.2, 0.8], "B": [64, 64]}, "one batch and one s"),
        ({"s": 0.8, "copies": 4}, "copies=4"),
        ({"s": 0.8, "n_acc": 512, "deg_EP": 512}, "n_acc=512"),
    ],
)
def test_what_routing_cannot_do_is_refused(more, says):
    with pytest.raises(InputError, match=says):
        evaluate("load_imbalance", **{**SYSTEMS["r1"], **more})
