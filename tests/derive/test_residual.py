"""Residual streams: each site against counts by hand, printed traffic, loops, and a computation that names no line."""

import numpy as np
from hypothesis import given
from sympy import Integer

from analysis.derive.attention import MHA, MLA
from analysis.derive.block import Architecture, Conventions, FeedForward, Kind, bytes_moved, flops, last_streams
from analysis.derive.decoder import activation_bytes, stream_weights, weight_elements
from analysis.derive.einsum import Kernel
from analysis.derive.residual import LAST, SITE
from analysis.derive.serving import tpot_terms
from analysis.derive.symbols import B, L, causal, d_emb, l, n_map, n_res, n_to, width_activations, width_weights
from analysis.measure.execute import execute

from .loops import run
from .small import few, number, points

BEFORE, AFTER, HEAD = (Kernel(*each) for each in (*SITE.items(), ("head", LAST)))
HALF = Kind(Integer(1), feedforward=FeedForward())
STREAMED = ("hyper_connections",)
TOKEN = {B: 1, l: 1, L: 1, causal: 1}


def sized(sizes):
    """A point whose streams written are those read, and whose map has a weight for each use of them."""
    n = sizes[n_res]
    return sizes | {n_to: n, n_map: n * (2 + n)}


def small(of, streams=4, width=4096):
    """The count for one token of a model of V4-Flash's sizes, elements of one byte."""
    return number(of, TOKEN | {n_res: streams, d_emb: width, width_activations: 1, width_weights: 1})


def test_a_site_by_hand():
    """Four streams of 4096: read whole and weighed into one, then read with the result and written whole."""
    coefficients, weights = 4 + 4 * 4, 4 * 4096 * (4 + 4 + 4 * 4)
    assert small(BEFORE.bytes) == 4 * 4096 + 4096 + coefficients + weights
    assert small(AFTER.bytes) == 4 * 4096 + 4096 + 4 * 4096 + coefficients
    assert small(BEFORE.flops) == 2 * weights + 2 * 4 * 4096
    assert small(AFTER.flops) == 2 * 4 * 4 * 4096 + 2 * 4 * 4096
    assert small(HEAD.bytes) == 4 * 4096 + 4096 + 4 * 4 * 4096
    assert small(HEAD.flops) == 2 * 4 * 4 * 4096 + 2 * 4 * 4096


def test_line_by_line_a_site_moves_what_its_authors_print():
    """arXiv 2512.24880, table of memory access: what reads and writes each step, for n streams of C. The sum with the
    residual (2 n C read, n C written) is here the same step as its making; splitting coefficients is no step there."""
    n, C = 4, 4096
    printed = {"m": (n * C, n**2 + 2 * n), "x": (n * C + n, C), "X_new (1)": (n * C + n**2, n * C)}
    printed |= {"X_new (2)": (C + n, n * C)}
    found = {kernel.name: kernel for kernel in HALF.streams("layered")}
    for made, (read, written) in printed.items():
        place = "after" if made.startswith("X") else "before"
        moved = found[f"{place} feed-forward: {made}"].bytes.xreplace({width_weights: Integer(0)})
        assert small(moved) == read + written, made
    fused = small(AFTER.bytes) - n - n**2
    assert fused == (n + 1) * C + n * C, "in one kernel (n + 1) C are read, n C written"


@few
@given(points(high=2))
def test_counts_are_those_of_loops(sizes):
    for kernel in (BEFORE, AFTER, HEAD):
        tally = run(kernel.lines, sized(sizes))
        assert number(kernel.flops, sizes) == tally.operations
        for tensor in kernel.boundary:
            assert number(tensor.elements, sizes) == tally.crossing.count(tensor.name), tensor


def doubly_stochastic(raw, steps=20):
    """Rows and columns divided by their sums in turn."""
    mixed = np.exp(raw)
    for _ in range(steps):
        mixed = mixed / mixed.sum(-1, keepdims=True)
        mixed = mixed / mixed.sum(-2, keepdims=True)
    return mixed


def test_a_block_of_two_sites_computes_what_matrices_say():
    """Two halves with a square matrix each, then the site before the head: streams as rows, one token at a time."""
    random = np.random.default_rng(7)
    n, width, tokens = 3, 5, 2
    maps = [random.normal(size=(n, width, n * (n + 2))) for _ in range(2)]
    layers, last = random.normal(size=(2, width, width)), random.normal(size=(n, width, n))
    begun = random.normal(size=(1, tokens, n, width))

    def sigmoid(raw):
        return 1 / (1 + np.exp(-raw))

    wanted = []
    for streams in begun[0]:
        for matrix, layer in zip(maps, layers, strict=True):
            raw = streams.reshape(-1) @ matrix.reshape(n * width, -1)
            into, out, mix = (
                sigmoid(raw[:n]),
                2 * sigmoid(raw[n : 2 * n]),
                doubly_stochastic(raw[2 * n :].reshape(n, n)),
            )
            streams = mix.T @ streams + np.outer(out, (into @ streams) @ layer)
        wanted.append(sigmoid(streams.reshape(-1) @ last.reshape(n * width, n)) @ streams)

    streams = begun
    for matrix, layer in zip(maps, layers, strict=True):
        steps = {
            "a": lambda m: sigmoid(m[..., :n]),
            "b": lambda m: 2 * sigmoid(m[..., n : 2 * n]),
            "C": lambda m: doubly_stochastic(m[..., 2 * n :].reshape(*m.shape[:2], n, n)),
        }
        before = execute(SITE["before"], {"X": streams, "W_map": matrix}, moves=steps)
        given = {name: before[name] for name in ("b", "C")} | {"X": streams, "y": before["x"] @ layer}
        streams = execute(SITE["after"], given)["X_new"]
    found = execute(LAST, {"X": streams, "W_map": last}, moves={"a": sigmoid})["x"]
    assert np.allclose(found[0], wanted)


def test_each_half_of_a_block_has_a_site_and_the_head_another():
    both = Kind(Integer(1), MLA, FeedForward())
    names = [kernel.name for kernel in both.streams()]
    assert names == ["before attention", "after attention", "before feed-forward", "after feed-forward"]
    assert flops(both.streams()) == 2 * flops(HALF.streams())
    assert weight_elements(both.streams()) == 2 * weight_elements(HALF.streams())
    model = Architecture.of_kinds(
        both, Kind(Integer(2), MHA), Kind(Integer(3), feedforward=FeedForward()), vectors=STREAMED
    )
    site, last = 4 * 4096 * 24, 4 * 4096 * 4
    assert small(stream_weights(model)) == (2 * 1 + 2 + 3) * site + last
    assert bytes_moved(last_streams(model)) == HEAD.bytes


def test_a_model_with_one_stream_has_none_of_it():
    plain = Architecture("MHA")
    assert tpot_terms(plain)["residual_streams"] == 0
    assert stream_weights(plain) == 0
    assert last_streams(plain) == ()
    assert list(Kind(Integer(1), MHA).stages(Conventions())) == ["projections", "decompression", "core", "output"]


def test_streams_are_held_while_a_block_runs():
    """Beside what attention holds: X, its successor, what goes into the half, and the coefficients."""
    of = {vectors: activation_bytes(Architecture("MHA", vectors=vectors)) for vectors in ((), STREAMED)}
    assert small(of[STREAMED] - of[()]) == 2 * 4 * 4096 + 4096 + 4 + 4 * 4
