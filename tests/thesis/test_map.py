"""The map of the largest term: its borders by hand and against a grid, its upper edge by counted bytes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.serving import tpot_terms
from analysis.derive.symbols import B, BW_mem, L, M_cap
from analysis.files.errors import InputError
from analysis.render.figures import thesis_map, thesis_map_told
from analysis.systems import system
from analysis.systems.arrangements import in_groups
from analysis.systems.layers import block_counts, layers, swept
from analysis.systems.quantities import evaluate
from analysis.thesis import largest
from analysis.thesis.full import batch_at_capacity, terms_at

from . import points

R1 = points.setting("deepseek-v3", link_between="ib-xdr", group=8)
FAST, BETWEEN, SLOW = largest.links(R1).values()
HAND = {
    "core attention": ["core_attention"],
    "routed experts": ["routed_experts"],
    "wires": ["dispatch", "combine", "all_reduce"],
    "everything else": [
        "attention_projections", "kv_decompression", "dense_ffn", "shared_expert", "router", "residual_streams",
        "output_head",
    ],
}  # fmt: skip
BLOCKS, MOE, ACCELERATORS, RATE = 61, 58, 32, 8e12
EXPERT = 3 * 7168 * 2048 * 2  # bytes of one expert
READ = MOE * 256 / ACCELERATORS * EXPERT  # bytes of experts that an accelerator reads once all are reached
CACHED = BLOCKS * 576 * 2  # bytes of a token's cache
IN_TOKENS = 128 * (576 + 512) / 576  # a query and an output of 128 heads, as tokens of cache
networked = st.builds(
    lambda model, device, n, link: largest.links(
        points.setting(model, device, n, link="nvlink4-h100", link_between="ib-xdr", group=8)
    )[link],
    st.sampled_from(("llama-4-maverick", "deepseek-v3")),
    st.sampled_from(points.DEVICES),
    st.sampled_from((32, 64)),
    st.sampled_from(("fast link", "groups of 8", "slow link")),
)


def grouped(setting, batches, context) -> dict[str, np.ndarray]:
    """Time of each group [s], from the closed forms and names typed by hand."""
    forms = tpot_terms(setting.architecture, setting.conventions, system.system(setting))
    point = setting.point | {B: np.asarray(batches, dtype=float), L: context}
    return {name: sum(value(forms[term], point) + 0 * point[B] for term in terms) for name, terms in HAND.items()}


# -- borders ---------------------------------------------------------------------------------------
@settings(max_examples=25)
@given(networked, st.floats(256, 2**20))
def test_leaders_change_between_neighbours_of_a_fine_grid_exactly_where_a_border_lies(setting, context):
    (column,) = largest.columns(setting, context)
    grid = np.geomspace(1, max(column.cap, 1.0), 5001)
    times = grouped(setting, grid, context)
    names = np.array(list(times))
    leads = names[np.array(list(times.values())).argmax(axis=0)]
    if column.cap < 1:
        assert column.names == ()
        return
    turns = np.flatnonzero(leads[1:] != leads[:-1])
    seen = [(leads[at], leads[at + 1]) for at in turns]
    assert [(below, above) for _, below, above in column.borders] == seen
    assert column.names[0] == leads[0]
    assert column.names[-1] == leads[-1]
    for at, batch in zip(turns, column.batches, strict=True):
        assert grid[at] * (1 - 1e-9) <= batch <= grid[at + 1] * (1 + 1e-9)


@settings(max_examples=25)
@given(networked, st.floats(256, 2**20))
def test_two_groups_are_equal_at_each_border_none_is_larger_and_they_trade_places_there(setting, context):
    for batch, below, above in largest.borders(setting, context)[0]:
        times = {name: float(time) for name, time in grouped(setting, batch, context).items()}
        assert times[below] == pytest.approx(times[above], rel=1e-9)
        assert max(times.values()) == pytest.approx(times[below], rel=1e-9)
        for off, first, second in ((1 - 1e-6, below, above), (1 + 1e-6, above, below)):
            beside = grouped(setting, batch * off, context)
            assert beside[first] > beside[second]


def test_a_country_thinner_than_the_grid_is_found():
    """With 4 points only, the bracket of the outer two holds a third group, whose country must be split off."""
    coarse, fine = (largest.columns(FAST, [8192.0], points)[0] for points in (4, 2000))
    assert coarse.names == fine.names == ("everything else", "routed experts", "core attention")
    assert coarse.batches == pytest.approx(fine.batches, rel=1e-9)
    (two,) = largest.columns(FAST, [8192.0], 2)
    assert two.names == fine.names


def test_the_border_of_experts_and_attention_by_hand():
    """At 8K every expert is reached and nothing computes: bytes of experts and tokens against bytes of the cache."""
    moved = MOE * 8 / ACCELERATORS * 2 * 7168 * 2  # bytes of a request's vectors into and out of eight experts
    at_8K = READ / ((8192 + IN_TOKENS) * CACHED / ACCELERATORS - moved)
    (_, (batch, below, above)), *_ = largest.borders(FAST, [8192.0])
    assert (below, above) == ("routed experts", "core attention")
    assert batch == pytest.approx(at_8K, rel=1e-6)
    assert batch == pytest.approx(2257, abs=1)


def test_batch_times_context_is_nearly_constant_along_that_border_while_every_expert_is_reached():
    contexts = [2048.0, 8192.0, 32768.0, 131072.0]
    tokens = [each[-1][0] * L for each, L in zip(largest.borders(FAST, contexts), contexts, strict=True)]
    assert tokens == pytest.approx([READ * ACCELERATORS / CACHED] * 4, rel=0.035)  # 18.6 million


def test_the_border_of_the_rest_and_experts_by_hand():
    """Weights of all but experts against those of the experts that a batch reaches, vectors of tokens left out."""
    attention = 7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 2 * 128 * 512 * 128 + 128 * 128 * 7168
    rest = BLOCKS * attention + 3 * 3 * 7168 * 18432 + MOE * (3 * 7168 * 2048 + 7168 * 256) + 7168 * 129280
    by_hand = np.log(1 - 2 * rest / READ) / np.log(1 - 8 / 256)
    assert by_hand == pytest.approx(49.4, abs=0.2)
    assert [each[0][0] for each in largest.borders(FAST, [1024.0, 65536.0])] == pytest.approx([by_hand] * 2, rel=0.01)


@pytest.mark.parametrize(("setting", "away"), [(BETWEEN, 1 - 8 / 32), (SLOW, 1)])
def test_wires_and_attention_meet_at_one_context_whatever_the_batch(setting, away):
    """Both are in proportion to the batch, so the border is upright; dispatch and combine of eight vectors a block."""
    wires = 2 * MOE * 8 * 7168 * 2 * away / ACCELERATORS / 100e9
    context = wires * RATE * ACCELERATORS / CACHED - IN_TOKENS
    assert context == pytest.approx({0.75: 11117, 1: 14904}[away], abs=1)
    contexts = np.geomspace(2048, 65536, 6)
    (before, after), *rest = largest.corners(setting, contexts)
    assert not rest
    assert (before.names[-1], after.names[-1]) == ("wires", "core attention")
    assert before.context < context * (1 + 1e-6)
    assert after.context > context * (1 - 1e-6)
    assert after.context / before.context - 1 < 2e-9
    assert largest.largest(setting, [2000.0, 3500.0], 0.99 * context).tolist() == ["wires"] * 2
    assert largest.largest(setting, [2000.0, 3500.0], 1.01 * context).tolist() == ["core attention"] * 2


def test_on_the_fast_link_computing_experts_and_attention_meet_at_one_context_and_wires_lead_nowhere():
    """Experts of 310 tokens and more compute: a token's FLOP in eight of them a block, against bytes of its cache."""
    context = MOE * 8 * EXPERT / 2250e12 * RATE / CACHED - IN_TOKENS  # 2 FLOP a weight of 2 byte
    contexts = np.geomspace(256, 2**20, 40)
    (before, after), *_ = largest.corners(FAST, contexts)
    assert before.context == pytest.approx(context, rel=1e-6)
    assert context == pytest.approx(1826, abs=1)
    assert (before.names[-1], after.names[-1]) == ("routed experts", "core attention")
    assert not any("wires" in column.names for column in largest.columns(FAST, contexts))


def test_beyond_memory_nobody_leads():
    cap = evaluate("B_cap", FAST.with_(L=8192, rounding="none")).value
    found = largest.largest(FAST, [0.5, 1, cap * 0.999, cap * 1.001], 8192.0)
    assert found.tolist() == [largest.OUTSIDE, "everything else", "core attention", largest.OUTSIDE]
    small = points.setting("deepseek-v3", "h200-sxm5", 8)
    (column,) = largest.columns(small, [2.0**20])
    assert (column.cap < 1, column.names, column.borders) == (True, (), ())


def test_the_groups_are_all_terms_once():
    terms = [term for group in largest.GROUPS.values() for term in group]
    assert sorted(terms) == sorted(terms_at(FAST, 64.0, 8192.0))
    assert {name: sorted(group) for name, group in largest.GROUPS.items()} == {k: sorted(v) for k, v in HAND.items()}


# -- along the upper edge --------------------------------------------------------------------------
def bytes_touched(setting, context: float) -> float:
    """Bytes that an accelerator reads and writes in a step at full memory, layer by layer."""
    point = swept(setting, L=context) | {B: float(batch_at_capacity(setting, context))}
    counts = block_counts(setting)
    return sum(float(value(layer.bytes * counts[name], point)) for name, layer in layers(setting).items())


@settings(max_examples=20)
@given(points.settings, points.contexts)
def test_reading_is_bytes_over_bandwidth_and_work_is_no_shorter_and_equal_where_nothing_computes(setting, context):
    batch = float(batch_at_capacity(setting, context))
    if batch < 1:
        return
    touched, work = bytes_touched(setting, context), terms_at(setting, batch, context)
    seconds = sum(time for name, time in work.items() if name not in HAND["wires"])
    assert float(largest.reading(setting, batch, context)) == pytest.approx(touched / setting.point[BW_mem], rel=1e-9)
    assert float(largest.touched(setting, context)) == pytest.approx(touched / setting.point[M_cap], rel=1e-9)
    share = float(largest.waiting(setting, context))
    assert share == pytest.approx(touched / setting.point[BW_mem] / seconds, rel=1e-9)
    assert share <= 1 + 1e-12


def test_shares_of_time_are_shares_of_bytes_where_nothing_computes_and_not_below():
    """61 % of the memory is cache; core attention, which also moves queries and outputs, is 59 % of time less wires."""
    batch = evaluate("B_cap", FAST.with_(L=8192, rounding="none")).value
    memory, cache = 192e9, batch * 8192 * CACHED / ACCELERATORS
    assert cache / memory == pytest.approx(0.61, abs=0.003)
    core, time = batch * (8192 + IN_TOKENS) * CACHED / ACCELERATORS / RATE, float(largest.reading(FAST, batch, 8192.0))
    assert core / time == pytest.approx(0.593, abs=0.001)
    assert float(terms_at(FAST, batch, 8192.0)["core_attention"]) == pytest.approx(core, rel=1e-6)
    assert time / (memory / RATE) == pytest.approx(float(largest.touched(FAST, 8192.0)))
    from_ = largest.waiting_context(FAST)
    assert 5800 < from_ < 5900
    assert float(largest.waiting(FAST, 1.001 * from_)) == pytest.approx(1, abs=1e-12)
    assert float(largest.waiting(FAST, 0.99 * from_)) < 0.9999


def test_a_core_above_the_ridge_computes_at_every_length():
    """H200: 206 FLOP/byte against 241 of R1's core; B200 printed: 281."""
    assert largest.waiting_context(points.setting("deepseek-v3", "h200-sxm5")) == np.inf


@pytest.mark.parametrize(
    ("turns", "found"), [(255.5, 0), (256.5, 256.5), (2**20 - 99, 2**20 - 99), (2**20 + 99, np.inf), (np.inf, np.inf)]
)
def test_the_context_from_which_nothing_computes_is_sought_on_the_map(monkeypatch, turns, found):
    monkeypatch.setattr(largest, "waiting", lambda setting, L: 1.0 if turns <= L else 0.9)
    assert largest.waiting_context(points.setting("deepseek-v3", n_acc=64)) == pytest.approx(found)


@pytest.mark.parametrize(("model", "stays"), [("gpt3-175b", True), ("deepseek-v3", False)])
def test_half_the_cache_admits_twice_the_requests_and_the_core_takes_as_long_while_it_waits(model, stays):
    """GPT-3's core does 1 FLOP a byte and then 2; that of R1, 235 and then 470, above the ridge of 281."""
    both = [points.setting(model, **more) for more in ({}, {"width_kv": 1})]
    batches = [float(batch_at_capacity(each, 8192.0)) for each in both]
    assert batches[1] / batches[0] == pytest.approx(2, rel=0.01)
    before, after = (float(terms_at(*each, 8192.0)["core_attention"]) for each in zip(both, batches, strict=True))
    assert after / before == pytest.approx(1 if stays else 2 * 235 / 281.25, rel=0.005)


def test_capacity_beyond_what_the_time_allows_is_of_no_use():
    """20 ms at 8 TB/s are 160 GB; less what is moved and not stored, which is 5 % of it."""
    found = largest.useful_capacity(FAST, 8192.0, 0.020)
    assert found == pytest.approx(20e-3 * RATE / 1.05, rel=0.01)
    batch = float(batch_at_capacity(FAST, 8192.0, {M_cap: found}))
    assert float(largest.reading(FAST, batch, 8192.0)) == pytest.approx(0.020, rel=1e-9)
    assert largest.useful_capacity(FAST, 8192.0, 1e-3) is None  # experts and dense layers alone take longer


# -- the figure ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def found():
    return thesis_map.panels(R1, 8192.0, [1, 64])


def test_the_caption_says_the_finding_in_names(found):
    caption, alt = thesis_map_told.describe(found)
    for said in ("from 1,830 tokens on the fast link", "from 11,100 tokens with groups of 8", "DeepSeek-V3 and R1"):
        assert said in caption
    for id_ in ("deepseek-v3", "b200-paper", "nvlink5", "ib-xdr"):
        assert id_ not in caption + alt + thesis_map.finding(found)
    assert "53 % of a token's time is core attention" in thesis_map.finding(found)


def test_the_notes_of_the_page_by_hand(found):
    notes = {name.removeprefix("thesis_map_"): each for name, each in thesis_map_told.notes(found).items()}
    batch = 202 * ACCELERATORS  # 202 on each, as 203 do not fit beside the vectors of a running block
    by_hand = {
        "batch": batch,
        "fast_core": 1826,
        "between_core": 11117,
        "slow_core": 14904,
        "tokens": 8192 * notes["core_from"],
        "shortest": 192e9 / RATE,
        "work": float(largest.reading(FAST, batch, 8192.0)),
        "cache": batch * 8192 * CACHED / ACCELERATORS / 192e9,
        "half_cache": 2 * 235 / 281.25,
        "slow_share": 2 * MOE * 8 * 7168 * 2 * batch / ACCELERATORS / 100e9 / notes["slow_step"],
    }
    assert {name: notes[name] for name in by_hand} == pytest.approx(by_hand, rel=2e-3)
    assert [notes[f"{link}_largest"] for link in ("fast", "between", "slow")] == ["core attention", "wires", "wires"]


def test_points_carry_times_of_the_whole_model(found):
    for panel in found:
        for each in panel.marks:
            times = grouped(panel.setting, each.batch, each.context)
            assert each.name == max(times, key=lambda name: float(times[name]))
            assert each.step == pytest.approx(sum(float(time) for time in times.values()))
    assert thesis_map.mark(FAST, 8192.0, 7000.0).name == largest.OUTSIDE


def test_upright_borders_are_drawn_where_leaders_differ_and_only_there(found):
    for panel, above in zip(found, (None, 1666, 1244), strict=True):
        corners = [(before[-1], after[0]) for before, after in pairwise(thesis_map.stretches(panel.columns))]
        drawn = [thesis_map._upright(*pair) for pair in corners]
        if above:
            ((low, high),) = drawn[0]
            assert (low, high) == (pytest.approx(above, abs=1), pytest.approx(corners[0][0].cap, rel=1e-6))
        assert drawn[-1] == []


@pytest.mark.parametrize(
    ("n_acc", "links"),
    [(32, ["fast link", "groups of 8", "slow link"]), (12, ["fast link", "groups of 6", "slow link"]),
     (8, ["fast link", "slow link"]), (1, ["one accelerator"]), (13, ["fast link", "groups of 1", "slow link"])],
)  # fmt: skip
def test_groups_are_equal_and_left_out_where_one_holds_all(n_acc, links):
    system = points.setting("deepseek-v3", n_acc=n_acc, deg_EP=1, link_between="ib-xdr", group=8)
    assert list(largest.links(system)) == links


def test_a_tensor_parallel_group_lies_inside_one_group_or_the_system_stays_on_one_level():
    assert in_groups(points.setting("gpt3-175b", deg_TP=16), "ib-xdr", 8)["group"] is None
    assert in_groups(points.setting("gpt3-175b", deg_TP=4), "ib-xdr", 8)["group"] == 8


def test_where_nothing_fits_there_is_no_map():
    with pytest.raises(InputError, match="n_acc=8: memory holds no request of DeepSeek-V3"):
        thesis_map.panels(points.setting("deepseek-v3", "h200-sxm5", 8, link_between="ib-xdr", group=8), 8192.0, [1])


def test_one_accelerator_has_one_panel_without_a_link():
    found = thesis_map.panels(Setting.of(model="llama-3.1-8b", accelerator="b200-paper"), 8192.0, [1])
    assert [each.link for each in found] == ["one accelerator"]
    assert thesis_map.finding(found) == "With memory full at 8192 tokens, 92 % of a token's time is core attention"
    assert "link" not in thesis_map_told.describe(found)[0]


def test_a_model_without_experts_has_two_links_and_no_country_of_experts():
    found = thesis_map.panels(points.setting("gpt3-175b", link_between="ib-xdr", group=8), 8192.0, [1])
    assert [each.link for each in found] == ["fast link", "slow link"]
    assert not any("routed experts" in column.names for panel in found for column in panel.columns)


def test_bandwidth_is_the_resource_worth_most(written):
    """The landing page says so: one per cent more of each, in the whole model at full memory, by a chip of its own."""
    row = {name: cell for name, cell in datasets.accelerator("b200-paper").model_dump(mode="json").items() if cell}
    plain = {name: " ".join(cell) if isinstance(cell, list) else str(cell) for name, cell in row.items()}
    system = {"model": "deepseek-v3", "n_acc": 32, "L": 8192, "link": "nvlink5-b200"}

    def rate(more=None, **given):
        chip = plain | {"id": "a-chip"} | ({more: str(1.01 * float(plain[more]))} if more else {})
        setting = system | {"accelerator": written("chip.yml", chip)} | given
        return evaluate("throughput", **setting, B=evaluate("B_cap", **system, accelerator="b200-paper").value).value

    bandwidth, arithmetic, wires = rate("BW_mem"), rate("P_bf16"), rate(BW_Int=9.09e11)
    assert bandwidth > wires > arithmetic == rate()
    assert 100 * (bandwidth / rate() - 1) == pytest.approx(0.894, abs=0.01)


def test_the_numbers_worked_by_hand_are_those_of_the_closed_forms():
    """64 tokens leave an expert waiting and 512 do not (roofline); a cached token in FLOP over bytes (attention)."""
    ridge = evaluate("ridge_point", accelerator="b200-paper").value
    assert 64 < ridge < 512
    assert ridge == pytest.approx((7168 * 2048 * 2 / 8e12) / (2 * 7168 * 2048 / 2.25e15))
    by_hand = 128 * 2 * (2 * 512 + 64) / ((512 + 64) * 2)
    far = evaluate("core_attention_intensity", model="deepseek-v3", B=1, L=10**9).value
    assert far == pytest.approx(by_hand, rel=1e-6)
