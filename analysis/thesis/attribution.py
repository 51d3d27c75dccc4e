"""Proposition (f) in numbers: the interaction of latent attention and experts, and where it or an effect flips."""

import numpy as np
from sympy import Expr

from analysis.ask.degrees import divides_heads, divisors
from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.attention import MHA, MLA
from analysis.derive.decoder import feedforward_parameters
from analysis.derive.statements import proof_of_attribution as proofs
from analysis.derive.statements.proof_of_attention import context_of_batch
from analysis.derive.symbols import L, M_cap, N_MoE, deg_DP, deg_TP
from analysis.thesis.factorial import built, points, served, widths
from analysis.thesis.full import first_root

CONTEXTS = np.geomspace(2.0**6, 2.0**20, 15)  # between which flips are sought [tokens]


def _at_dense(setting: Setting, held: str, form: Expr, more: dict | None = None) -> float:
    """A form of the proof where N_MoE is the dense layer that holds as much as the experts (or as a token touches)."""
    point = widths(setting, held)
    elements = feedforward_parameters(built(MHA.name, "dense", setting.architecture)[0])["dense"]
    return float(value(form, point | {N_MoE: float(value(elements, point))} | (more or {})))


def interaction(setting: Setting, held: str, rates=None) -> float:
    """Interaction [1] in the whole model: throughput of both over what each alone would multiply to; nan if none fits.

    `rates` are symbols' values put for the system's.
    """
    rate = {
        (attention, kind): served(setting, attention, kind, held, rates=rates).per_accelerator
        for attention in (MHA.name, MLA.name)
        for kind in ("dense", "experts")
    }
    alone = rate[MLA.name, "dense"] * rate[MHA.name, "experts"]
    return rate[MLA.name, "experts"] * rate[MHA.name, "dense"] / alone if alone else np.nan


def reading_interaction(setting: Setting, held: str, rates: dict | None = None) -> float:
    """The proof's interaction [1] at the best degree that divides the accelerators, while all waits for memory.

    `rates` as in `interaction`.
    """
    able = [TP for TP in divisors(int(setting["n_acc"])) if divides_heads(TP, setting.model.n_hd)]
    found = [_at_dense(setting, held, proofs.interaction_at(deg_TP), {deg_TP: TP} | (rates or {})) for TP in able]
    return min((each for each in found if each > 0), default=np.nan)


def best_degree(setting: Setting, held: str) -> float:
    """Tensor-parallel degree at which the dense model of latent attention reads fastest, not rounded [1]."""
    return _at_dense(setting, held, proofs.best_degree())


def even_capacity(setting: Setting, held: str) -> float:
    """Memory of an accelerator [byte] that holds the dense layers twice.

    By the proof no latent cache is kept twice from there on, but the interaction is 2 - 1/n_acc there; it falls to 1,
    where effects would multiply, in no finite memory.
    """
    return _at_dense(setting, held, proofs.even_capacity())


def context_of_interaction(setting: Setting, held: str) -> float | None:
    """Context [tokens] beyond which both together give more than the product of each alone; None if it never flips."""
    return first_root(lambda x: interaction(setting, held, {L: x}) - 1, CONTEXTS)


def context_of_experts(setting: Setting) -> float:
    """Context [tokens] below which the dense layer of the multi-head model computes, so that experts alone gain.

    One tensor-parallel group of as many accelerators as divide the heads; weights as built.
    """
    point = list(points(setting, "total").values())[-1]
    blocks, conventions = built(MHA.name, "dense", setting.architecture)
    return float(value(context_of_batch(blocks, conventions, proofs.computing_batch() * deg_DP), point))


def effect_of_latent(setting: Setting, held: str, rates=None) -> float:
    """Throughput with latent over that with multi-head attention, both with a dense layer [1]; nan if one fits not."""
    rate = {kind: served(setting, kind, "dense", held, rates=rates).per_accelerator for kind in (MHA.name, MLA.name)}
    return rate[MLA.name] / rate[MHA.name] if rate[MHA.name] else np.nan


def cancelling_capacity(setting: Setting) -> tuple[float, float | None]:
    """Memory of an accelerator [byte] below which latent attention alone loses: the proof's, and in the whole model."""
    closed = _at_dense(setting, "total", proofs.cancelling_capacity())
    memories = np.geomspace(closed / 8, closed * 8, 25)
    return closed, first_root(lambda x: effect_of_latent(setting, "total", {M_cap: x}) - 1, memories)
