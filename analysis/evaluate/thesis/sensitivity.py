"""Numbers that the verdicts hang on, under other conventions, systems, and achieved rates."""

from dataclasses import dataclass

import numpy as np

from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis.attention import device_speed, even_context
from analysis.evaluate.thesis.full import shares_at_capacity
from analysis.evaluate.thesis.queries import even_acceptance
from analysis.evaluate.thesis.resources import elasticities
from analysis.evaluate.thesis.verdict import variants
from analysis.evaluate.thesis.world import world

CONTEXT = 8192.0


@dataclass(frozen=True)
class Numbers:
    """Shares of TPOT [1], speed on the memory device [1], context from which it runs experts faster [tokens],
    acceptance from which two query tokens pay [1], elasticities [1]: in one variant, at 8K and B_cap."""

    name: str
    core_share: float
    wires_share: float
    device_speed: float | None
    device_context: float | None
    acceptance: float | None
    worth: dict[str, float]


def numbers(edition: Edition) -> list[Numbers]:
    """The latent model of an edition under every variant."""
    found = {name: world(edition, **changed) for name, changed in variants(edition).items()}
    return [_numbers(name, each.latent, each.device) for name, each in found.items()]


def _numbers(name: str, setting: Setting, device: str | None) -> Numbers:
    shares = shares_at_capacity(setting, np.array([CONTEXT]))
    speed, context = _on(setting.with_(accelerator_experts=device)) if device else (None, None)
    return Numbers(
        name,
        float(shares["core_attention"][0]),
        float(shares["communication"][0]),
        speed,
        context,
        even_acceptance(setting, 2, CONTEXT),
        elasticities(setting, CONTEXT),
    )


def _on(setting: Setting) -> tuple[float, float | None]:
    context = even_context(setting) if setting.model.n_moe else None
    return float(device_speed(setting, [CONTEXT])[0]), context
