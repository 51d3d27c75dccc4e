"""How far the verdicts hang on conventions, on the system, and on achieved rates in place of the datasheet's."""

from dataclasses import dataclass

import numpy as np

from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis.attention import device_speed, even_context
from analysis.evaluate.thesis.full import shares_at_capacity
from analysis.evaluate.thesis.parallel import even_acceptance
from analysis.evaluate.thesis.resources import elasticities

CONTEXT = 8192.0
VARIANTS = {
    "as in the chapter": {},
    "overlapped communication": {"overlap": "comm"},
    "memory book of Eq. 11": {"weights": "eq11"},
    "FP8 throughout": {"width": 1, "peak": "fp8"},
    "score matrix spilled": {"grouping": "spilled"},
    "RoPE left out": {"rope": "out"},
    "B200 as shipped": {"accelerator": "b200-sxm"},
    "slow link everywhere": {"link": "ib-xdr"},
    "measured efficiencies and floors": {"calibration": "published"},
}


@dataclass(frozen=True)
class Verdicts:
    """What the verdicts rest on in one variant, at 8K and B_cap."""

    name: str
    core_share: float
    wires_share: float
    device_speed: float | None
    device_context: float | None
    acceptance: float | None
    worth: dict[str, float] | None


def base() -> Setting:
    """The system of the paper's main figures, with latent attention."""
    return Setting.of(model="deepseek-v3", accelerator="b200-paper", n_acc=32)


def verdicts() -> list[Verdicts]:
    """Every variant: of the conventions, of the system, and measured efficiencies in place of the datasheet's rates."""
    return [_verdicts(name, base().with_(**changed)) for name, changed in VARIANTS.items()]


def _verdicts(name: str, setting: Setting) -> Verdicts:
    shares = shares_at_capacity(setting, np.array([CONTEXT]))
    speed, context = _device(setting) if _comparable(setting) else (None, None)
    return Verdicts(
        name,
        float(shares["core_attention"][0]),
        float(shares["communication"][0]),
        speed,
        context,
        even_acceptance(setting, 2, CONTEXT),
        elasticities(setting, CONTEXT),
    )


def _comparable(setting: Setting) -> bool:
    """The memory device has one arithmetic rate, and nobody has measured it."""
    return setting["peak"] == "bf16" and setting["calibration"] is None


def _device(setting: Setting) -> tuple[float, float]:
    device = setting.with_(accelerator_experts="pim-paper")
    return float(device_speed(device, [CONTEXT])[0]), even_context(device)
