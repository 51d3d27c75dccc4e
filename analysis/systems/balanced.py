"""The machine that a model wants: at a batch, the rates and the memory of which none waits longer than another.

A decoding step asks the busiest accelerator for A(B) FLOP, T(B) bytes of its memory and W(B) bytes on wires per output
token. The machine is balanced where each takes the same time t = A/P_acc = T/BW_mem = W/BW_Int, where TPOT is the time
limit, and where memory is full at that batch. Kernels run one after another: at P_acc = A and BW_mem = T they take
sigma(B) = sum of max(A_k/A, T_k/T) >= 1, so that TPOT = t (sigma + 1), and t = (slo - latencies) / (sigma + 1) is
closed. With overlap=comm TPOT is the larger of t sigma and t + latencies. So a balanced machine is busy 1/(sigma + 1)
of a step on each resource: kernels of unlike intensity wait, whatever the machine; t sigma is what balance can do.

Assumptions: decoding; degrees, skew, widths and latencies as in the setting; one kind of accelerator; rates are peaks
that kernels reach; with two levels of network the outer bandwidth keeps its proportion to the inner one. Ratios depend
on the size of the machine, as weights are read once a step for all requests: a batch, or a memory bandwidth, sets it.
"""

from collections.abc import Mapping

import numpy as np
from sympy import Add, Expr, Symbol

from analysis.ask.degrees import check_degrees
from analysis.ask.forms import derived, names_of
from analysis.ask.numbers import value
from analysis.ask.points import OWN_PEAKS
from analysis.ask.reading import refuse_lists
from analysis.ask.setting import Setting
from analysis.derive.serving import COMMUNICATION
from analysis.derive.symbols import B, BW_Int, BW_mem, BW_out, M_cap, P_acc, alpha, deg_DP
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.utilisation import whole_model

RESOURCES: dict[str, tuple[Symbol, ...]] = {
    "arithmetic": (P_acc,),
    "memory bandwidth": (BW_mem,),
    "capacity": (M_cap,),
    "interconnect": (BW_Int, BW_out),
}
NEEDED = {"model": "deepseek-v3", "L": 8192, "slo": 0.05}
SOUGHT = {
    "BW_Int": "a design seeks the bandwidth of the link itself",
    "accelerator_experts": "a design is of one kind of accelerator",
    "calibration": "a design seeks rates that kernels reach",
    "OSL": "a design is of a machine that decodes",
    **dict.fromkeys(OWN_PEAKS.values(), "a design has one rate of arithmetic"),
}
Point = dict[Symbol, object]


def checked(setting: Setting) -> Setting:
    """Refuse what a design cannot start from. Raises InputError."""
    if missing := [name for name in NEEDED if name not in setting.given]:
        example = " ".join(f"{name}={NEEDED[name]}" for name in missing)
        raise InputError(f"needed: {', '.join(f'{name}=' for name in missing)}; give them, for example {example}.")
    refuse_lists(setting.given, "a design")
    for name, why in SOUGHT.items():
        if name in setting.given:
            raise InputError(f"{name}={setting[name]}: {why}; leave it out.")
    if setting["phase"] != "decode":
        raise InputError(f"phase={setting['phase']}: a design speaks of decoding; allowed is decode, leave phase= out.")
    if {"B", "accelerator"} <= setting.given.keys():
        raise InputError(
            f"B={setting['B']} and accelerator={setting['accelerator']}: each sets the size of the machine, the batch "
            "or the memory bandwidth; give one of them."
        )
    check_degrees(setting.numbers, names_of(derived(system.tpot, setting)))
    return setting


def work(setting: Setting) -> Expr:
    """Time of all kernels per output token [s]: TPOT less what wires take."""
    return Add(*(term for name, term in system.terms(setting).items() if name not in COMMUNICATION))


def wires(setting: Setting) -> Expr:
    """Time of all exchanges per output token [s]."""
    return Add(*(system.terms(setting)[name] for name in COMMUNICATION))


def arithmetic(setting: Setting) -> Expr:
    """A [FLOP]: operations of an accelerator per output token."""
    return whole_model(setting)[0] / system.tokens_per_step(setting)


def traffic(setting: Setting) -> Expr:
    """T [byte]: bytes between an accelerator and its memory per output token."""
    return whole_model(setting)[1] / system.tokens_per_step(setting)


def exchanged(setting: Setting) -> Expr:
    """W [byte]: bytes on wires per output token; with two levels, those that the inner link would carry meanwhile."""
    return wires(setting).xreplace({alpha: 0}) * BW_Int


def memory(setting: Setting) -> Expr:
    """Memory of an accelerator that a batch fills [byte]: B_cap(M_cap) = B, solved; B_cap is linear in M_cap."""
    cap = system.B_cap(setting)
    return (B - cap.xreplace({M_cap: 0})) / cap.diff(M_cap)


def balanced(setting: Setting, batch) -> Point:
    """B and the rates and memory [SI] of the balanced machine at a batch [requests], a number or an array.

    Memory is what may be used of it (`memory_share`). BW_Int is 0 where nothing is exchanged. Rates are not finite
    where latencies alone exceed the time limit.
    """
    point = setting.point | {B: batch}
    point |= {} if setting.two_levels else {BW_Int: 1.0}
    A, T, W = (value(derived(form, setting), point) for form in (arithmetic, traffic, exchanged))
    sigma = value(derived(work, setting), point | {P_acc: A, BW_mem: T})
    latency = value(derived(wires, setting), point | {BW_Int: np.inf, BW_out: np.inf})
    left = np.maximum(setting["slo"] - latency, 0)
    serial = left / (sigma + np.greater(W, 0))
    time = np.minimum(left, setting["slo"] / sigma) if setting["overlap"] == "comm" else serial
    with np.errstate(divide="ignore"):
        found = {B: batch, P_acc: A / time, BW_mem: T / time, BW_Int: W / time}
    found[M_cap] = value(derived(memory, setting), point)
    return found | ({BW_out: found[BW_Int] * point[BW_out] / point[BW_Int]} if setting.two_levels else {})


def batch_at(setting: Setting, bandwidth):
    """Batch [requests] at which the balanced machine has a memory bandwidth [byte/s], by bisection: T, and with it the
    bandwidth, rises with B. nan where it has more with one request for each group, or at any batch.
    """
    low, high = (end * np.ones(np.shape(bandwidth)) for end in (float(setting.point[deg_DP]), system.LARGEST_BATCH))
    ends = balanced(setting, low)[BW_mem], balanced(setting, high)[BW_mem]
    for _ in range(200):
        middle = np.sqrt(low * high)
        under = balanced(setting, middle)[BW_mem] < bandwidth
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return np.where((ends[0] <= bandwidth) & (bandwidth <= ends[1]), np.sqrt(low * high), np.nan)[()]


def evaluated(setting: Setting, point: Mapping[Symbol, object]) -> Point:
    """The setting's point with a machine in it, wires that nothing crosses taken as endless."""
    found = setting.point | dict(point)
    return found | {each: np.inf for each in (BW_Int, BW_out) if each in found and not np.any(found[each])}


def busy(setting: Setting, machine: Point) -> dict[str, float]:
    """Share of a step in which each rate is in use, and of memory that is full [1], by the whole model."""
    point = evaluated(setting, machine)
    needs = dict(zip(RESOURCES, (arithmetic, traffic, memory, exchanged), strict=True))
    tpot = value(derived(system.tpot, setting), point)
    return {
        name: float(value(derived(form, setting), point) / point[RESOURCES[name][0]] / (1 if form is memory else tpot))
        if machine[RESOURCES[name][0]]
        else 0.0
        for name, form in needs.items()
    }
