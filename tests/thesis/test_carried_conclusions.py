"""The verdict carried to later models: both sides of every border in the whole model, and what a page says of them."""

import pytest

from analysis.files.errors import InputError
from analysis.render.after_tables import holds
from analysis.thesis import carried
from analysis.thesis.after import MODELS
from analysis.thesis.carried import ASKED, CHIPS, contexts
from analysis.thesis.largest import WIRED

from .carried_by_hand import ASKED_BY_HAND, ends, grid, groups

SEEN = ("deepseek-v3", "deepseek-v3.2", "glm-5.2", "kimi-linear-48b-a3b", "qwen3-next-80b-a3b")


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("model", SEEN)
@pytest.mark.parametrize("name", sorted(ASKED_BY_HAND))
def test_both_sides_of_what_holds_in_the_whole_model(name, model, chip):
    each = grid()[model, chip]
    found = each.held[name]
    for inside, outside in ends(found, each):
        assert ASKED_BY_HAND[name](each, inside)
        assert not ASKED_BY_HAND[name](each, outside)
    if found in ((), (carried.Stretch(None, None),)):
        assert {ASKED_BY_HAND[name](each, context) for context in contexts(each.setting, 5)} == {bool(found)}


def test_what_the_page_says_of_each_conclusion():
    nowhere, everywhere = "at no context", "at every context"
    states = MODELS[-3:]
    for model in MODELS:
        raised = model in ("deepseek-v3", "deepseek-v3.2", "glm-5.2", "deepseek-v4-flash")
        assert (holds("raises", model, "b200-paper") != nowhere) is raised
        assert {holds("computes", model, chip) for chip in ("b200-paper", "mi355x")} == {nowhere}
    assert {holds("not-needed", model, "b200-paper") for model in MODELS[:3]} == {everywhere}
    assert {holds("not-needed", model, "b200-paper") for model in ("qwen3-next-80b-a3b", "minimax-m3")} == {nowhere}
    assert {holds("balanced", model, chip) for model in states for chip in CHIPS[1:]} == {nowhere}
    assert all(holds("balanced", model, "h20-sxm") != nowhere for model in states)
    assert {holds("drafts", "deepseek-v3", chip) for chip in ("h20-sxm", "rubin-vr200")} == {nowhere}
    assert {holds("drafts", model, "b200-paper") for model in states} == {everywhere}
    assert {holds("hidden", model, chip) for model in MODELS[:5] for chip in CHIPS[:3]} == {everywhere}
    assert holds("computes", "deepseek-v3", "rubin-vr200") == "beyond 733 tokens"
    ridges = [grid()["deepseek-v3", chip].setting.accelerator for chip in CHIPS]
    rising = [row.P_bf16 * 1e3 / row.BW_mem for row in ridges]
    assert rising == sorted(rising)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("model", MODELS)
def test_wires_take_over_half_of_a_step_nowhere(model, chip):
    each = grid()[model, chip]
    for context in contexts(each.setting, 9):
        times = groups(each, context)
        assert times[WIRED] < sum(times.values()) / 2


def test_a_conclusion_is_asked_under_the_name_of_the_verdict():
    named = {each.name for each in carried.CONCLUSIONS}
    assert {each.name for each in ASKED} - named == {"hidden"}


def test_what_cannot_be_asked_is_told_apart_from_what_does_not_hold():
    """Dense blocks are lacking where every block has experts; all else can be asked of all eight models."""
    unasked = {
        (model, name) for (model, _), each in grid().items() for name, found in each.held.items() if found is None
    }
    assert unasked == {(model, "tunes") for model in ("deepseek-v4-flash", "qwen3-next-80b-a3b", "nemotron-3-super")}
    for model in MODELS:
        dense = any(kind.feedforward == "dense" for kind in grid()[model, CHIPS[0]].setting.model.kinds)
        assert dense is ((model, "tunes") not in unasked)
    with pytest.raises(InputError, match="lacks what it speaks of"):
        holds("tunes", "qwen3-next-80b-a3b", "b200-paper")
