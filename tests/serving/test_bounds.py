"""Eq. 12, the lower bound of TPOT: where it bounds, where it does not, and how it reads beside the printed one.

It holds for a serial sum (overlap=none) with every part on the same device. Two gaps are exact and typed below: it
reads experts that no token reaches, and the as-built book stores tables and vectors that a step does not read.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.evaluate.numbers import value
from analysis.evaluate.quantities import evaluate

from .systems import SYSTEMS, at, form, number, point

ROUNDING = 1e-12  # both sides are sums in floats
names = st.sampled_from(sorted(SYSTEMS))
orders = st.sampled_from(["as_printed", "reordered"])
batches = contexts = st.integers(1, 10**6)
degrees = st.sampled_from([1, 2, 4, 8])


def unread_experts(name, batch):
    """Seconds that the bound spends on experts which no token reaches, 32 accelerators."""
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
def test_tpot_is_never_below_its_bound(name, order, deg_TP, batch, context):
    here = point(name, deg_TP, B=batch, L=context)
    bound = number(form(name, "tpot_bound", order=order), here)
    assert number(form(name, order=order), here) >= (bound - unread_experts(name, batch)) * (1 - ROUNDING)


@given(names, batches, contexts)
def test_tpot_is_never_below_the_weights_as_built_that_it_reads(name, batch, context):
    here = point(name, B=batch, L=context)
    unread = unread_experts(name, batch) + UNREAD_TABLES[name] / 8e12
    assert number(form(name), here) >= (number(form(name, "tpot_bound", "as_built"), here) - unread) * (1 - ROUNDING)


@pytest.mark.parametrize(("name", "holds_from"), [("gpt3", 1), ("llama4", 240), ("r1", 46)])
def test_bound_holds_once_every_expert_is_reached(name, holds_from):
    """A finding: at small batches Eq. 12 is no bound for models with experts, since it reads all of them."""
    sizes = np.arange(1.0, 3000.0)
    holds = value(form(name), point(name, B=sizes, L=1)) >= value(form(name, "tpot_bound"), point(name, B=sizes, L=1))
    assert np.all(holds == (sizes >= holds_from))


def test_bound_follows_overlap():
    here = point("r1", B=4096, L=2048, BW_Int=1e9)
    assert number(form("r1", overlap="comm"), here) >= number(form("r1", "tpot_bound", overlap="comm"), here)


def test_bound_follows_the_expert_device():
    pim = {"accelerator_experts": "pim-paper"}
    here = at("r1", B=512, L=1, **pim).point
    assert number(form("r1", **pim), here) >= number(form("r1", "tpot_bound", **pim), here)


def test_bound_can_leave_activations_out():
    counted, left_out = (
        evaluate("tpot_bound", at("r1", B=1024, L=2048, activation=choice)).value for choice in ("counted", "none")
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
    ours = number(form("r1", "tpot_bound"), here)
    assert ours == pytest.approx(printed - 60 * batch * M_act / (32 * 8e12), rel=1e-12)
