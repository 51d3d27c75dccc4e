"""Later models by hand: what a step touches of what is kept, and the contexts between which attention leads."""

import json

import numpy as np
import pytest

from analysis.data import datasets
from analysis.files.whole import ROOT
from analysis.ledger.claims_mechanisms import of_r1, sized
from analysis.ledger.claims_published import ENDLESS
from analysis.render.after_tables import after_model, leads, leads_in, mechanisms, memory_to_lead, share_at, spans
from analysis.render.family_tables import SHARED, core_intensity, ridge_table, shared_table
from analysis.render.figures import drawing_rows
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate
from analysis.thesis import largest
from analysis.thesis.after import FORMATS, MODELS, carried, longest
from analysis.thesis.region import Stretch
from analysis.thesis.verdict import verdicts

FOUND = {each.setting.model.id: each for each in carried()}
EIGHT = {"width_weights": 1 + 4 / 128**2}
FP8 = EIGHT | {"width_kv": 1, "peak": "fp8"}
IN_FORMAT = dict(zip(FORMATS, ({}, EIGHT, FP8, FP8 | {"width_experts": 17 / 32}), strict=True))
ROW, KEY, PICKS, LONG = 1152, 256, 2048, 131072


def phi(model: str) -> float:
    return evaluate("phi", model=model, L=LONG, B=1).value


def test_phi_by_hand():
    """A step reads what it touches, and writes one row."""
    touched = PICKS * ROW + LONG * KEY + ROW + KEY
    assert phi("deepseek-v3.2") == pytest.approx(touched / (LONG * (ROW + KEY)))
    shared = 78 * (PICKS + 1) * ROW + 21 * (LONG + 1) * KEY
    assert phi("glm-5.2") == pytest.approx(shared / (LONG * (78 * ROW + 21 * KEY)))
    state, row = 32 * 128 * 128 * 4 + 3 * (2 * 16 * 128 + 32 * 128) * 2, 2 * 2 * 256 * 2
    moved, kept = 36 * 2 * state + 12 * (LONG + 1) * row, 36 * state + 12 * LONG * row
    assert phi("qwen3-next-80b-a3b") == pytest.approx(moved / kept)
    assert FOUND["qwen3-next-80b-a3b"].kept[-1] == kept
    assert FOUND["qwen3-next-80b-a3b"].phi[-1] == phi("qwen3-next-80b-a3b")


def test_r1_leads_where_the_verdict_says():
    said = next(each for each in verdicts() if each.conclusion.name == "no-longer").boundaries[0][1]
    assert FOUND["deepseek-v3"].leads == (Stretch(pytest.approx(said[0].high, rel=1e-6), None),)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("model", MODELS)
def test_both_sides_of_every_end_in_the_whole_model(model, format_):
    """The largest group by terms of TPOT, summed here, a hundredth below and above each end."""
    each = after_model(model, format_)
    for stretch in each.leads:
        for end, inside in ((stretch.low, 1.01), (stretch.high, 0.99)):
            if end is not None:
                assert _leads(model, format_, end * inside)
                assert not _leads(model, format_, end / inside)
    if each.leads == (Stretch(None, None),):
        contexts = np.geomspace(largest.LEAST, longest(each.setting), 9)
        assert all(_leads(model, format_, context) for context in contexts)


def _leads(model: str, format_: str, context: float) -> bool:
    system = paper().system(model) | IN_FORMAT[format_] | {"L": round(context)}
    batch = int(evaluate("B_cap", **system, rounding="none").value)
    terms = dict(evaluate("tpot_terms", **system, B=batch).value)
    core, experts = terms.pop("core_attention"), terms.pop("routed_experts")
    wires = terms.pop("dispatch") + terms.pop("combine") + terms.pop("all_reduce")
    return core > max(experts, wires, sum(terms.values()))


def test_what_the_page_says_of_families():
    picking, stated = ("deepseek-v3.2", "glm-5.2", "minimax-m3"), ("qwen3-next-80b-a3b", "kimi-linear-48b-a3b")
    assert all(len(FOUND[model].leads) == 1 and FOUND[model].leads[0].high for model in picking)
    assert all(FOUND[model].leads == (Stretch(None, None),) for model in stated)
    v4 = FOUND["deepseek-v4-flash"]  # few rows touched are not enough for attention to leave the lead
    assert v4.phi[-1] < 0.5
    assert v4.leads[0].high is None
    assert all(FOUND[model].phi.min() > 1 > FOUND[other].phi[-1] for model in stated for other in picking)
    assert share_at("glm-5.2", LONG) < share_at("deepseek-v3.2", LONG) < share_at("deepseek-v3", LONG)
    border = 256e12 / 8e12  # the paper's memory device over B200
    lines = {model: FOUND[model].intensities for model in MODELS}
    assert all(lines[model]["state"] < 1 for model in stated)
    assert lines["minimax-m3"]["index"] < border < lines["deepseek-v3.2"]["index"]
    assert lines["deepseek-v3.2"]["core_attention"] > 206.15 > lines["deepseek-v3.2"]["index"]
    hidden = {model: FOUND[model].wires[0] <= FOUND[model].wires[1] for model in MODELS}
    assert [model for model, is_so in hidden.items() if not is_so] == [*stated]
    assert FOUND["deepseek-v3"].wires == (2.25e15 / 900e9, 3 * 2048 / 2)


def test_what_the_page_says_of_formats():
    """Attention is left behind in sixteen bits by all that pick but V4-Flash, in fewer by GLM-5.2 alone."""
    left = {f: [m for m in MODELS if after_model(m, f).leads[-1].high is not None] for f in FORMATS}
    published = [datasets.model(model) for model in ("deepseek-v3", "deepseek-v3.2", "deepseek-v4-flash")]
    assert [(row.width_weights, row.width_experts) for row in published] == [(1, None), (1, None), (1, 17 / 32)]
    whole, *narrow = left.values()
    assert whole == ["deepseek-v3.2", "glm-5.2", "minimax-m3"]
    assert narrow == [["glm-5.2"]] * 3
    for format_ in FORMATS:
        for model in ("qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "nemotron-3-super"):
            assert leads_in(model, format_) == "at every context"
    low = after_model("deepseek-v3", "cache and arithmetic, too").leads[0].low
    assert leads_in("deepseek-v3", "cache and arithmetic, too", "wires") == f"below {round(low, -1):,.0f} tokens"
    turns = [memory_to_lead("deepseek-v3.2", LONG, None, each) for each in ("weights in 8", "16 bits")]
    assert turns[0] < 192e9 < turns[1]


def test_a_step_of_r1_in_eight_bits_by_hand():
    """A request keeps 61 x 576 bytes a token, and its tokens cross the wires in 16 bits: at 2,000 tokens that takes
    longer than the experts' arithmetic at 4.5 PFLOP/s, at 4,000 the core takes longest."""
    for context, first in ((2000, "wires"), (4000, "core")):
        B = evaluate("B_cap", **paper().system("deepseek-v3") | FP8 | {"L": context}).value
        wires = 2 * 58 * (B / 32 * 8 * 7168 * 2 / 900e9)
        experts = 58 * 6 * (B / 32 * 8) * 7168 * 2048 / 4.5e15
        core = 61 * B / 32 * 576 * context / 8e12
        assert max((wires, "wires"), (experts, "experts"), (core, "core"))[1] == first


def test_words():
    assert leads("deepseek-v3.2") == "between 1,470 and 10,400 tokens"
    assert spans((Stretch(None, 5.0), Stretch(9.0, None))) == "below 5 tokens and beyond 9 tokens"
    assert mechanisms("glm-5.2") == "DSA, DSA shared"


def test_the_notebook_asks_for_models_of_the_table():
    cells = json.loads((ROOT / "book" / "notebooks" / "after.ipynb").read_text())["cells"]
    (line,) = [line for line in "".join(cells[1]["source"]).splitlines() if line.startswith("models")]
    assert set(line.split('"')[1].split(",")) <= {*MODELS}


# -- families --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "row", "work", "vectors"),
    [
        ("grouped queries", 2 * 4 * 2 * 128, 4 * 16 * 128, 16 * 2 * 128),
        ("tied keys and values", 2 * (4 * 128 + 64), 4 * 16 * 128, 16 * 2 * 128),
        ("factored queries, one row", 2 * 2 * 256, 4 * 64 * 256, 64 * 2 * 256),
        ("one latent", 2 * 576, 2 * 128 * (512 + 64 + 512), 128 * (512 + 64 + 512)),
        ("two latents", 2 * 576, 2 * 128 * (256 + 64 + 256), 128 * (256 + 64 + 256)),
    ],
)
def test_ways_of_sharing_rows_by_hand(name, row, work, vectors):
    """Bytes of a token; operations of a query with every token over its bytes, and those of queries and answers."""
    mechanism, id_ = SHARED[name]
    intensity = work * ENDLESS / (row * ENDLESS + 2 * vectors)
    assert core_intensity(mechanism, sized(id_) if id_ else of_r1()) == pytest.approx(intensity, rel=1e-9)
    (line,) = [each for each in shared_table().splitlines() if each.startswith(f"| {name} ")]
    cells = [each.strip() for each in line.split("|")]
    assert cells[3] == f"{row:,}"
    ridges = [148e12 / 4e12, 4000e12 / 22e12, 2250e12 / 8e12, 2516e12 / 8e12]
    assert [float(each.strip("*")) for each in cells[5:9]] == [pytest.approx(intensity / r, rel=0.06) for r in ridges]
    assert ["*" in each for each in cells[5:9]] == [intensity >= ridge for ridge in ridges]


def test_stages_of_a_table_stand_where_their_intensities_do():
    """V3.2 at 128K: the index in bold on H20 alone, its core on H20 and Rubin."""
    lines = [line for line in ridge_table("deepseek-v3.2", LONG).splitlines() if line.startswith("| ")]
    rows = {line.split("|")[1].strip(): line.count("**") // 2 for line in lines}
    assert (rows["index scores"], rows["core attention"], rows["routed experts"]) == (1, 2, 0)


def test_all_three_models_with_states_wait_for_them_at_every_context():
    """The page speaks of all three by the words of one."""
    for model in ("qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "nemotron-3-super"):
        assert leads(model) == "at every context", model


def test_states_wait_while_weights_compute_on_three_chips():
    """Qwen3-Next at 8K with memory full: the sentence that its page says below the table."""
    rows = {}
    for line in ridge_table("qwen3-next-80b-a3b", 8192).splitlines():
        name, *shares = (each.strip() for each in line.split("|")[1:-1]) if line.startswith("| ") else ("",)
        rows[name] = [float(each.strip("*")) for each in shares] if name not in ("", "stage") else []
    weights = [rows[name] for name in ("projections", "output projection", "output projection, GDN", "routed experts")]
    assert [all(each[chip] >= 1 for each in weights) for chip in range(4)] == [True, True, False, True]
    assert [min(each[2] for each in weights), weights[0][2] > 1] == [0.95, True]
    assert max(rows["step of the state, GDN"]) < 1 / 40


def test_who_computes_beside_which_chip_by_sharing():
    """H20: both forms of a latent and factored queries; Rubin: the whole latent; elsewhere none."""
    lines = [[each.strip() for each in line.split("|")[1:-1]] for line in shared_table().splitlines() if "|" in line]
    computing = [[row[0] for row in lines if row[column].startswith("**")] for column in range(4, 8)]
    assert computing == [["factored queries, one row", "one latent", "two latents"], ["one latent"], [], []]


def test_the_drawing_counts_rows_as_mechanisms_do():
    found = {lane.name: [cell[3] for cell in lane.cells] for lane in drawing_rows.lanes()}
    assert [found["window"].count(look) for look in (drawing_rows.TOUCHED, drawing_rows.GONE)] == [6, 18]
    assert [found["picks"].count(look) for look in (drawing_rows.TOUCHED, drawing_rows.KEPT)] == [5, 19]
    assert (len(found["index keys"]), len(found["compressed"]), len(found["state"])) == (24, 24 // 4, 1)
