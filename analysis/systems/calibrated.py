"""Time of one kernel, or of one exchange, by a row of a calibration: which row describes it, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sympy import Expr, Float

from analysis.ask.setting import Setting
from analysis.data import calibrations
from analysis.data.calibrations import Calibration
from analysis.derive import roofline
from analysis.derive.einsum import Counts, Kernel
from analysis.derive.parallel import Layout
from analysis.derive.symbols import BW_mem, Gamma_acc, P_acc, d_KVco, d_nope
from analysis.systems.beside import BESIDE, beside
from analysis.systems.launches import launches

UNQUANTISED, QUANTISED = "gemm", "gemm-fp8"
"""Products in BF16 and in FP8. The FP8 rows time the search for a scale and the conversion too, kernels that an engine
merges with the one before; in a step an FP8 product is charged the floor of a BF16 one, and its own rates."""

OWN = {"core": "attention", "routed": "experts", "index": "index", "select": "select"}
OWN |= {"picked core": "picked-core", "state": "state"}
"""Stages whose kernels are described apart, and the operation of decode that describes them."""
TIMED = (*OWN, "projections", "decompression", "output", "dense", "latent", "shared", "router", "head")
"""Stages that rows of a calibration may describe; others keep the bare roofline."""


@dataclass(frozen=True)
class Step:
    """What of a setting decides which fitted row describes a kernel, and how it is charged."""

    architecture: str | None
    prefill: bool
    order: str
    peak: str
    layout: Layout
    charged: tuple[tuple[str, int], ...]
    exponents: float = calibrations.EXPONENTS

    @classmethod
    def of(cls, setting: Setting) -> "Step":
        """The step of a setting."""
        architecture, exponents = setting.fitted
        charged = launches(setting.architecture, setting.conventions)
        prefill = setting["phase"] == "prefill"
        how = setting.conventions.order, setting["peak"]
        return cls(architecture, prefill, *how, setting.layout, tuple(charged.items()), exponents)

    def kind(self, stage: str, latent: bool) -> str:
        """The operation, as calibrations name it, that describes a stage.

        >>> from analysis.derive.parallel import WHOLE
        >>> Step("hopper", True, "as_printed", "bf16", WHOLE, ()).kind("core", latent=True)
        'latent-prefill'
        >>> Step("hopper", True, "as_printed", "bf16", WHOLE, ()).kind("state", latent=False)
        'state-prompt'
        """
        if stage not in TIMED:
            return ""
        if stage not in OWN:
            return QUANTISED if self.peak == "fp8" else UNQUANTISED
        if stage == "state" and self.prefill:
            return "state-prompt"
        if stage != "core":
            return OWN[stage]
        if not self.prefill:
            return "latent-attention" if latent else "attention"
        if not latent:
            return "attention-prefill"
        return "latent-prefill-reordered" if self.order == "reordered" else "latent-prefill"


def calibrated(
    compute,
    memory,
    token=0.0,
    between=0.0,
    handed=0.0,
    exponents=0.0,
    byte=0.0,
    *,
    floor=0.0,
    memory_efficiency=1.0,
    compute_efficiency=1.0,
    sharpness=np.inf,
    tile=0.0,
    ramp=0.0,
    lost=0.0,
    reach=0.0,
    passes=0.0,
    gathers=0.0,
    launches=1,
):
    """Time of a kernel [s] from its times at peak rates (arithmetic, traffic, and those of `Beside`).

    A floor for each launch; a smooth maximum of arithmetic, traffic, exponentials and `tile` tokens of every request;
    up to `ramp` seconds, or those of `lost` bytes, until full rates are reached, half of them where that maximum is
    `reach`; what parts pass on, `passes` times, and are handed, `gathers` times. Works on numbers, arrays and closed
    forms; the defaults are the bare roofline.

    >>> calibrated(3.0, 4.0, floor=1.0, sharpness=2.0)
    6.0
    >>> calibrated(3.0, 4.0, between=0.5, passes=2.0, ramp=1.0, reach=7.0, sharpness=1.0)
    8.5
    """
    arithmetic, traffic = compute / compute_efficiency, memory / memory_efficiency
    if sharpness == np.inf:
        work = np.maximum(arithmetic, traffic)
    else:
        roofs = arithmetic**sharpness + traffic**sharpness + exponents**sharpness
        roofs += (tile * token) ** sharpness if tile else 0
        work = roofs ** (1 / sharpness)
    return (
        launches * floor
        + ramped(work, lost * byte if lost else ramp, reach)
        + (passes * between if passes else 0)
        + (gathers * handed if gathers else 0)
    )


def ramped(work, ramp=0.0, reach=0.0):
    """Time at attained rates [s], and what is lost until they are reached."""
    return work * (1 + ramp / (work + reach)) if reach else work


def kernel_time(
    kernel: Kernel | Counts,
    rows: Mapping[str, Calibration],
    stage: str,
    step: Step,
    charged: Mapping[str, int] | None = None,
) -> Expr:
    """Calibrated time of one kernel [s] as a closed form, for `evaluate` in place of the roofline time.

    `rows` are those of one calibration and architecture (`chosen`), `stage` is the stage of the block (core, routed,
    projections ...), `charged` the floors of each kernel by name (else one). A stage whose kind the calibration lacks
    keeps the bare roofline.
    """
    model = rows.get(step.kind(stage, is_latent(kernel)))
    if model is None:
        return roofline.time(kernel)
    more = beside(kernel, stage, step.layout, step.exponents)
    floor = {"floor": rows[UNQUANTISED].floor} if model.operation == QUANTISED and UNQUANTISED in rows else {}
    numbers = {key: Float(number) for key, number in (model.parameters | floor).items()}
    parts = kernel.flops / P_acc, kernel.bytes / BW_mem, *(getattr(more, name) for name in BESIDE)
    return calibrated(*parts, **numbers, launches=(charged or {}).get(kernel.name, 1))


def is_latent(kernel: Kernel | Counts) -> bool:
    """Whether a kernel reads what latent attention caches or makes of it."""
    return bool(kernel.bytes.free_symbols & {d_KVco, d_nope})


def exchange_of(time: Expr) -> str:
    """The operation, as calibrations name it, of a time on the wires: only a dispatch or combine knows the load of the
    busiest accelerator; a sum among a group is an all-reduce.
    """
    return "exchange" if Gamma_acc in time.free_symbols else "all-reduce"


def wire_time(time: Expr, rows: Mapping[str, Calibration]) -> Expr:
    """Calibrated time of a dispatch, combine or all-reduce [s] from its time at the link's rate."""
    model = rows.get(exchange_of(time))
    if model is None:
        return time
    return model.floor + ramped(time / model.memory_efficiency, model.ramp or 0.0, model.reach or 0.0)
