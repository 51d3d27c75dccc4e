"""How a setting's counts become seconds: the bare roofline, or a calibration fitted to measured kernels."""

from functools import cache

from analysis.derive.roofline import ROOFLINE, Timing
from analysis.evaluate.setting import Setting


def timing(setting: Setting) -> Timing:
    """The setting's timing. Raises InputError for a calibration that data/calibrations.csv does not have."""
    if setting["calibration"] is None:
        return ROOFLINE
    return _calibrated(setting["calibration"], setting.architecture.mechanism.latent)


@cache
def _calibrated(name: str, latent: bool) -> Timing:
    from analysis.evaluate.measured import calibrations  # the bare roofline needs none of it

    calibrations.named(name)
    return Timing(
        kernel=lambda counts, stage: calibrations.kernel_time(counts, name, stage, latent),
        wires=lambda seconds: calibrations.wire_time(seconds, name),
    )
