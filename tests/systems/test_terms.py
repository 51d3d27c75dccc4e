"""Every term of TPOT against arithmetic typed out by hand, then each choice of the system by itself."""

from itertools import product

import pytest

from analysis.derive.serving import TERMS
from analysis.files.errors import InputError
from analysis.systems.layers import layers, numbers
from analysis.systems.quantities import evaluate

from . import longhand
from .systems import STEP, at, terms, tpot

BY_HAND = {"gpt3": longhand.gpt3(), "llama4": longhand.llama4(), "r1": longhand.r1()}


@pytest.fixture(scope="module")
def found():
    return {name: terms(name) for name in BY_HAND}


# -- the three systems by hand -------------------------------------------------------------------
def test_terms_equal_longhand(found):
    for name, term in product(BY_HAND, TERMS):
        assert found[name][term] == pytest.approx(BY_HAND[name][term], rel=1e-12), (name, term)


@pytest.mark.parametrize("name", BY_HAND)
def test_every_term_has_its_name(found, name):
    assert tuple(found[name]) == TERMS == tuple(BY_HAND[name])
    assert tpot(name) == pytest.approx(sum(BY_HAND[name].values()), rel=1e-12)


@pytest.mark.parametrize("term", ["kv_decompression", "core_attention"])
def test_as_printed_order_by_hand(term):
    assert terms("r1", order="as_printed")[term] == pytest.approx(longhand.r1_as_printed()[term], rel=1e-12)


@pytest.mark.parametrize("term", [term for term in TERMS if term not in ("kv_decompression", "core_attention")])
def test_order_changes_decompression_and_core_alone(found, term):
    assert terms("r1", order="as_printed")[term] == found["r1"][term]


def test_spilled_scores_are_charged_to_the_core(found):
    """S[256 12 1 2048] of GPT-3 crosses the bus once or twice, in a core that memory limits."""
    once = 96 * 2 * 256 * 12 * 2048 / 8e12
    for passes in (1, 2):
        spilled = terms("gpt3", grouping="spilled", S_passes=passes)["core_attention"]
        assert spilled - found["gpt3"]["core_attention"] == pytest.approx(passes * once, rel=1e-9)


# -- experts -------------------------------------------------------------------------------------
def test_expert_device_runs_the_routed_experts_alone(found):
    """256e12 FLOP/s and 32e12 byte/s: ridge 8, four times the memory bandwidth."""
    pim = terms("r1", accelerator_experts="pim-paper")
    assert pim["routed_experts"] == pytest.approx(longhand.r1_experts(peak=256e12, memory=32e12), rel=1e-12)
    others = [term for term in TERMS if term != "routed_experts"]
    assert [pim[term] for term in others] == [found["r1"][term] for term in others]


@pytest.mark.parametrize("batch", [32, 64, 256, 16384, 262144])
def test_routed_experts_over_batch(batch):
    """Few requests reach few experts; many are limited by arithmetic instead."""
    assert terms("r1", B=batch)["routed_experts"] == pytest.approx(longhand.r1_experts(batch), rel=1e-12)


def test_one_request_reads_the_weights_of_eight_experts():
    """Of R1's 8 x 32 experts one token reaches 8, so that an accelerator reads a quarter of an expert on average."""
    read = 58 * 2 * (8 / 32) * (2 * 7168 + 3 * 7168 * 2048) / 8e12
    assert terms("r1", B=1)["routed_experts"] == pytest.approx(read, rel=1e-12)


def test_experts_reached_by_enumeration():
    """Two tokens that each pick 1 of Llama-4's 128 experts: all 128 x 128 picks counted."""
    reached = sum(len({first, second}) for first, second in product(range(128), repeat=2)) / 128**2 / 32
    read = 24 * 2 * (2 * (2 / 32) * 5120 + reached * 3 * 5120 * 8192) / 8e12
    assert terms("llama4", B=2)["routed_experts"] == pytest.approx(read, rel=1e-12)


def test_smaller_groups_of_experts_hold_more_of_them():
    """deg_EP = 8 on 32 accelerators: each of four groups serves 256 requests, 8 picks each over 8 x 32 experts."""
    reached, here = 32 * (1 - (248 / 256) ** 256), 256 * 8 / 8
    kernel = (3 * 2 * here * 7168 * 2048, 2 * here * 7168 + reached * 3 * 7168 * 2048)
    assert terms("r1", deg_EP=8)["routed_experts"] == pytest.approx(58 * longhand.roof(kernel), rel=1e-12)


# -- heads and kernels ---------------------------------------------------------------------------
def test_key_value_heads_are_replicated_once_they_are_used_up():
    """Llama-4 on TP40: one query head each, and the 8 KV heads five times over."""
    wide = terms("llama4", n_acc=40, deg_TP=40, deg_EP=8, B=64)
    core = (2 * 2 * 64 * 2048 * 128, 2 * 64 * 128 + 2 * 64 * 2048 * 128)
    projections = [*3 * [longhand.product(64, 5120, 128)], longhand.product(64, 128, 5120)]
    assert wide["core_attention"] == pytest.approx(48 * longhand.roof(core), rel=1e-12)
    assert wide["attention_projections"] == pytest.approx(48 * longhand.roof(*projections), rel=1e-12)


LAYERS = {
    "core": ("core_attention", 61),
    "decompression": ("kv_decompression", 61),
    "dense": ("dense_ffn", 3),
    "routed": ("routed_experts", 58),
    "shared": ("shared_expert", 58),
    "router": ("router", 58),
    "head": ("output_head", 1),
}


@pytest.mark.parametrize("grouping", ["fused", "spilled", "layered"])
def test_terms_are_the_layers_of_the_roofline(grouping):
    """The figures' layers and TPOT's terms are two uses of one block."""
    setting = at("r1", **STEP, grouping=grouping)
    found, drawn = evaluate("tpot_terms", setting).value, layers(setting)
    for name, (term, blocks) in LAYERS.items():
        assert blocks * numbers(drawn[name], setting.point)["time"] == pytest.approx(found[term], rel=1e-12)


# -- precision and query length ------------------------------------------------------------------
def test_widths_and_peak_enter_where_they_belong():
    """FP4 weights halve twice the head's weights; FP8 arithmetic doubles the peak."""
    weights = terms("r1", width_weights=0.5)["output_head"]
    assert weights == pytest.approx((2 * 32 * (7168 + 129280) + 0.5 * 7168 * 129280) / 8e12, rel=1e-12)
    batch = 262144
    flops = 2 * batch / 32 * 7168 * 129280
    assert terms("r1", B=batch, peak="fp8")["output_head"] == pytest.approx(flops / 4.5e15, rel=1e-12)
    assert terms("r1", B=batch)["output_head"] == pytest.approx(flops / 2.25e15, rel=1e-12)


def test_new_keys_and_values_are_written_as_the_cache_stores_them():
    """GPT-3, 8 requests: W_K and W_V make rows [8 12 128] each of one byte instead of two, memory limits both."""
    wide, narrow = (terms("gpt3", B=32, width_kv=width)["attention_projections"] for width in (2, 1))
    assert wide - narrow == pytest.approx(96 * 2 * 8 * 12 * 128 / 8e12, rel=1e-6)


def test_several_new_tokens_per_request():
    """l = 4: four times the rows in a projection, four times the tokens on the wires and at the experts."""
    four = terms("r1", l=4)
    assert four["dispatch"] == pytest.approx(4 * BY_HAND["r1"]["dispatch"], rel=1e-12)
    assert four["output_head"] == pytest.approx(longhand.roof(longhand.product(4 * 32, 7168, 129280)), rel=1e-12)
    assert four["routed_experts"] == pytest.approx(longhand.r1_experts(4 * 1024), rel=1e-12)


# -- price ---------------------------------------------------------------------------------------
def test_a_million_tokens_cost_what_the_system_costs_while_it_makes_them():
    """At 4 an hour each, 32 accelerators that give B tokens in a step: 128 an hour over a million tokens' hours."""
    hours = 1e6 / STEP["B"] * tpot("r1") / 3600
    for price in (2, 4):
        found = evaluate("cost_per_million_tokens", at("r1", price_hour=price, **STEP)).value
        assert found == pytest.approx(price * 32 * hours, rel=1e-12)


def test_a_price_is_the_readers():
    with pytest.raises(InputError, match="price_hour= is needed: what an accelerator costs in an hour"):
        evaluate("cost_per_million_tokens", at("r1", **STEP))
