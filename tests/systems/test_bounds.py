"""The lower bound of TPOT in every system; Eq. 12: where it bounds, where not, and how it reads beside the printed one.

Eq. 12 holds for a serial sum (overlap=none) with every part on the same device. Two gaps are exact and typed below: it
reads experts that no token reaches, and the as-built book stores tables and vectors that a step does not read.
"""

import random
from contextlib import suppress
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.systems.grids import check_system
from analysis.systems.quantities import evaluate

from . import longhand
from .systems import SYSTEMS, at, form, number, point

ROUNDING = 1e-12  # both sides are sums in floats
names = st.sampled_from(sorted(SYSTEMS))
orders = st.sampled_from(["as_printed", "reordered"])
batches = contexts = st.integers(1, 10**6)
degrees = st.sampled_from([1, 2, 4, 8])


# -- the lower bound -------------------------------------------------------------------------------
CHOICES = {
    "model": ["deepseek-v3", "deepseek-v2-lite", "gpt-oss-120b", "mixtral-8x7b", "llama-3.1-8b", "mistral-7b-v0.1"],
    "accelerator": ["b200-sxm", "h100-sxm5", "h20-sxm", "tpu-v5p"],
    "link": ["nvlink5-b200", "ib-xdr"],
    "n_acc": [1, 8, 16, 64],
    "deg_TP": [1, 1, 2, 4],
    "deg_EP": [None, 1, 2, 8],
    "phase": ["decode", "decode", "decode", "prefill"],
    "l": [None, None, 2, 5],
    "acceptance": [0, 0.6],
    "order": [None, "as_printed", "reordered"],
    "grouping": ["fused", "spilled", "layered"],
    "rope": ["in", "out"],
    "rope_key": ["per_head", "shared"],
    "windows": ["row", "full"],
    "overlap": ["none", "comm"],
    "calibration": [None, None, "published"],
    "accelerator_experts": [None, None, "pim-paper"],
    "group": [None, 8],
    "alpha": [0, 3e-6],
    "s": [0, 0, 0.7],
    "weights": ["as_built", "eq11", "once"],
    "activation": ["counted", "none"],
}


def random_systems(seed, size, **more):
    """Systems drawn from all choices, each over `size` batches, contexts and widths; those that can be built."""
    draw, numbers = random.Random(seed), np.random.default_rng(seed)
    while True:
        chosen = {name: draw.choice(values) for name, values in CHOICES.items()}
        chosen["link_between"] = "ib-xdr" if chosen["group"] else None
        sizes = {name: np.rint(2 ** numbers.uniform(0, 18, size)) for name in ("B", "L")}
        sizes |= {f"width_{kind}": numbers.choice([0.5, 1, 2, 4], size) for kind in ("weights", "kv", "activations")}
        with suppress(InputError):
            setting = Setting.of(**chosen | sizes | more)
            check_system(setting)
            yield setting


def test_the_lower_bound_is_one_in_every_system():
    """Dense or with experts, at any batch, under every convention: thousands of points of random systems."""
    tight = []
    for setting in islice(random_systems(12, 2000), 10):
        low, full = (np.broadcast_to(evaluate(name, setting).value, 2000) for name in ("tpot_bound", "tpot"))
        assert np.all((low > 0) & (low <= full * (1 + ROUNDING))), setting.given
        tight.append(np.mean(low > 0.9 * full))
    assert np.mean(tight) > 0.03, "a bound that is never near says nothing"


@pytest.mark.parametrize(("name", "deg_DP"), [("r1", 32), ("llama4", 4), ("gpt3", 4)])
def test_the_lower_bound_by_hand(name, deg_DP):
    """Elements of two bytes that an accelerator reads or appends; activations cross memory too and are left out."""
    B, L = longhand.REQUESTS, longhand.CONTEXT
    here, rows = B // deg_DP, L + 1
    r1_experts, r1_expert = 8 * (1 - (248 / 256) ** B), 3 * 7168 * 2048
    maverick_experts, maverick = 4 * (1 - (127 / 128) ** B), 3 * 5120 * 8192
    elements = {
        "r1": 61 * (R1_ATTENTION + here * rows * 576)
        + 3 * 3 * 7168 * 18432
        + 58 * (r1_experts * r1_expert + r1_expert + 7168 * 256)
        + 7168 * 129280,
        "llama4": 48 * (5120 * (640 + 128 + 128 + 640) + here * rows * 2 * 128)
        + 24 * 3 * 5120 * 2048
        + 24 * (maverick_experts * maverick + 3 * 5120 * 1024 + 5120 * 128)
        + 5120 * 202048 / 8,
        "gpt3": 96 * (4 * 12288 * 1536 + here * rows * 2 * 12 * 128 + 2 * 12288 * 6144) + 12288 * 50257 / 8,
    }[name]
    wires = sum(getattr(longhand, name)()[each] for each in ("dispatch", "combine", "all_reduce"))
    found = evaluate("tpot_bound", at(name, B=B, L=L)).value
    assert found == pytest.approx(2 * elements / 8e12 + wires, rel=1e-12)


def test_no_batch_in_time_is_above_what_the_lower_bound_admits():
    for setting in islice(random_systems(7, 8, B=None, slo=np.geomspace(1e-3, 10, 8)), 4):
        answer = evaluate("B_SLO", setting)
        assert np.all(answer.value <= answer.beside["at most, by the lower bound of TPOT"]), setting.given


# -- Eq. 12 ----------------------------------------------------------------------------------------
def unread_experts(name, batch):
    """Seconds that Eq. 12 spends on experts which no token reaches, 32 accelerators."""
    n_moe, n_e, n_k, elements = {
        "gpt3": (0, 1, 1, 0),
        "llama4": (24, 128, 1, 3 * 5120 * 8192),
        "r1": (58, 256, 8, 3 * 7168 * 2048),
    }[name]
    return n_moe * n_e / 32 * (1 - n_k / n_e) ** batch * elements * 2 / 8e12


UNREAD_TABLES = {  # bytes of one accelerator: embedding or positions, norms and biases
    "gpt3": 2 * (2048 * 12288 + 2 * 12288 + 96 * (6 * 12288 + 9 * 12288 / 8 + (49152 - 12288) / 8)),
    "llama4": 2 * (202048 * 5120 / 8 + 5120 + 48 * 2 * 5120),
    "r1": 2 * (129280 * 7168 + 7168 + 61 * (2 * 7168 + 2048) + 58 * 256),
}


@given(names, orders, degrees, batches, contexts)
def test_tpot_is_never_below_eq12_without_unread_experts(name, order, deg_TP, batch, context):
    here = point(name, deg_TP, B=batch, L=context)
    bound = number(form(name, "tpot_eq12", order=order), here)
    assert number(form(name, order=order), here) >= (bound - unread_experts(name, batch)) * (1 - ROUNDING)


@given(names, batches, contexts)
def test_tpot_is_never_below_the_weights_as_built_that_it_reads(name, batch, context):
    here = point(name, B=batch, L=context)
    unread = unread_experts(name, batch) + UNREAD_TABLES[name] / 8e12
    assert number(form(name), here) >= (number(form(name, "tpot_eq12", "as_built"), here) - unread) * (1 - ROUNDING)


@pytest.mark.parametrize(("name", "holds_from"), [("gpt3", 1), ("llama4", 240), ("r1", 46)])
def test_eq12_bounds_once_every_expert_is_reached(name, holds_from):
    """A finding: at small batches Eq. 12 is no bound for models with experts, since it reads all of them."""
    sizes = np.arange(1.0, 3000.0)
    holds = value(form(name), point(name, B=sizes, L=1)) >= value(form(name, "tpot_eq12"), point(name, B=sizes, L=1))
    assert np.all(holds == (sizes >= holds_from))


def test_eq12_follows_overlap():
    here = point("r1", B=4096, L=2048, BW_Int=1e9)
    assert number(form("r1", overlap="comm"), here) >= number(form("r1", "tpot_eq12", overlap="comm"), here)


def test_eq12_follows_the_expert_device():
    pim = {"accelerator_experts": "pim-paper"}
    here = at("r1", B=512, L=1, **pim).point
    assert number(form("r1", **pim), here) >= number(form("r1", "tpot_eq12", **pim), here)


def test_eq12_can_leave_activations_out():
    counted, left_out = (
        evaluate("tpot_eq12", at("r1", B=1024, L=2048, activation=choice)).value for choice in ("counted", "none")
    )
    assert left_out < counted


# -- as printed ----------------------------------------------------------------------------------
def printed_eq12(M_attn, M_MoE, M_KV, M_act, comm, n_dec, deg_DP, batch, context):
    """Eq. 12 at equality, for a model whose blocks are all alike."""
    delta = batch * (M_KV * context + M_act) / (32 * 8e12) + comm
    return n_dec * ((M_attn * deg_DP + M_MoE) / (32 * 8e12) + delta)


R1_ATTENTION = 7168 * 2112 + 1536 * 128 * 192 + 2 * 512 * 128 * 128 + 128 * 128 * 7168
R1_ACTIVATIONS = 7168 + 1536 + 128 * 192 + 2 * 128 * 512 + 128 * 128 + 7168


@given(batches, contexts)
def test_printed_eq12_reads_activations_in_every_block(batch, context):
    """Ours is Eq. 12 with Eq. 11's memory: M_act once in all, as it is stored; printed, it is read in each block."""
    comm = 2 * (2 * 7168) * 8 * batch / (9e11 * 32)
    M_act = 2 * R1_ACTIVATIONS
    printed = printed_eq12(2 * R1_ATTENTION, 2 * 256 * 3 * 7168 * 2048, 2 * 576, M_act, comm, 61, 32, batch, context)
    here = point("r1", B=batch, L=context, n_moe=61)
    ours = number(form("r1", "tpot_eq12"), here)
    assert ours == pytest.approx(printed - 60 * batch * M_act / (32 * 8e12), rel=1e-12)
