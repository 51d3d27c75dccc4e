"""The verdict carried to later models: both sides of every border in the whole model, and what a page says of them."""

import numpy as np
import pytest

from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.render.after_tables import holds, spans
from analysis.thesis import carried
from analysis.thesis.after import MODELS
from analysis.thesis.arrangement import Arrangement
from analysis.thesis.carried import ASKED, CHIPS, contexts
from analysis.thesis.full import batch_at_capacity
from analysis.thesis.largest import WIRED
from analysis.thesis.region import where_positive
from analysis.thesis.scheduling import step
from analysis.thesis.world import FAST, world_of

from .carried_by_hand import ASKED_BY_HAND, ends, grid, groups

UNASKED = {(model, "tunes") for model in ("deepseek-v4-flash", "qwen3-next-80b-a3b", "nemotron-3-super")}


@pytest.mark.parametrize("name", sorted(ASKED_BY_HAND))
def test_both_sides_of_what_holds_in_the_whole_model(name):
    by_hand, asked = ASKED_BY_HAND[name], 0
    for (model, chip), each in grid().items():
        found = each.held[name]
        if found is None:
            assert (model, name) in UNASKED, (model, chip)
            continue
        for inside, outside in ends(found, each):
            assert by_hand(each, inside), (model, chip, inside)
            assert not by_hand(each, outside), (model, chip, outside)
        if found in ((), (carried.Stretch(None, None),)):
            assert {by_hand(each, at) for at in contexts(each.setting, 5)} == {bool(found)}, (model, chip)
        asked += 1
    assert asked == (len(MODELS) - sum(name == each for _, each in UNASKED)) * len(CHIPS)


def test_what_the_page_says_of_each_conclusion():
    states = MODELS[-3:]
    for model in MODELS:
        raised = model in ("deepseek-v3", "deepseek-v3.2", "glm-5.2", "deepseek-v4-flash")
        assert (holds("raises", model, "b200-paper") != NOWHERE) is raised
        assert {holds("computes", model, chip) for chip in ("b200-paper", "mi355x")} == {NOWHERE}
    assert {holds("not-needed", model, "b200-paper") for model in MODELS[:3]} == {EVERYWHERE}
    assert {holds("not-needed", model, "b200-paper") for model in ("qwen3-next-80b-a3b", "minimax-m3")} == {NOWHERE}
    assert {holds("balanced", model, chip) for model in states for chip in CHIPS[1:]} == {NOWHERE}
    assert all(holds("balanced", model, "h20-sxm") != NOWHERE for model in states)
    assert {holds("drafts", "deepseek-v3", chip) for chip in ("h20-sxm", "rubin-vr200")} == {NOWHERE}
    assert {holds("drafts", model, "b200-paper") for model in states} == {EVERYWHERE}
    assert {holds("hidden", model, chip) for model in MODELS[:5] for chip in CHIPS[:3]} == {EVERYWHERE}
    computing = {model: holds("computes", model, "h20-sxm") for model in MODELS}
    assert {computing[model] for model in MODELS[:3]} == {EVERYWHERE}
    assert {computing[model] for model in MODELS[4:] if model != "kimi-linear-48b-a3b"} == {NOWHERE}
    on_rubin = [model for model in MODELS if holds("computes", model, "rubin-vr200") != NOWHERE]
    assert on_rubin == ["deepseek-v3", "deepseek-v3.2"]
    assert holds("computes", "deepseek-v3", "rubin-vr200") == "beyond 733 tokens"
    everywhere = [sum(holds("hidden", model, chip) == EVERYWHERE for model in MODELS) for chip in CHIPS]
    assert everywhere == [8, 6, 6, 0]
    assert (len(MODELS), len(CHIPS)) == (8, 4)
    systems = [grid()["deepseek-v3", chip].setting for chip in CHIPS]
    strained = [each.accelerator.P_bf16 / each.link.BW_Int for each in systems]
    assert max(strained) == strained[-1]
    ridges = [grid()["deepseek-v3", chip].setting.accelerator for chip in CHIPS]
    rising = [row.P_bf16 * 1e3 / row.BW_mem for row in ridges]
    assert rising == sorted(rising)


def test_wires_take_over_half_of_a_step_nowhere():
    for place, each in grid().items():
        for context in contexts(each.setting, 9):
            times = groups(each, context)
            assert times[WIRED] < sum(times.values()) / 2, (place, context)


def carried_at(name: str, model: str, chip: str, **place) -> str:
    """The contexts at which a conclusion of the verdict holds on one of the systems, elsewhere than it is drawn."""
    setting = grid()[model, chip].setting
    margin = next(each.margin for each in carried.CONCLUSIONS if each.name == name)
    world = world_of(setting)
    return spans(
        where_positive(
            lambda at: np.sign(margin(world, model, place | {"link": FAST, "context": at})), contexts(setting)
        )
    )


NOWHERE, EVERYWHERE = "at no context", "at every context"


def test_what_the_page_says_of_scheduling():
    """An expert meets n_k / n_e of the system's tokens, a dense layer one in 32: where that is fewer, and only there,
    experts fall behind without any skew, some context on.
    """
    rows = {model: grid()[model, "b200-paper"].setting.model for model in MODELS}
    fewer = {model for model, row in rows.items() if row.n_k / row.n_e < 1 / 32}
    assert rows["deepseek-v3"].n_k / rows["deepseek-v3"].n_e == 1 / 32
    assert fewer == {"deepseek-v4-flash", "qwen3-next-80b-a3b"}
    for model in MODELS:
        found = carried_at("aligns", model, "b200-paper", skew=0.0)
        assert found.startswith("below") if model in fewer else found == EVERYWHERE
    assert holds("aligns", "deepseek-v3", "b200-paper") == "beyond 6,290 tokens"
    assert holds("aligns", "qwen3-next-80b-a3b", "b200-paper") == "below 15,900 tokens"
    for (model, _), each in grid().items():
        row, batch = each.setting.model, batch_at_capacity(each.setting, 8192.0)
        copied = Arrangement(row.n_e, row.n_k, 0.4, 32, "replicated", 1)
        assert np.isnan(step(each.setting, copied, np.array([batch]), 8192.0).time).all(), model


def test_what_the_page_says_of_the_memory_device():
    for (model, chip), each in grid().items():
        starts_short = bool(each.held["small"]) and each.held["small"][0].low is None
        assert starts_short is (chip == "h20-sxm")
        if chip == "b200-paper":
            assert (model in ("glm-5.2", "minimax-m3")) is bool(each.held["small"])


def test_what_the_page_says_of_dividing_heads():
    paying = {"glm-5.2", "qwen3-next-80b-a3b", "nemotron-3-super"}
    assert {model for model in MODELS if holds("tensor", model, "b200-paper") != EVERYWHERE} == paying
    for model, chip in grid():
        found = carried_at("tensor", model, chip, degree=8)
        assert (found == EVERYWHERE) is ((model, chip) != ("glm-5.2", "h20-sxm"))


@pytest.mark.parametrize("chip", CHIPS)
def test_no_chip_is_balanced_for_all_models_at_one_context(chip):
    """One has no such context, or begins to be where another has ended."""
    found = [grid()[model, chip].held["balanced"] for model in MODELS]
    if all(found):
        assert max(each[0].low or 0 for each in found) > min(each[-1].high or np.inf for each in found)


@pytest.mark.parametrize("chip", CHIPS)
def test_what_the_page_says_of_one_mechanism_alone(chip):
    assert carried_at("one-alone", "deepseek-v3", chip, alone="MLA", held="active") == EVERYWHERE
    assert carried_at("one-alone", "deepseek-v3", chip, alone="MLA", held="total") == NOWHERE


def test_a_conclusion_is_asked_under_the_name_of_the_verdict():
    named = {each.name for each in carried.CONCLUSIONS}
    assert {each.name for each in ASKED} - named == {"hidden"}
    assert named - {each.name for each in ASKED} == {"no-longer", "wires", "one-alone"}


def test_what_cannot_be_asked_is_told_apart_from_what_does_not_hold():
    """Dense blocks are lacking where every block has experts; all else can be asked of all eight models."""
    unasked = {
        (model, name) for (model, _), each in grid().items() for name, found in each.held.items() if found is None
    }
    assert unasked == UNASKED
    for model in MODELS:
        dense = any(kind.feedforward == "dense" for kind in grid()[model, CHIPS[0]].setting.model.kinds)
        assert dense is ((model, "tunes") not in unasked)
    with pytest.raises(InputError, match="lacks what it speaks of"):
        holds("tunes", "qwen3-next-80b-a3b", "b200-paper")


def test_what_speaks_of_experts_is_not_asked_of_a_dense_model():
    found = carried.held(carried.on(Setting.of(model="llama-3.1-8b", accelerator="h20-sxm", n_acc=32), "b200-paper"))
    assert {name for name, stretches in found.items() if stretches is None} == {"hidden", "tunes", "aligns", "small"}


def test_a_chip_without_a_network_is_refused():
    with pytest.raises(InputError, match="accelerators=ascend-910c: no network"):
        carried.on(grid()["deepseek-v3", "b200-paper"].setting, "ascend-910c")
