"""How a setting's counts become seconds: the bare roofline, or a calibration fitted to measured kernels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sympy import Expr, Float, Integer, cancel

from analysis.ask.setting import Setting
from analysis.data import calibrations
from analysis.data.calibrations import Calibration
from analysis.derive import roofline
from analysis.derive.einsum import Counts, Kernel, layered
from analysis.derive.feedforward import ROUTED_EXPERTS
from analysis.derive.parallel import WHOLE, Layout
from analysis.derive.roofline import ROOFLINE, Timing
from analysis.derive.serving import STAGES
from analysis.derive.symbols import (
    BY_NAME,
    BW_mem,
    Gamma_acc,
    L,
    P_acc,
    S_passes,
    T_e,
    d_emb,
    d_KVco,
    d_MoE,
    d_nope,
    n_act,
    width_activations,
    width_experts,
    width_kv,
    width_weights,
)
from analysis.systems.launches import launches

UNQUANTISED, QUANTISED = "gemm", "gemm-fp8"
"""Products in BF16 and in FP8. The FP8 rows time the search for a scale and the conversion too, kernels that an engine
merges with the one before; in a step an FP8 product is charged the floor of a BF16 one, and its own rates."""

GATHERED = 1e12
"""Bandwidth [byte/s] of the geometric mean at which parts of a kernel pass tensors on: gathers are held up by memory
and by instructions in about equal parts, and instructions take as long on every accelerator here."""

OWN = {"core": "attention", "routed": "experts", "index": "index", "select": "select"}
OWN |= {"picked core": "picked-core", "state": "state"}
"""Stages whose kernels are described apart, and the operation of decode that describes them."""
TIMED = (*OWN, "projections", "decompression", "output", "dense", "latent", "shared", "router", "head")
"""Stages that rows of a calibration may describe; others keep the bare roofline."""
HALF = 2  # bytes: parts of a kernel hand on BF16 whatever the width of its operands


@dataclass(frozen=True)
class Beside:
    """What a kernel takes beside its arithmetic and its traffic, as times [s] for keys and values of one token of every
    request at the memory's rate, for what its parts pass on, and for the rows that it is handed, both at the rate of
    gathers; for the exponentials of its softmax, and for one byte at the memory's rate.
    """

    token: Expr = Integer(0)
    between: Expr = Integer(0)
    handed: Expr = Integer(0)
    exponents: Expr = Integer(0)
    byte: Expr = Integer(0)


BESIDE = tuple(Beside.__dataclass_fields__)


def beside(
    counts: Kernel | Counts, stage: str, layout: Layout = WHOLE, exponents: float = calibrations.EXPONENTS
) -> Beside:
    """What the core of attention, or the routed experts, take beside their counts; nothing for other stages.

    The core passes on queries and results; experts every tensor of their lines run one by one. `exponents` are those
    that the accelerator computes each second.
    """
    gathered = (BW_mem * GATHERED) ** 0.5
    if stage in ("core", "picked core"):
        moved = counts.bytes.xreplace({S_passes: Integer(0)})
        own = moved.xreplace({width_kv: Integer(0)}).xreplace({L: Integer(0)})
        token = (moved - own).xreplace({L: Integer(1)})
        return Beside(token / BW_mem, own / gathered, exponents=counts.exponents / exponents, byte=1 / BW_mem)
    if stage == "routed":
        passed, rows = (ratio.xreplace({d_MoE: d_MoE / layout.parts}) for ratio in _per_flop())
        return Beside(Integer(0), counts.flops * passed / gathered, counts.flops * rows / gathered)
    return Beside()


@lru_cache(maxsize=1)
def _per_flop() -> tuple[Expr, Expr]:
    """Bytes that routed experts pass on, and bytes of the rows that they are handed, over their FLOPs."""
    alone = {width_weights: Integer(0), width_experts: Integer(0), width_activations: Integer(HALF)}
    whole = Kernel("routed", ROUTED_EXPERTS)
    passed = sum((each.bytes.xreplace(alone) for each in layered("routed", ROUTED_EXPERTS)), Integer(0))
    return cancel(passed / whole.flops), cancel(HALF * n_act * T_e * d_emb / whole.flops)


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
        name = setting.accelerator.id if "accelerator" in setting.given else None
        charged = launches(setting.architecture, setting.conventions)
        prefill = setting["phase"] == "prefill"
        how = setting.conventions.order, setting["peak"]
        rate = calibrations.exponents_of(name)
        return cls(calibrations.architecture_of(name), prefill, *how, setting.layout, tuple(charged.items()), rate)

    def kind(self, stage: str, latent: bool) -> str:
        """The operation, as calibrations name it, that describes a stage.

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


def timing(setting: Setting, floors: bool = True) -> Timing:
    """The setting's timing, launch floors left out if so asked.

    Raises InputError for a calibration that is neither in data/calibrations.csv nor a file.
    """
    return _at_own_rates(_at_one_rate(setting, floors), setting.own_rates)


def own_rate(stage: str, apart: tuple[str, ...]) -> Expr:
    """Arithmetic peak of a stage over P_acc [1], where some parts of the model have rates of their own.

    >>> own_rate("core", ("core", "index")), own_rate("core of KDA", ("core",)), own_rate("output", ("core",))
    (rate_core, rate_core, 1)
    """
    part = "core" if stage not in STAGES else {"routed": "experts"}.get(stage, stage)
    return BY_NAME[f"rate_{part}"] if part in apart else Integer(1)


def at_rate(time: Expr, rate: Expr) -> Expr:
    """The same time [s] where arithmetic runs at `rate` times P_acc."""
    return time if rate == 1 else time.xreplace({P_acc: rate * P_acc})


@lru_cache(maxsize=64)
def _at_own_rates(timing: Timing, apart: tuple[str, ...]) -> Timing:
    def kernel(counts: Kernel | Counts, stage: str) -> Expr:
        return at_rate(timing.kernel(counts, stage), own_rate(stage, apart))

    return Timing(kernel, timing.wires) if apart else timing


def _at_one_rate(setting: Setting, floors: bool) -> Timing:
    name = setting["calibration"]
    if name is None:
        return ROOFLINE
    step = Step.of(setting)
    rows = calibrations.chosen(calibrations.named(name), step.architecture)
    if not floors:
        rows = {key: row.model_copy(update={"floor": 0.0}) for key, row in rows.items()}
    return _calibrated(tuple(rows.items()), step)


def floors(setting: Setting) -> Timing:
    """What launches alone take of the setting's timing: nothing on the bare roofline."""
    whole, bare = timing(setting), timing(setting, floors=False)
    return Timing(
        kernel=lambda counts, stage: whole.kernel(counts, stage) - bare.kernel(counts, stage),
        wires=lambda seconds: whole.wires(seconds) - bare.wires(seconds),
    )


def errors(setting: Setting) -> Timing:
    """How far each kernel and exchange of the setting's calibrated timing may be expected to be off [s]."""
    step, whole = Step.of(setting), timing(setting)
    rows = calibrations.chosen(calibrations.named(setting["calibration"]), step.architecture)

    def share(operation: str) -> float:
        return rows[operation].error_on(step.architecture) if operation in rows else 0.0

    return Timing(
        kernel=lambda counts, stage: whole.kernel(counts, stage) * share(step.kind(stage, is_latent(counts))),
        wires=lambda seconds: whole.wires(seconds) * share(exchange_of(seconds)),
    )


@lru_cache(maxsize=64)
def _calibrated(fitted: tuple, step: Step) -> Timing:
    """Kept under the fitted rows themselves: a file may change under its name."""
    rows, charged = dict(fitted), dict(step.charged)
    return Timing(
        kernel=lambda counts, stage: kernel_time(counts, rows, stage, step, charged),
        wires=lambda seconds: wire_time(seconds, rows),
    )


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
