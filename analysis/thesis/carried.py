"""The verdict carried to later models: over contexts, on chips of very different ridge, where each conclusion holds.

Every model stands on as many accelerators as the book's system has, on the network that they come with, memory full.
Borders are solved along the context, from the map's shortest to the longest that model and memory allow. What a
mechanism gains is asked of the model beside its twin: the same model, its blocks attending as its kin or its other
blocks do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from analysis.ask.asked import fitting
from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import capacity, serving
from analysis.derive.attention import GQA, MHA, MLA, MLA_direct
from analysis.derive.block import Architecture, Conventions
from analysis.derive.parallel import Layout
from analysis.derive.sparse import DSA, MSA, DSA_shared
from analysis.derive.states import GDN, KDA, Mamba2
from analysis.derive.symbols import B, M_cap
from analysis.derive.variants import GQA_gated
from analysis.files.errors import InputError
from analysis.files.kept import kept
from analysis.systems import system
from analysis.systems.layers import swept
from analysis.systems.timing import timing
from analysis.thesis import largest, margins
from analysis.thesis.after import Carried, longest
from analysis.thesis.conclusions import CONCLUSIONS, FUSED
from analysis.thesis.full import WIRES, batch_at_capacity, root, throughput, total
from analysis.thesis.region import Margin, Stretch, where_positive
from analysis.thesis.world import FAST, Place, World, step_time, world_of

CHIPS = ("h20-sxm", "rubin-vr200", "b200-paper", "mi355x")
"""Accelerators by rising ridge point in BF16: from little arithmetic for their bandwidth to much."""
MILD = 0.4  # Zipf exponent under which scheduling is asked: without skew there is nothing to schedule
POINTS = 25  # contexts at which the sign is looked at before its changes are refined: two to a doubling
Found = tuple[Stretch, ...]


def on(setting: Setting, chip: str) -> Setting:
    """A system with as many of another accelerator, on the network that it comes with. Raises InputError."""
    own = setting["link"] if setting["accelerator"] == chip else None
    found = fitting(setting.with_(accelerator=chip, link=own))
    if found.link is None:
        raise InputError(f"accelerators={chip}: no network that it comes with is known; choose one that has its own.")
    return found


def contexts(setting: Setting, points: int = POINTS) -> np.ndarray:
    """Contexts [tokens] from the map's shortest to the longest that the model and its memory allow."""
    return np.geomspace(largest.LEAST, longest(setting), points)


# -- who leads -------------------------------------------------------------------------------------
def leaders(setting: Setting) -> dict[str, Found]:
    """For each group of a step's terms the contexts [tokens] at which it is the largest one, memory full."""
    found = Carried(setting, contexts(setting))
    return {name: found.where_largest(name) for name in largest.NAMES}


def capacity_to_lead(setting: Setting, L: float) -> float | None:
    """Memory of an accelerator [byte] from which attention leads at one context, memory full; None if it never turns.

    More memory holds more requests, whose attention adds up while the experts' weights are read once.
    """
    place, own = largest.NAMES.index(largest.CORE), float(setting.point[M_cap])

    def ahead(capacity: float) -> float:
        changed = {M_cap: capacity}
        times = largest.times(setting, batch_at_capacity(setting, L, changed), L, changed)
        return float(times[place] - np.delete(times, place).max())

    return root(ahead, own / 4, own * 100)


# -- where conclusions hold ------------------------------------------------------------------------
@dataclass(frozen=True)
class Asked:
    """A conclusion carried over: its name, the same in a column's words, its margin, and what its places fix."""

    name: str
    short: str
    margin: Margin
    place: dict


def _of_verdict(name: str, short: str, **place) -> Asked:
    return Asked(name, short, next(each for each in CONCLUSIONS if each.name == name).margin, place)


def hidden(world: World, model: str, place: Place) -> np.ndarray:
    """Time of routed experts less that of exchanges [share of a step]: above 0 exchanges can hide behind them; nan
    where nothing is exchanged."""
    found = world.terms(model, place)
    wires = sum(found[name] for name in WIRES)
    return np.where(found["dispatch"] > 0, (found["routed_experts"] - wires) / step_time(found), np.nan)


ASKED = (
    _of_verdict("raises", "intensity 100-fold", against=MHA.name, grouping=FUSED, degree=1),
    _of_verdict("computes", "attention computes", degree=1),
    Asked("hidden", "wires hide", hidden, {}),
    _of_verdict("tunes", "batching tunes", layer="dense"),
    _of_verdict("aligns", "scheduling aligns", skew=MILD),
    _of_verdict("small", "device suits short", link=FAST, kept="memory"),
    _of_verdict("not-needed", "no device needed", device=margins.MEMORY_DEVICE),
    _of_verdict("balanced", "chip balanced", link=FAST, budget=next(iter(margins.BUDGETS))),
    _of_verdict("tensor", "divided heads cost", link=FAST, degree=2),
    _of_verdict("drafts", "drafts pay", link=FAST, query=2, acceptance=0.7),
)
"""What is asked of every model on every chip; whether attention is the bottleneck is told by `leaders`."""


def held(setting: Setting) -> dict[str, Found | None]:
    """The contexts [tokens] at which each conclusion holds on a system, by its name; None where it cannot be asked, as
    the model lacks a part that it speaks of. Kept between processes."""
    key = f"carried {(setting.echo, setting.model, setting.accelerator, setting.link)!r}"
    found = kept(key, lambda: _held(setting), "analysis", "data", "book/edition.yml", "requirements.lock")
    return {name: None if each is None else tuple(Stretch(*ends) for ends in each) for name, each in found.items()}


def _held(setting: Setting) -> dict[str, list | None]:
    there, every, found = world_of(setting, *margins.OLD.values()), contexts(setting), {}
    for each in ASKED:

        def above(at: np.ndarray, each: Asked = each) -> np.ndarray:
            return np.sign(each.margin(there, setting["model"], each.place | {"context": at}))

        signs = above(every)
        ends = [[one.low, one.high] for one in where_positive(above, every, signs=signs)]
        found[each.name] = ends if np.isfinite(signs).any() else None
    return found


@dataclass(frozen=True)
class Placed:
    """A model on a chip, and where along the context who leads and what holds."""

    setting: Setting

    @cached_property
    def leaders(self) -> dict[str, Found]:
        """Contexts [tokens] at which each group of a step's terms is the largest one."""
        return leaders(self.setting)

    @cached_property
    def held(self) -> dict[str, Found | None]:
        """Contexts [tokens] at which each conclusion of ASKED holds; None where it cannot be asked."""
        return held(self.setting)

    @property
    def ends(self) -> tuple[float, float]:
        """The shortest and the longest context that is looked at [tokens]."""
        return tuple(contexts(self.setting, 2).tolist())

    def extent(self, found: Found) -> float:
        """Share of the contexts, in the logarithm, that lies in the stretches [1]."""
        low, high = self.ends
        sides = (np.log(each.high or high) - np.log(each.low or low) for each in found)
        return float(sum(sides) / np.log(high / low)) if high > low else 0.0


def placed(settings: Sequence[Setting], chips: Sequence[str] = CHIPS) -> list[list[Placed]]:
    """Each setting's system on every chip: a row a model. Raises InputError."""
    return [[Placed(on(each, chip)) for chip in chips] for each in settings]


# -- a mechanism beside its twin -------------------------------------------------------------------
TWINS = {
    "deepseek-v3.2": {DSA.name: MLA},
    "glm-5.2": {DSA.name: MLA, DSA_shared.name: MLA},
    "minimax-m3": {MSA.name: GQA},
    "qwen3-next-80b-a3b": {GDN.name: GQA_gated},
    "kimi-linear-48b-a3b": {KDA.name: MLA_direct},
    "nemotron-3-super": {Mamba2.name: GQA},
}
"""What a model's blocks attend by in its twin: all rows in place of picks, a cache in place of states."""


def twin(setting: Setting) -> Architecture:
    """The model with its picks or states replaced by attention to a whole cache; sizes are the model's."""
    built = setting.architecture
    instead = {own: other.stored(built.apart) for own, other in TWINS[setting["model"]].items()}
    kinds = [
        replace(kind, mechanism=instead.get(kind.mechanism.name, kind.mechanism)) if kind.mechanism else kind
        for kind in built.kinds
    ]
    return Architecture.of_kinds(*kinds, tied=built.tied, vectors=built.vectors)


def gain_over_twin(setting: Setting, L) -> np.ndarray:
    """Tokens per second of a model over those of its twin [1], each at its own full memory, over contexts."""
    other, book, point = twin(setting), system.book(setting), swept(setting, L=L)
    batch = value(_cap(other, setting.conventions, book.weights, book.activations, setting.layout), point)
    forms = serving.tpot_terms(other, setting.conventions, system.system(setting), timing(setting))
    time = total({name: value(form, point | {B: batch}) for name, form in forms.items()}, setting["overlap"])
    plain = np.where(batch >= 1, batch, np.nan) / time / setting["n_acc"]
    return throughput(setting, batch_at_capacity(setting, L), L) / plain


@lru_cache(maxsize=64)
def _cap(architecture: Architecture, conventions: Conventions, weights: str, activations: bool, layout: Layout):
    return capacity.B_cap(architecture, conventions, weights, activations, layout)


def pays(setting: Setting) -> Found:
    """The contexts [tokens] at which a model serves more than its twin."""
    return where_positive(lambda at: np.sign(gain_over_twin(setting, at) - 1), contexts(setting))
