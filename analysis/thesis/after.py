"""The argument carried to later models: what each keeps, touches and waits for where memory is full, by context."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.ask.asked import fitting
from analysis.ask.setting import Setting
from analysis.data.element_formats import formats
from analysis.derive.symbols import BW_Int, P_acc, deg_DP
from analysis.files.errors import InputError
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate
from analysis.thesis import largest
from analysis.thesis.full import batch_at_capacity, root
from analysis.thesis.region import Stretch, where_positive

MODELS = (
    "deepseek-v3",
    "deepseek-v3.2",
    "glm-5.2",
    "deepseek-v4-flash",
    "minimax-m3",
    "qwen3-next-80b-a3b",
    "kimi-linear-48b-a3b",
    "nemotron-3-super",
)
"""R1, and models of 2025 and 2026 that pick rows by an index, share it, compress or pick blocks, or keep states."""
_WEIGHTS, _CACHE, _EXPERTS = (formats()[each].widths for each in ("weights-fp8", "cache-fp8", "experts-mxfp4"))
FORMATS = {
    "16 bits": {},
    "weights in 8": _WEIGHTS,
    "cache and arithmetic, too": _WEIGHTS | _CACHE | {"peak": "fp8"},
    "experts in 4": _WEIGHTS | _CACHE | _EXPERTS | {"peak": "fp8"},
}
"""Ways to keep a model, by name, each with what the one before has: the files of several of these models hold weights
in 8 bits or less. Tokens travel in 16 bits in all."""
CONTEXTS = tuple(2.0**power for power in range(10, 18))
POINTS = 49  # contexts at which the sign is looked at before its changes are refined: four to a doubling
PARTS = ("core_attention_intensity", "index_intensity", "state_intensity")
"""Stages that meet what a request keeps, by the quantity that says how much each does for a byte."""


@dataclass(frozen=True)
class Carried:
    """A model on a system, over contexts [tokens]."""

    setting: Setting
    contexts: np.ndarray

    @cached_property
    def kept(self) -> np.ndarray:
        """Bytes that one request keeps at each context [byte]."""
        return self._over("kv_cache_bytes")

    @cached_property
    def phi(self) -> np.ndarray:
        """What a step touches of these, over what is kept [1]."""
        return self._over("phi")

    @cached_property
    def shares(self) -> np.ndarray:
        """Share of each group of `largest.NAMES` in a token's time at full memory [1], groups along the first axis."""
        times = self._times(self.contexts)
        return times / times.sum(axis=0)

    @property
    def attention(self) -> np.ndarray:
        """Share of attention to what is kept in a token's time at full memory [1]."""
        return self.shares[largest.NAMES.index(largest.CORE)]

    @cached_property
    def leads(self) -> tuple[Stretch, ...]:
        """Contexts [tokens] at which attention to what is kept takes most of a step, memory full."""

        return self.where_largest(largest.CORE)

    def where_largest(self, name: str) -> tuple[Stretch, ...]:
        """Contexts [tokens], up to the model's longest, at which a group of `largest.NAMES` takes most of a step."""
        place = largest.NAMES.index(name)

        def ahead(contexts: np.ndarray) -> np.ndarray:
            times = self._times(contexts)
            return np.sign(times[place] - np.delete(times, place, axis=0).max(axis=0))

        return where_positive(ahead, np.geomspace(largest.LEAST, longest(self.setting), POINTS))

    @property
    def intensities(self) -> dict[str, float]:
        """FLOP per byte of core, index and state, as far as the model has them, at the last context."""
        found = {}
        for part in PARTS:
            try:
                found[part.removesuffix("_intensity")] = evaluate(part, self._at(self.contexts[-1])).value
            except InputError:  # a part that no kind of its blocks has
                continue
        return found

    @property
    def wires(self) -> tuple[float, float]:
        """Arithmetic over the link, and the work of experts for a byte exchanged [FLOP/byte]: hidden where the first
        is the smaller one and experts compute."""
        point = self.setting.point
        return float(point[P_acc] / point[BW_Int]), evaluate("wire_ratio", self.setting).value

    def _times(self, contexts: np.ndarray) -> np.ndarray:
        """Time of each group [s]; nan where memory does not hold a request for each group that attends apart."""
        batch = batch_at_capacity(self.setting, contexts)
        return largest.times(self.setting, np.where(batch >= self.setting.point[deg_DP], batch, np.nan), contexts)

    def _over(self, quantity: str) -> np.ndarray:
        return np.array([evaluate(quantity, self._at(context)).value for context in self.contexts], dtype=float)

    def _at(self, context: float) -> Setting:
        return self.setting.with_(L=float(context), B=1)


def longest(setting: Setting) -> float:
    """The longest context [tokens], of the map and of the model, of which memory holds a request for each group."""
    most, least = min(largest.MOST, setting.model.context_max or largest.MOST), float(setting.point[deg_DP])

    def room(L: float) -> float:
        return float(batch_at_capacity(setting, L)) - least

    if room(most) >= 0:
        return most
    return root(room, largest.LEAST, most) or largest.LEAST


def systems(settings: Sequence[Setting], contexts: Sequence[float] = CONTEXTS) -> list[Carried]:
    """Each setting's system over the contexts [tokens]."""
    return [Carried(each, np.asarray(contexts, dtype=float)) for each in settings]


def carried(format_: str = "16 bits") -> list[Carried]:
    """Each of MODELS on the system of the book, over CONTEXTS, kept in one of FORMATS."""
    base = Setting.of(**paper().system() | FORMATS[format_])
    return systems([fitting(base.with_(model=model)) for model in MODELS])
