"""Proposition (e) in numbers: elasticity of throughput, the best split of a budget, tokens per joule.

A device is four factors on a reference accelerator's resources; that on the interconnect is of every link that it has,
inside a group and between groups. Its cost is the sum of each factor times the share of the reference's cost (its area,
power or price) that goes to that resource; a budget of 1 buys the reference. No source was found for such shares:
those in BUDGETS are assumed, and `over_shares` asks what others would give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from sympy import Symbol

from analysis.ask.points import row_point
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import BW_exp, BW_Int, BW_mem, BW_out, M_cap, P_acc, P_exp
from analysis.files.errors import InputError
from analysis.systems.balanced import RESOURCES
from analysis.thesis.full import batch_at_capacity, passing, throughput
from analysis.thesis.full_attention import longest

SINGLE = {"arithmetic": P_acc, "memory bandwidth": BW_mem, "capacity": M_cap, "interconnect": BW_Int}
OUTER = {"link between groups": BW_out}
SECOND = {"arithmetic for experts": P_exp, "memory bandwidth for experts": BW_exp}
BUDGETS = {"area": (0.45, 0.25, 0.2, 0.1), "power": (0.55, 0.3, 0.05, 0.1), "price": (0.3, 0.25, 0.35, 0.1)}
"""Assumed shares of an accelerator's area, power and price, in the order of RESOURCES; parameters of the notebook."""


def rate(setting: Setting, factors, L: float) -> np.ndarray:
    """Tokens/s and accelerator at B_cap with each resource multiplied by a factor (arrays of equal shape)."""
    pairs = zip(RESOURCES.values(), factors, strict=True)
    return _rate(setting, {symbol: factor for symbols, factor in pairs for symbol in symbols}, L)


def _rate(setting: Setting, factors: dict[Symbol, object], L: float) -> np.ndarray:
    """Tokens/s and accelerator at B_cap with some symbols multiplied by factors, those that the setting has."""
    had = {symbol: factor for symbol, factor in factors.items() if symbol in setting.point}
    replaced = {symbol: float(setting.point[symbol]) * np.asarray(factor) for symbol, factor in had.items()}
    return throughput(setting, batch_at_capacity(setting, L, replaced), L, replaced)


def elasticities(setting: Setting, L: float, step: float = 1e-6) -> dict[str, float]:
    """Elasticity of throughput at B_cap to each resource [1], as central differences of logarithms.

    Capacity changes the batch, the others the time of a token; these sum to 1, less the share of time that latency
    takes. A second level of network is a resource of its own, and so are the rates of a second device for experts.
    """
    more = (OUTER if setting.two_levels else {}) | (SECOND if "accelerator_experts" in setting.given else {})
    change = np.exp([step, -step])
    found = {}
    for name, symbol in (SINGLE | more).items():
        up, down = np.log(_rate(setting, {symbol: change}, L) * np.ones(2))
        found[name] = float((up - down) / (2 * step))
    return found


@dataclass(frozen=True)
class Split:
    """How a budget is spent: factors on the reference's resources, and tokens/s and accelerator over the reference."""

    factors: dict[str, float]
    gain: float


def checked_costs(costs, name: str = "costs") -> np.ndarray:
    """Shares of cost as numbers that add up to 1; `name` is the parameter's. Raises InputError."""
    costs = np.asarray(costs, dtype=float)
    if costs.shape != (4,) or np.any(costs <= 0) or abs(costs.sum() - 1) > 1e-9:
        raise InputError(
            f"{name}={costs.tolist()}: shares of arithmetic, memory bandwidth, capacity and interconnect in the cost "
            f"of an accelerator; allowed are four positive numbers that add up to 1, for example {BUDGETS['area']}."
        )
    return costs


def checked_budgets(lists) -> dict[str, np.ndarray]:
    """Named cost models, each as `checked_costs` reads it. Raises InputError."""
    return {name: checked_costs(costs, name) for name, costs in lists.items()}


def best_split(setting: Setting, L: float, costs=BUDGETS["area"], points: int = 9, rounds: int = 12) -> Split:
    """The split of a budget of 1 that maximises throughput: a grid over spending, then finer grids around the best.

    A grid whose best option lies on its edge is moved there before it is refined.
    """
    costs = checked_costs(costs)
    plain = float(rate(setting, np.ones(4), L))
    spent, width = costs, 4.0
    for _ in range(rounds):
        count = points if width > 2 else 7
        steps = np.geomspace(1 / width, width, count)
        options = np.array([[*each, 1.0] for each in product(steps, repeat=3)]) * spent
        options /= options.sum(axis=1, keepdims=True)
        best = np.nan_to_num(rate(setting, tuple((options / costs).T), L)).argmax()
        spent, inside = options[best], set(np.unravel_index(best, (count,) * 3)).isdisjoint((0, count - 1))
        width = 1 + (width - 1) / 3 if inside else width
    factors = spent / costs
    return Split(dict(zip(RESOURCES, factors.tolist(), strict=True)), float(rate(setting, factors, L)) / plain)


def share_grid(least: float = 0.05, most: float = 0.65, step: float = 0.1) -> np.ndarray:
    """Divisions of a budget among the four resources, a row each: every share from `least` to `most` by `step`.

    >>> len(share_grid()), share_grid(0.25, 0.25).tolist()
    (149, [[0.25, 0.25, 0.25, 0.25]])
    """
    rows = np.array(list(product(np.arange(least, most + step / 2, step).round(9), repeat=4)))
    return rows[np.abs(rows.sum(axis=1) - 1) < step / 1e3]


def gains_over_shares(setting: Setting, L: float, shares) -> np.ndarray:
    """Throughput that the best split gives over the reference [1], for each row of shares of its cost."""
    return np.array([best_split(setting, L, costs).gain for costs in shares])


def over_shares(setting: Setting, L: float) -> tuple[float, float]:
    """The least and the most that the best split gains over the shares of `share_grid` [1]."""
    gains = gains_over_shares(setting, L, share_grid())
    return float(gains.min()), float(gains.max())


def specialised(setting: Setting, device: str, costs) -> np.ndarray:
    """Factors of a device with a memory device's arithmetic and bandwidth per reference, scaled to a budget of 1."""
    costs, row = checked_costs(costs), row_point(datasets.accelerator(device), setting["peak"])
    factors = np.array([*(float(row[each]) / float(setting.point[each]) for each in (P_acc, BW_mem)), 1.0, 1.0])
    return factors / (factors @ costs)


def gain(setting: Setting, factors, L: float) -> float:
    """Throughput of a device of these factors over the reference [1]."""
    return float(rate(setting, factors, L)) / float(rate(setting, np.ones(4), L))


def shifted(costs, share: float) -> np.ndarray:
    """Costs with memory bandwidth at `share` and the others in their proportions.

    >>> shifted((0.4, 0.2, 0.2, 0.2), 0.6).round(3).tolist()
    [0.2, 0.6, 0.1, 0.1]
    """
    costs = checked_costs(costs)
    rest = costs * (1 - share) / (1 - costs[1])
    return np.where(np.arange(4) == 1, share, rest)


def even_share(setting: Setting, device: str, L: float, costs) -> float:
    """Share of memory bandwidth in the cost above which the specialised device loses [1]; 0 if it always does, inf if
    it never does, nan where the reference does not hold the model. A device that does not hold it serves nothing."""
    if not np.isfinite(rate(setting, np.ones(4), L)):
        return float("nan")

    def loss(share: float) -> float:
        return 1 - float(np.nan_to_num(gain(setting, specialised(setting, device, shifted(costs, share)), L)))

    return passing(loss, 1e-4, 1 - 1e-4)


def even_context(setting: Setting, name: str = "memory bandwidth", worth: float = 0.5) -> float:
    """Context [tokens] beyond which a resource's elasticity is above `worth`, sought from 256 to 1M or as far as memory
    holds a request; 0 if at all of these, inf if at none."""
    most = min(2.0**20, longest(setting) / 1.01)  # the elasticity to capacity tries less of it
    return passing(lambda L: elasticities(setting, L)[name] - worth, 256.0, most)


@dataclass(frozen=True)
class Device:
    """A device of the same budget as the reference: what it is, and its throughput over the reference per model [1]."""

    budget: str
    name: str
    gains: tuple[float, ...]


def devices(settings: Sequence[Setting], memory_device: str, L: float) -> list[Device]:
    """Under each named budget: the device specialised in attention, the best device of each model, and one for all.

    `for all` is the split whose least gain over the models is largest, sought on a grid of spending.
    """
    found = []
    for budget, costs in BUDGETS.items():
        made = {"specialised in attention": specialised(settings[0], memory_device, costs)}
        made |= {f"best for {s.model.id}": np.array(list(best_split(s, L, costs).factors.values())) for s in settings}
        made |= {"best for all": for_all(settings, L, costs)}
        found += [Device(budget, name, tuple(gain(s, factors, L) for s in settings)) for name, factors in made.items()]
    return found


def for_all(settings: Sequence[Setting], L: float, costs, points: int = 13) -> np.ndarray:
    """Factors of the device of a budget of 1 whose least gain over several models is largest."""
    costs = checked_costs(costs)
    options = np.array([[*each, 1.0] for each in product(np.geomspace(0.25, 4.0, points), repeat=3)]) * costs
    factors = options / options.sum(axis=1, keepdims=True) / costs
    gains = [rate(setting, tuple(factors.T), L) / float(rate(setting, np.ones(4), L)) for setting in settings]
    return factors[np.nanargmax(np.min(gains, axis=0))]


def tokens_per_joule(setting: Setting, L: float) -> float | None:
    """Tokens per joule at B_cap if the accelerator drew its TDP [token/J]; a bound on a real system only as far as
    it draws that much; None where the row has no TDP."""
    power = setting.accelerator.tdp
    return float(rate(setting, np.ones(4), L)) / power if power else None
