"""The conditions under which conclusions are checked: a place (link, context, device, model, ...) and a number."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.derive.symbols import BW_mem, P_acc
from analysis.evaluate import datasets
from analysis.evaluate.criteria import HALF, HUNDRED, MOST, NEAR, NO_GAIN, WIDER, near
from analysis.evaluate.quantities import evaluate
from analysis.evaluate.setting import Setting
from analysis.evaluate.thesis import balance, parallel, queries, resources
from analysis.evaluate.thesis.attention import whole_gain
from analysis.evaluate.thesis.factorial import HELD, effects, factorial
from analysis.evaluate.thesis.full import WIRES, batch_at_capacity, terms_at, total
from analysis.evaluate.thesis.scheduling import schedules
from analysis.evaluate.thesis.world import World

CONTEXTS = (1024.0, 8192.0, 65536.0, 2.0**20)
AT, BATCH, SKEWS, COUNTS = 8192.0, 128, (0.4, 0.8), (8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Condition:
    """Where a conclusion is checked, the number that decides, and whether it holds there."""

    where: str
    number: float
    holds: bool


def size(L: float) -> str:
    """A context in words.

    >>> size(8192.0), size(2.0**20)
    ('8K', '1M')
    """
    return f"{L / 2**20:g}M" if L >= 2**20 else f"{L / 1024:g}K"


def able_degrees(setting: Setting, degrees: tuple[int, ...]) -> list[int]:
    """Those of some tensor-parallel degrees that divide the accelerators and the query heads."""
    return [each for each in degrees if setting["n_acc"] % each == 0 and setting.model.n_hd % each == 0]


def raises(world: World) -> Iterator[Condition]:
    """Core attention's intensity over that of multi-head attention, per context."""
    old = next((each for each in world.others if each.model.attention == "MHA"), None)
    for L in CONTEXTS if old else ():
        high, low = (
            evaluate("core_attention_intensity", each.with_(B=BATCH, L=int(L), n_acc=1, deg_TP=1, deg_EP=None)).value
            for each in (world.latent, old)
        )
        yield Condition(f"L = {size(L)}", high / low, high / low > HUNDRED)


def computes(world: World) -> Iterator[Condition]:
    """Whether core attention waits for arithmetic, on the edition's accelerator and the paper's others."""
    printed = [row.id for row in datasets.shipped("accelerators").values() if row.RP_printed]
    own = world.latent.accelerator.id
    for name in dict.fromkeys((own, *printed)):
        if getattr(datasets.accelerator(name), f"P_{world.latent['peak']}") is None:
            continue
        each = world.latent.with_(accelerator=name, link=world.latent.link.id)
        slower = {P_acc: float(each.point[P_acc]) / 1.01}
        plain, less = (float(terms_at(each, 1024.0, AT, more)["core_attention"]) for more in ({}, slower))
        ratio = evaluate("core_attention_intensity", each.with_(B=1024, L=int(AT))).value
        ratio /= evaluate("ridge_point", accelerator=name, peak=each["peak"]).value
        yield Condition(name, ratio, less / plain > 1.005)


def no_longer(world: World) -> Iterator[Condition]:
    """Whether core attention is not the largest term at B_cap, per link and context; the wires count as one term."""
    for link, setting in world.judged.items():
        for L in CONTEXTS:
            found = _terms(setting, L)
            wires = sum(found.pop(name) for name in WIRES)
            core, rest = found.pop("core_attention"), max(*found.values(), wires)
            share = core / (core + wires + sum(found.values()))
            yield Condition(f"{link}, L = {size(L)}", share, core < rest)


def _terms(setting: Setting, L: float, replaced: dict | None = None) -> dict[str, float]:
    batch = batch_at_capacity(setting, L)
    found = terms_at(setting, np.where(batch >= 1, batch, np.nan), L, replaced)
    return {name: float(time) for name, time in found.items()}


def wires(world: World) -> Iterator[Condition]:
    """Whether wires and waiting for the busiest accelerator take over half of TPOT at B_cap."""
    for link, setting in world.judged.items():
        for s in (0.0, SKEWS[-1]) if setting.model.n_moe else ():
            skewed = setting.with_(s=s, placement="shuffled") if s else setting
            for L in CONTEXTS[:3]:
                even, found = _terms(setting, L), _terms(skewed, L)
                waiting = found["routed_experts"] - even["routed_experts"] + sum(found[name] for name in WIRES)
                share = waiting / sum(found.values())
                yield Condition(f"{link}, {'skewed' if s else 'even'} routing, L = {size(L)}", share, share > HALF)


def tunes(world: World) -> Iterator[Condition]:
    """Whether experts are as intense as dense layers, weights' bytes alone, per number of accelerators."""
    for count in COUNTS:
        ratio = float(balance.intensity_ratio(world.mixture, float(BATCH), count, activations=False))
        yield Condition(f"{count} accelerators", ratio, near(ratio))


def aligns(world: World) -> Iterator[Condition]:
    """Whether the best schedule brings experts to the dense layers' arithmetic, per skew and batch."""
    batches = (256.0, 1024.0, 4096.0)
    for s in SKEWS:
        for batch, found in zip(batches, schedules(world.mixture, batches, AT, s), strict=True):
            if found:
                yield Condition(f"Zipf {s:g}, B = {batch:g}", found[0].balance, found[0].balance >= 1 - NEAR)


def small(world: World) -> Iterator[Condition]:
    """Whether a memory device for experts gains, and gains most at short contexts, at few requests and at B_cap."""
    if world.device is None or not world.latent.model.n_moe:
        return
    plain, moved = world.latent, world.latent.with_(accelerator_experts=world.device)
    contexts = np.array(CONTEXTS[:3])
    few, full = np.full(3, 2.0 * plain["n_acc"]), batch_at_capacity(plain, contexts)
    for name, batch in {"two requests an accelerator": few, "as many as fit": full}.items():
        gains = total(terms_at(plain, batch, contexts)) / total(terms_at(moved, batch, contexts))
        yield Condition(name, float(gains[0]), bool(gains[0] > 1 and np.all(np.diff(gains) < 0)))


def not_needed(world: World) -> Iterator[Condition]:
    """Whether another device for core attention shortens no token, per model, context and device."""
    for setting in world.models if world.device else ():
        for L in CONTEXTS[1:3]:
            gain = whole_gain(setting.with_(accelerator_experts=world.device), L)
            yield Condition(f"{setting.model.id}, {world.device}, L = {size(L)}", gain, gain <= NO_GAIN)
    wider = {BW_mem: WIDER * float(world.latent.point[BW_mem])}
    found, wide = _terms(world.latent, AT), _terms(world.latent, AT, wider)["core_attention"]
    gain = sum(found.values()) / (sum(found.values()) - found["core_attention"] + wide)
    where = f"{world.latent.model.id}, {WIDER:g} times the bandwidth and all the arithmetic, L = {size(AT)}"
    yield Condition(where, gain, gain <= NO_GAIN)


def balanced(world: World) -> Iterator[Condition]:
    """Whether no split of the same budget serves much more, per model and named budget."""
    for setting in world.models:
        for budget, costs in resources.BUDGETS.items():
            gain = resources.best_split(setting, AT, costs, points=9).gain
            yield Condition(f"{setting.model.id}, by {budget}", gain, gain < MOST)


def tensor(world: World) -> Iterator[Condition]:
    """Whether tensor parallelism lengthens an attention block at B_cap, per degree and context."""
    for degree in able_degrees(world.latent, (2, 8)):
        for L in CONTEXTS[:3]:
            batch = float(batch_at_capacity(world.latent, L))
            change = parallel.attention_change(world.latent, batch, degree, L)
            share = float(change / parallel.attention_alone(world.latent, batch, L))
            yield Condition(f"degree {degree}, L = {size(L)}", share, share > 0)


def one_alone(world: World) -> Iterator[Condition]:
    """Whether one mechanism alone gives at least half of what both give, per what is held equal."""
    if world.latent.model.attention != "MLA" or not world.latent.model.n_moe:
        return
    cells = factorial(world.latent.with_(deg_TP=1, L=int(AT)))
    for held in HELD:
        found = effects(cells, held)
        for alone in ("MLA alone", "experts alone"):
            share = found[alone] / found["MLA and experts"]
            yield Condition(f"{alone}, equal {held} parameters", share, share >= HALF)


def drafts(world: World) -> Iterator[Condition]:
    """Whether several query tokens a step raise throughput, per number and acceptance."""
    for acceptance in (0.5, 0.7, 0.9):
        for query, gain in zip((2, 4, 8), queries.gain(world.latent, [2, 4, 8], AT, acceptance), strict=True):
            yield Condition(f"{query} query tokens, acceptance {acceptance:g}", float(gain), bool(gain > 1))
