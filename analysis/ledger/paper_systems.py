"""The paper's serving systems, for the claims about them: settings of data/scenarios.csv, their batches and times."""

from functools import lru_cache

import numpy as np

from analysis.ask.numbers import values
from analysis.ask.setting import Setting
from analysis.derive import serving
from analysis.derive.symbols import BY_NAME, BW_mem, P_acc, n_acc
from analysis.systems import system
from analysis.systems.grids import capacities, grid
from analysis.systems.layers import swept
from analysis.systems.quantities import evaluate

R1, GPT3, LLAMA4 = "r1-32", "gpt3-32", "llama4-32"
CONTEXTS = 1024.0 * 2 ** np.arange(11)  # 1K to 1M
WIRES = serving.COMMUNICATION


@lru_cache(maxsize=256)
def scenario(name: str, **more) -> Setting:
    """The setting of a row of data/scenarios.csv, with parameters added or replaced. Raises InputError.

    Batches are judged as the paper prints them, down to an integer, not to whole requests for each group.
    """
    return Setting.of(scenario=name, **{"rounding": "down", **more})


@lru_cache(maxsize=512)
def cap(name: str, L: float, **more) -> float:
    """B_cap [requests] of a scenario at one context."""
    return float(capacities(scenario(name, **more), [L])[0])


def B_RP(name: str) -> float:
    """Batch [requests] at which all weight layers of a scenario have reached the ridge."""
    return evaluate("B_RP", scenario(name)).value


def throughput(setting: Setting, batch: float, L: float) -> float:
    """Tokens per second and accelerator [token/s]. Raises InputError."""
    return float(grid(setting, [batch], [L]).per_accelerator[0, 0])


@lru_cache(maxsize=64)
def caps(name: str, **more) -> np.ndarray:
    """B_cap [requests] of a scenario at each of `CONTEXTS`."""
    return capacities(scenario(name, **more), CONTEXTS)


_forms = lru_cache(maxsize=32)(serving.tpot_terms)  # deriving takes a fifth of a second


def terms(setting: Setting, batch, L, **replaced: float) -> dict[str, np.ndarray]:
    """Terms of TPOT [s] by name, over arrays of equal shape; `replaced` are symbols' values in SI units."""
    forms = _forms(setting.architecture, setting.conventions, system.system(setting))
    replaced = {BY_NAME[name]: number for name, number in replaced.items()}
    point = swept(setting, B=batch, L=L) | replaced
    return {name: np.broadcast_to(found, np.shape(L)) for name, found in values(forms, point).items()}


def total(found: dict[str, np.ndarray], *names: str) -> np.ndarray:
    """The sum of some terms [s]; of all if none is named."""
    return sum(found[name] for name in names or found)


def core_time(setting: Setting, batch, L, device: Setting) -> np.ndarray:
    """Time of core attention [s] in a setting if another setting's accelerator ran it."""
    rates = {symbol.name: device.point[symbol] for symbol in (P_acc, BW_mem)}
    return terms(setting, batch, L, **rates)["core_attention"]


def accelerators(setting: Setting) -> int:
    """Accelerators of a setting."""
    return setting.point[n_acc]
