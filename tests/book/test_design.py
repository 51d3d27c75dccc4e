"""What the page on the machine that a model wants says, worked again by hand and by the whole model."""

from itertools import combinations

import numpy as np
import pytest

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import B, BW_Int, BW_mem, P_acc
from analysis.render.design_words import wanted_machine
from analysis.render.figures.design import parts
from analysis.render.figures.design_distance import notes, ratios, stand
from analysis.systems import system
from analysis.systems.canonical import paper
from analysis.systems.design import designs
from tests.book.test_worked_numbers import ATTENTION, BLOCKS, EXPERT, HEADS, LATENT, MEMORY, MIXED, ROPE, WIDTH, Head

PAGE = {"L": 8192, "slo": 0.05}
NOTES = {f"atlas_{chip}_{name}": 0 for chip in range(3) for name in ("core_attention", "routed_experts", "wires")}
NOTES |= {f"atlas_{chip}_everything_else": 0 for chip in range(3)}


@pytest.fixture(scope="module")
def page():
    return Head("design", design_short=0, design_roomy=0, design_compared=0, **NOTES)


ASKED = [
    *("deepseek-v3", "deepseek-v3.2", "minimax-m3", "deepseek-v4-flash"),
    *("qwen3-next-80b-a3b", "gpt-oss-120b", "llama-4-maverick", "gpt3-175b"),
]


@pytest.fixture(scope="module")
def machines():
    return {model: wanted_machine(**paper().system(model), **PAGE) for model in ASKED}


def test_the_step_by_hand(page):
    """Weights that a token touches: 61 blocks of attention, 3 dense, 8 and a shared expert of 58, router, head; norms
    and biases add less than a thousandth."""
    each = page["each"]
    core = 2 * HEADS * (2 * LATENT + ROPE) * 8192 * BLOCKS
    assert page["core"] == core == 139_183_783_936
    small = BLOCKS * (2 * WIDTH + 1536 + LATENT) + WIDTH + MIXED * 256
    touched = BLOCKS * ATTENTION + 3 * 3 * WIDTH * 18432 + MIXED * (9 * EXPERT + WIDTH * 256) + 129280 * WIDTH
    assert page["weights"] == touched + small
    by_hand = each * (core + 2 * touched)
    assert page["found"].work == pytest.approx(by_hand, rel=1e-9)
    assert f"= {by_hand / 1e12:.2f}\\ " in page["work_line"]
    sent = each * 2 * 8 * WIDTH * 2 * MIXED
    assert page["found"].sent == pytest.approx(sent, rel=1e-12)
    assert f"= {sent / 1e9:.3f}\\ " in page["sent_line"]
    time = 0.05 / (page["found"].waits + 1)
    assert page["found"].time == pytest.approx(time)
    assert page["found"].arithmetic == pytest.approx(by_hand / time, rel=1e-9)
    assert f"= {1e3 * time:.2f}\\ " in page["time_line"]
    assert page["found"].link == pytest.approx(sent / time)
    stored = 2 * (
        BLOCKS * ATTENTION + 9 * WIDTH * 18432 + MIXED * (9 * EXPERT + WIDTH * 256) + 2 * 129280 * WIDTH + small
    )
    cached = each * 8192 * BLOCKS * (LATENT + ROPE) * 2
    assert page["found"].memory == pytest.approx(stored + cached, rel=2e-3)  # vectors between kernels are left
    assert page["found"].memory < MEMORY


def test_put_back_into_the_whole_model_the_step_takes_the_limit_and_rates_are_equally_busy(page):
    found, setting = page["found"], page["found"].design.setting
    point = setting.point | {B: found.batch, P_acc: found.arithmetic, BW_mem: found.bandwidth, BW_Int: found.link}
    assert float(value(system.tpot(setting), point)) == pytest.approx(0.05, rel=1e-9)
    works = {name: sum(part.works[name] for part in parts(found.design)) for name in ("arithmetic", "memory", "link")}
    assert list(works.values()) == pytest.approx([found.time] * 3, rel=1e-9)
    assert sum(part.time for part in parts(found.design)) == pytest.approx(0.05, rel=1e-9)
    core, experts = parts(found.design)[:2]
    assert core.works["arithmetic"] > core.works["memory"]
    assert experts.works["arithmetic"] < experts.works["memory"]


def test_one_per_cent_more_is_worth_the_share_of_a_step_that_waits(page):
    """By the whole model with each rate a per cent higher at the same batch."""
    found, setting = page["found"], page["found"].design.setting
    point = setting.point | {B: found.batch, P_acc: found.arithmetic, BW_mem: found.bandwidth, BW_Int: found.link}
    form = system.tpot(setting)
    for name, rate in {"arithmetic": P_acc, "memory bandwidth": BW_mem, "interconnect": BW_Int}.items():
        gained = 0.05 / float(value(form, point | {rate: 1.0001 * point[rate]})) - 1
        assert found.worth[name] == pytest.approx(1e4 * gained, rel=0.03, abs=0.005), name
    assert found.worth["capacity"] == 0
    assert sum(found.worth.values()) == pytest.approx(1)
    assert max(found.worth, key=found.worth.get) == "interconnect"


def test_accelerators_with_too_little_arithmetic_are_those_that_compute_for_longer_than_they_read():
    """Each FP8 part at its machine's batch: time of arithmetic alone against time of memory alone."""
    designed, _ = designs(
        Setting.of(**{k: v for k, v in paper().system().items() if k not in ("peak", "width")}, **PAGE)
    )
    rows = stand(designed, [paper().accelerator])
    setting = next(each.setting for each in designed if each.setting["peak"] == "fp8")
    short = []
    for id_, every in rows.items():
        if "fp8" not in every:
            continue
        row = datasets.accelerator(id_)
        point = setting.point | {B: every["fp8"].batch, BW_Int: np.inf}
        alone = [
            float(value(system.tpot(setting), point | {P_acc: P, BW_mem: BW}))
            for P, BW in ((row.P_fp8 * 1e12, np.inf), (np.inf, row.BW_mem * 1e9))
        ]
        short += [id_] if alone[0] > alone[1] else []
    found = notes(rows)
    assert found["design_short"] == len(short)
    assert {"h20-sxm", "h200-sxm5"} <= set(short)
    assert "b200-paper" not in short
    shares = {id_: every["fp8"].has["arithmetic"] for id_, every in rows.items() if "fp8" in every}
    assert min(shares, key=shares.get) == "h20-sxm"
    links = ratios(rows, "interconnect", "fp8")
    assert found["design_fast"] == len(links), "all are built beyond balance"
    assert found["design_compared"] - 5 < found["design_roomy"] < found["design_compared"]


def test_what_the_page_says_of_other_models(page, machines):
    assert page["asked"] == list(machines)
    per_byte = {model: each.per_byte for model, each in machines.items()}
    assert max(per_byte, key=per_byte.get) == "deepseek-v4-flash"
    assert min(per_byte, key=per_byte.get) == "gpt3-175b"
    for model in ("deepseek-v3", "gpt-oss-120b", "llama-4-maverick", "gpt3-175b"):
        assert 0.35 < machines[model].seconds / 0.05 < 0.5, model
    for model in ("deepseek-v3.2", "minimax-m3"):
        assert machines[model].seconds / 0.05 > 0.7
    assert machines["qwen3-next-80b-a3b"].seconds / 0.05 < 0.35
    for one, other in combinations(machines.values(), 2):
        assert any(abs(a / b - 1) > 0.05 for a, b in ((one.per_byte, other.per_byte), (one.seconds, other.seconds)))


def test_the_problems(page, machines):
    found = page["found"]
    assert page["narrow"].batch == pytest.approx(found.batch)
    assert page["narrow"].link == pytest.approx(found.link)
    assert page["narrow"].per_byte == pytest.approx(2 * found.per_byte)
    assert page["narrow"].memory == pytest.approx(found.memory / 2)
    hidden = page["hidden"]
    assert hidden.time == pytest.approx(0.05 / hidden.waits)
    assert page["hidden_gain"] == "2.4"
    picks, chip = machines["deepseek-v3.2"], datasets.accelerator("b200-paper")
    assert picks.memory > chip.M_cap * 1e9
    assert picks.link < 900e9 / 4
    assert picks.arithmetic == pytest.approx(found.arithmetic, rel=0.05)
