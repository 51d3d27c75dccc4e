"""Stages of attention that a calibration says nothing of."""

from sympy import Expr, Integer

from analysis.ask.setting import Setting
from analysis.data import calibrations
from analysis.derive import roofline
from analysis.derive.block import attention_stages
from analysis.derive.parallel import sharded
from analysis.systems.layers import title_of
from analysis.systems.timing import Step


def without_rows(setting: Setting) -> dict[str, Expr]:
    """Roofline time [s] in all blocks of each stage, by title, whose kernels no row of the calibration describes.

    >>> list(without_rows(Setting.of(model="kimi-linear-48b-a3b", calibration="published")))
    ['short convolutions', 'step of the state']
    """
    step, found = Step.of(setting), {}
    rows = calibrations.chosen(calibrations.named(setting["calibration"]), step.architecture)
    for kind in setting.architecture.attending:
        axes = kind.axes(sharded(setting.layout))
        for stage, kernels in attention_stages(kind.mechanism, setting.conventions).items():
            if not kernels or step.kind(kind.timed(stage), kind.mechanism.latent) in rows:
                continue
            title = title_of(stage, kind, setting.conventions)
            time = sum((roofline.time(each.at(axes)) for each in kernels), Integer(0))
            found[title] = found.get(title, Integer(0)) + kind.blocks * time
    return found
