"""Latent attention and experts, each alone and together, on trial in the whole model at the best of all degrees."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from analysis.derive import capacity, serving
from analysis.derive.attention import MHA, MLA
from analysis.derive.decoder import feedforward_parameters
from analysis.derive.symbols import (
    B,
    BW_Int,
    L,
    M_cap,
    P_acc,
    d_emb,
    d_FFN,
    d_hd,
    d_v,
    deg_DP,
    deg_EP,
    deg_TP,
    n_acc,
    n_dec,
    n_hd,
    n_moe,
    width_activations,
    width_weights,
)
from analysis.thesis.factorial import built
from analysis.thesis.trials.random_systems import ENDLESS, Systems, between, drawn, power_below
from analysis.thesis.trials.search import Sample, loosened, sample

COUNT, DEGREES = 2500, 2.0 ** np.arange(8)
REFERENCES = ("deepseek-v3", "kimi-k2", "deepseek-v2")
CORNERS = tuple((attention, kind) for attention in (MHA.name, MLA.name) for kind in ("dense", "experts"))
NEAR = 1e-9


def attribution(rng: Generator) -> Iterator[Sample]:
    """Four models of equal widths on two to 128 accelerators; memory from one that just holds them to many times it."""
    for model in REFERENCES:
        loose = loosened(rng, COUNT, ("waits", "equal", "caches", "groups"))
        drawing = drawn(rng, model, COUNT)
        heads = power_below(drawing[n_hd])
        count = 2.0 ** rng.integers(1, 8, COUNT)
        sizes = {n_hd: heads, n_acc: count, d_hd: drawing[d_v], n_moe: drawing[n_dec]}
        rates = {each: np.where(loose["waits"], drawing[each], ENDLESS) for each in (P_acc, BW_Int)}
        width = {width_activations: np.where(loose["caches"], drawing[width_activations], 0)}
        share = np.where(loose["equal"], between(rng, 1 / 64, 1, COUNT), 1)
        systems = drawing.with_(sizes | rates | width)
        held = systems.of(3 * d_emb * n_dec * width_weights) * _dense_width(systems) / np.minimum(count, heads)
        tight = held * (1 + between(rng, 0.005, 30, COUNT))  # so that the dense layers fit at some degree
        yield _attributed(systems.with_({M_cap: np.where(rng.random(COUNT) < 0.2, systems[M_cap], tight)}), share)


def _attributed(systems: Systems, share: np.ndarray) -> Sample:
    """`share`: weights of the dense layer over those of all experts [1]."""
    served = {corner: _served(systems, *corner, share) for corner in CORNERS}
    rates = {corner: rate for corner, (rate, _) in served.items()}
    fits = np.all([rate > 0 for rate in rates.values()], axis=0)
    with np.errstate(all="ignore"):
        (mha, older), (mla, both) = ((rates[kind, "dense"], rates[kind, "experts"]) for kind in (MHA.name, MLA.name))
        found = both * mha / mla / older
        far = np.abs(np.log(found))
    holds = {
        "waits": systems[P_acc] == ENDLESS,
        "equal": share == 1,
        "caches": systems[width_activations] == 0,
        "groups": served[MLA.name, "dense"][1] < systems[n_acc],
    }
    claim = found > (1 + 1 / systems[L]) ** -2 * (1 - NEAR)  # a step appends one row in L
    return sample(systems, claim, holds, fits, far=far, interaction=found, count=systems[n_acc], L=systems[L])


def _served(systems: Systems, attention: str, kind: str, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Throughput at the best degree, 0 where memory holds no request at any, and that degree."""
    made, conventions = built(attention, kind, systems.architecture)
    degree = DEGREES[:, None]
    point = systems.point | {deg_TP: degree, deg_DP: systems[n_acc] / degree, deg_EP: systems[n_acc]}
    point |= {d_FFN: _dense_width(systems) * share}
    wide = Systems(systems.model, made, conventions, point, np.zeros((len(DEGREES), len(share))))
    room = wide.of(capacity.B_cap(made, conventions))
    able = (degree <= systems[n_acc]) & (degree <= systems[n_hd]) & (room >= point[deg_DP])
    rate = np.where(able, room / wide.with_({B: np.where(able, room, 1)}).of(serving.tpot(made, conventions)), 0)
    best = rate.argmax(axis=0)
    return rate.max(axis=0), DEGREES[best]


def _dense_width(systems: Systems) -> np.ndarray:
    """Width of the dense layer that holds as many weights as all experts of a block."""
    dense, routed = (
        feedforward_parameters(built(MHA.name, kind, systems.architecture)[0]) for kind in ("dense", "experts")
    )
    return systems.of(sum(routed.values())) / systems.of(dense["dense"] / d_FFN)
