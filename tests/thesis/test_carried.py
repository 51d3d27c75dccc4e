"""The verdict carried to later models: both sides of every border in the whole model, memory and twins by hand."""

import numpy as np
import pytest
import yaml

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import M_cap
from analysis.files.whole import ROOT
from analysis.render.after_tables import gains, holds, leads, memory_to_lead
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate
from analysis.thesis import carried
from analysis.thesis.after import MODELS
from analysis.thesis.after import carried as on_book
from analysis.thesis.carried import ASKED, CHIPS, Placed, capacity_to_lead, contexts, gain_over_twin, pays, placed
from analysis.thesis.largest import CORE, EXPERTS, NAMES, REST, WIRED

BOOK = [each.setting for each in on_book()]
GRID = {(row[0].setting.model.id, chip): each for row in placed(BOOK) for chip, each in zip(CHIPS, row, strict=True)}
LONG = 131072
INSIDE, OUTSIDE = 1.05, 0.95  # far enough that whole requests suffice


def full(each: Placed, context: float, **more) -> dict:
    """Parameters of a system at as many whole requests of a context as its memory holds."""
    given = dict(each.setting.given) | {"L": round(context)} | more
    return given | {"B": int(evaluate("B_cap", rounding="none", **given).value)}


def groups(each: Placed, context: float) -> dict[str, float]:
    """Times of the groups of a step [s], summed here from the quantity of the whole model."""
    terms = dict(evaluate("tpot_terms", **full(each, context)).value)
    found = {CORE: terms.pop("core_attention"), EXPERTS: terms.pop("routed_experts", 0.0)}
    found[WIRED] = sum(terms.pop(name, 0.0) for name in ("dispatch", "combine", "all_reduce"))
    return found | {REST: sum(terms.values())}


def ends(found, each: Placed):
    """Every border of stretches, with a context inside and one outside."""
    borders = [(stretch.low, INSIDE, OUTSIDE) for stretch in found] + [(s.high, OUTSIDE, INSIDE) for s in found]
    for border, inside, outside in borders:
        if border is not None and evaluate("B_cap", **dict(each.setting.given) | {"L": round(border)}).value >= 100:
            yield border * inside, border * outside


# -- who leads -------------------------------------------------------------------------------------
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("model", MODELS)
def test_leaders_cover_the_contexts_and_change_where_terms_do(model, chip):
    each = GRID[model, chip]
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
            for key, each in GRID.items()}  # fmt: skip
    assert {last["deepseek-v3", chip] for chip in CHIPS} == {CORE}
    assert [last["deepseek-v3.2", chip] for chip in CHIPS] == [EXPERTS, CORE, EXPERTS, CORE]
    assert CORE not in {last["glm-5.2", chip] for chip in CHIPS}
    assert {last[model, chip] for model in MODELS[-3:] for chip in CHIPS} == {CORE}
    assert leads("deepseek-v3.2", "mi355x") == "beyond 2,180 tokens"


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
    setting = GRID[model, "b200-paper"].setting
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
    found = [capacity_to_lead(GRID["glm-5.2", chip].setting, LONG) for chip in CHIPS[1:]]
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


def test_twice_the_accelerators_bring_projections_to_the_front():
    """What the page's exercise says: experts are halved, what every accelerator reads in whole is not."""
    each = Placed(GRID["deepseek-v3.2", "b200-paper"].setting.with_(n_acc=64))
    times = groups(each, LONG)
    assert times[REST] > times[CORE] > times[EXPERTS]
    assert 192e9 < memory_to_lead("deepseek-v3.2", LONG, 64) < memory_to_lead("deepseek-v3.2", LONG)


# -- what holds ------------------------------------------------------------------------------------
def wires_hidden(each: Placed, context: float) -> bool:
    times = groups(each, context)
    return times[EXPERTS] >= times[WIRED]


def drafts_pay(each: Placed, context: float) -> bool:
    one, two = (full(each, context, l=query) for query in (1, 2))
    rates = [given["B"] / evaluate("tpot", **given).value for given in (one, two)]
    return 1.7 * rates[1] > rates[0]  # the first token, and a draft that is accepted seven times in ten


def attention_computes(each: Placed, context: float) -> bool:
    """Core and index of whole blocks: time without bandwidth against time without arithmetic."""
    given = full(each, context)
    fast = {"BW": 1e9, "P": 1e9}
    time = {}
    for name in fast:
        rows = datasets.accelerator(each.setting.accelerator.id)
        scaled = {"BW": {"BW_mem": rows.BW_mem * 1e6}, "P": {"P_bf16": rows.P_bf16 * 1e6}}[name]
        changed = rows.model_copy(update=scaled)
        setting = Setting.of(**given)
        setting.__dict__["accelerator"] = changed
        time[name] = carried.largest.times(setting, given["B"], given["L"])[NAMES.index(CORE)]
    return time["BW"] > time["P"]


HELD = {"hidden": wires_hidden, "drafts": drafts_pay, "computes": attention_computes}
SEEN = ("deepseek-v3", "deepseek-v3.2", "glm-5.2", "kimi-linear-48b-a3b", "qwen3-next-80b-a3b")


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("model", SEEN)
@pytest.mark.parametrize("name", sorted(HELD))
def test_both_sides_of_what_holds_in_the_whole_model(name, model, chip):
    each = GRID[model, chip]
    found = each.held[name]
    for inside, outside in ends(found, each):
        assert HELD[name](each, inside)
        assert not HELD[name](each, outside)
    if found in ((), (carried.Stretch(None, None),)):
        assert {HELD[name](each, context) for context in contexts(each.setting, 5)} == {bool(found)}


def test_what_the_page_says_of_each_conclusion():
    nowhere, everywhere = "at no context", "at every context"
    states = MODELS[-3:]
    for model in MODELS:
        raised = model in ("deepseek-v3", "deepseek-v3.2", "glm-5.2", "deepseek-v4-flash")
        assert (holds("raises", model, "b200-paper") != nowhere) is raised
        assert {holds("computes", model, chip) for chip in ("b200-paper", "mi355x")} == {nowhere}
    for model in ("deepseek-v4-flash", "qwen3-next-80b-a3b", "nemotron-3-super"):
        assert {holds("tunes", model, chip) for chip in CHIPS} == {nowhere}
    assert {holds("not-needed", model, "b200-paper") for model in MODELS[:3]} == {everywhere}
    assert {holds("not-needed", model, "b200-paper") for model in ("qwen3-next-80b-a3b", "minimax-m3")} == {nowhere}
    assert {holds("balanced", model, chip) for model in states for chip in CHIPS[1:]} == {nowhere}
    assert all(holds("balanced", model, "h20-sxm") != nowhere for model in states)
    assert {holds("drafts", "deepseek-v3", chip) for chip in ("h20-sxm", "rubin-vr200")} == {nowhere}
    assert {holds("drafts", model, "b200-paper") for model in states} == {everywhere}
    assert {holds("hidden", model, chip) for model in MODELS[:5] for chip in CHIPS[:3]} == {everywhere}
    assert holds("computes", "deepseek-v3", "rubin-vr200") == "beyond 733 tokens"
    ridges = [GRID["deepseek-v3", chip].setting.accelerator for chip in CHIPS]
    rising = [row.P_bf16 * 1e3 / row.BW_mem for row in ridges]
    assert rising == sorted(rising)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("model", MODELS)
def test_wires_take_over_half_of_a_step_nowhere(model, chip):
    each = GRID[model, chip]
    for context in contexts(each.setting, 9):
        times = groups(each, context)
        assert times[WIRED] < sum(times.values()) / 2


def test_a_conclusion_is_asked_under_the_name_of_the_verdict():
    named = {each.name for each in carried.CONCLUSIONS}
    assert {each.name for each in ASKED} - named == {"hidden"}


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
    setting = GRID[model, chip].setting
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
    setting = GRID["deepseek-v3.2", "b200-paper"].setting
    r1 = dict(setting.given) | {"model": "deepseek-v3"}
    for context in (1024, 8192, LONG):
        ratio = served(dict(setting.given), context) / served(r1, context)
        assert float(gain_over_twin(setting, context)) == pytest.approx(ratio, rel=0.01)
    assert gains("deepseek-v3.2", "b200-paper") == "beyond 2,860 tokens"
    assert pytest.approx(2633.14, abs=0.01) == 2048 * 1152 / (1152 - 256)  # by bytes alone, which other costs delay


def test_borders_of_states_lie_where_their_bytes_say():
    """Qwen3-Next, all else free: twice a state over a row; in the whole model a little beyond."""
    state, row = 32 * 128 * 128 * 4 + 3 * (2 * 16 * 128 + 32 * 128) * 2, 2 * 2 * 256 * 2
    (found,) = pays(GRID["qwen3-next-80b-a3b", "b200-paper"].setting)
    assert found.low == pytest.approx(2 * state / row, rel=0.03)
    assert found.low > 2 * state / row
    large, small = 128 * 128 * 64 * 4 + 3 * (2 * 8 * 128 + 128 * 64) * 2, 2 * 2 * 128 * 2
    (found,) = pays(GRID["nemotron-3-super", "b200-paper"].setting)
    assert found.low == pytest.approx(2 * large / small, rel=0.1)
    assert np.isfinite(found.low)
