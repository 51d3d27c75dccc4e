"""Random systems: sizes of real models or near them, accelerators, links, degrees and steps, an array of each."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from sympy import Expr, Symbol

from analysis.ask.numbers import value
from analysis.ask.points import row_point
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import serving
from analysis.derive.block import Architecture, Conventions
from analysis.derive.symbols import (
    BY_NAME,
    B,
    BW_exp,
    BW_Int,
    BW_mem,
    Gamma_acc,
    Gamma_imb,
    L,
    M_cap,
    P_acc,
    P_exp,
    RP_acc,
    alpha,
    causal,
    deg_DP,
    deg_EP,
    deg_grp,
    deg_TP,
    l,
    n_acc,
    n_e,
    n_hd,
    n_kv,
)

ONE_LINK = serving.System()
ENDLESS = 1e60  # a rate at which nothing waits
SCALED_AS_ONE = ("n_dec", "n_moe", "n_win")
KEPT = ("n_k", "n_e", "n_hd", "n_kv", "deg_grp", "n_shared")
WIDTHS = {"width_weights": 2.0, "width_kv": 2.0, "width_activations": 2.0, "width_state": 4.0, "width_scores": 4.0}


@dataclass(frozen=True)
class Systems:
    """Random systems whose blocks are built alike; `real`: whether the sizes are the model's own."""

    model: str
    architecture: Architecture
    conventions: Conventions
    point: dict[Symbol, np.ndarray]
    real: np.ndarray

    def __getitem__(self, symbol: Symbol) -> np.ndarray:
        return self.point[symbol]

    def of(self, form: Expr, more: dict | None = None) -> np.ndarray:
        """A closed form at every point, `more` put for what the point says."""
        return value(form, self.point | (more or {})) + np.zeros(self.real.shape)

    def with_(self, more: dict) -> "Systems":
        """The same systems with some values replaced."""
        return replace(self, point=self.point | more)

    def terms_of(self, term: str, system: serving.System = ONE_LINK) -> np.ndarray:
        """A term of the whole model's TPOT [s]."""
        return self.of(serving.tpot_terms(self.architecture, self.conventions, system)[term])

    def tpot(self, system: serving.System = ONE_LINK) -> np.ndarray:
        """TPOT [s] of the whole model."""
        return self.of(serving.tpot(self.architecture, self.conventions, system))

    def counted(self, term: str) -> tuple[np.ndarray, np.ndarray]:
        """FLOPs and bytes of a term [FLOP, byte], from its times where one rate is endless."""
        form = serving.tpot_terms(self.architecture, self.conventions)[term]
        work, read = self.of(form, {BW_mem: ENDLESS}), self.of(form, {P_acc: ENDLESS})
        return work * self[P_acc], read * self[BW_mem]


def drawn(rng: Generator, model: str, count: int, **asked) -> Systems:
    """Random systems of a model's kind of blocks; half of them have its own sizes, the others some near them."""
    row = Setting.of(model=model, **asked)
    real = rng.random(count) < 0.5
    point = {symbol: np.full(count, float(size)) for symbol, size in row_point(row.model).items()}
    point |= _scaled(rng, point, ~real) | _step(rng, count) | _device(rng, count)
    point |= {BY_NAME[name]: np.full(count, width) for name, width in WIDTHS.items()}
    return Systems(model, row.architecture, row.conventions, point | _degrees(rng, count, point), real)


def _scaled(rng: Generator, point: dict[Symbol, np.ndarray], where: np.ndarray) -> dict[Symbol, np.ndarray]:
    """Sizes a quarter to four times as large; blocks of all kinds in proportion, heads as groups of heads."""
    depth = _factor(rng, where)
    found = {}
    for symbol, size in point.items():
        own = 1.0 if symbol.name in KEPT else depth if symbol.name in SCALED_AS_ONE else _factor(rng, where)
        found[symbol] = np.where(size > 0, np.maximum(1, np.round(size * own)), 0)
    heads = _factor(rng, where)
    if n_kv in point:
        found[n_kv] = np.maximum(1, np.round(point[n_kv] * heads))
        found[n_hd] = found[n_kv] * found[deg_grp]
    else:
        found[n_hd] = np.round(point[n_hd] * heads)
    if n_e in point:
        found[n_e] = point[n_e] * np.maximum(1, _factor(rng, where))
    return found


def _factor(rng: Generator, where: np.ndarray) -> np.ndarray:
    return np.where(where, 2.0 ** rng.integers(-2, 3, where.shape), 1.0)


def between(rng: Generator, low: float, high: float, count: int) -> np.ndarray:
    """Random numbers, even in their logarithm."""
    return np.exp(rng.uniform(np.log(low), np.log(high), count))


def _step(rng: Generator, count: int) -> dict[Symbol, np.ndarray]:
    one = np.ones(count)
    return {
        B: np.round(between(rng, 1, 2.0**16, count)),
        L: np.round(between(rng, 64, 2.0**20, count)),
        **dict.fromkeys((l, causal, Gamma_imb, Gamma_acc), one),
        alpha: 0 * one,
    }


def _device(rng: Generator, count: int) -> dict[Symbol, np.ndarray]:
    """Accelerators of the data, and of half or twice their rates; a link; a second device; its ridge point."""
    rows = [row_point(row) for row in datasets.accelerators().values() if row.P_bf16]
    which = rng.integers(len(rows), size=count)
    found = {
        symbol: np.array([float(row[symbol]) for row in rows])[which] * between(rng, 0.5, 2, count)
        for symbol in (P_acc, BW_mem, M_cap)
    }
    links = np.array([float(row.BW_Int) * 1e9 for row in datasets.interconnects().values()])
    found[BW_Int] = rng.choice(links, count) * between(rng, 0.5, 2, count)
    found[P_exp] = found[P_acc] * between(rng, 1 / 64, 4, count)
    found[BW_exp] = found[BW_mem] * between(rng, 1 / 4, 16, count)
    return found | {RP_acc: found[P_acc] / found[BW_mem]}


def _degrees(rng: Generator, count: int, point: dict[Symbol, np.ndarray]) -> dict[Symbol, np.ndarray]:
    """Powers of two: a group of tensor parallelism no larger than the heads, of experts no larger than these."""
    TP = np.minimum(2.0 ** rng.integers(0, 5, count), power_below(point[n_hd]))
    DP = 2.0 ** rng.integers(0, 7, count)
    held = np.minimum(TP * DP, power_below(point.get(n_e, TP * DP)))
    EP = np.minimum(held, 2.0 ** rng.integers(0, 12, count))
    return {deg_TP: TP, deg_DP: DP, n_acc: TP * DP, deg_EP: np.where(rng.random(count) < 0.5, held, EP)}


def power_below(number: np.ndarray) -> np.ndarray:
    """The largest power of two that is not above a number."""
    return 2.0 ** np.floor(np.log2(number))
