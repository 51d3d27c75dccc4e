"""What each conclusion's entry says, typed again; and the words of tables for verdicts that the plain world lacks."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.render import sensitivity_tables, thesis_words, verdict_tables
from analysis.render.digits import NARROW
from analysis.thesis.conclusions import size
from analysis.thesis.region import Axis, Line, Stretch
from analysis.thesis.sensitivity import Drafted, Numbers
from analysis.thesis.verdict import EVERYWHERE, NOWHERE, REGION, UNJUDGED, extent, verdicts

LATENT, EXPERTS = "models with latent attention", "models with routed experts"
BOTH = f"{LATENT} and experts"
ALL, V1, V3, SUMMARY = "first version, third version, summary", "first version", "third version", "summary"
PAPER, KEPT = f"{V1}, {V3}", f"{V1}, {SUMMARY}"
ENTRIES = {  # name: its statement, who makes it, the ledger's rows, when it holds, the figure, its subject
    "raises": ("intensity .* over a hundredfold", ALL, "S01", "over a hundred times the older", "queries", LATENT),
    "computes": ("is compute-bound", ALL, "S01", "arithmetic takes longer than its bytes", "device", LATENT),
    "no-longer": ("no longer the bottleneck", PAPER, "C084", "another term .* longer", "full-memory", BOTH),
    "wires": ("imbalance dominate at large batch", V3, "C083", "over half of a step", "shares", BOTH),
    "tunes": ("tunes experts to", PAPER, "C058", "intensities are within a tenth", "balance", EXPERTS),
    "aligns": ("Scheduling", SUMMARY, "S02", "attain nine tenths", "schedule", EXPERTS),
    "small": ("suits few requests and short contexts", V3, "C079", "gains less at twice", "device", EXPERTS),
    "not-needed": ("in attention is not needed", KEPT, "C085 S03", "less than half a per cent", "device", BOTH),
    "balanced": ("Accelerators as they are", KEPT, "C086", "no split .* a quarter more", "resources", BOTH),
    "tensor": ("Tensor parallelism .* costs time", "our question", "", "takes longer than without", "tensor", LATENT),
    "one-alone": ("due to one mechanism", "our question", "", "one alone serves half", "attribution", BOTH),
    "drafts": ("query tokens a step raise", "our question", "", "tokens per second rise", "queries", LATENT),
}
GRID = """\
| intensity rises a hundredfold | models with latent attention | 13 contexts, 256 to 1M; compared with: MHA, GQA;
  kernels: fused, layered; tensor parallelism: 1, 2, 4, 8 | 208 |
| attention computes | models with latent attention | 13 contexts, 256 to 1M; the 7 chips of Table I; tensor
  parallelism: 1, 2, 4, 8 | 364 |
| scheduling aligns experts | models with routed experts | 3 contexts, 1K to 64K; batches: least, 1/4, 1/2, 3/4, full;
  link: fast, slow; skew: 0, 0.4, 0.8 | 180 |
| chips are balanced | models with latent attention and experts | 7 contexts, 256 to 1M; link: fast, groups, slow;
  budgets: area, power, price, and 20 other divisions | 483 |
"""  # points: 13 2 2 4, 13 7 4, 3 5 2 3 for two models, 7 3 23
STATED = {
    V1: "raises 12 computes 15 no-longer 77 tunes 17 not-needed 60 balanced 36",
    V3: "raises 12 computes 15 no-longer 77 wires 18 tunes 17 small 76",
    SUMMARY: "raises 12 computes 15 aligns 50 not-needed 60 balanced 36",
}


def rows(table: str) -> list[list[str]]:
    """Cells of the rows of a table under its header."""
    lines = [line for line in table.replace(NARROW, " ").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


# -- entries ---------------------------------------------------------------------------------------
def test_entries_stand_in_the_order_of_the_list():
    assert [each.conclusion.name for each in verdicts()] == list(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_says_who_states_what_and_when_it_holds(name):
    statement, who, claims, criterion, figure, subject = ENTRIES[name]
    said = verdict_tables.named(name).conclusion
    assert re.search(statement, said.statement)
    assert (", ".join(said.said), " ".join(said.claims)) == (who, claims)
    assert re.search(criterion, said.criterion)
    assert said.figure == f"fig-thesis-{figure}"
    short = said.short
    (row,) = (each for each in rows(verdict_tables.grid_table()) if each[0] == short)
    assert row[1] == subject


def test_rows_of_the_grids_by_hand():
    wanted = rows("| header |\n" + GRID.replace("\n  ", " "))
    assert [row for row in rows(verdict_tables.grid_table()) if row[0] in {each[0] for each in wanted}] == wanted


def test_each_version_is_told_what_it_states():
    statements = {each.conclusion.name: each.conclusion.statement for each in verdicts()}
    for (who, text), (version, stated) in zip(rows(verdict_tables.versions_table()), STATED.items(), strict=True):
        names, shares = stated.split()[::2], stated.split()[1::2]
        told = [f"{statements[name]} ({share} %)" for name, share in zip(names, shares, strict=True)]
        assert (who, text.split("; ")) == (version, told)


def test_rows_of_the_ledger_beside_the_region():
    found = {re.search(r">(\w+)<", row[0])[1]: row[1:3] for row in rows(verdict_tables.verdicts_table())}
    assert found["C084"] == ["reproduced under a reading", "in a region (77 %)"]
    assert found["S01"][1] == "in a region (12 %, 15 %)"
    assert found["C085"] == ["reproduced", "in a region (60 %)"]
    assert len(found) == 10
    assert sum("guidelines flip at a value in every system" in here for _, here in found.values()) == 1


# -- words -----------------------------------------------------------------------------------------
def test_how_far_in_words():
    shares = {1.0: "everywhere on its grid", 0.0: "nowhere on its grid", 0.25: "on 25 % of its grid"}
    for share, words in shares.items():
        found = SimpleNamespace(holds=extent(share), share=share)
        assert verdict_tables.extent(found).replace(NARROW, " ") == f"It holds {words}"
    assert (EVERYWHERE, REGION, NOWHERE, UNJUDGED) == ("everywhere", "in a region", "nowhere", "not judged")


def test_contexts_change_their_unit_at_1024_and_its_square():
    sizes = {1023.0: "1023", 1024.0: "1K", 1536.0: "1.5K", 2.0**19: "512K", 2.0**20: "1M", 2.0**21: "2M"}
    assert {tokens: size(tokens) for tokens in sizes} == sizes


def test_a_count_of_a_hundred_has_its_digits():
    assert [thesis_words.about(count) for count in (99.6, 100.4, 101.4, 1004.0)] == ["100", "100", "101", "1,000"]


def test_edges_of_a_share():
    shares = {0.0: "0 %", 0.0099: "under 1 %", 0.01: "1 %", 0.99: "99 %", 0.9901: "over 99 %", 1.0: "100 %"}
    assert {share: verdict_tables.share_words(share).replace(NARROW, " ") for share in shares} == shares


def test_where_a_conclusion_fails_is_the_rest_of_the_line():
    wanted = {
        ((3.0, None),): [(None, 3.0)],
        ((None, 3.0),): [(3.0, None)],
        ((3.0, 5.0),): [(None, 3.0), (5.0, None)],
        ((None, 3.0), (5.0, None)): [(3.0, 5.0)],
        ((None, 3.0), (5.0, 7.0)): [(3.0, 5.0), (7.0, None)],
        (): [(None, None)],
        ((None, None),): [],
    }
    for holds, fails in wanted.items():
        found = verdict_tables.opposite([Stretch(*each) for each in holds])
        assert [(each.low, each.high) for each in found] == fails


STRETCHES = {  # a size, then: below it, beyond it, between it and twice as much, nowhere, everywhere
    "context": (
        3.0,
        "below 3 tokens of context; beyond 3 tokens of context; between 3 and 6 tokens of context",
        "context",
    ),
    "requests": (3.0, "below 3 requests; beyond 3 requests; between 3 and 6 requests", "batch"),
    "ridge": (
        0.5,
        "below a ridge point of 0.5 FLOP/byte; beyond a ridge point of 0.5 FLOP/byte; "
        "between a ridge point of 0.5 and 1 FLOP/byte",
        "ridge point",
    ),
    "bandwidth": (5e8, "below 0.5 GB/s; beyond 0.5 GB/s; between 0.5 and 1 GB/s", "bandwidth"),
    "count": (
        0.5,
        "below 0.5 accelerators; beyond 0.5 accelerators; between 0.5 and 1 accelerators",
        "number of accelerators",
    ),
    "acceptance": (
        0.4,
        "below an acceptance of 0.4; beyond an acceptance of 0.4; between an acceptance of 0.4 and 0.8",
        "acceptance",
    ),
}


@pytest.mark.parametrize("name", STRETCHES)
def test_words_for_a_stretch_of_every_axis(name):
    (low, words, title), line = STRETCHES[name], Line(Axis(name, "", (1.0, 9.0)), {}, "")
    ends = ((None, low), (low, None), (low, 2 * low))
    assert "; ".join(verdict_tables.along(line, [Stretch(*each)]) for each in ends) == words
    told = [verdict_tables.along(line, each) for each in ([], [Stretch(None, None)])]
    assert told == [f"at no {title}", f"at every {title}"]
    both = verdict_tables.along(line, [Stretch(None, low), Stretch(2 * low, None)])
    assert both == f"{words.split('; ')[0]} and {verdict_tables.along(line, [Stretch(2 * low, None)])}"


def test_fewer_than_two_requests_are_a_single_one():
    line = Line(Axis("requests", "batch", ()), {}, "")
    found = [verdict_tables.along(line, [Stretch(None, high)]) for high in (1.0, 1.99, 2.0)]
    assert found == ["with a single request", "with a single request", "below 2 requests"]
    assert verdict_tables.along(line, [Stretch(1.0, 1.5)]) == "between 1 and 2 requests"


def test_every_axis_of_a_line_has_its_words_here():
    lines = {line.axis.name for each in verdicts() for line in each.conclusion.lines}
    assert lines == set(verdict_tables.AXES) == set(STRETCHES)


# -- variants ---------------------------------------------------------------------------------------
def made(*margins: float, blind: tuple[str, ...] = ()) -> SimpleNamespace:
    """A verdict with these margins, for one model."""
    finite = np.array(margins)[np.isfinite(margins)]
    share = float(np.mean(finite > 0)) if len(finite) else float("nan")
    said = SimpleNamespace(blind=dict.fromkeys(blind, "because"), short="short", statement="Statement")
    return SimpleNamespace(
        conclusion=said, inside={"R1": np.array(margins)}, points=len(finite), share=share, holds=extent(share)
    )


def test_a_cell_says_what_a_variant_leaves():
    plain, nan = made(*[1.0] * 5, *[-1.0] * 15, blind=("FP8",)), float("nan")
    tenth, more = made(*[1.0] * 5, *[-1.0] * 13, nan, nan), made(*[1.0] * 5, *[-1.0] * 12, nan, nan, nan)
    assert sensitivity_tables.cell(plain, plain, "Eq. 11") == "25"
    assert sensitivity_tables.cell(plain, plain, "FP8") == "="
    assert sensitivity_tables.cell(made(*[nan] * 20), plain, "FP8") is None
    assert sensitivity_tables.cell(tenth, plain, "measured") == "28"  # 18 of 20 points are nine tenths
    assert sensitivity_tables.cell(more, plain, "measured") == "29\N{DAGGER}"


def test_reasons_name_their_conclusions_and_variants():
    lines = sensitivity_tables.reasons().splitlines()
    rate = "- An intensity is FLOP over bytes: no rate, link or memory is in it: "
    assert lines[0] == rate + (
        "*intensity rises a hundredfold* (wires hidden, Eq. 11, shipped, slow link, measured, 90 % memory); "
        "*batching tunes experts* (wires hidden, slow link, measured)."
    )
    assert lines[1] == "- The width divides both intensities alike: *intensity rises a hundredfold* (FP8)."
    assert lines[-1].endswith("nobody has measured it: *device suits small loads* (FP8, measured).")
    assert len(lines) == 7


# -- tables by numbers made by hand ------------------------------------------------------------------
def body(text: str) -> list[str]:
    """A table from its header on."""
    return [line.replace(NARROW, " ") for line in text.splitlines() if line.startswith("|")]


def test_the_numbers_of_a_variant_stand_in_their_columns_in_their_units(monkeypatch):
    made_up = [
        Numbers("plain", 0.0253, 0.593, 0.2, 1826.0, 916.0, 0.1234),
        Numbers("other", 0.0004, 0.0, 1.0, None, None, 0.0),
    ]
    monkeypatch.setattr(sensitivity_tables, "numbers", lambda: made_up)
    header = "| variant | step [ms] | core | wires | core leads from | TP 8 pays below | worth of arithmetic |"
    assert body(sensitivity_tables.sensitivity_table()) == [
        header,
        "|:---|---:|---:|---:|---:|---:|---:|",
        "| plain | 25.3 | 59.3 % | 20.0 % | 1,830 | 916 | 0.12 |",
        "| other | 0.4 | 0.0 % | 100.0 % | – | – | 0 |",
    ]


def test_tables_of_query_tokens(monkeypatch):
    """One conclusion that turns from two tokens on, one that never does."""
    some, all_, none = made(1.0, -1.0), made(1.0, 1.0), made(-1.0, -1.0)
    found = {1: (some, some), 2: (all_, made(1.0, 1.0, 1.0, -1.0)), 4: (some, some), 8: (none, some)}
    monkeypatch.setattr(sensitivity_tables, "by_queries", lambda: found)
    assert body(sensitivity_tables.queries_table()) == [
        "| conclusion, by query tokens | 1 | 2 | 4 | 8 |",
        "|:---|---:|---:|---:|---:|",
        "| short | 50 | 100 | 50 | 0 |",
        "| short | 50 | 75 | 50 | 50 |",
    ]


def test_what_serves_most_at_each_acceptance(monkeypatch):
    made_up = [
        Drafted(0.3, {"deepseek-v3": 1, "gpt3-175b": 1}, {"deepseek-v3": 1.0, "gpt3-175b": float("nan")}),
        Drafted(0.95, {"deepseek-v3": 8, "gpt3-175b": 2}, {"deepseek-v3": 2.345, "gpt3-175b": 1.5}),
    ]
    monkeypatch.setattr(sensitivity_tables, "by_acceptance", lambda: made_up)
    assert body(sensitivity_tables.acceptance_table()) == [
        "| acceptance | R1 | GPT-3 |",
        "|---:|---:|---:|",
        "| 0.3 | 1 (1) | – |",
        "| 0.95 | 8 (2.35) | 2 (1.5) |",
    ]
    assert "Query tokens a step, of up to 8, that serve most at 8K" in sensitivity_tables.acceptance_table()
