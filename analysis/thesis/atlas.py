"""The atlas: which part of a token's time is the largest with memory full, over mechanisms, chips and contexts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.ask.setting import Setting
from analysis.systems.arrangements import with_models
from analysis.thesis import largest
from analysis.thesis.full import batch_at_capacity

MODELS = (
    "gpt3-175b",
    "llama-3.1-405b",
    "llama-4-maverick",
    "gpt-oss-120b",
    "deepseek-v3",
    "deepseek-v3.2",
    "minimax-m3",
    "deepseek-v4-flash",
    "qwen3-next-80b-a3b",
    "kimi-linear-48b-a3b",
    "nemotron-3-super",
)
"""One model for each way to attend: all heads kept, groups of heads (dense, with experts, in windows), a latent, rows
or blocks picked by an index, compressed rows, and states of three kinds beside attention."""


@dataclass(frozen=True)
class Strip:
    """A model on a chip over contexts [tokens]: who leads at the largest batch that memory holds [requests], its share
    of a token's time [1] and that time [s]; `largest.OUTSIDE` leads, and shares are nan, where not one request fits."""

    setting: Setting
    contexts: np.ndarray
    batches: np.ndarray
    leaders: tuple[str, ...]
    shares: np.ndarray
    steps: np.ndarray


def strip(setting: Setting, contexts: Sequence[float]) -> Strip:
    """A system's strip of the atlas."""
    contexts = np.asarray(contexts, dtype=float)
    batches = batch_at_capacity(setting, contexts)
    times = largest.times(setting, np.where(batches >= 1, batches, np.nan), contexts)
    steps = times.sum(axis=0)
    leaders = tuple(map(str, largest.largest(setting, batches, contexts)))
    return Strip(setting, contexts, batches, leaders, times.max(axis=0) / steps, steps)


def rows(model: str) -> tuple[str, ...]:
    """The models of the atlas, a reader's own before them.

    >>> rows("deepseek-v3") == MODELS, rows("kimi-k2")[:2]
    (True, ('kimi-k2', 'gpt3-175b'))
    """
    return MODELS if model in MODELS else (model, *MODELS)


def atlas(base: Setting, models: Sequence[str], chips: Sequence[str], contexts: Sequence[float]) -> list[list[Strip]]:
    """For each chip with its own link, a strip for each model at the degrees that suit it there."""
    alone = base.with_(deg_TP=None, link=None)
    return [
        [strip(each, contexts) for each in with_models(alone.with_(accelerator=chip), models, min(contexts))]
        for chip in chips
    ]


def leading(strips: Sequence[Strip]) -> dict[str, int]:
    """How many tiles each group leads on a chip, those outside under `largest.OUTSIDE`."""
    found = [name for each in strips for name in each.leaders]
    return {name: found.count(name) for name in (*largest.NAMES, largest.OUTSIDE)}
