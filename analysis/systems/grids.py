"""TPOT, throughput and feasibility of a serving system over grids of batches and contexts, and along the batch.

Arrays have the axes [context, batch]. A point is infeasible for one of two reasons: the batch does not fit memory
(`capacity`), or it fits and a token takes longer than the SLO (`slo`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from sympy import Expr

from analysis.ask.degrees import check_degrees
from analysis.ask.forms import names_of
from analysis.ask.numbers import value, values
from analysis.ask.setting import Setting
from analysis.derive import serving
from analysis.derive.symbols import deg_DP, n_acc
from analysis.systems import system
from analysis.systems.layers import swept
from analysis.systems.quantities import quantity
from analysis.systems.timing import timing

CAPACITY, SLO, FEASIBLE = "capacity", "slo", ""


def check_system(setting: Setting) -> None:
    """Refuse a setting whose TPOT does not exist (no model, accelerator or link; degrees that cannot be built)."""
    quantity("tpot").domain(setting)
    check_degrees(setting.numbers, names_of(_tpot_form(setting)) | names_of(system.B_cap(setting)))


def _tpot_form(setting: Setting) -> Expr:
    step = _derived(setting.architecture, setting.conventions, system.system(setting), timing(setting))
    return step / system.tokens_per_step(setting)


_derived = lru_cache(maxsize=64)(serving.tpot)  # a figure asks for one form at many settings; deriving takes 0.2 s


@dataclass(frozen=True)
class Grid:
    """A system over batches [B] and contexts [L]: TPOT [s], tokens/s and accelerator, and why a point is infeasible."""

    setting: Setting
    batches: np.ndarray
    contexts: np.ndarray
    tpot: np.ndarray
    per_accelerator: np.ndarray
    reason: np.ndarray

    @property
    def feasible(self) -> np.ndarray:
        """Whether a point fits memory and meets the SLO [L, B]."""
        return self.reason == FEASIBLE

    def columns(self) -> dict[str, list]:
        """The grid as columns, one row per point."""
        L, B = np.meshgrid(self.contexts, self.batches, indexing="ij")
        cells = {
            "B": B,
            "L": L,
            "tpot": self.tpot,
            "throughput_per_accelerator": self.per_accelerator,
            "infeasible": self.reason,
        }
        named = {name: each.ravel().tolist() for name, each in cells.items()}
        return {"model": [self.setting.model.id] * B.size} | named


def grid(setting: Setting, batches, contexts) -> Grid:
    """The system over every pair of `batches` [requests] and `contexts` [tokens], axes [L, B]. Raises InputError.

    >>> found = grid(Setting.of(model="deepseek-v3", accelerator="b200-paper", n_acc=32, slo=0.05), [64, 65536], [2048])
    >>> found.reason.tolist()
    [['', 'capacity']]
    """
    check_system(setting)
    batches, contexts = np.asarray(batches, dtype=float), np.asarray(contexts, dtype=float)
    tpot = _tpot(setting, batches, contexts)
    rate = batches / tpot / float(setting.point[n_acc])
    return Grid(setting, batches, contexts, tpot, rate, _reason(setting, batches, contexts, tpot))


def _tpot(setting: Setting, batches: np.ndarray, contexts: np.ndarray) -> np.ndarray:
    found = value(_tpot_form(setting), swept(setting, B=batches[None, :], L=contexts[:, None]))
    return np.broadcast_to(found, (len(contexts), len(batches)))


def _reason(setting: Setting, batches: np.ndarray, contexts: np.ndarray, tpot: np.ndarray) -> np.ndarray:
    slow = tpot > (np.inf if setting["slo"] is None else setting["slo"])
    full = batches[None, :] > capacities(setting, contexts)[:, None]
    return np.where(full, CAPACITY, np.where(slow, SLO, FEASIBLE))


def capacities(setting: Setting, contexts) -> np.ndarray:
    """B_cap [requests] at each context [L] (Eq. 11), rounded as the setting says. Raises InputError."""
    contexts = np.asarray(contexts, dtype=float)
    found = system.rounded(value(system.B_cap(setting), swept(setting, L=contexts)), setting)
    return np.broadcast_to(found, contexts.shape)


def terms_over(setting: Setting, batches, L: float) -> dict[str, np.ndarray]:
    """Every term of TPOT [s] by name over batches, at one context. Raises InputError."""
    check_system(setting)
    batches = np.asarray(batches, dtype=float)
    point = swept(setting, B=batches, L=L)
    return {name: found * np.ones_like(batches) for name, found in values(system.terms(setting), point).items()}


def batches_to_capacity(setting: Setting, L: float, points: int = 120) -> np.ndarray:
    """Batches [requests] from one request per DP group to B_cap at context L, evenly in the logarithm; may be empty.

    With an SLO, the largest batch that meets it is among them.
    """
    check_system(setting)
    cap, least = float(capacities(setting, [L])[0]), float(setting.point[deg_DP])
    if cap < least:
        return np.array([])
    within = [] if setting["slo"] is None else [float(system.B_SLO_value(setting.with_(L=L)))]
    return np.unique([*np.geomspace(least, cap, points), *(batch for batch in within if least <= batch <= cap)])


def curve(setting: Setting, L: float, points: int = 120) -> Grid:
    """The system along the batch up to B_cap at one context: a grid with one row (empty where nothing fits)."""
    return grid(setting, batches_to_capacity(setting, L, points), [L])


def best(line: Grid) -> float:
    """Highest tokens/s and accelerator among the feasible points of a grid; 0 where there is none."""
    return float(np.max(line.per_accelerator, where=line.feasible, initial=0.0))


def stacked(grids: Sequence[Grid]) -> dict[str, list]:
    """The points of several grids as columns."""
    columns = [each.columns() for each in grids]
    return {name: list(chain.from_iterable(each[name] for each in columns)) for name in columns[0]}


def named(name: str, grids: Mapping) -> dict[str, list]:
    """The points of named grids as columns, the first of which says whose they are."""
    owners = [owner for owner, each in grids.items() for _ in range(each.tpot.size)]
    return {name: owners} | stacked(list(grids.values()))
