"""Every attention kind and order at full memory (propositions a and c), and the shares of TPOT on many devices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.attention import MECHANISMS
from analysis.derive.statements.proof_of_attention import free_memory
from analysis.derive.symbols import BW_mem, P_acc
from analysis.systems.arrangements import with_models
from analysis.thesis.full import batch_at_capacity, shares_at_capacity, terms_at
from analysis.thesis.full_attention import context_of_share, core_intensity, device_speed

ENDLESS = 1e60  # arithmetic [FLOP/s] at which every kernel waits for memory


@dataclass(frozen=True)
class Kind:
    """An attention kind in one order at B_cap: times [s] of reading the free memory and of the core; ratios [1].

    `phi`: bytes that the core moves over bytes that requests store; `speed`: on the memory device.
    """

    setting: Setting
    batch: float
    reading: float
    core: float
    phi: float
    intensity: float
    speed: float


def kinds(setting: Setting, models: Sequence[str], L: float) -> list[Kind]:
    """Every mechanism and order that a model of the data has, spoken for by one of `models` if it can.

    `setting`: accelerators, and the memory device as accelerator_experts.
    """
    found = []
    for name, mechanism in MECHANISMS.items():
        speakers = [*models, *datasets.models()]
        speaker = next((each for each in speakers if datasets.model(each).attention == name), None)
        if speaker:
            (each,) = with_models(setting, [speaker], L)
            found += [_kind(each.with_(order=order), L) for order in mechanism.orders[::-1]]
    return found


def _kind(setting: Setting, L: float) -> Kind:
    batch = float(batch_at_capacity(setting, L))
    if batch < 1:
        return Kind(setting, batch, *[float("nan")] * 5)
    plain = setting.with_(accelerator_experts=None)
    return Kind(
        setting,
        batch,
        reading_time(setting),
        float(terms_at(plain, batch, L)["core_attention"]),
        phi(plain, L),
        core_intensity(setting, L),
        float(device_speed(setting, [L])[0]),
    )


def reading_time(setting: Setting) -> float:
    """Time of reading the memory that weights leave free, once [s]."""
    return float(value(free_memory(setting.architecture) / BW_mem, setting.point))


def phi(setting: Setting, L: float) -> float:
    """Bytes that core attention moves in a step at B_cap over the free memory, which requests fill [1]."""
    waiting = terms_at(setting, batch_at_capacity(setting, L), L, {P_acc: ENDLESS})["core_attention"]
    return float(waiting) / reading_time(setting)


@dataclass(frozen=True)
class Shares:
    """A model on one accelerator and link: context from which core attention is half of TPOT [tokens], and shares [1].

    `core` and `wires` at B_cap over the contexts asked for; nan where the model does not fit.
    """

    setting: Setting
    half: float | None
    core: np.ndarray
    wires: np.ndarray


def shares(setting: Setting, accelerators: Sequence[str], link: str, contexts: np.ndarray) -> list[Shares]:
    """The model on each accelerator with its own link, and with `link` for every transfer. Raises InputError."""
    found = []
    for name in accelerators:
        own = setting.with_(accelerator=name, link=datasets.accelerator(name).link or link)
        for each in (own, own.with_(link=link)):
            at = shares_at_capacity(each, contexts)
            found.append(Shares(each, context_of_share(each), at["core_attention"], at["communication"]))
    return found
