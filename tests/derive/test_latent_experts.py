"""Experts of two matrices, and experts on a latent of their own: counts by hand, values against one plain layer."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer

from analysis.derive import decoder, serving
from analysis.derive.block import Architecture, feedforward_stages
from analysis.derive.einsum import Kernel
from analysis.derive.feedforward import LATENT, PLAIN_FFN, routed_experts
from analysis.derive.symbols import B, T_e, d_emb, d_MoE, d_shared, d_z, l, n_act, n_e
from analysis.measure.execute import execute

from .small import few, points


def test_two_matrices_cost_four_operations_a_weight_pair_and_token():
    """Plain experts: up and down, 4 d_emb d_MoE FLOPs per token; gated ones 6."""
    plain, gated = (Kernel("routed", routed_experts(False, form=form)).flops for form in ("plain", "gated"))
    assert plain == 4 * n_act * T_e * d_emb * d_MoE
    assert gated == 6 * n_act * T_e * d_emb * d_MoE


def test_latent_experts_leave_the_embedding_to_two_projections():
    """Weights, FLOPs and wires by hand: experts and their tokens have d_z, router and shared experts d_emb."""
    built = Architecture("MLA", experts=True, shared=True, latent=True, expert_form="plain")
    weights = decoder.feedforward_parameters(built)
    assert weights["routed"] == 2 * n_e * d_z * d_MoE
    assert weights["latent"] == 2 * d_emb * d_z
    assert weights["router"] == d_emb * n_e
    assert weights["shared"] == 2 * d_emb * d_shared
    (projections,) = feedforward_stages(built)["latent"]
    assert projections.flops == 4 * B * l * d_emb * d_z
    apart = [serving.tpot_terms(each)["dispatch"] for each in (built, replace(built, latent=False))]
    assert apart[0] == apart[1].xreplace({d_emb: d_z}) != apart[1]
    routers = [serving.tpot_terms(each)["router"] for each in (built, replace(built, latent=False))]
    assert routers[0] != routers[1]


@few
@given(points(high=3), st.integers(0, 2**32 - 1))
def test_latent_experts_are_experts_whose_matrices_are_products(sizes, seed):
    """One expert for every token: into, up, down and back are one plain layer of two joined matrices."""
    sizes = sizes | {n_act: Integer(1), T_e: sizes[B] * sizes[l]}
    rng = np.random.default_rng(seed)
    emb, z, hidden = (int(sizes[axis]) for axis in (d_emb, d_z, d_MoE))
    x = rng.standard_normal((int(sizes[B]), int(sizes[l]), emb))
    into, back = rng.standard_normal((emb, z)), rng.standard_normal((z, emb))
    up, down = rng.standard_normal((z, hidden)), rng.standard_normal((hidden, z))
    first, last = LATENT
    at_experts = execute([first], {"x": x, "W_into": into})["z"].reshape(1, -1, z)
    made = execute(
        routed_experts(False, form="plain", latent=True), {"x": at_experts, "W_up": up[None], "W_down": down[None]}
    )
    y = execute([last], {"s": made["y"].reshape(*x.shape[:2], z), "W_back": back})["y"]
    joined = execute(PLAIN_FFN, {"x": x, "W_up": into @ up, "W_down": down @ back})["y"]
    np.testing.assert_allclose(y, joined, rtol=1e-9, atol=1e-9)
