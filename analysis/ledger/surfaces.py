"""Attention-block time over batch and context in both contraction orders, for the claims about it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from sympy import Expr

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import Conventions
from analysis.ledger.claims_intensity import ACCOUNTS, B200, R1
from analysis.systems.layers import attention_layers, swept
from analysis.systems.quantities import evaluate

ROPES = {"RoPE in": {}, "RoPE in, key shared": {"rope_key": "shared"}, "RoPE out": {"rope": "out"}}
CONVENTIONS = {f"{name}, {rope}": account | more for name, account in ACCOUNTS.items() for rope, more in ROPES.items()}
SYSTEM = 32  # accelerators of the paper's system, over which experts are spread; batches here are per accelerator
BATCHES, CONTEXTS = tuple(2.0 ** np.arange(13)), tuple(2.0 ** np.arange(9, 20))
ENDLESS = 2.0**29


@dataclass(frozen=True)
class Surface:
    """Ratio of two block times [1] over all pairs of batch (per accelerator) and context, both as flat arrays."""

    B: np.ndarray
    L: np.ndarray
    ratio: np.ndarray

    def where(self, mask: np.ndarray) -> "Surface":
        """The cells in `mask` alone."""
        return Surface(self.B[mask], self.L[mask], self.ratio[mask])

    def nearest(self, number: float) -> tuple[float, str]:
        """The ratio closest to a number, and its cell in words."""
        i = int(np.argmin(np.abs(self.ratio - number)))
        return float(self.ratio[i]), f"B = {self.B[i]:.0f}, L = {self.L[i]:.0f}"

    def largest(self) -> tuple[float, str]:
        """The largest ratio, and its cell in words."""
        return self.nearest(float(self.ratio.max()))


@cache
def _stage_times(conventions: Conventions) -> dict[str, Expr]:
    """Closed form of each stage's time [s]; kept, since several claims sweep the same few forms."""
    setting = Setting.of(model=R1, **conventions.chosen)
    return {stage: layer.time for stage, layer in attention_layers(setting).items()}


def _times(setting: Setting, **arrays) -> dict[str, np.ndarray]:
    point = swept(setting, **arrays)
    return {stage: value(form, point) for stage, form in _stage_times(setting.conventions).items()}


def block_time(setting: Setting) -> np.ndarray:
    """Time of the attention block [s], as `attention_block_time`, from forms that are kept."""
    return sum(_times(setting).values())


@cache
def surface(over: str, under: str, batches: tuple = BATCHES, contexts: tuple = CONTEXTS, **given) -> Surface:
    """Block time in contraction order `over` divided by that in order `under`."""
    b, length = (axis.ravel() for axis in np.meshgrid(batches, contexts, indexing="ij"))
    settings = [Setting.of(model=R1, accelerator=B200, order=order, **given) for order in (over, under)]
    first, second = (sum(_times(setting, B=b, L=length).values()) for setting in settings)
    return Surface(b, length, first / second)


def speedup(**given) -> Surface:
    """Without over with reordering, in decode."""
    return surface("as_printed", "reordered", **given)


def slowdown(**given) -> Surface:
    """With over without reordering, in prefill."""
    return surface("reordered", "as_printed", phase="prefill", **given)


def fits_memory(cells: Surface) -> np.ndarray:
    """Whether a cell fits an accelerator of the paper's 32 without reordering, decompressed K and V counted."""
    system = {"model": R1, "accelerator": B200, "n_acc": SYSTEM, "order": "as_printed", "rounding": "down"}
    cap = evaluate("B_cap", B=cells.B, L=cells.L, **system).value
    return cap >= cells.B * SYSTEM


def shares(**given) -> dict[str, float]:
    """Percentage of each stage in the time of the block without reordering, at the paper's B = 128 and L = 4096."""
    setting = Setting.of(model=R1, accelerator=B200, B=128, L=4096, order="as_printed", **given)
    times = _times(setting)
    return {stage: float(100 * time / sum(times.values())) for stage, time in times.items()}
