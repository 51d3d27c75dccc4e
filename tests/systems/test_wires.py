"""Communication in TPOT: latency, one and two levels of network, overlap, and links that are missing."""

import pytest

from analysis.ask.degrees import domain_note
from analysis.ask.setting import Setting
from analysis.derive.serving import COMMUNICATION, TERMS
from analysis.files.errors import InputError
from analysis.systems.quantities import evaluate

from .systems import SYSTEMS, at, terms, tpot


@pytest.fixture(scope="module")
def found():
    return {name: terms(name) for name in SYSTEMS}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("alpha", [0, 1e-6])
def test_one_accelerator_sends_nothing(name, alpha):
    alone = terms(name, n_acc=1, deg_TP=1, deg_EP=1, B=32, alpha=alpha)
    assert [alone[term] for term in COMMUNICATION] == [0, 0, 0]


def test_latency_is_added_to_every_transfer(found):
    """58 exchanges each way in R1; 48 attention, 24 dense and 24 shared all-reduces in Llama-4."""
    r1, llama4 = terms("r1", alpha=1e-6), terms("llama4", alpha=1e-6)
    assert r1["dispatch"] - found["r1"]["dispatch"] == pytest.approx(58e-6, rel=1e-9)
    assert r1["all_reduce"] == 0
    assert llama4["all_reduce"] - found["llama4"]["all_reduce"] == pytest.approx(96e-6, rel=1e-9)


def test_link_row_brings_its_latency(found):
    """0.8 us of NVLink 5 on each of R1's 58 combines."""
    assert terms("r1", alpha="link")["combine"] - found["r1"]["combine"] == pytest.approx(58 * 0.8e-6, rel=1e-9)


def test_eq13_as_printed():
    """Dispatch and combine together are Eq. 13 (one latency there, one per transfer here), times 58 blocks."""
    for alpha in (0, 3e-6):
        printed = 2 * 1 * (2 * 7168) * 8 * 1024 / (9e11 * 32) + alpha
        both = terms("r1", alpha=alpha)
        assert both["dispatch"] + both["combine"] == pytest.approx(58 * (printed + alpha), rel=1e-12)


def test_all_to_all_time_is_one_dispatch(found):
    one = evaluate("all_to_all_time", at("r1", B=1024)).value
    assert 58 * one == pytest.approx(found["r1"]["dispatch"], rel=1e-12)


@pytest.mark.parametrize(("group", "slowest"), [(8, 24 / 32 / 1e11), (16, 16 / 32 / 1e11), (32, 1 / 9e11)])
def test_two_levels_wait_for_the_slower_network(group, slowest):
    """The part that leaves a group crosses InfiniBand at 1e11, the rest NVLink at 9e11, both at once."""
    sent = (1024 * 8 / 32) * 7168 * 2
    two = terms("r1", group=group, link_between="ib-xdr", alpha=1e-6)
    assert two["dispatch"] == two["combine"] == pytest.approx(58 * (sent * slowest + 1e-6), rel=1e-12)


def test_expert_groups_inside_a_group_need_no_second_network():
    """deg_EP = 8 in groups of 8: every copy stays on NVLink."""
    sent = (1024 * 8 / 32) * 7168 * 2
    inside = terms("r1", deg_EP=8, group=8, link_between="ib-xdr")
    assert inside["dispatch"] == pytest.approx(58 * sent / 9e11, rel=1e-12)


def test_second_network_leaves_computation_alone(found):
    two = terms("r1", group=8, link_between="ib-xdr")
    assert {name: two[name] for name in TERMS[:8]} == {name: found["r1"][name] for name in TERMS[:8]}


def test_overlap_takes_the_longer_side():
    for bandwidth in (9e11, 1e9):
        parts = terms("llama4", BW_Int=bandwidth)
        wires = sum(parts[name] for name in COMMUNICATION)
        hidden = tpot("llama4", BW_Int=bandwidth, overlap="comm")
        assert hidden == pytest.approx(max(wires, sum(parts.values()) - wires), rel=1e-12)


# -- what is missing -----------------------------------------------------------------------------
def test_dense_model_exchanges_nothing():
    with pytest.raises(InputError, match="no routed experts"):
        evaluate("all_to_all_time", at("gpt3", B=1))


def test_accelerator_without_a_link_asks_for_one():
    bare = {"model": "deepseek-v3", "accelerator": "ascend-910c", "B": 64, "L": 64}
    with pytest.raises(InputError, match="link= is needed"):
        evaluate("tpot", n_acc=32, **bare)
    assert evaluate("tpot", n_acc=32, BW_Int=1e11, **bare).value > evaluate("tpot", n_acc=32, BW_Int=1e12, **bare).value


# -- how far a link reaches ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "joined"),
    [
        ({"n_acc": 32}, "here 32 of the system"),
        ({"n_acc": [8, 16]}, "here 16 of the system"),
        ({"n_acc": 32, "group": 16, "link_between": "ib-xdr"}, "here 16 of a group"),
        ({"n_acc": 8}, None),
        ({"n_acc": 32, "group": 8, "link_between": "ib-xdr"}, None),
        ({"n_acc": 72, "link": "nvlink5-nvl72"}, None),
        ({"n_acc": 512, "link": "ib-xdr"}, None),
        ({"n_acc": 32, "BW_Int": 9e11}, None),
    ],
)
def test_more_accelerators_than_a_link_joins_are_told(given, joined):
    note = domain_note(Setting.of(**{"model": "deepseek-v3", "accelerator": "b200-sxm"} | given))
    assert (note is None) == (joined is None)
    assert note is None or (joined in note and "joins at most 8 accelerators" in note)
