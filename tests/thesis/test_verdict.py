"""The verdict: conclusions sorted by their conditions, in step with the ledger, and other under another edition."""

from dataclasses import replace

import pytest

from analysis.derive.symbols import BW_mem, P_acc
from analysis.evaluate.claims.ledger import DIFFERS, NOT_TESTABLE, REPRODUCED, UNDER_A_READING, ledger
from analysis.evaluate.claims.systems import R1, cap, scenario, terms, total
from analysis.evaluate.edition.edition import paper
from analysis.evaluate.thesis import guidelines, verdict, weighed
from analysis.evaluate.thesis.conclusions import Condition
from analysis.evaluate.thesis.verdict import HOLDS, NOWHERE, SOMEWHERE, UNJUDGED, Verdict, verdicts
from analysis.evaluate.thesis.world import world
from analysis.render import sensitivity_tables, verdict_tables

PAPER = paper()
DENSE = replace(PAPER, name="dense", model="llama-3.1-70b", models=("llama-2-7b", "llama-3.1-70b", "qwen3-235b-a22b"))
FOUND = {each.conclusion.name: each for each in verdicts(PAPER)}
LEDGER = {each.id: each for each in ledger()}


def made(*holds: bool) -> Verdict:
    return Verdict(verdict.CONCLUSIONS[0], tuple(Condition(str(i), float(i), each) for i, each in enumerate(holds)))


def test_groups_follow_the_conditions_alone():
    assert [made(True, True).group, made(True, False).group, made(False).group, made().group] == [
        HOLDS,
        SOMEWHERE,
        NOWHERE,
        UNJUDGED,
    ]
    assert made(True, False).beside(made(True)) == (HOLDS, HOLDS)
    assert made(False).beside(made(True)) == (NOWHERE, HOLDS)


@pytest.mark.parametrize("each", weighed.weighed(), ids=lambda each: each.finding.id)
def test_the_ledgers_row_and_the_verdict_of_the_chapter_agree(each):
    """Readings and conditions are two roads: where all, some or none of one hold, so do those of the other.

    The ledger's word then follows from whether the first reading, the paper's own, is among those that hold
    by no choice of ours.
    """
    reading, found = each.finding.readings[0], each.finding.verdict
    first = reading.fits and not reading.ours
    if each.finding.id == weighed.GUIDELINES:
        assert (found, each.verdicts) == (NOT_TESTABLE, ())
        able, all_ = weighed.guidelines_that_flip()
        assert able == all_ == len(guidelines.GUIDELINES)
        return
    assert each.verdicts
    assert each.group == each.readings
    assert found == (DIFFERS if each.group == NOWHERE else REPRODUCED if first else UNDER_A_READING)


def test_every_row_that_weighs_the_thesis_is_carried_by_a_conclusion_and_none_besides():
    carried = {claim for each in verdict.CONCLUSIONS for claim in each.claims}
    assert carried | {weighed.GUIDELINES} == set(weighed.CLAIMS)
    said = {each: {who for c in verdict.CONCLUSIONS if each in c.claims for who in c.said} for each in carried}
    for claim, who in said.items():
        version = LEDGER[claim].claim.version
        assert {"v1": verdict.V1, "v3": verdict.V3, "summary": verdict.SUMMARY, "both": verdict.V1}[version] in who, (
            claim
        )


def test_shares_are_those_of_the_ledgers_own_road():
    """The claims' module sums TPOT of the scenarios by itself; L = 8K on the scenario's link."""
    setting, batch = scenario(R1), cap(R1, 8192.0)
    found = terms(setting, batch, 8192.0)
    share = next(each for each in FOUND["no-longer"].conditions if each.where == "nvlink5-b200, L = 8K")
    assert share.number == pytest.approx(float(found["core_attention"] / total(found)), rel=1e-3)


def test_compute_bound_is_arithmetic_over_bytes_by_hand():
    """128 heads, 512 + 64 cached elements of two bytes, queries and results beside them."""
    for each in FOUND["computes"].conditions:
        flops, moved = 2 * 128 * (2 * 512 + 64) * 8192, 2 * (576 * 8192 + 128 * (2 * 512 + 64))
        row = world(PAPER, accelerator=each.where, link="ib-xdr").latent.point
        ridge = float(row[P_acc]) / float(row[BW_mem])
        assert each.number == pytest.approx(flops / moved / ridge, rel=1e-6)
        assert each.holds == (flops / moved > ridge)


def test_another_edition_gets_other_words():
    groups = {each.conclusion.name: each for each in verdicts(DENSE)}
    assert set(groups) == set(FOUND)
    counts = {name: (each.holding, len(each.conditions)) for name, each in groups.items()}
    assert counts != {name: (each.holding, len(each.conditions)) for name, each in FOUND.items()}
    texts = [verdict_tables.conclusions(DENSE, group) for group in verdict_tables.GROUPS.values()]
    assert sum(text.count("**") // 2 for text in texts) == len(verdict.CONCLUSIONS)
    assert verdict_tables.takeaway(DENSE) != verdict_tables.takeaway(PAPER)


def test_tables_have_a_row_for_every_variant_and_claim():
    few = replace(PAPER, accelerators=(PAPER.accelerator,))
    names = list(verdict.variants(PAPER))
    assert {"b200-sxm", "measured efficiencies and floors"} <= set(names)
    assert "b200-sxm" not in verdict.variants(few)
    assert sensitivity_tables.sensitivity_table(PAPER).count("\n| ") == 1 + len(names)
    assert verdict_tables.verdicts_table().count("\n| <a") == len(weighed.CLAIMS)


def test_a_variant_may_turn_a_verdict_and_the_table_counts_it(monkeypatch):
    two = {name: verdict.variants(PAPER)[name] for name in (verdict.PLAIN, "overlapped communication")}
    monkeypatch.setattr(sensitivity_tables, "variants", lambda edition: two)
    table = sensitivity_tables.groups_table(PAPER)
    assert table.count("\n| ") == 1 + len(verdict.CONCLUSIONS)
    assert "| 4/4 | 4/4 |" in table
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    turned = sensitivity_tables.turned(PAPER)
    for each, row in zip(verdicts(PAPER), rows, strict=True):
        assert ("**" in row) == (f"*{each.conclusion.statement}*" in turned)
    changed = [
        each.conclusion.statement
        for each, other in zip(verdicts(PAPER), verdicts(PAPER, "overlapped communication"), strict=True)
        if each.group != other.group
    ]
    assert all(statement in turned for statement in changed)
