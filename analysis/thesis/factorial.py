"""Proposition (f): {MHA, GQA, MLA} x {dense, experts} at fixed widths and blocks, so that each effect is separable.

A reference model of latent attention with experts gives widths, heads, blocks and vocabulary. MHA and GQA take its
head dimension (that of its values where it has two); the dense model's FFN holds as many parameters as all experts of a
block, or as those that a token touches. Each of the six is served at the best tensor-parallel degree and B_cap on the
same accelerators.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd

import numpy as np
from sympy import Expr, Symbol

from analysis.ask.degrees import divides, divides_heads, divisors
from analysis.ask.numbers import value, values
from analysis.ask.setting import Setting
from analysis.derive import capacity, serving
from analysis.derive.attention import GQA, MHA, MLA
from analysis.derive.block import Architecture, Conventions
from analysis.derive.decoder import feedforward_parameters
from analysis.derive.symbols import B, d_FFN, d_hd, deg_DP, deg_EP, deg_grp, deg_TP, n_acc, n_dec, n_k, n_kv, n_moe
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.timing import timing
from analysis.thesis.full import total

ATTENTIONS, FEED_FORWARDS, HELD = (MHA.name, GQA.name, MLA.name), ("dense", "experts"), ("total", "active")


@dataclass(frozen=True)
class Cell:
    """One of the six models: what it is, its best degree, batch, tokens/s and accelerator, core attention's share."""

    attention: str
    feed_forward: str
    held: str
    deg_TP: int | None
    batch: float
    per_accelerator: float
    core_share: float


def built(
    attention: str, feed_forward: str, reference: Architecture, conventions: Conventions = Conventions()
) -> tuple[Architecture, Conventions]:
    """What the blocks of a cell are made of, and the conventions with the contraction order that serves it best."""
    experts = feed_forward == "experts"
    blocks = Architecture(attention, "gated", not experts, experts, experts and reference.shared, reference.tied)
    return blocks, replace(conventions, order=blocks.mechanism.order_of("decode"))


def kv_heads(setting: Setting) -> int:
    """Key-value heads of the GQA models [1]: 8, or as many of them as divide the query heads."""
    return gcd(8, setting.model.n_hd)


def widths(setting: Setting, held: str, groups: int | None = None) -> dict[Symbol, object]:
    """The reference's point with the sizes that the factorial fixes; every block carries the same feed-forward."""
    groups = groups or kv_heads(setting)
    row = setting.model
    point = dict(setting.point) | {n_kv: float(groups), deg_grp: row.n_hd / groups, d_hd: row.d_hd or row.d_v}
    point[n_moe] = point[n_dec]  # a model without experts has no use for it
    experts = built(MHA.name, "experts", setting.architecture)[0]
    parts = feedforward_parameters(experts) if held == "total" else feedforward_parameters(experts, n_k)
    elements = float(value(sum(parts.values()), point))
    per_width = float(value(feedforward_parameters(built(MHA.name, "dense", experts)[0])["dense"] / d_FFN, point))
    return point | {d_FFN: elements / per_width}


_cap = lru_cache(maxsize=32)(capacity.B_cap)


def forms(setting: Setting, attention: str, feed_forward: str) -> tuple[dict[str, Expr], Expr]:
    """Terms of TPOT [s] and B_cap [requests] of a cell, under the setting's conventions, overlap and timing."""
    made, kept = built(attention, feed_forward, setting.architecture, setting.conventions), system.book(setting)
    terms = serving.tpot_terms(*made, system.system(setting), timing(setting))
    return terms, _cap(*made, kept.weights, kept.activations)


def points(setting: Setting, held: str, groups: int | None = None) -> dict[int, dict]:
    """The point of a model, with experts or without, at each degree that divides accelerators and heads."""
    base, count = widths(setting, held, groups), int(setting["n_acc"])
    able = [TP for TP in divisors(count) if divides_heads(TP, setting.model.n_hd)]
    return {TP: base | {deg_TP: TP, deg_DP: count // TP, deg_EP: count} for TP in able}


def served(
    setting: Setting, attention: str, feed_forward: str, held: str, groups: int | None = None, rates=None
) -> Cell:
    """One of the six models at the degree and batch that serve most; `rates` are symbols' values put for the system's.

    A cell without a degree, batch and throughput where no degree leaves room for a request per group.
    """
    (terms_of, cap), found = forms(setting, attention, feed_forward), []
    for TP, point in points(setting, held, groups).items():
        point |= rates or {}
        batch = float(value(cap, point))
        if batch >= point[deg_DP]:
            terms = {name: float(time) for name, time in values(terms_of, point | {B: batch}).items()}
            time = float(total(terms, setting["overlap"]))
            numbers = (TP, batch, batch / time / float(point[n_acc]), terms["core_attention"] / time)
            found.append(Cell(attention, feed_forward, held, *numbers))
    nothing = Cell(attention, feed_forward, held, None, 0.0, 0.0, np.nan)
    return max(found, key=lambda cell: cell.per_accelerator, default=nothing)


def most_served(setting: Setting, attention: str, feed_forward: str, held: str, rates: dict) -> np.ndarray:
    """Tokens/s and accelerator of one of the six models at its best degree [token/s], 0 where it fits at none.

    `rates` are symbols' values put for the system's, over arrays that broadcast.
    """
    terms_of, cap = forms(setting, attention, feed_forward)
    found = []
    for point in (each | rates for each in points(setting, held).values()):
        batch = value(cap, point)
        batch = np.where(batch >= point[deg_DP], batch, np.nan)
        terms = values(terms_of, point | {B: batch})
        found.append(np.nan_to_num(batch / total(terms, setting["overlap"])))
    return np.max(found, axis=0) / setting.point[n_acc]


def factorial(setting: Setting, groups: int | None = None) -> list[Cell]:
    """The twelve cells: attention x feed-forward x what is held equal. Raises InputError for another reference."""
    if setting.model.attention != MLA.name or not setting.model.n_moe:
        raise InputError(
            f"model={setting.model.id}: the reference of this comparison needs latent attention (MLA) and "
            "routed experts, for example model=deepseek-v3."
        )
    if groups and not divides(groups, setting.model.n_hd):
        raise InputError(
            f"groups={groups}: key-value heads of the GQA models; allowed are divisors of {setting.model.n_hd}."
        )
    return [
        served(setting, attention, feed_forward, held, groups)
        for held in HELD
        for attention in ATTENTIONS
        for feed_forward in FEED_FORWARDS
    ]


def effects(cells: list[Cell], held: str) -> dict[str, float]:
    """Factors on throughput [1] over MHA with a dense FFN: attention alone, experts alone, and their interaction.

    The interaction is what both together give over the product of each alone; nan where a cell does not fit.
    """
    rate = {(c.attention, c.feed_forward): c.per_accelerator or np.nan for c in cells if c.held == held}
    base = rate[MHA.name, "dense"]
    found = {f"{kind} alone": rate[kind, "dense"] / base for kind in ATTENTIONS[1:]}
    found |= {"experts alone": rate[MHA.name, "experts"] / base}
    both = {f"{kind} and experts": rate[kind, "experts"] / base for kind in ATTENTIONS[1:]}
    interaction = {
        f"interaction of {kind} and experts": both[f"{kind} and experts"]
        / found["experts alone"]
        / found[f"{kind} alone"]
        for kind in ATTENTIONS[1:]
    }
    return found | both | interaction
