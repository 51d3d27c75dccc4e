"""The page that serves R1 step by step: each of its numbers worked again by hand, from published sizes alone."""

import json
import re
import shlex

import pytest
from jinja2.meta import find_undeclared_variables

from analysis.book.head_values import ENVIRONMENT, parsed
from analysis.book.page import template_functions
from analysis.cli.main import run
from analysis.files.whole import ROOT

TEXT = (ROOT / "book" / "service.md").read_text()
BANDWIDTH, MEMORY, FAST, SLOW, RIDGE = 8e12, 192e9, 900e9, 100e9, 281.25
BLOCKS, MIXED, WIDTH, HEADS, LATENT, ROPE, CONTEXT = 61, 58, 7168, 128, 512, 64, 8192
EXPERT = 3 * WIDTH * 2048
TOKEN = BLOCKS * (LATENT + ROPE) * 2
EXPERTS = 8 * MIXED * EXPERT * 2


@pytest.fixture(scope="module")
def page():
    """The values of the page's head that need no notebook."""
    names = {name: each for name, each in template_functions({}, {}).items() if name != "notes"}
    found = {}
    for name, expression in parsed(TEXT).values.items():
        if find_undeclared_variables(ENVIRONMENT.parse(f"{{{{ {expression} }}}}")) <= {*names, *found}:
            found[name] = ENVIRONMENT.compile_expression(expression)(**names, **found)
    return found


def printed(page, line, result):
    """A line worked by hand ends in a result."""
    assert re.split(r"\s|\\|\$", page[line].partition("= ")[2])[0].replace("{,}", "") == result


def test_weights_and_batch(page):
    assert page["experts_bytes"] == EXPERTS == pytest.approx(40.87e9, rel=1e-3)
    attention = WIDTH * (1536 + LATENT + ROPE) + HEADS * (1536 * (128 + ROPE) + LATENT * 256 + 128 * WIDTH)
    vectors = BLOCKS * (2 * WIDTH + 1536 + LATENT) + WIDTH + MIXED * 256
    rest = BLOCKS * attention + 3 * 3 * WIDTH * 18432 + MIXED * (EXPERT + WIDTH * 256) + 2 * 129280 * WIDTH + vectors
    assert page["weights"] == EXPERTS + 2 * rest
    printed(page, "weights_line", "75.1")
    printed(page, "fit_line", "203.1")
    assert (MEMORY - EXPERTS - 2 * rest) / (CONTEXT * TOKEN) == pytest.approx(203.1, abs=0.05)
    assert (page["each"], page["fits"]) == (202, 32 * 202)
    assert page["narrow_weights"].startswith("54.7")
    assert EXPERTS / 2 + 2 * rest == pytest.approx(54.7e9, rel=1e-3)


def test_the_step(page):
    printed(page, "cache_line", "116.3")
    queries = 202 * HEADS * (2 * LATENT + ROPE) * 2 * BLOCKS
    assert page["terms"]["core_attention"] == pytest.approx((202 * CONTEXT * TOKEN + queries) / BANDWIDTH)
    assert page["terms"]["routed_experts"] == pytest.approx((EXPERTS + 202 * 8 * 2 * WIDTH * 2 * MIXED) / BANDWIDTH)
    printed(page, "wire_line", "2.687")
    assert page["wires"] == pytest.approx(202 * 8 * WIDTH * 2 * MIXED * 2 / FAST)
    assert page["step"] == pytest.approx(sum(page["terms"].values()))
    assert page["even"] == pytest.approx(EXPERTS / (CONTEXT * TOKEN) * 32)


def test_the_rate_and_the_price(page):
    printed(page, "rate_line", "229000")
    assert 32 * 202 / page["step"] == pytest.approx(229e3, rel=2e-3)
    printed(page, "cost_line", "0.117")
    assert page["cost"] == pytest.approx(3 * 32 / (page["rate"] * 3600 / 1e6))
    assert page["fair_price"] == pytest.approx(3 * page["cost"] / page["cost_apart"])
    assert page["gpt_more"] == pytest.approx(page["gpt_cost"] / page["cost"])


def test_links_and_skew(page):
    printed(page, "apart_line", "2.016")
    waiting = 202 * 6 * WIDTH * 2 * MIXED * 2 / SLOW
    assert page["apart_wires"].startswith("20.2")
    assert page["apart_step"] == pytest.approx(page["work"] + waiting)
    tenth = 9 * 202 * 8 * WIDTH * 2 * MIXED * 2 / page["work"]
    assert page["tenth"].startswith(f"{tenth / 1e9:.0f}")
    tokens = page["gamma"] * 202
    assert tokens > RIDGE
    busiest = MIXED * 8 * 2 * EXPERT * tokens / 2.25e15
    wires = page["gamma"] * page["wires"]
    others = page["work"] - page["terms"]["routed_experts"]
    assert page["uneven_step"] == pytest.approx(others + busiest + wires, rel=1e-3)


def test_limit_and_drafts(page):
    """The time of a smaller batch: weights once, the rest in proportion to the requests."""
    assert page["within_rate"] == pytest.approx(page["within"] / 0.020, rel=1e-3)
    assert page["strict_rate"] == pytest.approx(page["strict_fits"] / 0.015, rel=1e-3)
    printed(page, "gained_line", "1.8")
    core = 2 * 202 * CONTEXT * HEADS * 2 * (2 * LATENT + ROPE) * BLOCKS / 2.25e15  # twice the queries compute
    experts = 2 * 202 * 8 * MIXED * 2 * EXPERT / 2.25e15
    assert core > 202 * CONTEXT * TOKEN / BANDWIDTH
    assert experts > EXPERTS / BANDWIDTH
    more = core + experts - page["terms"]["core_attention"] - page["terms"]["routed_experts"] + page["wires"]
    assert more < page["drafted_tpot"] * 1.8 - page["step"] < 1.15 * more  # projections take the rest
    assert page["drafted_even"].startswith("60")


def test_a_small_model(page):
    """GLM-4.7-Flash keeps R1's row in each of 47 blocks."""
    assert page["small_request"] == 47 * (LATENT + ROPE) * 2 * CONTEXT
    assert page["small_free"] / page["small_request"] == pytest.approx(
        float(page["small_line"].split("= ")[1][:5]), 1e-3
    )
    assert page["small_fits"] // 8 == int(page["small_free"] / page["small_request"])
    assert page["small_cache"].startswith(f"{100 * 47 / 61:.0f}")
    assert page["cost"] / page["small_cost"] == pytest.approx(float(page["small_times"]), rel=0.03)


def test_newer_models(page):
    """DeepSeek-V3.2 keeps a key of 128 elements beside R1's row; Qwen3.5 keeps states of 32 bits in 45 of 60 blocks."""
    row, key = (LATENT + ROPE) * 2, 128 * 2
    printed(page, "sparse_line", "4.46")
    assert page["picked_bytes"] + page["index_bytes"] == 2048 * row + CONTEXT * key
    assert page["touched"].startswith(f"{100 * (2048 * row + CONTEXT * key) / (CONTEXT * (row + key)):.0f}")
    assert page["index_even"] == 2048 * row / key
    assert page["sparse_request"].startswith(f"{BLOCKS * (row + key) * CONTEXT / 1e6:.0f}")
    grows = 15 * 2 * 2 * 256 * 2 * CONTEXT
    stays = 45 * (64 * 128 * 128 * 4 + 3 * (2 * 16 + 64) * 128 * 2)
    assert page["states_full"] == 15
    assert page["states_request"].startswith(f"{(grows + stays) / 1e6:.0f}")


def test_the_printed_commands_give_the_pages_numbers(page, capsys):
    commands = [shlex.split(line)[3:] for line in re.findall(r"^python -m analysis evaluate .*$", TEXT, re.M)]
    found = []
    for arguments in commands:
        assert run([*arguments, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["value"])
    fits, terms, within, cost = found
    assert (fits, within) == (page["fits"], page["within"])
    assert {name: time for name, time in terms.items() if time} == pytest.approx(dict(page["terms"]))
    assert cost == pytest.approx(page["cost"])
