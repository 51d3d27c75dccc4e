"""How many launch floors each kernel of a step is charged, as engines run it."""

from functools import lru_cache

from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Architecture, Conventions, attention_stages, feedforward_stages
from analysis.derive.einsum import WEIGHTS, Kernel

WHOLE_STAGES = ("core", "routed", "index", "select")
"""Stages that were timed as one operation; every other stage is matrix products, each timed alone."""

UNCOUNTED = {"projections": 1, "dense": 2, "shared": 1, "router": 1}
"""Kernels before or inside a stage that compute nothing that is counted, each for one more floor: the norm before
attention, that before the feed-forward half (the router's, with experts), and the activation inside a gated layer."""


@lru_cache(maxsize=64)
def launches(built: Architecture, conventions: Conventions = Conventions()) -> dict[str, int]:
    """Launch floors that each kernel is charged: products of the same tensor are one launch, charged to the first.

    The core and the routed experts were timed whole: one floor, however their lines are grouped. Other stages carry the
    floors of `UNCOUNTED` kernels; mechanisms without a latent rotate and append in a kernel of its own besides.

    >>> found = launches(Architecture("GQA"))
    >>> [found[f"projections: {name}"] for name in ("q", "k_new", "v_new")], found["dense"]
    ([3, 0, 0], 4)
    """
    found: dict[str, int] = {}
    own = dict.fromkeys(kind.mechanism for kind in built.attending)
    others = [each for each in MECHANISMS.values() if each not in own]
    for mechanism in (*own, *others):  # a cell of a trial may have another mechanism than its setting
        stages = attention_stages(mechanism, conventions) | feedforward_stages(built, conventions.grouping)
        for stage, kernels in stages.items():
            more = UNCOUNTED.get(stage, 0) + (stage == "projections" and not mechanism.latent)
            for name, count in _launches(stage, kernels, more).items():
                found.setdefault(name, count)
    return found


def _launches(stage: str, kernels: tuple[Kernel, ...], more: int) -> dict[str, int]:
    seen: set[str] = set()
    found = {}
    for kernel in kernels:
        read = {stage} if stage in WHOLE_STAGES else {_multiplied(line) for line in kernel.lines}
        found[kernel.name] = len(read - seen) + (0 if seen else more)
        seen |= read
    return found


def _multiplied(line) -> str:
    """The operand of a product that is no weight."""
    return next(tensor.name for tensor in line.used if tensor.kind not in WEIGHTS)
