"""Both contraction orders of latent attention on random arrays, masked, one small head to a point."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from analysis.thesis.trials.search import Sample, loosened

COUNT, NEAR = 2500, 1e-9
SIZES = {"l": 3, "L": 6, "c": 5, "n": 4, "r": 2, "v": 3}  # queries, context, latent, and parts of a head


def reordering(rng: Generator) -> Iterator[Sample]:
    """Heads with and without rotation of the latent part, a norm of the keys, and half precision."""
    loose = loosened(rng, COUNT, ("rotary", "linear", "exact"))
    head = {name: rng.standard_normal((COUNT, *(SIZES[axis] for axis in axes))) for name, axes in _ARRAYS.items()}
    head["mask"] = np.where(np.arange(6) <= np.arange(3)[:, None] + rng.integers(0, 6, (COUNT, 1, 1)), 0, -np.inf)
    several = rng.random(COUNT) < 0.9  # a context of one token has weight 1, whatever the keys
    norm, turn, short = ((each & several)[:, None, None] for each in (loose["linear"], loose["rotary"], loose["exact"]))
    printed, absorbed = _printed(head, norm, turn), _absorbed(head, turn, short)
    apart = np.abs(printed - absorbed).max(axis=(1, 2)) / np.abs(printed).max(axis=(1, 2))
    holds = {"rotary": ~turn[:, 0, 0], "linear": ~norm[:, 0, 0], "exact": ~short[:, 0, 0]}
    every = np.ones(COUNT, dtype=bool)
    yield Sample(every, holds, apart < NEAR, {"apart": apart, "far": apart}, every)


_ARRAYS = {"q": "ln", "q_R": "lr", "c": "Lc", "k_R": "Lr", "W_DK": "cn", "W_DV": "cv"}


def _printed(head: dict, norm: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Keys and values decompressed first; turned or of norm 1 where a hypothesis is dropped."""
    keys = head["c"] @ head["W_DK"]
    keys = np.where(norm, keys / np.linalg.norm(keys, axis=2, keepdims=True), keys)
    queries = np.where(turn, _turned(head["q"]), head["q"])
    return _weights(head, queries @ _swapped(np.where(turn, _turned(keys), keys))) @ (head["c"] @ head["W_DV"])


def _absorbed(head: dict, turn: np.ndarray, short: np.ndarray) -> np.ndarray:
    """Weights applied to the queries, rounded to 16 bits where that is asked, and to what the latent rows give."""
    queries = np.where(turn, _turned(head["q"]), head["q"]) @ _swapped(head["W_DK"])
    queries = np.where(short, queries.astype(np.float16), queries)
    return _weights(head, queries @ _swapped(head["c"])) @ head["c"] @ head["W_DV"]


def _weights(head: dict, scores: np.ndarray) -> np.ndarray:
    scaled = (scores + head["q_R"] @ _swapped(head["k_R"])) / np.sqrt(6) + head["mask"]
    found = np.exp(scaled - scaled.max(axis=2, keepdims=True))
    return found / found.sum(axis=2, keepdims=True)


def _swapped(matrix: np.ndarray) -> np.ndarray:
    return matrix.swapaxes(1, 2)


def _turned(rows: np.ndarray) -> np.ndarray:
    """Each row's pairs of elements turned by its place, as a rotary position does."""
    angle = np.arange(rows.shape[1])[:, None]
    first, second = rows[..., 0::2], rows[..., 1::2]
    pair = first * np.cos(angle) - second * np.sin(angle), first * np.sin(angle) + second * np.cos(angle)
    return np.stack(pair, axis=-1).reshape(rows.shape)
