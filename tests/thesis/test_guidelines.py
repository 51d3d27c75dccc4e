"""Guidelines and tables: every flip point on both sides in the whole model, every row with a figure of the book."""

import re
from dataclasses import replace

import numpy as np
import pytest

from analysis.book.page import OF_EDITION
from analysis.derive.symbols import BY_NAME, BW_mem, P_acc
from analysis.files.whole import ROOT
from analysis.render import thesis_tables
from analysis.render.figures import thesis_guidelines
from analysis.systems.arrangements import with_models
from analysis.systems.canonical import paper
from analysis.thesis import full_attention, guidelines, kinds, queries, spreads, tensor_parallel
from analysis.thesis.arrangement import static
from analysis.thesis.full import WIRES, batch_at_capacity, terms_at

EDITION = paper()
SYSTEMS = {model: guidelines.systems(EDITION, model) for model in EDITION.models}


def alone(system):
    return system.with_(accelerator_experts=None)


def computes(system, name: str, batch: float, L: float = 8192.0, **replaced) -> float:
    """1 if a term of the whole model is longer than with endless arithmetic, else -1."""
    more = {BY_NAME["P_acc" if symbol == "P" else symbol]: x for symbol, x in replaced.items()}
    found, endless = (float(terms_at(alone(system), batch, L, each)[name]) for each in (more, more | {P_acc: 1e40}))
    return 1.0 if found > endless * (1 + 1e-12) else -1.0


def skewed(system, batch: float) -> float:
    row = system.model
    gamma = static(row.n_e, row.n_k, guidelines.SKEW, system["n_acc"]).imbalance
    return computes(system, "routed_experts", batch, Gamma_acc=gamma)


def wires_minus_experts(system, rate: float) -> float:
    found = terms_at(alone(system).with_(BW_Int=rate * 1e9), guidelines.experts_batch(alone(system)), 8192.0)
    return float(sum(found[name] for name in WIRES) - found["routed_experts"])


def ridge_batch(system) -> float:
    """Batch at which layers of weights have arithmetic for their bytes: the paper's Eq. 10 by hand."""
    row, ridge = system.model, float(system.point[P_acc]) / float(system.point[BW_mem])
    return ridge * row.n_e / row.n_k if row.n_moe else ridge * system["n_acc"] / system["deg_TP"]


def whole_degree(system, memory: float) -> float:
    """Whether degree 1 or 2 reads the dense model of latent attention faster, by its weights in bytes."""
    row = system.model
    weights = 2 * 3 * row.d_emb * row.n_dec * (row.n_e * row.d_MoE + row.d_shared)
    at = {TP: (memory * 1e9 - weights / TP) / TP for TP in (1 - 1e-4, 1 + 1e-4)}
    return at[1 + 1e-4] - at[1 - 1e-4]


def experts_over_dense(system, count: float) -> float:
    row = system.model
    return row.n_k / row.n_e - 1 / count


SIDES = {  # what changes its sign at the flip point: a number of the whole model, in the system and at a value
    "ridge": lambda s, x: computes(s, "core_attention", 1024, P=x * s.point[BW_mem]),
    "half": lambda s, x: full_attention.core_share(alone(s), x) - 0.5,
    "capacity": lambda s, x: float(batch_at_capacity(s, x)) - ridge_batch(s),
    "tensor": lambda s, x: float(tensor_parallel.attention_change(alone(s), x, 2, 8192.0)),
    "queries": lambda s, x: computes(s, "core_attention", 64, 1e12, l=x),
    "acceptance": lambda s, x: float(queries.gain(alone(s), [2], 8192.0, min(1.0, x))[0]) - 1,
    "experts": lambda s, x: computes(s, "routed_experts", x, width_activations=1e-9),
    "groups": experts_over_dense,
    "device": lambda s, x: float(full_attention.expert_speed(s, [x])[0]) - 1,
    "schedule": skewed,
    "wires": wires_minus_experts,
    "dense": whole_degree,
}


@pytest.mark.parametrize("guideline", guidelines.GUIDELINES, ids=lambda each: each.name)
@pytest.mark.parametrize("model", EDITION.models)
def test_every_inequality_flips_at_its_value(guideline, model):
    if guidelines.missing(guideline, SYSTEMS[model][0]):
        assert guideline.needs
        return
    found = guidelines.flips(guideline, SYSTEMS[model])
    assert len(found) == len(guidelines.accelerators(EDITION)) == 5
    assert any(found)
    for system, flip in zip(SYSTEMS[model], found, strict=True):
        if flip is not None:
            low, high = (SIDES[guideline.name](system, flip * off) for off in (0.97, 1.02))
            assert low * high < 0, (system.echo["accelerator"], flip)


@pytest.mark.parametrize(("arithmetic", "bandwidth"), [(1.0, 1.0), (2.0, 3.0), (0.5, 1.0), (1.0, 4.0)])
def test_wires_at_the_ridge_of_another_accelerator_by_hand(arithmetic, bandwidth):
    """R1's experts at the batch of the ridge: eight copies of 7168 elements go and come, beside three products."""
    system = SYSTEMS["deepseek-v3"][0]
    count, peak, rate = system["n_acc"], 2250e12 * arithmetic, 8e12 * bandwidth
    assert (system["deg_TP"], system.echo["accelerator"]) == (1, "b200-paper")
    batch = peak / rate * 256 / 8
    tokens, reached = batch * 8 / count, 256 / count * (1 - (1 - 8 / 256) ** batch)
    taken = max(6 * tokens * 7168 * 2048 / peak, 2 * (2 * tokens * 7168 + reached * 3 * 7168 * 2048) / rate)
    by_hand = 2 * batch * 8 * 7168 * 2 / count / taken
    assert guidelines.wires_at_ridge(system, arithmetic, bandwidth) == pytest.approx(by_hand)


def test_wires_are_asked_of_an_accelerator_as_it_is():
    for system in SYSTEMS["deepseek-v3"]:
        assert guidelines.wires_at_ridge(system) == guidelines.wires_at_ridge(system, 1.0, 1.0)


def test_what_is_no_positive_number_is_no_flip_point():
    found = [None, np.nan, np.inf, -np.inf, -5e9, 0.0, 2e9]
    made = replace(guidelines.GUIDELINES[0], unit="GB", flip=lambda system: system)
    assert guidelines.flips(made, found) == [None] * 6 + [2]


def test_every_guideline_points_to_a_figure_of_the_book_and_is_stated_once():
    pages = "".join(path.read_text() for path in (ROOT / "book").glob("*.md"))
    placed = re.findall(r"(?:figure\(\"|\{show\}`)([\w-]+)", pages)
    assert {each.figure for each in guidelines.GUIDELINES} <= {*placed}
    assert len({each.rule for each in guidelines.GUIDELINES}) == len(guidelines.GUIDELINES) == len(SIDES)


def test_kinds_are_every_order_and_their_core_takes_the_reading_or_more():
    found = kinds.kinds(
        EDITION and thesis_tables._system(EDITION, accelerator_experts=EDITION.accelerator_experts),
        EDITION.models,
        8192.0,
    )
    named = [(each.setting.model.attention, each.setting.conventions.order) for each in found]
    assert len(set(named)) == len(named) >= 6
    fitting = [each for each in found if np.isfinite(each.core)]
    assert all(each.core >= each.reading * 0.99 for each in fitting)
    slow = next(each for each in found if each.setting.conventions.order == "reordered")
    assert slow.speed < 1 < found[0].speed


@pytest.mark.parametrize("word", OF_EDITION["render.thesis_tables"].split())
def test_tables_have_a_label_and_full_rows(word):
    text = getattr(thesis_tables, word)(EDITION)
    assert not [each for each in (*EDITION.models, EDITION.accelerator, "pim-paper") if each in text]
    header, ruler, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 2
    assert {line.count("|") - line.count(r"\|") for line in (header, ruler, *rows)} == {header.count("|")}


def test_spreads_by_hand():
    numbers = np.array([[1.0, 2.0, np.nan], [4.0, 4.0, 8.0]])
    assert spreads._median(numbers) == 3  # over models: 4 / 1 and 4 / 2; the third has one number only
    assert spreads._median(numbers.T) == 2  # over accelerators: 2 / 1 and 8 / 4
    assert np.isnan(spreads._median(numbers[:1]))


def test_spreads_are_those_of_the_flip_points_of_the_table():
    for each in spreads.spreads(SYSTEMS):
        able = [found for found in SYSTEMS.values() if not guidelines.missing(each.guideline, found[0])]
        rows = [guidelines.flips(each.guideline, found) for found in able]
        assert np.isfinite(each.models) == (len(able) > 1)
        assert each.accelerators == pytest.approx(np.median([max(row) / min(row) for row in rows]))


def test_bold_cells_are_those_where_the_accelerator_is_on_the_side_named():
    ridge = next(each for each in guidelines.GUIDELINES if each.name == "ridge")
    found = [guidelines.holds(ridge, system, 235.0) for system in SYSTEMS["deepseek-v3"]]
    ridges = [2250 / 8, 989.4 / 4.8, 2250 / 7.7, 1307.4 / 6, 2307 / 7.37]
    assert found == [each < 235 for each in ridges]
    half = next(each for each in guidelines.GUIDELINES if each.name == "half")
    assert guidelines.holds(half, SYSTEMS["deepseek-v3"][0], 100.0) is None


def test_the_notebook_shows_the_systems_of_the_table():
    base = thesis_tables._system(EDITION, accelerator_experts=EDITION.accelerator_experts)
    settings = with_models(base, EDITION.models, 8192)
    assert thesis_guidelines.systems(settings, EDITION.accelerators) == SYSTEMS


def test_the_table_names_the_degree_that_suits_its_own_number_of_accelerators():
    """24 accelerators hold R1 at deg_TP = 2 only, the 48 of the table at 1: 2 (2 512 + 64) 128 FLOP a cached token."""
    edition = replace(EDITION, n_acc=24)
    found = guidelines.systems(edition, "deepseek-v3")[0]
    assert (edition.degree("deepseek-v3"), found["n_acc"], found["deg_TP"]) == (2, 48, 1)
    read, kept = 8192 * 576, 128 * (576 + 512)  # elements of the cache, of queries and of what is made
    assert guidelines.ridge_of_attention(found) == pytest.approx(2 * 8192 * 1088 * 128 / (2 * (read + kept)), rel=1e-6)
    table = thesis_tables.guidelines_table(edition)
    assert "on 48 accelerators" in table
    assert "1 for R1" in table
    assert guidelines.MORE == 2
    assert "twice as many accelerators" in (ROOT / "book" / "guidelines.md").read_text()
