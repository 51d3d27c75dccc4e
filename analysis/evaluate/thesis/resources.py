"""Proposition (e) in numbers: elasticity of throughput, the best split of a budget, tokens per joule.

A device is four factors on a reference accelerator's resources. Its cost is the sum of each factor times the share
of the reference's cost (area, power or price) that goes to that resource; a budget of 1 buys the reference.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from sympy import Symbol

from analysis.derive.symbols import BW_Int, BW_mem, M_cap, P_acc
from analysis.errors import InputError
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis.full import batch_at_capacity, throughput

RESOURCES: dict[str, Symbol] = {
    "arithmetic": P_acc,
    "memory bandwidth": BW_mem,
    "capacity": M_cap,
    "interconnect": BW_Int,
}
COSTS = (0.35, 0.35, 0.2, 0.1)  # assumed shares of an accelerator's cost, in the order of RESOURCES
MEMORY_SIDE = (0.1, 4.0)  # arithmetic and bandwidth of a device in memory, in units of the reference


def rate(setting: Setting, factors, L: float) -> np.ndarray:
    """Tokens/s and accelerator at B_cap with each resource multiplied by a factor (arrays of equal shape)."""
    replaced = {
        symbol: float(setting.point[symbol]) * np.asarray(factor)
        for symbol, factor in zip(RESOURCES.values(), factors, strict=True)
        if symbol in setting.point
    }
    return throughput(setting, batch_at_capacity(setting, L, replaced), L, replaced)


def elasticities(setting: Setting, L: float, step: float = 1e-3) -> dict[str, float]:
    """Elasticity of throughput at B_cap to each resource [1], as central differences of logarithms.

    Capacity changes the batch, the others the time of a token.
    """
    found = {}
    for place, name in enumerate(RESOURCES):
        up, down = (np.where(np.arange(4) == place, np.exp(change), 1.0) for change in (step, -step))
        found[name] = float(np.log(rate(setting, up, L) / rate(setting, down, L)) / (2 * step))
    return found


@dataclass(frozen=True)
class Split:
    """How a budget is spent: factors on the reference's resources, and tokens/s and accelerator over the reference."""

    factors: dict[str, float]
    gain: float


def checked_costs(costs) -> np.ndarray:
    """Shares of cost as numbers that add up to 1. Raises InputError."""
    costs = np.asarray(costs, dtype=float)
    if costs.shape != (4,) or np.any(costs <= 0) or abs(costs.sum() - 1) > 1e-9:
        raise InputError(
            f"costs={costs.tolist()}: shares of arithmetic, memory bandwidth, capacity and interconnect in the cost of "
            f"an accelerator; allowed are four positive numbers that add up to 1, for example {COSTS}."
        )
    return costs


def best_split(setting: Setting, L: float, costs=COSTS, points: int = 17, rounds: int = 6) -> Split:
    """The split of a budget of 1 that maximises throughput: a grid over spending, then finer grids around the best."""
    costs = checked_costs(costs)
    plain = float(rate(setting, np.ones(4), L))
    spent, width = costs, 4.0
    for _ in range(rounds):
        steps = np.geomspace(1 / width, width, points if width > 2 else 7)
        options = np.array([[*each, 1.0] for each in product(steps, repeat=3)]) * spent
        options /= options.sum(axis=1, keepdims=True)
        gains = rate(setting, tuple((options / costs).T), L)
        spent, width = options[np.nanargmax(gains)], 1 + (width - 1) / 3
    factors = spent / costs
    return Split(dict(zip(RESOURCES, factors.tolist(), strict=True)), float(rate(setting, factors, L)) / plain)


def memory_side(setting: Setting, L: float, costs=COSTS) -> Split:
    """A device with a memory device's ratio of arithmetic to bandwidth, scaled to the same budget of 1."""
    costs = checked_costs(costs)
    factors = np.array([*MEMORY_SIDE, 1.0, 1.0])
    factors /= factors @ costs
    gain = float(rate(setting, factors, L) / rate(setting, np.ones(4), L))
    return Split(dict(zip(RESOURCES, factors.tolist(), strict=True)), gain)


def tokens_per_joule(setting: Setting, L: float) -> float | None:
    """Tokens per joule at B_cap if the accelerator drew its TDP [token/J]; a bound on a real system only as far as
    it draws that much; None where the row has no TDP."""
    power = setting.accelerator.tdp
    return float(rate(setting, np.ones(4), L)) / power if power else None
