"""How a setting's counts become seconds: the bare roofline, or a calibration fitted to measured kernels."""

from functools import lru_cache

from analysis.derive.roofline import ROOFLINE, Timing
from analysis.evaluate.own_rows import file_state, is_path
from analysis.evaluate.setting import Setting


def timing(setting: Setting) -> Timing:
    """The setting's timing. Raises InputError for a calibration that is neither in data/calibrations.csv nor a file."""
    name = setting["calibration"]
    if name is None:
        return ROOFLINE
    return _calibrated(name, setting.architecture.mechanism.latent, file_state(name) if is_path(name) else None)


@lru_cache(maxsize=64)
def _calibrated(name: str, latent: bool, state) -> Timing:
    from analysis.evaluate.measured import calibrations  # the bare roofline needs none of it

    calibrations.named(name)
    return Timing(
        kernel=lambda counts, stage: calibrations.kernel_time(counts, name, stage, latent),
        wires=lambda seconds: calibrations.wire_time(seconds, name),
    )
