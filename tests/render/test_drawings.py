"""Drawings to scale: what they draw is what hand arithmetic and the whole system's quantities say."""

from collections import Counter

import pytest
from matplotlib import pyplot
from matplotlib.patches import FancyArrowPatch

from analysis.files.errors import InputError
from analysis.render import style
from analysis.render.figures import (
    drawing_cache,
    drawing_knee,
    drawing_layout,
    drawing_memory,
    drawing_step,
    drawing_wires,
)
from analysis.systems.quantities import evaluate
from analysis.thesis.full import filled
from tests.notebooks import executed
from tests.thesis import points

L = 8192
R1, GPT3, MAVERICK = (points.setting(model, L=L) for model in ("deepseek-v3", "gpt3-175b", "llama-4-maverick"))
EVERY = (GPT3, MAVERICK, R1)
WINDOWED = R1.with_(model="gpt-oss-20b", L=65536)


@pytest.fixture(autouse=True)
def closed():
    style.use()
    yield
    pyplot.close("all")


def of(rows, **wanted):
    every = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    return [each for each in every if all(each[name] == value for name, value in wanted.items())]


def bars(axes):
    """Start, width and height of each bar or box."""
    return [(patch.get_x(), patch.get_width(), patch.get_height()) for patch in axes.patches]


# -- cache -------------------------------------------------------------------------------------------
def test_a_tokens_cache_by_hand():
    rows = drawing_cache.cache_rows(EVERY)
    sizes = {model: sum(each["bytes"] for each in of(rows, model=model)) for model in rows["model"]}
    assert sizes == {"gpt3-175b": 2 * 96 * 128 * 2, "llama-4-maverick": 2 * 8 * 128 * 2, "deepseek-v3": (512 + 64) * 2}
    assert [each["readers"] for each in of(rows, tensor="k")] == [1, 40 / 8]
    assert [each["readers"] for each in of(rows, model="deepseek-v3")] == [128, 128]


def test_equal_areas_are_equal_bytes():
    rows = drawing_cache.cache_rows(EVERY)
    drawn = bars(drawing_cache.token_cache_figure(EVERY, rows).axes[0])
    assert sum(width * height for _, width, height in drawn) * 2 == sum(rows["bytes"])


# -- step --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("setting", [*EVERY, WINDOWED], ids=lambda each: each.model.id)
def test_the_step_is_the_time_per_output_token(setting):
    step = filled(setting)
    rows = drawing_step.step_rows(step)
    whole = evaluate("tpot", step).value
    assert sum(rows["all"]) == pytest.approx(whole, rel=1e-12)
    assert sum(drawing_step.segments(step, rows).values()) == pytest.approx(whole, rel=1e-12)


def test_bars_of_a_block_follow_each_other_and_last_as_long_as_it():
    step = filled(R1)
    rows = drawing_step.step_rows(step)
    _, block = drawing_step.step_figure(step, rows).axes
    drawn = bars(block)
    ends = [start + width for start, width, _ in drawn]
    assert [start for start, *_ in drawn] == pytest.approx([0, *ends[:-1]])
    assert ends[-1] == pytest.approx(1e6 * sum(rows["each"][n] for n in drawing_step.shown_block(rows)))
    assert sum(width for _, width, _ in bars(drawing_step.step_figure(step, rows).axes[0])) == pytest.approx(
        1e3 * evaluate("tpot", step).value
    )
    assert [rows["part"][n] for n in drawing_step.shown_block(rows)][-3:] == ["routed", "shared", "combine"]


def test_a_full_system_takes_what_it_is_given_else_what_memory_holds():
    assert filled(R1)["B"] == 202 * 32 == evaluate("B_cap", R1).value
    assert filled(R1.with_(B=5))["B"] == 5
    with pytest.raises(InputError, match="memory holds no request of GPT-3"):
        filled(GPT3.with_(deg_TP=1, n_acc=1))


def test_of_rows_that_tokens_share_a_token_leaves_its_part():
    """V4-Flash, block of CSA: a row of 512 in the window, a quarter of another, a quarter of an index key of 128."""
    rows = drawing_cache.cache_rows([R1.with_(model="deepseek-v4-flash")])
    assert rows["elements"] == [512, 512 / 4, 128 / 4]
    assert rows["bytes"] == [2 * each for each in rows["elements"]]
    assert {*rows["readers"]} == {64}


# -- memory ------------------------------------------------------------------------------------------
def test_memory_is_full_and_not_more():
    rows = drawing_memory.filling_rows(EVERY)
    for each in of(rows):
        weights = sum(each[part] for part in drawing_memory.PARTS)
        assert each["requests"] % 1 == 0
        assert 0 <= 192e9 - weights - each["requests"] * each["request"] < each["request"]
    (r1,), (gpt3,) = of(rows, model="deepseek-v3"), of(rows, model="gpt3-175b")
    assert r1["routed"] == 58 * 3 * 7168 * 2048 * 256 * 2 / 32
    assert gpt3["dense"] == 96 * 2 * 12288 * 49152 * 2 / 8
    assert r1["request"] == pytest.approx(61 * (512 + 64) * 2 * L, rel=0.01)  # besides, activations of one block
    assert gpt3["request"] == pytest.approx(96 * 2 * 96 * 128 * 2 * L / 8, rel=0.01)
    assert (r1["system"] / 32, gpt3["system"] / 4) == (r1["requests"], gpt3["requests"])


def test_every_bar_ends_less_than_a_request_before_memory_does():
    rows = drawing_memory.filling_rows(EVERY)
    axes = drawing_memory.filling_figure(EVERY, rows).axes[0]
    ends = {}
    for patch in axes.patches:
        row = round(patch.get_y() + patch.get_height() / 2)
        ends[row] = max(ends.get(row, 0.0), patch.get_x() + patch.get_width())
    assert len(ends) == 3
    for row, end in ends.items():
        assert 0 <= 192 - end < rows["request"][row] / 1e9


# -- wires -------------------------------------------------------------------------------------------
GROUPED = R1.with_(group=8, link_between="ib-xdr")


def test_copies_and_bytes_by_hand():
    rows = drawing_wires.wire_rows(GROUPED)
    assert rows["bytes"] == [7168 * 2] * 8
    assert Counter(rows["group"]) == {1: 2, 2: 2, 3: 2, 4: 2}
    assert len({*rows["accelerator"]}) == 8
    assert drawing_wires.totals(rows)["between"] == (6, 6 * 14336, pytest.approx(6 * 14336 / 100e9))


def test_an_accelerators_tokens_take_the_time_of_an_exchange():
    tokens = 6400 / 32
    inside, between = (each[2] for each in drawing_wires.totals(drawing_wires.wire_rows(GROUPED)).values())
    assert tokens * between == pytest.approx(evaluate("all_to_all_time", GROUPED.with_(B=6400)).value)
    assert tokens * inside * 8 / 2 == pytest.approx(evaluate("all_to_all_time", R1.with_(B=6400)).value)


def test_an_arrow_for_each_copy_and_bars_as_long_as_the_wires_are_in_use():
    rows = drawing_wires.wire_rows(GROUPED)
    above, below = drawing_wires.wires_figure(GROUPED, rows).axes
    arrows = [patch for patch in above.patches if isinstance(patch, FancyArrowPatch)]
    squares = [patch for patch in above.patches if not isinstance(patch, FancyArrowPatch)]
    assert (len(arrows), len(squares)) == (8, 32)
    assert Counter(map(str, (arrow.get_linestyle() for arrow in arrows))).most_common()[-1][1] == 2  # solid, inside
    assert [width for _, width, _ in bars(below)] == pytest.approx([2 * 14336 / 900, 6 * 14336 / 100])


@pytest.mark.parametrize("setting", [R1, GPT3.with_(group=8, link_between="ib-xdr")], ids=["one level", "dense"])
def test_wires_need_groups_and_experts(setting):
    with pytest.raises(InputError, match="a model with experts, and two kinds of wire"):
        drawing_wires.wire_rows(setting)


# -- layout ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("setting", EVERY, ids=lambda each: each.model.id)
def test_every_part_lies_as_often_as_its_degree_says(setting):
    """Brute force: count who holds each head, expert and request."""
    rows = drawing_layout.layout_rows([setting])
    TP = setting["deg_TP"]
    wanted = {"heads": 32 / TP, "experts": 1, "FFN": 32 / TP, "requests": TP}
    for part in {*rows["part"]}:
        held = of(rows, part=part)
        count = held[0]["count"]
        for each in range(1, int(count) + 1, max(1, int(count) // 97)):
            middle = each - 0.5
            assert sum(row["first"] - 1 < middle <= row["last"] for row in held) == wanted[part], (part, each)


def test_bars_of_the_layout_are_as_long_as_what_is_held():
    rows = drawing_layout.layout_rows(EVERY)
    drawn = sum(height for axes in drawing_layout.layout_figure(EVERY, rows).axes for *_, height in bars(axes))
    assert drawn == pytest.approx(
        sum(last - first + 1 for first, last in zip(rows["first"], rows["last"], strict=True))
    )


# -- the two times -----------------------------------------------------------------------------------
def test_the_batch_of_equal_times_by_hand():
    """Work of an expert per token over its weights, and the two vectors that a token brings along."""
    weights = 3 * 7168 * 2048
    tokens = 281.25 / (1 - 281.25 * 2 * 7168 * 2 / (2 * weights))
    found = drawing_knee.equal_batch(R1, "routed")
    assert found == pytest.approx(tokens * 256 / 8, rel=1e-6)
    reads, computes = drawing_knee.times(R1, "routed", found)
    assert reads == pytest.approx(computes)


def test_bars_are_as_long_as_the_two_times():
    rows = drawing_knee.knee_rows(R1, [64, 4096])
    drawn = [width for axes in drawing_knee.knee_figure(R1, rows).axes for _, width, _ in bars(axes)]
    experts, core = (of(rows, layer=layer) for layer in ("routed", "core"))
    wanted = [each[name] * 1e6 for layer in (experts, core) for name in ("reads", "computes") for each in layer]
    assert drawn == pytest.approx(wanted)


def test_core_attention_reads_longer_at_every_batch():
    assert drawing_knee.equal_batch(R1, "core") is None
    flops, read = 128 * 2 * (2 * 512 + 64) * L, (512 + 64) * 2 * L + 128 * (2 * 512 + 64) * 2
    reads, computes = drawing_knee.times(R1, "core", 1.0)
    assert computes / reads == pytest.approx(flops / read / 281.25)


# -- the notebook ------------------------------------------------------------------------------------
GIVEN = {
    "windowed": {"models": "gpt-oss-20b,mixtral-8x7b", "model": "gpt-oss-20b", "accelerator": "mi325x", "n_acc": 16},
    "one expert": {"models": "llama-4-maverick", "model": "llama-4-maverick", "L": 131072},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_every_drawing_is_made_for_other_models_too(given):
    figures, _ = executed("drawings", **given)
    named = " ".join(each["caption"] + each["alt"] for each in figures.values())
    assert "nan" not in named
    assert "R1" not in named
