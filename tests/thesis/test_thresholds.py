"""What the propositions say, at the value where each turns, on both sides; and what refutes it without a hypothesis.

Numbers are by hand.
"""

from itertools import product

import numpy as np
import pytest

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import capacity, serving
from analysis.derive.communication import dispatched_bytes
from analysis.derive.serving import COMMUNICATION
from analysis.derive.statements import proof_of_attribution as forms
from analysis.derive.symbols import (
    B,
    BW_Int,
    BW_mem,
    L,
    M_cap,
    N_MoE,
    P_acc,
    deg_TP,
    l,
    n_acc,
    n_dec,
    width_activations,
    width_kv,
    width_weights,
)
from analysis.systems.quantities import evaluate
from analysis.thesis import attribution, balance, factorial
from analysis.thesis.full import batch_at_capacity, terms_at
from analysis.thesis.kinds import phi
from analysis.thesis.scheduling import schedules
from analysis.thesis.trials import DRAWS

from . import points

R1 = points.setting("deepseek-v3")


# -- what the old statements said ------------------------------------------------------------------
def test_full_memory_by_hand_on_both_sides_of_long():
    """576 elements cached a token; a query and its context of 128 heads are 128 x (576 + 512) elements a block."""
    for context in (256, 8192, 2**20):
        by_hand = 1 + 128 * (576 + 512) / (576 * context)
        assert phi(R1, context) == pytest.approx(by_hand, rel=0.04 if context < 1000 else 0.002)  # activations kept
        assert phi(R1, context) <= 1 + 2 * 128 / context
    assert [round(phi(R1, each), 2) for each in (256, 8192)] == [1.90, 1.03]


def test_full_memory_is_refuted_by_printed_latent_attention():
    """128 heads of 128 + 64 + 128 decompressed elements over 576: 71 times the cache; activations halve the batch."""
    printed = R1.with_(order="as_printed")
    batch = float(batch_at_capacity(printed, 8192.0))
    taken = float(terms_at(printed, batch, 8192.0)["core_attention"])
    moved = 61 * batch / 32 * 8192 * 128 * (128 + 64 + 128) * 2
    assert taken == pytest.approx(moved / 8e12, rel=0.001)
    assert taken == pytest.approx(0.480, rel=0.01)
    assert phi(printed, 8192.0) == pytest.approx(32.8, rel=0.01)


@pytest.mark.parametrize(("batch", "ratio"), [(32, 1.57), (64, 1.15), (128, 1.02), (4096, 1.0)])
def test_balance_needs_that_every_expert_is_reached(batch, ratio):
    """32 accelerators balance 8 of 256 experts; a token misses an expert with chance 31/32."""
    reached = 1 - (31 / 32) ** batch
    counts = {term: _counted(term, batch) for term in ("routed_experts", "dense_ffn")}
    found = counts["routed_experts"] / counts["dense_ffn"]
    assert found == pytest.approx(1 / reached, rel=1e-6)
    assert found == pytest.approx(ratio, abs=0.005)
    assert balance.balanced_groups(R1) == 32


def _counted(term: str, batch: float) -> float:
    """Intensity of a term of R1 [FLOP/byte], weights' bytes alone."""
    bare = {width_activations: 0, width_kv: 0}
    work, read = (float(terms_at(R1, batch, 1024.0, bare | {rate: 1e60})[term]) for rate in (BW_mem, P_acc))
    return work * 2250e12 / (read * 8e12)


# -- attribution -----------------------------------------------------------------------------------
def test_effects_never_multiply_and_twice_the_dense_layers_are_nearly_two():
    sizes = {N_MoE: 1, n_dec: 1, width_weights: 1}
    for count, memory in product((2, 32, 1024), (1.01, 2, 11, 1000)):
        degrees = np.arange(1, count + 1)
        found = value(forms.interaction_at(deg_TP), sizes | {n_acc: count, M_cap: memory, deg_TP: degrees})
        by_hand = degrees * (memory - 1 / count) / (memory - 1 / degrees)
        assert found == pytest.approx(by_hand)
        assert found.min() > 1
        assert (degrees[found.argmin()] == 1) == (memory > 1.9)
    at_two = {n_acc: 32, M_cap: 2, deg_TP: 1}
    assert value(forms.interaction_at(deg_TP), sizes | at_two) == 2 - 1 / 32


@pytest.mark.parametrize(("off", "least"), [(0.98, 1.99), (1.0, 1.96875), (1.02, 1.94)])
def test_the_whole_model_at_twice_its_dense_layers_has_nearly_two(off, least):
    """Degree 1 for both; memory is `off` times twice the dense layers, beside attention's weights and embeddings.

    R1 in 61 blocks: a dense layer of 256 routed experts, a shared one and the router.
    """
    dense = 61 * (257 * 3 * 7168 * 2048 + 256 * 7168) * 2
    rate, endless = {}, {P_acc: 1e60, BW_Int: 1e60, width_activations: 0, L: 2.0**20}
    for kind in factorial.FEED_FORWARDS:
        made = factorial.built("MLA", kind, R1.architecture)
        point = factorial.points(R1, "total")[1] | endless
        other = float(value(capacity.weights_stored(made[0]) / n_acc, point)) - _held(kind, dense)
        room = point | {M_cap: off * 2 * dense + other}
        batch = float(value(capacity.B_cap(*made), room))
        rate[kind] = batch / float(value(serving.tpot(*made), room | {B: batch}))
    memory, spread = off * 2 * dense, _held("experts", dense)
    assert rate["experts"] / rate["dense"] == pytest.approx((memory - spread) / (memory - dense), rel=1e-5)
    assert rate["experts"] / rate["dense"] == pytest.approx(least, rel=0.02)


def _held(kind: str, dense: float) -> float:
    """Bytes that an accelerator of 32 holds: routed experts divided, the shared one and the router whole."""
    whole = 61 * (3 * 7168 * 2048 + 256 * 7168) * 2
    return dense if kind == "dense" else (dense - whole) / 32 + whole


def test_the_memory_that_holds_a_dense_layer_twice_is_no_memory_at_which_effects_multiply():
    memory = attribution.even_capacity(R1, "total")
    assert memory == pytest.approx(2 * 61 * (257 * 3 * 7168 * 2048 + 256 * 7168) * 2, rel=1e-6)
    assert attribution.reading_interaction(R1, "total", {M_cap: memory}) == pytest.approx(2 - 1 / 32)
    for off in (0.5, 1, 2):
        assert attribution.interaction(R1.with_(L=8192), "total", {M_cap: memory * off}) > 1.5


# -- query tokens ----------------------------------------------------------------------------------
A100 = {"model": "deepseek-v3", "accelerator": "a100-sxm4-80gb", "n_acc": 32, "B": 1024, "L": 8192}


def test_a_step_gains_where_its_core_attention_computes_already():
    one, two = (evaluate("throughput", **A100, l=query, acceptance=0.9).value for query in (1, 2))
    assert (round(one), round(two)) == (19568, 28306)
    core = [evaluate("tpot_terms", **A100, l=query).value["core_attention"] for query in (1, 2)]
    assert 1.9 * core[0] / core[1] == pytest.approx(0.95)  # E/l of 1 + 0.9 tokens for two: below 1


@pytest.mark.parametrize("query", [2, 4, 8])
@pytest.mark.parametrize("rate", [0.3, 0.9])
def test_what_is_served_gains_within_the_bounds(query, rate):
    gained = sum(rate**place for place in range(query))
    setting = Setting.of(**A100)
    plain, several = (
        sum(float(each) for each in terms_at(setting, 1024.0, 8192.0, {l: each}).values()) for each in (1, query)
    )
    wires = sum(float(terms_at(setting, 1024.0, 8192.0)[name]) for name in COMMUNICATION)
    work = _computing(setting) + wires
    gain = gained * plain / several
    assert gained / query <= gain <= gained / (1 + work / plain * (query - 1)) * (1 + 1e-9)


def test_drafts_pay_just_below_the_busy_share_and_nowhere_above():
    for sample in DRAWS["thesis-queries"](np.random.default_rng(1)):
        inside, shown = sample.inside("computes"), sample.shown
        flip = (shown["least"] * shown["query"] - 1) / (shown["query"] - 1)
        share = shown["busy"][inside] / flip[inside]
        pays = shown["gain"][inside] > 1
        assert not pays[share > 1.001].any()
        assert pays[(share > 0.9) & (share < 1)].any()


def _computing(setting: Setting) -> float:
    """Seconds of a step in kernels that arithmetic limits: what the peak's last billionth costs, a billion times."""
    plain, slower = (
        sum(float(each) for each in terms_at(setting, 1024.0, 8192.0, {P_acc: setting.point[P_acc] * each}).values())
        for each in (1, 1 - 1e-7)
    )
    return (slower - plain) * 1e7 * (1 - 1e-7)


# -- schedules -------------------------------------------------------------------------------------
def test_at_degree_one_a_schedule_gains_more_than_the_imbalance():
    system = Setting.of(model="qwen3-30b-a3b", accelerator="b200-sxm", n_acc=8, link="ib-xdr")
    found = schedules(system, [2048], 1024, 0.0)[0]
    assert (found[0].deg_EP, round(found[0].imbalance, 9)) == (1, 1)
    assert found[0].gain == pytest.approx(1.128, abs=5e-4)
    same = [each.gain for each in found if each.deg_EP == 8]
    assert max(same) == pytest.approx(1)
    wires = 2 * 48 * 2048 * 2 * 8 * 2048 / 8 / 100e9  # exchanges of 48 blocks over 100 GB/s: what degree 1 leaves out
    point = system.point | {B: 2048.0}
    assert float(value(2 * 48 * dispatched_bytes() / BW_Int, point)) == pytest.approx(wires)
    taken = [2048 / 8 / each.per_accelerator for each in (found[0], next(e for e in found if e.deg_EP == 8))]
    assert taken[1] - taken[0] < wires  # degree 1 reads more experts


@pytest.mark.parametrize("skew", [0.4, 0.8])
def test_at_one_degree_no_schedule_gains_more_than_the_imbalance(skew):
    for found in schedules(R1, [256.0, 4096.0], 2048, skew):
        plain = next(each for each in found if (each.deg_EP, each.placement) == (32, "contiguous"))
        assert all(each.gain <= plain.imbalance for each in found if each.deg_EP == 32)


def test_the_bound_by_imbalance_is_nearly_reached_and_not_passed():
    for sample in DRAWS["thesis-schedule"](np.random.default_rng(1)):
        inside = sample.inside() & (sample.shown["bound"] > 1.05)
        share = sample.shown["gain"][inside] / sample.shown["bound"][inside]
        assert 0.9 < share.max() <= 1 + 1e-9
        assert sample.shown["gain"][inside].max() > 1.5


def test_reached_experts_can_be_more_uneven_than_tokens():
    """One expert of half the tokens on one accelerator, four of an eighth on another: even tokens, uneven weights."""
    tokens, reached = np.array([[0.5, 0, 0, 0], [0.125] * 4]), np.array([1.0, 4.0])
    assert tokens.sum(axis=1).max() / tokens.sum(axis=1).mean() == 1
    assert reached.max() / reached.mean() == 1.6
