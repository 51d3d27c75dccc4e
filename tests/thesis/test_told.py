"""What the chapters say in words of the whole model, on both sides of each condition."""

import pytest

from analysis.derive.symbols import BW_Int, BW_mem, P_acc
from analysis.systems.canonical import paper
from analysis.thesis.full import batch_at_capacity, throughput
from tests.thesis.points import full, setting, time

RIDGE = 2250 / 8
HEADS, LATENT, ROPE, CONTEXT = 128, 512, 64, 8192
SLOW = paper().link_between
WIRES = ("dispatch", "combine", "all_reduce")


def ordered(system, L, batch=None) -> list[str]:
    """The parts of a step, longest first, wires together."""
    _, found = full(system, L, batch)
    wires = sum(found.pop(name) for name in WIRES)
    return sorted(found | {"wires": wires}, key=(found | {"wires": wires}).get, reverse=True)


@pytest.mark.parametrize(("link", "leader"), [(None, "routed_experts"), (SLOW, "wires")])
@pytest.mark.parametrize("L", [128, 512, 1500])
def test_at_short_contexts_experts_lead_on_the_fast_link_and_wires_on_the_slow_one(link, leader, L):
    system = setting("deepseek-v3") if link is None else setting("deepseek-v3", link=link)
    assert ordered(system, L)[0] == leader


def test_drafts_make_a_tokens_core_attention_cheaper_by_ridge_over_intensity_and_no_more():
    """With one query token the core reads rows and queries; with two and with eight it computes."""
    work, moved = (
        2 * CONTEXT * HEADS * (2 * LATENT + ROPE),
        2 * (CONTEXT * (LATENT + ROPE) + HEADS * (2 * LATENT + ROPE)),
    )
    one, *more = (full(setting("deepseek-v3", l=l), CONTEXT, 6464)[1]["core_attention"] / l for l in (1, 2, 8))
    assert [one / each for each in more] == pytest.approx([RIDGE * moved / work] * 2, rel=1e-3)
    assert RIDGE * moved / work == pytest.approx(1.2, abs=0.005)


def test_dividing_heads_lengthens_large_batches_by_nearly_the_degree():
    """Attention alone, a million requests of long contexts, which no memory holds."""
    whole, divided = (full(setting("deepseek-v3", deg_TP=degree), 65536, 2**20)[1] for degree in (1, 8))
    parts = ("attention_projections", "kv_decompression", "core_attention", "all_reduce")
    assert 0.95 * 8 < sum(map(divided.get, parts)) / sum(map(whole.get, parts)) < 8


def test_measured_kernels_keep_the_order_of_the_four_longest_parts_and_no_more():
    plain, measured = (ordered(setting("deepseek-v3", **more), CONTEXT) for more in ({}, {"calibration": "published"}))
    assert plain[:4] == measured[:4] == ["core_attention", "routed_experts", "wires", "attention_projections"]
    assert plain[4:] != measured[4:]


@pytest.mark.parametrize(("link", "most"), [(None, BW_mem), (SLOW, BW_Int)])
def test_the_link_is_worth_most_on_the_slow_one_alone(link, most):
    system = setting("deepseek-v3") if link is None else setting("deepseek-v3", link=link)
    batch = batch_at_capacity(system, CONTEXT)
    rates = {rate: {rate: float(system.point[rate]) * 1.001} for rate in (P_acc, BW_mem, BW_Int)}
    gains = {rate: float(throughput(system, batch, CONTEXT, more)) for rate, more in rates.items()}
    assert max(gains, key=gains.get) == most


def test_below_the_border_a_smaller_cache_answers_faster_and_at_full_memory_later():
    small, whole = (setting("deepseek-v3", **more) for more in ({"width_kv": 1}, {}))
    assert time(small, CONTEXT, 1024) < time(whole, CONTEXT, 1024)
    assert time(small, CONTEXT, full(small, CONTEXT)[0]) > time(whole, CONTEXT, full(whole, CONTEXT)[0])
