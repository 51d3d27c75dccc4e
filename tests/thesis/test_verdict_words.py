"""What is said of the verdict: sentences, counts, tables, in the book, on one page, on the command line."""

import json
import re
from itertools import product

import pytest
from click.testing import CliRunner

from analysis.cli.main import main
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render import sensitivity_tables, thesis_tables, verdict_tables
from analysis.render.digits import NARROW
from analysis.thesis import sensitivity
from analysis.thesis.conclusions import OURS
from analysis.thesis.region import Stretch
from analysis.thesis.verdict import PLAIN, REGION, UNJUDGED, VARIANTS, verdicts

SAID = {  # found by hand in test_regions, or by a second road in test_verdict
    "raises": """It holds on 12 % of its grid. Against GPT-3's attention, in one kernel: at every context.
        With tensor parallelism of 2: beyond 573 tokens of context. With tensor parallelism of 4: at no context.
        With one kernel a layer: at no context. Against Maverick's grouped attention: at no context.""",
    "computes": """It holds on 15 % of its grid. At 8K, by the ridge point of the accelerator: below a ridge point of
        235 FLOP/byte. On the A100: beyond 417 tokens of context. On the H200: beyond 1,400 tokens of context.
        On the MI325X: beyond 2,210 tokens of context. On the B200: at no context.""",
    "no-longer": """It holds on 77 % of its grid. On NVLink: below 1,830 tokens of context.
        In groups of eight joined by InfiniBand: below 11,100 tokens of context. On InfiniBand alone: below 14,900
        tokens of context. On NVLink under skew (Zipf 0.8): below 6,110 tokens of context. At 8K on NVLink: below 2,260
        requests. Outside its subject, on the same grid: GPT-3 54 %, Maverick 49 %.""",
    "wires": """It holds on 18 % of its grid. On NVLink: at no context. In groups of eight joined by InfiniBand: below
        6,440 tokens of context. On InfiniBand alone: below 8,760 tokens of context. On NVLink under skew (Zipf 0.8):
        below 5,170 tokens of context. At 8K, by the link's bandwidth: below 107 GB/s.""",
    "tunes": """It holds on 17 % of its grid. At 8K against dense feed-forward layers: between 30.4 and 37.8
        accelerators. At 8K against output projections: between 29.3 and 36.4 accelerators. At 8K on 32 accelerators:
        beyond 75 requests.""",
    "aligns": """It holds on 50 % of its grid. At 8K without skew: at every batch. Under mild skew (Zipf 0.4): below
        5,100 requests and beyond 6,210 requests. Under skew (Zipf 0.8): below 830 requests.""",
    "small": """At 1K, requests kept: below 1,030 requests. At 8K, requests kept: below 1,030 requests.""",
    "not-needed": """It holds on 60 % of its grid. For the paper's memory device: at every context. For four times the
        bandwidth with all the arithmetic: at no context. At 8K, for that bandwidth, by its ridge point: below a ridge
        point of 59.3 FLOP/byte. Outside its subject, on the same grid: GPT-3 2 %, Maverick 5 %. With memory full at
        8K, GPT-3 and Maverick give the opposite.""",
    "balanced": """It holds on 36 % of its grid. On NVLink, by area: below 136,000 tokens of context. On NVLink, by
        power: below 11,100 tokens of context. On NVLink, by price: beyond 1,160 tokens of context.""",
    "tensor": """At 1K, in groups of 8: beyond 916 requests. At 8K, in groups of 8: beyond 141 requests. At 8K, in
        pairs: beyond 564 requests. At 8K, in groups of 8 on InfiniBand: beyond 117 requests. Outside its subject, on
        the same grid: GPT-3 under 1 %, Maverick 11 %. With memory full at 8K, GPT-3 gives the opposite.""",
    "one-alone": """It holds on 25 % of its grid. Latent attention alone, total parameters equal: at no context. Latent
        attention alone, active parameters equal: at every context. Experts alone, total parameters equal: at no
        context. Experts alone, active parameters equal: at no context.""",
    "drafts": """It holds on 69 % of its grid. With 2 query tokens, acceptance 0.7: beyond 6,620 tokens of context.
        At 8K with 2 query tokens: beyond an acceptance of 0.6. At 8K with 4
        query tokens: beyond an acceptance of 0.85. At 8K with 8 query tokens: beyond an acceptance of 0.93.""",
}
CONTEXTS = tuple(256 * 2**power for power in range(13))
TENTHS = tuple(  # arithmetic, memory bandwidth, capacity and interconnect in the cost of a chip
    " ".join(f"{share / 10:g}" for share in shares) for shares in product((1, 3, 5, 7), repeat=4) if sum(shares) == 10
)
GRIDS = {
    "aligns": [(1024, 8192, 65536), (0, 0.25, 0.5, 0.75, 1), ("fast", "slow"), (0, 0.4, 0.8)],
    "balanced": [CONTEXTS[::2], ("fast", "groups", "slow"), ("area", "power", "price", *TENTHS)],
    "one-alone": [CONTEXTS, ("fast", "groups", "slow"), ("MLA", "experts"), ("total", "active")],
    "drafts": [CONTEXTS, (0, 0.25, 0.5, 0.75, 1), ("fast", "groups", "slow"), (2, 4, 8), (0.5, 0.7, 0.9)],
}
ANSWER = (
    "With R1's memory full, a token waits for core attention most beyond 1,830 tokens of context on NVLink, and beyond "
    "14,900 tokens of context on InfiniBand alone."
)
PAGE = (ROOT / "book" / "verdict.md").read_text()


@pytest.mark.parametrize("name", SAID)
def test_a_sentence_says_where(name):
    assert " ".join(SAID[name].split()) in sentence(name)


def sentence(name: str) -> str:
    return verdict_tables.sentence(verdict_tables.named(name)).replace(NARROW, " ")


def test_the_answer_follows_the_boundaries():
    assert verdict_tables.answer() == ANSWER


def test_a_sentence_gets_the_values_of_a_line_or_none_at_all():
    assert sensitivity_tables.border("no-longer", 0) == pytest.approx(1826, abs=0.5)
    assert sensitivity_tables.borders("aligns", 1, 2) == pytest.approx([5098.6, 6209.9], rel=1e-4)
    with pytest.raises(InputError, match="wires holds on NVLink at no context; say that instead"):
        sensitivity_tables.border("wires", 0)
    with pytest.raises(InputError, match=r"between 30\.4 and 37\.8 accelerators"):
        sensitivity_tables.border("tunes", 0)


def test_shares_and_who_says_so():
    assert verdict_tables.holds_on("aligns").replace(NARROW, " ") == "50 %"
    assert verdict_tables.holds_on("aligns", "measured").replace(NARROW, " ") == "18 %"
    assert verdict_tables.elsewhere("not-needed", "gpt3-175b").replace(NARROW, " ") == "2 %"
    said = re.sub(r"<a[^>]*>(\w+)</a>", r"\1", verdict_tables.stated_by("not-needed"))
    assert said == "*Stated by*: first version, summary, C085, S03"


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_whose_points_have_no_hand_is_typed(name):
    assert [axis.values for axis in verdict_tables.named(name).conclusion.axes] == GRIDS[name]


def test_models_outside_a_subject_are_shown_apart():
    found = {each.conclusion.name: set(each.outside) for each in verdicts()}
    assert found["no-longer"] == found["not-needed"] == {"gpt3-175b", "llama-4-maverick"}
    assert found["tunes"] == found["aligns"] == found["small"] == {"gpt3-175b"}
    assert all("deepseek-v3" in each.inside for each in verdicts())
    assert "Outside its subject" not in verdict_tables.sentence(verdict_tables.named("tunes"))


def test_the_page_speaks_of_every_conclusion_and_of_every_boundary_that_it_names():
    asked = re.findall(r'borders?\("([\w-]+)", (\d)(?:, \d)?\)', PAGE)
    assert {name for name, _ in asked} == {each.conclusion.name for each in verdicts()} - {"one-alone"}
    for each in verdicts():  # a line that ends nowhere has no value; the page says so, and test_regions holds it
        name = each.conclusion.name
        solved = {
            place for place, (_, found) in enumerate(each.boundaries) if found and found[0] != Stretch(None, None)
        }
        assert {int(place) for other, place in asked if other == name} <= solved
        assert f'stated_by("{name}")' in PAGE or each.conclusion.said == (OURS,)
    assert all(each.holds == REGION for each in verdicts())
    opposite = {each.conclusion.name: each.opposite for each in verdicts() if each.opposite}
    both = ["gpt3-175b", "llama-4-maverick"]
    assert opposite == {"not-needed": both, "balanced": both, "tensor": both[:1]}


def test_the_table_of_shares_has_every_variant_and_repeats_no_number_that_cannot_change():
    lines = [line for line in sensitivity_tables.shares_table().splitlines() if line.startswith("| ")][1:]
    assert len(lines) == 12
    for line, each in zip(lines, verdicts(), strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
        for variant, cell in zip(VARIANTS, cells, strict=True):
            assert (cell in ("=", "–")) == (variant in each.conclusion.blind)
        assert cells[0] == f"{100 * each.share:.0f}"
    for reason in {reason for each in verdicts() for reason in each.conclusion.blind.values()}:
        assert reason[1:] in sensitivity_tables.reasons()
    assert sensitivity_tables.sensitivity_table().count("\n| ") == 1 + len(VARIANTS)
    named = {"wires hidden", "Eq. 11", "FP8", "spilled", "no RoPE", "shipped", "slow link", "measured"}
    assert set(VARIANTS) >= {PLAIN, *named}


def test_no_variant_and_no_number_of_query_tokens_turns_a_region_into_all_or_nothing():
    assert {each.holds for name in VARIANTS for each in verdicts(name)} == {REGION, UNJUDGED}
    assert {each.holds for found in sensitivity.by_queries().values() for each in found} == {REGION}


def test_scheduling_is_what_measured_kernels_move_most():
    moves = {
        (each.conclusion.name, name): abs(each.share - before.share)
        for name in VARIANTS
        for each, before in zip(verdicts(name), verdicts(), strict=True)
        if each.holds != UNJUDGED and not sensitivity_tables.loses_points(each, before)
    }
    assert max(moves, key=moves.get) == ("aligns", "measured")


def test_query_tokens_have_a_column_each():
    assert sensitivity_tables.queries_table().count("\n| ") == 1 + 11
    assert sensitivity_tables.acceptance_table().count("\n| ") == 1 + len(sensitivity.ACCEPTANCES)


def test_the_command_gives_regions_boundaries_and_claims():
    found = {row["name"]: row for row in json.loads(CliRunner().invoke(main, ["verdicts", "--json"]).output)}
    assert list(found) == [each.conclusion.name for each in verdicts()]
    row = found["no-longer"]
    assert (row["holds"], row["claims"]) == ("in a region", ["C084"])
    assert row["points"] == verdict_tables.named("no-longer").points
    first = row["boundaries"][0]
    assert (first["axis"], first["place"], first["unit"], first["holds"]) == ("context", "on NVLink", "tokens", "below")
    assert first["value"] == pytest.approx(1826, abs=0.5)
    assert row["grid"]["accelerator"][3] == "b200-paper"
    assert found["computes"]["boundaries"][-1] == first | {"place": "on the B200", "value": None, "holds": "nowhere"}
    assert row["outside"].keys() == {"gpt3-175b", "llama-4-maverick"}
    assert row["sentence"] == sentence("no-longer")
    text = CliRunner().invoke(main, ["verdicts"]).output
    assert all(each.conclusion.statement in text for each in verdicts())


def test_one_page_lists_those_that_hold_most_first():
    lines = [line for line in thesis_tables.conclusions_table().splitlines() if line.startswith("| ")][1:]
    shares = [int(re.search(r"\| (\d+)\s% \|", line)[1]) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert sorted(shares) == sorted(round(100 * each.share) for each in verdicts())
    assert any("Attention is no longer the bottleneck" in line and "on NVLink: below 1,830" in line for line in lines)
