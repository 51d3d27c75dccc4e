"""Numbers that chapters work by hand, worked here by hand again, from the sizes that DeepSeek publishes for R1."""

import pytest
from jinja2.meta import find_undeclared_variables

from analysis.ask.setting import Setting
from analysis.book.head_values import ENVIRONMENT, parsed
from analysis.book.page import template_functions
from analysis.files.whole import ROOT
from analysis.render.digits import digits_of
from analysis.render.figures import thesis_map_told
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate
from tests.systems.calibrated_by_hand import cells

BANDWIDTH, MEMORY = 8e12, 192e9
BLOCKS, MIXED, WIDTH, HEADS, LATENT, ROPE = 61, 58, 7168, 128, 512, 64
EXPERT = 3 * WIDTH * 2048
ATTENTION = WIDTH * (1536 + LATENT + ROPE) + HEADS * (1536 * (128 + ROPE) + LATENT * 256 + 128 * WIDTH)

IN_FLIGHT = 2 * (2 * WIDTH + 1536 + HEADS * (128 + ROPE + 2 * LATENT + 128))
"""Vectors of one token in a block [byte]."""


class Head(dict):
    """The values of a page's head, each worked out when a test asks for it, with what it uses."""

    def __init__(self, page, **notes):
        super().__init__()
        self.names = template_functions({}, notes)
        self.expressions = parsed((ROOT / "book" / f"{page}.md").read_text()).values

    def __missing__(self, name):
        expression = self.expressions[name]
        used = find_undeclared_variables(ENVIRONMENT.parse(f"{{{{ {expression} }}}}")) & {*self.expressions}
        evaluated = ENVIRONMENT.compile_expression(expression, undefined_to_none=False)
        self[name] = evaluated(**self.names, **{each: self[each] for each in used})
        return self[name]


@pytest.mark.parametrize(
    ("held", "places"),
    [
        (202 * 32, ("service fits", "experts double_fits", "argument fits", "thesis requests", "thesis_service full")),
        (202 * 32, ("guidelines requests", "index full")),
        (202, ("thesis each",)),
        (405 * 32, ("serving fits", "experts fits")),
    ],
)
def test_pages_agree_on_how_many_requests_of_r1_fill_the_memory(held, places):
    """Whole ones on each accelerator, at 8K and at 4K: what an accelerator has free over what one of them takes."""
    marked = thesis_map_told.edge(Setting.of(**paper().system("deepseek-v3")), 8192)
    for page, name in map(str.split, places):
        shown = Head(page, thesis_map_batch=marked["batch"])[name]
        assert float(str(shown).replace(",", "")) == held, page


def test_serving():
    page = Head("serving")
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
    assert page["fits"] == 32 * int((MEMORY - weights) / (4096 * token + IN_FLIGHT)) == 32 * 405
    assert page["even"] == pytest.approx(experts / (4096 * token / 32))
    gpt = 2 * 96 * 12288 * 2 * 4096
    assert page["gpt_request"] == gpt
    assert page["gpt_fits"] == 4 * int(page["gpt_free"] / gpt) == 4 * 61


def test_experts():
    page = Head("experts")
    tokens = 4096 * 8 / 256
    assert page["tokens"] == tokens == 128
    work, moved = 2 * tokens * EXPERT, 2 * EXPERT + 2 * 2 * tokens * WIDTH
    assert page["intensity"] == pytest.approx(work / moved)
    assert page["simple"] == 128
    assert f"= {work / moved:.1f}\n" in page["steps"]
    assert page["at_ridge"] == 281.25 * 256 / 8 == 9000
    assert "= 9{,}000\\ " in page["ridge_line"]
    knee = 281.25 * 2 * EXPERT / (2 * EXPERT - 281.25 * 2 * 2 * WIDTH) * 32
    assert page["at_knee"] == pytest.approx(knee) == pytest.approx(9907, abs=0.5)
    assert page["reached"].startswith(f"{100 * (1 - (31 / 32) ** 64):.0f}")
    assert (page["other_ridge"], page["other_tokens"]) == (281.25 * 128, 32)
    assert page["narrow"] == 6 * WIDTH * 2048 / (4 * WIDTH)
    assert (page["eight_bit"], page["eight_bit_plain"]) == (9000, 4500)


def test_memory():
    page = Head("memory")
    assert page["in_experts"] == EXPERT * 256 * MIXED
    assert page["expert_share"].startswith("97.4")
    assert page["token"] == 576 * 61 * 2 == 70272
    assert "= 4{,}718{,}592\\ " in page["old_line"]
    assert 2 * 96 * 128 * 96 * 2 == 4718592
    assert "= 196{,}608\\ " in page["grouped_line"]
    assert 2 * 8 * 128 * 48 * 2 == 196608
    assert page["old_times"] == f"{4718592 / 70272:.1f}"
    assert page["even"] == pytest.approx(671.03e9 * 2 / 70272, rel=1e-4)
    assert page["once"] == int((32 * MEMORY - 2 * page["held"]) / (70272 * 4096) / 32) * 32
    assert (page["split_old"], page["split_latent"]) == (4718592 / 8, 70272)


def test_links():
    page = Head("interconnect")
    token = 8 * WIDTH * 2
    assert page["sent"] == 128 * token == 14680064
    assert page["fast_time"].startswith("16.3")
    assert page["wired"] == 2 * MIXED * token
    assert page["even_context"] == pytest.approx((2 * MIXED * token / 900e9) / (70272 / 8e12))
    assert page["even_slow"] == pytest.approx(9 * page["even_context"])
    assert page["step"] == pytest.approx(page["slow_step"] - 2 * MIXED * 128 * token * (1 / 100e9 - 1 / 900e9))
    assert page["even"] == pytest.approx(2 * MIXED * 128 * token / 5.3215232e-3)
    assert page["hidden"] == pytest.approx(2 * MIXED * 128 * token / 100e9, rel=1e-3)


def test_the_wires_and_the_cache_are_even_at_the_context_that_is_named():
    """By the whole model, at two batches."""
    at = paper().system() | {"L": round(Head("interconnect")["even_context"])}
    for batch in (1024, 4096):
        terms = evaluate("tpot_terms", **at, B=batch).value
        queries = batch / 32 * HEADS * (2 * LATENT + ROPE) * 2 * BLOCKS / BANDWIDTH
        assert terms["dispatch"] + terms["combine"] == pytest.approx(terms["core_attention"] - queries, rel=1e-3)


def test_skew():
    page = Head("skew", skew_strongest=0.8)
    zipf = sum(place**-0.8 for place in range(1, 257))
    assert page["zipf_sum"] == pytest.approx(zipf)
    assert f"{100 / zipf:.3f}" in page["hot_line"]
    assert f"= {256 / zipf:.2f}" in page["hot_line"]
    assert (page["wanted_copies"], page["left_over"]) == (9, pytest.approx(page["alone"] / 9))
    assert page["slot"] == EXPERT * MIXED * 2
    assert "= 5.109\\ " in page["slot_line"]
    free = MEMORY - Head("serving")["weights"]
    request = 8192 * 70272 + IN_FLIGHT
    assert page["served_fits"] == 32 * (free // request)
    assert page["served_copied"] == 32 * ((free - page["slot"]) // request)
    popular = sum(place**-0.8 for place in range(1, 9)) / zipf
    drawn = evaluate("load_imbalance", model="deepseek-v3", n_acc=32, s=0.8, draws="with", placement="contiguous")
    assert drawn.value == pytest.approx(32 * popular), "eight experts of 256 on the first of 32 accelerators"


def test_a_low_ridge_device():
    page = Head("pim")
    assert page["end"] == 256e12 / 8e12 == 32
    assert page["end_plain"] == 32 * 256 / 8 == 1024
    read = 8 * MIXED * 2 * EXPERT * (1 - (1 - 8 / 256) ** 256)
    vectors = 2 * 2 * WIDTH * MIXED * 256 * 8 / 32
    assert page["few_experts"].startswith(f"{1e3 * (read + vectors) / BANDWIDTH:.2f}")
    assert page["few_experts_device"].startswith(f"{1e3 * (read + vectors) / 4 / BANDWIDTH:.2f}")
    saved = 0.75 * (read + vectors) / BANDWIDTH
    assert page["few_gain"] == pytest.approx(page["few_step"] / (page["few_step"] - saved))
    assert page["other_end"] == 32 * 128
    core = 128 * 2 * (2 * LATENT + ROPE) / ((LATENT + ROPE) * 2)
    assert page["attention_latent"] == f"{core:.0f}"
    assert page["old_speed"] == 4
    assert page["longer"] == page["held"] / 1024


def test_ridge():
    page = Head("ridge")
    matrix = WIDTH * 2048
    assert page["matrix"] == 2 * matrix
    assert page["reading"] == pytest.approx(2 * matrix / BANDWIDTH) == pytest.approx(3.670e-6, rel=1e-4)
    assert page["one"] == pytest.approx(2 * matrix / 2.25e15) == pytest.approx(13.05e-9, rel=1e-3)
    assert page["few"] * page["one"] < page["reading"] < page["many"] * page["one"]
    assert (page["equal"], page["old_equal"]) == ("281", "206")
    assert page["tpu_fits"] == "7,200"
    assert pytest.approx(320.42, abs=5e-3) == 2307e12 / 7200e9


def test_attention():
    page = Head("attention")
    assert page["work"] == HEADS * 2 * (2 * LATENT + ROPE) == 278_528
    assert page["row_bytes"] == 2 * (LATENT + ROPE) == 1152
    assert page["per_token"] == "241.8"
    assert "= 234.8" in page["steps"]
    assert (page["group_needed"], page["enough"]) == ("282", "not enough")
    assert page["fp8_per_token"] == "483.6"
    assert page["fewer_per_token"] == "120.9"


def test_reordering():
    page = Head("reordering")
    assert page["paid_once"] == HEADS * LATENT * (128 + 128) * 2 == 33_554_432
    assert page["printed_each"] == HEADS * (128 + ROPE + 128) * 2 == 81_920
    assert page["reordered_each"] == 278_528
    assert page["by_hand_meets"] == "170.7"
    assert pytest.approx(170.67, abs=5e-3) == 33_554_432 / (278_528 - 81_920)
    assert page["saved"] == "120.8"
    assert page["narrow_each"] == HEADS * (2 * 96 + ROPE) * 2 < page["printed_each"]
    assert page["narrow_verdict"] == "less"
    assert float(page["meets_time"]) > 8


def test_argument():
    page = Head("argument")
    assert page["token"] == BLOCKS * (LATENT + ROPE) * 2 == 70_272
    assert page["experts_batch"] == 281.25 * 256 / 8 == 9000
    assert page["r1_memory"].startswith("2.59")
    assert pytest.approx(2.59e12, rel=1e-3) == 9000 * 4096 * 70_272
    assert page["gpt_memory"].startswith("174")
    assert pytest.approx(174e12, rel=1e-3) == 9000 * 4096 * 2 * 96 * 12288 * 2
    assert page["needed"] == "149"
    assert page["room"] / page["token"] == pytest.approx(32 * MEMORY / 9000 / 70_272) == pytest.approx(9715, abs=1)


def test_sparse():
    page = Head("sparse")
    assert (page["row_bytes"], page["key_bytes"]) == ((LATENT + ROPE) * 2, 256) == (1152, 256)
    assert page["picked_bytes"] == 2048 * 1152 == 2_359_296
    assert page["even_at"] == 2048 * 1152 / 256 == 9216
    assert (page["served_row"], page["served_key"]) == (512 + 4 * 4 + 64 * 2, 128 + 4) == (656, 132)
    assert page["served"] == round(2048 * 656 / 132) == 10_178
    scores = 131_072 * 64 * (2 * 128 + 2) / (131_072 * (128 * 2 + 4) + 64 * 128 * 2 + 64 * 2)
    assert f"= {digits_of(scores, 4)}" in page["by_hand_steps"]
    assert (page["fewer_border"], page["drafts_border"]) == (4608, 36_864)


def test_states():
    page = Head("states")
    matrix, inputs = 32 * 128 * 128 * 4, 3 * (2 * 16 * 128 + 32 * 128) * 2
    assert (
        (page["matrix"], page["inputs"], page["state"])
        == (matrix, inputs, matrix + inputs)
        == (2097152, 49152, 2146304)
    )
    assert page["row_bytes"] == 2 * 2 * 256 * 2 == 2048
    assert (page["held_border"], page["even_at"]) == (1048, 2096)
    assert page["half_border"] == 2 * (matrix // 2 + inputs) // 2048 == 1072
    assert page["faster"] == 32000 / 8000
    state = 32 * 128 * 128
    moved = 2 * state * 4 + 2 * (2 * 16 * 128 + 2 * 32 * 128 + 2 * 32)  # queries, keys, values, results, decays, rates
    assert f"= {digits_of(7 * state / moved, 4)}" in page["by_hand_steps"]


def test_shared_caches():
    page = Head("shared_caches")
    assert "= 25.56" in page["kept_line"]
    assert 39 * 8 * 128 * 320 * 2 == 25_559_040
    assert "= 23{,}040" in page["full_line"]
    assert 9 * 4 * 320 * 2 == 23_040
    assert (page["even_at"], page["doubled"]) == (25_559_040 // 23_040, 2 * 25_559_040 // 23_040) == (1109, 2218)
    assert page["mimo_if_all"].startswith("29.2")
    assert pytest.approx(29.2e9, rel=1e-3) == 131_072 * (39 * 8 + 9 * 4) * 320 * 2
    assert (page["borrowers"], page["all_blocks"]) == (34, 40)
    flops, moved = 131_072 * 128 * 2 * (256 + 64 + 256), 131_072 * (512 + 64) * 2 + 128 * (256 + 64 + 256) * 2
    assert f"= {digits_of(flops / moved, 4)}" in page["grouped_steps"]
    assert page["copied"].startswith("2,304")
    assert 2 * 2 * (512 + 64) == 2304
    assert page["divided"].startswith("1,280")
    assert 2 * 2 * (256 + 64) == 1280


def test_today():
    page = Head("today")
    assert page["work"] == 3 * 2048 / 2 == 3072
    assert page["link"] == pytest.approx(732.4e9, rel=1e-4)
    assert page["next_work"] == 3 * 512 / 2 == 768
    experts = 58 * 256 / 32 * 3 * 7168 * 2048 * 2
    assert page["expert_bytes"] == experts == pytest.approx(40.87e9, rel=1e-4)
    assert "= 40.87" in page["read_line"]
    touched = (2048 * 1152 + 131072 * 256 + 1152 + 256) / (131072 * (1152 + 256))
    assert page["phi"] == pytest.approx(touched) == pytest.approx(0.1946, abs=1e-4)
    rest = BLOCKS * (ATTENTION + 64 * (1536 * 128 + WIDTH) + WIDTH * 128) + 3 * (3 * WIDTH * 18432)
    rest += MIXED * (EXPERT + WIDTH * 256) + 2 * 129280 * WIDTH
    assert page["held"] == pytest.approx(2 * rest + experts, rel=1e-4)
    assert page["turn_hand"] == pytest.approx(2 * rest + experts + experts / touched, rel=1e-4)
    assert page["turn_shown"].startswith("287")
    assert page["turn_solved"].startswith("280")
    assert page["pays_hand"] == 2048 * 1152 // (1152 - 256) == 2633
    assert page["ratio_here"] == "2,500"


def test_predict():
    """Llama 3.1 8B on an H200 from four cells of data/calibrations.csv, and from sizes that its maker publishes."""
    page = Head("predict")
    block = 2 * 4096 * (32 + 8) * 128 + 3 * 4096 * 14336
    weights = 2 * (32 * block + 128256 * 4096)
    cache = 32 * 2 * 8 * 128 * 2 * 32 * 4096
    assert (page["block"], page["read"], page["cached"]) == (block, weights, cache)
    products, core = cells("gemm.hopper"), cells("attention.hopper")

    def read(cached: float, row: dict = core, rate: float = 4.8e12) -> float:
        alone = cached / 32 / rate / row["memory_efficiency"]
        return 32 * alone * (1 + row["lost"] / rate / (alone + row["reach"]))

    parts = weights / 4.8e12 / products["memory_efficiency"], read(cache)
    launches = 257 * products["floor"], 32 * core["floor"]
    assert sum(parts + launches) == pytest.approx(page["hand"]) == pytest.approx(9.19e-3, abs=0.01e-3)
    assert page["hand"] < page["step"] < 1.005 * page["hand"]
    assert "= 3.67" in page["weights_line"]
    assert "= 17.18" in page["cache_line"]
    pooled, shared = cells("gemm"), cells("attention")
    other = weights / 5.3e12 / pooled["memory_efficiency"], read(cache, shared, 5.3e12)
    step = sum(other) + 257 * pooled["floor"] + 32 * shared["floor"]
    asked = {"model": "llama-3.1-8b", "accelerator": "mi300x", "B": 32, "L": 4096, "calibration": "published"}
    assert step < evaluate("tpot", **asked).value < 1.005 * step
    four = parts[0] + read(4 * cache) + sum(launches)
    assert page["more_hand"] == pytest.approx(four)
    assert four < evaluate("tpot", **asked | {"accelerator": "h200-sxm5", "B": 128}).value < 1.01 * four
