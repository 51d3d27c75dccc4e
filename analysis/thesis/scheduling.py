"""Proposition (h) in numbers: degree, placement and copies of experts chosen for a batch and skew, and what they cost.

Throughput is the whole model's TPOT with two terms refined: the routed experts take as long as on the accelerator that
is last, which reads the slots (copies too) that tokens reach there; exchanges wait for the accelerator that gets most.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from sympy import Expr

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import Architecture, feedforward_stages
from analysis.derive.communication import dispatched_bytes
from analysis.derive.decoder import block_counts, weight_bytes_per_block
from analysis.derive.roofline import B_MoE
from analysis.derive.symbols import B, BW_Int, Gamma_acc, Gamma_imb, M_cap, T_e, deg_EP, l, n_acc, n_act
from analysis.derive.symbols import n_e as experts
from analysis.systems.layers import layers
from analysis.systems.quantity import needs_experts
from analysis.systems.timing import timing
from analysis.thesis.arrangement import Arrangement, arrangements, static
from analysis.thesis.full import batch_at_capacity, root, terms_at, total


@dataclass(frozen=True)
class Schedule:
    """An arrangement at a batch and skew: tokens/s and accelerator, gain over the static one [1], and what it costs.

    `balance`: arithmetic that experts attain over what the dense projection attains [1]; `extra_bytes`: memory of an
    accelerator beyond every expert held once [byte]; `wire_bytes`: what the busiest receives in the exchanges of a step
    [byte]; `moved_bytes`: expert weights that an accelerator fetches when the static arrangement gives way [byte];
    `repaid`: steps after which the time saved has paid for that (inf: never).
    """

    deg_EP: int
    placement: str
    copies: int
    imbalance: float
    per_accelerator: float
    gain: float
    balance: float
    extra_bytes: float
    wire_bytes: float
    moved_bytes: float
    repaid: float


@dataclass(frozen=True)
class Step:
    """An arrangement over batches: TPOT [s], nan where memory is too small, and `balance` as in `Schedule`."""

    arrangement: Arrangement
    time: np.ndarray
    balance: np.ndarray


def schedules(setting: Setting, batches, L: float, s: float) -> list[list[Schedule]]:
    """For each batch, every arrangement that fits memory under one skew, the best throughput first.

    Gains are over `static`; a batch for which that itself does not fit has none. Raises InputError without experts.
    """
    needs_experts(setting)
    batches = np.atleast_1d(np.asarray(batches, dtype=float))
    layer = setting.model.n_e, setting.model.n_k, float(s), int(setting["n_acc"])
    plain = step(setting, static(*layer), batches, L)
    found: list[list[Schedule]] = [[] for _ in batches]
    for each in (step(setting, every, batches, L) for every in arrangements(*layer)):
        for i in np.flatnonzero(np.isfinite(plain.time / each.time)):
            found[i].append(_judged(setting, each, plain, i, float(batches[i])))
    return [sorted(those, key=lambda schedule: -schedule.gain) for those in found]


def with_and_without(setting: Setting, batches, L: float, s: float) -> np.ndarray:
    """Gain of the best schedule that copies experts, and of the best that only places them, over the static one [1].

    A row for each batch; nan where none fits memory.
    """

    def best(those: list[Schedule], copied: bool) -> float:
        return max((each.gain for each in those if bool(each.copies) is copied), default=np.nan)

    return np.array([[best(those, True), best(those, False)] for those in schedules(setting, batches, L, s)])


def copies_lead(setting: Setting, batches, L: float, s: float) -> tuple[float | None, float | None]:
    """Batches [requests], to a millionth, below the first and from the second of which copies serve more than placing
    alone: its first and last change between the rising batches; None where there is none."""

    def ahead(batches) -> np.ndarray:
        return np.subtract(*with_and_without(setting, batches, L, s).T)

    def change(place: int) -> float:
        low, high = (float(batches[place + each]) for each in (0, 1))
        return root(lambda batch: float(ahead([batch])[0]), low, high, steps=20)

    leads = ahead(batches) > 0
    ends, begins = np.flatnonzero(leads[:-1] & ~leads[1:]), np.flatnonzero(~leads[:-1] & leads[1:])
    return change(ends[0]) if len(ends) else None, change(begins[-1]) if len(begins) else None


def _judged(setting: Setting, each: Step, plain: Step, i: int, batch: float) -> Schedule:
    held, slot = each.arrangement, slot_bytes(setting)
    moved, saved = held.moved(plain.arrangement) * slot, float(plain.time[i] - each.time[i])
    return Schedule(
        held.deg_EP,
        held.placement,
        held.copies,
        held.imbalance,
        batch / float(each.time[i]) / setting["n_acc"],
        float(plain.time[i] / each.time[i]),
        float(each.balance[i]),
        slot * (held.n_e * (1 / held.deg_EP - 1 / plain.arrangement.deg_EP) + held.copies),
        _wire_bytes(setting, held, batch),
        moved,
        moved / float(setting.point[BW_Int]) / saved if saved > 0 else np.inf,
    )


def step(setting: Setting, arrangement: Arrangement, batches: np.ndarray, L) -> Step:
    """A step of the arrangement over batches and contexts (one, or as many); copies stand in memory beside experts."""
    arranged = _spread(tuple(setting.given.items()), arrangement.deg_EP)
    room = {M_cap: float(arranged.point[M_cap]) - arrangement.copies * slot_bytes(arranged)}
    fits = batches <= batch_at_capacity(arranged, L, room)
    if not fits.any():
        return Step(arrangement, *[np.full(fits.shape, np.nan)] * 2)
    terms = terms_at(arranged, batches, L, {Gamma_acc: arrangement.imbalance})
    last, work = routed(arranged, arrangement, batches)
    terms["routed_experts"] = last
    dense, point = layers(arranged)["output"], arranged.point | {B: batches}
    projection = sum(value(timing(arranged).kernel(each, "output"), point) for each in dense.kernels)
    balance = work / last / (value(dense.flops, point) / projection)
    return Step(arrangement, np.where(fits, total(terms, arranged["overlap"]), np.nan), balance)


@lru_cache(maxsize=32)
def _spread(given: tuple, degree: int) -> Setting:
    return Setting.of(**dict(given) | {"s": 0, "placement": None, "copies": None, "deg_EP": degree, "deg_ETP": None})


def best_balance(setting: Setting, batches: np.ndarray, contexts: np.ndarray, skew: float) -> np.ndarray:
    """Arithmetic of experts over that of dense layers [1], in the arrangement that fits and serves most."""
    layer = setting.model.n_e, setting.model.n_k, skew, int(setting["n_acc"])
    steps = [step(setting, each, batches, contexts) for each in arrangements(*layer)]
    times, balances = (np.array([getattr(each, name) for each in steps]) for name in ("time", "balance"))
    best = np.argmin(np.nan_to_num(times, nan=np.inf), axis=0)[None]
    found, time = (np.take_along_axis(each, best, axis=0)[0] for each in (balances, times))
    return np.where(np.isfinite(time), found, np.nan)


def routed(setting: Setting, arrangement: Arrangement, batches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time of all blocks' routed experts on the accelerator that is last [s], and mean work of one [FLOP]."""
    group = value(B * l * deg_EP / n_acc, setting.point | {B: batches, deg_EP: arrangement.deg_EP})
    tokens, reached = arrangement.tokens(group), arrangement.reached(group)
    blocks = float(value(block_counts(setting.architecture)["routed"], setting.point))
    point = setting.point | {n_act: reached, T_e: tokens / reached}
    kernels = feedforward_stages(setting.architecture, setting["grouping"])["routed"]
    times = sum(value(timing(setting).kernel(kernel, "routed"), point) for kernel in kernels)
    work = sum(value(kernel.flops, point) for kernel in kernels)
    return blocks * np.max(times, axis=0), blocks * np.mean(work, axis=0)


def slot_bytes(setting: Setting) -> float:
    """Bytes of one routed expert in every block that has it [byte]."""
    return float(value(_slot(setting.architecture), setting.point))


@cache
def _slot(architecture: Architecture) -> Expr:
    return weight_bytes_per_block(architecture)["routed"] / experts * block_counts(architecture)["routed"]


def _wire_bytes(setting: Setting, arrangement: Arrangement, batch: float) -> float:
    sent = 2 * block_counts(setting.architecture)["routed"] * dispatched_bytes()
    return float(value(sent, setting.point | {B: batch, Gamma_acc: arrangement.imbalance})) * (arrangement.deg_EP > 1)


def waiting_batch(setting: Setting, gamma: float) -> float:
    """Batch [requests] below which the busiest experts wait for weights, so that imbalance costs wires alone."""
    point = setting.point | {Gamma_imb: gamma, deg_EP: setting.point[n_acc]}
    return float(value(B_MoE(True, setting.architecture.expert_width), point))
