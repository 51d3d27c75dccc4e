"""The argument carried to later models: both sides of who leads in the whole model, memory and twins by hand."""

import numpy as np
import pytest
import yaml

from analysis.derive.symbols import M_cap
from analysis.files.whole import ROOT
from analysis.render.after_tables import gains, leads, memory_to_lead
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate
from analysis.thesis import carried
from analysis.thesis.after import MODELS
from analysis.thesis.carried import CHIPS, Placed, capacity_to_lead, gain_over_twin, pays
from analysis.thesis.largest import CORE, EXPERTS, NAMES, REST

from .carried_by_hand import INSIDE, OUTSIDE, ends, grid, groups

LONG = 131072


# -- who leads -------------------------------------------------------------------------------------
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("model", MODELS)
def test_leaders_cover_the_contexts_and_change_where_terms_do(model, chip):
    each = grid()[model, chip]
    shares = [each.extent(found) for found in each.leaders.values()]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    for name, found in each.leaders.items():
        for inside, outside in ends(found, each):
            times = groups(each, inside)
            assert max(times, key=times.get) == name
            times = groups(each, outside)
            assert max(times, key=times.get) != name


def test_who_waits_for_what_on_which_chip():
    """What the page reads off the strips."""
    last = {key: next(name for name in NAMES if (f := each.leaders[name]) and f[-1].high is None)
            for key, each in grid().items()}  # fmt: skip
    assert {last["deepseek-v3", chip] for chip in CHIPS} == {CORE}
    assert [last["deepseek-v3.2", chip] for chip in CHIPS] == [EXPERTS, CORE, EXPERTS, CORE]
    assert CORE not in {last["glm-5.2", chip] for chip in CHIPS}
    assert {last[model, chip] for model in MODELS[-3:] for chip in CHIPS} == {CORE}
    assert leads("deepseek-v3.2", "mi355x") == "beyond 2,180 tokens"
    starts = [grid()["deepseek-v3", chip].leaders[CORE][0].low for chip in CHIPS]
    b200 = starts.pop(CHIPS.index("b200-paper"))
    assert all(b200 < start < 1.5 * b200 for start in starts)
    assert all(stretch.high is None for stretch in (grid()["deepseek-v4-flash", "b200-paper"].leaders[CORE]))


def test_memory_from_which_attention_leads_by_hand():
    """V3.2: bytes of an accelerator's experts against index keys, their scores and the picked rows of its requests."""
    experts = 58 * 256 / 32 * 3 * 7168 * 2048 * 2
    row, key, picks, score = 1152, 256, 2048, 4
    step = 61 * (LONG * (key + 2 * score) + picks * row)  # scores are written by the index and read by the choice
    step += 61 * 2 * (64 * 128 + 64 + 128 * (512 + 64 + 512) + 2 * picks)  # queries, outputs, positions of 4 bytes
    kept = 61 * LONG * (row + key)
    requests = experts / step
    held = evaluate("weights_per_accelerator", **paper().system("deepseek-v3.2")).value
    by_hand = held + requests * kept
    found = memory_to_lead("deepseek-v3.2", LONG)
    assert found == pytest.approx(by_hand, rel=0.01)
    assert 192e9 < found < 288 * 2**30
    assert found == pytest.approx(280.36e9, rel=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_both_sides_of_that_memory_in_the_whole_model(model):
    """Memory is scaled by its usable share, and the chip's own taken as a hundred times as large."""
    setting = grid()[model, "b200-paper"].setting
    turn = capacity_to_lead(setting, LONG)
    if turn is None:  # states lead in any memory
        assert model in ("qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "nemotron-3-super")
        return
    for factor, ahead in ((INSIDE, True), (OUTSIDE, False)):
        times = carried.largest.times(
            setting, carried.batch_at_capacity(setting, LONG, {M_cap: turn * factor}), LONG, {M_cap: turn * factor}
        )
        assert (NAMES[int(times.argmax())] == CORE) is ahead


def test_without_arithmetic_in_it_the_border_is_that_of_every_chip():
    """Bandwidth scales both sides; B200 and MI355X have the same, Rubin nearly three times as much."""
    found = [capacity_to_lead(grid()["glm-5.2", chip].setting, LONG) for chip in CHIPS[1:]]
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


def test_twice_the_accelerators_bring_projections_to_the_front():
    """What the page's exercise says: experts are halved, what every accelerator reads in whole is not."""
    each = Placed(grid()["deepseek-v3.2", "b200-paper"].setting.with_(n_acc=64))
    times = groups(each, LONG)
    assert times[REST] > times[CORE] > times[EXPERTS]
    assert 192e9 < memory_to_lead("deepseek-v3.2", LONG, 64) < memory_to_lead("deepseek-v3.2", LONG)


# -- a mechanism beside its twin -------------------------------------------------------------------
def served(given: dict, context: float) -> float:
    given = given | {"L": round(context)}
    batch = int(evaluate("B_cap", rounding="none", **given).value)
    return batch / evaluate("tpot", **given, B=batch).value


def own_row(model: str, attention: str, tmp_path) -> str:
    """The model's file with one attention in all blocks that have any: a reader's own row."""
    row = yaml.safe_load((ROOT / "data" / "models" / f"{model}.yml").read_text())
    for kind in row["kinds"]:
        if kind.get("attention"):
            kind |= {"attention": attention, "vectors": []}
    for name in ("published_total", "published_active", "published_exact", "exact_source", "total_cause", "format"):
        row.pop(name, None)
    path = tmp_path / f"{model}-twin.yml"
    path.write_text(yaml.safe_dump(row | {"id": f"{model}-twin"}))
    return str(path)


@pytest.mark.parametrize(
    ("model", "attention"),
    [("glm-5.2", "MLA"), ("kimi-linear-48b-a3b", "MLA_direct"), ("minimax-m3", "GQA"), ("nemotron-3-super", "GQA"),
     ("qwen3-next-80b-a3b", "GQA_gated")],
)  # fmt: skip
@pytest.mark.parametrize("chip", ["b200-paper", "h20-sxm"])
def test_twins_are_rows_with_one_attention(model, attention, chip, tmp_path):
    """Their vectors weigh a little more or less than those of the model, of which a twin keeps all."""
    setting = grid()[model, chip].setting
    own = dict(setting.given)
    other = own | {"model": own_row(model, attention, tmp_path)}
    for context in (1024, 16384):
        ratio = served(own, context) / served(other, context)
        assert float(gain_over_twin(setting, context)) == pytest.approx(ratio, rel=0.01)
    for stretch in pays(setting):
        assert stretch.high is None
        assert served(own, 1.02 * stretch.low) > served(other, 1.02 * stretch.low)
        assert served(own, 0.98 * stretch.low) < served(other, 0.98 * stretch.low)


def test_r1_is_the_twin_of_v32():
    setting = grid()["deepseek-v3.2", "b200-paper"].setting
    r1 = dict(setting.given) | {"model": "deepseek-v3"}
    for context in (1024, 8192, LONG):
        ratio = served(dict(setting.given), context) / served(r1, context)
        assert float(gain_over_twin(setting, context)) == pytest.approx(ratio, rel=0.01)
    assert gains("deepseek-v3.2", "b200-paper") == "beyond 2,860 tokens"
    assert pytest.approx(2633.14, abs=0.01) == 2048 * 1152 / (1152 - 256)  # by bytes alone, which other costs delay


def test_borders_of_states_lie_where_their_bytes_say():
    """Qwen3-Next, all else free: twice a state over a row; in the whole model a little beyond."""
    state, row = 32 * 128 * 128 * 4 + 3 * (2 * 16 * 128 + 32 * 128) * 2, 2 * 2 * 256 * 2
    (found,) = pays(grid()["qwen3-next-80b-a3b", "b200-paper"].setting)
    assert found.low == pytest.approx(2 * state / row, rel=0.03)
    assert found.low > 2 * state / row
    large, small = 128 * 128 * 64 * 4 + 3 * (2 * 8 * 128 + 128 * 64) * 2, 2 * 2 * 128 * 2
    (found,) = pays(grid()["nemotron-3-super", "b200-paper"].setting)
    assert found.low == pytest.approx(2 * large / small, rel=0.1)
    assert np.isfinite(found.low)


def test_chips_hardly_enter_where_picks_and_states_pay():
    """Where both twins wait for memory: on three chips alike, on H20 less so."""
    for model in carried.TWINS:
        _, *others = (pays(grid()[model, chip].setting)[0].low for chip in CHIPS)
        assert max(others) < 1.1 * min(others)
    far = (pays(grid()["nemotron-3-super", chip].setting)[0].low for chip in ("h20-sxm", "b200-paper"))
    assert next(far) > 1.3 * next(far)


def test_many_requests_of_models_with_states_fit():
    """Few weights, and little kept at 8K: more requests than of any other model but V4-Flash, which compresses all."""
    fits = {model: evaluate("B_cap", **grid()[model, "b200-paper"].setting.given, L=8192).value for model in MODELS}
    assert min(fits[model] for model in MODELS[-3:]) > max(fits[model] for model in (*MODELS[:3], MODELS[4]))
