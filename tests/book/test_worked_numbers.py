"""Numbers that chapters work by hand, worked here by hand again, from the sizes that DeepSeek publishes for R1."""

from functools import cache

import pytest
from jinja2.meta import find_undeclared_variables

from analysis.book.head_values import ENVIRONMENT, parsed
from analysis.book.page import template_functions
from analysis.files.whole import ROOT

BANDWIDTH, MEMORY = 8e12, 192e9
BLOCKS, MIXED, WIDTH, HEADS, LATENT, ROPE = 61, 58, 7168, 128, 512, 64
EXPERT = 3 * WIDTH * 2048
ATTENTION = WIDTH * (1536 + LATENT + ROPE) + HEADS * (1536 * (128 + ROPE) + LATENT * 256 + 128 * WIDTH)


@cache
def head(page):
    """The values of a page's head that need no notebook."""
    names = {name: each for name, each in template_functions({}, {}).items() if name != "notes"}
    found = {}
    for name, expression in parsed((ROOT / "book" / f"{page}.md").read_text()).values.items():
        needed = find_undeclared_variables(ENVIRONMENT.parse(f"{{{{ {expression} }}}}"))
        if needed <= {*names, *found, *ENVIRONMENT.globals}:
            found[name] = ENVIRONMENT.compile_expression(expression)(**names, **found)
    return found


def test_serving():
    page = head("serving")
    token = BLOCKS * (LATENT + ROPE) * 2
    assert "= 36.84\\ " in page["cache_line"]
    assert page["cached"] == 128 * 4096 * token == pytest.approx(36.84e9, rel=1e-4)
    assert page["cache_time"].startswith("4.61")
    assert 128 * 4096 * token / BANDWIDTH == pytest.approx(4.61e-3, abs=5e-6)
    queries = 128 * HEADS * (2 * LATENT + ROPE) * 2 * BLOCKS
    assert page["terms"]["core_attention"] == pytest.approx((128 * 4096 * token + queries) / BANDWIDTH)
    experts, vectors = 8 * MIXED * EXPERT * 2, 4096 * 8 / 32 * 2 * WIDTH * 2 * MIXED
    assert page["experts_bytes"] == experts
    assert page["terms"]["routed_experts"] == pytest.approx((experts + vectors) / BANDWIDTH)
    small = BLOCKS * (2 * WIDTH + 1536 + LATENT) + WIDTH + MIXED * 256
    rest = 3 * (3 * WIDTH * 18432) + MIXED * (EXPERT + WIDTH * 256) + 2 * 129280 * WIDTH + small
    weights = 2 * (BLOCKS * ATTENTION + rest) + experts
    assert page["weights"] == weights
    assert "= 406.1" in page["fit_line"]
    assert (MEMORY - weights) / (4096 * token) == pytest.approx(406.1, abs=0.05)
    assert page["fits"] == 32 * 405
    assert page["even"] == pytest.approx(experts / (4096 * token / 32))
    gpt = 2 * 96 * 12288 * 2 * 4096
    assert page["gpt_request"] == gpt
    assert page["gpt_fits"] == 4 * int(page["gpt_free"] / gpt) == 4 * 61
