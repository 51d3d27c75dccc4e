"""Kernels counted step by step: numbers by hand, and every kernel's steps against its own sum."""

import re

import pytest

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import grouped
from analysis.render.counting import in_steps

R1 = {"model": "deepseek-v3", "B": 1, "L": 8192}


def numbers(text: str, ending: str) -> list[int]:
    return [int(found.replace("{,}", "")) for found in re.findall(rf"([\d{{,}}]+) \\;\\text{{{ending}}}", text)]


def test_reordered_latent_attention_by_hand():
    text = in_steps("MLA", "core", "reordered", **R1)
    assert numbers(text, "FLOP") == [128 * 2 * (512 + 64 + 512) * 8192]
    assert numbers(text, "byte") == [2 * (8192 * 576 + 128 * (512 + 64 + 512))]
    assert text.rstrip("`\n").splitlines()[-2].endswith("= 234.8")


def test_an_expert_by_hand():
    text = in_steps("routed", model="deepseek-v3", at={"n_act": 1, "T_e": 256})
    assert numbers(text, "FLOP") == [3 * 2 * 256 * 7168 * 2048]
    assert numbers(text, "byte") == [2 * (3 * 7168 * 2048 + 2 * 256 * 7168)]


def test_each_term_stands_under_its_own_brace_largest_bytes_first():
    text = in_steps("MLA", "core", "reordered", **R1)
    named = re.findall(r"\}_\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}(?: |$)", text, flags=re.M)
    assert named[:3] == [r"q_{C}\,c_{\mathrm{KV}}", r"q_{R}\,k_{R}", r"S\,c_{\mathrm{KV}}"]
    assert named[3:5] == [r"c_{\mathrm{KV}}", r"k_{R}"]


def test_a_mask_that_hides_half_stays_in_sight():
    halved = in_steps("MHA", "core", model="gpt3-175b", B=1, L=1024, phase="prefill", causal=0.5)
    assert numbers(halved, "FLOP") == [2 * 96 * 128 * 1024 * 1024]


MODELS = {"MHA": "gpt3-175b", "GQA": "llama-4-maverick", "MLA": "deepseek-v3", "MLA_direct": "deepseek-v2-lite"}


@pytest.mark.parametrize("name", MODELS)
def test_steps_add_up_to_the_kernel(name):
    model = {"MHA": "gpt3-175b", "GQA": "llama-4-maverick", "MLA": "deepseek-v3", "MLA_direct": "deepseek-v2-lite"}[
        name
    ]
    point = Setting.of(model=model, B=3, L=4096, l=5).point
    for order in MECHANISMS[name].orders:
        for stage, lines in MECHANISMS[name].stages(order).items():
            if not lines:
                continue
            (kernel,) = grouped(stage, lines, "fused")
            text = in_steps(name, stage, order, model=model, B=3, L=4096, l=5)
            assert numbers(text, "FLOP") == [value(kernel.flops, point)]
            assert numbers(text, "byte") == [value(kernel.bytes, point)]
