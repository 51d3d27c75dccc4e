"""How a setting's counts become seconds: the bare roofline, or a calibration fitted to measured kernels."""

from functools import lru_cache

from sympy import Expr, Integer

from analysis.ask.setting import Setting
from analysis.data import calibrations
from analysis.derive.einsum import Counts, Kernel
from analysis.derive.roofline import ROOFLINE, Timing
from analysis.derive.serving import STAGES
from analysis.derive.symbols import BY_NAME, P_acc
from analysis.systems.calibrated import Step, exchange_of, is_latent, kernel_time, wire_time


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
