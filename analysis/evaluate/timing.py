"""How a setting's counts become seconds: the bare roofline, or a calibration fitted to measured kernels."""

from functools import lru_cache

from analysis.derive.roofline import ROOFLINE, Timing
from analysis.evaluate.setting import Setting


def timing(setting: Setting) -> Timing:
    """The setting's timing. Raises InputError for a calibration that is neither in data/calibrations.csv nor a file."""
    name = setting["calibration"]
    if name is None:
        return ROOFLINE
    from analysis.evaluate.measured import calibrations  # the bare roofline needs none of it

    return _calibrated(tuple(calibrations.named(name).items()), setting.architecture.mechanism.latent)


@lru_cache(maxsize=64)
def _calibrated(fitted: tuple, latent: bool) -> Timing:
    """Kept under the fitted rows themselves: a file may change under its name."""
    from analysis.evaluate.measured import calibrations

    rows = dict(fitted)
    return Timing(
        kernel=lambda counts, stage: calibrations.kernel_time(counts, rows, stage, latent),
        wires=lambda seconds: calibrations.wire_time(seconds, rows),
    )
