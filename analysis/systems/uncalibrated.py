"""Stages of attention, and residual streams, that a calibration says nothing of."""

from sympy import Expr, Integer

from analysis.ask.setting import Setting
from analysis.data import calibrations
from analysis.derive import roofline
from analysis.derive.block import attention_stages
from analysis.derive.parallel import sharded
from analysis.systems.layers import title_of
from analysis.systems.timing import Step, at_rate, own_rate


def without_rows(setting: Setting) -> dict[str, Expr]:
    """Roofline time [s] in all blocks of each stage, by title, whose kernels no row of the calibration describes.

    >>> list(without_rows(Setting.of(model="kimi-linear-48b-a3b", calibration="published")))
    ['short convolutions', 'step of the state']
    >>> list(without_rows(Setting.of(model="deepseek-v4-flash", calibration="published")))[-1]
    'residual streams'
    """
    step, found = Step.of(setting), {}
    rows = calibrations.chosen(calibrations.named(setting["calibration"]), step.architecture)
    for kind in setting.architecture.attending:
        axes = kind.axes(sharded(setting.layout))
        stages = attention_stages(kind.mechanism, setting.conventions)
        if setting.architecture.streamed:
            stages = stages | {"streams": kind.streams(setting["grouping"])}
        for stage, kernels in stages.items():
            if not kernels or step.kind(kind.timed(stage), kind.mechanism.latent) in rows:
                continue
            title = title_of(stage, kind, setting.conventions)
            bare = sum((roofline.time(each.at(axes)) for each in kernels), Integer(0))
            time = at_rate(bare, own_rate(stage, setting.own_rates))
            found[title] = found.get(title, Integer(0)) + kind.blocks * time
    return found
