"""Numbers that chapters work by hand, worked here by hand again, from the sizes that DeepSeek publishes for R1."""

from functools import cache

import pytest
from jinja2.meta import find_undeclared_variables

from analysis.book.head_values import ENVIRONMENT, parsed
from analysis.book.page import template_functions
from analysis.files.whole import ROOT
from analysis.systems.quantities import evaluate
from tests.systems.calibrated_by_hand import cells

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


def test_predict():
    """Llama 3.1 8B on an H200 from four cells of data/calibrations.csv, and from sizes that its maker publishes."""
    page = head("predict")
    block = 2 * 4096 * (32 + 8) * 128 + 3 * 4096 * 14336
    weights = 2 * (32 * block + 128256 * 4096)
    cache = 32 * 2 * 8 * 128 * 2 * 32 * 4096
    assert (page["block"], page["read"], page["cached"]) == (block, weights, cache)
    products, core = cells("gemm.hopper"), cells("attention")
    parts = weights / 4.8e12 / products["memory_efficiency"], cache / 4.8e12 / core["memory_efficiency"]
    launches = 257 * products["floor"], 32 * core["floor"]
    assert sum(parts + launches) == pytest.approx(page["hand"]) == pytest.approx(9.15e-3, abs=0.01e-3)
    assert page["hand"] < page["step"] < 1.005 * page["hand"]
    assert "= 3.67" in page["weights_line"]
    assert "= 17.18" in page["cache_line"]
    pooled = cells("gemm")
    other = weights / 5.3e12 / pooled["memory_efficiency"], cache / 5.3e12 / core["memory_efficiency"]
    step = sum(other) + 257 * pooled["floor"] + 32 * core["floor"]
    asked = {"model": "llama-3.1-8b", "accelerator": "mi300x", "B": 32, "L": 4096, "calibration": "published"}
    assert step < evaluate("tpot", **asked).value < 1.005 * step
    four = parts[0] + 4 * parts[1] + sum(launches)
    assert page["more_hand"] == pytest.approx(four)
    assert four < evaluate("tpot", **asked | {"accelerator": "h200-sxm5", "B": 128}).value < 1.01 * four
