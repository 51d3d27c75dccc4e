"""Guidelines for co-design (i): inequalities with the value at which each flips, per model and accelerator."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.derive import roofline
from analysis.derive.symbols import BW_Int
from analysis.evaluate.numbers import value
from analysis.evaluate.quantities import evaluate
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import attention, balance, parallel
from analysis.evaluate.thesis.full import WIRES, terms_at

MODELS = ("gpt3-175b", "llama-4-maverick", "deepseek-v3")
ACCELERATORS = ("h100-sxm5", "h200-sxm5", "b200-sxm", "mi325x", "tpu-v7-ironwood")
COUNT, CONTEXT = 64, 8192.0  # accelerators that hold each model on each device at some degree, and a context
DEGREES = {"gpt3-175b": 8, "llama-4-maverick": 8, "deepseek-v3": 1}


@dataclass(frozen=True)
class Guideline:
    """An inequality in words, for whom it is, the unit of its flip point, how it is computed, and its figure."""

    rule: str
    reader: str
    unit: str
    flip: Callable[[Setting], float | None]
    figure: str
    experts: bool = False


def setting(model: str, accelerator: str) -> Setting:
    """The system on which guidelines are evaluated: `COUNT` accelerators, the paper's tensor-parallel degree."""
    return Setting.of(model=model, accelerator=accelerator, n_acc=COUNT, deg_TP=DEGREES[model])


def ridge_of_attention(system: Setting) -> float:
    """Ridge point [FLOP/byte] above which core attention waits for memory at `CONTEXT`."""
    return float(evaluate("core_attention_intensity", system.with_(L=CONTEXT, B=1024)).value)


def wires_at_ridge(system: Setting) -> float | None:
    """Interconnect bandwidth [byte/s] below which wires take longer than the routed experts at B_RP."""
    batch = float(value(roofline.B_MoE(), system.point))
    found = terms_at(system, batch, CONTEXT)
    wires = sum(float(found[name]) for name in WIRES)
    return float(system.point[BW_Int]) * wires / float(found["routed_experts"])


def _query_tokens(system: Setting) -> float:
    return parallel.query_tokens_at_ridge(system)


def _ridge_context(system: Setting) -> float | None:
    found = attention.ridge_context(system)
    return found if found > 0 else None


def _half(system: Setting) -> float | None:
    return attention.context_of_share(system)


def _groups(system: Setting) -> float:
    return balance.balanced_groups(system)


def _acceptance(system: Setting) -> float | None:
    found = parallel.even_acceptance(system, 2, CONTEXT)
    return found if found is not None and np.isfinite(found) else None


def _experts_batch(system: Setting) -> float:
    return float(value(roofline.B_MoE(), system.point))


GUIDELINES = (
    Guideline(
        "Expect core attention to compute rather than wait where the ridge point lies below",
        "architect",
        "FLOP/byte",
        ridge_of_attention,
        "fig-thesis-device",
    ),
    Guideline(
        "Expect core attention to take half of a token's time at full memory from a context of",
        "engineer",
        "tokens",
        _half,
        "fig-thesis-full-memory",
    ),
    Guideline(
        "Buy capacity before arithmetic where contexts exceed (memory holds fewer requests than the ridge needs)",
        "architect",
        "tokens",
        _ridge_context,
        "fig-thesis-resources",
    ),
    Guideline(
        "Draft tokens freely while query tokens a step stay below",
        "engineer",
        "tokens",
        _query_tokens,
        "fig-thesis-queries",
    ),
    Guideline(
        "Verify two tokens a step where drafts are accepted with probability above",
        "engineer",
        "1",
        _acceptance,
        "fig-thesis-queries",
    ),
    Guideline(
        "Batch at least this many requests before experts compute",
        "engineer",
        "requests",
        _experts_batch,
        "fig-thesis-balance",
        experts=True,
    ),
    Guideline(
        "Join as many data-parallel accelerators as balance experts and dense layers",
        "engineer",
        "accelerators",
        _groups,
        "fig-thesis-balance",
        experts=True,
    ),
    Guideline(
        "Give each accelerator at least this interconnect, lest wires outlast experts at the ridge",
        "architect",
        "GB/s",
        wires_at_ridge,
        "fig-thesis-full-memory",
        experts=True,
    ),
)


def flips(guideline: Guideline, model: str) -> list[float | None]:
    """The flip point on each of `ACCELERATORS`; None where the inequality never flips or the model does not fit."""
    systems = [setting(model, each) for each in ACCELERATORS]
    if guideline.experts and not systems[0].model.n_moe:
        return [None] * len(systems)
    found = [guideline.flip(system) for system in systems]
    scale = 1e9 if guideline.unit == "GB/s" else 1.0
    return [None if each is None or not np.isfinite(each) else each / scale for each in found]
